//! How long work took.

use serde::Serialize;
use utoipa::ToSchema;

use super::metric_sums::MetricSums;

/// How long work took, in ms; `null` where nothing was timed. Percentiles are off by 1/64 of their value at most.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[expect(missing_docs)]
pub struct Latency {
    pub avg_ms: Option<f64>,
    pub p50_ms: Option<f64>,
    pub p95_ms: Option<f64>,
    pub p99_ms: Option<f64>,
}

impl Latency {
    /// That of summed records.
    #[must_use]
    pub fn of(sums: &MetricSums) -> Self {
        let timed = |value: f64| (sums.timed() > 0).then_some(value);
        Self {
            avg_ms: timed(sums.avg_time_ms()),
            p50_ms: timed(sums.percentile_ms(0.50)),
            p95_ms: timed(sums.percentile_ms(0.95)),
            p99_ms: timed(sums.percentile_ms(0.99)),
        }
    }
}
