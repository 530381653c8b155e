//! The open database file, and how it is opened again after storage failed under it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use redb::{
    Builder, ConcurrencyMode, Durability, ReadOnlyDatabase, ReadableDatabase, WriteTransaction,
    backends::InMemoryBackend,
};

use super::error::StoreError;
use super::migrations::{Schema, SchemaVersion};
use super::place::Place;
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
pub type Open = Box<dyn Fn(&mut Builder) -> Result<redb::Database, redb::DatabaseError> + Send + Sync>;

enum Handle {
    Writable(redb::Database),
    ReadOnly(ReadOnlyDatabase),
}

impl Handle {
    fn begin_read(&self) -> Result<ReadTx, StoreError> {
        Ok(ReadTx::new(match self {
            Self::Writable(db) => db.begin_read()?,
            Self::ReadOnly(db) => db.begin_read()?,
        }))
    }
}

struct State {
    handle: Option<Arc<Handle>>,
    /// What is read from while the handle fails: after an I/O error redb refuses everything but what it still holds in
    /// memory.
    fallback: Option<Arc<Handle>>,
    failure: Option<StoreError>,
}

/// The open database.
pub struct Database {
    location: Location,
    /// The file that was opened first; its name may come to mean another.
    place: Option<Place>,
    cache_bytes: usize,
    state: RwLock<State>,
}

/// How often and how long a reopen waits for readers of the failed handle to end.
const DRAIN_TRIES: u32 = 100;
const DRAIN_PAUSE: Duration = Duration::from_millis(10);

impl Database {
    pub(super) fn open(location: Location, cache_bytes: usize) -> Result<Self, StoreError> {
        let handle = contained(|| open_handle(&location, cache_bytes, true))?;
        let place = match &location {
            Location::File(path) => Some(Place::of(path)?),
            _ => None,
        };
        let state = RwLock::new(State { handle: Some(Arc::new(handle)), fallback: None, failure: None });
        Ok(Self { location, place, cache_bytes, state })
    }

    /// The file that is written, where there is one.
    pub(super) fn file(&self) -> Option<&Path> {
        match &self.location {
            Location::File(path) => Some(path),
            _ => None,
        }
    }

    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn state_mut(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn begin_read(&self) -> Result<ReadTx, StoreError> {
        let handle = {
            let state = self.state();
            state.fallback.as_ref().or(state.handle.as_ref()).cloned()
        };
        handle.ok_or(StoreError::Unavailable("it is being reopened"))?.begin_read()
    }

    pub(super) fn begin_write(&self) -> Result<WriteTransaction, StoreError> {
        // What is written to a file that nobody can find any more is lost with this process.
        if let Some(place) = &self.place {
            place.check()?;
        }
        let handle = self.state().handle.clone();
        match &*handle.ok_or(StoreError::Unavailable("it is being reopened"))? {
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

    /// Remembers why writing failed, for [`failure`](Self::failure). Reads go on.
    pub(super) fn note_failure(&self, error: &StoreError) {
        self.fall_back();
        self.state_mut().failure = Some(error.clone());
    }

    /// Writing works.
    pub(super) fn note_success(&self) {
        if self.state().failure.is_some() {
            self.state_mut().failure = None;
        }
    }

    /// Why storage failed at the last write; `None` when it did not.
    pub(super) fn failure(&self) -> Option<StoreError> {
        self.state().failure.clone()
    }

    /// Reads from a handle of its own from now on, where the file can be opened once more.
    pub(super) fn fall_back(&self) {
        let (Location::File(path), Some(place)) = (&self.location, &self.place) else { return };
        if place.check().is_err() {
            // The handle that is open still has the file.
            return;
        }
        let location = Location::ReadOnly(path.clone());
        if let Ok(handle) = open_handle(&location, self.cache_bytes, false) {
            self.state_mut().fallback = Some(Arc::new(handle));
        }
    }

    /// Closes the handle and opens the data anew: after an I/O error redb refuses everything until then.
    pub(super) fn reopen(&self) -> Result<(), StoreError> {
        // Data in memory has nothing to be opened again from.
        if !matches!(self.location, Location::Memory) {
            if let Some(place) = &self.place {
                place.check()?;
            }
            // Where there is nothing to fall back on, readers are told at once and not kept waiting.
            let old = self.state_mut().handle.take();
            if let Some(mut old) = old {
                for _ in 0..DRAIN_TRIES {
                    match Arc::try_unwrap(old) {
                        Ok(handle) => {
                            close(handle);
                            break;
                        }
                        Err(shared) => old = shared,
                    }
                    std::thread::sleep(DRAIN_PAUSE);
                }
            }
            let opened = Arc::new(contained(|| open_handle(&self.location, self.cache_bytes, false))?);
            let mut state = self.state_mut();
            state.handle = Some(opened);
            state.fallback = None;
        }
        self.state_mut().failure = None;
        Ok(())
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let handle = self.state.get_mut().unwrap_or_else(PoisonError::into_inner).handle.take();
        close(handle);
    }
}

/// What panicked in redb once does so again when it is closed: that must not end the process, nor keep the data from
/// being opened anew. There is nobody to tell.
fn close(handle: impl Sized) {
    let _ = catch_unwind(AssertUnwindSafe(move || drop(handle)));
}

/// Runs what may meet damage that makes redb panic: that, too, is only a file that cannot be used.
pub(super) fn contained<T>(work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    let done = catch_unwind(AssertUnwindSafe(work));
    done.unwrap_or_else(|_| Err(StoreError::Corrupt("what it holds contradicts itself".into())))
}

/// Makes a new file, whole or not at all: one that a crash or a full disk left half made would be refused ever after.
fn create_file(builder: &Builder, path: &Path) -> Result<(), StoreError> {
    let io = |e: std::io::Error| StoreError::Io(e.to_string());
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".new-{}", std::process::id()));
    let beside = PathBuf::from(beside);
    let made = builder.create(&beside).map(drop).map_err(StoreError::from).and_then(|()| {
        // A link takes the place of no file that another process has made meanwhile, as a rename would.
        let linked = std::fs::hard_link(&beside, path);
        let placed = linked.or_else(|_| if path.exists() { Ok(()) } else { std::fs::rename(&beside, path) });
        placed.map_err(io)
    });
    // Gone already, if it was renamed or could not be made.
    let _ = std::fs::remove_file(&beside);
    made?;
    // The name is as durable as the commits that will be answered.
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)?;
    }
    Ok(())
}

/// Whether a process has a file open for writing.
///
/// # Errors
/// When the file cannot be opened at all.
pub fn is_held(path: &Path) -> Result<bool, StoreError> {
    let file = std::fs::OpenOptions::new().read(true).write(true).open(path);
    drop(file.map_err(redb::StorageError::from)?);
    let mut builder = Builder::new();
    builder.set_concurrency_mode(ConcurrencyMode::SingleWriter);
    // What else is wrong with the file does not matter here.
    let opened = contained(|| Ok(builder.open(path)?));
    Ok(matches!(opened, Err(StoreError::Locked)))
}

/// Gives the space that is free in a file back to the file system. Nobody else may have it open.
///
/// # Errors
/// When it is open elsewhere, is not one of this program's files, or cannot be read or written.
pub fn compact(path: &Path, cache_bytes: usize, schema: &Schema) -> Result<(), StoreError> {
    let mut builder = Builder::new();
    builder.set_cache_size(cache_bytes);
    let mut database = builder.open(path)?;
    if let Some(found) = SchemaVersion::of(&ReadTx::new(database.begin_read()?))? {
        SchemaVersion::check(found, schema)?;
    }
    database.compact()?;
    Ok(())
}

/// Opens the data; makes it where it is not there only when it is opened for the first time.
fn open_handle(location: &Location, cache_bytes: usize, first: bool) -> Result<Handle, StoreError> {
    let mut builder = Builder::new();
    builder.set_cache_size(cache_bytes);
    Ok(match location {
        Location::File(path) => {
            builder.set_concurrency_mode(ConcurrencyMode::SingleWriter);
            if first && path.symlink_metadata().is_err() {
                create_file(&builder, path)?;
            }
            // An empty file is one that somebody made for the data.
            Handle::Writable(if first { builder.create(path)? } else { builder.open(path)? })
        }
        Location::ReadOnly(path) => {
            builder.set_concurrency_mode(ConcurrencyMode::SingleWriter);
            let opened = builder.open_read_only(path).or_else(|e| match e {
                // The last writer was killed and no other has opened the file since: it takes one to repair it.
                redb::DatabaseError::RepairAborted if first => {
                    drop(builder.open(path)?);
                    builder.open_read_only(path)
                }
                e => Err(e),
            });
            Handle::ReadOnly(opened?)
        }
        Location::Memory => Handle::Writable(builder.create_with_backend(InMemoryBackend::new())?),
        Location::Custom(open) => Handle::Writable(open(&mut builder)?),
    })
}
