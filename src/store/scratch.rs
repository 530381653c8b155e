//! A throw-away database in memory, for working something out with the same code that writes.

use redb::ReadableDatabase;
use redb::backends::InMemoryBackend;

use super::error::StoreError;
use super::read::ReadTx;
use super::write::WriteTx;

/// A database that nothing else sees.
pub struct Scratch(redb::Database);

impl Scratch {
    /// Makes an empty one and writes into it.
    ///
    /// # Errors
    /// What `fill` returns, or when storage fails.
    pub fn filled(fill: impl FnOnce(&mut WriteTx<'_>) -> Result<(), StoreError>) -> Result<Self, StoreError> {
        let database = redb::Database::builder().create_with_backend(InMemoryBackend::new())?;
        let txn = database.begin_write()?;
        let mut tx = WriteTx::new(&txn);
        fill(&mut tx)?;
        tx.finish()?;
        txn.commit()?;
        Ok(Self(database))
    }

    /// A snapshot.
    ///
    /// # Errors
    /// When storage fails.
    pub fn begin_read(&self) -> Result<ReadTx, StoreError> {
        Ok(ReadTx::new(self.0.begin_read()?))
    }
}
