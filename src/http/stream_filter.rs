//! Which events a client of the stream wants.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::domain::live::LiveEvent;

/// What a client wants of the stream.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
pub(super) struct Wanted {
    /// Begin after this event; without it, with the next one.
    #[schema(minimum = 0)]
    pub since: Option<u64>,
    /// Only events of this agent: its id, or its id or name as told.
    agent_id: Option<String>,
    /// Only events of these types, separated by commas.
    #[serde(rename = "type")]
    kinds: Option<String>,
    /// Only events of this session.
    session_id: Option<String>,
}

impl Wanted {
    /// Whether the client wants an event.
    pub fn holds(&self, event: &LiveEvent) -> bool {
        let event = &event.event;
        let details = &event.details;
        let is =
            |wanted: &Option<String>, value: Option<&str>| wanted.is_none() || wanted.as_deref() == value;
        let agent = self.agent_id.as_deref();
        let of_agent =
            agent.is_none() || agent == details.agent_id.as_deref() || agent == Some(&event.agent_name);
        of_agent
            && is(&self.session_id, details.session_id.as_deref())
            && self
                .kinds
                .as_deref()
                .is_none_or(|kinds| kinds.split(',').any(|k| k.trim() == event.kind.as_str()))
    }
}
