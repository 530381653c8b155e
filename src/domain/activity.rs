//! What agents did of late, by steps of a few minutes: one contiguous part of a table for all of them.

use std::collections::HashMap;
use std::ops::Bound::{Excluded, Included};

use bincode::{Decode, Encode};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::agents::Agent;
use super::audit::{AuditRecord, Decision};
use super::metrics::Metric;
use super::rollup::StepLength;
use super::roster::Roster;
use super::time::{MINUTE, Timestamp};
use crate::store::{Key, ReadTx, StoreError, TableName, Value, WriteTx};

/// The length of a bucket.
const BUCKET: i64 = 5 * MINUTE;

/// How much an agent did in a bucket. The key is `(bucket, agent)`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct Activity {
    operations: u64,
    /// Those of the operations that were denied or required approval.
    refused: u64,
    metrics: u64,
}

impl Activity {
    fn all(&self) -> u64 {
        self.operations + self.metrics
    }
}

impl Value for Activity {
    const TABLE: TableName = "activity";
    type Key = (i64, Uuid);

    fn is_empty(&self) -> bool {
        self.all() == 0
    }
}

fn bucket(at: Timestamp) -> i64 {
    at.0.div_euclid(BUCKET)
}

/// Counts a metric.
///
/// # Errors
/// When storage fails.
pub fn count_metric(tx: &mut WriteTx<'_>, metric: &Metric) -> Result<(), StoreError> {
    let key = (bucket(metric.recorded_at), metric.agent_id);
    tx.update(&key, |activity: &mut Activity| activity.metrics += 1)
}

/// Counts an operation, where an agent was registered that it is of.
///
/// # Errors
/// When storage fails.
pub fn count_operation(tx: &mut WriteTx<'_>, record: &AuditRecord) -> Result<(), StoreError> {
    let Some(agent) = record.subject else { return Ok(()) };
    tx.update(&(bucket(record.told.timestamp), agent), |activity: &mut Activity| {
        activity.operations += 1;
        activity.refused += u64::from(is_refused(record));
    })
}

fn is_refused(record: &AuditRecord) -> bool {
    matches!(record.told.decision, Decision::Denied | Decision::RequiresApproval)
}

/// Counts a metric no longer, where what was done `since` then is kept.
///
/// # Errors
/// When storage fails.
pub fn uncount_metric(
    tx: &mut WriteTx<'_>,
    metric: &Metric,
    since: Option<Timestamp>,
) -> Result<(), StoreError> {
    let bucket = bucket(metric.recorded_at);
    if bucket < first_since(since) {
        return Ok(());
    }
    let key = (bucket, metric.agent_id);
    tx.update(&key, |activity: &mut Activity| activity.metrics = activity.metrics.saturating_sub(1))
}

/// Counts an operation no longer, where what was done `since` then is kept.
///
/// # Errors
/// When storage fails.
pub fn uncount_operation(
    tx: &mut WriteTx<'_>,
    record: &AuditRecord,
    since: Option<Timestamp>,
) -> Result<(), StoreError> {
    let bucket = bucket(record.told.timestamp);
    let Some(agent) = record.subject.filter(|_| bucket >= first_since(since)) else { return Ok(()) };
    tx.update(&(bucket, agent), |activity: &mut Activity| {
        activity.operations = activity.operations.saturating_sub(1);
        activity.refused = activity.refused.saturating_sub(u64::from(is_refused(record)));
    })
}

/// The bucket with which what is kept begins.
fn first_since(since: Option<Timestamp>) -> i64 {
    since.map_or(i64::MIN, bucket)
}

/// The first key of what is kept.
#[must_use]
pub fn first_key(since: Option<Timestamp>) -> (i64, Uuid) {
    (first_since(since), Uuid::nil())
}

/// Counts what the logs hold already: the step of a data file that is older than the table.
///
/// # Errors
/// When storage fails.
pub fn fill(tx: &mut WriteTx<'_>) -> Result<(), StoreError> {
    tx.walk(count_metric)?;
    tx.walk(count_operation)
}

/// How far back to look, by which steps.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    /// How far back.
    pub minutes: u32,
    /// What buckets are merged into, where they are.
    pub step: Option<StepLength>,
}

impl Span {
    /// How many buckets a step has: no step is shorter than one.
    fn buckets(self) -> i64 {
        self.step.map_or(1, |step| (step.micros() / BUCKET).max(1))
    }

    /// How many steps there are.
    #[must_use]
    pub fn points(self) -> usize {
        let step = self.buckets() * BUCKET;
        usize::try_from((i64::from(self.minutes) * MINUTE + step - 1) / step).unwrap_or(0)
    }
}

/// The steps up to the running one.
#[derive(Debug, Clone, Copy)]
struct Steps {
    /// How many buckets a step has.
    buckets: i64,
    points: usize,
    /// The first bucket, and the running one.
    first: i64,
    last: i64,
}

impl Steps {
    fn of(span: Span, now: Timestamp) -> Self {
        let (buckets, points) = (span.buckets(), span.points());
        let last = bucket(now);
        let running = last.div_euclid(buckets);
        let first = (running - i64::try_from(points).unwrap_or(i64::MAX) + 1) * buckets;
        Self { buckets, points, first, last }
    }
}

/// What agents did, step by step.
#[derive(Debug, Serialize, ToSchema)]
pub struct FleetActivity {
    /// The start of the first step.
    pub from: Timestamp,
    /// The length of a step.
    pub step_minutes: i64,
    /// How many steps there are; the last is the running one.
    pub points: usize,
    /// The agents that did something, the busiest first.
    pub agents: Vec<AgentActivity>,
}

/// What an agent did, step by step.
#[derive(Debug, Serialize, ToSchema)]
pub struct AgentActivity {
    #[expect(missing_docs)]
    pub agent_id: Uuid,
    #[expect(missing_docs)]
    pub name: String,
    /// Audit records.
    pub operations: Vec<u64>,
    /// Those of them that were denied or required approval.
    pub refused: Vec<u64>,
    /// Metrics.
    pub metrics: Vec<u64>,
    /// All operations and metrics.
    pub total: u64,
}

impl AgentActivity {
    fn new(agent: &Agent, steps: Steps) -> Self {
        let zeros = || vec![0; steps.points];
        let (operations, refused, metrics) = (zeros(), zeros(), zeros());
        Self { agent_id: agent.agent_id, name: agent.name.clone(), operations, refused, metrics, total: 0 }
    }

    fn add(&mut self, steps: Steps, bucket: i64, activity: &Activity) {
        let point = usize::try_from((bucket - steps.first) / steps.buckets).unwrap_or(usize::MAX);
        for (series, more) in [
            (&mut self.operations, activity.operations),
            (&mut self.refused, activity.refused),
            (&mut self.metrics, activity.metrics),
        ] {
            if let Some(count) = series.get_mut(point) {
                *count += more;
            }
        }
        self.total += activity.all();
    }
}

/// What the agents did of late, `limit` agents at most; with `agent` that one alone.
///
/// # Errors
/// When storage fails.
pub fn recent(
    tx: &ReadTx,
    roster: &Roster,
    agent: Option<&str>,
    span: Span,
    limit: usize,
    now: Timestamp,
) -> Result<FleetActivity, StoreError> {
    let steps = Steps::of(span, now);
    let agents = match agent {
        None => of_busiest(tx, roster, steps, limit)?,
        Some(id_or_name) => match roster.resolve(id_or_name) {
            Some(agent) => of_one(tx, agent, steps)?.into_iter().collect(),
            None => Vec::new(),
        },
    };
    Ok(FleetActivity {
        from: Timestamp(steps.first * BUCKET),
        step_minutes: steps.buckets * BUCKET / MINUTE,
        points: steps.points,
        agents,
    })
}

/// Visits what all agents did.
fn each(tx: &ReadTx, steps: Steps, mut visit: impl FnMut(i64, Uuid, &Activity)) -> Result<(), StoreError> {
    let (low, high) = (steps.first.to_bytes(), (steps.last + 1).to_bytes());
    for entry in tx.range::<Activity>(Included(&low), Excluded(&high))? {
        let ((bucket, id), activity) = entry?;
        visit(bucket, id, &activity);
    }
    Ok(())
}

/// Two passes, so that rows are held of those alone that are told of.
fn of_busiest(
    tx: &ReadTx,
    roster: &Roster,
    steps: Steps,
    limit: usize,
) -> Result<Vec<AgentActivity>, StoreError> {
    let mut totals: HashMap<Uuid, u64> = HashMap::new();
    each(tx, steps, |_, id, activity| *totals.entry(id).or_default() += activity.all())?;
    // What deleted agents did stays in the table.
    let mut ranking: Vec<_> =
        totals.into_iter().filter_map(|(id, total)| Some((total, roster.get(id)?))).collect();
    ranking.sort_unstable_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.name.cmp(&b.1.name)));
    ranking.truncate(limit);
    let mut rows: Vec<_> = ranking.iter().map(|(_, agent)| AgentActivity::new(agent, steps)).collect();
    let places: HashMap<_, _> = rows.iter().enumerate().map(|(place, row)| (row.agent_id, place)).collect();
    each(tx, steps, |bucket, id, activity| {
        if let Some(place) = places.get(&id) {
            rows[*place].add(steps, bucket, activity);
        }
    })?;
    Ok(rows)
}

/// Bucket by bucket: a range would hold those of all other agents.
fn of_one(tx: &ReadTx, agent: &Agent, steps: Steps) -> Result<Option<AgentActivity>, StoreError> {
    let mut row = AgentActivity::new(agent, steps);
    for bucket in steps.first..=steps.last {
        if let Some(activity) = tx.get::<Activity>(&(bucket, agent.agent_id))? {
            row.add(steps, bucket, &activity);
        }
    }
    Ok((row.total > 0).then_some(row))
}
