//! Archives: records as gzipped NDJSON, one line a record as the API shows it, written before they are removed. Those of
//! the audit trail are what `agentmap audit export` writes, so that `audit verify` proves them.
//!
//! A file has its name only once all of it is on disk, so that what a file's name tells is in it. The name holds the
//! first and the last number and the random half of the last record's id: no other data has a file of that name, not
//! even the same data after an older backup was restored. So a run that was cut off is gone on with: what an archive
//! holds already is not archived again.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::ops::Bound::{Excluded, Included};
use std::ops::Range;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;
use uuid::Uuid;

use crate::app::{Failure, Snapshot};
use crate::domain::audit::AuditRecord;
use crate::domain::audit_range::{RangeError, RangeHead};
use crate::domain::checkpoint::Checkpoint;
use crate::domain::log_query::Logged;
use crate::domain::metrics::Metric;
use crate::domain::note::PublicKey;
use crate::store::Key;

/// A record that is archived.
trait Archived: Logged + Serialize {
    /// What the names of its archives begin with.
    const NAME: &'static str;
    /// The record's id.
    fn id(&self) -> Uuid;
}

impl Archived for Metric {
    const NAME: &'static str = "metrics";
    fn id(&self) -> Uuid {
        self.id()
    }
}

impl Archived for AuditRecord {
    const NAME: &'static str = "audit";
    fn id(&self) -> Uuid {
        self.id()
    }
}

/// What an archive is written to.
type Out = BufWriter<GzEncoder<File>>;

/// Makes sure that an archive in `folder` holds the metrics from the first of `numbers` on, and returns the number, one
/// of `numbers` or their end, up to which it does.
///
/// # Errors
/// When storage fails, or the archive cannot be written.
pub fn metrics(tx: &Snapshot, folder: &Path, numbers: Range<u64>) -> Result<u64, Failure> {
    keep::<Metric>(tx, folder, &numbers, |out| {
        let (from, to) = (numbers.start.to_bytes(), numbers.end.to_bytes());
        for entry in tx.range::<Metric>(Included(&from), Excluded(&to))? {
            serde_json::to_writer(&mut *out, &entry?.1).map_err(io::Error::from)?;
            out.write_all(b"\n")?;
        }
        Ok(())
    })
}

/// As [`metrics`], of audit records: what an export writes, with the proof that `note` covers them.
///
/// # Errors
/// As [`metrics`].
pub fn audit(
    tx: &Snapshot,
    folder: &Path,
    numbers: Range<u64>,
    note: &str,
    key: &PublicKey,
) -> Result<u64, Failure> {
    let unusable = |e| Failure::Broken(format!("a checkpoint that was just signed: {e}"));
    let checkpoint = Checkpoint::open(note, key).map_err(unusable)?;
    keep::<AuditRecord>(tx, folder, &numbers, |out| {
        RangeHead::new(tx, &numbers, &checkpoint, note, key)?.write(tx, out)
    })
}

/// The end of an archive's name.
const SUFFIX: &str = ".ndjson.gz";

fn keep<R: Archived>(
    tx: &Snapshot,
    folder: &Path,
    numbers: &Range<u64>,
    write: impl FnOnce(&mut Out) -> Result<(), RangeError>,
) -> Result<u64, Failure> {
    let failed = |e: io::Error| broke_off("write to", folder, &e);
    fs::create_dir_all(folder).map_err(failed)?;
    if let Some(end) = held::<R>(tx, folder, numbers.start)? {
        return Ok(end.min(numbers.end));
    }
    let random_half_of = |seq: u64| {
        let record = tx.get::<R>(&seq)?.map(|record| random_half(&record));
        record.ok_or_else(|| Failure::Broken(format!("{} {seq} is missing", R::NAME)))
    };
    let (first, last) = (numbers.start, numbers.end - 1);
    let partial = folder.join(format!("{}-{first:012}-{:016x}.partial", R::NAME, random_half_of(first)?));
    let named = folder.join(name::<R>(first, last, random_half_of(last)?));
    let file = File::create(&partial).map_err(failed)?;
    let mut out = BufWriter::new(GzEncoder::new(file, Compression::default()));
    write(&mut out).map_err(|e| match e {
        RangeError::Store(e) => e.into(),
        RangeError::Output(e) => failed(e),
    })?;
    let out = out.into_inner().map_err(io::IntoInnerError::into_error);
    out.and_then(GzEncoder::finish).and_then(|file| file.sync_all()).map_err(failed)?;
    fs::rename(&partial, &named).and_then(|()| sync_folder(folder)).map_err(failed)?;
    Ok(numbers.end)
}

fn broke_off(what: &str, folder: &Path, error: &io::Error) -> Failure {
    let cause = format!("cannot {what} the archive folder {}: {error}", folder.display());
    Failure::Unavailable { reason: "the archive folder cannot be used", cause }
}

/// Up to which number, that one not included, archives in `folder` hold the records from `first` on.
fn held<R: Archived>(tx: &Snapshot, folder: &Path, first: u64) -> Result<Option<u64>, Failure> {
    let failed = |e: io::Error| broke_off("read", folder, &e);
    let mut end = None;
    for entry in fs::read_dir(folder).map_err(failed)? {
        let file = entry.map_err(failed)?.file_name();
        let Some((from, last, id)) = file.to_str().and_then(parse::<R>) else { continue };
        if (from..=last).contains(&first) && tx.get::<R>(&last)?.is_some_and(|r| random_half(&r) == id) {
            end = end.max(Some(last + 1));
        }
    }
    Ok(end)
}

fn random_half<R: Archived>(record: &R) -> u64 {
    record.id().as_u64_pair().0
}

fn name<R: Archived>(first: u64, last: u64, id: u64) -> PathBuf {
    format!("{}-{first:012}-{last:012}-{id:016x}{SUFFIX}", R::NAME).into()
}

/// Reads a name: the first and the last number, and the random half of the last record's id.
fn parse<R: Archived>(name: &str) -> Option<(u64, u64, u64)> {
    let rest = name.strip_suffix(SUFFIX)?.strip_prefix(R::NAME)?.strip_prefix('-')?;
    let (numbers, id) = rest.rsplit_once('-')?;
    let (first, last) = numbers.split_once('-')?;
    Some((first.parse().ok()?, last.parse().ok()?, u64::from_str_radix(id, 16).ok()?))
}

/// Makes a file's new name last.
fn sync_folder(folder: &Path) -> io::Result<()> {
    // Elsewhere folders cannot be opened, and renaming is a write that lasts.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
