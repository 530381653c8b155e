//! What can go wrong in the store, grouped by what the caller can do about it.

use super::codec::CodecError;

/// Why the store could not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Another process has the file open for writing.
    #[error("another process is using the data file")]
    Locked,
    /// The file was written by a newer version of this program.
    #[error("the data file has schema version {found}; this program knows up to {known}")]
    TooNew {
        /// The version in the file.
        found: u32,
        /// The newest version that this program reads.
        known: u32,
    },
    /// The file was written by an older version of this program, and is open for reading only.
    #[error(
        "the data file has schema version {found}; it must be raised to {known} by opening it for writing"
    )]
    TooOld {
        /// The version in the file.
        found: u32,
        /// The version that this program reads.
        known: u32,
    },
    /// The file is not one of ours, or is damaged.
    #[error("the data file is damaged or not an agentmap file: {0}")]
    Corrupt(String),
    /// Reading or writing failed; it may work again later.
    #[error("storage failed: {0}")]
    Io(String),
    /// There is no room on the disk, or no more may be used of it.
    #[error("storage is full: {0}")]
    Full(String),
    /// The file may not be read or written.
    #[error("storage is refused: {0}")]
    Denied(String),
    /// The file was removed while it was open.
    #[error("the data file was removed while it was open")]
    Removed,
    /// Another file took the name of the one that is open.
    #[error("another file was put in the place of the data file while it was open")]
    Replaced,
    /// The store is shut down or is being reopened after a failure.
    #[error("storage is not available: {0}")]
    Unavailable(&'static str),
    /// The writer panicked, which is a bug; what it did not answer may be written. The data is opened anew.
    #[error("the writer broke off")]
    Broke,
    /// Whoever opens the data does not take it for what it was; the sentence says why.
    #[error("{0}")]
    Refused(String),
    /// A command of the batch panicked, which is a bug; nothing of the batch was written.
    #[error("a command could not be carried out")]
    Panicked,
}

impl StoreError {
    /// Whether reading or writing failed, and not only what was asked for.
    pub(super) fn is_of_storage(&self) -> bool {
        matches!(self, Self::Io(_) | Self::Full(_) | Self::Denied(_) | Self::Unavailable(_) | Self::Broke)
    }

    /// What a client may know of it, and whoever can do something about it must know.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Full(_) => "the disk of the data file is full, or no more of it may be used",
            Self::Denied(_) => "the data file may not be read or written",
            Self::Removed => {
                "the data file was removed while the server had it open; put it back, or stop the server and restore a \
                 backup"
            }
            Self::Replaced => {
                "another file was put in the place of the data file; start the server again to use that one"
            }
            Self::Locked => "another process has the data file",
            Self::Unavailable(why) => why,
            Self::Corrupt(_)
            | Self::TooNew { .. }
            | Self::TooOld { .. }
            | Self::Panicked
            | Self::Broke
            | Self::Refused(_) => "the data file cannot be used",
            Self::Io(_) => "the disk of the data file fails",
        }
    }
}

impl From<CodecError> for StoreError {
    fn from(e: CodecError) -> Self {
        Self::Corrupt(e.0)
    }
}

impl From<redb::Error> for StoreError {
    fn from(e: redb::Error) -> Self {
        match e {
            redb::Error::DatabaseAlreadyOpen | redb::Error::LockProtocolMismatch => Self::Locked,
            redb::Error::Corrupted(text) => Self::Corrupt(text),
            redb::Error::UpgradeRequired(version) => {
                Self::Corrupt(format!("it is a redb file of version {version}"))
            }
            e @ (redb::Error::TableTypeMismatch { .. } | redb::Error::TableDoesNotExist(_)) => {
                Self::Corrupt(e.to_string())
            }
            redb::Error::Io(e) if e.kind() == std::io::ErrorKind::InvalidData => Self::Corrupt(e.to_string()),
            redb::Error::Io(e) => Self::of_io(&e),
            e => Self::Io(e.to_string()),
        }
    }
}

impl StoreError {
    fn of_io(e: &std::io::Error) -> Self {
        use std::io::ErrorKind::{
            FileTooLarge, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull,
        };
        match e.kind() {
            StorageFull | QuotaExceeded | FileTooLarge => Self::Full(e.to_string()),
            PermissionDenied | ReadOnlyFilesystem => Self::Denied(e.to_string()),
            _ => Self::Io(e.to_string()),
        }
    }
}

macro_rules! from_redb {
    ($($t:ty),*) => {$(
        impl From<$t> for StoreError {
            fn from(e: $t) -> Self {
                redb::Error::from(e).into()
            }
        }
    )*};
}
from_redb!(
    redb::DatabaseError,
    redb::TransactionError,
    redb::TableError,
    redb::StorageError,
    redb::CommitError,
    redb::SetDurabilityError,
    redb::CompactionError
);
