//! `/api/v1/budget`: a hook's shorthand for spending.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use super::access::check_agent;
use super::agents::UNKNOWN_AGENT;
use super::endpoint::Endpoint;
use super::error::Problem;
use super::idempotency::{Replayable, Retry};
use super::json::Json;
use super::metric_draft::checked_context;
use super::metrics::record_one;
use super::reply::{Created, Shared};
use crate::App;
use crate::app::nonce;
use crate::domain::access::TokenRole;
use crate::domain::command::Action;
use crate::domain::metrics::{Measures, Metric, NewMetric};
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;

/// The endpoints.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post("/api/v1/budget/deduct", "Record what an operation cost", deduct)
            .describe("Recorded as a metric of type cost.")
            .needs(TokenRole::Ingest)
            .problem(404, UNKNOWN_AGENT),
    ]
}

/// What an operation cost.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"agent_id": "coder", "tool_name": "Edit", "tokens_used": 1200, "cost_usd": 0.0123}))]
pub(super) struct Deduction {
    /// The agent's id, or its name.
    #[schema(min_length = 1, max_length = 128)]
    agent_id: String,
    /// Kept in the context.
    #[schema(max_length = 4096)]
    agent_role: Option<String>,
    /// Kept in the context.
    #[schema(max_length = 4096)]
    tool_name: Option<String>,
    /// Tokens, in and out.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_000_u64)]
    tokens_used: u64,
    /// What it cost, in USD.
    #[schema(minimum = 0, maximum = 1e9)]
    cost_usd: f64,
    /// The session it belongs to.
    #[schema(max_length = 4096)]
    session_id: Option<String>,
    /// The `audit_id` of the decision that allowed it: what was held for it is released. Without it, the oldest of the
    /// agent and session.
    decision_id: Option<Uuid>,
    /// When; now when missing.
    timestamp: Option<Timestamp>,
}

impl Deduction {
    /// The metric to be recorded.
    ///
    /// # Errors
    /// When its context is too large.
    pub(super) fn decided(self, now: Timestamp) -> Result<NewMetric, Refusal> {
        let mut context = Map::new();
        for (name, value) in [("agent_role", self.agent_role), ("tool_name", self.tool_name)] {
            context.extend(value.map(|v| (name.to_owned(), Value::String(v))));
        }
        Ok(NewMetric {
            agent: self.agent_id,
            metric_type: "cost".into(),
            measures: Measures {
                tokens_used: Some(self.tokens_used),
                cost_usd: Some(self.cost_usd),
                ..Measures::default()
            },
            context: (!context.is_empty()).then(|| checked_context(context)).transpose()?,
            session_id: self.session_id,
            recorded_at: self.timestamp.unwrap_or(now),
            decision: self.decision_id,
            unpriced: None,
            nonce: nonce(),
        })
    }
}

async fn deduct(
    app: Arc<App>,
    Json(deduction): Json<Deduction>,
    retry: Retry,
) -> Result<Replayable<Created<Shared<Metric>>>, Problem> {
    check_agent(&app, &retry.caller, [deduction.agent_id.as_str()])?;
    let metric = deduction.decided(app.now())?;
    record_one(&app, Action::RecordMetrics(vec![metric]), retry).await.map_err(|mut problem| {
        // What a metric calls recorded_at is called timestamp here.
        for error in &mut problem.errors {
            for part in error.loc.iter_mut().filter(|part| *part == "recorded_at") {
                *part = "timestamp".into();
            }
        }
        if problem.errors.is_empty() { problem } else { Problem::invalid(problem.errors) }
    })
}
