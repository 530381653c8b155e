//! What an identity file says of an agent.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// What one identity file says. `None` where it does not say.
#[derive(Debug, Clone, Default, PartialEq, Encode, Decode, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs)]
pub struct Identity {
    #[bincode(with_serde)]
    pub agent_id: Option<Uuid>,
    /// `^[a-z0-9-]+$`.
    #[schema(required, pattern = "^[a-z0-9-]+$", min_length = 1, max_length = 128)]
    pub name: String,
    pub display_name: Option<String>,
    pub description: Option<String>,
    #[schema(min_length = 1, max_length = 64)]
    pub role: Option<String>,
    #[schema(minimum = 0, maximum = 1)]
    pub role_confidence: Option<f64>,
    pub role_reasoning: Option<String>,
    pub capabilities: Option<Vec<String>>,
    pub allowed_tools: Option<Vec<String>>,
    pub denied_tools: Option<Vec<String>>,
    pub path_scopes: Option<Vec<String>>,
    pub api_access: Option<Vec<String>>,
    pub requires_approval: Option<bool>,
    #[schema(minimum = 0, maximum = 1e9)]
    pub approval_threshold: Option<f64>,
    #[schema(minimum = 1, maximum = 1_000_000_000_000_000_u64)]
    pub max_tokens_per_session: Option<u64>,
    #[schema(exclusive_minimum = 0, maximum = 1e9)]
    pub max_cost_per_day: Option<f64>,
    #[schema(min_length = 1, max_length = 16)]
    pub currency: Option<String>,
    #[schema(min_length = 1, max_length = 64)]
    pub category: Option<String>,
    pub specialist: Option<bool>,
    pub version: Option<String>,
    pub tags: Option<Vec<String>>,
}
