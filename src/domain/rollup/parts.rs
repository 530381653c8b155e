//! What a sum is made of, and is a part of: for the proof that sums agree with each other.

use super::seek::each_stored_of;
use super::{BY_MINUTE, GRAINS, Open, Rollup, start, total_key};
use crate::domain::time::{MINUTE, Timestamp};
use crate::store::{Key, ReadTx, StoreError};

/// The sum of the next shorter times that make up the time of a key, without what is in the open minute; `None` for a
/// minute.
///
/// # Errors
/// When storage fails.
pub fn parts<R: Rollup>(
    tx: &ReadTx,
    open: Option<&Open>,
    (grain, bucket, scope): &R::Key,
) -> Result<Option<R>, StoreError> {
    let Some(&(finer, size)) = GRAINS.get(usize::from(*grain)) else { return Ok(None) };
    let (from, to) = match start(*grain, *bucket) {
        None => (Timestamp::MIN.0, Timestamp::MAX.0 + 1),
        Some(from) => (from.0, from.0.saturating_add(GRAINS[usize::from(*grain) - 1].1)),
    };
    let mut sum = R::default();
    let (from, to) = (from.div_euclid(size), to.div_euclid(size));
    each_stored_of::<R>(tx, finer, &scope.to_bytes(), from, to, &mut |bucket, _, stored| {
        let start = Timestamp(bucket.saturating_mul(size));
        if size > MINUTE || !open.is_some_and(|open| open.has(scope, start)) {
            sum.merge_stored(stored)?;
        }
        Ok(())
    })?;
    Ok(Some(sum))
}

/// The key of the next longer time that has what is summed under a key; `None` for all time, and in the open minute.
pub fn whole<R: Rollup>(open: Option<&Open>, (grain, bucket, scope): &R::Key) -> Option<R::Key> {
    let start = start(*grain, *bucket)?;
    if *grain == BY_MINUTE && open.is_some_and(|open| open.has(scope, start)) {
        return None;
    }
    let longer = usize::from(*grain).checked_sub(2).and_then(|longer| GRAINS.get(longer));
    Some(longer.map_or_else(
        || total_key::<R>(scope),
        |(grain, size)| (*grain, start.0.div_euclid(*size), scope.clone()),
    ))
}
