//! The audit trail: what every agent did, tried or was refused, chained by hashes.

use std::fmt;

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

use super::audit_view::or_unknown;
use super::log_id::log_id;
use super::text::{JsonText, UNKNOWN};
use super::time::Timestamp;
use crate::store::{Index, Record, TableName, Value};

/// What was decided about an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It may go on.
    Allowed,
    /// It may not.
    Denied,
    /// A person must say.
    RequiresApproval,
    /// Nobody said.
    Unknown,
}

impl Decision {
    /// The decision as clients write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::RequiresApproval => "requires_approval",
            Self::Unknown => UNKNOWN,
        }
    }
}

/// An operation to be recorded, all decided but its place in the log. `None` where nobody said.
#[derive(Debug, Clone, PartialEq, Encode, Decode, Serialize, Deserialize)]
pub struct NewAudit {
    /// The agent's id or name, as told.
    pub agent_id: Option<String>,
    /// The agent's name, as told.
    pub agent_name: Option<String>,
    /// The agent's role, as told.
    pub agent_role: Option<String>,
    /// Such as `tool_use`.
    pub operation_type: Option<String>,
    /// Such as the tool's name.
    pub operation_detail: Option<String>,
    /// What it was done to.
    pub target_resource: Option<String>,
    /// The kind of target.
    pub target_type: Option<String>,
    /// What was decided.
    pub decision: Decision,
    /// Why.
    pub reason: Option<String>,
    /// What it cost, in USD. Recorded, not counted.
    pub cost_usd: f64,
    /// Tokens it used. Recorded, not counted.
    pub tokens_used: u64,
    /// The session.
    pub session_id: Option<String>,
    /// Whatever else was told.
    pub context: JsonText,
    /// When it happened.
    pub timestamp: Timestamp,
    /// Makes the id unguessable.
    pub nonce: u64,
}

/// SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
pub struct Hash(pub [u8; 32]);

impl fmt::Display for Hash {
    /// Hexadecimal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut hex = [0; 64];
        for (two, byte) in hex.as_chunks_mut().0.iter_mut().zip(self.0) {
            *two = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
        }
        f.write_str(std::str::from_utf8(&hex).unwrap_or_default())
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

/// A recorded operation. Nothing changes or deletes it.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct AuditRecord {
    /// Its place in the log, from 0 without a hole.
    pub seq: u64,
    /// What was told.
    pub told: NewAudit,
    /// The registered agent that was meant, if it was registered then.
    #[bincode(with_serde)]
    pub subject: Option<Uuid>,
    /// The hash of this record and the one before it.
    pub hash: Hash,
}

impl AuditRecord {
    /// The record that follows on `previous`.
    #[must_use]
    pub fn new(told: NewAudit, seq: u64, subject: Option<Uuid>, previous: Hash) -> Self {
        let mut record = Self { seq, told, subject, hash: Hash::default() };
        record.hash = record.hash_after(previous);
        record
    }

    /// The record's id.
    #[must_use]
    pub fn id(&self) -> Uuid {
        log_id(self.told.nonce, self.seq)
    }

    /// SHA-256 over the previous record's hash (32 zero bytes for the first) and this record's canonical bytes: the text
    /// `agentmap-audit-1`, then each member of [`view`](Self::view) in the order below. Text is its length
    /// in bytes as 4 bytes and its UTF-8, whole numbers are 8 bytes, `cost_usd` is its IEEE 754 double, the time is
    /// microseconds since 1970; all big-endian. `context` is its JSON, compact and with sorted members.
    #[must_use]
    pub fn hash_after(&self, previous: Hash) -> Hash {
        fn text(hasher: &mut Sha256, text: &str) {
            // Bodies are limited to far less than 4 GiB.
            hasher.update(u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
            hasher.update(text.as_bytes());
        }
        let view = self.view();
        let mut hasher = Sha256::new();
        hasher.update(previous.0);
        hasher.update(b"agentmap-audit-1");
        hasher.update(view.audit_id.as_bytes());
        hasher.update(view.seq.to_be_bytes());
        for part in [view.agent.agent_id, view.agent.name, view.agent.role] {
            text(&mut hasher, part);
        }
        text(&mut hasher, &view.agent.registered_id.map(|id| id.to_string()).unwrap_or_default());
        for part in [
            view.operation.kind,
            view.operation.detail,
            view.target.resource,
            view.target.kind,
            view.rbac.decision.as_str(),
            view.rbac.reason,
        ] {
            text(&mut hasher, part);
        }
        hasher.update(view.cost.usd.to_be_bytes());
        hasher.update(view.cost.tokens_used.to_be_bytes());
        text(&mut hasher, &view.context.0);
        text(&mut hasher, view.session_id);
        hasher.update(view.timestamp.0.to_be_bytes());
        Hash(hasher.finalize().into())
    }
}

/// The audit trail by time.
pub const BY_TIME: Index<AuditRecord> =
    Index { table: "audit_by_time", values: |r, e| e.push(&r.told.timestamp) };
/// By agent, then time: by what was told and by the registered agent that was meant.
pub const BY_AGENT: Index<AuditRecord> = Index {
    table: "audit_by_agent",
    values: |r, e| {
        let told = r.told.agent_id.as_deref().or(r.told.agent_name.as_deref());
        e.push(&(or_unknown(told), r.told.timestamp));
        if let Some(id) = r.subject {
            e.push(&(id.to_string(), r.told.timestamp));
        }
    },
};
/// By operation type, then time.
pub const BY_OPERATION: Index<AuditRecord> = Index {
    table: "audit_by_operation",
    values: |r, e| e.push(&(or_unknown(r.told.operation_type.as_deref()), r.told.timestamp)),
};
/// By decision, then time.
pub const BY_DECISION: Index<AuditRecord> = Index {
    table: "audit_by_decision",
    values: |r, e| e.push(&(r.told.decision.as_str(), r.told.timestamp)),
};
/// By role, then time.
pub const BY_ROLE: Index<AuditRecord> = Index {
    table: "audit_by_role",
    values: |r, e| e.push(&(or_unknown(r.told.agent_role.as_deref()), r.told.timestamp)),
};
/// By session, then time.
pub const BY_SESSION: Index<AuditRecord> = Index {
    table: "audit_by_session",
    values: |r, e| e.push(&(or_unknown(r.told.session_id.as_deref()), r.told.timestamp)),
};

/// By reason, then time.
pub const BY_REASON: Index<AuditRecord> = Index {
    table: "audit_by_reason",
    values: |r, e| e.push(&(reason_key(or_unknown(r.told.reason.as_deref())), r.told.timestamp)),
};

/// What stands for a reason in its index: reasons are long, and there may be many.
#[must_use]
pub fn reason_key(reason: &str) -> u128 {
    let digest: [u8; 32] = Sha256::digest(reason).into();
    let (first, _) = digest.split_first_chunk().unwrap_or((&[0; 16], &[]));
    u128::from_be_bytes(*first)
}

impl Value for AuditRecord {
    const TABLE: TableName = "audit";
    type Key = u64;
}

impl Record for AuditRecord {
    const POSTINGS: &'static [Index<Self>] =
        &[BY_TIME, BY_AGENT, BY_OPERATION, BY_DECISION, BY_ROLE, BY_SESSION, BY_REASON];

    fn key(&self) -> u64 {
        self.seq
    }
}
