//! Writing: what `apply` may do inside the one write transaction of a batch.

use std::ops::Bound;

use redb::{ReadableTable, ReadableTableMetadata, Table, WriteTransaction};

use super::buffer::Buffer;
use super::codec::{Key, prefix_end};
use super::error::StoreError;
use super::postings::Pending;
use super::read::definition;
use super::record::{Index, Lookup, Record, TableName, Value};

type Bytes = &'static [u8];

/// The write transaction of one group commit, seen by one command after the other.
pub struct WriteTx<'t> {
    pub(super) txn: &'t WriteTransaction,
    /// The tables that were opened. There are few, so that looking through them beats hashing their names.
    pub(super) tables: Vec<(TableName, Table<'t, Bytes, Bytes>)>,
    buffer: Buffer,
    pub(super) pending: Pending,
    /// The key of the value that is being looked up, so that most look-ups allocate nothing.
    key: Vec<u8>,
}

impl<'t> WriteTx<'t> {
    pub(super) fn new(txn: &'t WriteTransaction) -> Self {
        Self {
            txn,
            tables: Vec::new(),
            buffer: Buffer::default(),
            pending: Pending::default(),
            key: Vec::new(),
        }
    }

    pub(super) fn table(&mut self, name: TableName) -> Result<&mut Table<'t, Bytes, Bytes>, StoreError> {
        let at = match self.tables.iter().position(|(opened, _)| *opened == name) {
            Some(at) => at,
            None => {
                self.tables.push((name, self.txn.open_table(definition(name))?));
                self.tables.len() - 1
            }
        };
        Ok(&mut self.tables[at].1)
    }

    /// The value with this key.
    ///
    /// # Errors
    /// When storage fails or the value is damaged.
    pub fn get<V: Value>(&mut self, key: &V::Key) -> Result<Option<V>, StoreError> {
        let key = key.to_bytes();
        if let Some(held) = self.buffer.get::<V>(&key) {
            return Ok(Some(held.clone()));
        }
        let bytes = self.table(V::TABLE)?.get(key.as_slice())?;
        Ok(bytes.map(|b| V::from_stored(b.value())).transpose()?)
    }

    /// Whether there is a record with this key.
    ///
    /// # Errors
    /// When storage fails.
    pub fn contains<R: Record>(&mut self, key: &R::Key) -> Result<bool, StoreError> {
        Ok(self.table(R::TABLE)?.get(key.to_bytes().as_slice())?.is_some())
    }

    /// Stores a record, in place of the one with its key if there is one, and keeps its indexes.
    ///
    /// # Errors
    /// When storage fails.
    pub fn put<R: Record>(&mut self, record: &R) -> Result<(), StoreError> {
        let key = record.key().to_bytes();
        let before = self.insert_raw(R::TABLE, &key, &record.to_stored()?)?;
        let before = before.map(|b| R::from_stored(&b)).transpose()?;
        for index in R::INDEXES {
            let old = before.as_ref().map(|b| index.entries(b)).unwrap_or_default();
            let new = index.entries(record);
            for gone in old.iter().filter(|e| !new.contains(e)) {
                self.table(index.table)?.remove(gone.as_slice())?;
            }
            for entry in new.iter().filter(|e| !old.contains(e)) {
                self.table(index.table)?.insert(entry.as_slice(), [].as_slice())?;
            }
        }
        if let Some(before) = &before {
            self.post(before, false);
        }
        self.post(record, true);
        Ok(())
    }

    /// Notes a record's posting lists, or takes them back, to be written at the end of the batch.
    pub(super) fn post<R: Record>(&mut self, record: &R, added: bool) {
        for index in R::POSTINGS {
            let changes = self.pending.of(index.table);
            index.collect(record, &mut changes.entries);
            changes.added.resize(changes.entries.len(), added);
        }
    }

    fn insert_raw(
        &mut self,
        table: TableName,
        key: &[u8],
        value: &[u8],
    ) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.table(table)?.insert(key, value)?.map(|old| old.value().to_vec()))
    }

    /// Changes the value with this key, or a fresh one, and stores it at the end of the batch.
    /// For values that many commands of one batch change: counters, rollups.
    ///
    /// # Errors
    /// When storage fails or the value is damaged.
    pub fn update<V: Value + Default, T>(
        &mut self,
        key: &V::Key,
        change: impl FnOnce(&mut V) -> T,
    ) -> Result<T, StoreError> {
        self.update_at(key, change)
    }

    /// As [`update`](Self::update), with a key that is written as the value's: of references, say.
    ///
    /// # Errors
    /// As there.
    pub fn update_at<V: Value + Default, T>(
        &mut self,
        key: &impl Key,
        change: impl FnOnce(&mut V) -> T,
    ) -> Result<T, StoreError> {
        let mut scratch = std::mem::take(&mut self.key);
        scratch.clear();
        key.write(&mut scratch);
        let result = match self.buffer.get_mut::<V>(&scratch) {
            Some(held) => change(held),
            None => {
                let stored = self.table(V::TABLE)?.get(scratch.as_slice())?;
                let mut value = stored.map(|b| V::from_stored(b.value())).transpose()?.unwrap_or_default();
                let result = change(&mut value);
                self.buffer.hold(scratch.clone(), value);
                result
            }
        };
        self.key = scratch;
        Ok(result)
    }

    /// Stores a value under a key, where no index is to be kept.
    ///
    /// # Errors
    /// When storage fails.
    pub fn set<V: Value>(&mut self, key: &V::Key, value: &V) -> Result<(), StoreError> {
        self.insert_raw(V::TABLE, &key.to_bytes(), &value.to_stored()?)?;
        Ok(())
    }

    /// The first primary key that an index holds under `value`.
    ///
    /// # Errors
    /// When storage fails.
    pub fn find_first<R: Record>(
        &mut self,
        index: &Index<R>,
        value: &impl Key,
    ) -> Result<Option<R::Key>, StoreError> {
        let prefix = value.to_bytes();
        let end = prefix_end(&prefix);
        let to = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let range = (Bound::Included(prefix.as_slice()), to);
        let table = self.table(index.table)?;
        let first = table.range::<&[u8]>(range)?.next().transpose()?;
        Ok(first.map(|(key, _)| R::Key::read(&mut &key.value()[prefix.len()..])).transpose()?)
    }

    /// The first value that an index holds, with the primary key under it.
    ///
    /// # Errors
    /// When storage fails.
    pub fn first_in<R: Record, K: Key>(
        &mut self,
        index: &Index<R>,
    ) -> Result<Option<(K, R::Key)>, StoreError> {
        let first = self.table(index.table)?.first()?;
        Ok(first.map(|(key, _)| <(K, R::Key)>::read(&mut key.value())).transpose()?)
    }

    /// How many entries a table has; the tree keeps the count, so that nothing is scanned.
    ///
    /// # Errors
    /// When storage fails.
    pub fn len(&mut self, table: TableName) -> Result<u64, StoreError> {
        Ok(self.table(table)?.len()?)
    }

    /// The last value of a table at or before a key. For values that no one [`update`](Self::update)s.
    ///
    /// # Errors
    /// When storage fails or the value is damaged.
    pub fn last_to<V: Value>(&mut self, key: &V::Key) -> Result<Option<(V::Key, V)>, StoreError> {
        let key = key.to_bytes();
        let last = self.table(V::TABLE)?.range::<&[u8]>(..=key.as_slice())?.next_back().transpose()?;
        last.map(|(key, value)| Ok((V::Key::read(&mut key.value())?, V::from_stored(value.value())?)))
            .transpose()
    }

    /// The first key of a table of records.
    ///
    /// # Errors
    /// When storage fails.
    pub fn first_key<V: Value>(&mut self) -> Result<Option<V::Key>, StoreError> {
        let first = self.table(V::TABLE)?.first()?;
        Ok(first.map(|(key, _)| V::Key::read(&mut key.value())).transpose()?)
    }

    /// All records of a table. For tables that stay small.
    ///
    /// # Errors
    /// When storage fails or a value is damaged.
    pub fn all<R: Record>(&mut self) -> Result<Vec<R>, StoreError> {
        self.table(R::TABLE)?.iter()?.map(|entry| Ok(R::from_stored(entry?.1.value())?)).collect()
    }

    /// Writes all that is to be written before the commit.
    pub(super) fn finish(mut self) -> Result<(), StoreError> {
        self.flush()
    }

    /// Writes what [`update`](Self::update) and [`put`](Self::put) held back, in key order.
    pub(super) fn flush(&mut self) -> Result<(), StoreError> {
        self.write_postings()?;
        for (table, values) in std::mem::take(&mut self.buffer).encode()? {
            let table = self.table(table)?;
            for (key, value) in values {
                match value {
                    Some(value) => drop(table.insert(key.as_slice(), value.as_slice())?),
                    None => drop(table.remove(key.as_slice())?),
                }
            }
        }
        Ok(())
    }
}

impl Lookup for WriteTx<'_> {
    fn lookup<V: Value>(&mut self, key: &V::Key) -> Result<Option<V>, StoreError> {
        self.get(key)
    }

    fn first_of<R: Record>(
        &mut self,
        index: &Index<R>,
        value: &impl Key,
    ) -> Result<Option<R::Key>, StoreError> {
        self.find_first(index, value)
    }
}
