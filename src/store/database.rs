//! The open database file, and how it is opened again after storage failed under it.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use redb::{
    Builder, ConcurrencyMode, Durability, ReadOnlyDatabase, ReadableDatabase, WriteTransaction,
    backends::InMemoryBackend,
};

use super::error::StoreError;
use super::read::ReadTx;

/// Where the data lies.
pub enum Location {
    /// A file, made when it is not there. Other processes may read beside this one.
    File(PathBuf),
    /// An existing file, for reading beside the process that writes it.
    ReadOnly(PathBuf),
    /// Nowhere: gone with the process.
    Memory,
    /// Whatever the function opens, each time the database is opened.
    Custom(Open),
}

/// Opens a database in a way of its own.
pub type Open = Box<dyn Fn(&Builder) -> Result<redb::Database, redb::DatabaseError> + Send + Sync>;

enum Handle {
    Writable(redb::Database),
    ReadOnly(ReadOnlyDatabase),
}

struct State {
    handle: Option<Arc<Handle>>,
    failure: Option<String>,
}

/// The open database.
pub struct Database {
    location: Location,
    cache_bytes: usize,
    state: RwLock<State>,
}

/// How often and how long a reopen waits for readers of the failed handle to end.
const DRAIN_TRIES: u32 = 100;
const DRAIN_PAUSE: Duration = Duration::from_millis(10);

impl Database {
    pub(super) fn open(location: Location, cache_bytes: usize) -> Result<Self, StoreError> {
        let handle = open_handle(&location, cache_bytes)?;
        let state = RwLock::new(State { handle: Some(Arc::new(handle)), failure: None });
        Ok(Self { location, cache_bytes, state })
    }

    fn handle(&self) -> Result<Arc<Handle>, StoreError> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.handle.clone().ok_or(StoreError::Unavailable("it is being reopened"))
    }

    pub(super) fn begin_read(&self) -> Result<ReadTx, StoreError> {
        Ok(ReadTx::new(match &*self.handle()? {
            Handle::Writable(db) => db.begin_read()?,
            Handle::ReadOnly(db) => db.begin_read()?,
        }))
    }

    pub(super) fn begin_write(&self) -> Result<WriteTransaction, StoreError> {
        match &*self.handle()? {
            Handle::Writable(db) => {
                let mut txn = db.begin_write()?;
                txn.set_durability(Durability::Immediate)?;
                // Two-phase commit, and reopening after a crash without walking the file.
                txn.set_quick_repair(true);
                Ok(txn)
            }
            Handle::ReadOnly(_) => Err(StoreError::Unavailable("it is open for reading only")),
        }
    }

    /// Remembers why writing failed, for [`failure`](Self::failure).
    pub(super) fn note_failure(&self, error: &StoreError) {
        self.state.write().unwrap_or_else(PoisonError::into_inner).failure = Some(error.to_string());
    }

    /// Why storage failed at the last write; `None` when it did not.
    pub(super) fn failure(&self) -> Option<String> {
        self.state.read().unwrap_or_else(PoisonError::into_inner).failure.clone()
    }

    /// Closes the handle and opens the data anew: after an I/O error redb refuses everything until then.
    pub(super) fn reopen(&self) -> Result<(), StoreError> {
        let state = || self.state.write().unwrap_or_else(PoisonError::into_inner);
        // Data in memory has nothing to be opened again from.
        if !matches!(self.location, Location::Memory) {
            // Readers are told at once that there is nothing to read, and are not kept waiting.
            let old = state().handle.take();
            if let Some(mut old) = old {
                for _ in 0..DRAIN_TRIES {
                    match Arc::try_unwrap(old) {
                        Ok(handle) => {
                            drop(handle);
                            break;
                        }
                        Err(shared) => old = shared,
                    }
                    std::thread::sleep(DRAIN_PAUSE);
                }
            }
            let opened = Arc::new(open_handle(&self.location, self.cache_bytes)?);
            state().handle = Some(opened);
        }
        state().failure = None;
        Ok(())
    }
}

fn open_handle(location: &Location, cache_bytes: usize) -> Result<Handle, StoreError> {
    let mut builder = Builder::new();
    builder.set_cache_size(cache_bytes);
    Ok(match location {
        Location::File(path) => {
            builder.set_concurrency_mode(ConcurrencyMode::SingleWriter);
            Handle::Writable(builder.create(path)?)
        }
        Location::ReadOnly(path) => {
            builder.set_concurrency_mode(ConcurrencyMode::SingleWriter);
            let opened = builder.open_read_only(path).or_else(|e| match e {
                // The last writer was killed and no other has opened the file since: it takes one to repair it.
                redb::DatabaseError::RepairAborted => {
                    drop(builder.open(path)?);
                    builder.open_read_only(path)
                }
                e => Err(e),
            });
            Handle::ReadOnly(opened?)
        }
        Location::Memory => Handle::Writable(builder.create_with_backend(InMemoryBackend::new())?),
        Location::Custom(open) => Handle::Writable(open(&builder)?),
    })
}
