//! What metrics are summed by.

use uuid::Uuid;

use crate::domain::metrics::Metric;
use crate::store::Key;
use crate::store::codec::CodecError;

/// Which metrics are summed together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// All.
    All,
    /// Those of an agent.
    Agent(Uuid),
    /// Those of a type.
    Type(String),
    /// Those of an agent and a type.
    AgentType(Uuid, String),
}

impl Scope {
    /// What the keys of all agents begin with.
    pub const AGENTS: &[u8] = &[1];
    /// What the keys of all types begin with.
    pub const TYPES: &[u8] = &[2];

    /// What the keys of an agent's types begin with.
    #[must_use]
    pub fn types_of(agent: Uuid) -> Vec<u8> {
        (3_u8, agent).to_bytes()
    }

    /// The scope of some filters.
    #[must_use]
    pub fn of(agent: Option<Uuid>, metric_type: Option<&str>) -> Self {
        match (agent, metric_type) {
            (None, None) => Self::All,
            (Some(agent), None) => Self::Agent(agent),
            (None, Some(t)) => Self::Type(t.into()),
            (Some(agent), Some(t)) => Self::AgentType(agent, t.into()),
        }
    }

    /// The scopes that a metric belongs to.
    #[must_use]
    pub fn all_of(metric: &Metric) -> [Self; 4] {
        let (agent, metric_type) = (metric.agent_id, &metric.metric_type);
        [
            Self::All,
            Self::Agent(agent),
            Self::Type(metric_type.clone()),
            Self::AgentType(agent, metric_type.clone()),
        ]
    }
}

impl Key for Scope {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::All => 0_u8.write(out),
            Self::Agent(agent) => (1_u8, *agent).write(out),
            Self::Type(t) => (2_u8, t.as_str()).write(out),
            Self::AgentType(agent, t) => (3_u8, *agent, t.as_str()).write(out),
        }
    }

    fn read(input: &mut &[u8]) -> Result<Self, CodecError> {
        Ok(match u8::read(input)? {
            0 => Self::All,
            1 => Self::Agent(Uuid::read(input)?),
            2 => Self::Type(String::read(input)?),
            3 => Self::AgentType(Uuid::read(input)?, String::read(input)?),
            other => return Err(CodecError(format!("unknown scope {other}"))),
        })
    }
}
