//! Which events a client of the stream wants.

use std::borrow::Cow;

use serde::de::{Error as _, IntoDeserializer, value};
use serde::{Deserialize, Deserializer};
use utoipa::openapi::schema::{ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::domain::events::EventKind;
use crate::domain::live::LiveEvent;

/// Types of events, separated by commas.
#[derive(Debug, Clone)]
pub(super) struct EventTypes(Vec<EventKind>);

impl EventTypes {
    fn parse(text: &str) -> Result<Self, String> {
        let kind = |name: &str| {
            let name = name.trim();
            let read = EventKind::deserialize(name.into_deserializer());
            read.map_err(|_: value::Error| {
                format!("is no type of event: '{}'; there are {}", name.escape_debug(), known().join(", "))
            })
        };
        text.split(',').map(kind).collect::<Result<_, _>>().map(Self)
    }

    /// What is wrong with a text as types of events.
    pub fn problem(text: &str) -> Option<String> {
        Self::parse(text).err()
    }
}

/// The names of all types.
fn known() -> Vec<String> {
    let RefOr::T(Schema::Object(object)) = EventKind::schema() else { return Vec::new() };
    object.enum_values.iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect()
}

impl PartialSchema for EventTypes {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::Custom("event-types".into())))
            .description(Some(format!("Types of events, separated by commas: {}.", known().join(", "))))
            .examples(["operation_denied,budget_alert"])
            .into()
    }
}

impl ToSchema for EventTypes {
    fn name() -> Cow<'static, str> {
        "EventTypes".into()
    }
}

impl<'de> Deserialize<'de> for EventTypes {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Self::parse(&Cow::<str>::deserialize(d)?).map_err(D::Error::custom)
    }
}

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
    kinds: Option<EventTypes>,
    /// Only events of this session.
    session_id: Option<String>,
}

impl Wanted {
    /// What is wanted of the events wherever they begin.
    pub fn of(agent_id: Option<String>, kinds: Option<EventTypes>, session_id: Option<String>) -> Self {
        Self { since: None, agent_id, kinds, session_id }
    }

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
            && self.kinds.as_ref().is_none_or(|kinds| kinds.0.contains(&event.kind))
    }
}
