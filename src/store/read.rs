//! Reading: a snapshot of all tables, as of the last commit before it was taken.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Bound;

use redb::{ReadOnlyTable, ReadTransaction, TableDefinition, TableError};

use super::codec::{Key, prefix_end};
use super::error::StoreError;
use super::record::{Index, Lookup, Record, TableName, Value};

type Bytes = &'static [u8];
type Entry = Result<(Vec<u8>, Vec<u8>), StoreError>;

pub(super) const fn definition(table: &str) -> TableDefinition<'_, Bytes, Bytes> {
    TableDefinition::new(table)
}

/// A consistent snapshot.
pub struct ReadTx {
    txn: ReadTransaction,
    // Opening a table costs a lookup; a snapshot's tables never change, so each is opened once.
    tables: RefCell<HashMap<TableName, Option<ReadOnlyTable<Bytes, Bytes>>>>,
}

impl ReadTx {
    pub(super) fn new(txn: ReadTransaction) -> Self {
        Self { txn, tables: RefCell::default() }
    }

    /// Runs `f` on a table; `None` where nothing was ever written to it.
    fn with<T>(
        &self,
        table: TableName,
        f: impl FnOnce(&ReadOnlyTable<Bytes, Bytes>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut tables = self.tables.borrow_mut();
        let opened = match tables.entry(table) {
            std::collections::hash_map::Entry::Occupied(e) => e.into_mut(),
            std::collections::hash_map::Entry::Vacant(e) => {
                e.insert(match self.txn.open_table(definition(table)) {
                    Ok(opened) => Some(opened),
                    Err(TableError::TableDoesNotExist(_)) => None,
                    Err(e) => return Err(e.into()),
                })
            }
        };
        opened.as_ref().map(f).transpose()
    }

    /// The value at a key, as bytes.
    ///
    /// # Errors
    /// When storage fails.
    pub fn get_raw(&self, table: TableName, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let found = self.with(table, |t| Ok(t.get(key)?.map(|v| v.value().to_vec())))?;
        Ok(found.flatten())
    }

    /// The entries between two bounds, from either end.
    ///
    /// # Errors
    /// When storage fails.
    pub fn range_raw(
        &self,
        table: TableName,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
    ) -> Result<impl DoubleEndedIterator<Item = Entry> + use<>, StoreError> {
        let range = self.with(table, |t| Ok(t.range::<&[u8]>((from, to))?))?;
        Ok(range.into_iter().flatten().map(|entry| {
            let (key, value) = entry?;
            Ok((key.value().to_vec(), value.value().to_vec()))
        }))
    }

    /// The last key of a table at or before `at`.
    ///
    /// # Errors
    /// When storage fails.
    pub fn last_key_to(&self, table: TableName, at: Bound<&[u8]>) -> Result<Option<Vec<u8>>, StoreError> {
        let found = self.with(table, |t| {
            let mut range = t.range::<&[u8]>((Bound::Unbounded, at))?;
            Ok(range.next_back().transpose()?.map(|(key, _)| key.value().to_vec()))
        })?;
        Ok(found.flatten())
    }

    /// How many entries a table has; the tree keeps the count, so that nothing is scanned.
    ///
    /// # Errors
    /// When storage fails.
    pub fn len(&self, table: TableName) -> Result<u64, StoreError> {
        use redb::ReadableTableMetadata;
        Ok(self.with(table, |t| Ok(t.len()?))?.unwrap_or(0))
    }

    /// The value with this key.
    ///
    /// # Errors
    /// When storage fails or the value is damaged.
    pub fn get<V: Value>(&self, key: &V::Key) -> Result<Option<V>, StoreError> {
        let bytes = self.get_raw(V::TABLE, &key.to_bytes())?;
        Ok(bytes.map(|b| V::from_stored(&b)).transpose()?)
    }

    /// The values whose keys lie between two bounds, from either end.
    ///
    /// # Errors
    /// When storage fails; each item, when its value is damaged.
    pub fn range<V: Value>(
        &self,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
    ) -> Result<impl DoubleEndedIterator<Item = Result<(V::Key, V), StoreError>> + use<V>, StoreError> {
        Ok(self.range_raw(V::TABLE, from, to)?.map(|entry| {
            let (key, value) = entry?;
            Ok((V::Key::read(&mut key.as_slice())?, V::from_stored(&value)?))
        }))
    }

    /// All values, in key order.
    ///
    /// # Errors
    /// As [`range`](Self::range).
    pub fn all<V: Value>(
        &self,
    ) -> Result<impl DoubleEndedIterator<Item = Result<(V::Key, V), StoreError>> + use<V>, StoreError> {
        self.range(Bound::Unbounded, Bound::Unbounded)
    }

    /// The entries whose keys begin with `prefix`, as `(rest of the key, value)`.
    ///
    /// # Errors
    /// When storage fails.
    pub fn prefix(
        &self,
        table: TableName,
        prefix: &[u8],
    ) -> Result<impl DoubleEndedIterator<Item = Entry> + use<>, StoreError> {
        let end = prefix_end(prefix);
        let to = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let skip = prefix.len();
        Ok(self.range_raw(table, Bound::Included(prefix), to)?.map(move |entry| {
            let (mut key, value) = entry?;
            key.drain(..skip);
            Ok((key, value))
        }))
    }

    /// The primary keys that an index holds under `value`, in order.
    ///
    /// # Errors
    /// When storage fails; each item, when its key is damaged.
    pub fn find<R: Record, K: Key>(
        &self,
        index: &Index<R>,
        value: &K,
    ) -> Result<impl DoubleEndedIterator<Item = Result<R::Key, StoreError>> + use<R, K>, StoreError>
    where
        R::Key: 'static,
    {
        Ok(self
            .prefix(index.table, &value.to_bytes())?
            .map(|entry| Ok(R::Key::read(&mut entry?.0.as_slice())?)))
    }

    /// The names of the tables that exist.
    ///
    /// # Errors
    /// When storage fails.
    pub fn tables(&self) -> Result<Vec<String>, StoreError> {
        use redb::TableHandle;
        let tables = self.txn.list_tables()?;
        Ok(tables.map(|t| t.name().to_owned()).collect())
    }

    /// A table by a name that is not known beforehand.
    pub(super) fn open(&self, name: &str) -> Result<ReadOnlyTable<Bytes, Bytes>, StoreError> {
        Ok(self.txn.open_table(definition(name))?)
    }
}

impl Lookup for &ReadTx {
    fn lookup<V: Value>(&mut self, key: &V::Key) -> Result<Option<V>, StoreError> {
        self.get(key)
    }

    fn first_of<R: Record>(
        &mut self,
        index: &Index<R>,
        value: &impl Key,
    ) -> Result<Option<R::Key>, StoreError> {
        let first = self.prefix(index.table, &value.to_bytes())?.next().transpose()?;
        Ok(first.map(|(key, _)| R::Key::read(&mut key.as_slice())).transpose()?)
    }
}
