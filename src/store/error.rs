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
        matches!(self, Self::Io(_) | Self::Unavailable(_) | Self::Broke)
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
            e => Self::Io(e.to_string()),
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
    redb::SetDurabilityError
);
