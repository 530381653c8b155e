//! Hooks: what an agent's runtime tells, and what it is answered.
//!
//! What belongs to one runtime is in a file of its own: the names of its events, its payloads, its answers. Here is what
//! they have in common: somebody asks, something was done, an agent began or ended.

pub mod claude_code;
pub mod transcript;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::domain::audit::{Decision, NewAudit};
use crate::domain::command::{Action, Activation};
use crate::domain::idempotency::{Once, Place};
use crate::domain::metrics::{Measures, NewMetric};
use crate::domain::policy::asking::Wish;
use crate::domain::prices::{Priced, Prices, Tokens};
use crate::domain::text::JsonText;
use crate::domain::time::Timestamp;

/// What a runtime tells.
#[derive(Debug, Clone)]
pub enum Happening {
    /// An agent wants to do something.
    Asks(Box<Wish>),
    /// Something happened.
    Told(Box<Told>),
}

/// Something that happened.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// The agent's name, or its id.
    pub agent: String,
    /// Such as `tool_result`.
    pub kind: &'static str,
    /// Such as the tool's name.
    pub detail: Option<String>,
    /// What it was done to.
    pub target: Option<String>,
    /// The kind of target.
    pub target_type: Option<&'static str>,
    /// What else is to be known of it.
    pub context: Map<String, Value>,
    /// The session.
    pub session_id: Option<String>,
    /// How long a tool took in ms, and whether it worked.
    pub ran: Option<(Option<f64>, bool)>,
    /// Whether an agent was started.
    pub began: bool,
    /// Whether a task was finished.
    pub ended: bool,
    /// The calls of models that were paid for since the last time.
    pub usage: Vec<Usage>,
}

/// What one call of a model used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Its id: the same call is counted once.
    pub id: String,
    /// The model.
    pub model: String,
    /// Tokens by class.
    #[serde(flatten)]
    pub tokens: Tokens,
}

/// What a runtime is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Nothing: it goes on as it would without a hook.
    Nothing,
    /// It may be done.
    Allow(String),
    /// It may not, and why.
    Deny(String),
    /// The person who sits before it is to say.
    Ask(String),
}

impl Told {
    /// The writes that record it. Of an agent that is not registered there is nothing but the audit record.
    #[must_use]
    pub fn actions(
        self,
        registered: Option<Uuid>,
        prices: &Prices,
        at: Timestamp,
        mut nonce: impl FnMut() -> u64,
    ) -> Vec<Action> {
        let mut actions = Vec::new();
        let mut metric =
            |measures: Measures, kind: &str, context: Value, unpriced: Option<String>| NewMetric {
                agent: registered.map_or_else(|| self.agent.clone(), |id| id.to_string()),
                metric_type: kind.into(),
                measures,
                context: Some(JsonText::of(&context)),
                session_id: self.session_id.clone(),
                recorded_at: at,
                decision: None,
                unpriced,
                nonce: nonce(),
            };
        if let Some(id) = registered {
            if self.began {
                let activation =
                    Activation { session_id: self.session_id.clone(), task: self.detail.clone() };
                actions.push(Action::ActivateAgent(id, activation));
            }
            if let Some((took, success)) = self.ran {
                let measures =
                    Measures { execution_time_ms: took, success: Some(success), ..Measures::default() };
                actions.push(Action::RecordMetrics(vec![metric(
                    measures,
                    "execution",
                    json!({"tool": self.detail}),
                    None,
                )]));
            }
            for usage in &self.usage {
                let Priced { cost_usd, unpriced } = prices.price(&usage.model, &usage.tokens);
                let measures = Measures {
                    tokens_used: Some(usage.tokens.counted()),
                    cost_usd,
                    api_calls: Some(1),
                    ..Measures::default()
                };
                let record =
                    metric(measures, "cost", json!({"model": usage.model, "tokens": usage.tokens}), unpriced);
                let sent = serde_json::to_vec(usage).unwrap_or_default();
                let once = Once::new(Place::MetricId, ["hook", ""], &usage.id, [&sent, &[]]);
                actions.push(once.of(Action::RecordMetrics(vec![record])));
            }
            if self.ended {
                let measures =
                    Measures { success: Some(true), tasks_completed: Some(1), ..Measures::default() };
                actions.push(Action::RecordMetrics(vec![metric(
                    measures,
                    "task_completion",
                    json!({"event": self.detail}),
                    None,
                )]));
            }
        }
        actions.push(Action::AppendAudit(vec![NewAudit {
            agent_id: Some(self.agent.clone()),
            agent_name: Some(self.agent),
            agent_role: None,
            operation_type: Some(self.kind.into()),
            operation_detail: self.detail,
            target_type: self.target.as_ref().and(self.target_type).map(Into::into),
            target_resource: self.target,
            decision: Decision::Unknown,
            reason: None,
            cost_usd: 0.0,
            tokens_used: 0,
            session_id: self.session_id,
            context: JsonText::of(&Value::Object(self.context)),
            timestamp: at,
            nonce: nonce(),
        }]));
        actions
    }
}
