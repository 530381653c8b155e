//! Figures of the whole fleet.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::agent_view::{Standing, Status};
use super::metric_stats;
use super::metric_sums::{MetricSums, Scope};
use super::rollup::{self, StepLength, Window};
use super::roster::Roster;
use super::time::{DAY, Timestamp};
use super::usage::DayUsage;
use crate::store::{ReadTx, StoreError};

/// A named amount.
#[derive(Debug, Serialize, ToSchema)]
#[expect(missing_docs)]
pub struct NamedValue {
    pub name: String,
    pub value: f64,
}

/// A point of a series.
#[derive(Debug, Serialize, ToSchema)]
pub struct Point {
    /// The start of the step.
    pub timestamp: Timestamp,
    #[expect(missing_docs)]
    pub value: f64,
}

/// How many agents have each status.
#[derive(Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[expect(missing_docs)]
pub struct StatusDistribution {
    pub active: u64,
    pub idle: u64,
    pub blocked: u64,
    pub paused: u64,
    pub offline: u64,
}

impl StatusDistribution {
    fn count(&mut self, status: Status) {
        *match status {
            Status::Active => &mut self.active,
            Status::Idle => &mut self.idle,
            Status::Blocked => &mut self.blocked,
            Status::Paused => &mut self.paused,
            Status::Offline => &mut self.offline,
        } += 1;
    }
}

/// Who the agents are and what they spend today.
#[derive(Debug, Serialize, ToSchema)]
pub struct FleetSummary {
    #[expect(missing_docs)]
    pub total_agents: usize,
    /// How many agents have each role.
    pub role_distribution: BTreeMap<String, u64>,
    /// How many agents are in each category.
    pub category_distribution: BTreeMap<String, u64>,
    /// How many agents have each status.
    pub status_distribution: StatusDistribution,
    #[expect(missing_docs)]
    pub specialists: usize,
    #[expect(missing_docs)]
    pub generalists: usize,
    /// What all agents together may cost a day, in USD.
    pub budget_limit: f64,
    /// What they cost today, in USD.
    pub budget_used: f64,
    /// What they cost on the UTC day before up to the same minute of the day, in USD.
    pub budget_used_yesterday: f64,
    /// Today's cost by category, the highest first.
    pub breakdown: Vec<NamedValue>,
    /// The ten agents that cost the most today, the highest first.
    #[serde(rename = "topAgents")]
    pub top_agents: Vec<NamedValue>,
}

/// How many agents [`FleetSummary::top_agents`] holds.
const TOP: usize = 10;

/// The summary as of `now`.
///
/// # Errors
/// When storage fails.
pub fn summary(tx: &ReadTx, roster: &Roster, now: Timestamp) -> Result<FleetSummary, StoreError> {
    let mut roles = BTreeMap::new();
    let mut categories = BTreeMap::new();
    let mut statuses = StatusDistribution::default();
    let (mut specialists, mut budget_limit) = (0, 0.0);
    let mut reader = tx;
    let mut by_name: Vec<_> = roster.iter().collect();
    // Sums of fractions depend on their order; a fixed one keeps the ETag steady.
    by_name.sort_by(|a, b| a.name.cmp(&b.name));
    for agent in by_name {
        *roles.entry(agent.role.clone()).or_insert(0) += 1;
        *categories.entry(agent.metadata.category.clone()).or_insert(0) += 1;
        statuses.count(Standing::load(&mut reader, agent, now)?.status(agent, now));
        specialists += usize::from(agent.metadata.specialist);
        budget_limit += agent.limits.max_cost_per_day;
    }
    let mut budget_used = 0.0;
    let mut by_category: BTreeMap<&str, f64> = BTreeMap::new();
    let mut top_agents = Vec::new();
    for (id, usage) in DayUsage::of_day(tx, now.day())? {
        let cost = usage.cost_usd();
        budget_used += cost;
        if let Some(agent) = roster.get(id) {
            *by_category.entry(&agent.metadata.category).or_default() += cost;
            top_agents.push(NamedValue { name: agent.name.clone(), value: cost });
        }
    }
    let mut breakdown: Vec<_> =
        by_category.into_iter().map(|(name, value)| NamedValue { name: name.to_owned(), value }).collect();
    for list in [&mut breakdown, &mut top_agents] {
        list.sort_by(|a, b| b.value.total_cmp(&a.value).then_with(|| a.name.cmp(&b.name)));
    }
    top_agents.truncate(TOP);
    // Whole minutes are summed already.
    let same_time = now.plus(-DAY).minute_start();
    let yesterday = Window { from: same_time.day_start(), to: Some(same_time) };
    Ok(FleetSummary {
        total_agents: roster.len(),
        role_distribution: roles,
        category_distribution: categories,
        status_distribution: statuses,
        specialists,
        generalists: roster.len() - specialists,
        budget_limit,
        budget_used,
        budget_used_yesterday: metric_stats::sums_over(tx, &Scope::All, yesterday)?.cost_usd(),
        breakdown,
        top_agents,
    })
}

/// What the fleet cost and used, a point a UTC day.
#[derive(Debug, Serialize, ToSchema)]
pub struct FleetHistory {
    #[expect(missing_docs)]
    pub days: u32,
    /// Cost in USD.
    #[serde(rename = "burnRate")]
    pub burn_rate: Vec<Point>,
    /// Tokens.
    pub tokens: Vec<Point>,
}

/// The last `days` UTC days, today included.
///
/// # Errors
/// When storage fails.
pub fn history(tx: &ReadTx, days: u32, now: Timestamp) -> Result<FleetHistory, StoreError> {
    let from = now.plus(-DAY * (i64::from(days) - 1));
    let steps = rollup::series::<MetricSums>(tx, &Scope::All, from, now, StepLength::Day)?;
    let points = |value: fn(&MetricSums) -> f64| {
        steps.iter().map(|(timestamp, sums)| Point { timestamp: *timestamp, value: value(sums) }).collect()
    };
    #[expect(clippy::cast_precision_loss)]
    Ok(FleetHistory { days, burn_rate: points(MetricSums::cost_usd), tokens: points(|s| s.tokens() as f64) })
}
