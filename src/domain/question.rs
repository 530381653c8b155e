//! What is asked: of the rules, and of a person where they say so.

use bincode::{Decode, Encode};
use serde::Deserialize;
use serde::ser::{Serialize, SerializeMap, Serializer};
use utoipa::ToSchema;

/// What a person is asked about.
#[derive(Debug, Clone, Default, PartialEq, Encode, Decode, Deserialize, ToSchema)]
pub struct Question {
    /// The tool.
    #[schema(example = "Bash")]
    pub tool: String,
    /// The path that it is on.
    pub path: Option<String>,
    /// The command that it runs; of a long one the beginning.
    #[schema(example = "git push origin main")]
    pub command: Option<String>,
    /// The SHA-256 of a command that is longer than what is kept of it.
    pub command_sha256: Option<String>,
    /// The service that it calls.
    pub api: Option<String>,
    /// What it is on otherwise, such as an address.
    pub target: Option<String>,
    /// Where the agent is.
    pub cwd: Option<String>,
    /// Where its project lies.
    pub project_root: Option<String>,
    /// In which session.
    pub session_id: Option<String>,
    /// What it may cost, in USD.
    pub estimated_cost_usd: Option<f64>,
    /// How many tokens it may take.
    pub estimated_tokens: Option<u64>,
}

/// In the order of the members' names, as [`JsonText::sorted`](super::text::JsonText::sorted) wants it; they are stored
/// in another one.
impl Serialize for Question {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let text = |map: &mut S::SerializeMap, name, member: &Option<String>| match member {
            Some(member) => map.serialize_entry(name, member),
            None => Ok(()),
        };
        text(&mut map, "api", &self.api)?;
        text(&mut map, "command", &self.command)?;
        text(&mut map, "command_sha256", &self.command_sha256)?;
        text(&mut map, "cwd", &self.cwd)?;
        if let Some(cost) = self.estimated_cost_usd {
            map.serialize_entry("estimated_cost_usd", &cost)?;
        }
        if let Some(tokens) = self.estimated_tokens {
            map.serialize_entry("estimated_tokens", &tokens)?;
        }
        text(&mut map, "path", &self.path)?;
        text(&mut map, "project_root", &self.project_root)?;
        text(&mut map, "session_id", &self.session_id)?;
        text(&mut map, "target", &self.target)?;
        map.serialize_entry("tool", &self.tool)?;
        map.end()
    }
}
