//! Removing: records with their index entries, and the oldest of a log.

use std::borrow::Borrow;

use redb::ReadableTable;

use super::codec::Key;
use super::error::StoreError;
use super::record::{Record, Value};
use super::write::WriteTx;

impl WriteTx<'_> {
    /// Removes a record and its index entries, and gives it back.
    ///
    /// # Errors
    /// When storage fails.
    pub fn remove<R: Record>(&mut self, key: &R::Key) -> Result<Option<R>, StoreError> {
        Ok(self.remove_all([key])?.pop())
    }

    /// As [`remove`](Self::remove), of many: their index entries go in the order that they lie in.
    ///
    /// # Errors
    /// When storage fails.
    pub fn remove_all<R: Record>(
        &mut self,
        keys: impl IntoIterator<Item = impl Borrow<R::Key>>,
    ) -> Result<Vec<R>, StoreError> {
        let mut records: Vec<R> = Vec::new();
        let table = self.table(R::TABLE)?;
        for key in keys {
            let bytes = table.remove(key.borrow().to_bytes().as_slice())?;
            records.extend(bytes.map(|bytes| R::from_stored(bytes.value())).transpose()?);
        }
        for index in R::INDEXES {
            let mut entries: Vec<_> = records.iter().flat_map(|record| index.entries(record)).collect();
            entries.sort_unstable();
            let table = self.table(index.table)?;
            for entry in entries {
                table.remove(entry.as_slice())?;
            }
        }
        for record in &records {
            self.post(record, false);
        }
        Ok(records)
    }

    /// Removes the values from the start of a table up to (not including) a key, `limit` at most.
    /// Returns how many. For values without indexes.
    ///
    /// # Errors
    /// When storage fails.
    pub fn remove_before<V: Value>(&mut self, key: &V::Key, limit: u64) -> Result<u64, StoreError> {
        self.flush()?;
        let end = key.to_bytes();
        let table = self.table(V::TABLE)?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let (mut removed, mut behind) = (0, end.clone());
        for entry in table.range::<&[u8]>(..end.as_slice())? {
            let (key, _) = entry?;
            if removed == limit {
                behind = key.value().to_vec();
                break;
            }
            removed += 1;
        }
        // All of them at once: leaves of the tree that hold nothing else are dropped, and not emptied one by one.
        table.retain_in::<&[u8], _>(..behind.as_slice(), |_, _| false)?;
        Ok(removed as u64)
    }
}
