//! The open minute: while it lasts, its records are summed by minute alone. The hour, the day and all time get the
//! minute's sums once it is over, and readers add them until then. A record changes one sum of a scope so, not four.
//!
//! A minute is opened only while nothing is summed in it, so that none of its records is in the longer times before it
//! closes. It closes in steps, scope after scope, since clients may name as many scopes as they like.

use bincode::{Decode, Encode};

use super::{BY_MINUTE, DAYS, HOURS, Rollup, total_key};
use crate::domain::time::{HOUR, MINUTE, Timestamp};
use crate::store::{Key, Lookup, StoreError, TableName, Value, WriteTx};

/// How many scopes a record that comes later closes.
const CLOSED_AT_ONCE: usize = 100;
/// How far a clock may be set back before the open minute is no longer waited for, in minutes.
const BACK: i64 = HOUR / MINUTE;

/// A minute whose sums the longer times do not have yet.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Open {
    /// As in the keys of sums by minute.
    bucket: i64,
    /// The last scope, as in keys, whose sum the longer times do have: the minute is closing.
    closed: Option<Vec<u8>>,
}

/// The minute that is open. The key is the table of the sums.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct OpenMinute(Option<Open>);

impl Value for OpenMinute {
    const TABLE: TableName = "open_minutes";
    type Key = String;

    fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

impl Open {
    /// The one of a kind of sums, if there is one.
    ///
    /// # Errors
    /// When storage fails.
    pub fn of<R: Rollup>(tx: &mut impl Lookup) -> Result<Option<Self>, StoreError> {
        Ok(tx.lookup::<OpenMinute>(&R::TABLE.to_owned())?.and_then(|open| open.0))
    }

    /// Its first moment.
    pub(super) fn start(&self) -> Timestamp {
        Timestamp(self.bucket.saturating_mul(MINUTE))
    }

    /// Whether what is recorded at a time in a scope is summed by minute alone.
    pub fn has(&self, scope: &impl Key, at: Timestamp) -> bool {
        at.0.div_euclid(MINUTE) == self.bucket
            && self.closed.as_ref().is_none_or(|closed| *closed < scope.to_bytes())
    }

    /// What is summed in it of a scope and not in longer times.
    pub(super) fn sum<R: Rollup>(
        &self,
        tx: &mut impl Lookup,
        scope: &R::Scope,
    ) -> Result<Option<R>, StoreError> {
        if !self.has(scope, self.start()) {
            return Ok(None);
        }
        tx.lookup::<R>(&(BY_MINUTE, self.bucket, scope.clone()))
    }

    /// What the keys of its sums begin with.
    pub(super) fn prefix(&self) -> Vec<u8> {
        (BY_MINUTE, self.bucket).to_bytes()
    }

    /// Whether it is still waited for at a time.
    fn lasts(&self, now: Timestamp) -> bool {
        let bucket = now.0.div_euclid(MINUTE);
        self.closed.is_none() && (self.bucket - BACK..=self.bucket).contains(&bucket)
    }
}

/// The step of a data file whose longer times have all minutes: it is right as it is, but its next records an older
/// program would miss.
///
/// # Errors
/// Never.
pub fn open_none(_: &mut WriteTx<'_>) -> Result<(), StoreError> {
    Ok(())
}

/// Opens the minute of a record that comes now, once the one before it is closed.
///
/// # Errors
/// When storage fails.
pub fn turn<R: Rollup>(tx: &mut WriteTx<'_>, now: Timestamp) -> Result<(), StoreError> {
    if let Some(open) = Open::of::<R>(tx)?
        && (open.lasts(now) || !close::<R>(tx, &open, CLOSED_AT_ONCE)?)
    {
        return Ok(());
    }
    let open = Open { bucket: now.0.div_euclid(MINUTE), closed: None };
    if tx.values_after::<R>(&open.prefix(), &[], 1)?.is_empty() {
        set::<R>(tx, Some(open))?;
    }
    Ok(())
}

fn set<R: Rollup>(tx: &mut WriteTx<'_>, open: Option<Open>) -> Result<(), StoreError> {
    tx.update(&R::TABLE.to_owned(), |minute: &mut OpenMinute| minute.0 = open)
}

/// Gives the longer times what is summed in a minute of its next scopes; gives whether these were the last.
///
/// # Errors
/// When storage fails.
pub fn close<R: Rollup>(tx: &mut WriteTx<'_>, open: &Open, scopes: usize) -> Result<bool, StoreError> {
    let after = open.closed.as_deref().unwrap_or_default();
    let sums = tx.values_after::<R>(&open.prefix(), after, scopes)?;
    let closed = match sums.last() {
        Some(((_, _, last), _)) if sums.len() == scopes => {
            Some(Open { bucket: open.bucket, closed: Some(last.to_bytes()) })
        }
        _ => None,
    };
    let start = open.start().0;
    for ((_, _, scope), sum) in &sums {
        for (grain, size) in [HOURS, DAYS] {
            tx.update_at(&(grain, start.div_euclid(size), scope), |longer: &mut R| longer.merge(sum))?;
        }
        tx.update(&total_key::<R>(scope), |all: &mut R| all.merge(sum))?;
    }
    let done = closed.is_none();
    set::<R>(tx, closed)?;
    Ok(done)
}
