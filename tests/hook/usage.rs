//! What the calls of models used is read from transcripts, and counted once.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::harness::{answer, get, governed, spooled, until};
use crate::process::{Server, assert_sound, data_file};

/// A line of a transcript: a call, and what it used.
fn call(id: &str, input: u64, output: u64) -> String {
    let message = json!({
        "id": id, "type": "message", "role": "assistant", "model": "claude-opus-4-5-20251101",
        "content": [{"type": "text", "text": "ä \"usage\""}],
        "usage": {
            "input_tokens": input, "output_tokens": output, "cache_read_input_tokens": 1_000_000,
            "cache_creation_input_tokens": 0, "service_tier": "standard",
        },
    });
    json!({"type": "assistant", "sessionId": "s-1", "message": message}).to_string() + "\n"
}

/// The tokens and the cost of each call that was counted, the oldest first.
fn counted(server: &Server) -> Vec<(u64, f64)> {
    let metrics = get(server, "/api/v1/metrics/?metric_type=cost&limit=100");
    let of = |metric: &Value| (metric["tokens_used"].as_u64().unwrap(), metric["cost_usd"].as_f64().unwrap());
    metrics.as_array().unwrap().iter().rev().map(of).collect()
}

/// As the price of the model has it: 5 and 25 USD for a million tokens, and half a USD for what the cache gave.
fn cost(input: u64, output: u64) -> (u64, f64) {
    let usd = |tokens: u64, price: f64| f64::from(u32::try_from(tokens).unwrap()) * price / 1e6;
    (input + output, usd(input, 5.0) + usd(output, 25.0) + 0.5)
}

#[test]
fn what_a_transcript_tells_is_counted_once_however_often_the_agent_stops() {
    let (folder, data) = data_file();
    let server = governed(&data);
    let transcript = folder.path().join("transcript.jsonl");
    let stop = json!({
        "session_id": "s-1", "transcript_path": transcript, "cwd": "/home/me/project", "hook_event_name": "Stop",
        "stop_hook_active": false,
    });
    // There is none yet.
    assert_eq!(answer(&data, &stop), Value::Null);
    assert_eq!(counted(&server), []);
    let mut text = String::from(
        "{\"type\":\"user\",\"message\":{\"role\":\"user\",\"content\":\"the \\\"usage\\\"\"}}\n",
    );
    // A call is written in pieces, each with the count so far; what is no call is passed over.
    text += &(call("m-1", 10, 1) + &call("m-1", 10, 40));
    text += "{\"usage\": torn\n";
    text += &call("m-2", 20, 2);
    text += &call("m-9", 1, 1).replace("claude-opus-4-5-20251101", "<synthetic>");
    std::fs::write(&transcript, &text).unwrap();
    let mut wanted = vec![cost(10, 40), cost(20, 2)];
    for _ in 0..2 {
        assert_eq!(answer(&data, &stop), Value::Null);
        assert_eq!(counted(&server), wanted);
    }
    // The last line is not finished when it stops.
    let third = call("m-3", 30, 3);
    write!(text, "{}{}", call("m-4", 40, 4), &third[..third.len() / 2]).unwrap();
    std::fs::write(&transcript, &text).unwrap();
    answer(&data, &stop);
    wanted.push(cost(40, 4));
    assert_eq!(counted(&server), wanted);
    // Meanwhile there is no server, and two stops before the next.
    server.kill();
    text += &third[third.len() / 2..];
    std::fs::write(&transcript, &text).unwrap();
    answer(&data, &stop);
    text += &call("m-5", 50, 5);
    std::fs::write(&transcript, &text).unwrap();
    answer(&data, &stop);
    let server = Server::start(&data);
    until(|| spooled(&data).is_empty().then_some(()));
    wanted.extend([cost(30, 3), cost(50, 5)]);
    assert_eq!(counted(&server), wanted);
    // Where it is not known any more how far was read, all is told again, and counted once.
    for entry in std::fs::read_dir(format!("{}.spool", data.display())).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|kind| kind == "read") {
            std::fs::remove_file(path).unwrap();
        }
    }
    answer(&data, &stop);
    assert_eq!(counted(&server), wanted);
    let of_main = get(&server, "/api/v1/agents/name/claude-code");
    let used: f64 = wanted.iter().map(|(_, usd)| usd).sum();
    assert!((of_main["budget"]["cost_used_today"].as_f64().unwrap() - used).abs() < 1e-6, "{of_main}");
    server.kill();
    assert_sound(&data);
}

#[test]
fn a_subagent_is_charged_for_its_own_transcript() {
    let (folder, data) = data_file();
    let server = governed(&data);
    let of = |name: &str, calls: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, calls).unwrap();
        path
    };
    let main = of("main.jsonl", &call("m-1", 10, 1));
    let own = of("agent.jsonl", &call("m-2", 20, 2));
    let stop = json!({
        "session_id": "s-1", "transcript_path": main, "agent_transcript_path": own, "cwd": "/", "agent_id": "a",
        "agent_type": "coder", "hook_event_name": "SubagentStop",
    });
    answer(&data, &stop);
    assert_eq!(counted(&server), [cost(20, 2)]);
    let coder = get(&server, "/api/v1/agents/name/coder");
    assert_eq!(coder["budget"]["tokens_used_today"], 22);
    assert_eq!(coder["performance"]["total_tasks_completed"], 1);
    server.kill();
}
