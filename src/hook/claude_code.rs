//! The hooks of Claude Code: its events, its payloads and its answers.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};

use super::{Answer, Happening, Told, Usage};
use crate::domain::policy::asking::Wish;

/// What it sends, as far as it is known; members that are not are left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs)]
pub struct Payload {
    pub hook_event_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permission_mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transcript_path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_transcript_path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_name: Option<String>,
    #[serde(skip_serializing_if = "ToolInput::is_empty")]
    pub tool_input: ToolInput,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_use_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "any_text")]
    pub error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "any_text")]
    pub reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "any_text")]
    pub source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "any_text")]
    pub model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "any_text")]
    pub message: Option<String>,
    /// The calls of models since the last time, as the command read them from the transcript.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub agentmap_usage: Vec<Usage>,
}

/// What a tool is given, as far as rules are about it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs)]
pub struct ToolInput {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notebook_path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "any_text")]
    pub url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "any_text")]
    pub query: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "any_text")]
    pub subagent_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "any_text")]
    pub skill: Option<String>,
}

/// A text, or another value as its text: tools that no rule knows give such members what they like.
fn any_text<'de, D: Deserializer<'de>>(d: D) -> Result<Option<String>, D::Error> {
    Ok(match Option::<Value>::deserialize(d)? {
        None => None,
        Some(Value::String(text)) => Some(text),
        Some(other) => Some(other.to_string()),
    })
}

impl ToolInput {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The events after which the runtime waits to be told whether it may go on.
const ASKING: [&str; 2] = ["PreToolUse", "PermissionRequest"];

/// How many bytes of a text without rules are told on.
const TOLD: usize = 2000;

impl Payload {
    /// Reads what was sent.
    ///
    /// # Errors
    /// When it is no JSON object, has no event, or a known member has another type than it should.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let payload: Self =
            serde_json::from_slice(bytes).map_err(|e| format!("the event cannot be read: {e}"))?;
        if payload.hook_event_name.is_empty() {
            return Err("the event cannot be read: it has no hook_event_name".into());
        }
        Ok(payload)
    }

    /// Whether the runtime waits to be told whether it may go on.
    #[must_use]
    pub fn asks(&self) -> bool {
        ASKING.contains(&self.hook_event_name.as_str())
    }

    /// Whether a transcript may tell of calls that were paid for since the last time.
    #[must_use]
    pub fn ends_work(&self) -> bool {
        ["SubagentStop", "Stop", "SessionEnd"].contains(&self.hook_event_name.as_str())
    }

    /// The transcript of the agent that the event is about.
    #[must_use]
    pub fn transcript(&self) -> Option<&str> {
        self.agent_transcript_path.as_deref().or(self.transcript_path.as_deref())
    }

    /// What it tells, of the agent that `main` is where the event names none. `root` is the project's folder.
    #[must_use]
    pub fn happening(self, main: &str, root: Option<&str>) -> Happening {
        let named = self.agent_type.clone().filter(|name| !name.is_empty());
        let agent = named.unwrap_or_else(|| main.to_owned());
        let tool = self.tool_name.clone().unwrap_or_default();
        let input = &self.tool_input;
        let path =
            input.file_path.clone().or_else(|| input.notebook_path.clone()).or_else(|| input.path.clone());
        let target = [&input.url, &input.query, &input.subagent_type, &input.skill]
            .into_iter()
            .flatten()
            .next()
            .cloned();
        // `mcp__server__tool` calls that server.
        let api = tool
            .strip_prefix("mcp__")
            .and_then(|rest| rest.split_once("__"))
            .map(|(server, _)| server.to_owned());
        if self.asks() {
            let mut context = Map::new();
            context.insert("event".into(), json!(self.hook_event_name));
            for (name, value) in
                [("tool_use_id", &self.tool_use_id), ("permission_mode", &self.permission_mode)]
            {
                context.extend(value.as_ref().map(|value| (name.to_owned(), json!(value))));
            }
            return Happening::Asks(Box::new(Wish {
                agent,
                tool,
                path,
                command: input.command.clone(),
                api,
                target,
                session_id: self.session_id.clone(),
                project_root: root.map(str::to_owned).or_else(|| self.cwd.clone()),
                cwd: self.cwd,
                context: Some(crate::domain::text::JsonText::of(&Value::Object(context))),
                ..Wish::default()
            }));
        }
        let (kind, ran) = match self.hook_event_name.as_str() {
            "PostToolUse" => ("tool_result", Some((self.duration_ms, true))),
            "PostToolUseFailure" => ("tool_result", Some((self.duration_ms, false))),
            "SubagentStart" => ("agent_spawn", None),
            "SubagentStop" | "Stop" => ("task_end", None),
            "SessionStart" | "SessionEnd" => ("session", None),
            _ => ("runtime_event", None),
        };
        let is_tool = kind == "tool_result";
        let mut context = Map::new();
        for (name, value) in [
            ("error", &self.error),
            ("reason", &self.reason),
            ("source", &self.source),
            ("model", &self.model),
            ("message", &self.message),
            ("tool_use_id", &self.tool_use_id),
            ("cwd", &self.cwd),
        ] {
            context.extend(value.as_ref().map(|value| (name.to_owned(), json!(cut(value)))));
        }
        context.insert("event".into(), json!(self.hook_event_name));
        let (on, of) = match (&path, &input.command) {
            (Some(path), _) => (Some(path), "file"),
            (None, Some(command)) => (Some(command), "command"),
            (None, None) => (target.as_ref(), "target"),
        };
        Happening::Told(Box::new(Told {
            agent,
            kind,
            detail: Some(if is_tool { cut(&tool) } else { cut(&self.hook_event_name) }),
            target: on.map(|on| cut(on)),
            target_type: Some(of),
            context,
            session_id: self.session_id.map(|session| cut(&session)),
            ran,
            began: kind == "agent_spawn",
            ended: self.hook_event_name == "SubagentStop",
            usage: self.agentmap_usage,
        }))
    }
}

fn cut(text: &str) -> String {
    let mut end = text.len().min(TOLD);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

/// How many characters of a reason it shows.
const REASON: usize = 10_000;

/// What is written to its standard output; `None` where nothing is.
#[must_use]
pub fn output(event: &str, answer: &Answer) -> Option<String> {
    let short = |reason: &str| reason.chars().take(REASON).collect::<String>();
    let output = match (event, answer) {
        ("PreToolUse", Answer::Allow(reason)) => before_tool("allow", &short(reason)),
        ("PreToolUse", Answer::Deny(reason)) => before_tool("deny", &short(reason)),
        ("PreToolUse", Answer::Ask(reason)) => before_tool("ask", &short(reason)),
        ("PermissionRequest", Answer::Allow(_)) => {
            json!({"hookEventName": event, "decision": {"behavior": "allow"}})
        }
        ("PermissionRequest", Answer::Deny(reason)) => {
            json!({"hookEventName": event, "decision": {"behavior": "deny", "message": short(reason)}})
        }
        // The person is asked anyway; other events ask nothing.
        _ => return None,
    };
    Some(json!({"hookSpecificOutput": output}).to_string())
}

fn before_tool(decision: &str, reason: &str) -> Value {
    json!({"hookEventName": "PreToolUse", "permissionDecision": decision, "permissionDecisionReason": reason})
}

/// What an event that cannot be read is, as far as its text tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seems {
    /// One that asks: which.
    Asking(&'static str),
    /// One that asks nothing.
    Telling,
    /// The text does not tell.
    Unknown,
}

impl Seems {
    /// Looks for the event's name. What a tool is given may name another before the event names itself: a text in which
    /// one that asks is named anywhere asks.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(64 * 1024)]);
        // A name that ends.
        let named = text.split_once("\"hook_event_name\"").and_then(|(_, after)| {
            let mut quoted = after.split('"');
            quoted.nth(1).filter(|name| !name.is_empty() && !name.contains('\\') && quoted.next().is_some())
        });
        let names = |name: &str| {
            let name = format!("\"{name}\"");
            bytes.windows(name.len()).any(|part| part == name.as_bytes())
        };
        let asking = ASKING.into_iter().find(|name| named == Some(name));
        match asking.or_else(|| ASKING.into_iter().find(|name| names(name))) {
            Some(name) => Self::Asking(name),
            None if named.is_some() => Self::Telling,
            None => Self::Unknown,
        }
    }
}
