//! The audit record as clients see it.

use serde::{Serialize, Serializer};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use super::audit::{AuditRecord, Decision, Hash};
use super::text::{JsonText, UNKNOWN};
use super::time::Timestamp;

impl Serialize for AuditRecord {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        self.view().serialize(s)
    }
}

impl PartialSchema for AuditRecord {
    fn schema() -> RefOr<Schema> {
        AuditView::schema()
    }
}

impl ToSchema for AuditRecord {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        AuditView::schemas(schemas);
    }
}

impl AuditRecord {
    /// What clients see.
    #[must_use]
    pub fn view(&self) -> AuditView<'_> {
        let told = &self.told;
        AuditView {
            audit_id: self.id(),
            seq: self.seq,
            agent: AuditAgent {
                agent_id: or_unknown(told.agent_id.as_deref()),
                name: or_unknown(told.agent_name.as_deref()),
                role: or_unknown(told.agent_role.as_deref()),
                registered_id: self.subject,
            },
            operation: Operation {
                kind: or_unknown(told.operation_type.as_deref()),
                detail: or_unknown(told.operation_detail.as_deref()),
            },
            target: Target {
                resource: or_unknown(told.target_resource.as_deref()),
                kind: or_unknown(told.target_type.as_deref()),
            },
            rbac: Ruling { decision: told.decision, reason: or_unknown(told.reason.as_deref()) },
            cost: Cost { usd: told.cost_usd, tokens_used: told.tokens_used },
            context: &told.context,
            session_id: or_unknown(told.session_id.as_deref()),
            timestamp: told.timestamp,
            hash: self.hash,
        }
    }
}

/// What was told, or that nobody told.
pub(super) fn or_unknown(text: Option<&str>) -> &str {
    text.unwrap_or(UNKNOWN)
}

/// A record of the audit trail as clients see it. What nobody told is `unknown`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditRecord)]
pub struct AuditView<'a> {
    /// The record's id.
    pub audit_id: Uuid,
    /// Its place in the log, from 0 without a hole.
    pub seq: u64,
    /// Who.
    pub agent: AuditAgent<'a>,
    /// What.
    pub operation: Operation<'a>,
    /// To what.
    pub target: Target<'a>,
    /// With what decision.
    pub rbac: Ruling<'a>,
    /// At what cost; recorded, not counted.
    pub cost: Cost,
    /// Whatever else was told; members that this program does not know are under `_extra`.
    #[schema(value_type = Object)]
    pub context: &'a JsonText,
    /// In which session.
    pub session_id: &'a str,
    /// When.
    pub timestamp: Timestamp,
    /// SHA-256, hexadecimal, over this record and the hash of the one before it.
    #[schema(value_type = String)]
    pub hash: Hash,
}

/// The agent of an operation, as told.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditAgent<'a> {
    /// Id or name: hooks send names.
    pub agent_id: &'a str,
    #[expect(missing_docs)]
    pub name: &'a str,
    #[expect(missing_docs)]
    pub role: &'a str,
    /// The registered agent that was meant, if it was registered then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registered_id: Option<Uuid>,
}

/// What was done.
#[derive(Debug, Serialize, ToSchema)]
pub struct Operation<'a> {
    /// Such as `tool_use`.
    #[serde(rename = "type")]
    pub kind: &'a str,
    /// Such as the tool's name.
    pub detail: &'a str,
}

/// What it was done to.
#[derive(Debug, Serialize, ToSchema)]
pub struct Target<'a> {
    /// Such as a path.
    pub resource: &'a str,
    /// Such as `file`.
    #[serde(rename = "type")]
    pub kind: &'a str,
}

/// What was decided.
#[derive(Debug, Serialize, ToSchema)]
pub struct Ruling<'a> {
    #[expect(missing_docs)]
    pub decision: Decision,
    #[expect(missing_docs)]
    pub reason: &'a str,
}

/// What it cost.
#[derive(Debug, Serialize, ToSchema)]
pub struct Cost {
    #[expect(missing_docs)]
    pub usd: f64,
    #[expect(missing_docs)]
    pub tokens_used: u64,
}
