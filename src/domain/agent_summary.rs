//! An agent's figures over all time.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::metric_sums::{MetricSums, Scope};
use super::rollup;
use crate::store::{ReadTx, StoreError};

/// An agent's figures over all time.
#[derive(Debug, Serialize, ToSchema)]
#[expect(missing_docs)]
pub struct AgentSummary {
    pub agent_id: Uuid,
    pub total_metrics: u64,
    pub performance: SummaryPerformance,
    pub cost: SummaryCost,
    pub quality: SummaryQuality,
}

/// How the work went.
#[derive(Debug, Serialize, ToSchema)]
#[expect(missing_docs)]
pub struct SummaryPerformance {
    pub avg_execution_time_ms: f64,
    /// 0-1.
    pub success_rate: f64,
    pub total_tasks_completed: u64,
    pub total_tasks_failed: u64,
}

/// What it cost.
#[derive(Debug, Serialize, ToSchema)]
#[expect(missing_docs)]
pub struct SummaryCost {
    pub total_cost_usd: f64,
    pub total_tokens_used: u64,
}

/// How good it was.
#[derive(Debug, Serialize, ToSchema)]
pub struct SummaryQuality {
    /// 0-1.
    pub avg_quality_score: f64,
}

/// An agent's figures over all time.
///
/// # Errors
/// When storage fails.
pub fn agent_summary(mut tx: &ReadTx, agent_id: Uuid) -> Result<AgentSummary, StoreError> {
    let sums: MetricSums = rollup::total(&mut tx, &Scope::Agent(agent_id))?;
    Ok(AgentSummary {
        agent_id,
        total_metrics: sums.count,
        performance: SummaryPerformance {
            avg_execution_time_ms: sums.avg_time_ms(),
            success_rate: sums.success_rate(),
            total_tasks_completed: sums.tasks_completed(),
            total_tasks_failed: sums.tasks_failed(),
        },
        cost: SummaryCost { total_cost_usd: sums.cost_usd(), total_tokens_used: sums.tokens() },
        quality: SummaryQuality { avg_quality_score: sums.quality() },
    })
}
