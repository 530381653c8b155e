//! Verifying an export.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use super::super::Fault;
use super::report::{Compared, Report};
use super::verify::{Reference, Verified};
use super::{pipeline, plain};
use crate::domain::audit::AuditRecord;
use crate::domain::audit_range::{FORMAT, RangeHead};
use crate::domain::audit_verify::{Bad, Part, Trail};
use crate::domain::checkpoint::Checkpoint;
use crate::domain::note::PublicKey;

/// How many bytes are looked at as one part.
const PART_BYTES: u64 = 256 * 1024;
/// How long a line may be at most.
pub const LINE_BYTES: u64 = 16 * 1024 * 1024;

/// An export, compressed or not.
fn open(path: &Path) -> io::Result<Box<dyn BufRead + Send>> {
    let mut file = BufReader::with_capacity(1 << 18, File::open(path)?);
    if file.fill_buf()?.starts_with(&[0x1f, 0x8b]) {
        return Ok(Box::new(BufReader::with_capacity(1 << 18, MultiGzDecoder::new(file))));
    }
    Ok(Box::new(file))
}

/// Verifies an export of either kind.
///
/// # Errors
/// When the file cannot be read; inside, with what is wrong.
pub fn verify(path: &Path, reference: &Reference, report: &mut Report) -> Result<Verified, Fault> {
    let unreadable = |e: io::Error| Fault::new(format!("{} cannot be read: {e}", path.display()));
    let mut input = open(path).map_err(unreadable)?;
    let mut line = Vec::new();
    input.by_ref().take(LINE_BYTES).read_until(b'\n', &mut line).map_err(unreadable)?;
    let Ok(head) = serde_json::from_slice::<RangeHead>(&line) else {
        return Ok(plain::verify(line, input, report));
    };
    Ok(range(&head, input, reference, report))
}

fn range(
    head: &RangeHead,
    input: Box<dyn BufRead + Send>,
    reference: &Reference,
    report: &mut Report,
) -> Verified {
    if head.format != FORMAT {
        return Err(Bad::whole("the export has a form that this program does not know"));
    }
    let own =
        PublicKey::read(&head.public_key).map_err(|why| Bad::whole(format!("the export's key: {why}")))?;
    if reference.key.is_none() {
        report.notes.push(format!(
            "the checkpoint is verified with the key in the export itself: compare it with one you kept: {own}"
        ));
    }
    let key = reference.key.clone().unwrap_or(own);
    let signed = Checkpoint::open(&head.checkpoint, &key);
    let signed =
        signed.map_err(|why| Bad::whole(format!("the export's checkpoint cannot be used: {why}")))?;
    report.first = head.first;
    let before =
        head.before().ok_or_else(|| Bad::whole("the export's head is not that of its first record"))?;
    let mut trail = Trail::new(before, head.previous_hash);
    let given = Reference { key: Some(key), note: reference.note.clone() }.checkpoint(report)?;
    let followed = match &given {
        Some(given) if given.size == signed.size && given.root != signed.root => {
            Err(Bad::whole("the export's checkpoint is another than the one that was named"))
        }
        Some(given) if given.size >= head.first && given.size < signed.size => trail.expect(given.clone()),
        _ => Ok(()),
    };
    let followed = followed
        .and_then(|()| pipeline::run(chunks(input), examine, |part| trail.follow(&part, |_, _| Ok(()))));
    report.note_end(&trail);
    followed?;
    if report.records != head.records {
        return Err(Bad::whole(format!(
            "the export has {} records, its head says {}",
            report.records, head.records
        )));
    }
    let whole = head.complete(trail.frontier().clone(), signed.size);
    if whole.is_none_or(|whole| whole.root() != signed.root) {
        return Err(Bad::whole("the export is no part of the tree that was signed"));
    }
    (report.size, report.root) = (signed.size, Some(signed.root));
    match &given {
        None => {
            report.checkpoint = Some(Compared { origin: signed.origin, size: signed.size, written_at: None });
        }
        Some(given) if trail.wanted().is_some() || given.size < head.first || given.size > signed.size => {
            report.notes.push(format!(
                "the checkpoint that was named is of {} records, which this export cannot show: ask the server for a proof \
                 of consistency with the export's, of {}",
                given.size, signed.size
            ));
        }
        Some(_) => {}
    }
    Ok(())
}

/// Whole lines, many at a time.
fn chunks(mut input: Box<dyn BufRead + Send>) -> impl Iterator<Item = io::Result<Vec<u8>>> + Send {
    std::iter::from_fn(move || {
        let mut chunk = Vec::new();
        let read = input.by_ref().take(PART_BYTES).read_to_end(&mut chunk);
        let read = read.and_then(|_| input.by_ref().take(LINE_BYTES).read_until(b'\n', &mut chunk));
        match read {
            Err(e) => Some(Err(e)),
            Ok(_) => (!chunk.is_empty()).then_some(Ok(chunk)),
        }
    })
}

fn examine(chunk: io::Result<Vec<u8>>) -> Part {
    match chunk {
        Err(e) => Part::examine(std::iter::once(Err(format!("it cannot be read: {e}")))),
        Ok(chunk) => {
            let whole = chunk.strip_suffix(b"\n").unwrap_or(&chunk);
            Part::examine(whole.split(|byte| *byte == b'\n').map(AuditRecord::from_json))
        }
    }
}
