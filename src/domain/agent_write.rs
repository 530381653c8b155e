//! Writing agents: the flat members that a client sends, and what they make of an agent.

use globset::Glob;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::agents::{Agent, Limits, Metadata, Origin, Rbac, display_name};
use super::refusal::{FieldError, Refusal};
use super::time::Timestamp;

/// A new agent, as a client sends it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "coder", "role": "developer", "description": "Writes and changes code", "capabilities": ["coding"],
    "rbac_allowed_tools": ["Read", "Edit", "Bash"], "rbac_path_scopes": ["src/**", "tests/**"],
    "budget_max_tokens_per_session": 200_000, "budget_max_cost_per_day": 30.0, "metadata_category": "delivery"
}))]
pub struct AgentDraft {
    /// Unique in the registry.
    #[schema(pattern = "^[a-z0-9-]+$", min_length = 1, max_length = 128)]
    pub name: String,
    /// `admin developer reviewer security database frontend backend tester analyst coordinator`, or one of your own.
    #[schema(min_length = 1, max_length = 64)]
    pub role: String,
    /// How sure the role is.
    #[schema(minimum = 0, maximum = 1, default = 1.0)]
    pub role_confidence: Option<f64>,
    /// Why it has the role.
    #[schema(max_length = 4096)]
    pub role_reasoning: Option<String>,
    /// What it can do.
    #[schema(max_items = 1000)]
    pub capabilities: Vec<ShortText>,
    /// Tools it may use; `*` means all.
    #[schema(max_items = 1000)]
    pub rbac_allowed_tools: Vec<ShortText>,
    /// Tools it may not use, whatever else is allowed.
    #[schema(max_items = 1000)]
    pub rbac_denied_tools: Option<Vec<ShortText>>,
    /// Globs of the paths it may touch.
    #[schema(max_items = 1000)]
    pub rbac_path_scopes: Vec<PathScope>,
    /// Services it may call; `*` means all.
    #[schema(max_items = 1000)]
    pub rbac_api_access: Option<Vec<ShortText>>,
    /// Whether every operation needs a person's approval.
    #[schema(default = false)]
    pub rbac_requires_approval: Option<bool>,
    /// The cost of one operation in USD from which it needs approval.
    #[schema(minimum = 0, maximum = 1e9, default = 10.0)]
    pub rbac_approval_threshold: Option<f64>,
    /// Tokens a session may use.
    #[schema(minimum = 1, maximum = 1_000_000_000_000_000_u64)]
    pub budget_max_tokens_per_session: u64,
    /// What a UTC day may cost.
    #[schema(exclusive_minimum = 0, maximum = 1e9)]
    pub budget_max_cost_per_day: f64,
    /// ISO 4217.
    #[schema(pattern = "^[A-Z]{3}$", default = "USD")]
    pub budget_currency: Option<String>,
    /// `delivery foundry operations orchestration platforms quality research security specialists tooling`, or one of
    /// your own.
    #[schema(min_length = 1, max_length = 64)]
    pub metadata_category: String,
    /// Whether it does one thing only.
    #[schema(default = false)]
    pub metadata_specialist: Option<bool>,
    /// The version of its definition.
    #[schema(max_length = 64, default = "1.0.0")]
    pub metadata_version: Option<String>,
    /// Free words.
    #[schema(max_items = 1000)]
    pub metadata_tags: Option<Vec<ShortText>>,
    /// What it does.
    #[schema(max_length = 4096)]
    pub description: Option<String>,
    /// The name for people; made from the name when missing.
    #[schema(max_length = 256)]
    pub display_name: Option<String>,
}

/// An item of a list: at most 512 characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(min_length = 1, max_length = 512)]
pub struct ShortText(pub String);

fn plain(items: Vec<ShortText>) -> Vec<String> {
    items.into_iter().map(|item| item.0).collect()
}

/// A glob of paths.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(min_length = 1, max_length = 512, format = "glob")]
pub struct PathScope(pub String);

impl PathScope {
    /// What is wrong with a text as a glob.
    #[must_use]
    pub fn problem(text: &str) -> Option<String> {
        Glob::new(text).err().map(|e| format!("is not a valid glob: {}", e.kind()))
    }
}

fn scopes(scopes: Vec<PathScope>) -> Vec<String> {
    scopes.into_iter().map(|scope| scope.0).collect()
}

impl AgentDraft {
    /// The agent that this makes.
    #[must_use]
    pub fn into_agent(self, agent_id: Uuid, at: Timestamp) -> Agent {
        Agent {
            agent_id,
            display_name: self.display_name.unwrap_or_else(|| display_name(&self.name)),
            name: self.name,
            description: self.description,
            role: self.role,
            role_confidence: self.role_confidence.unwrap_or(1.0),
            role_reasoning: self.role_reasoning,
            capabilities: plain(self.capabilities),
            rbac: Rbac {
                allowed_tools: plain(self.rbac_allowed_tools),
                denied_tools: plain(self.rbac_denied_tools.unwrap_or_default()),
                path_scopes: scopes(self.rbac_path_scopes),
                api_access: plain(self.rbac_api_access.unwrap_or_default()),
                requires_approval: self.rbac_requires_approval.unwrap_or(false),
                approval_threshold: self.rbac_approval_threshold.unwrap_or(DEFAULT_APPROVAL_THRESHOLD),
            },
            limits: Limits {
                max_tokens_per_session: self.budget_max_tokens_per_session,
                max_cost_per_day: self.budget_max_cost_per_day,
                currency: self.budget_currency.unwrap_or_else(|| DEFAULT_CURRENCY.into()),
            },
            metadata: Metadata {
                category: self.metadata_category,
                specialist: self.metadata_specialist.unwrap_or(false),
                version: self.metadata_version.unwrap_or_else(|| DEFAULT_VERSION.into()),
                tags: plain(self.metadata_tags.unwrap_or_default()),
            },
            paused: false,
            origin: Origin::Api,
            created_at: at,
            updated_at: at,
        }
    }
}

/// The cost of one operation in USD from which it needs approval, where nobody said.
pub const DEFAULT_APPROVAL_THRESHOLD: f64 = 10.0;
/// The currency of a budget, where nobody said.
pub const DEFAULT_CURRENCY: &str = "USD";
/// The version of an agent's definition, where nobody said.
pub const DEFAULT_VERSION: &str = "1.0.0";

/// A member that may be left out, or be `null` to clear the value.
type Clearable<T> = Option<Option<T>>;

/// Tells a member that is `null` from one that is missing.
fn clearable<'de, T: Deserialize<'de>, D: Deserializer<'de>>(d: D) -> Result<Clearable<T>, D::Error> {
    Option::<T>::deserialize(d).map(Some)
}

/// Changes to an agent: only the members sent change.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"budget_max_cost_per_day": 45.0, "metadata_tags": ["night-shift"]}))]
pub struct AgentPatch {
    /// The name cannot change: only the present one is accepted.
    #[schema(nullable = false)]
    pub name: Option<String>,
    /// See the new agent's member of this name; the same holds for all others.
    #[schema(nullable = false, min_length = 1, max_length = 64)]
    pub role: Option<String>,
    #[expect(missing_docs)]
    #[schema(nullable = false, minimum = 0, maximum = 1)]
    pub role_confidence: Option<f64>,
    #[expect(missing_docs)]
    #[schema(max_length = 4096)]
    #[serde(default, deserialize_with = "clearable")]
    pub role_reasoning: Clearable<String>,
    #[expect(missing_docs)]
    #[schema(nullable = false, max_items = 1000)]
    pub capabilities: Option<Vec<ShortText>>,
    #[expect(missing_docs)]
    #[schema(nullable = false, max_items = 1000)]
    pub rbac_allowed_tools: Option<Vec<ShortText>>,
    #[expect(missing_docs)]
    #[schema(nullable = false, max_items = 1000)]
    pub rbac_denied_tools: Option<Vec<ShortText>>,
    #[expect(missing_docs)]
    #[schema(nullable = false, max_items = 1000)]
    pub rbac_path_scopes: Option<Vec<PathScope>>,
    #[expect(missing_docs)]
    #[schema(nullable = false, max_items = 1000)]
    pub rbac_api_access: Option<Vec<ShortText>>,
    #[expect(missing_docs)]
    #[schema(nullable = false)]
    pub rbac_requires_approval: Option<bool>,
    #[expect(missing_docs)]
    #[schema(nullable = false, minimum = 0, maximum = 1e9)]
    pub rbac_approval_threshold: Option<f64>,
    #[expect(missing_docs)]
    #[schema(nullable = false, minimum = 1, maximum = 1_000_000_000_000_000_u64)]
    pub budget_max_tokens_per_session: Option<u64>,
    #[expect(missing_docs)]
    #[schema(nullable = false, exclusive_minimum = 0, maximum = 1e9)]
    pub budget_max_cost_per_day: Option<f64>,
    #[expect(missing_docs)]
    #[schema(nullable = false, pattern = "^[A-Z]{3}$")]
    pub budget_currency: Option<String>,
    #[expect(missing_docs)]
    #[schema(nullable = false, min_length = 1, max_length = 64)]
    pub metadata_category: Option<String>,
    #[expect(missing_docs)]
    #[schema(nullable = false)]
    pub metadata_specialist: Option<bool>,
    #[expect(missing_docs)]
    #[schema(nullable = false, max_length = 64)]
    pub metadata_version: Option<String>,
    #[expect(missing_docs)]
    #[schema(nullable = false, max_items = 1000)]
    pub metadata_tags: Option<Vec<ShortText>>,
    #[expect(missing_docs)]
    #[schema(max_length = 4096)]
    #[serde(default, deserialize_with = "clearable")]
    pub description: Clearable<String>,
    #[expect(missing_docs)]
    #[schema(nullable = false, max_length = 256)]
    pub display_name: Option<String>,
}

impl AgentPatch {
    /// The agent with these changes. `updated_at` moves only when something changed.
    ///
    /// # Errors
    /// When it would change the name.
    pub fn apply_to(self, before: &Agent, at: Timestamp) -> Result<Agent, Refusal> {
        fn set<T>(field: &mut T, value: Option<T>) {
            if let Some(value) = value {
                *field = value;
            }
        }
        if self.name.as_ref().is_some_and(|name| *name != before.name) {
            let error =
                FieldError::body("name", "value", "cannot change; delete the agent and create another");
            return Err(Refusal::Invalid(vec![error]));
        }
        let mut agent = before.clone();
        set(&mut agent.role, self.role);
        set(&mut agent.role_confidence, self.role_confidence);
        set(&mut agent.role_reasoning, self.role_reasoning);
        set(&mut agent.capabilities, self.capabilities.map(plain));
        set(&mut agent.rbac.allowed_tools, self.rbac_allowed_tools.map(plain));
        set(&mut agent.rbac.denied_tools, self.rbac_denied_tools.map(plain));
        set(&mut agent.rbac.path_scopes, self.rbac_path_scopes.map(scopes));
        set(&mut agent.rbac.api_access, self.rbac_api_access.map(plain));
        set(&mut agent.rbac.requires_approval, self.rbac_requires_approval);
        set(&mut agent.rbac.approval_threshold, self.rbac_approval_threshold);
        set(&mut agent.limits.max_tokens_per_session, self.budget_max_tokens_per_session);
        set(&mut agent.limits.max_cost_per_day, self.budget_max_cost_per_day);
        set(&mut agent.limits.currency, self.budget_currency);
        set(&mut agent.metadata.category, self.metadata_category);
        set(&mut agent.metadata.specialist, self.metadata_specialist);
        set(&mut agent.metadata.version, self.metadata_version);
        set(&mut agent.metadata.tags, self.metadata_tags.map(plain));
        set(&mut agent.description, self.description);
        set(&mut agent.display_name, self.display_name);
        if agent != *before {
            agent.updated_at = at;
        }
        Ok(agent)
    }
}
