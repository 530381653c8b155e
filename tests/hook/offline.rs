//! Without a server: decided by the data file as it was left, and told to the next server, once.

use std::path::Path;

use serde_json::{Value, json};

use crate::harness::{
    answer, asks, decision, done, get, governed, hook_with, records, said, spooled, until, write_to,
};
use crate::process::{Server, assert_sound, data_file, text};
use crate::program::is_of_windows;

/// Data in which the agents are registered, without a server.
fn left_behind(data: &Path) {
    governed(data).kill();
}

/// A push, which a person has to approve.
fn push() -> Value {
    asks("Bash", &json!({"command": "git push origin main"}))
}

#[test]
fn what_the_data_file_says_is_decided_while_no_server_runs() {
    let (_folder, data) = data_file();
    left_behind(&data);
    let mut stranger = write_to("/home/me/project/src/a.rs");
    stranger["agent_type"] = json!("stranger");
    for (event, wanted, why) in [
        (write_to("/home/me/project/src/a.rs"), "allow", "path_scopes: src/**"),
        (write_to("/home/me/project/Cargo.toml"), "deny", "path_scopes: none of src/**"),
        (write_to("/etc/passwd"), "deny", "outside the project"),
        (stranger, "deny", "unknown_agent: deny"),
        // The person before the runtime is there.
        (push(), "ask", "risk: push_to_main"),
    ] {
        let said = answer(&data, &event);
        let (decision, reason) = decision(&said);
        assert_eq!(decision, wanted, "{event}");
        assert!(reason.contains(why) && reason.contains("no server runs"), "{reason}");
    }
    assert_eq!(spooled(&data).len(), 5);
    assert_sound(&data);
}

#[test]
fn the_next_server_records_what_happened_meanwhile_once() {
    let (folder, data) = data_file();
    left_behind(&data);
    let asked = [write_to("/home/me/project/src/a.rs"), write_to("/etc/passwd"), push()];
    for event in &asked {
        answer(&data, event);
    }
    for _ in 0..2 {
        assert_eq!(answer(&data, &done("s-1")), Value::Null);
    }
    let kept = spooled(&data);
    assert_eq!(kept.len(), 5);
    #[cfg(unix)]
    if !is_of_windows() {
        use std::os::unix::fs::PermissionsExt;
        let spool = std::fs::metadata(kept[0].parent().unwrap()).unwrap();
        assert_eq!(spool.permissions().mode() & 0o777, 0o700);
    }
    let copies: Vec<_> = kept.iter().map(|file| folder.path().join(file.file_name().unwrap())).collect();
    for (file, copy) in kept.iter().zip(&copies) {
        std::fs::copy(file, copy).unwrap();
    }
    let assert_recorded = |server: &Server| {
        let told = records(server, "s-1");
        let decisions: Vec<_> = told.iter().rev().map(|record| record["rbac"]["decision"].clone()).collect();
        assert_eq!(decisions, ["allowed", "denied", "requires_approval", "unknown", "unknown"]);
        assert_eq!(told[4]["context"]["rule"], "path_scopes: src/**");
        assert_eq!(told[4]["context"]["server"], "none");
        let metrics = get(server, "/api/v1/metrics/?session_id=s-1");
        assert_eq!(metrics.as_array().unwrap().len(), 2, "{metrics}");
    };
    let server = Server::start(&data);
    until(|| spooled(&data).is_empty().then_some(()));
    assert_recorded(&server);
    server.kill();
    // Delivered twice, by the next server and by the next hook: the end of the first was not seen.
    for (file, copy) in kept.iter().zip(&copies) {
        std::fs::copy(copy, file).unwrap();
    }
    let server = Server::start(&data);
    until(|| spooled(&data).is_empty().then_some(()));
    assert_recorded(&server);
    for (file, copy) in kept.iter().zip(&copies) {
        std::fs::copy(copy, file).unwrap();
    }
    let mut other = done("s-2");
    other["hook_event_name"] = json!("Notification");
    until(|| {
        answer(&data, &other);
        spooled(&data).is_empty().then_some(())
    });
    assert_recorded(&server);
    server.kill();
    assert_sound(&data);
}

#[test]
fn what_no_server_will_ever_take_is_put_aside_and_keeps_nobody_waiting() {
    let (_folder, data) = data_file();
    left_behind(&data);
    answer(&data, &done("s-1"));
    let folder = spooled(&data)[0].parent().unwrap().to_owned();
    for (name, text) in [
        ("0-torn.json", "{\"id\":"),
        ("1-old.json", "{\"id\":\"x\",\"event\":{\"hook_event_name\":\"\"},\"decided\":{\"agent_id\":5}}"),
    ] {
        std::fs::write(folder.join(name), text).unwrap();
    }
    let server = Server::start(&data);
    until(|| spooled(&data).is_empty().then_some(()));
    assert_eq!(records(&server, "s-1").len(), 1);
    let mut names: Vec<_> =
        std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["0-torn.refused", "1-old.refused"]);
    server.kill();
}

#[test]
fn without_data_it_is_as_it_is_set() {
    let (_folder, data) = data_file();
    for (mode, wanted) in [("deny", "deny"), ("ask", "ask"), ("allow", "")] {
        let event = write_to("/home/me/project/src/a.rs");
        let ran = hook_with(&["--on-unreachable", mode], &data, event.to_string().as_bytes());
        assert_eq!(ran.status.code(), Some(0));
        let said = said("PreToolUse", &text(&ran.stdout));
        assert_eq!(decision(&said).0, wanted, "{mode}: {}", text(&ran.stderr));
    }
    // What was done is kept for the server that will come.
    assert_eq!(answer(&data, &done("s-1")), Value::Null);
    assert_eq!(spooled(&data).len(), 1);
    let server = Server::start(&data);
    until(|| spooled(&data).is_empty().then_some(()));
    assert_eq!(records(&server, "s-1").len(), 1);
    server.kill();
}

#[test]
fn budgets_and_grants_hold_while_no_server_runs() {
    let (_folder, data) = data_file();
    let server = governed(&data);
    let mut client = crate::client::Client::connect(server.address).unwrap();
    let mut post = |path: &str, body: Value| {
        let (status, answer) = client.request("POST", path, Some(&body)).unwrap();
        assert!((200..300).contains(&status), "{path}: {answer}");
        answer
    };
    assert_eq!(decision(&answer(&data, &push())).0, "deny");
    let pending = get(&server, "/api/v1/approvals?status=pending");
    let id = pending[0]["approval_id"].as_str().unwrap();
    post(&format!("/api/v1/approvals/{id}/approve"), json!({"scope": "always"}));
    let src = "/home/me/project/src/a.rs";
    server.kill();
    assert_eq!(decision(&answer(&data, &push())).0, "allow");
    let server = Server::start(&data);
    let mut client = crate::client::Client::connect(server.address).unwrap();
    let pause = client.request("POST", "/api/v1/budgets/agent:coder/pause", Some(&json!({}))).unwrap();
    assert_eq!(pause.0, 200);
    server.kill();
    let said = answer(&data, &write_to(src));
    assert_eq!(decision(&said).0, "deny");
    assert!(decision(&said).1.contains("budget agent: paused"), "{said}");
}
