//! `agentmap audit export`: a range of the trail with what proves that it is a part of what was signed.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use super::super::agents::read_data;
use super::super::{Fault, Ran, WRONG_USE, explain, output};
use super::read;
use crate::cli::AuditExportArgs;
use crate::config::Config;
use crate::domain::audit_range::{RangeError, RangeHead};
use crate::domain::audit_tree::AuditTree;
use crate::domain::checkpoint::Checkpoint;
use crate::notary::{Files, public_key};
use crate::store::{ReadTx, StoreError};

pub fn export(config: &Config, args: &AuditExportArgs) -> Ran {
    let files = Files::beside(&config.data);
    // The checkpoint first: it covers what is committed already.
    let note = read(&files.checkpoint)?;
    let key = public_key(&files).map_err(|e| explain(&config.data, &e))?;
    let key = key.ok_or_else(|| Fault::new(format!("there is no key {}", files.key.display())))?;
    let unusable = |why| Fault::new(format!("{} cannot be used: {why}", files.checkpoint.display()));
    let checkpoint = Checkpoint::open(&note, &key).map_err(unusable)?;
    let written = read_data(config, |tx, _, _| {
        let kept = AuditTree::open(tx)?.anchor.first;
        let first = args.from.unwrap_or(kept);
        let end = args.to.map_or(checkpoint.size, |last| last.saturating_add(1));
        if first < kept || first >= end || end > checkpoint.size {
            let last = checkpoint.size.checked_sub(1).filter(|last| *last >= kept);
            let there =
                last.map_or("there are none".into(), |last| format!("those from {kept} to {last} can be"));
            return Ok(Err(format!(
                "the records from {first} to {} cannot be exported: {there}; newer ones can a few seconds later, when {} \
                 covers them",
                end.saturating_sub(1),
                files.checkpoint.display()
            )));
        }
        let head = RangeHead::new(tx, &(first..end), &checkpoint, &note, &key)?;
        Ok(Ok(write(&head, tx, args)?))
    })?;
    match written {
        Ok(Ok(())) => Ok(ExitCode::SUCCESS),
        // A reader that has gone away, as `head` does, is no failure.
        Ok(Err(e)) if e.kind() == io::ErrorKind::BrokenPipe && args.output.is_none() => Ok(ExitCode::SUCCESS),
        Ok(Err(e)) => Err(Fault::new(format!("cannot write the export: {e}"))),
        Err(why) => {
            output::complain(&why);
            Ok(ExitCode::from(WRONG_USE))
        }
    }
}

/// Writes to the file that was named, which must be new, or to the standard output.
fn write(head: &RangeHead, tx: &ReadTx, args: &AuditExportArgs) -> Result<io::Result<()>, StoreError> {
    let written = match &args.output {
        None => head.write(tx, &mut BufWriter::new(io::stdout().lock())),
        Some(path) => write_file(head, tx, path),
    };
    match written {
        Ok(()) => Ok(Ok(())),
        Err(RangeError::Output(e)) => Ok(Err(e)),
        Err(RangeError::Store(e)) => Err(e),
    }
}

fn write_file(head: &RangeHead, tx: &ReadTx, path: &Path) -> Result<(), RangeError> {
    let mut out = BufWriter::new(File::create_new(path)?);
    head.write(tx, &mut out)?;
    out.flush()?;
    Ok(out.get_ref().sync_all()?)
}
