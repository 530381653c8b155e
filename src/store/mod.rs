//! Durable tables with indexes, written by one thread and read through snapshots.
//!
//! [`Store`] is generic over the command and over the function that applies it, and knows nothing of
//! what is stored: records declare their tables and indexes ([`Record`]), and all writing is a command
//! applied by the [writer](writer) thread.

mod buffer;
pub mod codec;
mod copy;
mod database;
mod error;
mod intersect;
mod migrations;
mod older;
mod place;
mod postings;
mod read;
mod record;
mod remove;
mod reshape;
mod salvage;
mod scratch;
mod walk;
mod write;
mod writer;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot};

pub use codec::Key;
pub use copy::NewFile;
pub use database::{Location, compact, is_held};
pub use error::StoreError;
pub use intersect::{Found, Intersection};
pub use migrations::{Schema, Step};
pub use postings::{Posting, PostingList, parts_of, posting_of};
pub use read::ReadTx;
pub use record::{Index, IndexEntries, Lookup, Record, TableName, Value};
pub use scratch::Scratch;
pub use write::WriteTx;
pub use writer::{Apply, Listener, News};

use database::Database;
use migrations::SchemaVersion;
use older::Older;
use writer::{Job, Writer};

/// An open store of commands `C` with outcomes `O`.
pub struct Store<C, O> {
    database: Arc<Database>,
    jobs: Mutex<Option<mpsc::Sender<Job<C, O>>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl<C: Send + 'static, O: Send + 'static> Store<C, O> {
    /// Opens the data, raises it to the schema's version and starts the writer thread. A file that is raised is kept as
    /// it was, beside itself.
    /// The listener is asked before anything is written and told of the opening before this returns, and of every batch after its commit and before it
    /// is answered.
    ///
    /// # Errors
    /// When the data is locked, too new, damaged or not reachable.
    pub fn open(
        location: Location,
        cache_bytes: usize,
        schema: &Schema,
        apply: Apply<C, O>,
        mut listener: Listener<O>,
    ) -> Result<Self, StoreError> {
        let database = Arc::new(Database::open(location, cache_bytes)?);
        database::contained(|| {
            let older = Older::keep(&database.begin_read()?, database.file(), schema)?;
            let txn = database.begin_write()?;
            let mut tx = WriteTx::new(&txn);
            SchemaVersion::raise(&mut tx, schema)?;
            listener(News::Opening(&mut tx))?;
            tx.finish()?;
            txn.commit().map_err(StoreError::from)?;
            older.stay();
            listener(News::Opened(&database.begin_read()?))
        })?;
        let (sender, jobs) = mpsc::channel(writer::QUEUE);
        let writer = Writer { database: Arc::clone(&database), apply, listener, jobs };
        let thread = writer.spawn().map_err(|e| StoreError::Io(e.to_string()))?;
        Ok(Self { database, jobs: Mutex::new(Some(sender)), thread: Mutex::new(Some(thread)) })
    }

    /// Opens an existing file for reading, also beside the process that writes it.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_read_only(path: &Path, cache_bytes: usize, schema: &Schema) -> Result<Self, StoreError> {
        let database = Database::open(Location::ReadOnly(path.to_owned()), cache_bytes)?;
        if let Some(found) = SchemaVersion::of(&database.begin_read()?)? {
            SchemaVersion::check(found, schema)?;
            let known = schema.version();
            if found < known {
                return Err(StoreError::TooOld { found, known });
            }
        }
        Ok(Self { database: Arc::new(database), jobs: Mutex::new(None), thread: Mutex::new(None) })
    }

    /// A snapshot as of the last commit.
    ///
    /// # Errors
    /// When storage fails.
    pub fn begin_read(&self) -> Result<ReadTx, StoreError> {
        self.database.begin_read()
    }

    /// Runs `f` on a snapshot.
    ///
    /// # Errors
    /// What `f` returns, or when storage fails.
    pub fn read<T>(&self, f: impl FnOnce(&ReadTx) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let read = f(&self.begin_read()?);
        if read.as_ref().is_err_and(StoreError::is_of_storage) {
            // The next read need not fail as this one did.
            self.database.fall_back();
        }
        read
    }

    /// Applies a command and returns its outcome once it is on disk. Dropping the future does not take the
    /// command back.
    ///
    /// # Errors
    /// When storage fails, or the store was shut down.
    pub async fn submit(&self, command: C) -> Result<O, StoreError> {
        const CLOSED: StoreError = StoreError::Unavailable("it is shut down");
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (answer, outcome) = oneshot::channel();
        jobs.ok_or(CLOSED)?.send(Job { command, answer }).await.map_err(|_| CLOSED)?;
        outcome.await.map_err(|_| CLOSED)?
    }

    /// Why storage failed at the last write, as clients may know it; `None` when it did not.
    #[must_use]
    pub fn failure(&self) -> Option<&'static str> {
        self.database.failure().map(|failure| failure.reason())
    }
}

impl<C, O> Store<C, O> {
    /// Writes what was submitted, then ends the writer thread. Submitting fails from now on.
    pub fn shut_down(&self) {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

impl<C, O> Drop for Store<C, O> {
    fn drop(&mut self) {
        self.shut_down();
    }
}
