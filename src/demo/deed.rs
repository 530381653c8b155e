//! What an agent does at a moment, as the registry is told of it.

use uuid::Uuid;

use crate::domain::agents::Agent;
use crate::domain::audit::{Decision, NewAudit};
use crate::domain::command::{Action, Activation};
use crate::domain::metrics::{Measures, NewMetric};
use crate::domain::text::JsonText;
use crate::domain::time::Timestamp;

/// Something done, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// When.
    pub at: Timestamp,
    /// Who did it.
    pub agent: Uuid,
    /// What.
    pub deed: Deed,
}

/// Something done. It takes its time from the moment it is told at.
#[derive(Debug, Clone, PartialEq)]
pub enum Deed {
    /// A session begins.
    Begin(Activation),
    /// Work was measured.
    Measure(Box<NewMetric>),
    /// Something was done, tried or decided.
    Operate(Box<NewAudit>),
}

impl Told {
    /// The write that tells the registry, as of `at`.
    #[must_use]
    pub fn into_action(self, at: Timestamp) -> Action {
        match self.deed {
            Deed::Begin(activation) => Action::ActivateAgent(self.agent, activation),
            Deed::Measure(metric) => Action::RecordMetrics(vec![NewMetric { recorded_at: at, ..*metric }]),
            Deed::Operate(audit) => Action::AppendAudit(vec![NewAudit { timestamp: at, ..*audit }]),
        }
    }
}

/// A metric of an agent's session.
pub fn measure(agent: &Agent, kind: &str, session: &str, nonce: u64, measures: Measures) -> Deed {
    Deed::Measure(Box::new(NewMetric {
        agent: agent.agent_id.to_string(),
        metric_type: kind.into(),
        measures,
        context: None,
        session_id: Some(session.into()),
        recorded_at: Timestamp::default(),
        decision: None,
        unpriced: None,
        nonce,
    }))
}

/// What was decided, and why.
pub type Ruling = (Decision, Option<String>);

/// An operation, with what it was done to.
pub struct Operation<'a> {
    /// Such as `tool_use`.
    pub kind: &'a str,
    /// Such as the tool.
    pub detail: &'a str,
    /// What it was done to.
    pub target: &'a str,
    /// The kind of target.
    pub target_kind: &'a str,
    /// What was decided.
    pub ruling: Ruling,
}

/// An entry of the audit trail of an agent's session.
pub fn operate(agent: &Agent, session: &str, nonce: u64, operation: Operation<'_>) -> Deed {
    let (decision, reason) = operation.ruling;
    Deed::Operate(Box::new(NewAudit {
        agent_id: Some(agent.agent_id.to_string()),
        agent_name: Some(agent.name.clone()),
        agent_role: Some(agent.role.clone()),
        operation_type: Some(operation.kind.into()),
        operation_detail: Some(operation.detail.into()),
        target_resource: Some(operation.target.into()),
        target_type: Some(operation.target_kind.into()),
        decision,
        reason,
        // The turn's metric carries its cost.
        cost_usd: 0.0,
        tokens_used: 0,
        session_id: Some(session.into()),
        context: JsonText::default(),
        timestamp: Timestamp::default(),
        nonce,
    }))
}
