//! Figures made of metrics: aggregates over a window, an agent's summary, used resources.

use std::cell::RefCell;
use std::collections::HashMap;

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::fleet_stats::Point;
use super::log_query::{LogQuery, Page, Paging};
use super::metric_sums::{MetricSums, Scope};
use super::metrics::{self, Metric};
use super::retention::{Gone, GoneMetrics};
use super::rollup::{self, Rollup as _, StepLength, Window};
use super::time::{DAY, MINUTE, Timestamp};
use crate::store::{Key, ReadTx, StoreError};

/// Which metrics are wanted; all that are given must hold.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs)]
pub struct MetricFilter {
    pub agent: Option<Uuid>,
    pub metric_type: Option<String>,
    /// First moment, inclusive.
    pub start: Option<Timestamp>,
    /// Last moment, inclusive.
    pub end: Option<Timestamp>,
}

impl MetricFilter {
    /// One page of the matches, newest first.
    ///
    /// # Errors
    /// When storage fails.
    pub fn page(&self, tx: &ReadTx, paging: Paging) -> Result<Page<Metric>, StoreError> {
        let all_time = self.start.is_none() && self.end.is_none();
        let total = all_time.then(|| kept(tx, &self.scope())).transpose()?;
        self.query().counted(total).page(tx, paging)
    }

    /// The query, without a count.
    #[must_use]
    pub fn query(&self) -> LogQuery<Metric> {
        LogQuery::between(metrics::BY_TIME, self.start, self.end)
            .with(&metrics::BY_AGENT, self.agent.as_ref())
            .with(&metrics::BY_TYPE, self.metric_type.as_ref())
    }

    fn scope(&self) -> Scope {
        Scope::of(self.agent, self.metric_type.as_deref())
    }
}

/// How many metrics of a scope are kept.
///
/// # Errors
/// When storage fails.
pub fn kept(mut tx: &ReadTx, scope: &Scope) -> Result<u64, StoreError> {
    let gone = tx.get::<GoneMetrics>(scope)?.unwrap_or_default().0;
    Ok(rollup::total::<MetricSums>(&mut tx, scope)?.count.saturating_sub(gone))
}

/// The sums of a scope over any window. Where records are gone, a minute that an edge of the window lies in counts as
/// if all of it was recorded at its start: windows that meet there still have everything once.
///
/// # Errors
/// When storage fails.
pub fn sums_over(tx: &ReadTx, scope: &Scope, window: Window) -> Result<MetricSums, StoreError> {
    let kept_from = kept_from(tx)?;
    rollup::over(tx, scope, window, |sums: &mut MetricSums, from, to| {
        if from < kept_from {
            sums.merge(&rollup::minutes_that_begin(tx, scope, from, to.min(kept_from))?);
        }
        each_record(tx, scope, from.max(kept_from), to, |metric| sums.add(&metric.measures))
    })
}

/// The sums over any window of each agent that recorded anything in it, as [`sums_over`] gives them, but without
/// percentiles.
///
/// # Errors
/// When storage fails.
pub fn sums_by_agent(tx: &ReadTx, window: Window) -> Result<HashMap<Uuid, MetricSums>, StoreError> {
    let kept_from = kept_from(tx)?;
    let agents = RefCell::new(HashMap::<Uuid, MetricSums>::new());
    let add = |scope, stored: &[u8]| {
        if let Scope::Agent(agent) = scope {
            let sums = MetricSums::without_percentiles(stored)?;
            agents.borrow_mut().entry(agent).or_default().merge(&sums);
        }
        Ok(())
    };
    rollup::over_each::<MetricSums>(tx, Scope::AGENTS, window, add, |from, to| {
        if from < kept_from {
            let to = to.min(kept_from);
            rollup::minutes_that_begin_each::<MetricSums>(tx, Scope::AGENTS, from, to, add)?;
        }
        each_record(tx, &Scope::All, from.max(kept_from), to, |metric| {
            agents.borrow_mut().entry(metric.agent_id).or_default().add(&metric.measures);
        })
    })?;
    Ok(agents.into_inner())
}

/// From when on all records are kept.
fn kept_from(tx: &ReadTx) -> Result<Timestamp, StoreError> {
    let newest_gone = tx.get::<Gone>(&())?.and_then(|gone| gone.newest_metric);
    Ok(newest_gone.map_or(Timestamp::MIN, |newest| newest.minute_start().plus(MINUTE)))
}

/// Visits the records of a scope from a time up to, not including, another.
fn each_record(
    tx: &ReadTx,
    scope: &Scope,
    from: Timestamp,
    to: Timestamp,
    mut visit: impl FnMut(&Metric),
) -> Result<(), StoreError> {
    if from >= to {
        return Ok(());
    }
    let (table, value) = match scope {
        Scope::All => (metrics::BY_TIME.table, Vec::new()),
        Scope::Agent(agent) | Scope::AgentType(agent, _) => (metrics::BY_AGENT.table, agent.to_bytes()),
        Scope::Type(t) => (metrics::BY_TYPE.table, t.to_bytes()),
    };
    for place in tx.postings(table, value)?.between(from.posting(0), to.posting(0))? {
        let (_, seq) = Timestamp::of_posting(place?);
        let Some(metric) = tx.get::<Metric>(&seq)? else { continue };
        if !matches!(scope, Scope::AgentType(_, t) if *t != metric.metric_type) {
            visit(&metric);
        }
    }
    Ok(())
}

/// Figures over a window. Averages run over the records that carry the member; without any they are 0.
#[derive(Debug, Serialize, ToSchema)]
pub struct Aggregate {
    /// How many records.
    pub count: u64,
    #[expect(missing_docs)]
    pub avg_execution_time_ms: f64,
    /// 0-1.
    pub success_rate: f64,
    #[expect(missing_docs)]
    pub total_cost_usd: f64,
    #[expect(missing_docs)]
    pub total_tokens_used: u64,
    /// 0-1.
    pub avg_quality_score: f64,
    /// The length of the window in days.
    pub time_range_days: f64,
    /// The median; percentiles are off by 1/64 of their value at most.
    pub p50_execution_time_ms: f64,
    #[expect(missing_docs)]
    pub p95_execution_time_ms: f64,
    #[expect(missing_docs)]
    pub p99_execution_time_ms: f64,
    /// As `count`.
    pub total_calls: u64,
    /// Records since the start of the UTC day.
    pub today_calls: u64,
    /// As `total_tokens_used`.
    pub tokens_used: u64,
    /// Tokens since the start of the UTC day.
    pub today_tokens: u64,
    /// As `avg_execution_time_ms`.
    pub average_latency_ms: f64,
    /// 0-1, among the records that tell of success.
    pub error_rate: f64,
    /// Records a minute.
    pub requests_per_minute: f64,
    /// Records, a point an hour (windows up to 2 days) or a UTC day.
    #[serde(rename = "timeSeries")]
    pub time_series: Vec<Point>,
    /// Tokens.
    #[serde(rename = "tokenTimeSeries")]
    pub token_time_series: Vec<Point>,
    /// Cost in USD.
    #[serde(rename = "costTimeSeries")]
    pub cost_time_series: Vec<Point>,
}

/// Figures over the last `length` microseconds.
///
/// # Errors
/// When storage fails.
#[expect(clippy::cast_precision_loss)]
pub fn aggregate(
    tx: &ReadTx,
    filter: &MetricFilter,
    length: i64,
    now: Timestamp,
) -> Result<Aggregate, StoreError> {
    let scope = filter.scope();
    let from = now.plus(-length);
    let step = if length <= 2 * DAY { StepLength::Hour } else { StepLength::Day };
    let size = step.micros();
    let starts = (from.0.div_euclid(size)..=now.0.div_euclid(size)).map(|step| Timestamp(step * size));
    // Percentiles are of the whole window.
    let mut steps: Vec<_> = starts.map(|start| (start, MetricSums::default())).collect();
    let mut sums = MetricSums::default();
    rollup::series_each::<MetricSums>(tx, &scope.to_bytes(), from, now, step, |step, _, stored| {
        if step > 0 {
            sums.merge_stored(stored)?;
            steps[step].1.merge(&MetricSums::without_percentiles(stored)?);
        }
        Ok(())
    })?;
    // The window begins inside the first step: the points add up to the totals. Clocks of clients run a little ahead:
    // what they just recorded belongs to the window, also where that is behind the last step.
    let second = steps.get(1).map(|(start, _)| *start);
    if let Some((_, first)) = steps.first_mut() {
        *first = sums_over(tx, &scope, Window { from, to: second })?;
        sums.merge(first);
    }
    if let (Some((last, _)), Some(_)) = (steps.last(), second) {
        sums.merge(&sums_over(tx, &scope, Window { from: last.plus(size), to: None })?);
    }
    let today = sums_over(tx, &scope, Window { from: now.day_start(), to: None })?;
    let points = |value: fn(&MetricSums) -> f64| {
        steps.iter().map(|(timestamp, s)| Point { timestamp: *timestamp, value: value(s) }).collect()
    };
    Ok(Aggregate {
        count: sums.count,
        avg_execution_time_ms: sums.avg_time_ms(),
        success_rate: sums.success_rate(),
        total_cost_usd: sums.cost_usd(),
        total_tokens_used: sums.tokens(),
        avg_quality_score: sums.quality(),
        time_range_days: length as f64 / DAY as f64,
        p50_execution_time_ms: sums.percentile_ms(0.50),
        p95_execution_time_ms: sums.percentile_ms(0.95),
        p99_execution_time_ms: sums.percentile_ms(0.99),
        total_calls: sums.count,
        today_calls: today.count,
        tokens_used: sums.tokens(),
        today_tokens: today.tokens(),
        average_latency_ms: sums.avg_time_ms(),
        error_rate: sums.error_rate(),
        requests_per_minute: sums.count as f64 / (length as f64 / MINUTE as f64),
        time_series: points(|s| s.count as f64),
        token_time_series: points(|s| s.tokens() as f64),
        cost_time_series: points(MetricSums::cost_usd),
    })
}

/// What was used over a window.
#[derive(Debug, Serialize, ToSchema)]
#[expect(missing_docs)]
pub struct Resources {
    pub total_tokens_used: u64,
    pub total_cost_usd: f64,
    pub total_api_calls: u64,
    pub period_days: u32,
}

/// What was used over the last `days` days.
///
/// # Errors
/// When storage fails.
pub fn resources(
    tx: &ReadTx,
    agent: Option<Uuid>,
    days: u32,
    now: Timestamp,
) -> Result<Resources, StoreError> {
    let window = Window { from: now.plus(-DAY * i64::from(days)), to: None };
    let sums = sums_over(tx, &Scope::of(agent, None), window)?;
    Ok(Resources {
        total_tokens_used: sums.tokens(),
        total_cost_usd: sums.cost_usd(),
        total_api_calls: sums.api_calls(),
        period_days: days,
    })
}
