//! What the server says, and how an event looks as a line.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::commands::output::safe;
use crate::domain::time::Timestamp;

/// A frame of the stream. What does not apply is missing; what is not needed is passed over.
#[derive(Debug, Deserialize)]
pub struct Frame<'a> {
    /// What it is: an event's type, or `stats`, `batch`, `gap`, `ping`.
    #[serde(rename = "type")]
    pub kind: String,
    /// An event's place in the stream.
    pub seq: Option<u64>,
    timestamp: Option<Timestamp>,
    #[serde(default, rename = "agentName")]
    agent_name: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    metadata: Metadata,
    /// The server's last event, of `stats`.
    #[serde(default)]
    pub data: Stats,
    /// The first and last event that are missing, of `gap`.
    pub from: Option<u64>,
    /// See `from`.
    pub to: Option<u64>,
    /// The events of a `batch`.
    #[serde(borrow, default)]
    pub events: Vec<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
struct Metadata {
    cost: Option<f64>,
    file: Option<String>,
}

/// The figures of `stats`. An event's record is in the same place and has none of them.
#[derive(Debug, Default, Deserialize)]
pub struct Stats {
    /// How many agents are registered.
    pub total_agents: Option<u64>,
    /// The number of the last event.
    pub last_seq: Option<u64>,
}

/// Red and yellow for what a person should look at.
fn colour(kind: &str) -> Option<&'static str> {
    match kind {
        "operation_denied" | "quality_gate_failed" | "task_failed" => Some("\x1b[31m"),
        "budget_alert" | "operation_requires_approval" | "approval_requested" => Some("\x1b[33m"),
        _ => None,
    }
}

impl Frame<'_> {
    /// Time (UTC), type, agent, cost, message and target, in columns; whatever a client wrote is made safe.
    pub fn line(&self, colours: bool) -> String {
        let time = self.timestamp.map(|at| at.to_string());
        let time = time.as_deref().and_then(|text| text.get(11..19)).unwrap_or("--:--:--");
        let cost = self.metadata.cost.filter(|cost| *cost > 0.0).map(|cost| format!("{cost:.4}"));
        // The message begins with the agent, who has a column already.
        let prefix = format!("{}: ", self.agent_name);
        let message = self.message.strip_prefix(&prefix).unwrap_or(&self.message);
        // What it was done to, where the message does not say.
        let file = self.metadata.file.as_deref().filter(|file| !message.contains(file));
        let message = format!("{message}  {}", file.unwrap_or_default());
        let (kind, agent, message) = (safe(&self.kind), safe(&self.agent_name), safe(&message));
        let line = format!("{time}  {kind:<27}  {agent:<32}  {:>8}  {message}", cost.unwrap_or_default());
        match colour(&self.kind).filter(|_| colours) {
            Some(colour) => format!("{colour}{}\x1b[0m", line.trim_end()),
            None => line.trim_end().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DENIED: &str = r#"{"type":"operation_denied","seq":3,"timestamp":"2026-11-22T14:03:09.5Z","agentName":"coder",
        "message":"coder: Write denied\u001b[2J","metadata":{"cost":0.5,"file":"src/a\u0007.rs","other":[]},"data":{"seq":1,"context":{}}}"#;

    #[test]
    fn a_line_has_columns_and_nothing_that_moves_the_cursor() {
        let frame: Frame = serde_json::from_str(DENIED).unwrap();
        let line = frame.line(false);
        let (agent, cost) = (" ".repeat(29), "  0.5000");
        let kind = " ".repeat(13);
        assert_eq!(
            line,
            format!(
                "14:03:09  operation_denied{kind}coder{agent}{cost}  Write denied\\u{{1b}}[2J  src/a\\u{{7}}.rs"
            )
        );
        assert_eq!(frame.line(true), format!("\x1b[31m{line}\x1b[0m"));
    }

    #[test]
    fn what_is_missing_leaves_its_column_empty() {
        let frame: Frame = serde_json::from_str(r#"{"type":"x","seq":1,"message":"plain"}"#).unwrap();
        assert_eq!(frame.line(true).split_whitespace().collect::<Vec<_>>(), ["--:--:--", "x", "plain"]);
    }
}
