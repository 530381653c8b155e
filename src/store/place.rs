//! Whether a path still names the file that was opened at it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::error::StoreError;

/// A path, and the file that it named.
pub(super) struct Place {
    path: PathBuf,
    file: Identity,
}

/// The device and the number of a file on it.
#[cfg(unix)]
type Identity = (u64, u64);
/// An open file: its times do not tell it from another, which Windows gives those of the one whose name it takes.
#[cfg(not(unix))]
type Identity = same_file::Handle;

#[cfg(unix)]
fn identity(path: &Path) -> std::io::Result<Identity> {
    use std::os::unix::fs::MetadataExt;
    let found = std::fs::metadata(path)?;
    Ok((found.dev(), found.ino()))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> std::io::Result<Identity> {
    same_file::Handle::from_path(path)
}

impl Place {
    /// The file that a path names now.
    pub fn of(path: &Path) -> Result<Self, StoreError> {
        let file = identity(path).map_err(redb::StorageError::from)?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Fails when the file was removed or another took its name.
    pub fn check(&self) -> Result<(), StoreError> {
        match identity(&self.path) {
            Ok(found) if found == self.file => Ok(()),
            Ok(_) => Err(StoreError::Replaced),
            Err(e) if e.kind() == ErrorKind::NotFound => Err(StoreError::Removed),
            // Who may not look may still write what is open.
            Err(_) => Ok(()),
        }
    }
}
