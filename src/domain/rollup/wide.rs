//! Sums of many scopes at once: one walk through each bucket, where they lie side by side.

use super::cover::{Piece, cover};
use super::seek::each_stored_of;
use super::{BY_MINUTE, MINUTES, Open, Rollup, StepLength, Window, first_minute_from};
use crate::domain::time::{MINUTE, Timestamp};
use crate::store::{ReadTx, StoreError};

/// Visits what is summed over a window in every scope whose key begins with `prefix`: any number of sums of each, as they
/// are stored. `raw` is told of ranges that are shorter than a minute.
///
/// # Errors
/// When storage fails, or `visit` or `raw` do.
pub fn over_each<R: Rollup>(
    tx: &ReadTx,
    prefix: &[u8],
    window: Window,
    mut visit: impl FnMut(R::Scope, &[u8]) -> Result<(), StoreError>,
    mut raw: impl FnMut(Timestamp, Timestamp) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    for piece in cover(window) {
        match piece {
            Piece::Buckets { grain, from, to } => {
                each_of::<R>(tx, grain, prefix, from, to, |_, scope, sum| visit(scope, sum))?;
            }
            Piece::Raw { from, to } => raw(Timestamp(from), Timestamp(to))?,
        }
    }
    Ok(())
}

/// Visits what is summed in the steps of a [`series`], of every scope whose key begins with `prefix`: the number of the
/// step from 0, and any number of sums, as they are stored.
///
/// # Errors
/// When storage fails, or `visit` does.
pub fn series_each<R: Rollup>(
    tx: &ReadTx,
    prefix: &[u8],
    from: Timestamp,
    to: Timestamp,
    step: StepLength,
    mut visit: impl FnMut(usize, R::Scope, &[u8]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let size = step.micros();
    let (first, last) = (from.0.div_euclid(size), to.0.div_euclid(size));
    each_of::<R>(tx, step.grain(), prefix, first, last + 1, |bucket, scope, sum| {
        usize::try_from(bucket - first).map_or(Ok(()), |step| visit(step, scope, sum))
    })
}

/// As [`minutes_that_begin`], of every scope whose key begins with `prefix`; sums come as they are stored.
///
/// # Errors
/// When storage fails, or `visit` does.
pub fn minutes_that_begin_each<R: Rollup>(
    tx: &ReadTx,
    prefix: &[u8],
    from: Timestamp,
    to: Timestamp,
    mut visit: impl FnMut(R::Scope, &[u8]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let (first, end) = (first_minute_from(from), first_minute_from(to));
    each_of::<R>(tx, MINUTES, prefix, first, end, |_, scope, sum| visit(scope, sum))
}

/// As [`each`](super::each), of all scopes whose keys begin with `prefix`; sums come as they are stored.
pub(super) fn each_of<R: Rollup>(
    mut tx: &ReadTx,
    (grain, size): (u8, i64),
    prefix: &[u8],
    from: i64,
    to: i64,
    mut visit: impl FnMut(i64, R::Scope, &[u8]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    each_stored_of::<R>(tx, grain, prefix, from, to, &mut visit)?;
    let Some(open) = Open::of::<R>(&mut tx)?.filter(|_| size > MINUTE) else { return Ok(()) };
    let bucket = open.start().0.div_euclid(size);
    if !(from..to).contains(&bucket) {
        return Ok(());
    }
    let minute = open.start().0.div_euclid(MINUTE);
    each_stored_of::<R>(tx, BY_MINUTE, prefix, minute, minute + 1, &mut |_, scope, sum| {
        if open.has(&scope, open.start()) { visit(bucket, scope, sum) } else { Ok(()) }
    })
}
