//! The copy of a data file as it was before it is raised to a later schema.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::error::StoreError;
use super::migrations::{Schema, SchemaVersion};
use super::read::ReadTx;

/// How much memory copying takes.
const CACHE_BYTES: usize = 16 * 1024 * 1024;

/// A copy, which goes again where the file is not raised after all: one for each start that fails would fill the disk.
pub(super) struct Older(Option<PathBuf>);

impl Older {
    /// Copies a file of an older version, as `FILE.schema-VERSION` beside it. Others need none.
    pub fn keep(tx: &ReadTx, file: Option<&Path>, schema: &Schema) -> Result<Self, StoreError> {
        let found = SchemaVersion::of(tx)?.filter(|found| *found < schema.version());
        let (Some(found), Some(file)) = (found, file) else { return Ok(Self(None)) };
        let copy = free_name(file, found);
        let partial = with(&copy, ".partial");
        let kept = copy_to(tx, file, &partial).and_then(|()| Ok(fs::rename(&partial, &copy)?));
        let _ = fs::remove_file(&partial);
        kept.map_err(|why| {
            StoreError::Refused(format!(
                "the data file {} is of an older version, and cannot be kept as {} before it is raised: {why}; make \
                 room, or name another file with --data",
                file.display(),
                copy.display()
            ))
        })?;
        Ok(Self(Some(copy)))
    }

    /// The file was raised.
    pub fn stay(mut self) {
        if let Some(copy) = self.0.take() {
            tracing::info!("the data file as it was before is kept as {}", copy.display());
        }
    }
}

impl Drop for Older {
    fn drop(&mut self) {
        if let Some(copy) = &self.0 {
            let _ = fs::remove_file(copy);
        }
    }
}

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
enum Why {
    Store(#[from] StoreError),
    File(#[from] std::io::Error),
}

fn copy_to(tx: &ReadTx, file: &Path, partial: &Path) -> Result<(), Why> {
    // Of a start that was cut off.
    let _ = fs::remove_file(partial);
    tx.copy_to(partial, CACHE_BYTES)?;
    // Who may read the data may read the copy, and nobody else.
    Ok(fs::set_permissions(partial, fs::metadata(file)?.permissions())?)
}

fn with(file: &Path, suffix: impl AsRef<OsStr>) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// A name that no earlier copy has.
fn free_name(file: &Path, version: u32) -> PathBuf {
    let mut copy = with(file, format!(".schema-{version}"));
    let mut number = 1_u64;
    while copy.symlink_metadata().is_ok() {
        number += 1;
        copy = with(file, format!(".schema-{version}-{number}"));
    }
    copy
}
