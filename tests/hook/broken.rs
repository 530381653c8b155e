//! What is no event, or too much of one: the hook blocks or passes as it is set to, and never fails in another way.

use std::process::{Output, Stdio};

use serde_json::{Value, json};

use crate::harness::{answer, asks, decision, done, governed, hook, hook_with, records, said, write_to};
use crate::process::{agentmap, data_file, run, text};

const MODES: [&str; 3] = ["deny", "ask", "allow"];

/// What a hook said and how it ended: `allow`, `deny` or `ask` in words of the runtime, `block`, or `pass`.
#[track_caller]
fn ended(event: &str, ended: &Output) -> String {
    let (stdout, stderr) = (text(&ended.stdout), String::from_utf8_lossy(&ended.stderr).into_owned());
    assert!(!stdout.contains("panicked") && !stderr.contains("panicked"), "{stdout}{stderr}");
    let said = said(event, &stdout);
    match (ended.status.code(), decision(&said).0) {
        (Some(0), "") => "pass".into(),
        (Some(0), decision) => decision.into(),
        (Some(2), "") => {
            assert!(stderr.starts_with("agentmap: "), "{stderr}");
            "block".into()
        }
        (code, _) => panic!("{code:?}: {stdout}{stderr}"),
    }
}

/// What becomes of something in each mode.
fn in_modes(event: &str, bytes: &[u8]) -> [String; 3] {
    let (_folder, data) = data_file();
    MODES.map(|mode| ended(event, &hook_with(&["--on-unreachable", mode], &data, bytes)))
}

#[test]
fn what_is_no_event_blocks_but_where_all_may_pass() {
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    for bytes in [
        &b""[..],
        b" \n",
        b"null",
        b"[]",
        b"5",
        b"\"PreToolUse",
        b"{",
        b"{}",
        b"{\"hook_event_name\":\"\"}",
        b"\xff\xfe\x00",
        b"{\"hook_event_name\":5}",
        b"{\"hook_event_name\":\"Pre",
        b"{\"hook_event_name\":\"St\\u006fp\",",
        deep.as_bytes(),
    ] {
        assert_eq!(
            in_modes("?", bytes),
            ["block", "block", "pass"],
            "{:.40}",
            String::from_utf8_lossy(bytes)
        );
    }
}

#[test]
fn an_event_that_asks_and_cannot_be_read_is_answered_as_when_nobody_can_be_asked() {
    let deep = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    for (event, text) in [
        ("PreToolUse", r#"{"hook_event_name":"PreToolUse","tool_input":5}"#.to_owned()),
        ("PreToolUse", r#"{"hook_event_name":"PreToolUse","tool_input":{"file_path":["a"]}}"#.to_owned()),
        ("PreToolUse", r#"{"hook_event_name":"PreToolUse","tool_input":{"command":{"a":1}}}"#.to_owned()),
        ("PreToolUse", r#"{"hook_event_name":"PreToolUse","tool_name":"a","tool_name":"b"}"#.to_owned()),
        (
            "PreToolUse",
            format!(r#"{{"hook_event_name":"PreToolUse","tool_input":{{"query":{}}}}}"#, deep(5000)),
        ),
        ("PermissionRequest", r#"{"hook_event_name":"PermissionRequest","cwd":[]}"#.to_owned()),
    ] {
        let asked = if event == "PreToolUse" { "ask" } else { "pass" };
        assert_eq!(in_modes(event, text.as_bytes()), ["deny", asked, "pass"], "{text:.80}");
    }
    // A name in invalid UTF-8, and one whose event asks nothing.
    let bytes = b"{\"hook_event_name\":\"PreToolUse\",\"tool_name\":\"\xff\"}";
    assert_eq!(in_modes("PreToolUse", bytes), ["deny", "ask", "pass"]);
    let bytes = b"{\"hook_event_name\":\"PostToolUse\",\"tool_name\":\"\xff\"}";
    assert_eq!(in_modes("PostToolUse", bytes), ["pass"; 3]);
}

#[test]
fn an_event_does_not_pass_for_another_that_its_tool_is_given() {
    // The first name in the text counted, which may be one in the input of a tool: what asked was let through.
    let text = r#"{"tool_input":{"hook_event_name":"Stop","path":[1]},"hook_event_name":"PreToolUse","tool_name":"mcp__a__b"}"#;
    assert_eq!(in_modes("PreToolUse", text.as_bytes()), ["deny", "ask", "pass"]);
}

#[test]
fn members_of_tools_that_no_rule_knows_may_be_anything() {
    // A query that was no text made the event one that cannot be read.
    let (_folder, data) = data_file();
    let server = governed(&data);
    for query in [json!({"term": {"a": 1}}), json!(["a"]), json!(5), json!(null), json!("a")] {
        let said =
            answer(&data, &asks("mcp__search__find", &json!({"query": query, "url": query, "skill": query})));
        assert_eq!(decision(&said).0, "allow", "{query}");
    }
    server.kill();
}

#[test]
fn an_event_that_is_cut_anywhere_blocks_or_asks_or_passes_as_it_is_set() {
    for event in [write_to("/home/me/project/src/a.rs"), done("s-1")] {
        let name = event["hook_event_name"].as_str().unwrap();
        let mut members: Vec<_> = event.as_object().unwrap().iter().collect();
        for turn in 0..2 {
            // As it is written by us, and with the name early.
            members.sort_by_key(|(member, _)| (turn == 1 && *member != "hook_event_name", (*member).clone()));
            let members: Vec<_> =
                members.iter().map(|(member, value)| format!("\"{member}\":{value}")).collect();
            let whole = format!("{{{}}}", members.join(","));
            for end in (0..whole.len()).step_by(50) {
                let cut = &whole[..end];
                let is_named = cut.contains(&format!("\"hook_event_name\":\"{name}\""));
                let wanted = match (is_named, name) {
                    (false, _) => ["block", "block", "pass"],
                    (true, "PreToolUse") => ["deny", "ask", "pass"],
                    (true, _) => ["pass"; 3],
                };
                assert_eq!(in_modes(name, cut.as_bytes()), wanted, "{cut}");
            }
        }
    }
}

#[test]
fn fifty_megabytes_are_decided_by_where_they_go() {
    let (_folder, data) = data_file();
    let server = governed(&data);
    let much = "x\\n\"".repeat(10 * 1024 * 1024);
    for (path, wanted) in [("/home/me/project/src/a.rs", "allow"), ("/home/me/project/a.rs", "deny")] {
        let mut event = write_to(path);
        event["tool_input"]["content"] = json!(much);
        assert_eq!(decision(&answer(&data, &event)).0, wanted, "{path}");
    }
    let mut event = done("much");
    event["tool_response"] = json!({"content": [much], "deep": [[[[much.len()]]]]});
    assert_eq!(answer(&data, &event), Value::Null);
    assert_eq!(records(&server, "much").len(), 1);
    server.kill();
    // More than that is not read: what it asks is answered as when nobody can be asked.
    let more = "x".repeat(65 * 1024 * 1024);
    let mut event = write_to("/home/me/project/src/a.rs");
    event["tool_input"]["content"] = json!(more);
    let ran = hook_with(&["--on-unreachable", "deny"], &data, event.to_string().as_bytes());
    assert_eq!(ended("PreToolUse", &ran), "deny");
}

#[test]
fn a_command_that_nobody_could_judge_is_denied() {
    let (_folder, data) = data_file();
    let server = governed(&data);
    for command in ["x".repeat(513 * 1024), format!("echo {}", "$(".repeat(100_000))] {
        let said = answer(&data, &asks("Bash", &json!({"command": command})));
        assert_eq!(decision(&said).0, "deny", "{:.40}", said.to_string());
    }
    server.kill();
}

#[test]
fn an_answer_that_nobody_hears_blocks() {
    let (_folder, data) = data_file();
    let server = governed(&data);
    for event in [write_to("/home/me/project/src/a.rs"), write_to("/etc/passwd"), done("s-1")] {
        let mut command = agentmap(&["hook"], &data);
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut child = command.stdin(Stdio::piped()).stdout(writer).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), event.to_string().as_bytes()).unwrap();
        let wanted = if event["hook_event_name"] == "PreToolUse" { 2 } else { 0 };
        assert_eq!(child.wait().unwrap().code(), Some(wanted), "{event}");
    }
    server.kill();
}

#[test]
fn a_hook_that_is_called_or_set_up_wrongly_blocks() {
    let (folder, data) = data_file();
    for args in [
        &["hook", "--on-unreachable", "maybe"][..],
        &["hook", "--wait", "-1"],
        &["hook", "--no-such-option"],
        &["hook", "no-such-action"],
    ] {
        assert_eq!(run(args, &data).status.code(), Some(2), "{args:?}");
    }
    let wrong = folder.path().join("wrong.toml");
    std::fs::write(&wrong, "unknown_agent = 5").unwrap();
    let mut command = agentmap(&["hook"], &data);
    let ran = command.env("AGENTMAP_CONFIG", &wrong).output().unwrap();
    assert_eq!(ran.status.code(), Some(2), "{}", text(&ran.stderr));
    assert_eq!(ran.stdout, b"");
    // A data file that is none is nobody that could be asked.
    std::fs::write(&data, "this is no data file").unwrap();
    let said = said("PreToolUse", &text(&hook(&data, &write_to("/etc/passwd")).stdout));
    assert_eq!(decision(&said).0, "ask");
}
