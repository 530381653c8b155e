//! What commands do to agents.

use std::sync::Arc;

use serde_json::json;
use uuid::Uuid;

use super::admin::{self, Act};
use super::agents::{self, Agent};
use super::command::{Activation, Outcome, Run, Stop};
use super::events::EventKind;
use super::refusal::Refusal;
use super::roster::Change;
use super::sync::{Plan, SyncRequest};
use super::usage::Presence;
use crate::store::StoreError;

/// An act on an agent.
fn on_agent(what: &str, agent: &Agent) -> Act {
    Act::new(what).on("agent", agent.name.clone())
}

impl Run<'_, '_> {
    pub(super) fn agent(&mut self, id: Uuid) -> Result<Agent, Stop> {
        let agent = self.tx.get::<Agent>(&id)?;
        agent.ok_or_else(|| Refusal::NotFound { what: "agent", id: id.to_string() }.into())
    }

    /// The id of the registered agent that a client means by an id or a name.
    pub(super) fn resolve_id(&mut self, id_or_name: &str) -> Result<Option<Uuid>, StoreError> {
        match Uuid::parse_str(id_or_name) {
            Ok(id) if self.tx.contains::<Agent>(&id)? => Ok(Some(id)),
            _ => self.tx.find_first(&agents::BY_NAME, &id_or_name),
        }
    }

    /// The registered agent that a client means by an id or a name.
    pub(super) fn resolve(&mut self, id_or_name: &str) -> Result<Option<Agent>, StoreError> {
        match self.resolve_id(id_or_name)? {
            Some(id) => self.tx.get::<Agent>(&id),
            None => Ok(None),
        }
    }

    pub(super) fn create(&mut self, agent: Agent) -> Result<Outcome, Stop> {
        if let Some(holder) = self.tx.find_first(&agents::BY_NAME, &agent.name.as_str())? {
            let text = format!("The name '{}' is taken by the agent with the id {holder}.", agent.name);
            return Err(Refusal::Conflict(text).into());
        }
        if self.tx.get::<Agent>(&agent.agent_id)?.is_some() {
            return Err(Refusal::Conflict(format!("The id {} is taken.", agent.agent_id)).into());
        }
        let agent = self.put(None, Arc::new(agent))?;
        self.record_act(on_agent("agent_created", &agent))?;
        Ok(Outcome::Agent(agent))
    }

    pub(super) fn change(&mut self, before: &Agent, agent: Agent) -> Result<Outcome, Stop> {
        if agent == *before {
            return Ok(Outcome::Agent(Arc::new(agent)));
        }
        let agent = self.put(Some(before), Arc::new(agent))?;
        let what = match (before.paused, agent.paused) {
            (false, true) => "agent_paused",
            (true, false) => "agent_resumed",
            _ => "agent_updated",
        };
        self.record_act(on_agent(what, &agent).with(&admin::changes(before, &agent)))?;
        Ok(Outcome::Agent(agent))
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

    pub(super) fn delete(&mut self, id: Uuid) -> Result<Outcome, Stop> {
        let agent = self.agent(id)?;
        self.remove(&agent)?;
        self.record_act(on_agent("agent_deleted", &agent))?;
        Ok(Outcome::Done)
    }

    fn remove(&mut self, agent: &Agent) -> Result<(), StoreError> {
        self.tell_of_agent(EventKind::AgentDeleted, agent, format!("{}: deleted", agent.name), None)?;
        self.tx.remove::<Agent>(&agent.agent_id)?;
        self.changes.push(Change::Removed(agent.agent_id));
        Ok(())
    }

    pub(super) fn activate(&mut self, id: Uuid, activation: &Activation) -> Result<Outcome, Stop> {
        let agent = self.agent(id)?;
        Presence::seen(self.tx, id, self.at, self.at, activation.session_id.as_deref())?;
        let task = activation.task.as_deref().map(|task| format!(": {task}")).unwrap_or_default();
        let message = format!("{}: started{task}", agent.name);
        self.tell_of_agent(EventKind::AgentSpawned, &agent, message, activation.session_id.clone())?;
        Ok(Outcome::Agent(Arc::new(agent)))
    }

    pub(super) fn sync(&mut self, request: SyncRequest) -> Result<Outcome, Stop> {
        let dry_run = request.dry_run;
        let plan = Plan::new(self.tx, request, self.at)?;
        if !dry_run {
            let (removed, put) = (plan.remove.len(), plan.put.len());
            let created = plan.put.iter().filter(|(before, _)| before.is_none()).count();
            // Agents that go, and names that change hands, make room first.
            for agent in &plan.remove {
                self.remove(agent)?;
            }
            for (before, agent) in plan.put {
                self.put(before.as_ref(), agent)?;
            }
            if removed + put > 0 {
                let context = json!({"created": created, "updated": put - created, "removed": removed});
                self.record_act(Act::new("agents_synced").with(&context))?;
            }
        }
        Ok(Outcome::Synced(plan.report))
    }
}
