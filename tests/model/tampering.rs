//! `agentmap check` finds every kind of damage that the tables' redundancy can show.

use agentmap::domain::check::check;
use agentmap::domain::command::Command;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use redb::{ReadableTable, TableDefinition};

use super::history::{history, long_trail};
use super::world::{Disk, Dump, World};

/// The tables that hold nothing but what follows from others, or is followed by others.
const INDEXES: [&str; 14] = [
    "agents_by_name",
    "agents_by_role",
    "agents_by_category",
    "agents_by_specialist",
    "agents_by_tag",
    "metrics_by_time",
    "audit_by_time",
    "postings",
    "requests_by_time",
    "approvals_pending",
    "approvals_open",
    "grants_by_like",
    "reservations_by_session",
    "reservations_by_end",
];
const LOGS: [&str; 5] = ["metrics", "audit", "alerts", "stream", "approvals"];
const COUNTERS: [&str; 12] = [
    "metric_sums",
    "audit_tallies",
    "activity",
    "usage_by_day",
    "usage_by_session",
    "budget_held",
    "metric_head",
    "audit_head",
    "audit_frontier",
    "alert_head",
    "stream_head",
    "approval_head",
];

/// How many entries of each table are damaged, one after the other.
fn samples() -> usize {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse::<usize>().ok()).unwrap_or(256);
    (cases / 64).max(1)
}

/// A long history in which all kinds of records are, always the same one.
fn rich() -> (Disk, Dump) {
    let mut runner = TestRunner::deterministic();
    let long = history(250);
    loop {
        let history: Vec<Command> = long.new_tree(&mut runner).unwrap().current();
        let (world, _) = World::after(&history);
        let dump = world.dump();
        let full = |table: &&str| dump.get(*table).is_some_and(|entries| !entries.is_empty());
        if INDEXES.iter().chain(&LOGS).chain(&COUNTERS).all(full) && dump["stream"].len() > 2 {
            return (world.disk.clone(), dump);
        }
    }
}

pub type Damage<'a> = &'a dyn Fn(&mut redb::Table<'_, &'static [u8], &'static [u8]>);

/// Whether a check of a damaged copy complains.
pub fn found(disk: &Disk, table: &str, damage: Damage<'_>) -> bool {
    let copy = disk.copy();
    let database = copy.database();
    let write = database.begin_write().unwrap();
    damage(&mut write.open_table(TableDefinition::new(table)).unwrap());
    write.commit().unwrap();
    drop(database);
    let world = World::on(copy);
    // A value that cannot be read at all is an error, which the command tells with the same exit code.
    check(&world.read()).map_or(true, |report| !report.problems.is_empty())
}

/// Some entries, from all over a table.
fn some(entries: &[(Vec<u8>, Vec<u8>)], count: usize) -> impl Iterator<Item = &(Vec<u8>, Vec<u8>)> {
    let count = count.min(entries.len());
    (0..count).map(move |n| &entries[(n * entries.len() + entries.len() / 2) / count])
}

#[test]
fn an_undamaged_copy_is_sound() {
    let (disk, dump) = rich();
    assert!(!found(&disk, "agents", &|table| assert!(table.first().unwrap().is_some())));
    assert_eq!(World::on(disk.copy()).dump(), dump);
}

#[test]
fn an_entry_that_is_missing_is_found_in_every_table() {
    let (disk, dump) = rich();
    for table in INDEXES.iter().chain(&LOGS).chain(&COUNTERS).chain(&["agents", "grants", "reservations"]) {
        let entries = &dump[*table];
        // The stream's oldest events may go: that is what trimming does. Of the other heads, one that is
        // missing counts as zero.
        let entries = if *table == "stream" { &entries[1..] } else { &entries[..] };
        for (key, _) in some(entries, samples()) {
            let damage: Damage<'_> = &|t| assert!(t.remove(key.as_slice()).unwrap().is_some());
            assert!(found(&disk, table, damage), "{table}: {key:02x?} is not missed");
        }
    }
}

#[test]
fn an_entry_too_many_is_found_in_every_index_and_counter() {
    let (disk, dump) = rich();
    for table in INDEXES.iter().chain(&COUNTERS[..6]) {
        for (key, value) in some(&dump[*table], 1) {
            let other = |by| {
                let mut other = key.clone();
                *other.last_mut().unwrap() ^= by;
                other
            };
            let is_new = |other: &Vec<u8>| dump[*table].iter().all(|(key, _)| key != other);
            let more = (0..=u8::MAX).rev().map(other).find(is_new).unwrap();
            let damage: Damage<'_> = &|t| drop(t.insert(more.as_slice(), value.as_slice()).unwrap());
            assert!(found(&disk, table, damage), "{table}: {more:02x?} is not noticed");
        }
    }
}

#[test]
fn a_counter_that_is_off_is_found() {
    let (disk, dump) = rich();
    for table in COUNTERS {
        for (key, value) in some(&dump[table], samples()) {
            for at in 0..value.len() {
                let mut other = value.clone();
                other[at] ^= 1;
                let damage: Damage<'_> = &|t| drop(t.insert(key.as_slice(), other.as_slice()).unwrap());
                assert!(found(&disk, table, damage), "{table}: byte {at} of {value:02x?} is not noticed");
            }
        }
    }
}

#[test]
fn an_audit_record_that_says_something_else_is_found() {
    use agentmap::domain::audit::AuditRecord;
    use agentmap::store::Value;

    let (disk, dump) = rich();
    let told = |bytes: &[u8]| {
        AuditRecord::from_stored(bytes).ok().and_then(|record| serde_json::to_string(&record.view()).ok())
    };
    for (key, value) in some(&dump["audit"], samples()) {
        for at in 0..value.len() {
            let mut other = value.clone();
            other[at] ^= 1 << (at % 8);
            // A few bits of what makes an id unguessable are not part of it.
            if told(&other) == told(value) {
                continue;
            }
            let damage: Damage<'_> = &|t| drop(t.insert(key.as_slice(), other.as_slice()).unwrap());
            assert!(found(&disk, "audit", damage), "byte {at} of {value:02x?} is not noticed");
        }
    }
}

#[test]
fn a_node_of_the_tree_that_is_off_or_missing_is_found() {
    let mut world = World::new();
    world.batch(&[long_trail(600)]);
    let dump = world.dump();
    let entries = &dump["audit_tree"];
    // Two full tiles, and what is over both.
    assert_eq!(entries.len(), 3);
    for (key, value) in entries {
        let missing: Damage<'_> = &|t| assert!(t.remove(key.as_slice()).unwrap().is_some());
        assert!(found(&world.disk, "audit_tree", missing), "{key:02x?} is not missed");
        for at in 0..value.len() {
            let mut other = value.clone();
            other[at] ^= 1;
            let damage: Damage<'_> = &|t| drop(t.insert(key.as_slice(), other.as_slice()).unwrap());
            assert!(found(&world.disk, "audit_tree", damage), "byte {at} of {key:02x?} is not noticed");
        }
    }
}

#[test]
fn audit_records_that_change_places_are_found() {
    let (disk, dump) = rich();
    let entries = &dump["audit"];
    let ((first, one), (second, other)) = (&entries[0], &entries[1]);
    let damage: Damage<'_> = &|t| {
        t.insert(first.as_slice(), other.as_slice()).unwrap();
        t.insert(second.as_slice(), one.as_slice()).unwrap();
    };
    assert!(found(&disk, "audit", damage));
}
