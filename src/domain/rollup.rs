//! Rollups: sums kept by minute, hour, day and for all time, so that any window is a few of them.
//!
//! A window is covered by whole days, then whole hours at its edges, then whole minutes; what is left
//! inside a minute is folded over the raw records. What is recorded in the present minute is summed there alone until
//! it is over: see [`Open`].
//!
//! A key is grain, bucket, scope: what is written of the present lies side by side, so that a commit changes few pages,
//! however many scopes there are. The sums of one scope are found bucket by bucket, with a seek for each.

mod cover;
mod open;
mod parts;
mod seek;
mod wide;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::time::{DAY, HOUR, MINUTE, Timestamp};

use crate::store::codec::CodecError;
use crate::store::{Key, Lookup, ReadTx, StoreError, Value, WriteTx};
use cover::{Piece, cover};
use seek::{next, previous};

pub use cover::Window;
pub use open::{Open, OpenMinute, close, open_none, turn};
pub use parts::{parts, whole};
pub use seek::rekeyed;
use wide::each_of;

pub use wide::{minutes_that_begin_each, over_each, series_each};

/// The grain of a rollup, as the first byte of its key.
const ALL: u8 = 0;
const GRAINS: [(u8, i64); 3] = [DAYS, HOURS, MINUTES];
const DAYS: (u8, i64) = (BY_DAY, DAY);
const HOURS: (u8, i64) = (2, HOUR);
const MINUTES: (u8, i64) = (BY_MINUTE, MINUTE);
/// The grain of a day.
pub const BY_DAY: u8 = 1;
/// The grain of a minute.
pub const BY_MINUTE: u8 = 3;

/// A value that is summed over time. Its key is `(grain, bucket, scope)`.
pub trait Rollup: Value<Key = (u8, i64, Self::Scope)> + Default {
    /// What is summed apart from each other.
    type Scope: Key + Clone;
    /// Adds another sum.
    fn merge(&mut self, other: &Self);
    /// Adds another sum as it is stored.
    ///
    /// # Errors
    /// When the bytes are no sum.
    fn merge_stored(&mut self, stored: &[u8]) -> Result<(), CodecError> {
        self.merge(&Self::from_stored(stored)?);
        Ok(())
    }
}

/// Adds `change` to the sums of `scope` that hold the time `at`: to that of the minute alone, where it is `open`.
///
/// # Errors
/// When storage fails.
pub fn add<R: Rollup>(
    tx: &mut WriteTx<'_>,
    open: Option<&Open>,
    scope: &R::Scope,
    at: Timestamp,
    mut change: impl FnMut(&mut R),
) -> Result<(), StoreError> {
    let key = |(grain, size): (u8, i64)| (grain, at.0.div_euclid(size), scope);
    tx.update_at(&key(MINUTES), &mut change)?;
    if open.is_some_and(|open| open.has(scope, at)) {
        return Ok(());
    }
    for grain in [HOURS, DAYS] {
        tx.update_at(&key(grain), &mut change)?;
    }
    tx.update_at(&(ALL, 0_i64, scope), &mut change)
}

/// Visits the sums of the buckets `from..to`, the open minute's apart from that of the longer time that it lies in.
fn each<R: Rollup>(
    tx: &ReadTx,
    grain: (u8, i64),
    scope: &R::Scope,
    from: i64,
    to: i64,
    mut visit: impl FnMut(i64, R),
) -> Result<(), StoreError> {
    // No other scope's key begins with this one's.
    each_of::<R>(tx, grain, &scope.to_bytes(), from, to, |bucket, _, stored| {
        visit(bucket, R::from_stored(stored)?);
        Ok(())
    })
}

/// The sum over all time.
///
/// # Errors
/// When storage fails.
pub fn total<R: Rollup>(tx: &mut impl Lookup, scope: &R::Scope) -> Result<R, StoreError> {
    let mut total: R = tx.lookup(&total_key::<R>(scope))?.unwrap_or_default();
    if let Some(open) = Open::of::<R>(tx)?
        && let Some(sum) = open.sum(tx, scope)?
    {
        total.merge(&sum);
    }
    Ok(total)
}

/// The scopes of which anything was ever summed and whose keys begin with `prefix`: the first `most`, in order.
///
/// # Errors
/// When storage fails.
pub fn scopes<R: Rollup>(mut tx: &ReadTx, prefix: &[u8], most: usize) -> Result<Vec<R::Scope>, StoreError> {
    let open = Open::of::<R>(&mut tx)?.map(|open| open.prefix());
    let mut scopes = BTreeSet::new();
    for sums in [Some((ALL, 0_i64).to_bytes()), open].into_iter().flatten() {
        for row in tx.prefix(R::TABLE, &[&sums, prefix].concat())?.take(most) {
            scopes.insert([prefix, &row?.0].concat());
        }
    }
    scopes.iter().take(most).map(|scope| Ok(R::Scope::read(&mut scope.as_slice())?)).collect()
}

/// The key of the sum over all time.
fn total_key<R: Rollup>(scope: &R::Scope) -> R::Key {
    (ALL, 0, scope.clone())
}

/// When the time of a sum begins; `None` for all time.
#[must_use]
pub fn start(grain: u8, bucket: i64) -> Option<Timestamp> {
    GRAINS.iter().find(|(g, _)| *g == grain).map(|(_, size)| Timestamp(bucket.saturating_mul(*size)))
}

/// The sum over a window. `raw` adds what lies in a range that is shorter than a minute.
///
/// # Errors
/// When storage fails.
pub fn over<R: Rollup>(
    tx: &ReadTx,
    scope: &R::Scope,
    window: Window,
    mut raw: impl FnMut(&mut R, Timestamp, Timestamp) -> Result<(), StoreError>,
) -> Result<R, StoreError> {
    // No other scope's key begins with this one's.
    let (key, mut sum) = (scope.to_bytes(), R::default());
    for piece in cover(window) {
        match piece {
            Piece::Buckets { grain, from, to } => {
                each_of::<R>(tx, grain, &key, from, to, |_, _, stored| Ok(sum.merge_stored(stored)?))?;
            }
            Piece::Raw { from, to } => raw(&mut sum, Timestamp(from), Timestamp(to))?,
        }
    }
    Ok(sum)
}

/// The length of the steps of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Step)]
pub enum StepLength {
    /// A minute.
    Minute,
    /// An hour.
    Hour,
    /// A UTC day.
    Day,
}

impl StepLength {
    /// In microseconds.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.grain().1
    }

    const fn grain(self) -> (u8, i64) {
        match self {
            Self::Day => DAYS,
            Self::Hour => HOURS,
            Self::Minute => MINUTES,
        }
    }
}

/// The sums of the whole steps from that of `from` to that of `to`, in order, those without records included.
///
/// # Errors
/// When storage fails.
pub fn series<R: Rollup>(
    tx: &ReadTx,
    scope: &R::Scope,
    from: Timestamp,
    to: Timestamp,
    step: StepLength,
) -> Result<Vec<(Timestamp, R)>, StoreError> {
    let size = step.micros();
    let (first, last) = (from.0.div_euclid(size), to.0.div_euclid(size));
    let mut steps: Vec<_> = (first..=last).map(|b| (Timestamp(b * size), R::default())).collect();
    each(tx, step.grain(), scope, first, last + 1, |bucket, r| {
        if let Some((_, sum)) = usize::try_from(bucket - first).ok().and_then(|i| steps.get_mut(i)) {
            sum.merge(&r);
        }
    })?;
    Ok(steps)
}

/// The sum of the minutes that begin between two times, the second one not included.
///
/// # Errors
/// When storage fails.
pub fn minutes_that_begin<R: Rollup>(
    tx: &ReadTx,
    scope: &R::Scope,
    from: Timestamp,
    to: Timestamp,
) -> Result<R, StoreError> {
    let mut sum = R::default();
    let (first, end) = (first_minute_from(from), first_minute_from(to));
    each(tx, MINUTES, scope, first, end, |_, r: R| sum.merge(&r))?;
    Ok(sum)
}

/// The first minute that begins at a time or later.
fn first_minute_from(at: Timestamp) -> i64 {
    -(-at.0).div_euclid(MINUTE)
}

/// Whether a step from that of `from` to that of `to` holds anything.
///
/// # Errors
/// When storage fails.
pub fn any<R: Rollup>(
    mut tx: &ReadTx,
    scope: &R::Scope,
    from: Timestamp,
    to: Timestamp,
    step: StepLength,
) -> Result<bool, StoreError> {
    let (grain, size) = step.grain();
    let (from, to) = (from.0.div_euclid(size), to.0.div_euclid(size));
    if next::<R>(tx, grain, scope, from, to + 1)?.is_some() {
        return Ok(true);
    }
    let open = Open::of::<R>(&mut tx)?;
    let open = open.filter(|open| (from..=to).contains(&open.start().0.div_euclid(size)));
    Ok(open.map(|open| open.sum::<R>(&mut tx, scope)).transpose()?.flatten().is_some())
}

/// The last minute whose sum `holds` what is wanted, as its first moment: found by its day, then its hour.
///
/// # Errors
/// When storage fails.
pub fn last_minute<R: Rollup>(
    mut tx: &ReadTx,
    scope: &R::Scope,
    holds: impl Fn(&R) -> bool,
) -> Result<Option<Timestamp>, StoreError> {
    let Some(open) = Open::of::<R>(&mut tx)? else { return last_closed(tx, scope, holds) };
    let held = open.sum::<R>(&mut tx, scope)?.filter(|sum| holds(sum));
    Ok(last_closed(tx, scope, holds)?.max(held.map(|_| open.start())))
}

/// As [`last_minute`], of those that longer times have.
fn last_closed<R: Rollup>(
    tx: &ReadTx,
    scope: &R::Scope,
    holds: impl Fn(&R) -> bool,
) -> Result<Option<Timestamp>, StoreError> {
    let (mut first, mut last) = (Timestamp::MIN.0, Timestamp::MAX.0);
    for (grain, size) in GRAINS {
        let mut at = last.div_euclid(size);
        let bucket = loop {
            match previous::<R>(tx, grain, scope, first.div_euclid(size), at)? {
                None => return Ok(None),
                Some((bucket, sum)) if holds(&sum) => break bucket,
                Some((bucket, _)) => at = bucket - 1,
            }
        };
        (first, last) = (bucket * size, bucket * size + size - 1);
    }
    Ok(Some(Timestamp(first)))
}
