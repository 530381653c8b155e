//! How good the work is: scores, grades, trends and broken rules.

use std::collections::HashMap;

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::grade::Grade;
use super::log_query::{LogQuery, Paging};
use super::metric_stats::{sums_by_agent, sums_over};
use super::metric_sums::{MetricSums, Scope};
use super::metrics::{self, Metric};
use super::rollup::{self, StepLength, Window};
use super::roster::Roster;
use super::time::{DAY, MINUTE, Timestamp};
use crate::store::{ReadTx, StoreError};

/// Where a score is going.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs)]
pub enum Direction {
    Up,
    Down,
    Stable,
}

/// Changes of a score (0-1) up to this count as none.
const STEADY: f64 = 0.01;

impl Direction {
    fn of(change: f64) -> Self {
        if change > STEADY {
            Self::Up
        } else if change < -STEADY {
            Self::Down
        } else {
            Self::Stable
        }
    }
}

/// How good the work of a window is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Quality {
    /// Mean score, 0-1.
    pub overall_quality_score: f64,
    /// Mean score, 0-100.
    pub overall: f64,
    #[expect(missing_docs)]
    pub grade: Grade,
    #[expect(missing_docs)]
    pub total_code_violations: u64,
    /// How many records carry a score.
    pub metrics_analyzed: u64,
    #[expect(missing_docs)]
    pub period_days: u32,
    /// Against the window of the same length before.
    pub trend: Trend,
    /// How many agents have each grade.
    pub distribution: Vec<GradeShare>,
    /// The agents with a score, the best first.
    pub agent_quality: Vec<AgentQuality>,
    /// The newest quality metrics with broken rules.
    pub violations: Vec<Violation>,
}

/// The change of a score.
#[derive(Debug, Serialize, ToSchema)]
pub struct Trend {
    #[expect(missing_docs)]
    pub direction: Direction,
    /// In points of 100.
    pub change: f64,
    /// The window, such as `7d`.
    pub period: String,
}

/// How often a grade is given.
#[derive(Debug, Serialize, ToSchema)]
#[expect(missing_docs)]
pub struct GradeShare {
    pub grade: Grade,
    pub count: u64,
    /// 0-100.
    pub percentage: f64,
}

/// How good an agent's work is.
#[derive(Debug, Serialize, ToSchema)]
pub struct AgentQuality {
    #[expect(missing_docs)]
    pub id: Uuid,
    #[expect(missing_docs)]
    pub name: String,
    #[expect(missing_docs)]
    pub role: String,
    /// Mean score, 0-1.
    pub quality_score: f64,
    /// Mean score over the window of the same length before, 0-1.
    pub previous_score: Option<f64>,
    /// How many records carry a score.
    pub metrics_analyzed: u64,
    #[expect(missing_docs)]
    pub grade: Grade,
    #[expect(missing_docs)]
    pub violations: u64,
    #[expect(missing_docs)]
    pub trend: Direction,
    /// When the agent was last scored.
    pub last_analysis: Option<Timestamp>,
}

/// A quality metric with broken rules.
#[derive(Debug, Serialize, ToSchema)]
#[expect(missing_docs)]
pub struct Violation {
    pub agent_id: Uuid,
    pub agent_name: String,
    pub count: u64,
    pub quality_score: Option<f64>,
    pub timestamp: Timestamp,
}

/// How many agents and violations an answer holds at most.
const LISTED: usize = 500;
const VIOLATIONS: usize = 50;

struct Scored {
    now: MetricSums,
    before: MetricSums,
}

/// The last days, and as many before these.
struct Windows {
    now: Window,
    before: Window,
}

impl Windows {
    fn new(from: Timestamp, days: u32) -> Self {
        let earlier = from.plus(-DAY * i64::from(days));
        Self { now: Window { from, to: None }, before: Window { from: earlier, to: Some(from) } }
    }

    fn of(&self, tx: &ReadTx, scope: &Scope) -> Result<Scored, StoreError> {
        Ok(Scored { now: sums_over(tx, scope, self.now)?, before: sums_over(tx, scope, self.before)? })
    }

    fn of_agents(&self, tx: &ReadTx) -> Result<HashMap<Uuid, Scored>, StoreError> {
        let mut before = sums_by_agent(tx, self.before)?;
        let scored = sums_by_agent(tx, self.now)?.into_iter().map(|(agent, now)| {
            let before = before.remove(&agent).unwrap_or_default();
            (agent, Scored { now, before })
        });
        Ok(scored.collect())
    }
}

impl Scored {
    /// The score of the window before.
    fn previous(&self) -> Option<f64> {
        (self.before.scored() > 0).then(|| self.before.quality())
    }

    /// The change of the score, 0 where there is nothing to compare.
    fn change(&self) -> f64 {
        match self.previous() {
            Some(previous) if self.now.scored() > 0 => self.now.quality() - previous,
            _ => 0.0,
        }
    }
}

/// The quality of the last `days` days, of one agent or all.
///
/// # Errors
/// When storage fails.
#[expect(clippy::cast_precision_loss)]
pub fn quality(
    tx: &ReadTx,
    roster: &Roster,
    agent: Option<Uuid>,
    days: u32,
    now: Timestamp,
) -> Result<Quality, StoreError> {
    let from = now.plus(-DAY * i64::from(days));
    let windows = Windows::new(from, days);
    let all = windows.of(tx, &Scope::of(agent, None))?;
    let mut of_agents = match agent {
        Some(agent) => HashMap::from([(agent, windows.of(tx, &Scope::Agent(agent))?)]),
        None => windows.of_agents(tx)?,
    };
    let mut agents = Vec::new();
    for member in roster.iter() {
        let Some(scored) = of_agents.remove(&member.agent_id) else { continue };
        if scored.now.scored() > 0 {
            agents.push(AgentQuality {
                id: member.agent_id,
                name: member.name.clone(),
                role: member.role.clone(),
                quality_score: scored.now.quality(),
                previous_score: scored.previous(),
                metrics_analyzed: scored.now.scored(),
                grade: Grade::of(scored.now.quality()),
                violations: scored.now.violations(),
                trend: Direction::of(scored.change()),
                last_analysis: None,
            });
        }
    }
    agents.sort_by(|a, b| b.quality_score.total_cmp(&a.quality_score).then_with(|| a.name.cmp(&b.name)));
    let distribution = Grade::ALL.map(|grade| {
        let count = agents.iter().filter(|a| a.grade == grade).count() as u64;
        let percentage = if agents.is_empty() { 0.0 } else { count as f64 * 100.0 / agents.len() as f64 };
        GradeShare { grade, count, percentage }
    });
    agents.truncate(LISTED);
    for agent in &mut agents {
        agent.last_analysis = last_analysis(tx, agent.id)?;
    }
    let score = all.now.quality();
    Ok(Quality {
        overall_quality_score: score,
        overall: score * 100.0,
        grade: Grade::of(score),
        total_code_violations: all.now.violations(),
        metrics_analyzed: all.now.scored(),
        period_days: days,
        trend: Trend {
            direction: Direction::of(all.change()),
            change: all.change() * 100.0,
            period: format!("{days}d"),
        },
        distribution: distribution.into(),
        agent_quality: agents,
        violations: violations(tx, roster, agent, from)?,
    })
}

/// When an agent was last scored; the minute in which it was, where the record is gone.
fn last_analysis(tx: &ReadTx, agent: Uuid) -> Result<Option<Timestamp>, StoreError> {
    let scored = |sums: &MetricSums| sums.scored() > 0;
    let Some(minute) = rollup::last_minute(tx, &Scope::Agent(agent), scored)? else { return Ok(None) };
    let query = LogQuery::between(metrics::BY_TIME, Some(minute), Some(minute.plus(MINUTE - 1)))
        .with(&metrics::BY_AGENT, Some(&agent))
        .matching(Some(Box::new(|m: &Metric| m.measures.quality_score.is_some())))
        .counted(Some(0));
    let page = query.page(tx, Paging { limit: 1, ..Paging::default() })?;
    Ok(Some(page.items.first().map_or(minute, |m| m.recorded_at)))
}

fn violations(
    tx: &ReadTx,
    roster: &Roster,
    agent: Option<Uuid>,
    from: Timestamp,
) -> Result<Vec<Violation>, StoreError> {
    let query = LogQuery::between(metrics::BY_TIME, Some(from), None)
        .with(&metrics::BY_TYPE, Some(&"quality"))
        .with(&metrics::BY_AGENT, agent.as_ref())
        .matching(Some(Box::new(|m: &Metric| m.measures.code_violations.unwrap_or(0) > 0)))
        .counted(Some(0));
    let page = query.page(tx, Paging { limit: VIOLATIONS, ..Paging::default() })?;
    let violation = |m: Metric| Violation {
        agent_id: m.agent_id,
        agent_name: roster.get(m.agent_id).map_or_else(|| m.agent_id.to_string(), |a| a.name.clone()),
        count: m.measures.code_violations.unwrap_or(0),
        quality_score: m.measures.quality_score,
        timestamp: m.recorded_at,
    };
    Ok(page.items.into_iter().map(violation).collect())
}

/// The quality of a UTC day.
#[derive(Debug, Serialize, ToSchema)]
pub struct QualityDay {
    /// The day, such as `2026-11-22`.
    pub date: String,
    /// Mean score, 0-1.
    pub score: f64,
    /// Mean score of this and the days before it in the range, 0-1.
    pub average: f64,
    /// Lowest score.
    pub min: f64,
    /// Highest score.
    pub max: f64,
    /// How many records carry a score; without any the day is a gap.
    pub metrics_analyzed: u64,
}

/// The quality of each of the last `days` UTC days, oldest first; days without scores are 0.
///
/// # Errors
/// When storage fails.
#[expect(clippy::cast_precision_loss)]
pub fn trends(
    tx: &ReadTx,
    agent: Option<Uuid>,
    days: u32,
    now: Timestamp,
) -> Result<Vec<QualityDay>, StoreError> {
    let from = now.plus(-DAY * (i64::from(days) - 1));
    let steps = rollup::series::<MetricSums>(tx, &Scope::of(agent, None), from, now, StepLength::Day)?;
    let (mut sum, mut count) = (0.0, 0);
    let days = steps.into_iter().map(|(day, sums)| {
        sum += sums.quality() * sums.scored() as f64;
        count += sums.scored();
        let (min, max) = sums.quality_span();
        let date = day.to_string().chars().take(10).collect();
        let average = if count == 0 { 0.0 } else { sum / count as f64 };
        QualityDay { date, score: sums.quality(), average, min, max, metrics_analyzed: sums.scored() }
    });
    Ok(days.collect())
}
