//! Who or what used how much: metrics by agent, role, category or type.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::latency::Latency;
use super::metric_groups::{self, Group, Windows};
use super::metric_sums::{Scope, from_billionths};
use super::rollup::StepLength;
use super::roster::Roster;
use super::time::Timestamp;
use crate::store::{ReadTx, StoreError};

/// What is told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = BreakdownBy)]
#[expect(missing_docs)]
pub enum By {
    Agent,
    Role,
    Category,
    Type,
}

/// What is wanted of a breakdown.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// What is told apart.
    pub by: By,
    /// The length of a step.
    pub step: StepLength,
    /// How many steps the window has, the running one included.
    pub steps: i64,
    /// How many groups have a series of their own.
    pub top: usize,
    /// How many groups are told of at most.
    pub limit: usize,
}

/// Who or what used how much over a window of whole steps, and how much over the window before.
#[derive(Debug, Serialize, ToSchema)]
#[expect(missing_docs)]
pub struct Breakdown {
    pub by: By,
    /// The length of a step.
    pub step: StepLength,
    /// The start of each step; the last one runs.
    pub timestamps: Vec<Timestamp>,
    /// Those that recorded anything, or cost anything in the window before, the dearest first.
    pub groups: Vec<GroupUsage>,
    /// What all groups used.
    pub total: TotalUsage,
    /// The dearest groups step by step, then all others together where there are more: they sum up to `total`.
    pub series: Vec<GroupSeries>,
}

/// What a group used.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BreakdownGroup)]
#[expect(missing_docs)]
pub struct GroupUsage {
    /// An agent's id, or the role, category or type; empty for the agents that were deleted.
    pub key: String,
    /// An agent's name, or its id where it was deleted.
    pub name: String,
    /// How many agents recorded anything.
    pub agents: u64,
    /// How many records.
    pub calls: u64,
    pub failures: u64,
    pub tokens: u64,
    pub cost_usd: f64,
    /// The cost over the window of equal length before, up to the minute that the present one has come to.
    pub previous_cost_usd: f64,
    #[serde(flatten)]
    pub latency: Latency,
}

/// What all groups used.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BreakdownTotal)]
#[expect(missing_docs)]
pub struct TotalUsage {
    /// How many records.
    pub calls: u64,
    pub failures: u64,
    pub tokens: u64,
    pub cost_usd: f64,
    /// The cost over the window of equal length before, up to the minute that the present one has come to.
    pub previous_cost_usd: f64,
}

/// What a group used step by step.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BreakdownSeries)]
#[expect(missing_docs)]
pub struct GroupSeries {
    /// As the group's; `null` for all others together.
    pub key: Option<String>,
    pub name: String,
    /// Cost in USD.
    pub cost_usd: Vec<f64>,
    pub tokens: Vec<u64>,
}

impl GroupSeries {
    fn of(key: Option<&str>, name: &str, points: &[(u128, u64)]) -> Self {
        Self {
            key: key.map(str::to_owned),
            name: name.to_owned(),
            cost_usd: points.iter().map(|(nanos, _)| from_billionths(*nanos)).collect(),
            tokens: points.iter().map(|(_, tokens)| *tokens).collect(),
        }
    }
}

impl GroupUsage {
    fn of(group: &Group) -> Self {
        Self {
            key: group.key.clone(),
            name: group.name.clone(),
            agents: group.agents,
            calls: group.sums.count,
            failures: group.sums.failures(),
            tokens: group.sums.tokens(),
            cost_usd: group.sums.cost_usd(),
            previous_cost_usd: from_billionths(group.before),
            latency: Latency::of(&group.sums),
        }
    }
}

/// Who or what used how much.
///
/// # Errors
/// When storage fails.
pub fn breakdown(
    tx: &ReadTx,
    roster: &Roster,
    wanted: Wanted,
    now: Timestamp,
) -> Result<Breakdown, StoreError> {
    let windows = Windows::new(wanted.step, wanted.steps, now);
    let most = wanted.limit.max(wanted.top);
    let name = |id: Uuid| roster.get(id).map_or_else(|| id.to_string(), |agent| agent.name.clone());
    let ranking = match wanted.by {
        By::Type => metric_groups::by_type(tx, &windows, most)?,
        By::Agent if wanted.step == StepLength::Day => {
            metric_groups::by_agent_and_day(tx, &windows, most, name)?
        }
        By::Agent => metric_groups::by_agents(tx, &windows, most, |id| (id.to_string(), name(id)))?,
        By::Role => metric_groups::by_agents(tx, &windows, most, |id| {
            named(roster.get(id).map(|agent| agent.role.as_str()))
        })?,
        By::Category => metric_groups::by_agents(tx, &windows, most, |id| {
            named(roster.get(id).map(|agent| agent.metadata.category.as_str()))
        })?,
    };
    let mut all = Group::default();
    all.add(tx, &Scope::All, &windows)?;
    let size = wanted.step.micros();
    Ok(Breakdown {
        by: wanted.by,
        step: wanted.step,
        timestamps: (0..wanted.steps).map(|n| Timestamp(windows.from.0 + n * size)).collect(),
        groups: ranking.groups.iter().take(wanted.limit).map(GroupUsage::of).collect(),
        series: series(&ranking.groups[..wanted.top.min(ranking.groups.len())], ranking.count, &all),
        total: TotalUsage {
            calls: all.sums.count,
            failures: all.sums.failures(),
            tokens: all.sums.tokens(),
            cost_usd: all.sums.cost_usd(),
            previous_cost_usd: from_billionths(all.before),
        },
    })
}

/// The first of `count` groups, and what is left of all where there are others.
fn series(top: &[Group], count: usize, all: &Group) -> Vec<GroupSeries> {
    let mut rest = all.points.clone();
    for group in top {
        for (rest, point) in rest.iter_mut().zip(&group.points) {
            *rest = (rest.0.saturating_sub(point.0), rest.1.saturating_sub(point.1));
        }
    }
    let top_series = top.iter().map(|group| GroupSeries::of(Some(&group.key), &group.name, &group.points));
    let mut series: Vec<_> = top_series.collect();
    // Of types that nobody looked at no group tells.
    if count > top.len() || rest.iter().any(|point| *point != (0, 0)) {
        series.push(GroupSeries::of(None, "other", &rest));
    }
    series
}

/// Key and name of what deleted agents no longer have.
fn named(value: Option<&str>) -> (String, String) {
    match value {
        Some(value) => (value.into(), value.into()),
        None => (String::new(), "deleted agents".into()),
    }
}
