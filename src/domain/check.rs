//! Proof that the data agrees with itself: every index, counter, rollup and hash against the raw records.

use std::hash::{DefaultHasher, Hasher};
use std::ops::Bound;

use serde::Serialize;

use super::activity::{self, Activity};
use super::agents::Agent;
use super::alerts::{Alert, AlertHead};
use super::audit::AuditRecord;
use super::audit_tree::{AuditAnchor, AuditFrontier, AuditNode, AuditTree, regrow};
use super::event_log::{StoredEvent, StreamHead};
use super::events::Event;
use super::idempotency::Remembered;
use super::metrics::Metric;
use super::recording::{AuditHead, MetricHead, derive_from_audit, derive_from_metric};
use super::retention::Gone;
use super::rollup::OpenMinute;
use super::tally::Tally;
use super::tokens::{Session, Token};
use crate::store::{Key, ReadTx, Record, Scratch, StoreError, TableName, Value};

/// What a check found.
#[derive(Debug, Default, Serialize)]
pub struct CheckReport {
    /// How many agents there are.
    pub agents: u64,
    /// How many metrics.
    pub metrics: u64,
    /// How many audit records.
    pub audit_records: u64,
    /// How many events the stream keeps.
    pub events: u64,
    /// How many index entries were compared.
    pub index_entries: u64,
    /// How many counters and rollups were compared.
    pub counters: u64,
    /// What does not agree; the first of many.
    pub problems: Vec<String>,
    /// How many open blocks of posting lists were read.
    #[serde(skip)]
    open_blocks: u64,
}

/// Entries in any order: how many, and the sum of their hashes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Sum {
    entries: u64,
    hashes: u64,
}

impl Sum {
    fn add(&mut self, entry: &[u8]) {
        let mut hasher = DefaultHasher::new();
        hasher.write(entry);
        self.entries += 1;
        self.hashes = self.hashes.wrapping_add(hasher.finish());
    }
}

/// How many problems are told.
const TOLD: usize = 100;

/// What follows from the records that are kept, and from nothing else. See also [`sums`](CheckReport::sums).
const DERIVED: [TableName; 5] =
    [Tally::TABLE, Activity::TABLE, AuditHead::TABLE, AuditFrontier::TABLE, AuditNode::TABLE];

/// Checks everything.
///
/// # Errors
/// When storage fails, or a value cannot be read at all.
pub fn check(tx: &ReadTx) -> Result<CheckReport, StoreError> {
    let mut report = CheckReport::default();
    report.agents = report.records::<Agent>(tx)?;
    report.metrics = report.records::<Metric>(tx)?;
    report.audit_records = report.records::<AuditRecord>(tx)?;
    report.records::<Token>(tx)?;
    report.records::<Session>(tx)?;
    let alerts = report.records::<Alert>(tx)?;
    report.records::<Remembered>(tx)?;
    report.governance(tx)?;
    let gone = tx.get::<Gone>(&())?.unwrap_or_default();
    let anchor = tx.get::<AuditAnchor>(&())?.unwrap_or_default();
    report.numbers::<Metric>(tx, gone.metrics, tx.get::<MetricHead>(&())?.unwrap_or_default().0)?;
    report.numbers::<AuditRecord>(tx, anchor.first, tx.get::<AuditHead>(&())?.unwrap_or_default().next)?;
    report.expect(alerts == tx.get::<AlertHead>(&())?.unwrap_or_default().next(), || {
        "alerts: the next number is not that of the alerts".into()
    });
    let (read, there) = (report.open_blocks, tx.open_postings()?);
    report.expect(read == there, || format!("postings: has {there} open blocks, not {read}"));
    report.chain(tx, &anchor)?;
    report.derived(tx, &anchor)?;
    report.stream(tx)?;
    Ok(report)
}

impl CheckReport {
    pub(super) fn expect(&mut self, holds: bool, problem: impl FnOnce() -> String) {
        if !holds && self.problems.len() < TOLD {
            self.problems.push(problem());
        }
    }

    /// Every record lies under its own key, and its indexes hold its entries and no others.
    pub(super) fn records<R: Record>(&mut self, tx: &ReadTx) -> Result<u64, StoreError> {
        let mut count = 0;
        let mut wanted = vec![0_u64; R::INDEXES.len()];
        let mut posted = vec![Sum::default(); R::POSTINGS.len()];
        for entry in tx.range_raw(R::TABLE, Bound::Unbounded, Bound::Unbounded)? {
            let (key, value) = entry?;
            let record = R::from_stored(&value)?;
            self.expect(record.key().to_bytes() == key, || {
                format!("{}: record {count} lies under another's key", R::TABLE)
            });
            for (index, wanted) in R::INDEXES.iter().zip(&mut wanted) {
                for entry in index.entries(&record) {
                    *wanted += 1;
                    let there = tx.get_raw(index.table, &entry)?.is_some();
                    self.expect(there, || format!("{}: record {count} is missing", index.table));
                }
            }
            for (index, wanted) in R::POSTINGS.iter().zip(&mut posted) {
                for entry in index.entries(&record) {
                    wanted.add(&entry);
                }
            }
            count += 1;
        }
        for (index, wanted) in R::POSTINGS.iter().zip(posted) {
            let mut found = Sum::default();
            let mut entry = Vec::new();
            self.open_blocks += tx.each_posting(index.table, |value, place| {
                entry.clear();
                entry.extend_from_slice(value);
                entry.extend_from_slice(&place.to_be_bytes());
                found.add(&entry);
            })?;
            self.index_entries += found.entries;
            self.expect(found == wanted, || {
                format!(
                    "{}: has {} entries, not the {} of the records",
                    index.table, found.entries, wanted.entries
                )
            });
        }
        for (index, wanted) in R::INDEXES.iter().zip(wanted) {
            let found = tx.len(index.table)?;
            self.index_entries += found;
            self.expect(found == wanted, || format!("{}: has {found} entries, not {wanted}", index.table));
        }
        Ok(count)
    }

    /// A log's numbers run from the first that is kept without a hole, and the next is `head`.
    fn numbers<R: Record<Key = u64>>(
        &mut self,
        tx: &ReadTx,
        first: u64,
        head: u64,
    ) -> Result<(), StoreError> {
        let number = |key: Option<Vec<u8>>| key.map(|key| u64::read(&mut key.as_slice())).transpose();
        let count = tx.len(R::TABLE)?;
        let begin = tx.range_raw(R::TABLE, Bound::Unbounded, Bound::Unbounded)?.next().transpose()?;
        let found = number(begin.map(|(key, _)| key))?;
        let next = number(tx.last_key_to(R::TABLE, Bound::Unbounded)?)?.map_or(first, |last| last + 1);
        self.expect(found.is_none_or(|found| found == first), || {
            format!("{}: begins at number {found:?}, not at {first}", R::TABLE)
        });
        self.expect(next.checked_sub(first) == Some(count), || {
            format!("{}: {count} records from number {first} end at number {next}", R::TABLE)
        });
        self.expect(next == head, || format!("{}: the next number is {head}, not {next}", R::TABLE));
        Ok(())
    }

    /// Every audit record's hash covers it and the one before it.
    fn chain(&mut self, tx: &ReadTx, anchor: &AuditAnchor) -> Result<(), StoreError> {
        let mut previous = anchor.previous;
        for entry in tx.all::<AuditRecord>()? {
            let (seq, record) = entry?;
            self.expect(record.hash == record.hash_after(previous), || {
                format!("audit: the hash of record {seq} does not cover it and the one before it")
            });
            previous = record.hash;
        }
        Ok(())
    }

    /// The counters and rollups equal those that the raw records give when they are folded anew.
    fn derived(&mut self, tx: &ReadTx, anchor: &AuditAnchor) -> Result<(), StoreError> {
        let folded = Scratch::filled(|scratch| {
            for entry in tx.all::<OpenMinute>()? {
                let (table, open) = entry?;
                scratch.set(&table, &open)?;
            }
            for entry in tx.all::<Metric>()? {
                derive_from_metric(scratch, &entry?.1)?;
            }
            if anchor.first > 0 {
                scratch.set(&(), &AuditHead { next: anchor.first, hash: anchor.previous })?;
                regrow(scratch, &mut AuditTree::open(tx)?)?;
            }
            for entry in tx.all::<AuditRecord>()? {
                derive_from_audit(scratch, &entry?.1)?;
            }
            Ok(())
        })?;
        let folded = folded.begin_read()?;
        self.sums(tx, &folded)?;
        let since = activity::first_key(tx.get::<Gone>(&())?.unwrap_or_default().activity).to_bytes();
        for table in DERIVED {
            let from = if table == Activity::TABLE { Bound::Included(&since[..]) } else { Bound::Unbounded };
            let all = |tx: &ReadTx| tx.range_raw(table, from, Bound::Unbounded);
            let (mut kept, mut anew) = (all(tx)?, all(&folded)?);
            loop {
                let (kept, anew) = (kept.next().transpose()?, anew.next().transpose()?);
                if kept.is_none() && anew.is_none() {
                    break;
                }
                self.counters += 1;
                if kept != anew {
                    self.expect(false, || {
                        let key = kept.or(anew).map(|(key, _)| key).unwrap_or_default();
                        format!("{table}: differs from its raw records at key {key:02x?}")
                    });
                    break;
                }
            }
        }
        Ok(())
    }

    /// The stream's numbers run without a hole up to its head, and the record behind each event is there.
    fn stream(&mut self, tx: &ReadTx) -> Result<(), StoreError> {
        let head = tx.get::<StreamHead>(&())?.unwrap_or_default().0;
        self.events = tx.len(StoredEvent::TABLE)?;
        let mut seen = head.saturating_sub(self.events);
        loop {
            let events = Event::after(tx, seen, 1000)?;
            let Some(last) = events.last() else { break };
            let (first, last) = (events[0].seq, last.seq);
            self.expect(first == seen + 1 && last == seen + events.len() as u64, || {
                format!("stream: has a hole between {seen} and {last}")
            });
            seen = last;
        }
        self.expect(seen == head, || format!("stream: ends at {seen}, not at {head}"));
        Ok(())
    }
}
