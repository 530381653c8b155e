//! Requests that clients may repeat: what became of the first is remembered for a day, and a repeat is answered with
//! it in place of being carried out again.
//!
//! A refused request wrote nothing and is not remembered: sent again, it is decided anew.

use std::sync::Arc;

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

use super::agents::Agent;
use super::audit::AuditRecord;
use super::command::{Action, Outcome, Run, Stop};
use super::kept::{Kept, Part};
use super::metrics::Metric;
use super::refusal::{FieldError, Refusal};
use super::time::{DAY, Timestamp};
use crate::store::{Index, Record, StoreError, TableName, Value};

/// How long a request is remembered.
pub const REMEMBERED: i64 = DAY;

/// Where a client put the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// In the header `Idempotency-Key`.
    Header,
    /// In the member `event_id` of an event.
    EventId,
    /// In the member `metric_id` of a metric.
    MetricId,
}

impl Place {
    fn loc(self) -> Vec<String> {
        let way = match self {
            Self::Header => ["header", "Idempotency-Key"],
            Self::EventId => ["body", "event_id"],
            Self::MetricId => ["body", "metric_id"],
        };
        way.map(str::to_owned).to_vec()
    }
}

/// What tells a request that is to be carried out once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Once {
    place: Place,
    /// A hash of the key and of all that tells it from the same key elsewhere, as a UUID of version 8.
    key: Uuid,
    /// A hash of what was sent.
    fingerprint: u64,
}

impl Once {
    /// The request with a client's key. The same key in another scope is another key: a scope is whose request it is
    /// and what it does.
    #[must_use]
    pub fn new(place: Place, scope: [&str; 2], key: &str, sent: [&[u8]; 2]) -> Self {
        let [who, what] = scope.map(str::as_bytes);
        let mut fingerprint = [0; 8];
        fingerprint.copy_from_slice(&digest(&sent)[..8]);
        let key = hash_of(&[&[place as u8], who, what, key.as_bytes()]);
        Self { place, key, fingerprint: u64::from_be_bytes(fingerprint) }
    }

    /// The action, to be carried out once.
    #[must_use]
    pub fn of(self, action: Action) -> Action {
        Action::Once(self, Box::new(action))
    }
}

/// SHA-256 over parts, each with its length, so that no two lists of parts look alike.
#[must_use]
pub fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// The same as a UUID of version 8.
#[must_use]
pub fn hash_of(parts: &[&[u8]]) -> Uuid {
    let mut hash = [0; 16];
    hash.copy_from_slice(&digest(parts)[..16]);
    Builder::from_custom_bytes(hash).into_uuid()
}

/// A request that is remembered.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct Remembered {
    /// See [`Once`].
    #[bincode(with_serde)]
    pub key: Uuid,
    /// See [`Once`].
    pub fingerprint: u64,
    /// When it was carried out.
    pub at: Timestamp,
    /// What became of it.
    pub kept: Kept,
}

/// By time: the oldest is forgotten first.
pub const BY_TIME: Index<Remembered> = Index { table: "requests_by_time", values: |r, e| e.push(&r.at) };

impl Value for Remembered {
    const TABLE: TableName = "requests";
    type Key = Uuid;
}

impl Record for Remembered {
    const INDEXES: &'static [Index<Self>] = &[BY_TIME];

    fn key(&self) -> Uuid {
        self.key
    }
}

/// Whether there is something to be remembered: of several parts one at least was not refused.
fn wrote(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Metrics(results) => results.iter().any(Result::is_ok),
        Outcome::Each(results) => results.iter().flatten().any(wrote),
        _ => true,
    }
}

/// How many requests one command forgets at most, so that others are not kept waiting.
const FORGET: u64 = 500;

impl Run<'_, '_> {
    /// Carries an action out, or tells what became of it when it was.
    pub(super) fn once(&mut self, once: &Once, action: Action) -> Result<Outcome, Stop> {
        let Once { place, key, fingerprint } = *once;
        let known = self.tx.get::<Remembered>(&key)?.filter(|known| self.at < known.at.plus(REMEMBERED));
        if let Some(known) = known {
            if known.fingerprint != fingerprint {
                let msg = "was sent before, with something else; take another for another request".into();
                return Err(Refusal::Invalid(vec![FieldError {
                    loc: place.loc(),
                    msg,
                    kind: "reused".into(),
                }])
                .into());
            }
            return Ok(Outcome::Again(Box::new(self.recall(known.kept)?)));
        }
        let outcome = self.carry_out(action)?;
        if wrote(&outcome) {
            self.tx.put(&Remembered { key, fingerprint, at: self.at, kept: Kept::of(&outcome) })?;
        }
        Ok(outcome)
    }

    /// The outcome that is remembered, with its records as they are now.
    fn recall(&mut self, kept: Kept) -> Result<Outcome, Stop> {
        Ok(match kept {
            Kept::Agent(id) => {
                let agent = self.tx.get::<Agent>(&id)?;
                let gone = || gone("the agent", id);
                Outcome::Agent(Arc::new(agent.ok_or_else(gone)?))
            }
            Kept::Metrics(results) => {
                let mut outcomes = Vec::with_capacity(results.len());
                for result in results {
                    outcomes.push(match result {
                        Ok(seq) => self.record_of::<Metric>("the metric", seq)?,
                        Err(refusal) => Err(refusal.into()),
                    });
                }
                Outcome::Metrics(outcomes)
            }
            Kept::Audit(seqs) => {
                let mut records = Vec::with_capacity(seqs.len());
                for seq in seqs {
                    records.push(self.record_of::<AuditRecord>("the audit record", seq)??);
                }
                Outcome::Audit(records)
            }
            Kept::Each(results) => {
                let mut outcomes = Vec::with_capacity(results.len());
                for result in results {
                    outcomes.push(match result.map(|Part(kept)| self.recall(kept)) {
                        Ok(Ok(outcome)) => Ok(outcome),
                        Ok(Err(Stop::Refused(refusal))) => Err(refusal),
                        Ok(Err(stop)) => return Err(stop),
                        Err(refusal) => Err(refusal.into()),
                    });
                }
                Outcome::Each(outcomes)
            }
            Kept::Synced(report) => Outcome::Synced(report),
            Kept::Done => Outcome::Done,
        })
    }

    fn record_of<R: Record<Key = u64>>(
        &mut self,
        what: &str,
        seq: u64,
    ) -> Result<Result<Arc<R>, Refusal>, StoreError> {
        Ok(self.tx.get::<R>(&seq)?.map(Arc::new).ok_or_else(|| gone(what, seq)))
    }

    /// Forgets the requests that are too old, and the oldest of those that are too many.
    pub(super) fn forget(&mut self, keep: u64) -> Result<Outcome, StoreError> {
        let mut over = self.tx.len(Remembered::TABLE)?.saturating_sub(keep);
        for _ in 0..FORGET {
            match self.tx.first_in::<Remembered, Timestamp>(&BY_TIME)? {
                Some((at, key)) if over > 0 || at.plus(REMEMBERED) <= self.at => {
                    self.tx.remove::<Remembered>(&key)?;
                    over = over.saturating_sub(1);
                }
                _ => return Ok(Outcome::Forgotten { more: false }),
            }
        }
        Ok(Outcome::Forgotten { more: true })
    }
}

fn gone(what: &str, id: impl std::fmt::Display) -> Refusal {
    Refusal::Gone(format!(
        "This request was carried out before, but {what} {id} that came of it has been removed since."
    ))
}
