//! Whole tables, as bytes: out of a snapshot, and into a database file that is made of them.

use std::fs::OpenOptions;
use std::path::Path;

use redb::backends::FileBackend;
use redb::{Builder, Database};

use super::database::contained;
use super::error::StoreError;
use super::migrations::SchemaVersion;
use super::read::{ReadTx, definition};
use super::record::Value;

/// How many bytes of keys and values one transaction takes, and memory holds.
const PART: usize = 8 * 1024 * 1024;

impl ReadTx {
    /// Visits every entry of a table in order.
    ///
    /// While a snapshot is read its pages are kept: the file it is of grows by what is written meanwhile.
    ///
    /// # Errors
    /// When storage fails, or `visit` does.
    pub fn visit<E: From<StoreError>>(
        &self,
        table: &str,
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let from = |e: redb::StorageError| E::from(StoreError::from(e));
        for entry in self.open(table)?.range::<&[u8]>(..).map_err(from)? {
            let (key, value) = entry.map_err(from)?;
            visit(key.value(), value.value())?;
        }
        Ok(())
    }

    /// How many entries a table has by its own count.
    ///
    /// # Errors
    /// When storage fails.
    pub fn count(&self, table: &str) -> Result<u64, StoreError> {
        contained(|| Ok(redb::ReadableTableMetadata::len(&self.open(table)?)?))
    }

    /// Writes every table into a new file, which must not be there, and syncs it. Takes little memory, whatever the
    /// size.
    ///
    /// # Errors
    /// When storage fails, or the file is there.
    pub fn copy_to(&self, path: &Path, cache_bytes: usize) -> Result<(), StoreError> {
        let mut copy = NewFile::create(path, cache_bytes)?;
        for table in self.tables()? {
            copy.table(&table)?;
            self.visit(&table, |key, value| copy.put(key.to_vec(), value.to_vec()))?;
        }
        copy.finish()
    }

    /// The schema version of the data; `None` where nothing is.
    ///
    /// # Errors
    /// When storage fails, or it is the data of another program.
    pub fn schema(&self) -> Result<Option<u32>, StoreError> {
        SchemaVersion::of(self)
    }
}

/// A database file that is being made of the bytes of its tables.
pub struct NewFile {
    database: Database,
    table: String,
    part: Vec<(Vec<u8>, Vec<u8>)>,
    bytes: usize,
}

impl NewFile {
    /// A new file, which must not be there.
    ///
    /// # Errors
    /// When it is there, or cannot be written.
    pub fn create(path: &Path, cache_bytes: usize) -> Result<Self, StoreError> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(path);
        let backend = FileBackend::new(file.map_err(redb::StorageError::from)?)?;
        let mut builder = Builder::new();
        builder.set_cache_size(cache_bytes);
        let database = builder.create_with_backend(backend)?;
        Ok(Self { database, table: SchemaVersion::TABLE.into(), part: Vec::new(), bytes: 0 })
    }

    /// What is put from now on belongs to this table.
    ///
    /// # Errors
    /// When storage fails.
    pub fn table(&mut self, name: &str) -> Result<(), StoreError> {
        self.flush()?;
        name.clone_into(&mut self.table);
        // Also one without entries is made.
        self.flush()
    }

    /// Adds an entry.
    ///
    /// # Errors
    /// When storage fails.
    pub fn put(&mut self, key: Vec<u8>, value: Vec<u8>) -> Result<(), StoreError> {
        self.bytes += key.len() + value.len();
        self.part.push((key, value));
        if self.bytes < PART { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        let txn = self.database.begin_write()?;
        let mut table = txn.open_table(definition(&self.table))?;
        for (key, value) in self.part.drain(..) {
            table.insert(key.as_slice(), value.as_slice())?;
        }
        drop(table);
        txn.commit()?;
        self.bytes = 0;
        Ok(())
    }

    /// Ends the file; it is on disk when this returns.
    ///
    /// # Errors
    /// When storage fails.
    pub fn finish(mut self) -> Result<(), StoreError> {
        self.flush()?;
        // Leaves what opening needs without a repair.
        let mut last = self.database.begin_write()?;
        last.set_quick_repair(true);
        last.commit()?;
        self.database.close()?;
        Ok(())
    }
}
