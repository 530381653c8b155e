//! The hook as the runtime starts it, and a server with the agents that ask.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Instant;

use serde_json::{Value, json};

use crate::client::Client;
use crate::process::{PATIENCE, Server, agentmap, text};

/// The agents that are registered: the one of the main session, and one that is started by it.
pub const AGENTS: [&str; 2] = ["claude-code", "coder"];

/// Runs the hook with what it is given on standard input.
pub fn hook_with(args: &[&str], data: &Path, event: &[u8]) -> Output {
    let mut command = agentmap(&[&["hook"], args].concat(), data);
    command.env_remove("CLAUDE_PROJECT_DIR");
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        // It may end before it has read all.
        scope.spawn(move || drop(stdin.write_all(event)));
        child.wait_with_output().unwrap()
    })
}

/// Runs the hook with an event, of whose answer nobody waits for a person.
pub fn hook(data: &Path, event: &Value) -> Output {
    hook_with(&["--wait", "0"], data, event.to_string().as_bytes())
}

/// What the hook answers, of which nothing is to be complained.
#[track_caller]
pub fn answer(data: &Path, event: &Value) -> Value {
    let ended = hook(data, event);
    assert_eq!(text(&ended.stderr), "");
    assert_eq!(ended.status.code(), Some(0));
    said(event["hook_event_name"].as_str().unwrap(), &text(&ended.stdout))
}

/// What a hook said to an event, which has to be just what the runtime knows: nothing, or one object.
#[track_caller]
pub fn said(event: &str, stdout: &str) -> Value {
    if stdout.is_empty() {
        return Value::Null;
    }
    let said: Value = serde_json::from_str(stdout).unwrap_or_else(|e| panic!("{event}: {e}: {stdout}"));
    let output = &said["hookSpecificOutput"];
    assert_eq!(said, json!({"hookSpecificOutput": output}), "{event}");
    let reason = |of: &Value| {
        let reason = of.as_str().unwrap_or_else(|| panic!("{event}: no reason: {stdout}"));
        assert!(!reason.is_empty() && reason.chars().count() <= 10_000);
        reason.to_owned()
    };
    let wanted = match event {
        "PreToolUse" => {
            let decision = output["permissionDecision"].as_str().unwrap();
            assert!(["allow", "deny", "ask"].contains(&decision), "{stdout}");
            let why = reason(&output["permissionDecisionReason"]);
            json!({"hookEventName": event, "permissionDecision": decision, "permissionDecisionReason": why})
        }
        "PermissionRequest" if output["decision"]["behavior"] == "allow" => {
            json!({"hookEventName": event, "decision": {"behavior": "allow"}})
        }
        "PermissionRequest" => {
            let why = reason(&output["decision"]["message"]);
            json!({"hookEventName": event, "decision": {"behavior": "deny", "message": why}})
        }
        _ => panic!("{event} asks nothing, and is answered {stdout}"),
    };
    assert_eq!(output, &wanted);
    said
}

/// `allow`, `deny`, `ask`, or nothing, and why.
pub fn decision(said: &Value) -> (&str, &str) {
    let output = &said["hookSpecificOutput"];
    let text = |of: &'static str| output[of].as_str();
    let of_request = &output["decision"];
    let decision = text("permissionDecision").or(of_request["behavior"].as_str());
    let reason = text("permissionDecisionReason").or(of_request["message"].as_str());
    (decision.unwrap_or_default(), reason.unwrap_or_default())
}

/// A call of a tool that is asked about.
pub fn asks(tool: &str, input: &Value) -> Value {
    json!({
        "session_id": "s-1", "cwd": "/home/me/project", "permission_mode": "default", "agent_type": "coder",
        "hook_event_name": "PreToolUse", "tool_name": tool, "tool_input": input, "tool_use_id": "toolu_1",
    })
}

/// A file that is written.
pub fn write_to(path: &str) -> Value {
    asks("Write", &json!({"file_path": path, "content": "x"}))
}

/// Something that was done.
pub fn done(session: &str) -> Value {
    json!({
        "session_id": session, "cwd": "/home/me/project", "agent_type": "coder", "hook_event_name": "PostToolUse",
        "tool_name": "Write", "tool_input": {"file_path": "/home/me/project/src/a.rs", "content": "x"},
        "tool_response": {"success": true}, "tool_use_id": "toolu_1", "duration_ms": 5,
    })
}

/// A server on the data, in which the agents are registered.
pub fn governed(data: &Path) -> Server {
    let server = Server::start(data);
    let mut client = Client::connect(server.address).unwrap();
    for name in AGENTS {
        let agent = json!({
            "name": name, "role": "developer", "capabilities": [], "metadata_category": "foundry",
            "rbac_allowed_tools": [
                "Read", "Write", "Edit", "NotebookEdit", "Bash", "PowerShell", "Grep", "Glob", "Task", "mcp__*",
            ],
            "rbac_path_scopes": ["src/**"], "rbac_api_access": ["github", "search"],
            "budget_max_tokens_per_session": 1_000_000, "budget_max_cost_per_day": 100,
        });
        assert_eq!(client.request("POST", "/api/v1/agents/", Some(&agent)).unwrap().0, 201);
    }
    server
}

/// What a running server tells.
pub fn get(server: &Server, path: &str) -> Value {
    Client::connect(server.address).unwrap().get(path)
}

/// The audit records of a session.
pub fn records(server: &Server, session: &str) -> Vec<Value> {
    let records = get(server, &format!("/api/v1/events/audit?limit=500&session_id={session}"));
    records.as_array().unwrap().clone()
}

/// The events that wait beside the data.
pub fn spooled(data: &Path) -> Vec<PathBuf> {
    let folder = PathBuf::from(format!("{}.spool", data.display()));
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let files = entries.map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|kind| kind == "json")).collect()
}

/// Looks again and again until something is there.
#[track_caller]
pub fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "it does not come");
        std::thread::yield_now();
    }
}
