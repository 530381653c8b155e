//! Visiting many values inside a write transaction, also while others are written.

use std::ops::Bound;

use redb::ReadableTable;

use super::codec::{Key, prefix_end};
use super::error::StoreError;
use super::record::Value;
use super::write::WriteTx;

/// How many values a walk holds at once.
const WALK: usize = 1000;
/// How many bytes of values end a walk's part.
const WALK_BYTES: usize = 4 * 1024 * 1024;

impl WriteTx<'_> {
    /// Visits all values of a table in key order, part by part, also while others are written. What
    /// [`update`](Self::update) holds back is written before each part: a walk may change more than memory holds.
    ///
    /// # Errors
    /// When storage fails, a value is damaged, or `visit` fails.
    pub fn walk<V: Value>(
        &mut self,
        visit: impl Fn(&mut Self, &V) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.walk_entries(|tx, _, value| visit(tx, value))
    }

    /// As [`walk`](Self::walk), with their keys.
    ///
    /// # Errors
    /// As there.
    pub fn walk_entries<V: Value>(
        &mut self,
        visit: impl Fn(&mut Self, &V::Key, &V) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut after: Option<Vec<u8>> = None;
        loop {
            self.flush()?;
            let from = after.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
            let entries = self.table(V::TABLE)?.range::<&[u8]>((from, Bound::Unbounded))?;
            let (mut values, mut bytes, mut last) = (Vec::new(), 0, None);
            for entry in entries.take(WALK) {
                let (key, value) = entry?;
                values.push((V::Key::read(&mut key.value())?, V::from_stored(value.value())?));
                last = Some(key.value().to_vec());
                bytes += value.value().len();
                if bytes >= WALK_BYTES {
                    break;
                }
            }
            if last.is_none() {
                return Ok(());
            }
            after = last;
            for (key, value) in &values {
                visit(self, key, value)?;
            }
        }
    }

    /// The first `most` values, with their keys, that lie after a key which `prefix` and `after` make together; after
    /// `prefix` itself, where that is empty. All of their keys begin with `prefix`.
    ///
    /// # Errors
    /// When storage fails or a value is damaged.
    pub fn values_after<V: Value>(
        &mut self,
        prefix: &[u8],
        after: &[u8],
        most: usize,
    ) -> Result<Vec<(V::Key, V)>, StoreError> {
        self.flush()?;
        let from = [prefix, after].concat();
        let end = prefix_end(prefix);
        let to = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let entries = self.table(V::TABLE)?.range::<&[u8]>((Bound::Excluded(from.as_slice()), to))?;
        let values = entries.take(most).map(|entry| {
            let (key, value) = entry?;
            Ok((V::Key::read(&mut key.value())?, V::from_stored(value.value())?))
        });
        values.collect()
    }
}
