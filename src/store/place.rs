//! Whether a path still names the file that was opened at it.

use std::fs::Metadata;
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
/// When a file was made: what the standard library tells of its identity elsewhere.
#[cfg(not(unix))]
type Identity = Option<std::time::SystemTime>;

#[cfg(unix)]
fn identity(found: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    (found.dev(), found.ino())
}

#[cfg(not(unix))]
fn identity(found: &Metadata) -> Identity {
    found.created().ok()
}

impl Place {
    /// The file that a path names now.
    pub fn of(path: &Path) -> Result<Self, StoreError> {
        let found = std::fs::metadata(path).map_err(redb::StorageError::from)?;
        Ok(Self { path: path.to_owned(), file: identity(&found) })
    }

    /// Fails when the file was removed or another took its name.
    pub fn check(&self) -> Result<(), StoreError> {
        match std::fs::metadata(&self.path) {
            Ok(found) if identity(&found) == self.file => Ok(()),
            Ok(_) => Err(StoreError::Replaced),
            Err(e) if e.kind() == ErrorKind::NotFound => Err(StoreError::Removed),
            // Who may not look may still write what is open.
            Err(_) => Ok(()),
        }
    }
}
