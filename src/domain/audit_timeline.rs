//! The audit trail over time: how much was done and how much of it was refused, from the tallies.

use serde::Serialize;
use utoipa::ToSchema;

use super::audit::Decision;
use super::rollup::StepLength;
use super::tally::{self, Counted, Dimension, Tally};
use super::time::Timestamp;
use super::time_range::TimeRange;
use crate::store::{ReadTx, StoreError};

/// The audit trail over time.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditTimeline {
    /// The length of a step.
    pub step: StepLength,
    /// Every step of the range, in order; the first and the last are cut to it.
    pub points: Vec<AuditPoint>,
}

/// The records of a step.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditPoint {
    /// The start of the step.
    pub timestamp: Timestamp,
    /// How many records match.
    pub operations: u64,
    /// How many of them were denied; `null` with a filter, as no tally holds the combination.
    pub denied: Option<u64>,
    /// How many of them require approval; `null` with a filter.
    pub requires_approval: Option<u64>,
}

/// The records over a range: all, or those that `filter` counts.
///
/// # Errors
/// When storage fails.
pub fn timeline(tx: &ReadTx, filter: Option<Counted>, range: TimeRange) -> Result<AuditTimeline, StoreError> {
    let series = |counted: &Counted| {
        range.series::<Tally>(tx, counted, |window| tally::of(tx, counted, Some(window)).map(Tally))
    };
    let decided = |decision: Decision| {
        let counted = Counted(Dimension::Decision, decision.as_str().to_owned());
        filter.is_none().then(|| series(&counted)).transpose()
    };
    let denied = decided(Decision::Denied)?;
    let requires_approval = decided(Decision::RequiresApproval)?;
    let operations = series(&filter.unwrap_or(Counted(Dimension::All, String::new())))?;
    let points = operations.into_iter().enumerate().map(|(i, (timestamp, operations))| {
        let count = |steps: &Option<Vec<(Timestamp, Tally)>>| steps.as_ref().map(|steps| steps[i].1.0);
        AuditPoint {
            timestamp,
            operations: operations.0,
            denied: count(&denied),
            requires_approval: count(&requires_approval),
        }
    });
    Ok(AuditTimeline { step: range.step, points: points.collect() })
}
