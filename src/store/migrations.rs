//! The schema version of a data file and the ordered steps that raise it.

use bincode::{Decode, Encode};

use super::error::StoreError;
use super::read::ReadTx;
use super::record::{TableName, Value};
use super::write::WriteTx;

/// A step from one schema version to the next.
pub type Step = fn(&mut WriteTx<'_>) -> Result<(), StoreError>;

/// What a data file must look like.
pub struct Schema {
    /// `steps[n]` raises version `n + 1` to `n + 2`; a new file starts at the last version.
    pub steps: &'static [Step],
}

impl Schema {
    /// The version that this program writes; versions count from 1.
    #[must_use]
    pub fn version(&self) -> u32 {
        u32::try_from(self.steps.len()).unwrap_or(u32::MAX).saturating_add(1)
    }
}

/// The version a file is at.
#[derive(Clone, Encode, Decode)]
pub(super) struct SchemaVersion(pub u32);

impl Value for SchemaVersion {
    const TABLE: TableName = "schema";
    type Key = ();
}

impl SchemaVersion {
    /// Refuses a version that this program does not know.
    pub(super) fn check(found: u32, schema: &Schema) -> Result<(), StoreError> {
        let known = schema.version();
        if found > known { Err(StoreError::TooNew { found, known }) } else { Ok(()) }
    }

    /// The version of a file; `None` for one in which nothing is. Refuses files of other programs.
    pub(super) fn of(tx: &ReadTx) -> Result<Option<u32>, StoreError> {
        let version = tx.get::<Self>(&())?.map(|version| version.0);
        if version.is_none() && !tx.tables()?.is_empty() {
            return Err(StoreError::Corrupt("it is a database of another program".into()));
        }
        Ok(version)
    }

    /// Raises the file to this program's version.
    pub(super) fn raise(tx: &mut WriteTx<'_>, schema: &Schema) -> Result<(), StoreError> {
        let found = tx.get::<Self>(&())?.map_or(schema.version(), |v| v.0);
        Self::check(found, schema)?;
        let known = schema.version();
        if found < known {
            // On a large file this takes a while.
            tracing::info!(
                "raising the data file from schema {found} to {known}; this reads all records once"
            );
        }
        for step in schema.steps.iter().skip(found.saturating_sub(1) as usize) {
            step(tx)?;
        }
        tx.set(&(), &Self(known))
    }
}
