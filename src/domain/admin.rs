//! Administrative acts: what whoever runs the server did to it, each a record of the audit trail.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::access::{Actor, LOCAL, NOBODY, TokenRole};
use super::audit::{AuditRecord, Decision, NewAudit};
use super::command::{Outcome, Run, Stop};
use super::events::Event;
use super::keyring::KeyChange;
use super::refusal::{FieldError, Refusal};
use super::text::JsonText;
use super::time::Timestamp;
use super::tokens::{SESSIONS, Session, Token};
use crate::store::StoreError;

/// The operation type of administrative acts.
pub const ADMIN: &str = "admin";
/// What the agent ids of those who act begin with. No client may record under such an id: that is how an act is told
/// from what somebody claims to be one.
pub const RESERVED: &str = "agentmap:";

/// An administrative act.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Act {
    /// What was done, such as `token_created`.
    pub what: String,
    /// The kind of thing that it was done to, and which of them.
    pub target: Option<(String, String)>,
    /// Whether it was allowed.
    pub decision: Decision,
    /// Why it was not.
    pub reason: Option<String>,
    /// What else is to be known of it.
    pub context: JsonText,
}

impl Act {
    /// An act that was allowed.
    #[must_use]
    pub fn new(what: &str) -> Self {
        let context = JsonText::default();
        Self { what: what.into(), target: None, decision: Decision::Allowed, reason: None, context }
    }

    /// What it was done to.
    #[must_use]
    pub fn on(mut self, kind: &str, which: impl Into<String>) -> Self {
        self.target = Some((kind.into(), which.into()));
        self
    }

    /// An act that was tried and refused.
    #[must_use]
    pub fn refused(mut self, why: &str) -> Self {
        self.decision = Decision::Denied;
        self.reason = Some(why.into());
        self
    }

    /// What else is to be known of it.
    #[must_use]
    pub fn with(mut self, context: &Value) -> Self {
        self.context = JsonText::of(context);
        self
    }

    /// The audit record of the act, but for its place in the log.
    #[must_use]
    pub fn done_by(self, actor: &Actor, at: Timestamp, nonce: u64) -> NewAudit {
        let (kind, which) = self.target.unzip();
        NewAudit {
            agent_id: Some(format!("{RESERVED}{}", actor.name)),
            agent_name: Some(actor.name.clone()),
            agent_role: actor.role().map(Into::into),
            operation_type: Some(ADMIN.into()),
            operation_detail: Some(self.what),
            target_resource: which,
            target_type: kind,
            decision: self.decision,
            reason: self.reason,
            cost_usd: 0.0,
            tokens_used: 0,
            session_id: None,
            context: self.context,
            timestamp: at,
            nonce,
        }
    }
}

/// How many bytes of what changed an act's record holds.
const MOST_TOLD: usize = 16 * 1024;

/// The members in which two states of a thing differ, each with both values; of many, their names alone.
pub(super) fn changes<T: Serialize>(before: &T, after: &T) -> Value {
    let members = |of: &T| match serde_json::to_value(of) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    };
    let (before, after) = (members(before), members(after));
    let differs = after.iter().filter(|(name, value)| before.get(*name) != Some(*value));
    let changed: Map<String, Value> = differs
        .map(|(name, value)| (name.clone(), json!({"before": before.get(name), "after": value})))
        .collect();
    let names: Vec<_> = changed.keys().cloned().collect();
    let changed = json!({"changed": changed});
    if changed.to_string().len() <= MOST_TOLD { changed } else { json!({"changed": names}) }
}

impl Run<'_, '_> {
    /// Records an act of which the stream is told otherwise.
    pub(super) fn record_act(&mut self, act: Act) -> Result<Arc<AuditRecord>, StoreError> {
        // Whoever acts is not one of the agents, also where a token is called as one of them.
        self.append_of(act.done_by(&self.by, self.at, self.nonce), None)
    }

    /// Records an act and tells the stream.
    pub(super) fn act(&mut self, act: Act) -> Result<(), StoreError> {
        let record = self.record_act(act)?;
        self.tell(Event::of_operation(record))
    }

    pub(super) fn create_token(&mut self, token: Token) -> Result<Outcome, Stop> {
        let wrong = |member, msg: &str| Refusal::Invalid(vec![FieldError::body(member, "value", msg)]);
        if token.agent.is_some() && token.role != TokenRole::Ingest {
            return Err(wrong(
                "agent",
                "is for the role ingest alone: other roles are not bound to an agent",
            )
            .into());
        }
        if [LOCAL, NOBODY].contains(&token.name.as_str()) {
            return Err(wrong("name", "is who acts without a token; take another").into());
        }
        if token.expires_at.is_some_and(|end| end <= self.at) {
            return Err(wrong("expires_at", "has passed already").into());
        }
        let known = self.tx.all::<Token>()?;
        if known.iter().any(|t| t.revoked_at.is_none() && t.name == token.name) {
            let text = format!("There is a token '{}' already; revoke it, or take another name.", token.name);
            return Err(Refusal::Conflict(text).into());
        }
        if known.iter().any(|t| t.token_id == token.token_id || t.secret.prefix == token.secret.prefix) {
            return Err(Refusal::Conflict("There is such a token already.".into()).into());
        }
        let token = self.put_token(token)?;
        let context = json!({"role": token.role, "agent": token.agent, "expires_at": token.expires_at});
        self.act(Act::new("token_created").on("token", token.name.clone()).with(&context))?;
        Ok(Outcome::Token(token))
    }

    pub(super) fn revoke_token(&mut self, id: Uuid) -> Result<Outcome, Stop> {
        let mut token = self.token(id)?;
        if token.revoked_at.is_some() {
            return Ok(Outcome::Token(Arc::new(token)));
        }
        token.revoked_at = Some(self.at);
        let token = self.put_token(token)?;
        for session in self.tx.all::<Session>()? {
            if session.token_id == id {
                self.forget_session(session.session_id)?;
            }
        }
        self.act(Act::new("token_revoked").on("token", token.name.clone()))?;
        Ok(Outcome::Token(token))
    }

    /// Notes that a token was used. That is no act.
    pub(super) fn note_use(&mut self, id: Uuid) -> Result<Outcome, Stop> {
        let mut token = self.token(id)?;
        token.last_used_at = token.last_used_at.max(Some(self.at));
        self.put_token(token)?;
        Ok(Outcome::Done)
    }

    pub(super) fn open_session(&mut self, session: Session) -> Result<Outcome, Stop> {
        let token = self.token(session.token_id)?;
        let mut others = self.tx.all::<Session>()?;
        others.retain(|other| {
            let ended = other.expires_at <= self.at;
            ended || other.token_id == token.token_id
        });
        others.sort_by_key(|other| (other.expires_at <= self.at, other.created_at));
        // Those that ended, and of the token's own the oldest beyond so many.
        let open = others.iter().filter(|other| other.expires_at > self.at).count();
        let too_many = (open + 1).saturating_sub(SESSIONS);
        for (i, other) in others.iter().enumerate() {
            if i < too_many || other.expires_at <= self.at {
                self.forget_session(other.session_id)?;
            }
        }
        self.tx.put(&session)?;
        self.keys.push(KeyChange::Opened(Arc::new(session)));
        self.act(Act::new("session_opened").on("token", token.name))?;
        Ok(Outcome::Done)
    }

    pub(super) fn close_session(&mut self, id: Uuid) -> Result<Outcome, Stop> {
        if let Some(session) = self.tx.get::<Session>(&id)? {
            let token = self.token(session.token_id)?;
            self.forget_session(id)?;
            self.act(Act::new("session_closed").on("token", token.name))?;
        }
        Ok(Outcome::Done)
    }

    fn token(&mut self, id: Uuid) -> Result<Token, Stop> {
        let token = self.tx.get::<Token>(&id)?;
        token.ok_or_else(|| Refusal::NotFound { what: "token", id: id.to_string() }.into())
    }

    fn put_token(&mut self, token: Token) -> Result<Arc<Token>, StoreError> {
        let token = Arc::new(token);
        self.tx.put(&*token)?;
        self.keys.push(KeyChange::Token(Arc::clone(&token)));
        Ok(token)
    }

    fn forget_session(&mut self, id: Uuid) -> Result<(), StoreError> {
        self.tx.remove::<Session>(&id)?;
        self.keys.push(KeyChange::Closed(id));
        Ok(())
    }
}
