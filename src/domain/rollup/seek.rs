//! Finding the sums of a scope among those of all others, bucket by bucket.

use std::ops::Bound;

use super::Rollup;
use crate::store::{Key, ReadTx, StoreError};

/// Visits the stored sums of the buckets `from..to`.
pub(super) fn each<R: Rollup>(
    tx: &ReadTx,
    grain: u8,
    scope: &R::Scope,
    from: i64,
    to: i64,
    mut visit: impl FnMut(i64, R),
) -> Result<(), StoreError> {
    let mut at = from;
    while let Some((bucket, sum)) = next::<R>(tx, grain, scope, at, to)? {
        visit(bucket, sum);
        at = bucket + 1;
    }
    Ok(())
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
        let Some((found, value)) = row else { break };
        if found == key {
            return Ok(Some((at, R::from_stored(&value)?)));
        }
        let (other, bucket) = <(u8, i64)>::read(&mut found.as_slice())?;
        if other != grain {
            break;
        }
        // Another scope's sum: of the same bucket, which then lies behind, or of one further on.
        at = bucket.max(at + 1);
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
        let Some((found, value)) = row else { break };
        if found == key {
            return Ok(Some((at, R::from_stored(&value)?)));
        }
        let (other, bucket) = <(u8, i64)>::read(&mut found.as_slice())?;
        if other != grain {
            break;
        }
        at = bucket.min(at - 1);
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
