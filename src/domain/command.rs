//! Commands: every write there is, and `apply`, the one function that carries them out.
//!
//! A command is plain data with its ids and its time already in it. `apply` reads no clock, no
//! randomness and no environment, so that the same commands in the same order give the same tables, the
//! same hashes and the same events anywhere. It checks first and writes after: a refusal leaves no trace.

use std::sync::Arc;

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::access::Actor;
use super::admin::Act;
use super::agent_write::AgentPatch;
use super::agents::Agent;
use super::approvals::{Approval, Reach};
use super::audit::{AuditRecord, NewAudit};
use super::budget_acts::BudgetChange;
use super::budgets::{Scope, Zone};
use super::decision::Asked;
use super::events::Event;
use super::idempotency::Once;
use super::keyring::KeyChange;
use super::metrics::{Metric, NewMetric};
use super::pruning::{Prune, Pruned};
use super::refusal::Refusal;
use super::roster::Change;
use super::sync::{SyncReport, SyncRequest};
use super::time::Timestamp;
use super::tokens::{Session, Token};
use super::webhook_acts::Tried;
use crate::store::{StoreError, WriteTx};

/// A write.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Command {
    /// When it was decided.
    pub at: Timestamp,
    /// Makes the ids of the events it causes unguessable.
    pub nonce: u64,
    /// Who wants it done.
    #[serde(default)]
    pub by: Actor,
    /// What is to be done.
    pub action: Action,
}

/// What a write does.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Action {
    /// Registers an agent.
    CreateAgent(Box<Agent>),
    /// Changes an agent's identity.
    UpdateAgent(Uuid, Box<AgentPatch>),
    /// Removes an agent; its metrics and audit records stay.
    DeleteAgent(Uuid),
    /// Notes that an agent was started.
    ActivateAgent(Uuid, Activation),
    /// Stops an agent, or lets it go on.
    PauseAgent(Uuid, bool),
    /// Makes the registry say what identity files say.
    Sync(Box<SyncRequest>),
    /// Records metrics, each on its own.
    RecordMetrics(Vec<NewMetric>),
    /// Appends to the audit trail.
    AppendAudit(Vec<NewAudit>),
    /// Decides whether an agent may do what it asks to do.
    Decide(Box<Asked>),
    /// Answers what a person was asked.
    Answer {
        /// The approval.
        id: Uuid,
        /// Whether it may be done.
        approved: bool,
        /// How far that reaches.
        reach: Reach,
        /// Why.
        reason: Option<String>,
    },
    /// Ends what nobody answered in time, and what is held for too long.
    EndUnanswered,
    /// Revokes a grant.
    RevokeGrant(Uuid),
    /// Sets the zone whose days budgets are for.
    SetBudgetZone(Zone),
    /// Changes a budget.
    ChangeBudget(Scope, BudgetChange),
    /// Carries the action out once, however often it is sent.
    Once(Once, Box<Action>),
    /// Carries each action out on its own.
    Each(Vec<Action>),
    /// Forgets which requests were carried out: those of more than a day ago, and the oldest but for so many.
    ForgetRequests {
        /// How many to keep.
        keep: u64,
    },
    /// Notes the logs' next numbers, by which their records' age is known.
    NoteNumbers,
    /// Forgets some of what is old.
    Prune(Prune),
    /// Records what was forgotten since that was last recorded.
    NoteRetention {
        /// Whether a run has ended that left nothing to be forgotten.
        done: bool,
    },
    /// Makes a token.
    CreateToken(Box<Token>),
    /// Ends a token, and the sessions that it opened.
    RevokeToken(Uuid),
    /// Notes that a token was used.
    NoteUse(Uuid),
    /// Lets a browser in.
    OpenSession(Box<Session>),
    /// Logs a browser out.
    CloseSession(Uuid),
    /// Notes which webhooks are told from now on.
    SetWebhooks(Vec<Uuid>),
    /// Notes what became of a try to deliver to a webhook.
    NoteDelivery(u64, Tried),
    /// Lets a webhook's dead letter wait to be delivered once more.
    RetryDelivery(Uuid),
    /// Removes a webhook's dead letter.
    DiscardDelivery(Uuid),
    /// Records an administrative act that was done elsewhere.
    NoteAct(Act),
    /// Writes nothing, durably: tells whether storage works.
    Probe,
}

/// What a client may tell when it starts an agent.
#[derive(Debug, Clone, Default, PartialEq, Encode, Decode, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"session_id": "s-1", "task": "fix the build"}))]
pub struct Activation {
    /// The session that begins.
    #[schema(max_length = 4096)]
    pub session_id: Option<String>,
    /// What the agent is to do.
    #[schema(max_length = 4096)]
    pub task: Option<String>,
}

/// What a command that was carried out gives back.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The agent, as it is now.
    Agent(Arc<Agent>),
    /// One result for each metric.
    Metrics(Vec<Result<Arc<Metric>, Refusal>>),
    /// The records.
    Audit(Vec<Arc<AuditRecord>>),
    /// The approval, as it is now.
    Approval(Arc<Approval>),
    /// The token, as it is now.
    Token(Arc<Token>),
    /// What the sync did.
    Synced(SyncReport),
    /// One outcome for each action.
    Each(Vec<Result<Outcome, Refusal>>),
    /// The outcome of a request that was carried out before.
    Again(Box<Outcome>),
    /// What was to be forgotten is.
    Forgotten {
        /// Whether there is more of it.
        more: bool,
    },
    /// What a step of forgetting did.
    Pruned(Pruned),
    /// Nothing to tell.
    Done,
}

/// A command's outcome with everything it caused.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// What it gives back, or why it was refused.
    pub outcome: Result<Outcome, Refusal>,
    /// What the stream is told.
    pub events: Vec<Event>,
    /// What changed in the roster.
    pub changes: Vec<Change>,
    /// What changed in the keyring.
    pub keys: Vec<KeyChange>,
    /// Whether it is of the stream's log alone: no other answer shows it.
    pub of_stream: bool,
}

/// Carries a command out.
///
/// # Errors
/// When storage fails, which fails the whole batch. Refusals are in the outcome.
pub fn apply(tx: &mut WriteTx<'_>, command: Command) -> Result<Applied, StoreError> {
    let of_stream = matches!(command.action, Action::Prune(Prune::EventsBut(_) | Prune::Events(_)));
    let mut run = Run {
        tx,
        at: command.at,
        nonce: command.nonce,
        by: command.by,
        events: Vec::new(),
        changes: Vec::new(),
        keys: Vec::new(),
    };
    let outcome = match run.carry_out(command.action) {
        Ok(outcome) => Ok(outcome),
        Err(Stop::Refused(refusal)) => Err(refusal),
        Err(Stop::Storage(e)) => return Err(e),
    };
    let Run { events, changes, keys, .. } = run;
    Ok(Applied { outcome, events, changes, keys, of_stream })
}

/// Why carrying out ended early.
pub(super) enum Stop {
    Refused(Refusal),
    Storage(StoreError),
}

impl From<StoreError> for Stop {
    fn from(e: StoreError) -> Self {
        Self::Storage(e)
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// What became of a part whose refusal does not stop the others.
fn on_its_own<T>(result: Result<T, Stop>) -> Result<Result<T, Refusal>, StoreError> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(Stop::Refused(refusal)) => Ok(Err(refusal)),
        Err(Stop::Storage(e)) => Err(e),
    }
}

/// A command on its way through the transaction.
pub(super) struct Run<'a, 't> {
    pub tx: &'a mut WriteTx<'t>,
    pub at: Timestamp,
    pub nonce: u64,
    pub by: Actor,
    pub events: Vec<Event>,
    pub changes: Vec<Change>,
    pub keys: Vec<KeyChange>,
}

impl Run<'_, '_> {
    pub(super) fn carry_out(&mut self, action: Action) -> Result<Outcome, Stop> {
        match action {
            Action::CreateAgent(agent) => self.create(*agent),
            Action::UpdateAgent(id, patch) => {
                let before = self.agent(id)?;
                let agent = patch.apply_to(&before, self.at)?;
                self.change(&before, agent)
            }
            Action::PauseAgent(id, paused) => {
                let before = self.agent(id)?;
                let updated_at = if paused == before.paused { before.updated_at } else { self.at };
                self.change(&before, Agent { paused, updated_at, ..before.clone() })
            }
            Action::DeleteAgent(id) => self.delete(id),
            Action::ActivateAgent(id, activation) => self.activate(id, &activation),
            Action::Sync(request) => self.sync(*request),
            Action::RecordMetrics(metrics) => {
                let results = metrics.into_iter().map(|metric| on_its_own(self.record(metric)));
                Ok(Outcome::Metrics(results.collect::<Result<_, _>>()?))
            }
            Action::AppendAudit(records) => {
                let records = records.into_iter().map(|told| self.append(told));
                Ok(Outcome::Audit(records.collect::<Result<_, _>>()?))
            }
            Action::Decide(asked) => self.decide(*asked),
            Action::Answer { id, approved, reach, reason } => self.answer(id, approved, reach, reason),
            Action::EndUnanswered => {
                self.release_ended()?;
                self.end_unanswered()?;
                Ok(Outcome::Done)
            }
            Action::RevokeGrant(id) => self.revoke_grant(id),
            Action::SetBudgetZone(zone) => self.set_zone(zone),
            Action::ChangeBudget(scope, change) => self.change_budget(&scope, &change),
            Action::Once(once, action) => self.once(&once, *action),
            Action::Each(actions) => {
                let results = actions.into_iter().map(|action| on_its_own(self.carry_out(action)));
                Ok(Outcome::Each(results.collect::<Result<_, _>>()?))
            }
            Action::ForgetRequests { keep } => Ok(self.forget(keep)?),
            Action::NoteNumbers => self.note_numbers(),
            Action::Prune(what) => self.prune(&what),
            Action::NoteRetention { done } => self.note_retention(done),
            Action::CreateToken(token) => self.create_token(*token),
            Action::RevokeToken(id) => self.revoke_token(id),
            Action::NoteUse(id) => self.note_use(id),
            Action::OpenSession(session) => self.open_session(*session),
            Action::CloseSession(id) => self.close_session(id),
            Action::SetWebhooks(targets) => self.set_webhooks(targets),
            Action::NoteDelivery(seq, tried) => self.note_delivery(seq, tried),
            Action::RetryDelivery(id) => self.retry_delivery(id),
            Action::DiscardDelivery(id) => self.discard_delivery(id),
            Action::NoteAct(act) => {
                self.act(act)?;
                Ok(Outcome::Done)
            }
            Action::Probe => Ok(Outcome::Done),
        }
    }
}
