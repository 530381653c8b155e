//! Events: what the live stream tells.
//!
//! `seq` counts the stream's events from 1, all kinds together.

use std::sync::Arc;

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::audit::{AuditRecord, Decision};
use super::log_id::log_id;
use super::metrics::Metric;
use super::text::{JsonText, UNKNOWN};
use super::time::Timestamp;

/// The kind of an event.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs)]
pub enum EventKind {
    AgentSpawned,
    OperationAllowed,
    OperationDenied,
    OperationRequiresApproval,
    MetricRecorded,
    TaskCompleted,
    TaskFailed,
    BudgetUpdated,
    BudgetAlert,
    QualityUpdate,
    QualityGatePassed,
    QualityGateFailed,
    AgentCreated,
    AgentUpdated,
    AgentDeleted,
    ApprovalRequested,
    ApprovalResolved,
}

impl EventKind {
    /// The kind as clients write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AgentSpawned => "agent_spawned",
            Self::OperationAllowed => "operation_allowed",
            Self::OperationDenied => "operation_denied",
            Self::OperationRequiresApproval => "operation_requires_approval",
            Self::MetricRecorded => "metric_recorded",
            Self::TaskCompleted => "task_completed",
            Self::TaskFailed => "task_failed",
            Self::BudgetUpdated => "budget_updated",
            Self::BudgetAlert => "budget_alert",
            Self::QualityUpdate => "quality_update",
            Self::QualityGatePassed => "quality_gate_passed",
            Self::QualityGateFailed => "quality_gate_failed",
            Self::AgentCreated => "agent_created",
            Self::AgentUpdated => "agent_updated",
            Self::AgentDeleted => "agent_deleted",
            Self::ApprovalRequested => "approval_requested",
            Self::ApprovalResolved => "approval_resolved",
        }
    }
}

/// Details for people's eyes; members that do not apply are left out.
#[derive(Debug, Clone, Default, PartialEq, Encode, Decode, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = EventMetadata)]
pub struct Details {
    /// The agent's id: registered, or as told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// What was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// What it was done to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Why it was decided so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Tokens used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Cost in USD.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
    /// What is left of the day's budget, in USD.
    #[serde(rename = "budgetRemaining", skip_serializing_if = "Option::is_none")]
    pub budget_remaining: Option<f64>,
    /// Quality score, 0-1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// Duration in ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<f64>,
    /// The session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
}

/// The record behind an event.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// An audit record.
    Audit(Arc<AuditRecord>),
    /// A metric.
    Metric(Arc<Metric>),
    /// An agent or an alert, as it was then.
    Json(JsonText),
}

/// One event of the stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its place in the stream, from 1.
    pub seq: u64,
    /// Makes the id unguessable.
    pub nonce: u64,
    /// What happened.
    pub kind: EventKind,
    /// When.
    pub timestamp: Timestamp,
    /// The name of the agent: told or registered.
    pub agent_name: String,
    /// Its role.
    pub agent_role: String,
    /// What happened, in words.
    pub message: String,
    /// What happened, in figures.
    pub details: Details,
    /// The record behind it.
    pub data: Data,
}

impl Event {
    /// The event of a recorded operation.
    #[must_use]
    pub fn of_operation(record: Arc<AuditRecord>) -> Self {
        let told = &record.told;
        let known = |text: &Option<String>| text.clone().filter(|t| t != UNKNOWN);
        let operation = known(&told.operation_detail).or_else(|| known(&told.operation_type));
        let reason = known(&told.reason);
        let name =
            known(&told.agent_name).or_else(|| known(&told.agent_id)).unwrap_or_else(|| UNKNOWN.into());
        let what = operation.as_deref().unwrap_or("operation");
        let ruling = match told.decision {
            Decision::Allowed => "allowed",
            Decision::Denied => "denied",
            Decision::RequiresApproval => "requires approval",
            Decision::Unknown => "recorded",
        };
        let why = reason.as_deref().map(|r| format!(": {r}")).unwrap_or_default();
        let kind = match (told.operation_type.as_deref(), told.decision) {
            (Some("quality_gate"), Decision::Denied) => EventKind::QualityGateFailed,
            (Some("quality_gate"), Decision::Allowed) => EventKind::QualityGatePassed,
            (Some("agent_spawn"), Decision::Allowed | Decision::Unknown) => EventKind::AgentSpawned,
            (_, Decision::Denied) => EventKind::OperationDenied,
            (_, Decision::RequiresApproval) => EventKind::OperationRequiresApproval,
            // Where nobody decided nothing was refused: it happened. The record says `unknown`.
            (_, Decision::Allowed | Decision::Unknown) => EventKind::OperationAllowed,
        };
        Self {
            seq: 0,
            nonce: told.nonce,
            kind,
            timestamp: told.timestamp,
            message: format!("{name}: {what} {ruling}{why}"),
            agent_name: name,
            agent_role: told.agent_role.clone().unwrap_or_else(|| UNKNOWN.into()),
            details: Details {
                agent_id: record.subject.map(|id| id.to_string()).or_else(|| known(&told.agent_id)),
                file: known(&told.target_resource),
                reason,
                operation,
                tokens: Some(told.tokens_used),
                cost: Some(told.cost_usd),
                session_id: told.session_id.clone(),
                ..Details::default()
            },
            data: Data::Audit(record),
        }
    }

    /// What a metric of an agent tells of. `message` comes after the agent's name.
    #[must_use]
    pub fn of_metric(
        metric: Arc<Metric>,
        kind: EventKind,
        agent_name: String,
        agent_role: String,
        message: &str,
    ) -> Self {
        let m = &metric.measures;
        Self {
            seq: 0,
            nonce: metric.nonce,
            kind,
            timestamp: metric.recorded_at,
            message: format!("{agent_name}{message}"),
            agent_name,
            agent_role,
            details: Details {
                agent_id: Some(metric.agent_id.to_string()),
                operation: Some(metric.metric_type.clone()),
                tokens: m.tokens_used,
                cost: m.cost_usd,
                score: m.quality_score,
                duration: m.execution_time_ms,
                session_id: metric.session_id.clone(),
                ..Details::default()
            },
            data: Data::Metric(metric),
        }
    }

    /// About how many bytes the event holds, its frame included.
    #[must_use]
    pub fn weight(&self) -> usize {
        let data = match &self.data {
            Data::Audit(record) => record.told.context.0.len(),
            Data::Metric(metric) => metric.context.as_ref().map_or(0, |c| c.0.len()),
            Data::Json(json) => json.0.len(),
        };
        // Twice: once in the record and once in the frame that tells of it.
        512 + 2 * (data + self.message.len())
    }

    /// The text frame that the stream sends.
    #[must_use]
    pub fn to_json(&self) -> String {
        let frame = Frame {
            // Another id than that of the record behind it.
            id: log_id(!self.nonce, self.seq),
            seq: self.seq,
            kind: self.kind,
            timestamp: self.timestamp,
            agent_name: &self.agent_name,
            agent_role: &self.agent_role,
            message: &self.message,
            metadata: &self.details,
            alert: match &self.data {
                Data::Json(alert) if self.kind == EventKind::BudgetAlert => Some(alert),
                _ => None,
            },
            score: self.details.score.filter(|_| self.kind == EventKind::QualityUpdate),
            data: &self.data,
        };
        // Serializing the crate's own types cannot fail.
        serde_json::to_string(&frame).unwrap_or_default()
    }
}

impl Serialize for Data {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Audit(record) => record.serialize(s),
            Self::Metric(metric) => metric.serialize(s),
            Self::Json(json) => json.serialize(s),
        }
    }
}

/// An event as the stream tells it.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Event)]
pub struct Frame<'a> {
    id: Uuid,
    seq: u64,
    #[serde(rename = "type")]
    kind: EventKind,
    timestamp: Timestamp,
    agent_name: &'a str,
    agent_role: &'a str,
    message: &'a str,
    metadata: &'a Details,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    alert: Option<&'a JsonText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f64>,
    #[schema(value_type = Object)]
    data: &'a Data,
}
