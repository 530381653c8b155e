//! Storage in memory that outlives the database on it, fails when told to, and forgets on a crash what
//! was not synced.

use std::fmt;
use std::io::{Error, ErrorKind, Result};
use std::sync::{Arc, Mutex};

use redb::StorageBackend;

use super::super::Location;

/// What fails from now on, until [`Disk::heal`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Write,
    Grow,
    Sync,
}

#[derive(Clone)]
enum Change {
    Write(usize, Vec<u8>),
    Length(usize),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Length(length) => bytes.resize(*length, 0),
            Self::Write(at, data) => {
                let end = at + data.len();
                if bytes.len() < end {
                    bytes.resize(end, 0);
                }
                bytes[*at..end].copy_from_slice(data);
            }
        }
    }
}

#[derive(Default)]
struct State {
    bytes: Vec<u8>,
    synced: Vec<u8>,
    unsynced: Vec<Change>,
    /// The fault, and after how many operations of its kind it begins.
    fault: Option<(Fault, u64)>,
    failed: u64,
}

impl State {
    fn attempt(&mut self, kind: Fault) -> Result<()> {
        match &mut self.fault {
            Some((fault, 0)) if *fault == kind => {
                self.failed += 1;
                let full = if kind == Fault::Grow { ErrorKind::StorageFull } else { ErrorKind::Other };
                Err(Error::from(full))
            }
            Some((fault, healthy)) if *fault == kind => {
                *healthy -= 1;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.bytes);
        self.unsynced.push(change);
    }
}

/// A handle of the storage; clones share it.
#[derive(Clone, Default)]
pub struct Disk(Arc<Mutex<State>>);

impl Disk {
    pub fn location(&self) -> Location {
        let disk = self.clone();
        Location::Custom(Box::new(move |builder| builder.create_with_backend(disk.clone())))
    }

    pub fn break_down(&self, fault: Fault, after: u64) {
        self.0.lock().unwrap().fault = Some((fault, after));
    }

    /// Works again. Returns how many operations failed.
    pub fn heal(&self) -> u64 {
        let mut state = self.0.lock().unwrap();
        state.fault = None;
        std::mem::take(&mut state.failed)
    }

    /// What a power failure now might leave: all that was synced, and of the rest any part.
    pub fn after_crash(&self, mut survives: impl FnMut() -> Survives) -> Self {
        let state = self.0.lock().unwrap();
        let mut bytes = state.synced.clone();
        for change in &state.unsynced {
            match (survives(), change) {
                (Survives::Not, Change::Write(..)) => {}
                (Survives::Torn(keep), Change::Write(at, data)) => {
                    let kept = data.len() * usize::from(keep) / 256;
                    Change::Write(*at, data[..kept].to_vec()).apply(&mut bytes);
                }
                (_, change) => change.apply(&mut bytes),
            }
        }
        let state = State { synced: bytes.clone(), bytes, ..State::default() };
        Self(Arc::new(Mutex::new(state)))
    }
}

/// What becomes of a write that was not synced.
#[derive(Debug, Clone, Copy)]
pub enum Survives {
    Not,
    /// The first so many of 256 parts.
    Torn(u8),
    Whole,
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Disk({} bytes)", self.0.lock().unwrap().bytes.len())
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> Result<u64> {
        Ok(self.0.lock().unwrap().bytes.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        let state = self.0.lock().unwrap();
        let at = usize::try_from(offset).unwrap();
        let found = state.bytes.get(at..at + out.len()).ok_or(ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(found);
        Ok(())
    }

    fn set_len(&self, len: u64) -> Result<()> {
        let mut state = self.0.lock().unwrap();
        let length = usize::try_from(len).unwrap();
        if length > state.bytes.len() {
            state.attempt(Fault::Grow)?;
        }
        state.change(Change::Length(length));
        Ok(())
    }

    fn sync_data(&self) -> Result<()> {
        let mut state = self.0.lock().unwrap();
        state.attempt(Fault::Sync)?;
        state.unsynced.clear();
        state.synced = state.bytes.clone();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<()> {
        let mut state = self.0.lock().unwrap();
        state.attempt(Fault::Write)?;
        state.change(Change::Write(usize::try_from(offset).unwrap(), data.to_vec()));
        Ok(())
    }
}
