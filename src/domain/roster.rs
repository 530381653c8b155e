//! The roster: an immutable snapshot of all agents, for reads that need many of them at once.

use std::collections::HashMap;
use std::sync::Arc;

use uuid::Uuid;

use super::agents::Agent;
use crate::store::{ReadTx, StoreError};

/// All agents as of one commit.
#[derive(Clone, Default)]
pub struct Roster {
    agents: HashMap<Uuid, Arc<Agent>>,
    by_name: HashMap<String, Uuid>,
}

/// What a command did to the roster.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// The agent is new or different.
    Put(Arc<Agent>),
    /// The agent is gone.
    Removed(Uuid),
}

impl Roster {
    /// Reads all agents.
    ///
    /// # Errors
    /// When storage fails.
    pub fn load(tx: &ReadTx) -> Result<Self, StoreError> {
        let mut roster = Self::default();
        for entry in tx.all::<Agent>()? {
            roster.put(&Arc::new(entry?.1));
        }
        Ok(roster)
    }

    /// This roster with some changes.
    #[must_use]
    pub fn with<'a>(&self, changes: impl IntoIterator<Item = &'a Change>) -> Self {
        let mut roster = self.clone();
        for change in changes {
            match change {
                Change::Put(agent) => roster.put(agent),
                Change::Removed(id) => {
                    if let Some(gone) = roster.agents.remove(id)
                        && roster.by_name.get(&gone.name) == Some(id)
                    {
                        roster.by_name.remove(&gone.name);
                    }
                }
            }
        }
        roster
    }

    fn put(&mut self, agent: &Arc<Agent>) {
        if let Some(before) = self.agents.insert(agent.agent_id, Arc::clone(agent))
            && self.by_name.get(&before.name) == Some(&agent.agent_id)
        {
            self.by_name.remove(&before.name);
        }
        self.by_name.insert(agent.name.clone(), agent.agent_id);
    }

    /// The agent with this id.
    #[must_use]
    pub fn get(&self, id: Uuid) -> Option<&Arc<Agent>> {
        self.agents.get(&id)
    }

    /// The agent with this name.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<&Arc<Agent>> {
        self.get(*self.by_name.get(name)?)
    }

    /// The agent with this id or name.
    #[must_use]
    pub fn resolve(&self, id_or_name: &str) -> Option<&Arc<Agent>> {
        let by_id = Uuid::parse_str(id_or_name).ok().and_then(|id| self.get(id));
        by_id.or_else(|| self.by_name(id_or_name))
    }

    /// All agents, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Agent>> {
        self.agents.values()
    }

    /// How many agents there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.agents.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.agents.is_empty()
    }
}
