//! The agents in brief: what a table of the whole fleet shows, in few bytes.

use std::ops::Bound;

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::agent_query::AgentPage;
use super::agent_view::{Standing, Status};
use super::agents::{self, Agent};
use super::metric_sums::{MetricSums, Scope};
use super::rollup;
use super::roster::Roster;
use super::time::Timestamp;
use crate::store::{Key, ReadTx, StoreError};

/// An agent in brief. What was never measured is null: 0 would be a lie.
#[derive(Debug, Serialize, ToSchema)]
#[expect(missing_docs)]
pub struct AgentBrief {
    pub agent_id: Uuid,
    pub name: String,
    pub display_name: String,
    pub role: String,
    pub category: String,
    pub specialist: bool,
    pub tags: Vec<String>,
    pub status: Status,
    /// ISO 4217.
    pub currency: String,
    /// What the present day may cost, all that an operator did for it included.
    pub max_cost_per_day: f64,
    /// What the present UTC day cost so far, in USD.
    pub cost_used_today: f64,
    /// Tokens used on the present UTC day.
    pub tokens_used_today: u64,
    /// Tokens a session may use.
    pub max_tokens_per_session: u64,
    /// Successes among the records that tell, 0-1.
    pub success_rate: Option<f64>,
    /// Mean quality score, 0-1.
    pub quality_score: Option<f64>,
    /// Mean duration in ms.
    pub avg_execution_time_ms: Option<f64>,
    pub total_tasks_completed: u64,
    pub created_at: Timestamp,
    /// When something was last recorded of it.
    pub last_active_at: Option<Timestamp>,
}

impl AgentBrief {
    fn load(mut tx: &ReadTx, agent: &Agent, now: Timestamp) -> Result<Self, StoreError> {
        let standing = Standing::load(&mut tx, agent, now)?;
        let sums: MetricSums = rollup::total(&mut tx, &Scope::Agent(agent.agent_id))?;
        let measured = |count: u64, figure: f64| (count > 0).then_some(figure);
        Ok(Self {
            agent_id: agent.agent_id,
            name: agent.name.clone(),
            display_name: agent.display_name.clone(),
            role: agent.role.clone(),
            category: agent.metadata.category.clone(),
            specialist: agent.metadata.specialist,
            tags: agent.metadata.tags.clone(),
            status: standing.status(agent, now),
            currency: agent.limits.currency.clone(),
            max_cost_per_day: standing.limit_today(),
            cost_used_today: standing.today.cost_usd(),
            tokens_used_today: standing.today.tokens(),
            max_tokens_per_session: agent.limits.max_tokens_per_session,
            success_rate: measured(sums.judged(), sums.success_rate()),
            quality_score: measured(sums.scored(), sums.quality()),
            avg_execution_time_ms: measured(sums.timed(), sums.avg_time_ms()),
            total_tasks_completed: sums.tasks_completed(),
            created_at: agent.created_at,
            last_active_at: standing.last_active,
        })
    }
}

/// The agents in brief by name, `limit` at most, after the place that an earlier page gave.
///
/// # Errors
/// When storage fails.
pub fn page(
    tx: &ReadTx,
    roster: &Roster,
    limit: usize,
    after: Option<&[u8]>,
    now: Timestamp,
) -> Result<AgentPage<AgentBrief>, StoreError> {
    let from = after.map_or(Bound::Unbounded, Bound::Excluded);
    let (mut items, mut last, mut next) = (Vec::new(), None, None);
    for entry in tx.range_raw(agents::BY_NAME.table, from, Bound::Unbounded)? {
        let (place, _) = entry?;
        if items.len() == limit {
            next = last;
            break;
        }
        let (_, id) = <(String, Uuid)>::read(&mut place.as_slice())?;
        // An agent of a newer snapshot may be missing from the roster for a moment; the next read has it.
        if let Some(agent) = roster.get(id) {
            items.push(AgentBrief::load(tx, agent, now)?);
        }
        last = Some(place);
    }
    Ok(AgentPage { items, total: roster.len(), next })
}
