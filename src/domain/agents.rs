//! The agent: who it is, what it may do, what it may spend.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::time::Timestamp;
use crate::store::{Index, Record, TableName, Value};

/// What an agent may do.
#[derive(Debug, Clone, PartialEq, Encode, Decode, Serialize, Deserialize, ToSchema)]
pub struct Rbac {
    /// Tools it may use; `*` means all.
    #[schema(example = json!(["Read", "Edit", "Bash"]))]
    pub allowed_tools: Vec<String>,
    /// Tools it may not use, whatever else is allowed.
    pub denied_tools: Vec<String>,
    /// Globs of the paths it may touch.
    #[schema(example = json!(["src/**"]))]
    pub path_scopes: Vec<String>,
    /// Services it may call; `*` means all.
    #[schema(example = json!(["github"]))]
    pub api_access: Vec<String>,
    /// Whether every operation needs a person's approval.
    pub requires_approval: bool,
    /// The cost of one operation in USD from which it needs approval.
    #[schema(example = 10.0)]
    pub approval_threshold: f64,
}

/// What an agent may spend.
#[derive(Debug, Clone, PartialEq, Encode, Decode, Serialize, Deserialize)]
pub struct Limits {
    /// Tokens a session may use.
    pub max_tokens_per_session: u64,
    /// What a UTC day may cost, in `currency`.
    pub max_cost_per_day: f64,
    /// ISO 4217.
    pub currency: String,
}

/// Where an agent belongs.
#[derive(Debug, Clone, PartialEq, Encode, Decode, Serialize, Deserialize, ToSchema)]
pub struct Metadata {
    /// Such as `delivery` or `quality`.
    #[schema(example = "delivery")]
    pub category: String,
    /// Whether it does one thing only.
    pub specialist: bool,
    /// The version of its definition.
    #[schema(example = "1.0.0")]
    pub version: String,
    /// Free words.
    pub tags: Vec<String>,
}

/// Who made an agent.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub enum Origin {
    /// A client of the API.
    Api,
    /// An identity file, by its absolute path.
    File(String),
}

/// An agent's identity. What changes with use is kept apart from it, in counters.
#[derive(Debug, Clone, PartialEq, Encode, Decode, Serialize, Deserialize)]
pub struct Agent {
    /// The id, unique and unchanging.
    #[bincode(with_serde)]
    pub agent_id: Uuid,
    /// The name, unique: `^[a-z0-9-]+$`.
    pub name: String,
    /// The name for people.
    pub display_name: String,
    /// What it does.
    pub description: Option<String>,
    /// Such as `developer`.
    pub role: String,
    /// How sure the role is, 0-1.
    pub role_confidence: f64,
    /// Why it has the role.
    pub role_reasoning: Option<String>,
    /// What it can do.
    pub capabilities: Vec<String>,
    /// What it may do.
    pub rbac: Rbac,
    /// What it may spend.
    pub limits: Limits,
    /// Where it belongs.
    pub metadata: Metadata,
    /// Whether an operator stopped it.
    pub paused: bool,
    /// Who made it.
    pub origin: Origin,
    /// When it was first registered.
    pub created_at: Timestamp,
    /// When its identity last changed.
    pub updated_at: Timestamp,
}

/// Agents by name.
pub const BY_NAME: Index<Agent> = Index { table: "agents_by_name", values: |a, e| e.push(&a.name.as_str()) };
/// Agents by role.
pub const BY_ROLE: Index<Agent> = Index { table: "agents_by_role", values: |a, e| e.push(&a.role.as_str()) };
/// Agents by category.
pub const BY_CATEGORY: Index<Agent> =
    Index { table: "agents_by_category", values: |a, e| e.push(&a.metadata.category.as_str()) };
/// Agents by whether they are specialists.
pub const BY_SPECIALIST: Index<Agent> =
    Index { table: "agents_by_specialist", values: |a, e| e.push(&u8::from(a.metadata.specialist)) };
/// Agents by tag.
pub const BY_TAG: Index<Agent> = Index {
    table: "agents_by_tag",
    values: |a, e| a.metadata.tags.iter().for_each(|tag| e.push(&tag.as_str())),
};

impl Value for Agent {
    const TABLE: TableName = "agents";
    type Key = Uuid;
}

impl Record for Agent {
    const INDEXES: &'static [Index<Self>] = &[BY_NAME, BY_ROLE, BY_CATEGORY, BY_SPECIALIST, BY_TAG];

    fn key(&self) -> Uuid {
        self.agent_id
    }
}

/// The name for people that a plain name gives: `code-reviewer` becomes `Code Reviewer`.
#[must_use]
pub fn display_name(name: &str) -> String {
    let words = name.split('-').filter(|w| !w.is_empty()).map(|word| {
        let (first, rest) = word.split_at(word.chars().next().map_or(0, char::len_utf8));
        first.to_uppercase() + rest
    });
    let shown = words.collect::<Vec<_>>().join(" ");
    if shown.is_empty() { name.into() } else { shown }
}
