//! Storage in memory that outlives the database on it, fails when told to, forgets on a crash what was not
//! synced, and can tell everything that was done to it.
//!
//! It says yes to every lock: one process at a time is the tests' to see to. So redb runs on it in the same
//! mode as on a file.

pub mod change;

use std::fmt;
use std::io::{Error, ErrorKind, Result};
use std::ops::Bound;
use std::sync::{Arc, Mutex};

pub use change::{Change, Fate};
use redb::{BackendError, Builder, ConcurrencyMode, Database, DatabaseError, StorageBackend};

/// What redb asks of its storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Length,
    Read,
    Grow,
    Shrink,
    Write,
    Sync,
}

impl Kind {
    pub const ALL: &[Self] = &[Self::Length, Self::Read, Self::Grow, Self::Shrink, Self::Write, Self::Sync];
}

/// How an operation fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// Nothing is done.
    Broken,
    /// Nothing is done, because the disk is full.
    Full,
    /// The first half is done: of the bytes, of the growth, or of what is to be synced.
    Halfway,
    /// A sync fails, and what it was to keep is forgotten at once.
    Forgotten,
    /// A sync fails, and what it was to keep goes on being read but never reaches the disk: kernels mark pages that
    /// they could not write as clean.
    Pretended,
}

/// What fails, until [`Disk::heal`].
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    pub on: &'static [Kind],
    /// After how many operations of these kinds it begins.
    pub spared: u64,
    /// Whether all later ones fail too, or that one alone.
    pub lasting: bool,
    pub how: How,
}

#[derive(Default)]
struct State {
    bytes: Vec<u8>,
    synced: Vec<u8>,
    unsynced: Vec<Change>,
    /// Everything that was done, where it is recorded.
    journal: Option<Vec<Change>>,
    /// The operations that were asked for.
    asked: Vec<Kind>,
    fault: Option<Fault>,
    failed: u64,
}

impl State {
    /// Whether an operation is to fail, and how.
    fn fate(&mut self, kind: Kind) -> Option<How> {
        self.asked.push(kind);
        let fault = self.fault.as_mut().filter(|fault| fault.on.contains(&kind))?;
        if fault.spared > 0 {
            fault.spared -= 1;
            return None;
        }
        let how = fault.how;
        if !fault.lasting {
            self.fault = None;
        }
        self.failed += 1;
        Some(how)
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.bytes);
        if let Some(journal) = &mut self.journal {
            journal.push(change.clone());
        }
        self.unsynced.push(change);
    }

    /// The first so many of the unsynced changes are safe now.
    fn keep(&mut self, count: usize) {
        for change in self.unsynced.drain(..count) {
            change.apply(&mut self.synced);
        }
    }
}

fn error(how: How) -> Error {
    // By their numbers, as the system tells them: redb and the store look at kinds.
    const EIO: i32 = 5;
    const ENOSPC: i32 = 28;
    if !cfg!(unix) {
        return Error::from(if how == How::Full { ErrorKind::StorageFull } else { ErrorKind::Other });
    }
    Error::from_raw_os_error(if how == How::Full { ENOSPC } else { EIO })
}

/// A handle of the storage; clones share it.
#[derive(Clone, Default)]
pub struct Disk(Arc<Mutex<State>>);

impl Disk {
    /// A disk that holds these bytes, all of them synced.
    pub fn of(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Mutex::new(State { synced: bytes.clone(), bytes, ..State::default() })))
    }

    /// Opens a database on it.
    pub fn open(&self, builder: &mut Builder) -> std::result::Result<Database, DatabaseError> {
        builder.set_concurrency_mode(ConcurrencyMode::SingleWriter).create_with_backend(self.clone())
    }

    /// Makes an empty database on it. The store gives a new file its name only once this is done.
    pub fn make(&self) -> std::result::Result<(), DatabaseError> {
        self.open(&mut Database::builder()).map(drop)
    }

    pub fn break_down(&self, fault: impl Into<Option<Fault>>) {
        self.0.lock().unwrap().fault = fault.into();
    }

    /// Works again. Returns how many operations failed.
    pub fn heal(&self) -> u64 {
        let mut state = self.0.lock().unwrap();
        state.fault = None;
        std::mem::take(&mut state.failed)
    }

    /// The operations that were asked for since the last time, in order.
    pub fn asked(&self) -> Vec<Kind> {
        std::mem::take(&mut self.0.lock().unwrap().asked)
    }

    /// Begins to record what is done.
    pub fn record(&self) {
        self.0.lock().unwrap().journal = Some(Vec::new());
    }

    /// All that it holds.
    pub fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().bytes.clone()
    }

    /// How much is recorded.
    pub fn recorded(&self) -> usize {
        self.0.lock().unwrap().journal.as_ref().map_or(0, Vec::len)
    }

    /// What was recorded.
    pub fn journal(&self) -> Vec<Change> {
        self.0.lock().unwrap().journal.take().unwrap_or_default()
    }

    /// What a power failure now might leave: all that was synced, and of the rest any part.
    pub fn after_crash(&self, mut fate: impl FnMut() -> Fate) -> Self {
        let state = self.0.lock().unwrap();
        let mut bytes = state.synced.clone();
        for change in &state.unsynced {
            change.apply_as(fate(), &mut bytes);
        }
        Self::of(bytes)
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Disk({} bytes)", self.0.lock().unwrap().bytes.len())
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> Result<u64> {
        let mut state = self.0.lock().unwrap();
        match state.fate(Kind::Length) {
            None => Ok(state.bytes.len() as u64),
            Some(how) => Err(error(how)),
        }
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        let mut state = self.0.lock().unwrap();
        let fate = state.fate(Kind::Read);
        let at = usize::try_from(offset).unwrap();
        let found = state.bytes.get(at..at + out.len()).ok_or(ErrorKind::UnexpectedEof)?;
        let count = match fate {
            None => out.len(),
            Some(How::Halfway) => out.len() / 2,
            Some(_) => 0,
        };
        out[..count].copy_from_slice(&found[..count]);
        fate.map_or(Ok(()), |how| Err(error(how)))
    }

    fn set_len(&self, len: u64) -> Result<()> {
        let mut state = self.0.lock().unwrap();
        let (before, length) = (state.bytes.len(), usize::try_from(len).unwrap());
        match state.fate(if length > before { Kind::Grow } else { Kind::Shrink }) {
            None => {
                state.change(Change::Length(length));
                Ok(())
            }
            Some(how) => {
                if how == How::Halfway {
                    state.change(Change::Length(usize::midpoint(before, length)));
                }
                Err(error(how))
            }
        }
    }

    fn sync_data(&self) -> Result<()> {
        let mut state = self.0.lock().unwrap();
        let fate = state.fate(Kind::Sync);
        let all = state.unsynced.len();
        match fate {
            None => {
                state.keep(all);
                if let Some(journal) = &mut state.journal {
                    journal.push(Change::Sync);
                }
            }
            Some(How::Halfway) => state.keep(all / 2),
            Some(How::Forgotten) => {
                state.unsynced.clear();
                let State { bytes, synced, .. } = &mut *state;
                bytes.clone_from(synced);
            }
            Some(How::Pretended) => state.unsynced.clear(),
            Some(How::Broken | How::Full) => {}
        }
        fate.map_or(Ok(()), |how| Err(error(how)))
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<()> {
        let mut state = self.0.lock().unwrap();
        let at = usize::try_from(offset).unwrap();
        let fate = state.fate(Kind::Write);
        let done = match fate {
            None => data,
            Some(How::Halfway) => &data[..data.len() / 2],
            Some(_) => &[],
        };
        if !done.is_empty() {
            state.change(Change::Write(at, done.into()));
        }
        fate.map_or(Ok(()), |how| Err(error(how)))
    }

    fn try_lock_range(&self, _: Bound<u64>, _: Bound<u64>) -> std::result::Result<bool, BackendError> {
        Ok(true)
    }

    fn try_lock_shared_range(&self, _: Bound<u64>, _: Bound<u64>) -> std::result::Result<bool, BackendError> {
        Ok(true)
    }

    fn lock_range(&self, _: Bound<u64>, _: Bound<u64>) -> std::result::Result<(), BackendError> {
        Ok(())
    }

    fn lock_shared_range(&self, _: Bound<u64>, _: Bound<u64>) -> std::result::Result<(), BackendError> {
        Ok(())
    }

    fn unlock_range(&self, _: Bound<u64>, _: Bound<u64>) -> std::result::Result<(), BackendError> {
        Ok(())
    }

    /// Nobody else has anything locked.
    fn query_lock_range(&self, _: Bound<u64>, _: Bound<u64>) -> std::result::Result<bool, BackendError> {
        Ok(false)
    }
}
