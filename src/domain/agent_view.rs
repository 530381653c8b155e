//! The agent as clients see it: its identity with the figures of its use.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::agents::{Agent, Metadata, Rbac};
use super::budgets::{self, Scope, Zone};
use super::metric_sums::{self, MetricSums};
use super::rollup;
use super::time::{DAY, MINUTE, Timestamp};
use super::usage::{DayUsage, Presence, SessionUsage};
use crate::store::{Lookup, StoreError};

/// What an agent does right now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Something was recorded in the last 5 minutes.
    Active,
    /// Something was recorded in the last 24 hours.
    Idle,
    /// The budget of the day, or of the session it was last seen in, is exceeded.
    Blocked,
    /// An operator stopped it.
    Paused,
    /// None of these.
    Offline,
}

/// The agent as clients see it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Agent)]
pub struct AgentView {
    /// Unique and unchanging.
    pub agent_id: Uuid,
    #[expect(missing_docs)]
    #[schema(example = "coder")]
    pub name: String,
    #[expect(missing_docs)]
    #[schema(example = "Coder")]
    pub display_name: String,
    #[expect(missing_docs)]
    pub description: Option<String>,
    #[expect(missing_docs)]
    #[schema(example = "developer")]
    pub role: String,
    #[expect(missing_docs)]
    pub role_confidence: f64,
    #[expect(missing_docs)]
    pub role_reasoning: Option<String>,
    #[expect(missing_docs)]
    pub capabilities: Vec<String>,
    #[expect(missing_docs)]
    pub rbac: Rbac,
    #[expect(missing_docs)]
    pub budget: Budget,
    #[expect(missing_docs)]
    pub metadata: Metadata,
    #[expect(missing_docs)]
    pub performance: Performance,
    #[expect(missing_docs)]
    pub timestamps: Timestamps,
    #[expect(missing_docs)]
    pub status: Status,
}

/// What an agent may spend, and what it spent today.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Budget {
    /// Tokens a session may use.
    pub max_tokens_per_session: u64,
    /// What a UTC day may cost.
    pub max_cost_per_day: f64,
    /// ISO 4217.
    pub currency: String,
    /// Tokens used since `last_reset`.
    pub tokens_used_today: u64,
    /// Cost in USD since `last_reset`.
    pub cost_used_today: f64,
    /// The start of the present UTC day.
    pub last_reset: Timestamp,
}

/// How an agent's work went, over all time.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Performance {
    /// Successes among the records that tell, 0-1.
    pub success_rate: f64,
    /// Mean duration in ms.
    pub avg_execution_time_ms: f64,
    /// Mean quality score, 0-1.
    pub quality_score: f64,
    /// Tasks done.
    pub total_tasks_completed: u64,
}

/// When things happened to an agent.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Timestamps {
    #[expect(missing_docs)]
    pub created_at: Timestamp,
    #[expect(missing_docs)]
    pub updated_at: Timestamp,
    /// When something was last recorded of it.
    pub last_active_at: Option<Timestamp>,
}

impl AgentView {
    /// An agent with its figures as of `now`.
    ///
    /// # Errors
    /// When storage fails.
    pub fn load(tx: &mut impl Lookup, agent: &Agent, now: Timestamp) -> Result<Self, StoreError> {
        let standing = Standing::load(tx, agent, now)?;
        let sums: MetricSums = rollup::total(tx, &metric_sums::Scope::Agent(agent.agent_id))?;
        let agent = agent.clone();
        Ok(Self {
            status: standing.status(&agent, now),
            agent_id: agent.agent_id,
            name: agent.name,
            display_name: agent.display_name,
            description: agent.description,
            role: agent.role,
            role_confidence: agent.role_confidence,
            role_reasoning: agent.role_reasoning,
            capabilities: agent.capabilities,
            rbac: agent.rbac,
            budget: Budget {
                max_tokens_per_session: agent.limits.max_tokens_per_session,
                max_cost_per_day: agent.limits.max_cost_per_day,
                currency: agent.limits.currency,
                tokens_used_today: standing.today.tokens(),
                cost_used_today: standing.today.cost_usd(),
                last_reset: now.day_start(),
            },
            metadata: agent.metadata,
            performance: Performance {
                success_rate: sums.success_rate(),
                avg_execution_time_ms: sums.avg_time_ms(),
                quality_score: sums.quality(),
                total_tasks_completed: sums.tasks_completed(),
            },
            timestamps: Timestamps {
                created_at: agent.created_at,
                updated_at: agent.updated_at,
                last_active_at: standing.last_active,
            },
        })
    }
}

/// What an agent's status follows from, besides its identity.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    /// What it used on the present UTC day.
    pub today: DayUsage,
    /// When something was last recorded of it.
    pub last_active: Option<Timestamp>,
    /// What it used in the session it was last seen in.
    session: SessionUsage,
    /// How its budget of the day stands.
    budget: budgets::Standing,
}

impl Standing {
    /// An agent's standing as of `now`.
    ///
    /// # Errors
    /// When storage fails.
    pub fn load(tx: &mut impl Lookup, agent: &Agent, now: Timestamp) -> Result<Self, StoreError> {
        let today = tx.lookup(&(now.day(), agent.agent_id))?.unwrap_or_default();
        let (last_active, session) = Presence::of(tx, agent.agent_id)?;
        let day = Zone::of(tx)?.day(now);
        let budget = Scope::Agent(agent.agent_id).standing(tx, Some(agent), day)?;
        Ok(Self { today, last_active, session, budget })
    }

    /// What the present day may cost, in USD, all that an operator did for it included.
    #[must_use]
    pub fn limit_today(&self) -> f64 {
        let forgiven = self.today.cost_nanos().saturating_sub(self.budget.used);
        metric_sums::from_billionths(self.budget.limit.unwrap_or(0) + forgiven)
    }

    /// The status that it gives the agent.
    #[must_use]
    pub fn status(&self, agent: &Agent, now: Timestamp) -> Status {
        let limits = &agent.limits;
        let Self { budget, .. } = self;
        let exceeded = budget.paused
            || budget.limit.is_some_and(|limit| budget.used > limit)
            || self.session.tokens() > limits.max_tokens_per_session;
        let age = self.last_active.map(|at| now.0 - at.0);
        match age {
            _ if agent.paused => Status::Paused,
            _ if exceeded => Status::Blocked,
            Some(age) if age <= 5 * MINUTE => Status::Active,
            Some(age) if age <= DAY => Status::Idle,
            _ => Status::Offline,
        }
    }
}
