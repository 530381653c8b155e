//! Approvals: what a person is asked before an agent may do it, and what the person answered.
//!
//! An answer is for once, for the session, or for always: the latter two are [grants](super::grants). Whoever is not
//! answered in time is denied.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::events::{Data, Details, Event, EventKind};
use super::log_id::{log_id, seq_of};
use super::question::Question;
use super::text::JsonText;
use super::time::Timestamp;
use crate::store::codec::Key;
use crate::store::{Index, Lookup, ReadTx, Record, StoreError, TableName, Value};

/// How an approval stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalStatus {
    /// Nobody answered yet.
    Pending,
    /// It may be done.
    Approved,
    /// It may not.
    Denied,
    /// Nobody answered in time: it may not.
    Expired,
}

/// How far an answer reaches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// This operation, once.
    #[default]
    Once,
    /// The like of it, as long as the session lasts.
    Session,
    /// The like of it, until the grant is revoked.
    Always,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct Answer {
    /// When it was given.
    pub at: Timestamp,
    /// By whom.
    pub by: String,
    /// Why.
    pub reason: Option<String>,
    /// How far it reaches.
    pub reach: Reach,
}

/// Something that a person is, or was, asked about.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct Approval {
    /// Its place in the log, from 0.
    pub seq: u64,
    /// Makes the id unguessable.
    pub nonce: u64,
    /// How it stands.
    pub status: ApprovalStatus,
    /// Whether an answer for once was made use of.
    pub used: bool,
    /// Who asks.
    #[bincode(with_serde)]
    pub agent_id: Uuid,
    /// The agent's name then.
    pub agent_name: String,
    /// Its role then.
    pub agent_role: String,
    /// What is asked.
    pub question: Question,
    /// A hash of all that makes two questions the same.
    #[bincode(with_serde)]
    pub same: Uuid,
    /// A hash of what makes two questions alike, for grants.
    #[bincode(with_serde)]
    pub like: Uuid,
    /// The rule by which a person is asked.
    pub rule: String,
    /// The audit record of the decision.
    pub audit_seq: u64,
    /// When it was asked.
    pub created_at: Timestamp,
    /// Until when an answer counts.
    pub expires_at: Timestamp,
    /// What was answered.
    pub answer: Option<Answer>,
}

/// Those that wait for an answer, by when they end.
pub const PENDING: Index<Approval> = Index {
    table: "approvals_pending",
    values: |a, e| {
        if a.status == ApprovalStatus::Pending {
            e.push(&a.expires_at);
        }
    },
};

/// Those that wait for an answer, or whose answer waits to be made use of, by what is asked.
pub const OPEN: Index<Approval> = Index {
    table: "approvals_open",
    values: |a, e| {
        let unused = a.status == ApprovalStatus::Approved && !a.used;
        if a.status == ApprovalStatus::Pending || unused {
            e.push(&a.same);
        }
    },
};

impl Value for Approval {
    const TABLE: TableName = "approvals";
    type Key = u64;
}

impl Record for Approval {
    const INDEXES: &'static [Index<Self>] = &[PENDING, OPEN];

    fn key(&self) -> u64 {
        self.seq
    }
}

/// The number of the next approval.
#[derive(Clone, Debug, Default, Encode, Decode)]
pub struct ApprovalHead(pub u64);

impl Value for ApprovalHead {
    const TABLE: TableName = "approval_head";
    type Key = ();
}

/// An approval as clients see it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Approval)]
#[expect(missing_docs)]
pub struct ApprovalView {
    pub approval_id: Uuid,
    pub status: ApprovalStatus,
    pub agent_id: Uuid,
    pub agent_name: String,
    pub agent_role: String,
    pub question: Question,
    /// The rule by which a person is asked.
    pub rule: String,
    /// The number of the audit record of the decision.
    pub audit_seq: u64,
    pub created_at: Timestamp,
    /// Until when an answer counts.
    pub expires_at: Timestamp,
    pub resolved_at: Option<Timestamp>,
    pub resolved_by: Option<String>,
    pub reason: Option<String>,
    pub scope: Option<Reach>,
}

impl Approval {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> Uuid {
        log_id(self.nonce, self.seq)
    }

    /// The approval with an id.
    ///
    /// # Errors
    /// When storage fails.
    pub fn find(tx: &ReadTx, id: Uuid) -> Result<Option<Self>, StoreError> {
        Ok(tx.get::<Self>(&seq_of(id))?.filter(|approval| approval.id() == id))
    }

    /// What is being asked about an operation, or was answered and waits to be made use of.
    ///
    /// # Errors
    /// When storage fails.
    pub fn open(tx: &mut impl Lookup, same: Uuid, at: Timestamp) -> Result<Option<Self>, StoreError> {
        let Some(seq) = tx.first_of(&OPEN, &same)? else { return Ok(None) };
        Ok(tx.lookup::<Self>(&seq)?.filter(|approval| approval.expires_at > at))
    }

    /// The newest, `limit` at most: those that pend, or all.
    ///
    /// # Errors
    /// When storage fails.
    pub fn newest(
        tx: &ReadTx,
        status: Option<ApprovalStatus>,
        limit: usize,
    ) -> Result<Vec<Self>, StoreError> {
        if status == Some(ApprovalStatus::Pending) {
            let pending = tx.prefix(PENDING.table, &[])?;
            let mut found = Vec::new();
            for entry in pending.take(limit) {
                let (_, seq) = <(Timestamp, u64)>::read(&mut entry?.0.as_slice())?;
                found.extend(tx.get::<Self>(&seq)?);
            }
            found.sort_by_key(|approval| std::cmp::Reverse(approval.seq));
            return Ok(found);
        }
        let is_wanted = |approval: &Self| status.is_none_or(|status| approval.status == status);
        let newest = tx.all::<Self>()?.rev().take(LOOKED_AT).map(|entry| Ok(entry?.1));
        newest.filter(|found| found.as_ref().map_or(true, is_wanted)).take(limit).collect()
    }

    /// How many wait for an answer.
    ///
    /// # Errors
    /// When storage fails.
    pub fn pending(tx: &ReadTx) -> Result<u64, StoreError> {
        tx.len(PENDING.table)
    }

    /// What clients see.
    #[must_use]
    pub fn view(&self) -> ApprovalView {
        let answer = self.answer.as_ref();
        ApprovalView {
            approval_id: self.id(),
            status: self.status,
            agent_id: self.agent_id,
            agent_name: self.agent_name.clone(),
            agent_role: self.agent_role.clone(),
            question: self.question.clone(),
            rule: self.rule.clone(),
            audit_seq: self.audit_seq,
            created_at: self.created_at,
            expires_at: self.expires_at,
            resolved_at: answer.map(|answer| answer.at),
            resolved_by: answer.map(|answer| answer.by.clone()),
            reason: answer.and_then(|answer| answer.reason.clone()),
            scope: answer.map(|answer| answer.reach),
        }
    }

    pub(super) fn event(&self, kind: EventKind, at: Timestamp, nonce: u64) -> Event {
        let asked = &self.question;
        let on = [&asked.command, &asked.path, &asked.api, &asked.target].into_iter().flatten().next();
        let what = on.map_or_else(|| asked.tool.clone(), |on| format!("{} {on}", asked.tool));
        let answer = self.answer.as_ref();
        let said = match self.status {
            ApprovalStatus::Pending => format!("asks for approval: {what}"),
            ApprovalStatus::Approved => format!("approved: {what}"),
            ApprovalStatus::Denied => format!("denied: {what}"),
            ApprovalStatus::Expired => format!("nobody answered in time: {what}"),
        };
        Event {
            seq: 0,
            nonce,
            kind,
            timestamp: at,
            agent_name: self.agent_name.clone(),
            agent_role: self.agent_role.clone(),
            message: format!("{}: {said}", self.agent_name),
            details: Details {
                agent_id: Some(self.agent_id.to_string()),
                operation: Some(asked.tool.clone()),
                file: on.cloned(),
                reason: answer.and_then(|answer| answer.reason.clone()).or_else(|| Some(self.rule.clone())),
                cost: asked.estimated_cost_usd,
                session_id: asked.session_id.clone(),
                ..Details::default()
            },
            data: Data::Json(JsonText::of(&self.view())),
        }
    }
}

/// How many approvals are looked at for those that are wanted.
const LOOKED_AT: usize = 5000;
