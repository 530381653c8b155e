//! Every event that is documented, in both styles of paths, of the main session and of a subagent.

use std::path::Path;

use serde_json::{Value, json};

use crate::client::Client;
use crate::harness::{answer, decision, get, governed, said};
use crate::process::{assert_sound, data_file};

/// The events that the runtime documents.
const DOCUMENTED: &str = "SessionStart Setup UserPromptSubmit PreToolUse PermissionRequest PermissionDenied PostToolUse \
                          PostToolUseFailure PostToolBatch Notification SubagentStart SubagentStop TaskCreated \
                          TaskCompleted Stop StopFailure PreCompact PostCompact SessionEnd";

/// The events that were recorded, by name.
fn corpus() -> Vec<(String, Vec<Value>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/hooks");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let name = |file: &Path| file.file_stem().unwrap().to_str().unwrap().to_owned();
    let events = |file: &Path| serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    files.iter().map(|file| (name(file), events(file))).collect()
}

#[test]
fn the_corpus_is_of_every_documented_event_in_both_styles() {
    let corpus = corpus();
    for event in DOCUMENTED.split_whitespace() {
        let (_, events) =
            corpus.iter().find(|(name, _)| name == event).unwrap_or_else(|| panic!("no {event}"));
        for is_windows in [true, false] {
            for is_main in [true, false] {
                let is_one = |of: &&Value| {
                    of["hook_event_name"] == event
                        && of["cwd"].as_str().unwrap().contains('\\') == is_windows
                        && (of.get("agent_id").is_none() == is_main || event == "SubagentStart")
                };
                assert!(events.iter().any(|of| is_one(&of)), "{event}: windows {is_windows}, main {is_main}");
            }
        }
    }
}

/// What is to be decided of a call: by the tool, and what it is on.
fn wanted(event: &Value) -> &'static str {
    let input = &event["tool_input"];
    let path = input["file_path"].as_str().unwrap_or_default();
    match event["tool_name"].as_str().unwrap() {
        "WebFetch" | "WebSearch" | "Agent" | "Skill" | "TodoWrite" => "deny",
        _ if path.contains("..") || path.contains(".env") => "deny",
        // Nobody answers.
        "Bash" if input["command"].as_str().unwrap().contains("push") => "deny",
        _ => "allow",
    }
}

#[test]
fn every_event_is_answered_as_it_is_documented_by_the_command_and_by_the_server() {
    let (_folder, data) = data_file();
    let server = governed(&data);
    let mut client = Client::connect(server.address).unwrap();
    let (mut asked, mut told) = (0, 0);
    for (name, events) in corpus() {
        for event in events {
            let by_command = answer(&data, &event);
            let (status, answered) =
                client.request("POST", "/api/v1/hooks/claude-code?wait=0", Some(&event)).unwrap();
            assert_eq!(status, 200, "{event}: {answered}");
            let by_server = if answered == json!({}) { String::new() } else { answered.to_string() };
            let by_server = said(&name, &by_server);
            if ["PreToolUse", "PermissionRequest"].contains(&name.as_str()) {
                asked += 1;
                assert_eq!(decision(&by_command).0, wanted(&event), "{event}: {by_command}");
                assert_eq!(decision(&by_server).0, wanted(&event), "{event}: {by_server}");
            } else {
                told += 1;
                assert_eq!((&by_command, &by_server), (&Value::Null, &Value::Null), "{event}");
            }
        }
    }
    // All of it was recorded, twice.
    let audit = get(&server, "/api/v1/events/audit?limit=1");
    assert!(asked > 50 && told > 100, "{asked} {told}");
    let acts = 2;
    assert_eq!(audit[0]["seq"], 2 * (asked + told) + acts - 1);
    let of = |agent: &str, kind: &str| {
        let id = get(&server, &format!("/api/v1/agents/name/{agent}"))["agent_id"].clone();
        let id = id.as_str().unwrap();
        let path = format!("/api/v1/events/audit?limit=1&agent_id={id}&operation_type={kind}");
        get(&server, &path).as_array().unwrap().len()
    };
    for kind in ["tool_use", "api_call", "tool_result", "session", "task_end", "runtime_event"] {
        assert_eq!((of("coder", kind), of("claude-code", kind)), (1, 1), "{kind}");
    }
    server.kill();
    assert_sound(&data);
}
