//! A person answers while the hook waits.

use serde_json::{Value, json};

use crate::client::Client;
use crate::harness::{answer, asks, decision, get, governed, hook_with, records, said, until};
use crate::process::{Server, data_file, text};

/// The approval that waits for an answer.
fn pending(server: &Server) -> String {
    until(|| {
        let pending = get(server, "/api/v1/approvals?status=pending");
        pending[0]["approval_id"].as_str().map(str::to_owned)
    })
}

/// What the hook says to an event while a person answers.
fn answered(server: &Server, data: &std::path::Path, event: &Value, act: &str, body: &Value) -> Value {
    std::thread::scope(|scope| {
        let hook = scope.spawn(|| hook_with(&["--wait", "60"], data, event.to_string().as_bytes()));
        let path = format!("/api/v1/approvals/{}/{act}", pending(server));
        let mut client = Client::connect(server.address).unwrap();
        assert_eq!(client.request("POST", &path, Some(body)).unwrap().0, 200);
        let ended = hook.join().unwrap();
        assert_eq!((ended.status.code(), text(&ended.stderr)), (Some(0), String::new()));
        said(event["hook_event_name"].as_str().unwrap(), &text(&ended.stdout))
    })
}

#[test]
fn what_a_person_answers_while_the_hook_waits_is_what_it_says() {
    let (_folder, data) = data_file();
    let server = governed(&data);
    let push = asks("Bash", &json!({"command": "git push origin main"}));
    let said = answered(&server, &data, &push, "approve", &json!({"reason": "ready"}));
    assert_eq!(decision(&said).0, "allow", "{said}");
    assert!(decision(&said).1.contains("approval: "), "{said}");
    let said = answered(&server, &data, &push, "deny", &json!({"reason": "not on a Friday"}));
    assert_eq!(decision(&said).0, "deny", "{said}");
    assert!(decision(&said).1.contains("not on a Friday"), "{said}");
    // A request for permission is answered in its own words.
    let mut request = push.clone();
    request["hook_event_name"] = json!("PermissionRequest");
    let said = answered(&server, &data, &request, "approve", &json!({"scope": "session"}));
    assert_eq!(decision(&said).0, "allow", "{said}");
    // From then on nobody is asked in this session.
    assert_eq!(decision(&answer(&data, &push)).0, "allow");
    let decisions: Vec<_> =
        records(&server, "s-1").iter().rev().map(|record| record["rbac"]["decision"].clone()).collect();
    let asks = "requires_approval";
    assert_eq!(decisions, [asks, "allowed", asks, asks, "allowed", "allowed"]);
    server.kill();
}

#[test]
fn whom_nobody_answers_in_time_is_denied_and_told_to_come_again() {
    let (_folder, data) = data_file();
    let server = governed(&data);
    let push = asks("Bash", &json!({"command": "git push origin main"}));
    let said = answer(&data, &push);
    let id = pending(&server);
    let (what, why) = decision(&said);
    assert!(what == "deny" && why.contains(&id), "{said}");
    let path = format!("/api/v1/approvals/{id}/approve");
    let mut client = Client::connect(server.address).unwrap();
    assert_eq!(client.request("POST", &path, Some(&json!({}))).unwrap().0, 200);
    assert_eq!(decision(&answer(&data, &push)).0, "allow");
    server.kill();
}

#[test]
fn a_server_that_is_killed_while_the_hook_waits_leaves_it_to_the_data_file() {
    let (_folder, data) = data_file();
    let server = governed(&data);
    let push = asks("Bash", &json!({"command": "git push origin main"})).to_string();
    let ended = std::thread::scope(|scope| {
        let hook = scope.spawn(|| hook_with(&["--wait", "60"], &data, push.as_bytes()));
        pending(&server);
        server.kill();
        hook.join().unwrap()
    });
    assert_eq!(ended.status.code(), Some(0));
    let said = said("PreToolUse", &text(&ended.stdout));
    assert_eq!(decision(&said).0, "ask", "{said}");
}
