//! The rulebook: each agent's rights, made ready when they are first asked for.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use uuid::Uuid;

use super::Rights;
use crate::domain::agents::Agent;

/// The rights of agents, as their identities last said.
#[derive(Default)]
pub struct Rulebook(RwLock<HashMap<Uuid, Arc<Rights>>>);

impl Rulebook {
    /// The rights of an agent as it is now.
    #[must_use]
    pub fn of(&self, agent: &Arc<Agent>) -> Arc<Rights> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&agent.agent_id).cloned();
        // An identity that changed is another one.
        if let Some(rights) = known.filter(|rights| Arc::ptr_eq(&rights.agent, agent)) {
            return rights;
        }
        let rights = Arc::new(Rights::of(agent));
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.insert(agent.agent_id, Arc::clone(&rights));
        rights
    }

    /// Forgets those whose agents are gone.
    pub fn keep(&self, is_there: impl Fn(Uuid) -> bool) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).retain(|id, _| is_there(*id));
    }
}
