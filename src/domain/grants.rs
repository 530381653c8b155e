//! Grants: what a person approved for a session or for always. They are seen, and can be revoked.

use bincode::{Decode, Encode};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::admin::Act;
use super::approvals::{Approval, Reach};
use super::command::{Outcome, Run, Stop};
use super::log_id::{log_id, seq_of};
use super::metric_sums::billionths;
use super::question::Question;
use super::refusal::Refusal;
use super::time::Timestamp;
use crate::store::{Index, Lookup, ReadTx, Record, StoreError, TableName, Value};

/// A standing approval of the like of what was asked: by the same agent, with the same tool and by the same rule; where
/// it was a command, the same command; and of no greater cost.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct Grant {
    /// The number of the approval that gave it.
    pub seq: u64,
    /// Makes the id unguessable.
    pub nonce: u64,
    /// See [`Approval::like`].
    #[bincode(with_serde)]
    pub like: Uuid,
    /// For whom.
    #[bincode(with_serde)]
    pub agent_id: Uuid,
    /// The agent's name then.
    pub agent_name: String,
    /// The session that it is for; `None` for all.
    pub session: Option<String>,
    /// What was asked.
    pub question: Question,
    /// The rule that asked for it.
    pub rule: String,
    /// Who gave it.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// By what they are for.
pub const BY_LIKE: Index<Grant> = Index {
    table: "grants_by_like",
    values: |g, e| e.push(&(g.like, g.session.as_deref().unwrap_or_default())),
};

impl Value for Grant {
    const TABLE: TableName = "grants";
    type Key = u64;
}

impl Record for Grant {
    const INDEXES: &'static [Index<Self>] = &[BY_LIKE];

    fn key(&self) -> u64 {
        self.seq
    }
}

/// A grant as clients see it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Grant)]
#[expect(missing_docs)]
pub struct GrantView {
    pub grant_id: Uuid,
    pub agent_id: Uuid,
    pub agent_name: String,
    pub scope: Reach,
    pub session_id: Option<String>,
    pub question: Question,
    /// The rule that asked for it.
    pub rule: String,
    pub granted_by: String,
    pub granted_at: Timestamp,
}

impl Grant {
    /// What an approval gives beyond once.
    #[must_use]
    pub fn of(approval: &Approval, reach: Reach, at: Timestamp, by: &str) -> Self {
        let session = approval.question.session_id.clone().filter(|_| reach == Reach::Session);
        Self {
            seq: approval.seq,
            nonce: approval.nonce,
            like: approval.like,
            agent_id: approval.agent_id,
            agent_name: approval.agent_name.clone(),
            session,
            question: approval.question.clone(),
            rule: approval.rule.clone(),
            by: by.to_owned(),
            at,
        }
    }

    /// Its id: that of the approval that gave it.
    #[must_use]
    pub fn id(&self) -> Uuid {
        log_id(self.nonce, self.seq)
    }

    /// The grant under which an operation may be done, if there is one: for its session, or for all.
    ///
    /// # Errors
    /// When storage fails.
    pub fn find(
        tx: &mut impl Lookup,
        like: Uuid,
        session: Option<&str>,
        cost: Option<f64>,
    ) -> Result<Option<Self>, StoreError> {
        for session in [session.filter(|s| !s.is_empty()), None] {
            let seq = tx.first_of(&BY_LIKE, &(like, session.unwrap_or_default()))?;
            let grant =
                seq.map_or(Ok(None), |seq| tx.lookup::<Self>(&seq))?.filter(|grant| grant.covers(cost));
            if grant.is_some() {
                return Ok(grant);
            }
        }
        Ok(None)
    }

    /// All, the newest first.
    ///
    /// # Errors
    /// When storage fails.
    pub fn all(tx: &ReadTx) -> Result<Vec<Self>, StoreError> {
        tx.all::<Self>()?.rev().map(|entry| Ok(entry?.1)).collect()
    }

    /// What clients see.
    #[must_use]
    pub fn view(&self) -> GrantView {
        GrantView {
            grant_id: self.id(),
            agent_id: self.agent_id,
            agent_name: self.agent_name.clone(),
            scope: if self.session.is_some() { Reach::Session } else { Reach::Always },
            session_id: self.session.clone(),
            question: self.question.clone(),
            rule: self.rule.clone(),
            granted_by: self.by.clone(),
            granted_at: self.at,
        }
    }

    fn covers(&self, cost: Option<f64>) -> bool {
        billionths(cost.unwrap_or(0.0)) <= billionths(self.question.estimated_cost_usd.unwrap_or(0.0))
    }
}

impl Run<'_, '_> {
    /// Gives a grant, in place of a lesser one for the same.
    pub(super) fn grant(&mut self, grant: &Grant) -> Result<(), StoreError> {
        let session = grant.session.as_deref().unwrap_or_default();
        if let Some(seq) = self.tx.find_first(&BY_LIKE, &(grant.like, session))?
            && let Some(other) = self.tx.get::<Grant>(&seq)?
        {
            if other.covers(grant.question.estimated_cost_usd) {
                return Ok(());
            }
            self.tx.remove::<Grant>(&seq)?;
        }
        self.tx.put(grant)
    }

    pub(super) fn revoke_grant(&mut self, id: Uuid) -> Result<Outcome, Stop> {
        let found = self.tx.get::<Grant>(&seq_of(id))?.filter(|grant| grant.id() == id);
        let grant = found.ok_or_else(|| Refusal::NotFound { what: "grant", id: id.to_string() })?;
        self.tx.remove::<Grant>(&grant.seq)?;
        let context = serde_json::json!({"grant": grant.view()});
        self.act(Act::new("grant_revoked").on("grant", id.to_string()).with(&context))?;
        Ok(Outcome::Done)
    }
}
