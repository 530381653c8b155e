//! What became of a batch: good items are kept when others are bad.

use serde::Serialize;
use utoipa::ToSchema;

use super::error::{Problem, status_of};
use crate::domain::command::Outcome;
use crate::domain::refusal::Refusal;

/// What became of a batch.
#[derive(Default, Serialize, ToSchema)]
pub struct BatchReport {
    /// How many were kept.
    pub accepted: usize,
    /// Those that were not.
    pub rejected: Vec<RejectedItem>,
}

/// An item of a batch that was not kept.
#[derive(Serialize, ToSchema)]
pub struct RejectedItem {
    /// Its place in the batch, from 0.
    pub index: usize,
    /// The status that it would have had alone.
    pub status: u16,
    /// Why.
    pub detail: String,
}

impl BatchReport {
    /// An item was not even tried.
    pub fn reject(&mut self, index: usize, problem: Problem) {
        self.rejected.push(RejectedItem { index, status: problem.status.as_u16(), detail: problem.detail });
    }

    /// What became of the items at `indexes`.
    pub fn add(&mut self, indexes: Vec<usize>, results: Vec<Result<Outcome, Refusal>>) {
        for (index, result) in indexes.into_iter().zip(results) {
            match result.and_then(refusal_within) {
                Ok(()) => self.accepted += 1,
                Err(refusal) => self.rejected.push(RejectedItem {
                    index,
                    status: status_of(&refusal).as_u16(),
                    detail: refusal.to_string(),
                }),
            }
        }
        self.rejected.sort_by_key(|r| r.index);
    }
}

/// Why the one record of an outcome was refused, if it was.
fn refusal_within(outcome: Outcome) -> Result<(), Refusal> {
    match outcome {
        Outcome::Again(first) => refusal_within(*first),
        Outcome::Metrics(results) => results.into_iter().try_for_each(|result| result.map(drop)),
        _ => Ok(()),
    }
}
