//! Sums of metrics: what every average, total and percentile is made of.
//!
//! Amounts are summed as whole numbers of a small unit, so that the order in which records arrive
//! cannot change a sum.

mod scope;
mod stored;

use bincode::{Decode, Encode};

use super::histogram::Histogram;
use super::metrics::{Measures, Metric};
use super::rollup::{self, Open, Rollup};
use crate::store::codec::{self, CodecError};
use crate::store::{StoreError, TableName, Value, WriteTx};

pub use scope::Scope;
use stored::Times;

/// Billionths: of a USD, or of a quality score of 1.
const BILLION: f64 = 1e9;

/// Sums over some metrics. In the order of the members version 1 was stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct MetricSums {
    /// How many records.
    pub count: u64,
    timed: u64,
    time_us: u128,
    time_min: u64,
    time_max: u64,
    judged: u64,
    successes: u64,
    tokens: u128,
    cost_nanos: u128,
    api_calls: u128,
    violations: u128,
    tasks_completed: u128,
    tasks_failed: u128,
    scored: u64,
    score_nanos: u128,
    score_min: u64,
    score_max: u64,
    times: Histogram,
}

impl Value for MetricSums {
    const TABLE: TableName = "metric_sums";
    const VERSION: u8 = 2;
    type Key = (u8, i64, Scope);

    fn to_stored(&self) -> Result<Vec<u8>, CodecError> {
        let mut stored = vec![Self::VERSION];
        self.write(&mut stored);
        Ok(stored)
    }

    fn from_stored(bytes: &[u8]) -> Result<Self, CodecError> {
        if let [1, body @ ..] = bytes {
            return Self::of_version_1(body);
        }
        let (mut sums, times) = Self::members_of(bytes)?;
        sums.times.merge_counts(times).map_err(|e| told(&e))?;
        Ok(sums)
    }
}

impl Rollup for MetricSums {
    type Scope = Scope;

    fn merge(&mut self, other: &Self) {
        if other.scored > 0 {
            self.score_min =
                if self.scored == 0 { other.score_min } else { self.score_min.min(other.score_min) };
            self.score_max = self.score_max.max(other.score_max);
        }
        if other.timed > 0 {
            self.time_min = if self.timed == 0 { other.time_min } else { self.time_min.min(other.time_min) };
            self.time_max = self.time_max.max(other.time_max);
        }
        self.count += other.count;
        self.timed += other.timed;
        self.time_us += other.time_us;
        self.judged += other.judged;
        self.successes += other.successes;
        self.tokens += other.tokens;
        self.cost_nanos += other.cost_nanos;
        self.api_calls += other.api_calls;
        self.violations += other.violations;
        self.tasks_completed += other.tasks_completed;
        self.tasks_failed += other.tasks_failed;
        self.scored += other.scored;
        self.score_nanos += other.score_nanos;
        self.times.merge(&other.times);
    }

    fn merge_stored(&mut self, stored: &[u8]) -> Result<(), CodecError> {
        if let [1, body @ ..] = stored {
            self.merge(&Self::of_version_1(body)?);
            return Ok(());
        }
        // The histogram is added as it is read, which spares half of the work.
        let (others, times) = Self::members_of(stored)?;
        self.merge(&others);
        self.times.merge_counts(times).map_err(|e| told(&e))
    }
}

/// An error that says where it was.
fn told(error: &CodecError) -> CodecError {
    CodecError(format!("{}: {}", MetricSums::TABLE, error.0))
}

/// An amount in units of a billionth. Amounts are never negative here.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
#[must_use]
pub fn billionths(amount: f64) -> u64 {
    (amount * BILLION).round() as u64
}

/// An amount from its billionths.
#[expect(clippy::cast_precision_loss)]
#[must_use]
pub fn from_billionths(nanos: u128) -> f64 {
    nanos as f64 / BILLION
}

#[expect(clippy::cast_precision_loss)]
fn ratio(sum: u128, count: u64) -> f64 {
    if count == 0 { 0.0 } else { sum as f64 / count as f64 }
}

fn whole(sum: u128) -> u64 {
    u64::try_from(sum).unwrap_or(u64::MAX)
}

impl MetricSums {
    /// Reads stored sums for whom percentiles do not matter: it takes a part of the time.
    ///
    /// # Errors
    /// When the bytes are no sums.
    pub fn without_percentiles(bytes: &[u8]) -> Result<Self, CodecError> {
        match bytes {
            [1, body @ ..] => Self::of_version_1(body),
            _ => Ok(Self::members_of(bytes)?.0),
        }
    }

    fn members_of(bytes: &[u8]) -> Result<(Self, Times<'_>), CodecError> {
        match bytes {
            [Self::VERSION, body @ ..] => Self::read_members(body).map_err(|e| told(&e)),
            _ => Err(told(&CodecError("it holds a value of unknown version".into()))),
        }
    }

    /// Version 1 was written by bincode.
    fn of_version_1(body: &[u8]) -> Result<Self, CodecError> {
        let sums: Self = codec::decode_body(body).map_err(|e| told(&e))?;
        sums.times.in_order().map_err(|e| told(&e))?;
        Ok(sums)
    }

    /// Adds one record.
    pub fn add(&mut self, m: &Measures) {
        self.count += 1;
        if let Some(ms) = m.execution_time_ms {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let us = (ms * 1000.0).round() as u64;
            self.time_min = if self.timed == 0 { us } else { self.time_min.min(us) };
            self.time_max = self.time_max.max(us);
            self.timed += 1;
            self.time_us += u128::from(us);
            self.times.add(us);
        }
        if let Some(success) = m.success {
            self.judged += 1;
            self.successes += u64::from(success);
        }
        if let Some(score) = m.quality_score {
            let score = billionths(score);
            self.score_min = if self.scored == 0 { score } else { self.score_min.min(score) };
            self.score_max = self.score_max.max(score);
            self.scored += 1;
            self.score_nanos += u128::from(score);
        }
        self.tokens += u128::from(m.tokens_used.unwrap_or(0));
        self.cost_nanos += u128::from(billionths(m.cost_usd.unwrap_or(0.0)));
        self.api_calls += u128::from(m.api_calls.unwrap_or(0));
        self.violations += u128::from(m.code_violations.unwrap_or(0));
        self.tasks_completed += u128::from(m.tasks_completed.unwrap_or(0));
        self.tasks_failed += u128::from(m.tasks_failed.unwrap_or(0));
    }

    /// Whether the records that make up `part` can be among those that are summed here.
    #[must_use]
    pub fn contains(&self, part: &Self) -> bool {
        let span = |count: u64, part: (u64, u64), whole: (u64, u64)| {
            count == 0 || (whole.0 <= part.0 && part.1 <= whole.1)
        };
        let counts = |s: &Self| [s.count, s.timed, s.judged, s.successes, s.scored, s.judged - s.successes];
        let used = |s: &Self| [s.time_us, s.tokens, s.cost_nanos, s.api_calls];
        let done = |s: &Self| [s.violations, s.tasks_completed, s.tasks_failed, s.score_nanos];
        let sums = |s: &Self| [used(s), done(s)].concat();
        counts(self).iter().zip(counts(part)).all(|(whole, part)| *whole >= part)
            && sums(self).iter().zip(sums(part)).all(|(whole, part)| *whole >= part)
            && span(part.timed, (part.time_min, part.time_max), (self.time_min, self.time_max))
            && span(part.scored, (part.score_min, part.score_max), (self.score_min, self.score_max))
            && self.times.contains(&part.times)
    }

    /// Mean duration in ms; 0 where none was measured. The same holds for all averages.
    #[must_use]
    pub fn avg_time_ms(&self) -> f64 {
        ratio(self.time_us, self.timed) / 1000.0
    }

    /// The duration in ms that the given share (0-1) of the records stays at or below. See
    /// [`Histogram::percentile_ms`]; never outside of what was measured.
    #[must_use]
    pub fn percentile_ms(&self, share: f64) -> f64 {
        let bound = |us: u64| ratio(u128::from(us), 1) / 1000.0;
        self.times.percentile_ms(share).clamp(bound(self.time_min), bound(self.time_max))
    }

    /// Successes among the records that tell, 0-1.
    #[must_use]
    pub fn success_rate(&self) -> f64 {
        ratio(u128::from(self.successes), self.judged)
    }

    /// How many records tell of a failure.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.judged - self.successes
    }

    /// Failures among the records that tell, 0-1.
    #[must_use]
    pub fn error_rate(&self) -> f64 {
        ratio(u128::from(self.failures()), self.judged)
    }

    /// Mean quality score, 0-1.
    #[must_use]
    pub fn quality(&self) -> f64 {
        from_billionths(self.score_nanos)
            / if self.scored == 0 { 1.0 } else { ratio(u128::from(self.scored), 1) }
    }

    /// Lowest and highest quality score, 0-1.
    #[must_use]
    pub fn quality_span(&self) -> (f64, f64) {
        (from_billionths(u128::from(self.score_min)), from_billionths(u128::from(self.score_max)))
    }

    /// How many records carry a duration.
    #[must_use]
    pub fn timed(&self) -> u64 {
        self.timed
    }

    /// How many records tell whether they succeeded.
    #[must_use]
    pub fn judged(&self) -> u64 {
        self.judged
    }

    /// How many records carry a quality score.
    #[must_use]
    pub fn scored(&self) -> u64 {
        self.scored
    }

    /// Cost in USD.
    #[must_use]
    pub fn cost_usd(&self) -> f64 {
        from_billionths(self.cost_nanos)
    }

    /// Cost in billionths of a USD: sums of these are exact.
    #[must_use]
    pub fn cost_nanos(&self) -> u128 {
        self.cost_nanos
    }

    /// Tokens.
    #[must_use]
    pub fn tokens(&self) -> u64 {
        whole(self.tokens)
    }

    /// Calls to models and services.
    #[must_use]
    pub fn api_calls(&self) -> u64 {
        whole(self.api_calls)
    }

    /// Broken rules.
    #[must_use]
    pub fn violations(&self) -> u64 {
        whole(self.violations)
    }

    /// Tasks done.
    #[must_use]
    pub fn tasks_completed(&self) -> u64 {
        whole(self.tasks_completed)
    }

    /// Tasks given up.
    #[must_use]
    pub fn tasks_failed(&self) -> u64 {
        whole(self.tasks_failed)
    }
}

/// Adds a recorded metric to every sum it belongs to.
///
/// # Errors
/// When storage fails.
pub fn roll_up(tx: &mut WriteTx<'_>, metric: &Metric) -> Result<(), StoreError> {
    let (open, at) = (Open::of::<MetricSums>(tx)?, metric.recorded_at);
    for scope in Scope::all_of(metric) {
        rollup::add(tx, open.as_ref(), &scope, at, |sums: &mut MetricSums| sums.add(&metric.measures))?;
    }
    Ok(())
}
