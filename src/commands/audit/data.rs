//! Verifying the data file.

use std::ops::Bound;

use super::pipeline;
use super::report::Report;
use super::verify::{Reference, Verified};
use crate::domain::audit::AuditRecord;
use crate::domain::audit_tree::{AuditNode, AuditTree, TILE_HEIGHT};
use crate::domain::audit_verify::{Bad, Part, Trail};
use crate::domain::merkle::Tree;
use crate::domain::recording::AuditHead;
use crate::store::{Key, ReadTx, StoreError, Value};

/// How many records are looked at as one part.
const PART: usize = 1024;

/// Verifies all records of a snapshot.
///
/// # Errors
/// When storage fails; inside, with what is wrong.
pub fn verify(tx: &ReadTx, reference: &Reference, report: &mut Report) -> Result<Verified, StoreError> {
    let mut tree = AuditTree::open(tx)?;
    let head = tx.get::<AuditHead>(&())?.unwrap_or_default();
    let first = tree.anchor.first;
    report.first = first;
    let mut trail = Trail::new(tree.pruned()?, tree.anchor.previous);
    let checkpoint = match reference.checkpoint(report) {
        Ok(checkpoint) => checkpoint,
        Err(bad) => return Ok(Err(bad)),
    };
    if let Some(checkpoint) = checkpoint {
        if checkpoint.size < first && tree.knows(checkpoint.size) {
            if tree.root(checkpoint.size)? != checkpoint.root {
                return Ok(Err(Bad::whole(
                    "the tree over the pruned records is not the one of the checkpoint",
                )));
            }
        } else if checkpoint.size < first {
            report.notes.push(format!(
                "the checkpoint is of {} records, all pruned since: nothing is compared with it",
                checkpoint.size
            ));
        } else if let Err(bad) = trail.expect(checkpoint) {
            return Ok(Err(bad));
        }
    } else {
        report.notes.push(
            "there is no checkpoint: whether the end was cut off, or all was made anew, is not seen".into(),
        );
    }
    let mut entries = tx.range_raw(AuditRecord::TABLE, Bound::Unbounded, Bound::Unbounded)?;
    let parts = std::iter::from_fn(move || {
        let part: Vec<_> = entries.by_ref().take(PART).collect();
        (!part.is_empty()).then_some(part)
    });
    let followed = pipeline::run(
        parts,
        |part| Part::examine(part.into_iter().map(stored)),
        |part| {
            trail.follow(&part, |node, hash| {
                if node.level < TILE_HEIGHT {
                    return Ok(());
                }
                match tx.get::<AuditNode>(&(node.level, node.index)) {
                    Ok(Some(kept)) if kept.0 == hash => Ok(()),
                    Ok(_) => Err(Bad::whole(format!(
                        "the stored tree is not that of the records before number {}",
                        node.end()
                    ))),
                    Err(e) => Err(Bad::whole(e.to_string())),
                }
            })
        },
    );
    report.note_end(&trail);
    Ok(followed.and_then(|()| {
        let size = trail.frontier().size();
        if let Some(wanted) = trail.wanted() {
            return Err(Bad::whole(format!(
                "the trail ends before record {size}, but the checkpoint covers {}: its end was cut off, or this is an \
                 older copy",
                wanted.size
            )));
        }
        if (head.next, head.hash) != (size, trail.last()) && (size, head.next) != (0, 0) {
            return Err(Bad::whole(format!("the trail ends before record {size}, but {} were recorded", head.next)));
        }
        if tree.size() != size || tree.head() != trail.frontier().root() {
            return Err(Bad::whole("the stored tree is not that of the records"));
        }
        Ok(())
    }))
}

/// A record from the data file.
fn stored(entry: Result<(Vec<u8>, Vec<u8>), StoreError>) -> Result<AuditRecord, String> {
    let (key, value) = entry.map_err(|e| e.to_string())?;
    let record = AuditRecord::from_stored(&value).map_err(|e| format!("it cannot be read: {e}"))?;
    match u64::read(&mut key.as_slice()) {
        Ok(seq) if seq == record.seq => Ok(record),
        _ => Err(format!("record {} lies under its number", record.seq)),
    }
}
