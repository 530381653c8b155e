//! The notary of the audit trail: it holds the key, signs what the tree is, and keeps the newest checkpoint beside the
//! data file, outside the database, so that data which is lost, cut or exchanged is noticed when it is opened.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::audit::Hash;
use crate::domain::audit_tree::AuditTree;
use crate::domain::checkpoint::Checkpoint;
use crate::domain::merkle::Tree as _;
use crate::domain::note::{PublicKey, Signer};
use crate::store::{Lookup, StoreError};

/// The files beside a data file.
#[derive(Debug, Clone)]
pub struct Files {
    /// The data.
    pub data: PathBuf,
    /// The private key.
    pub key: PathBuf,
    /// The newest checkpoint.
    pub checkpoint: PathBuf,
}

impl Files {
    /// Those beside a data file.
    #[must_use]
    pub fn beside(data: &Path) -> Self {
        let named = |suffix: &str| {
            let mut name = data.as_os_str().to_owned();
            name.push(suffix);
            PathBuf::from(name)
        };
        Self { data: data.to_owned(), key: named(".key"), checkpoint: named(".checkpoint") }
    }

    /// Gives key and checkpoint other names, which end in `suffix`: what is in the data file from now on is another log,
    /// with a key of its own, because no key may sign two histories. Returns the new names of those that were there.
    ///
    /// # Errors
    /// When a file cannot be renamed.
    pub fn set_aside(&self, suffix: &str) -> io::Result<Vec<PathBuf>> {
        let mut aside = Vec::new();
        for path in [&self.checkpoint, &self.key] {
            let mut name = path.clone().into_os_string();
            name.push(suffix);
            match fs::rename(path, &name) {
                Ok(()) => aside.push(name.into()),
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) => return Err(e),
            }
        }
        Ok(aside)
    }

    /// What is to be done when the data is not what was signed.
    fn ways_out(&self) -> String {
        format!(
            "restore the data file from a backup, or, to accept the loss and begin a new log, move {} and {} away",
            self.checkpoint.display(),
            self.key.display()
        )
    }
}

/// Who signs.
pub struct Notary {
    signer: Signer,
    files: Option<Files>,
    /// The largest tree that was signed.
    signed: Mutex<Option<Checkpoint>>,
    /// How many records the checkpoint beside the data file covers. Held while that is written.
    kept: Mutex<Option<u64>>,
}

impl Notary {
    /// A notary with a key of its own that goes with the process.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn in_memory() -> Result<Self, StoreError> {
        Ok(Self { signer: new_key()?, files: None, signed: Mutex::default(), kept: Mutex::default() })
    }

    /// The notary of a data file that is about to be opened.
    ///
    /// # Errors
    /// When a file cannot be used, or there is a checkpoint but no data.
    pub fn beside(data: &Path) -> Result<Self, StoreError> {
        let files = Files::beside(data);
        let checkpoint = read(&files.checkpoint)?;
        let signer = read_key(&files.key)?;
        if checkpoint.is_some() && fs::metadata(data).map_or(true, |m| m.len() == 0) {
            return Err(StoreError::Refused(format!(
                "the data file {} is missing or empty, but the checkpoint {} says that there was one; {}",
                data.display(),
                files.checkpoint.display(),
                files.ways_out()
            )));
        }
        let signed = match (checkpoint, &signer) {
            (None, _) => None,
            (Some(_), None) => {
                return Err(StoreError::Refused(format!(
                    "there is a checkpoint {} but no key {} that it is verified with; restore the key, or, to begin a \
                     new log, move the checkpoint away",
                    files.checkpoint.display(),
                    files.key.display()
                )));
            }
            (Some(note), Some(signer)) => {
                let opened = Checkpoint::open(&note, signer.public());
                Some(opened.map_err(|why| unusable(&files.checkpoint, why))?)
            }
        };
        let signer = signer.map_or_else(new_key, Ok)?;
        Ok(Self { signer, files: Some(files), signed: Mutex::new(signed), kept: Mutex::default() })
    }

    /// What others verify with.
    #[must_use]
    pub fn public(&self) -> &PublicKey {
        self.signer.public()
    }

    fn signed(&self) -> MutexGuard<'_, Option<Checkpoint>> {
        self.signed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Compares the data with the largest tree that was signed, which it must continue.
    ///
    /// # Errors
    /// When it does not, or storage fails.
    pub fn examine(&self, tx: impl Lookup) -> Result<(), StoreError> {
        let Some(signed) = self.signed().clone() else { return Ok(()) };
        let mut tree = AuditTree::open(tx)?;
        let said = |found: String| {
            let (data, checkpoint, ways_out) = match &self.files {
                Some(f) => (f.data.display().to_string(), f.checkpoint.display().to_string(), f.ways_out()),
                None => ("data".into(), "signed".into(), "restore it".into()),
            };
            StoreError::Refused(format!(
                "the data file {data} {found}, but the checkpoint {checkpoint} covers {} records; {ways_out}",
                signed.size
            ))
        };
        if tree.size() < signed.size {
            return Err(said(format!(
                "holds {} audit records: it was cut, or is an older copy",
                tree.size()
            )));
        }
        if !tree.knows(signed.size) {
            return Err(said(format!("was pruned up to audit record {}", tree.anchor.first)));
        }
        if tree.root(signed.size)? != signed.root {
            return Err(said("holds other audit records than those that were signed".into()));
        }
        Ok(())
    }

    /// Signs what the tree was at a size.
    #[must_use]
    pub fn sign(&self, size: u64, root: Hash) -> String {
        let mut signed = self.signed();
        if signed.as_ref().is_none_or(|signed| signed.size < size) {
            let origin = self.public().name().to_owned();
            *signed = Some(Checkpoint { origin, size, root });
        }
        Checkpoint::sign(size, root, &self.signer)
    }

    /// Puts the key beside the data file, where there is one and it is not there yet.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn keep_key(&self) -> Result<(), StoreError> {
        match &self.files {
            Some(files) if !files.key.exists() => {
                replace(&files.key, &(self.signer.secret() + "\n")).map_err(|e| unwritable(&files.key, &e))
            }
            _ => Ok(()),
        }
    }

    /// Signs what the tree is and keeps that beside the data file, where there is one and it covers fewer records so
    /// far. Returns how many records it covers.
    ///
    /// # Errors
    /// When a file cannot be written, or storage fails.
    pub fn keep(&self, tx: impl Lookup) -> Result<u64, StoreError> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let tree = AuditTree::open(tx)?;
        let size = tree.size();
        let Some(files) = &self.files else { return Ok(size) };
        if let Some(kept) = kept.filter(|kept| *kept >= size) {
            return Ok(kept);
        }
        let note = self.sign(size, tree.head());
        replace(&files.checkpoint, &note).map_err(|e| unwritable(&files.checkpoint, &e))?;
        *kept = Some(size);
        Ok(size)
    }
}

fn new_key() -> Result<Signer, StoreError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)
        .map_err(|e| StoreError::Io(format!("the system gives no random numbers for a key: {e}")))?;
    Ok(Signer::from_seed(&seed))
}

fn unusable(path: &Path, why: impl std::fmt::Display) -> StoreError {
    StoreError::Refused(format!(
        "the file {} cannot be used: {why}; restore it, or move it away",
        path.display()
    ))
}

fn unwritable(path: &Path, e: &io::Error) -> StoreError {
    StoreError::Io(format!("{} cannot be written: {e}", path.display()))
}

/// A small text file, where it is there.
fn read(path: &Path) -> Result<Option<String>, StoreError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(unusable(path, e)),
    }
}

/// The private key in a file that its owner alone may read.
fn read_key(path: &Path) -> Result<Option<Signer>, StoreError> {
    let Some(text) = read(path)? else { return Ok(None) };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(path).map_err(|e| unusable(path, e))?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(StoreError::Refused(format!(
                "the private key {0} may be read or written by others (mode {1:03o}); if nobody did, run chmod 600 {0}",
                path.display(),
                mode & 0o777
            )));
        }
    }
    Signer::read(&text).map(Some).map_err(|why| unusable(path, why))
}

/// The public part of the key beside a data file, where it is there and may be read.
///
/// # Errors
/// When it cannot be used.
pub fn public_key(files: &Files) -> Result<Option<PublicKey>, StoreError> {
    Ok(read_key(&files.key)?.map(|signer| signer.public().clone()))
}

/// Puts a file of the owner's alone in place of what is there: whoever reads, also after a crash, finds the one or the
/// other, and never a part.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // One that a crash left.
    match fs::remove_file(&new) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let mut file = options.open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    // The name is safe once the folder is. Windows has no such thing.
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}
