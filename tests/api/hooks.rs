//! `/api/v1/hooks/claude-code`: whatever an `http` hook is answered but 2xx lets the agent go on.

use agentmap::config::Config;
use agentmap::store::Location;
use reqwest::Method;
use serde_json::{Value, json};

use crate::authorization::{locked, token, with};
use crate::harness::{Answer, Server, each, kinds};
use crate::policy::{governed, governed_draft};

const HOOK: &str = "/api/v1/hooks/claude-code?wait=0";

fn event(name: &str, agent: &str, path: &str) -> Value {
    json!({
        "hook_event_name": name, "session_id": "s-1", "cwd": "/project", "agent_type": agent, "tool_name": "Write",
        "tool_input": {"file_path": path, "content": "x"}, "tool_use_id": "toolu_1",
    })
}

/// What is decided, and why.
#[track_caller]
fn decision(answer: Answer) -> (String, String) {
    let said = answer.expect(200).json();
    let output = &said["hookSpecificOutput"];
    let text = |member: &str| output[member].as_str().unwrap_or_default().to_owned();
    (text("permissionDecision"), text("permissionDecisionReason"))
}

#[tokio::test]
async fn an_event_that_asks_is_decided_and_one_that_tells_is_recorded() {
    let (server, id) = governed().await;
    let before = server.last_seq();
    let asked = event("PreToolUse", "coder", "/project/src/a.rs");
    assert_eq!(decision(server.post(HOOK, &asked).await).0, "allow");
    assert_eq!(decision(server.post(HOOK, &event("PreToolUse", "coder", "/etc/passwd")).await).0, "deny");
    let told = server.post(HOOK, &event("PostToolUse", "coder", "/project/src/a.rs")).await;
    assert_eq!(told.expect(200).json(), json!({}));
    let events = server.events_after(before).await;
    assert_eq!(
        kinds(&events),
        ["operation_allowed", "operation_denied", "metric_recorded", "operation_allowed"]
    );
    let records = server.json(&format!("/api/v1/events/audit?agent_id={id}&session_id=s-1")).await;
    let kinds: Vec<_> =
        each(&records, "operation").into_iter().map(|operation| operation["type"].clone()).collect();
    assert_eq!(kinds, ["tool_result", "tool_use", "tool_use"]);
    assert_eq!(records[1]["context"]["context"]["tool_use_id"], "toolu_1");
}

#[tokio::test]
async fn the_main_session_acts_as_the_query_or_the_settings_say() {
    let mut config = Config::defaults();
    config.governance.default_identity = "coder".into();
    let server = Server::start_with(config, Location::Memory).await;
    for name in ["coder", "tester"] {
        server.create_from(&governed_draft(name)).await;
    }
    let mut asked = event("PreToolUse", "", "src/a.rs");
    for (query, agent) in [("", "coder"), ("&identity=tester", "tester"), ("&identity=nobody", "nobody")] {
        server.post(&format!("{HOOK}{query}"), &asked).await.expect(200);
        let newest = server.json("/api/v1/events/audit?limit=1").await;
        assert_eq!(newest[0]["agent"]["name"], agent);
    }
    // A folder other than the one the agent is in.
    asked["cwd"] = json!("/project/src");
    for (query, wanted) in [("", "deny"), ("&root=/project", "allow")] {
        asked["tool_input"]["file_path"] = json!("/project/src/a.rs");
        assert_eq!(decision(server.post(&format!("{HOOK}{query}"), &asked).await).0, wanted, "{query}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_denied_unless_it_asks_nothing() {
    let mut config = Config::defaults();
    config.limits.batch_bytes = 20_000;
    let server = Server::start_with(config, Location::Memory).await;
    let before = server.last_seq();
    let large =
        json!({"hook_event_name": "PreToolUse", "tool_input": {"content": "x".repeat(20_000)}}).to_string();
    for (body, wanted) in [
        ("", "deny"),
        ("{", "deny"),
        ("[]", "deny"),
        ("{\"hook_event_name\":\"PreToolUse\",\"tool_input\":5}", "deny"),
        ("{\"a\":{\"hook_event_name\":\"Stop\"},\"cwd\":5,\"hook_event_name\":\"PreToolUse\"}", "deny"),
        ("{\"hook_event_name\":\"Stop\",\"cwd\":5}", ""),
        (&large, "deny"),
    ] {
        let answer = server.post_text(HOOK, "application/json", body.to_owned()).await;
        assert_eq!(decision(answer).0, wanted, "{body:.60}");
    }
    let request = "{\"hook_event_name\":\"PermissionRequest\",\"cwd\":5}".to_owned();
    let said = server.post_text(HOOK, "application/json", request).await.expect(200).json();
    assert_eq!(said["hookSpecificOutput"]["hookEventName"], "PermissionRequest");
    assert_eq!(said["hookSpecificOutput"]["decision"]["behavior"], "deny");
    assert_eq!(server.last_seq(), before);
}

#[tokio::test]
async fn a_token_of_another_agent_decides_nothing_and_lets_nothing_pass() {
    // It was answered 403, at which the runtime goes on.
    let server = locked().await;
    let local = server.app.local_credential().to_owned();
    for name in ["coder", "tester"] {
        with(&server, &local, Method::POST, "/api/v1/agents/", Some(&governed_draft(name))).await.expect(201);
    }
    let (bound, _) = token(&server, json!({"role": "ingest", "name": "hook", "agent": "coder"})).await;
    let before = server.last_seq();
    for (agent, wanted) in [("tester", "deny"), ("nobody", "deny"), ("coder", "allow")] {
        let asked = event("PreToolUse", agent, "/project/src/a.rs");
        let (decided, why) = decision(with(&server, &bound, Method::POST, HOOK, Some(&asked)).await);
        assert_eq!(decided, wanted, "{agent}: {why}");
    }
    assert_eq!(server.last_seq(), before + 1);
    let told = event("PostToolUse", "tester", "/project/src/a.rs");
    with(&server, &bound, Method::POST, HOOK, Some(&told)).await.expect(403);
}
