//! Verifying the audit trail from the start to its end, record by record, with as much memory as a few records take.
//!
//! What is costly, hashing each record, needs no more than the record and the hash that the one before it states: parts
//! of the trail are [examined](Part::examine) by themselves, and [followed](Trail::follow) one after the other.

use serde::Serialize;
use uuid::Uuid;

use super::audit::{AuditRecord, Hash};
use super::checkpoint::Checkpoint;
use super::merkle::{Frontier, Node, leaf_hash};

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bad {
    /// The number of the first record that is not right; `None` where it is not one record's.
    pub seq: Option<u64>,
    /// Its id, where it has one that can be read.
    pub audit_id: Option<Uuid>,
    /// What is not right.
    pub why: String,
}

impl Bad {
    /// Something that is not one record's.
    #[must_use]
    pub fn whole(why: impl Into<String>) -> Self {
        Self { seq: None, audit_id: None, why: why.into() }
    }
}

/// What is left of a record that was looked at.
struct Seen {
    seq: u64,
    id: Uuid,
    /// As stated.
    hash: Hash,
    leaf: Hash,
    /// Whether the hash covers the record and the one before it.
    right: bool,
}

/// Records that follow one another, looked at by themselves.
#[derive(Default)]
pub struct Part {
    /// What the first follows on is another part's.
    first: Option<AuditRecord>,
    seen: Vec<Seen>,
    /// Why the one after them could not be read.
    unreadable: Option<String>,
}

impl Part {
    /// Looks at records, up to the first that cannot be read.
    pub fn examine(records: impl Iterator<Item = Result<AuditRecord, String>>) -> Self {
        let mut part = Self::default();
        for record in records {
            let record = match record {
                Ok(record) => record,
                Err(why) => {
                    part.unreadable = Some(why);
                    break;
                }
            };
            let right = part.seen.last().is_none_or(|last| record.hash_after(last.hash) == record.hash);
            let (id, leaf) = (record.id(), leaf_hash(&record.hash.0));
            part.seen.push(Seen { seq: record.seq, id, hash: record.hash, leaf, right });
            if part.first.is_none() {
                part.first = Some(record);
            }
        }
        part
    }
}

/// The trail up to some record.
pub struct Trail {
    previous: Hash,
    frontier: Frontier,
    /// What the tree must be when it has the checkpoint's size, until it had.
    wanted: Option<Checkpoint>,
}

impl Trail {
    /// The trail before its first record: what is before that, and the hash of the record before it.
    #[must_use]
    pub fn new(before: Frontier, previous: Hash) -> Self {
        Self { previous, frontier: before, wanted: None }
    }

    /// Compares the tree with a checkpoint as soon as it has the checkpoint's size.
    ///
    /// # Errors
    /// When it has it already, and is another.
    pub fn expect(&mut self, checkpoint: Checkpoint) -> Result<(), Bad> {
        self.wanted = Some(checkpoint);
        self.compare()
    }

    fn compare(&mut self) -> Result<(), Bad> {
        let Some(wanted) = self.wanted.take_if(|wanted| wanted.size == self.frontier.size()) else {
            return Ok(());
        };
        if wanted.root == self.frontier.root() {
            return Ok(());
        }
        Err(Bad::whole(format!(
            "the tree over the first {} records is not the one of the checkpoint: records were exchanged and their \
             hashes made anew",
            wanted.size
        )))
    }

    /// The checkpoint, as long as the trail has not come to its size.
    #[must_use]
    pub fn wanted(&self) -> Option<&Checkpoint> {
        self.wanted.as_ref()
    }

    /// The tree so far.
    #[must_use]
    pub fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// The hash of the last record.
    #[must_use]
    pub fn last(&self) -> Hash {
        self.previous
    }

    /// Goes on over a part. `completed` hears of the subtrees that it completes.
    ///
    /// # Errors
    /// With the first record that is not right.
    pub fn follow(
        &mut self,
        part: &Part,
        mut completed: impl FnMut(Node, Hash) -> Result<(), Bad>,
    ) -> Result<(), Bad> {
        for (n, seen) in part.seen.iter().enumerate() {
            let next = self.frontier.size();
            let bad = |why: String| Err(Bad { seq: Some(seen.seq), audit_id: Some(seen.id), why });
            if seen.seq > next {
                return bad(format!("record {next} should be here: records are missing before it"));
            }
            if seen.seq < next {
                return bad(format!("record {next} should be here"));
            }
            let right = match &part.first {
                Some(first) if n == 0 => first.hash_after(self.previous) == seen.hash,
                _ => seen.right,
            };
            if !right {
                return bad(
                    "its hash does not cover it and the record before it: one of the two was changed".into(),
                );
            }
            self.previous = seen.hash;
            let mut heard = Ok(());
            self.frontier.push(seen.leaf, |node, hash| {
                if heard.is_ok() {
                    heard = completed(node, hash);
                }
            });
            heard?;
            self.compare()?;
        }
        match &part.unreadable {
            Some(why) => Err(Bad { seq: Some(self.frontier.size()), audit_id: None, why: why.clone() }),
            None => Ok(()),
        }
    }
}
