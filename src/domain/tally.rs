//! Counts of the records of the audit trail that are kept, by decision, operation type and role.

use std::collections::BTreeMap;

use bincode::{Decode, Encode};

use super::audit::{self, AuditRecord};
use super::rollup::{self, Open, Rollup, Window};
use super::time::Timestamp;
use crate::store::codec::CodecError;
use crate::store::{Key, ReadTx, StoreError, TableName, Value, WriteTx};

/// What is counted apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dimension {
    /// All records, under the empty value.
    All,
    /// By decision.
    Decision,
    /// By operation type.
    Operation,
    /// By role.
    Role,
}

/// A dimension and one of its values.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Counted(pub Dimension, pub String);

impl Counted {
    /// All records.
    #[must_use]
    pub fn all() -> Self {
        Self(Dimension::All, String::new())
    }
}

impl Key for Counted {
    fn write(&self, out: &mut Vec<u8>) {
        (self.0 as u8).write(out);
        self.1.write(out);
    }
    fn read(input: &mut &[u8]) -> Result<Self, CodecError> {
        let dimension = match u8::read(input)? {
            0 => Dimension::All,
            1 => Dimension::Decision,
            2 => Dimension::Operation,
            3 => Dimension::Role,
            other => return Err(CodecError(format!("unknown dimension {other}"))),
        };
        Ok(Self(dimension, String::read(input)?))
    }
}

/// How many records.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct Tally(pub u64);

impl Value for Tally {
    const TABLE: TableName = "audit_tallies";
    type Key = (u8, i64, Counted);

    fn is_empty(&self) -> bool {
        self.0 == 0
    }
}

impl Rollup for Tally {
    type Scope = Counted;
    fn merge(&mut self, other: &Self) {
        self.0 += other.0;
    }
}

/// Counts a record.
///
/// # Errors
/// When storage fails.
pub fn count(tx: &mut WriteTx<'_>, record: &AuditRecord) -> Result<(), StoreError> {
    each(tx, record, |tally| tally.0 += 1)
}

/// Counts a record no longer.
///
/// # Errors
/// When storage fails.
pub fn uncount(tx: &mut WriteTx<'_>, record: &AuditRecord) -> Result<(), StoreError> {
    each(tx, record, |tally| tally.0 = tally.0.saturating_sub(1))
}

/// Changes all tallies that a record belongs to.
fn each(tx: &mut WriteTx<'_>, record: &AuditRecord, change: fn(&mut Tally)) -> Result<(), StoreError> {
    let view = record.view();
    let open = Open::of::<Tally>(tx)?;
    for (dimension, value) in [
        (Dimension::All, ""),
        (Dimension::Decision, view.rbac.decision.as_str()),
        (Dimension::Operation, view.operation.kind),
        (Dimension::Role, view.agent.role),
    ] {
        let counted = Counted(dimension, value.to_owned());
        rollup::add(tx, open.as_ref(), &counted, view.timestamp, change)?;
    }
    Ok(())
}

/// How many values of a dimension an answer holds at most: hooks may send any text, answers have an end.
const VALUES: usize = 1000;

/// The counts of a dimension's values over a window, without those that are zero.
///
/// # Errors
/// When storage fails.
pub fn by_value(
    tx: &ReadTx,
    dimension: Dimension,
    window: Option<Window>,
) -> Result<BTreeMap<String, u64>, StoreError> {
    let mut counts = BTreeMap::new();
    for counted in rollup::scopes::<Tally>(tx, &(dimension as u8).to_bytes(), VALUES)? {
        let count = of(tx, &counted, window)?;
        if count > 0 {
            counts.insert(counted.1, count);
        }
    }
    Ok(counts)
}

/// The count of one value over a window, or over all time.
///
/// # Errors
/// When storage fails.
pub fn of(mut tx: &ReadTx, counted: &Counted, window: Option<Window>) -> Result<u64, StoreError> {
    let Some(window) = window else { return Ok(rollup::total::<Tally>(&mut tx, counted)?.0) };
    let sum = rollup::over(tx, counted, window, |tally: &mut Tally, from, to| {
        let (table, value) = match counted.0 {
            Dimension::All => (audit::BY_TIME.table, Vec::new()),
            Dimension::Decision => (audit::BY_DECISION.table, counted.1.to_bytes()),
            Dimension::Operation => (audit::BY_OPERATION.table, counted.1.to_bytes()),
            Dimension::Role => (audit::BY_ROLE.table, counted.1.to_bytes()),
        };
        for place in tx.postings(table, value)?.between(from.posting(0), to.posting(0))? {
            place?;
            tally.0 += 1;
        }
        Ok(())
    })?;
    Ok(sum.0)
}

/// The window of an optional date range, inclusive at both ends; `None` for all time.
#[must_use]
pub fn window_of(start: Option<Timestamp>, end: Option<Timestamp>) -> Option<Window> {
    // After the last moment there is none that could end the window.
    let to = end.filter(|t| *t < Timestamp::MAX).map(|t| t.plus(1));
    (start.is_some() || end.is_some()).then(|| Window { from: start.unwrap_or(Timestamp::MIN), to })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_up_to_the_end_of_time_has_its_last_moment() {
        // One microsecond after the last moment is that moment again, which ended the window before it.
        let window = window_of(None, Some(Timestamp::MAX)).unwrap();
        assert!(window.to.is_none_or(|to| to > Timestamp::MAX));
    }
}
