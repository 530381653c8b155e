//! What is remembered of a request that was carried out.

use bincode::de::Decoder;
use bincode::de::read::Reader;
use bincode::error::DecodeError;
use bincode::{Decode, Encode};
use uuid::Uuid;

use super::command::Outcome;
use super::refusal::{FieldError, Refusal};
use super::sync::SyncReport;

/// What became of a request: the records it made, by their numbers.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub enum Kept {
    /// The agent it made or changed.
    Agent(#[bincode(with_serde)] Uuid),
    /// The metrics it recorded, and those that were refused.
    Metrics(Vec<Result<u64, KeptRefusal>>),
    /// The audit records it appended.
    Audit(Vec<u64>),
    /// What became of each of its parts.
    Each(Vec<Result<Part, KeptRefusal>>),
    /// The report of a sync.
    Synced(SyncReport),
    /// Nothing to tell.
    Done,
}

impl Kept {
    /// What is kept of an outcome.
    #[must_use]
    pub fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Agent(agent) => Self::Agent(agent.agent_id),
            Outcome::Metrics(results) => Self::Metrics(each(results, |metric| metric.seq)),
            Outcome::Audit(records) => Self::Audit(records.iter().map(|record| record.seq).collect()),
            Outcome::Each(results) => Self::Each(each(results, |outcome| Part(Self::of(outcome)))),
            Outcome::Synced(report) => Self::Synced(report.clone()),
            Outcome::Again(first) => Self::of(first),
            // Answers are told apart by the approvals themselves.
            Outcome::Approval(_)
            // A token is never made twice, and its secret never shown again.
            | Outcome::Token(_) | Outcome::Forgotten { .. } | Outcome::Pruned(_) | Outcome::Done => Self::Done,
        }
    }
}

/// What became of a part of a request. Parts have none of their own, and are not read as if: bytes of a damaged file
/// that go ever deeper would end the stack, and the process with it.
#[derive(Debug, Clone, PartialEq, Encode)]
pub struct Part(pub Kept);

/// The number of [`Kept::Each`] among its like, as it is stored.
const EACH: u8 = 3;

impl<C> Decode<C> for Part {
    fn decode<D: Decoder<Context = C>>(decoder: &mut D) -> Result<Self, DecodeError> {
        match decoder.reader().peek_read(1) {
            // Larger numbers are no kind of it, or another way of writing one.
            Some([kind]) if *kind != EACH && *kind < 251 => Kept::decode(decoder).map(Self),
            _ => Err(DecodeError::Other("a part of a request has parts")),
        }
    }
}

bincode::impl_borrow_decode!(Part);

fn each<T, K>(results: &[Result<T, Refusal>], keep: impl Fn(&T) -> K) -> Vec<Result<K, KeptRefusal>> {
    results.iter().map(|result| result.as_ref().map(&keep).map_err(KeptRefusal::of)).collect()
}

/// Why a part of a request was refused.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub enum KeptRefusal {
    /// There is no such agent: parts of a request name nothing else.
    NoAgent(String),
    #[expect(missing_docs)]
    Conflict(String),
    #[expect(missing_docs)]
    Invalid(Vec<FieldError>),
    #[expect(missing_docs)]
    TooLarge(String),
    #[expect(missing_docs)]
    Gone(String),
}

impl KeptRefusal {
    fn of(refusal: &Refusal) -> Self {
        match refusal.clone() {
            Refusal::NotFound { id, .. } => Self::NoAgent(id),
            Refusal::Conflict(text) => Self::Conflict(text),
            Refusal::Invalid(errors) => Self::Invalid(errors),
            Refusal::TooLarge(text) => Self::TooLarge(text),
            Refusal::Gone(text) => Self::Gone(text),
        }
    }
}

impl From<KeptRefusal> for Refusal {
    fn from(kept: KeptRefusal) -> Self {
        match kept {
            KeptRefusal::NoAgent(id) => Self::NotFound { what: "agent", id },
            KeptRefusal::Conflict(text) => Self::Conflict(text),
            KeptRefusal::Invalid(errors) => Self::Invalid(errors),
            KeptRefusal::TooLarge(text) => Self::TooLarge(text),
            KeptRefusal::Gone(text) => Self::Gone(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::idempotency::Remembered;
    use crate::domain::time::Timestamp;
    use crate::store::Value;

    #[test]
    fn damaged_bytes_cannot_end_the_stack() {
        // Parts were read as requests with parts of their own: a value of some KB was deeper than the stack.
        let kept = Kept::Each(vec![Ok(Part(Kept::Done)), Err(KeptRefusal::NoAgent("a".into()))]);
        let stored =
            |kept| Remembered { key: Uuid::nil(), fingerprint: 1, at: Timestamp(0), kept }.to_stored();
        let bytes = stored(kept).unwrap();
        assert_eq!(Remembered::from_stored(&bytes).unwrap().to_stored().unwrap(), bytes);
        let mut deep = stored(Kept::Done).unwrap();
        deep.pop();
        deep.extend([EACH, 1, 0].repeat(100_000));
        let error = Remembered::from_stored(&deep).unwrap_err();
        assert!(error.0.contains("a part of a request has parts"), "{error}");
    }
}
