//! Random commands against plain maps.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use proptest::prelude::*;

use super::disk::Disk;
use super::*;
use crate::store::postings::{OPEN, begins};

/// What the store should hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Model {
    toys: BTreeMap<u64, Toy>,
    counts: BTreeMap<String, u64>,
    lines: BTreeMap<u64, u64>,
}

impl Model {
    /// Does what the store should do.
    pub fn apply(&mut self, op: &Op) -> Seen {
        match op {
            Op::Put(toy) => {
                self.toys.insert(toy.key, toy.clone());
                Seen::Nothing
            }
            Op::Remove(key) => Seen::Toy(self.toys.remove(key)),
            Op::Get(key) => Seen::Toy(self.toys.get(key).cloned()),
            Op::FindFirst(name) => {
                Seen::Key(self.toys.values().find(|toy| toy.name == *name).map(|toy| toy.key))
            }
            Op::FirstKey => Seen::Key(self.toys.keys().next().copied()),
            Op::All => Seen::Toys(self.toys.values().cloned().collect()),
            Op::Bump(name, by) => {
                let count = self.counts.entry(name.clone()).or_default();
                *count += by;
                Seen::Number(*count)
            }
            Op::Count(name) => Seen::Number(self.counts.get(name).copied().unwrap_or(0)),
            Op::Log(at, line) => {
                self.lines.insert(*at, *line);
                Seen::Nothing
            }
            Op::Forget(before, limit) => {
                let limit = usize::try_from(*limit).unwrap();
                let gone: Vec<_> = self.lines.range(..before).map(|(at, _)| *at).take(limit).collect();
                self.lines.retain(|at, _| !gone.contains(at));
                Seen::Number(gone.len() as u64)
            }
            Op::Panic | Op::Fail | Op::Gate(..) => unreachable!("no model does this"),
        }
    }

    /// What the store holds.
    pub fn read(tx: &ReadTx) -> Self {
        Self {
            toys: tx.all::<Toy>().unwrap().map(Result::unwrap).collect(),
            counts: tx.all::<Count>().unwrap().map(Result::unwrap).map(|(k, c)| (k, c.0)).collect(),
            lines: tx.all::<Line>().unwrap().map(Result::unwrap).map(|(k, l)| (k, l.0)).collect(),
        }
    }

    /// The keys of an index table, worked out without the store's own index code.
    fn index<V: Key>(&self, values: impl Fn(&Toy) -> Vec<V>) -> BTreeSet<Vec<u8>> {
        let entries =
            |toy: &Toy| values(toy).into_iter().map(|v| (v, toy.key).to_bytes()).collect::<Vec<_>>();
        self.toys.values().flat_map(entries).collect()
    }

    /// Every table, every index and every way of reading agrees with the model.
    pub fn assert_is(&self, tx: &ReadTx) {
        assert_eq!(Self::read(tx), *self);
        for (table, wanted) in [
            (BY_NAME.table, self.index(|t| vec![t.name.clone()])),
            (BY_RANK.table, self.index(|t| vec![t.rank])),
        ] {
            let all = tx.range_raw(table, Bound::Unbounded, Bound::Unbounded).unwrap();
            let found: Vec<_> = all.map(|entry| entry.unwrap().0).collect();
            assert_eq!(tx.len(table).unwrap(), wanted.len() as u64);
            assert_eq!(tx.last_key_to(table, Bound::Unbounded).unwrap(), wanted.last().cloned());
            assert_eq!(found, wanted.into_iter().collect::<Vec<_>>(), "{table}");
        }
        self.assert_postings(tx);
        for name in names() {
            let found: Vec<_> = tx.find(&BY_NAME, &name).unwrap().map(Result::unwrap).collect();
            let wanted: Vec<_> = self.toys.values().filter(|t| t.name == name).map(|t| t.key).collect();
            assert_eq!(found, wanted, "{name:?}");
        }
    }

    /// The posting lists hold what they should, in the blocks that writing all at once would make.
    fn assert_postings(&self, tx: &ReadTx) {
        let at_once = Scratch::filled(|tx| self.toys.values().try_for_each(|toy| tx.put(toy))).unwrap();
        let at_once = at_once.begin_read().unwrap();
        let raw = |tx: &ReadTx, table| {
            let all = tx.range_raw(table, Bound::Unbounded, Bound::Unbounded).unwrap();
            all.map(Result::unwrap).collect::<Vec<_>>()
        };
        for (table, wanted) in [
            (BY_NAME_RANK.table, self.index(|t| vec![(t.name.clone(), t.rank)])),
            (BY_TAG_RANK.table, self.index(|t| t.tags.iter().map(|tag| (tag.clone(), t.rank)).collect())),
            (POSTED.table, self.index(|t| vec![t.rank])),
        ] {
            let mut found = BTreeSet::new();
            tx.each_posting(table, |value, posting| {
                assert!(found.insert([value, &posting.to_be_bytes()].concat()), "{table}: one twice");
            })
            .unwrap();
            assert_eq!(found, wanted, "{table}");
            assert_eq!(raw(tx, table), raw(&at_once, table), "{table}");
        }
        assert_eq!(raw(tx, OPEN), raw(&at_once, OPEN));
    }

    fn assert_range(&self, tx: &ReadTx, from: Bound<u64>, to: Bound<u64>) {
        let bytes = |bound: Bound<u64>| bound.map(|key| key.to_bytes());
        let (low, high) = (bytes(from), bytes(to));
        let (low, high) = (low.as_ref().map(Vec::as_slice), high.as_ref().map(Vec::as_slice));
        let found: Vec<_> = tx.range::<Toy>(low, high).unwrap().rev().map(|entry| entry.unwrap().1).collect();
        let inside = |key: u64| match (from, to) {
            (Bound::Included(f), _) if key < f => false,
            (Bound::Excluded(f), _) if key <= f => false,
            (_, Bound::Included(t)) if key > t => false,
            (_, Bound::Excluded(t)) if key >= t => false,
            _ => true,
        };
        let wanted: Vec<_> = self.toys.values().rev().filter(|t| inside(t.key)).cloned().collect();
        assert_eq!(found, wanted);
    }
}

/// Names that are prefixes of each other and hold the bytes that keys escape.
pub fn names() -> [String; 6] {
    ["", "a", "ab", "a\0", "a\0\u{1}", "\u{10ffff}"].map(str::to_owned)
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(names().to_vec())
}

fn number() -> impl Strategy<Value = u64> {
    // Some that begin a block of a posting list.
    let begins: Vec<_> = (16..400).filter(|number| begins(posting_of(0, *number))).take(5).collect();
    prop_oneof![9 => 0..16_u64, 5 => prop::sample::select(begins), 1 => Just(u64::MAX)]
}

pub fn any_toy() -> impl Strategy<Value = Toy> {
    let rank = prop_oneof![9 => -3..3_i64, 1 => prop::sample::select(vec![i64::MIN, i64::MAX])];
    // A tag may be given twice.
    (number(), name(), rank, prop::collection::vec(name(), 0..4)).prop_map(|(key, name, rank, tags)| Toy {
        key,
        name,
        rank,
        tags,
    })
}

pub fn any_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => any_toy().prop_map(Op::Put),
        2 => number().prop_map(Op::Remove),
        1 => number().prop_map(Op::Get),
        1 => name().prop_map(Op::FindFirst),
        1 => Just(()).prop_map(|()| Op::FirstKey),
        1 => Just(()).prop_map(|()| Op::All),
        3 => (name(), 0..9_u64).prop_map(|(name, by)| Op::Bump(name, by)),
        1 => name().prop_map(Op::Count),
        2 => (number(), 0..9_u64).prop_map(|(at, line)| Op::Log(at, line)),
        1 => (number(), 0..6_u64).prop_map(|(before, limit)| Op::Forget(before, limit)),
    ]
}

fn any_bound() -> impl Strategy<Value = Bound<u64>> {
    prop_oneof![
        number().prop_map(Bound::Included),
        number().prop_map(Bound::Excluded),
        Just(Bound::Unbounded)
    ]
}

proptest! {
    #[test]
    fn the_store_does_what_plain_maps_do(
        batches in prop::collection::vec((prop::collection::vec(any_op(), 1..12), any::<bool>()), 1..8),
        from in any_bound(),
        to in any_bound(),
    ) {
        let disk = Disk::default();
        let mut store = open(on(&disk)).unwrap();
        let mut model = Model::default();
        for (ops, reopen) in batches {
            let wanted: Vec<_> = ops.iter().map(|op| model.apply(op)).collect();
            let seen: Vec<_> = batch(&store, ops).into_iter().map(Result::unwrap).collect();
            prop_assert_eq!(seen, wanted);
            if reopen {
                drop(store);
                store = open(on(&disk)).unwrap();
            }
            model.assert_is(&store.begin_read().unwrap());
        }
        model.assert_range(&store.begin_read().unwrap(), from, to);
    }
}
