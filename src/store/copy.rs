//! Copies of a snapshot, as a database of their own.

use std::fs::OpenOptions;
use std::path::Path;

use redb::backends::FileBackend;
use redb::{Builder, Database};

use super::error::StoreError;
use super::read::{ReadTx, definition};

/// How many bytes of keys and values one transaction of a copy takes.
const PART: usize = 16 * 1024 * 1024;

impl ReadTx {
    /// Writes every table of this snapshot into a new file, which must not be there, and syncs it. Takes memory for the
    /// cache and one part alone, whatever the size.
    ///
    /// While the snapshot is read its pages are kept: the file it is of grows by what is written meanwhile.
    ///
    /// # Errors
    /// When storage fails, or the file is there.
    pub fn copy_to(&self, path: &Path, cache_bytes: usize) -> Result<(), StoreError> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(path);
        let file = file.map_err(|e| StoreError::Io(e.to_string()))?;
        let mut builder = Builder::new();
        builder.set_cache_size(cache_bytes);
        let copy = builder.create_with_backend(FileBackend::new(file)?)?;
        for table in self.tables()? {
            self.copy_table(&table, &copy)?;
        }
        // The last transaction leaves what opening needs without a repair.
        let mut last = copy.begin_write()?;
        last.set_quick_repair(true);
        last.commit()?;
        copy.close()?;
        Ok(())
    }

    fn copy_table(&self, name: &str, copy: &Database) -> Result<(), StoreError> {
        let mut entries = self.open(name)?.range::<&[u8]>(..)?;
        loop {
            let txn = copy.begin_write()?;
            let mut table = txn.open_table(definition(name))?;
            let mut bytes = 0;
            let mut ended = false;
            while bytes < PART && !ended {
                match entries.next().transpose()? {
                    None => ended = true,
                    Some((key, value)) => {
                        bytes += key.value().len() + value.value().len();
                        table.insert(key.value(), value.value())?;
                    }
                }
            }
            drop(table);
            txn.commit()?;
            if ended {
                return Ok(());
            }
        }
    }
}
