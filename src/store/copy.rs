//! Whole tables, as bytes: out of a snapshot, and into a database file that is made of them.

use std::fs::OpenOptions;
use std::path::Path;

use redb::backends::FileBackend;
use redb::{Builder, Database};

use super::error::StoreError;
use super::migrations::SchemaVersion;
use super::read::{ReadTx, definition};
use super::record::Value;

/// How many bytes of keys and values one transaction takes, and memory holds.
const PART: usize = 8 * 1024 * 1024;

impl ReadTx {
    /// Visits every table, and every entry of it in order: first the table's name and how many entries it has, then
    /// each key and value.
    ///
    /// While a snapshot is read its pages are kept: the file it is of grows by what is written meanwhile.
    ///
    /// # Errors
    /// When storage fails, or `visit` does.
    pub fn visit_all<E: From<StoreError>>(
        &self,
        mut visit: impl FnMut(&str, Visited<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let from = |e: redb::StorageError| E::from(StoreError::from(e));
        for name in self.tables()? {
            let table = self.open(&name)?;
            let count = redb::ReadableTableMetadata::len(&table).map_err(from)?;
            visit(&name, Visited::Table(count))?;
            for entry in table.range::<&[u8]>(..).map_err(from)? {
                let (key, value) = entry.map_err(from)?;
                visit(&name, Visited::Entry(key.value(), value.value()))?;
            }
        }
        Ok(())
    }

    /// Writes every table into a new file, which must not be there, and syncs it. Takes little memory, whatever the
    /// size.
    ///
    /// # Errors
    /// When storage fails, or the file is there.
    pub fn copy_to(&self, path: &Path, cache_bytes: usize) -> Result<(), StoreError> {
        let mut copy = NewFile::create(path, cache_bytes)?;
        self.visit_all(|table, visited| match visited {
            Visited::Table(_) => copy.table(table),
            Visited::Entry(key, value) => copy.put(key.to_vec(), value.to_vec()),
        })?;
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

/// What [`ReadTx::visit_all`] comes by.
#[derive(Debug)]
pub enum Visited<'a> {
    /// The start of a table of so many entries.
    Table(u64),
    /// A key and its value.
    Entry(&'a [u8], &'a [u8]),
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
