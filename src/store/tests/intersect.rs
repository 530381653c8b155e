//! Intersections against the naive way.

use std::ops::Bound;

use proptest::prelude::*;

use super::model::{any_toy, names};
use super::*;

type Place = (i64, u64);

fn lists<'t>(tx: &'t ReadTx, names: &[String], tags: &[String]) -> Vec<PostingList<'t>> {
    let by = |table: TableName| move |value: &String| tx.postings(table, value.to_bytes()).unwrap();
    let mut lists: Vec<_> =
        names.iter().map(by(BY_NAME_RANK.table)).chain(tags.iter().map(by(BY_TAG_RANK.table))).collect();
    if lists.is_empty() {
        lists.push(tx.postings(POSTED.table, Vec::new()).unwrap());
    }
    lists
}

fn any_place() -> impl Strategy<Value = Place> {
    (-4..5_i64, 0..18_u64)
}

proptest! {
    #[test]
    fn an_intersection_is_what_all_indexes_hold(
        toys in prop::collection::vec(any_toy(), 0..40),
        name in prop::collection::vec(prop::sample::select(names()[..3].to_vec()), 0..2),
        tags in prop::collection::vec(prop::sample::select(names().to_vec()), 0..3),
        newest in prop_oneof![
            any_place().prop_map(Bound::Included),
            any_place().prop_map(Bound::Excluded),
            Just(Bound::Unbounded),
        ],
        oldest in any_place(),
        extra_steps in 0..6_u64,
    ) {
        let mut left = std::collections::BTreeMap::new();
        for toy in toys {
            left.insert(toy.key, toy);
        }
        let scratch = Scratch::filled(|tx| left.values().try_for_each(|toy| tx.put(toy))).unwrap();
        let tx = scratch.begin_read().unwrap();

        let mut expected: Vec<Place> = left
            .values()
            .filter(|toy| name.iter().all(|n| *n == toy.name) && tags.iter().all(|t| toy.tags.contains(t)))
            .map(|toy| (toy.rank, toy.key))
            .filter(|at| *at >= oldest && match newest {
                Bound::Included(newest) => *at <= newest,
                Bound::Excluded(newest) => *at < newest,
                Bound::Unbounded => true,
            })
            .collect();
        expected.sort_unstable_by(|a, b| b.cmp(a));

        let posting = |(rank, key): Place| posting_of(rank, key);
        let (newest, oldest) = (newest.map(posting), posting(oldest));
        let mut whole = Intersection::new(lists(&tx, &name, &tags), newest, oldest);
        let mut found = Vec::new();
        while let Found::Posting(posting) = whole.next(u64::MAX).unwrap() {
            found.push(parts_of(posting));
        }
        prop_assert_eq!(&found, &expected);

        // The same in small portions, each a search of its own. A round over all indexes gets further.
        let limit = lists(&tx, &name, &tags).len() as u64 + extra_steps;
        let (mut portions, mut from) = (Vec::new(), newest);
        'portions: loop {
            let mut search = Intersection::new(lists(&tx, &name, &tags), from, oldest);
            loop {
                match search.next(limit).unwrap() {
                    Found::Posting(posting) => portions.push(parts_of(posting)),
                    Found::Unfinished(at) => {
                        prop_assert!(search.steps() <= limit);
                        from = at;
                        continue 'portions;
                    }
                    Found::End => break 'portions,
                }
            }
        }
        prop_assert_eq!(portions, expected);
    }
}
