//! Rollups: sums kept by minute, hour, day and for all time, so that any window is a few of them.
//!
//! A window is covered by whole days, then whole hours at its edges, then whole minutes; what is left
//! inside a minute is folded over the raw records.
//!
//! A key is grain, bucket, scope: what is written of the present lies side by side, so that a commit changes few pages,
//! however many scopes there are. The sums of one scope are found bucket by bucket, with a seek for each.

mod seek;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::time::{DAY, HOUR, MINUTE, Timestamp};

use crate::store::{Key, ReadTx, StoreError, Value, WriteTx};
use seek::{each, next, previous};

pub use seek::rekeyed;

/// The grain of a rollup, as the first byte of its key.
const ALL: u8 = 0;
const GRAINS: [(u8, i64); 3] = [(BY_DAY, DAY), (2, HOUR), (3, MINUTE)];
/// The grain of a day.
pub const BY_DAY: u8 = 1;

/// A value that is summed over time. Its key is `(grain, bucket, scope)`.
pub trait Rollup: Value<Key = (u8, i64, Self::Scope)> + Default {
    /// What is summed apart from each other.
    type Scope: Key + Clone;
    /// Adds another sum.
    fn merge(&mut self, other: &Self);
}

/// Adds `change` to the sums of `scope` that hold the time `at`.
///
/// # Errors
/// When storage fails.
pub fn add<R: Rollup>(
    tx: &mut WriteTx<'_>,
    scope: &R::Scope,
    at: Timestamp,
    mut change: impl FnMut(&mut R),
) -> Result<(), StoreError> {
    tx.update_at(&(ALL, 0_i64, scope), &mut change)?;
    for (grain, size) in GRAINS {
        tx.update_at(&(grain, at.0.div_euclid(size), scope), &mut change)?;
    }
    Ok(())
}

/// The sum over all time.
///
/// # Errors
/// When storage fails.
pub fn total<R: Rollup>(tx: &mut impl crate::store::Lookup, scope: &R::Scope) -> Result<R, StoreError> {
    Ok(tx.lookup(&total_key::<R>(scope))?.unwrap_or_default())
}

/// The key of the sum over all time.
pub fn total_key<R: Rollup>(scope: &R::Scope) -> R::Key {
    (ALL, 0, scope.clone())
}

/// The key prefix that all sums over all time share.
#[must_use]
pub fn totals_prefix() -> Vec<u8> {
    (ALL, 0_i64).to_bytes()
}

/// When the time of a sum begins; `None` for all time.
#[must_use]
pub fn start(grain: u8, bucket: i64) -> Option<Timestamp> {
    GRAINS.iter().find(|(g, _)| *g == grain).map(|(_, size)| Timestamp(bucket.saturating_mul(*size)))
}

/// The sum of the next shorter times that make up the time of a key; `None` for a minute.
///
/// # Errors
/// When storage fails.
pub fn parts<R: Rollup>(tx: &ReadTx, (grain, bucket, scope): &R::Key) -> Result<Option<R>, StoreError> {
    let Some(&(finer, size)) = GRAINS.get(usize::from(*grain)) else { return Ok(None) };
    let (from, to) = match start(*grain, *bucket) {
        None => (Timestamp::MIN.0, Timestamp::MAX.0 + 1),
        Some(from) => (from.0, from.0.saturating_add(GRAINS[usize::from(*grain) - 1].1)),
    };
    let mut sum = R::default();
    each(tx, finer, scope, from.div_euclid(size), to.div_euclid(size), |_, r: R| sum.merge(&r))?;
    Ok(Some(sum))
}

/// The key of the next longer time around that of a key; `None` for all time.
pub fn whole<R: Rollup>((grain, bucket, scope): &R::Key) -> Option<R::Key> {
    let start = start(*grain, *bucket)?;
    let longer = usize::from(*grain).checked_sub(2).and_then(|longer| GRAINS.get(longer));
    Some(longer.map_or_else(
        || total_key::<R>(scope),
        |(grain, size)| (*grain, start.0.div_euclid(*size), scope.clone()),
    ))
}

/// A window of time: from a first microsecond up to, not including, an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The first moment inside.
    pub from: Timestamp,
    /// The first moment after; `None` where the window is open.
    pub to: Option<Timestamp>,
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
    let mut sum = R::default();
    for piece in cover(window) {
        match piece {
            Piece::Buckets { grain, from, to } => each(tx, grain, scope, from, to, |_, r: R| sum.merge(&r))?,
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
            Self::Day => GRAINS[0],
            Self::Hour => GRAINS[1],
            Self::Minute => GRAINS[2],
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
    let (grain, size) = step.grain();
    let (first, last) = (from.0.div_euclid(size), to.0.div_euclid(size));
    let mut steps: Vec<_> = (first..=last).map(|b| (Timestamp(b * size), R::default())).collect();
    each(tx, grain, scope, first, last + 1, |bucket, r| {
        if let Some((_, sum)) = usize::try_from(bucket - first).ok().and_then(|i| steps.get_mut(i)) {
            *sum = r;
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
    let (grain, size) = StepLength::Minute.grain();
    let first_from = |at: Timestamp| -(-at.0).div_euclid(size);
    let mut sum = R::default();
    each(tx, grain, scope, first_from(from), first_from(to), |_, r: R| sum.merge(&r))?;
    Ok(sum)
}

/// Whether a step from that of `from` to that of `to` holds anything.
///
/// # Errors
/// When storage fails.
pub fn any<R: Rollup>(
    tx: &ReadTx,
    scope: &R::Scope,
    from: Timestamp,
    to: Timestamp,
    step: StepLength,
) -> Result<bool, StoreError> {
    let (grain, size) = step.grain();
    let (from, to) = (from.0.div_euclid(size), to.0.div_euclid(size));
    Ok(next::<R>(tx, grain, scope, from, to + 1)?.is_some())
}

/// The last minute whose sum `holds` what is wanted, as its first moment: found by its day, then its hour.
///
/// # Errors
/// When storage fails.
pub fn last_minute<R: Rollup>(
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

#[derive(Debug, PartialEq)]
enum Piece {
    Buckets { grain: u8, from: i64, to: i64 },
    Raw { from: i64, to: i64 },
}

fn cover(window: Window) -> Vec<Piece> {
    fn go(from: i64, to: i64, grains: &[(u8, i64)], pieces: &mut Vec<Piece>) {
        if from >= to {
            return;
        }
        let Some((&(grain, size), finer)) = grains.split_first() else {
            pieces.push(Piece::Raw { from, to });
            return;
        };
        let (first, end) = (-(-from).div_euclid(size), to.div_euclid(size));
        if first < end {
            go(from, first * size, finer, pieces);
            pieces.push(Piece::Buckets { grain, from: first, to: end });
            go(end * size, to, finer, pieces);
        } else {
            go(from, to, finer, pieces);
        }
    }
    let mut pieces = Vec::new();
    // The end of an open window lies on a day's border, so that no raw record is folded there.
    let open = (Timestamp::MAX.day() + 1) * DAY;
    go(window.from.0, window.to.map_or(open, |t| t.0), &GRAINS, &mut pieces);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_cover_is_the_window_without_gap_or_overlap(from in -10 * DAY..10 * DAY, length in 0..20 * DAY) {
            let mut at = from;
            for piece in cover(Window { from: Timestamp(from), to: Some(Timestamp(from + length)) }) {
                let (start, end) = match piece {
                    Piece::Raw { from, to } => {
                        prop_assert!(to - from < 2 * MINUTE);
                        (from, to)
                    }
                    Piece::Buckets { grain, from, to } => {
                        let size = GRAINS[usize::from(grain) - 1].1;
                        (from * size, to * size)
                    }
                };
                prop_assert_eq!(start, at);
                at = end;
            }
            prop_assert_eq!(at, from + length);
        }
    }
}
