//! Commands: every write there is, and `apply`, the one function that carries them out.
//!
//! A command is plain data with its ids and its time already in it. `apply` reads no clock, no
//! randomness and no environment, so that the same commands in the same order give the same tables, the
//! same hashes and the same events anywhere. It checks first and writes after: a refusal leaves no trace.

use std::sync::Arc;

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::agent_view::AgentView;
use super::agent_write::AgentPatch;
use super::agents::{self, Agent};
use super::alerts;
use super::audit::{AuditRecord, Hash, NewAudit};
use super::events::{Data, Details, Event, EventKind, StoredEvent};
use super::metric_sums;
use super::metrics::{Metric, NewMetric};
use super::refusal::{FieldError, Refusal};
use super::roster::Change;
use super::sync::{Plan, SyncReport, SyncRequest};
use super::tally;
use super::text::JsonText;
use super::time::{MINUTE, Timestamp};
use super::usage::{self, Movement, Presence};
use crate::store::{StoreError, TableName, Value, WriteTx};

/// A write.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Command {
    /// When it was decided.
    pub at: Timestamp,
    /// Makes the ids of the events it causes unguessable.
    pub nonce: u64,
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
    /// Forgets the stream's oldest events but for so many.
    TrimStream {
        /// How many to keep.
        keep: u64,
    },
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
    /// What the sync did.
    Synced(SyncReport),
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
}

/// The next numbers of the logs.
#[derive(Clone, Debug, Default, Encode, Decode)]
pub struct MetricHead(pub u64);

impl Value for MetricHead {
    const TABLE: TableName = "metric_head";
    type Key = ();
}

/// The next number of the audit trail and the hash of its last record.
#[derive(Clone, Debug, Default, Encode, Decode)]
pub struct AuditHead {
    /// The next number.
    pub next: u64,
    /// The last record's hash; zeros before the first.
    pub hash: Hash,
}

impl Value for AuditHead {
    const TABLE: TableName = "audit_head";
    type Key = ();
}

/// Carries a command out.
///
/// # Errors
/// When storage fails, which fails the whole batch. Refusals are in the outcome.
pub fn apply(tx: &mut WriteTx<'_>, command: Command) -> Result<Applied, StoreError> {
    let mut run = Run { tx, at: command.at, nonce: command.nonce, events: Vec::new(), changes: Vec::new() };
    let outcome = match run.carry_out(command.action) {
        Ok(outcome) => Ok(outcome),
        Err(Stop::Refused(refusal)) => Err(refusal),
        Err(Stop::Storage(e)) => return Err(e),
    };
    let Run { events, changes, .. } = run;
    Ok(Applied { outcome, events, changes })
}

enum Stop {
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

struct Run<'a, 't> {
    tx: &'a mut WriteTx<'t>,
    at: Timestamp,
    nonce: u64,
    events: Vec<Event>,
    changes: Vec<Change>,
}

/// How many of the stream's oldest events one command forgets at most, so that others are not kept waiting.
const TRIM: u64 = 10_000;
/// How far ahead of the server a client's clock may run.
const AHEAD: i64 = 5 * MINUTE;

impl Run<'_, '_> {
    fn carry_out(&mut self, action: Action) -> Result<Outcome, Stop> {
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
            Action::DeleteAgent(id) => {
                let agent = self.agent(id)?;
                self.remove(&agent)?;
                Ok(Outcome::Done)
            }
            Action::ActivateAgent(id, activation) => self.activate(id, &activation),
            Action::Sync(request) => self.sync(*request),
            Action::RecordMetrics(metrics) => {
                let results = metrics.into_iter().map(|metric| match self.record(metric) {
                    Ok(metric) => Ok(Ok(metric)),
                    Err(Stop::Refused(refusal)) => Ok(Err(refusal)),
                    Err(Stop::Storage(e)) => Err(Stop::Storage(e)),
                });
                Ok(Outcome::Metrics(results.collect::<Result<_, _>>()?))
            }
            Action::AppendAudit(records) => {
                let records = records.into_iter().map(|told| self.append(told));
                Ok(Outcome::Audit(records.collect::<Result<_, _>>()?))
            }
            Action::TrimStream { keep } => {
                let last = self.tx.get::<super::events::StreamHead>(&())?.unwrap_or_default().0;
                self.tx.remove_before::<StoredEvent>(&(last + 1).saturating_sub(keep), TRIM)?;
                Ok(Outcome::Done)
            }
            Action::Probe => Ok(Outcome::Done),
        }
    }

    fn agent(&mut self, id: Uuid) -> Result<Agent, Stop> {
        let agent = self.tx.get::<Agent>(&id)?;
        agent.ok_or_else(|| Refusal::NotFound { what: "agent", id: id.to_string() }.into())
    }

    /// The id of the registered agent that a client means by an id or a name.
    fn resolve_id(&mut self, id_or_name: &str) -> Result<Option<Uuid>, StoreError> {
        match Uuid::parse_str(id_or_name) {
            Ok(id) if self.tx.contains::<Agent>(&id)? => Ok(Some(id)),
            _ => self.tx.find_first(&agents::BY_NAME, &id_or_name),
        }
    }

    /// The registered agent that a client means by an id or a name.
    fn resolve(&mut self, id_or_name: &str) -> Result<Option<Agent>, StoreError> {
        match self.resolve_id(id_or_name)? {
            Some(id) => self.tx.get::<Agent>(&id),
            None => Ok(None),
        }
    }

    fn create(&mut self, agent: Agent) -> Result<Outcome, Stop> {
        if let Some(holder) = self.tx.find_first(&agents::BY_NAME, &agent.name.as_str())? {
            let text = format!("The name '{}' is taken by the agent with the id {holder}.", agent.name);
            return Err(Refusal::Conflict(text).into());
        }
        if self.tx.get::<Agent>(&agent.agent_id)?.is_some() {
            return Err(Refusal::Conflict(format!("The id {} is taken.", agent.agent_id)).into());
        }
        self.put(None, Arc::new(agent)).map_err(Stop::from).map(Outcome::Agent)
    }

    fn change(&mut self, before: &Agent, agent: Agent) -> Result<Outcome, Stop> {
        if agent == *before {
            return Ok(Outcome::Agent(Arc::new(agent)));
        }
        Ok(Outcome::Agent(self.put(Some(before), Arc::new(agent))?))
    }

    fn put(&mut self, before: Option<&Agent>, agent: Arc<Agent>) -> Result<Arc<Agent>, StoreError> {
        self.tx.put(&*agent)?;
        let (kind, what) = match before {
            None => (EventKind::AgentCreated, "created"),
            Some(b) if b.paused != agent.paused => {
                (EventKind::AgentUpdated, if agent.paused { "paused" } else { "resumed" })
            }
            Some(_) => (EventKind::AgentUpdated, "updated"),
        };
        self.tell_of_agent(kind, &agent, format!("{}: {what}", agent.name), None)?;
        self.changes.push(Change::Put(Arc::clone(&agent)));
        Ok(agent)
    }

    fn remove(&mut self, agent: &Agent) -> Result<(), StoreError> {
        self.tell_of_agent(EventKind::AgentDeleted, agent, format!("{}: deleted", agent.name), None)?;
        self.tx.remove::<Agent>(&agent.agent_id)?;
        self.changes.push(Change::Removed(agent.agent_id));
        Ok(())
    }

    fn activate(&mut self, id: Uuid, activation: &Activation) -> Result<Outcome, Stop> {
        let agent = self.agent(id)?;
        Presence::seen(self.tx, id, self.at, self.at)?;
        let task = activation.task.as_deref().map(|task| format!(": {task}")).unwrap_or_default();
        let message = format!("{}: started{task}", agent.name);
        self.tell_of_agent(EventKind::AgentSpawned, &agent, message, activation.session_id.clone())?;
        Ok(Outcome::Agent(Arc::new(agent)))
    }

    fn sync(&mut self, request: SyncRequest) -> Result<Outcome, Stop> {
        let dry_run = request.dry_run;
        let plan = Plan::new(self.tx, request, self.at)?;
        if !dry_run {
            // Agents that go, and names that change hands, make room first.
            for agent in &plan.remove {
                self.remove(agent)?;
            }
            for (before, agent) in plan.put {
                self.put(before.as_ref(), agent)?;
            }
        }
        Ok(Outcome::Synced(plan.report))
    }

    fn record(&mut self, new: NewMetric) -> Result<Arc<Metric>, Stop> {
        if new.recorded_at > self.at.plus(AHEAD) {
            let error = FieldError::body(
                "recorded_at",
                "value",
                "is more than 5 minutes ahead of the server's clock",
            );
            return Err(Refusal::Invalid(vec![error]).into());
        }
        let Some(agent) = self.resolve(&new.agent)? else {
            return Err(Refusal::NotFound { what: "agent", id: new.agent }.into());
        };
        let seq = self.tx.update(&(), |head: &mut MetricHead| {
            head.0 += 1;
            head.0 - 1
        })?;
        let metric = Arc::new(Metric {
            seq,
            nonce: new.nonce,
            agent_id: agent.agent_id,
            metric_type: new.metric_type,
            measures: new.measures,
            context: new.context,
            session_id: new.session_id,
            recorded_at: new.recorded_at,
        });
        self.tx.put(&*metric)?;
        let moved = derive_from_metric(self.tx, &metric)?;
        Presence::seen(self.tx, agent.agent_id, metric.recorded_at, self.at)?;
        self.tell_of_metric(&agent, &metric, &moved)?;
        Ok(metric)
    }

    fn append(&mut self, told: NewAudit) -> Result<Arc<AuditRecord>, Stop> {
        let mut subject = None;
        for id_or_name in [&told.agent_id, &told.agent_name].into_iter().flatten() {
            if subject.is_none() {
                subject = self.resolve_id(id_or_name)?;
            }
        }
        let head = self.tx.get::<AuditHead>(&())?.unwrap_or_default();
        let record = Arc::new(AuditRecord::new(told, head.next, subject, head.hash));
        self.tx.put(&*record)?;
        derive_from_audit(self.tx, &record)?;
        if let Some(id) = subject {
            Presence::seen(self.tx, id, record.told.timestamp, self.at)?;
        }
        self.tell(Event::of_operation(Arc::clone(&record)))?;
        Ok(record)
    }

    fn tell(&mut self, event: Event) -> Result<(), StoreError> {
        let event = event.append(self.tx)?;
        self.events.push(event);
        Ok(())
    }

    fn tell_of_agent(
        &mut self,
        kind: EventKind,
        agent: &Agent,
        message: String,
        session_id: Option<String>,
    ) -> Result<(), StoreError> {
        let view = AgentView::load(self.tx, agent, self.at)?;
        self.tell(Event {
            seq: 0,
            nonce: self.nonce,
            kind,
            timestamp: self.at,
            agent_name: agent.name.clone(),
            agent_role: agent.role.clone(),
            message,
            details: Details { agent_id: Some(agent.agent_id.to_string()), session_id, ..Details::default() },
            data: Data::Json(JsonText::of(&view)),
        })
    }

    fn tell_of_metric(
        &mut self,
        agent: &Agent,
        metric: &Arc<Metric>,
        moved: &Movement,
    ) -> Result<(), StoreError> {
        let m = &metric.measures;
        let remaining = agent.limits.max_cost_per_day - moved.day.after.cost_usd();
        let details = Details {
            agent_id: Some(agent.agent_id.to_string()),
            operation: Some(metric.metric_type.clone()),
            tokens: m.tokens_used,
            cost: m.cost_usd,
            score: m.quality_score,
            duration: m.execution_time_ms,
            session_id: metric.session_id.clone(),
            ..Details::default()
        };
        let event = |kind, message: String| Event {
            seq: 0,
            nonce: metric.nonce,
            kind,
            timestamp: metric.recorded_at,
            agent_name: agent.name.clone(),
            agent_role: agent.role.clone(),
            message: format!("{}: {message}", agent.name),
            details: details.clone(),
            data: Data::Metric(Arc::clone(metric)),
        };
        self.tell(event(EventKind::MetricRecorded, format!("{} recorded", metric.metric_type)))?;
        let is_task = metric.metric_type == "task_completed";
        if m.tasks_failed.unwrap_or(0) > 0 || (is_task && m.success == Some(false)) {
            self.tell(event(EventKind::TaskFailed, "task failed".into()))?;
        } else if m.tasks_completed.unwrap_or(0) > 0 || is_task {
            self.tell(event(EventKind::TaskCompleted, "task completed".into()))?;
        }
        if let Some(score) = m.quality_score {
            self.tell(event(EventKind::QualityUpdate, format!("quality {:.0} of 100", score * 100.0)))?;
        }
        // The budget is today's: what is recorded late moves the day it belongs to, in silence.
        if metric.recorded_at.day() != self.at.day() {
            return Ok(());
        }
        if m.cost_usd.unwrap_or(0.0) > 0.0 || m.tokens_used.unwrap_or(0) > 0 {
            let message = format!("{remaining:.2} {} left today", agent.limits.currency);
            let mut updated = event(EventKind::BudgetUpdated, message);
            updated.details.budget_remaining = Some(remaining);
            self.tell(updated)?;
        }
        for alert in alerts::for_movement(agent, moved, metric.recorded_at, metric.nonce) {
            let alert = alert.append(self.tx)?;
            let mut told = event(EventKind::BudgetAlert, alert.message.clone());
            told.message.clone_from(&alert.message);
            told.details.budget_remaining = Some(remaining);
            told.data = Data::Json(JsonText::of(&alert.view()));
            self.tell(told)?;
        }
        Ok(())
    }
}

/// Writes everything that follows from a stored metric, and tells what usage it moved.
///
/// # Errors
/// When storage fails.
pub fn derive_from_metric(tx: &mut WriteTx<'_>, metric: &Metric) -> Result<Movement, StoreError> {
    metric_sums::roll_up(tx, metric)?;
    usage::charge(tx, metric)
}

/// Writes everything that follows from a stored audit record.
///
/// # Errors
/// When storage fails.
pub fn derive_from_audit(tx: &mut WriteTx<'_>, record: &AuditRecord) -> Result<(), StoreError> {
    tally::count(tx, record)?;
    let (next, hash) = (record.seq + 1, record.hash);
    tx.update(&(), |head: &mut AuditHead| *head = AuditHead { next, hash })
}
