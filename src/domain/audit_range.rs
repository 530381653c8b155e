//! A range of the audit trail with what proves that it is a part of what was signed: a head line, then its records, all
//! as JSON, one a line.

use std::io::{self, Write};
use std::ops::{Bound, Range};

use serde::{Deserialize, Serialize};

use super::audit::{AuditRecord, Hash};
use super::audit_tree::AuditTree;
use super::checkpoint::Checkpoint;
use super::merkle::{Frontier, Tree, cover};
use super::note::{PublicKey, base64, from_base64};
use crate::store::{Key, ReadTx, StoreError};

/// What the head line of this form says first.
pub const FORMAT: &str = "agentmap-audit-export-1";

/// More records than any trail has, so that counting cannot overflow.
const MOST: u64 = 1 << 48;

/// The head line.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RangeHead {
    /// [`FORMAT`].
    pub format: String,
    /// The number of the first record.
    pub first: u64,
    /// How many records there are.
    pub records: u64,
    /// The hash of the record before the first.
    pub previous_hash: Hash,
    /// The complete subtrees before the range, from the left.
    pub left: Vec<String>,
    /// The complete subtrees between the range and the checkpoint's size, from the left.
    pub right: Vec<String>,
    /// The signed checkpoint, which covers the range.
    pub checkpoint: String,
    /// The key that signed it. Who verifies compares it with one that came another way.
    pub public_key: String,
}

/// Why a range could not be written.
#[derive(Debug, thiserror::Error)]
pub enum RangeError {
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The output failed.
    #[error(transparent)]
    Output(#[from] io::Error),
}

impl RangeHead {
    /// The head of a range that `checkpoint` covers and whose records are kept. `note` is the checkpoint, signed.
    ///
    /// # Errors
    /// When storage fails.
    pub fn new(
        tx: &ReadTx,
        range: &Range<u64>,
        checkpoint: &Checkpoint,
        note: &str,
        key: &PublicKey,
    ) -> Result<Self, StoreError> {
        let mut tree = AuditTree::open(tx)?;
        let mut texts = |from, to| -> Result<Vec<String>, StoreError> {
            Ok(tree.covering(from, to)?.iter().map(|hash| base64(&hash.0)).collect())
        };
        Ok(Self {
            format: FORMAT.into(),
            first: range.start,
            records: range.end - range.start,
            left: texts(0, range.start)?,
            right: texts(range.end, checkpoint.size)?,
            previous_hash: tree.previous(range.start)?,
            checkpoint: note.into(),
            public_key: key.to_string(),
        })
    }

    /// The frontier before the range.
    #[must_use]
    pub fn before(&self) -> Option<Frontier> {
        Frontier::of(self.first, hashes(&self.left)?).filter(|_| self.first < MOST)
    }

    /// Adds what is behind the range to the frontier of its last record, up to the checkpoint's size.
    #[must_use]
    pub fn complete(&self, mut frontier: Frontier, size: u64) -> Option<Frontier> {
        let right = hashes(&self.right)?;
        let nodes: Vec<_> = cover(frontier.size(), size).take(right.len() + 1).collect();
        if nodes.len() != right.len() {
            return None;
        }
        for (node, hash) in nodes.into_iter().zip(right) {
            frontier.push_node(node.level, hash, |_, _| ());
        }
        Some(frontier)
    }

    /// Writes the head line and the records.
    ///
    /// # Errors
    /// When storage or the output fails.
    pub fn write(&self, tx: &ReadTx, out: &mut impl Write) -> Result<(), RangeError> {
        write_line(out, self)?;
        let (from, to) = (self.first.to_bytes(), (self.first + self.records).to_bytes());
        for entry in tx.range::<AuditRecord>(Bound::Included(&from), Bound::Excluded(&to))? {
            write_line(out, &entry?.1)?;
        }
        Ok(())
    }
}

fn write_line(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}

fn hashes(texts: &[String]) -> Option<Vec<Hash>> {
    texts.iter().map(|text| Some(Hash(from_base64(text)?.try_into().ok()?))).collect()
}
