//! Posting lists against plain sets, in lists of many blocks.

use std::collections::BTreeSet;
use std::ops::Bound;

use proptest::prelude::*;

use super::*;
use crate::store::postings::OPEN;

const TABLE: TableName = POSTED.table;

fn toy((rank, key): (i64, u64)) -> Toy {
    Toy { key, name: String::new(), rank, tags: Vec::new() }
}

/// Records to put, by rank and number, and numbers to remove.
type Batch = (Vec<(i64, u64)>, Vec<u64>);

fn batches() -> impl Strategy<Value = Vec<Batch>> {
    let rank = prop_oneof![Just(0_i64), -2000..2000_i64, Just(i64::MIN), Just(i64::MAX)];
    let put = prop::collection::vec((rank, 0..500_u64), 0..200);
    let run = (0..400_u64, 1..300_u64).prop_map(|(from, count)| (from..from + count).collect());
    let removed = prop_oneof![prop::collection::vec(0..500_u64, 0..60), run];
    prop::collection::vec((put, removed), 1..5)
}

fn raw(tx: &ReadTx, table: TableName) -> Vec<(Vec<u8>, Vec<u8>)> {
    tx.range_raw(table, Bound::Unbounded, Bound::Unbounded).unwrap().map(Result::unwrap).collect()
}

proptest! {
    #[test]
    fn lists_are_sets_in_blocks_that_follow_from_what_is_in_them(
        batches in batches(),
        at in (-2500..2500_i64, 0..600_u64),
        to in (-2500..2500_i64, 0..600_u64),
    ) {
        let disk = disk::Disk::default();
        let store = open(on(&disk)).unwrap();
        let mut left = std::collections::BTreeMap::new();
        for (put, removed) in batches {
            left.extend(put.iter().map(|(rank, key)| (*key, *rank)));
            let put = put.into_iter().map(|at| Op::Put(toy(at)));
            // Some come and go within a batch.
            let gone: Vec<_> = removed.iter().map(|key| Op::Remove(*key)).collect();
            left.retain(|key, _| !removed.contains(key));
            let ops: Vec<_> = put.chain(gone).collect();
            if !ops.is_empty() {
                prop_assert!(batch(&store, ops).into_iter().all(|done| done.is_ok()));
            }
        }
        let wanted: BTreeSet<_> = left.iter().map(|(key, rank)| posting_of(*rank, *key)).collect();
        let tx = store.begin_read().unwrap();

        let mut found = Vec::new();
        tx.each_posting(TABLE, |_, posting| found.push(posting)).unwrap();
        prop_assert_eq!(found, wanted.iter().copied().collect::<Vec<_>>());
        let at_once =
            Scratch::filled(|tx| left.iter().try_for_each(|(key, rank)| tx.put(&toy((*rank, *key))))).unwrap();
        for table in [TABLE, OPEN] {
            prop_assert_eq!(raw(&tx, table), raw(&at_once.begin_read().unwrap(), table));
        }

        let (at, to) = (posting_of(at.0, at.1), posting_of(to.0, to.1));
        let mut list = tx.postings(TABLE, Vec::new()).unwrap();
        prop_assert_eq!(list.count(), wanted.len() as u64);
        for bound in [Bound::Included(at), Bound::Excluded(at), Bound::Included(to), Bound::Unbounded] {
            let last = wanted.range((Bound::Unbounded, bound)).next_back().copied();
            prop_assert_eq!(list.last_to(bound).unwrap(), last);
        }
        let between: Vec<_> = list.between(at.min(to), at.max(to)).unwrap().map(Result::unwrap).collect();
        prop_assert_eq!(between, wanted.range(at.min(to)..at.max(to)).copied().collect::<Vec<_>>());
        prop_assert_eq!(tx.postings(TABLE, Vec::new()).unwrap().between(at.max(to), at.min(to)).unwrap().count(), 0);
    }

    #[test]
    fn no_bytes_break_the_reading_of_a_block(bytes: Vec<u8>, first: u128) {
        use crate::store::postings::{Block, read_sealed};
        let _ = read_sealed(first, &bytes);
        let _ = Block::read_open(&bytes).map(|block| block.is_sound());
        let _ = Block::read_open(&[&[1; 43], bytes.as_slice()].concat()).map(|block| block.is_sound());
    }
}

#[test]
fn a_list_that_clients_keep_open_has_an_end() {
    // Numbers that begin no block are what a client would need to make every commit rewrite all of its list.
    use crate::store::postings::begins;
    let toys: Vec<_> = (0_u64..).filter(|key| !begins(posting_of(0, *key))).take(5000).collect();
    let scratch = Scratch::filled(|tx| toys.iter().try_for_each(|key| tx.put(&toy((0, *key))))).unwrap();
    let tx = scratch.begin_read().unwrap();
    assert!(raw(&tx, OPEN).iter().all(|(_, block)| block.len() < 2048));
    let mut found = Vec::new();
    tx.each_posting(TABLE, |_, posting| found.push(parts_of(posting).1)).unwrap();
    assert_eq!(found, toys);
}
