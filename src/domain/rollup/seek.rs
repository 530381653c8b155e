//! Finding the sums of a scope among those of all others, bucket by bucket.

use std::ops::Bound;

use super::Rollup;
use crate::store::{Key, ReadTx, StoreError};

/// Visits the stored sums of all scopes whose keys begin with `prefix`, in the buckets `from..to`, as bytes.
pub(super) fn each_stored_of<R: Rollup>(
    tx: &ReadTx,
    grain: u8,
    prefix: &[u8],
    from: i64,
    to: i64,
    visit: &mut impl FnMut(i64, R::Scope, &[u8]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut at = from;
    while at < to {
        let bucket = (grain, at).to_bytes();
        let first = [&bucket, prefix].concat();
        let mut behind = None;
        for row in tx.range_raw(R::TABLE, Bound::Included(&first), Bound::Unbounded)? {
            let (key, sum) = row?;
            if !key.starts_with(&first) {
                behind = Some(<(u8, i64)>::read(&mut key.as_slice())?);
                break;
            }
            visit(at, R::Scope::read(&mut &key[bucket.len()..])?, &sum)?;
        }
        match behind {
            Some((other, bucket)) if other == grain => at = bucket.max(at + 1),
            _ => break,
        }
    }
    Ok(())
}

/// Where a seek came to.
enum Stop<R> {
    /// At the sum that it was for.
    Sum(R),
    /// At another scope's, of the same bucket or of the nearest in which something is stored.
    Other(i64),
    /// Behind all sums of the grain.
    End,
}

impl<R: Rollup> Stop<R> {
    fn of(row: Option<(Vec<u8>, Vec<u8>)>, key: &[u8], grain: u8) -> Result<Self, StoreError> {
        let Some((found, value)) = row else { return Ok(Self::End) };
        if found == key {
            return Ok(Self::Sum(R::from_stored(&value)?));
        }
        let (other, bucket) = <(u8, i64)>::read(&mut found.as_slice())?;
        Ok(if other == grain { Self::Other(bucket) } else { Self::End })
    }
}

/// The first stored sum of a scope in the buckets `from..to`. Buckets in which nothing is stored are leapt over.
pub(super) fn next<R: Rollup>(
    tx: &ReadTx,
    grain: u8,
    scope: &R::Scope,
    from: i64,
    to: i64,
) -> Result<Option<(i64, R)>, StoreError> {
    let mut at = from;
    while at < to {
        let key = (grain, at, scope).to_bytes();
        let row = tx.range_raw(R::TABLE, Bound::Included(&key), Bound::Unbounded)?.next().transpose()?;
        match Stop::of(row, &key, grain)? {
            Stop::Sum(sum) => return Ok(Some((at, sum))),
            Stop::Other(bucket) => at = bucket.max(at + 1),
            Stop::End => break,
        }
    }
    Ok(None)
}

/// The last stored sum of a scope in the buckets from `from` to `to`, both included.
pub(super) fn previous<R: Rollup>(
    tx: &ReadTx,
    grain: u8,
    scope: &R::Scope,
    from: i64,
    to: i64,
) -> Result<Option<(i64, R)>, StoreError> {
    let mut at = to;
    while at >= from {
        let key = (grain, at, scope).to_bytes();
        let row = tx.range_raw(R::TABLE, Bound::Unbounded, Bound::Included(&key))?.next_back().transpose()?;
        match Stop::of(row, &key, grain)? {
            Stop::Sum(sum) => return Ok(Some((at, sum))),
            Stop::Other(bucket) => at = bucket.min(at - 1),
            Stop::End => break,
        }
    }
    Ok(None)
}

/// The key of a sum as it was before version 5: grain, scope, bucket.
#[must_use]
pub fn rekeyed(old: &[u8]) -> Vec<u8> {
    const BUCKET: usize = size_of::<i64>();
    let (grain, rest) = old.split_at(old.len().min(1));
    let (scope, bucket) = rest.split_at(rest.len().saturating_sub(BUCKET));
    [grain, bucket, scope].concat()
}
