//! Metrics over time: what each step took, cost and was worth.

use serde::Serialize;
use utoipa::ToSchema;

use super::latency::Latency;
use super::metric_stats::sums_over;
use super::metric_sums::{MetricSums, Scope};
use super::rollup::StepLength;
use super::time::Timestamp;
use super::time_range::TimeRange;
use crate::store::{ReadTx, StoreError};

/// Metrics over time.
#[derive(Debug, Serialize, ToSchema)]
pub struct MetricTimeline {
    /// The length of a step.
    pub step: StepLength,
    /// Every step of the range, in order; the first and the last are cut to it.
    pub points: Vec<MetricPoint>,
}

/// The metrics of a step; `null` where nothing of the kind was measured.
#[derive(Debug, Serialize, ToSchema)]
#[expect(missing_docs)]
pub struct MetricPoint {
    /// The start of the step.
    pub timestamp: Timestamp,
    /// How many records.
    pub calls: u64,
    pub failures: u64,
    /// 0-1, among the records that tell of success.
    pub success_rate: Option<f64>,
    pub tokens: u64,
    pub cost_usd: f64,
    #[serde(flatten)]
    pub latency: Latency,
    /// Mean score, 0-1.
    pub quality: Option<f64>,
    pub quality_min: Option<f64>,
    pub quality_max: Option<f64>,
    pub violations: u64,
    pub tasks_completed: u64,
    pub tasks_failed: u64,
}

impl MetricPoint {
    fn of(timestamp: Timestamp, sums: &MetricSums) -> Self {
        let scored = |value: f64| (sums.scored() > 0).then_some(value);
        let (lowest, highest) = sums.quality_span();
        Self {
            timestamp,
            calls: sums.count,
            failures: sums.failures(),
            success_rate: (sums.judged() > 0).then(|| sums.success_rate()),
            tokens: sums.tokens(),
            cost_usd: sums.cost_usd(),
            latency: Latency::of(sums),
            quality: scored(sums.quality()),
            quality_min: scored(lowest),
            quality_max: scored(highest),
            violations: sums.violations(),
            tasks_completed: sums.tasks_completed(),
            tasks_failed: sums.tasks_failed(),
        }
    }
}

/// The metrics of a scope over a range.
///
/// # Errors
/// When storage fails.
pub fn timeline(tx: &ReadTx, scope: &Scope, range: TimeRange) -> Result<MetricTimeline, StoreError> {
    let steps = range.series(tx, scope, |window| sums_over(tx, scope, window))?;
    let points = steps.iter().map(|(timestamp, sums)| MetricPoint::of(*timestamp, sums)).collect();
    Ok(MetricTimeline { step: range.step, points })
}
