//! `agentmap doctor`: whether the hook does what it is there for, tried out and told in plain words.

use std::io::Write;
use std::process::{Command, ExitCode, Stdio};

use serde_json::{Value, json};
use uuid::Uuid;

use super::hook::{install::settings_files, settings_file};
use super::{Ran, client, output, presence};
use crate::config::Config;

/// Who is denied everything: nobody registers under such a name.
const NOBODY: &str = "agentmap-doctor";

/// Tells what works and what does not. Fails where something does not.
pub async fn doctor(config: Config) -> Ran {
    let mut wrong = 0;
    let mut tell = |good: bool, text: String| {
        wrong += usize::from(!good);
        output::say(&format!("{} {}", if good { "ok   " } else { "WRONG" }, output::safe(&text)));
    };
    let note = presence::find(&config.data);
    let health = match &note {
        None => None,
        Some(note) => client::request(note, "GET", "/health", None).await.ok(),
    };
    match (&note, &health) {
        (Some(note), Some((200, _))) => tell(true, format!("a server answers at {}", note.url())),
        (Some(note), _) => {
            tell(false, format!("the server at {} does not answer: start `agentmap serve`", note.url()));
        }
        (None, _) => {
            tell(false, format!("no server runs on {}: start `agentmap serve`", config.data.display()));
        }
    }
    let found: Vec<_> = settings_files()
        .into_iter()
        .filter_map(|file| {
            let text = std::fs::read_to_string(&file).ok()?;
            Some((settings_file::installed(&text, "PreToolUse")?, file))
        })
        .collect();
    if found.is_empty() {
        tell(false, "Claude Code does not ask agentmap: run `agentmap hook install`".into());
    }
    for ((program, args), file) in found {
        let place = file.display();
        let session = format!("doctor-{}", Uuid::new_v4());
        match denied_call(&program, &args, &session) {
            Err(why) => tell(false, format!("{place}: the hook {program} does not work: {why}")),
            Ok(()) => {
                tell(true, format!("{place}: a call that must not be made is blocked"));
                let path = format!("/api/v1/events/audit?session_id={session}");
                let records = match &note {
                    Some(note) => client::request(note, "GET", &path, None).await.ok(),
                    None => None,
                };
                let arrived =
                    records.is_some_and(|(_, records)| records.as_array().is_some_and(|all| !all.is_empty()));
                if arrived {
                    tell(true, format!("{place}: its record arrived in the audit trail"));
                } else {
                    tell(
                        false,
                        format!(
                            "{place}: its record is not in the audit trail of this data: does the hook name another file with \
                         --data?"
                        ),
                    );
                }
            }
        }
    }
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Has the hook answer a call that nothing allows.
fn denied_call(program: &str, args: &[String], session: &str) -> Result<(), String> {
    let event = json!({
        "hook_event_name": "PreToolUse", "session_id": session, "agent_type": NOBODY, "cwd": "/",
        "tool_name": "Write", "tool_input": {"file_path": "/etc/agentmap-doctor"}, "tool_use_id": "doctor",
    });
    let mut hook = Command::new(program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| format!("it cannot be started: {e}"))?;
    if let Some(mut stdin) = hook.stdin.take() {
        stdin.write_all(event.to_string().as_bytes()).map_err(|e| e.to_string())?;
    }
    let ended = hook.wait_with_output().map_err(|e| e.to_string())?;
    let said = String::from_utf8_lossy(&ended.stdout);
    let answer: Value = serde_json::from_str(&said).unwrap_or_default();
    let decision = answer["hookSpecificOutput"]["permissionDecision"].as_str();
    match (ended.status.code(), decision) {
        (Some(0), Some("deny")) | (Some(2), None) => Ok(()),
        (_, Some("allow")) => {
            Err("it lets agents that are not registered do anything (unknown-agent = allow)".into())
        }
        (Some(0), Some("ask")) => Err("it asks, because no server answers".into()),
        (code, _) => Err(format!(
            "it ended with {} and said '{}'",
            code.map_or("a signal".into(), |code| code.to_string()),
            said.trim()
        )),
    }
}
