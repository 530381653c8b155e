//! Governing: from what an agent wishes to the question that the store decides.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use crate::App;
use crate::app::{Failure, nonce};
use crate::config::UnknownAgent;
use crate::domain::agent_write::AgentDraft;
use crate::domain::agents::Agent;
use crate::domain::command::{Action, Outcome};
use crate::domain::decision::Asked;
use crate::domain::policy::asking::{Terms, Wish};
use crate::domain::prices::Prices;
use crate::domain::refusal::Refusal;
use crate::domain::role::{DEFAULT_CATEGORY, DEFAULT_ROLE, defaults_or_least};

impl App {
    /// What the tokens of models cost.
    #[must_use]
    pub fn prices(&self) -> Arc<Prices> {
        self.prices.load_full()
    }

    /// Reads the file of prices that the settings name.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn load_prices(&self) -> Result<(), String> {
        let Some(file) = &self.config.governance.prices else { return Ok(()) };
        let text = std::fs::read_to_string(file).map_err(|e| format!("prices {}: {e}", file.display()))?;
        let others = Prices::read(&text).map_err(|e| format!("prices {}: {e}", file.display()))?;
        self.prices.store(Arc::new(Prices::built_in().with(others)));
        Ok(())
    }

    /// The question that a wish is. An agent that is not registered is, where the settings say so.
    ///
    /// # Errors
    /// When storage fails.
    pub async fn question(&self, wish: Wish) -> Result<Asked, Failure> {
        let mut agent = self.roster().resolve(&wish.agent).cloned();
        if agent.is_none() && self.config.governance.unknown_agent == UnknownAgent::Register {
            agent = self.register(&wish.agent).await?;
        }
        Ok(self.asked(wish, agent.as_ref()))
    }

    /// The question that a wish is, and nothing else.
    #[must_use]
    pub fn simulated(&self, wish: Wish) -> Asked {
        let agent = self.roster().resolve(&wish.agent).cloned();
        self.asked(wish, agent.as_ref())
    }

    fn asked(&self, wish: Wish, agent: Option<&Arc<Agent>>) -> Asked {
        let governance = &self.config.governance;
        let at = self.now();
        let after = |time: Duration| at.plus(i64::try_from(time.as_micros()).unwrap_or(i64::MAX));
        let terms = Terms {
            unknown_may: governance.unknown_agent == UnknownAgent::Allow,
            at,
            hold_until: after(governance.reservation_time),
            answer_until: after(governance.approval_time),
            nonce: nonce(),
        };
        let rights = agent.map(|agent| self.rulebook.of(agent));
        wish.asked(rights.as_deref(), terms)
    }

    /// Registers an agent that asked, with the least rights; `None` where no agent could have such a name.
    async fn register(&self, name: &str) -> Result<Option<Arc<Agent>>, Failure> {
        let least = defaults_or_least(DEFAULT_ROLE);
        let (rights, limits) = (least.rights(), least.limits());
        let draft = json!({
            "name": name, "role": DEFAULT_ROLE, "role_reasoning": "It asked, and nobody had registered it: the least rights",
            "role_confidence": 0.0, "capabilities": [], "rbac_allowed_tools": rights.allowed_tools,
            "rbac_path_scopes": rights.path_scopes, "rbac_api_access": rights.api_access,
            "budget_max_tokens_per_session": limits.max_tokens_per_session,
            "budget_max_cost_per_day": limits.max_cost_per_day, "metadata_category": DEFAULT_CATEGORY,
            "metadata_tags": ["unregistered"],
        });
        let is_name = (1..=128).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let Some(draft) = serde_json::from_value::<AgentDraft>(draft).ok().filter(|_| is_name) else {
            return Ok(None);
        };
        let agent = draft.into_agent(Uuid::new_v4(), self.now());
        match self.submit(Action::CreateAgent(Box::new(agent))).await {
            Ok(Outcome::Agent(agent)) => Ok(Some(agent)),
            // Somebody else was quicker.
            Ok(_) | Err(Failure::Refused(Refusal::Conflict(_))) => Ok(self.roster().by_name(name).cloned()),
            Err(failure) => Err(failure),
        }
    }
}
