//! Asking: what an agent wants to do, made into a question that can be decided.

use serde::Deserialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::{Call, Check, Dimension, Rights};
use crate::domain::audit::{Decision, Hash, NewAudit};
use crate::domain::decision::Asked;
use crate::domain::idempotency::hash_of;
use crate::domain::metric_sums::billionths;
use crate::domain::question::Question;
use crate::domain::text::JsonText;
use crate::domain::time::Timestamp;

/// What an agent wants to do.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PolicyQuestion, example = json!({
    "agent": "coder", "tool": "Write", "path": "src/main.rs", "cwd": "/home/me/project", "estimated_cost_usd": 0.02,
    "estimated_tokens": 1500, "session_id": "s-1"
}))]
pub struct Wish {
    /// The agent's id, or its name.
    #[schema(min_length = 1, max_length = 128)]
    pub agent: String,
    /// The tool's name.
    #[schema(min_length = 1, max_length = 1024)]
    pub tool: String,
    /// The path that it is on.
    #[schema(max_length = 32768)]
    pub path: Option<String>,
    /// The command that it runs.
    pub command: Option<String>,
    /// The service that it calls.
    #[schema(max_length = 1024)]
    pub api: Option<String>,
    /// What it is on otherwise, such as an address.
    #[schema(max_length = 32768)]
    pub target: Option<String>,
    /// What it may cost, in USD: held until a metric tells what it did cost.
    #[schema(minimum = 0, maximum = 1e9)]
    pub estimated_cost_usd: Option<f64>,
    /// How many tokens it may take: held as the cost is.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_000_u64)]
    pub estimated_tokens: Option<u64>,
    /// The session.
    #[schema(max_length = 4096)]
    pub session_id: Option<String>,
    /// The folder that the agent is in.
    #[schema(max_length = 32768)]
    pub cwd: Option<String>,
    /// The folder of its project, to which path scopes are relative; without it, `cwd`.
    #[schema(max_length = 32768)]
    pub project_root: Option<String>,
    /// Whatever you want kept with it, at most 64 KiB.
    #[schema(value_type = Option<Object>)]
    pub context: Option<JsonText>,
}

/// How a question is decided.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// Whether agents that are not registered may do what they like.
    pub unknown_may: bool,
    /// When it is asked.
    pub at: Timestamp,
    /// Until when what is allowed is held for.
    pub hold_until: Timestamp,
    /// Until when a person may answer.
    pub answer_until: Timestamp,
    /// Makes ids unguessable.
    pub nonce: u64,
}

/// How many bytes of a text a record holds.
const KEPT: usize = 4096;

/// The beginning of a text that is longer than a record holds.
fn kept(text: &str) -> String {
    let mut end = text.len().min(KEPT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

impl Wish {
    /// The call of a tool that it is.
    #[must_use]
    pub fn call(&self) -> Call<'_> {
        let (root, cwd) = (self.project_root.as_deref(), self.cwd.as_deref());
        let call = Call {
            api: self.api.as_deref(),
            target: self.target.as_deref(),
            cost_usd: self.estimated_cost_usd,
            ..Call::of(&self.tool)
        };
        call.on_path(self.path.as_deref(), root, cwd).running(self.command.as_deref())
    }

    /// The question that it is, with what the rights of the agent say of it: `None` where it is not registered.
    #[must_use]
    pub fn asked(mut self, rights: Option<&Rights>, terms: Terms) -> Asked {
        // One without a name is none.
        self.session_id = self.session_id.filter(|session| !session.is_empty());
        let call = self.call();
        let (checks, asks) = match rights {
            Some(rights) => (rights.examine(&call), rights.asks(&call)),
            None if terms.unknown_may => {
                (vec![Check::allowed(Dimension::Identity, "unknown_agent: allow")], None)
            }
            None => (vec![Check::denied(Dimension::Identity, "unknown_agent: deny")], None),
        };
        // Where a path leads counts, and not how that is written.
        let leads =
            call.places.iter().filter_map(|place| place.absolute.as_ref().or(place.relative.as_ref()));
        let leads: Vec<&str> = leads.map(String::as_str).collect();
        let path = if leads.is_empty() { self.path.clone().unwrap_or_default() } else { leads.join("\n") };
        drop(call);
        let agent = rights.map(|rights| &rights.agent);
        let bytes = |text: &Option<String>| text.clone().unwrap_or_default().into_bytes();
        let parts = [
            agent.map(|agent| agent.agent_id).unwrap_or_default().as_bytes().to_vec(),
            self.tool.clone().into_bytes(),
            path.into_bytes(),
            bytes(&self.command),
            bytes(&self.api),
            bytes(&self.target),
            bytes(&self.session_id),
            // Whoever approved so much did not approve more.
            billionths(self.estimated_cost_usd.unwrap_or(0.0)).to_be_bytes().to_vec(),
        ];
        let same = hash_of(&parts.each_ref().map(Vec::as_slice));
        let question = Question {
            tool: self.tool.clone(),
            path: self.path.as_deref().map(kept),
            command: self.command.as_deref().map(kept),
            command_sha256: self.command.as_ref().filter(|text| text.len() > KEPT).map(|text| sha256(text)),
            api: self.api.clone(),
            target: self.target.as_deref().map(kept),
            cwd: self.cwd.as_deref().map(kept),
            project_root: self.project_root.as_deref().map(kept),
            session_id: self.session_id.clone(),
            estimated_cost_usd: self.estimated_cost_usd,
            estimated_tokens: self.estimated_tokens,
        };
        let (target, target_type) = match &question {
            Question { path: Some(path), .. } => (Some(path), "file"),
            Question { command: Some(command), .. } => (Some(command), "command"),
            Question { api: Some(api), .. } => (Some(api), "api"),
            Question { target, .. } => (target.as_ref(), "target"),
        };
        let told = NewAudit {
            agent_id: Some(agent.map_or_else(|| self.agent.clone(), |agent| agent.agent_id.to_string())),
            agent_name: Some(agent.map_or_else(|| self.agent.clone(), |agent| agent.name.clone())),
            agent_role: agent.map(|agent| agent.role.clone()),
            operation_type: Some(if self.api.is_some() { "api_call" } else { "tool_use" }.into()),
            operation_detail: Some(self.tool),
            target_type: target.map(|_| target_type.into()),
            target_resource: target.cloned(),
            decision: Decision::Unknown,
            reason: None,
            cost_usd: self.estimated_cost_usd.unwrap_or(0.0),
            tokens_used: self.estimated_tokens.unwrap_or(0),
            session_id: self.session_id,
            context: self.context.unwrap_or_default(),
            timestamp: terms.at,
            nonce: terms.nonce,
        };
        Asked {
            agent_id: agent.map(|agent| agent.agent_id),
            told,
            question,
            same,
            checks,
            asks,
            hold_until: terms.hold_until,
            answer_until: terms.answer_until,
        }
    }
}

fn sha256(text: &str) -> String {
    Hash(Sha256::digest(text.as_bytes()).into()).to_string()
}
