//! `/api/v1/policy`: what is decided, what is recorded of it, and for whom it may be asked.

use agentmap::config::{Config, UnknownAgent};
use agentmap::domain::audit::Hash;
use agentmap::store::Location;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::authorization::{locked, token, with};
use crate::harness::{Answer, MINUTE, Server, draft_with, each, kinds};
use crate::shape::assert_shape;

const DECIDE: &str = "/api/v1/policy/decide";
const SIMULATE: &str = "/api/v1/policy/simulate";
const UNKNOWN: &str = "/api/v1/policy/unknown";

/// A server with one agent, which may read and run commands in `src`, for 10 USD a day.
pub async fn governed() -> (Server, String) {
    let server = Server::start().await;
    let id = server.create_from(&governed_draft("coder")).await;
    (server, id)
}

pub fn governed_draft(name: &str) -> Value {
    draft_with(
        name,
        &json!({
            "rbac_allowed_tools": ["Read", "Write", "Bash", "mcp__github__*"], "rbac_path_scopes": ["src/**"],
            "rbac_api_access": ["github"], "budget_max_cost_per_day": 10, "budget_max_tokens_per_session": 1000,
            "rbac_approval_threshold": 5,
        }),
    )
}

/// What `coder` wants, with more members.
pub fn wish(members: &Value) -> Value {
    let mut wish = json!({"agent": "coder", "tool": "Read", "cwd": "/project", "session_id": "s-1"});
    wish.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    wish
}

/// What is decided of it.
pub async fn decide(server: &Server, members: &Value) -> Value {
    server.post(DECIDE, &wish(members)).await.expect(200).json()
}

fn with_unknown(unknown_agent: UnknownAgent) -> Config {
    let mut config = Config::defaults();
    config.governance.unknown_agent = unknown_agent;
    config
}

fn budget_shape() -> Value {
    json!({
        "cost_limit": "number", "cost_used": "number", "cost_reserved": "number", "cost_remaining": "number",
        "tokens_limit": "integer", "tokens_used": "integer", "tokens_reserved": "integer",
        "tokens_remaining": "integer",
    })
}

fn ruling_shape() -> Value {
    json!({
        "decision": "string", "reason": "string", "rule": "string",
        "checks": [{"dimension": "string", "outcome": "string", "rule": "string"}],
        "budget": budget_shape(), "audit_id": "uuid", "seq": "integer",
    })
}

#[tokio::test]
async fn a_decision_names_its_rule_and_is_an_audit_record_and_an_event() {
    let (server, id) = governed().await;
    for (wanted, decision, rule, dimensions, event) in [
        (
            json!({"path": "src/a.rs", "estimated_cost_usd": 0.5, "estimated_tokens": 100}),
            "allowed",
            "path_scopes: src/**",
            &["identity", "tool", "path", "budget"][..],
            &["operation_allowed"][..],
        ),
        (
            json!({"path": "src/../../etc/passwd"}),
            "denied",
            "path_scopes: it is outside the project",
            &["identity", "tool", "path", "budget"],
            &["operation_denied"],
        ),
        (
            json!({"tool": "WebFetch", "target": "https://example.com"}),
            "denied",
            "allowed_tools: none of Read, Write, Bash, mcp__github__*",
            &["identity", "tool", "budget"],
            &["operation_denied"],
        ),
        (
            json!({"tool": "mcp__github__list", "api": "github"}),
            "allowed",
            "api_access: github",
            &["identity", "tool", "api", "budget"],
            &["operation_allowed"],
        ),
        (
            json!({"tool": "Bash", "command": "git push origin main"}),
            "requires_approval",
            "risk: push_to_main",
            &["identity", "tool", "budget", "approval"],
            &["approval_requested", "operation_requires_approval"],
        ),
    ] {
        let before = server.last_seq();
        let ruling = decide(&server, &wanted).await;
        let mut shape = ruling_shape();
        if decision == "requires_approval" {
            shape["approval_id"] = json!("uuid");
        }
        assert_shape(&ruling, &shape);
        assert_eq!((&ruling["decision"], &ruling["rule"]), (&json!(decision), &json!(rule)), "{wanted}");
        assert_eq!(each(&ruling["checks"], "dimension"), dimensions, "{wanted}");
        assert!(ruling["reason"].as_str().unwrap().contains(rule), "{ruling}");

        let seq = ruling["seq"].as_u64().unwrap();
        let record = server.json(&format!("/api/v1/events/audit/{seq}")).await;
        assert_eq!(record["audit_id"], ruling["audit_id"]);
        assert_eq!(record["rbac"], json!({"decision": decision, "reason": ruling["reason"]}));
        assert_eq!(record["agent"]["registered_id"], id);
        assert_eq!(record["session_id"], "s-1");
        let context = &record["context"];
        for member in ["rule", "checks", "budget"] {
            assert_eq!(context[member], ruling[member], "{member} of {wanted}");
        }
        assert_eq!(context["approval_id"], ruling["approval_id"]);
        for (member, value) in wanted.as_object().unwrap() {
            assert_eq!(&context["asked"][member], value, "{member}");
        }

        let events = server.events_after(before).await;
        assert_eq!(kinds(&events), event, "{wanted}");
        assert_eq!(events.last().unwrap()["data"], record);
    }
}

#[tokio::test]
async fn what_a_client_wants_kept_is_kept_beside_what_was_decided() {
    let (server, _) = governed().await;
    let ruling = decide(&server, &json!({"context": {"rule": "mine", "n": [1, 2.5]}})).await;
    let record = server.json(&format!("/api/v1/events/audit/{}", ruling["seq"])).await;
    assert_eq!(record["context"]["context"], json!({"rule": "mine", "n": [1, 2.5]}));
    assert_eq!(record["context"]["rule"], ruling["rule"]);
}

#[tokio::test]
async fn what_is_simulated_is_decided_the_same_and_leaves_nothing() {
    let (server, _) = governed().await;
    let before = server.last_seq();
    for wanted in [
        json!({"path": "src/a.rs", "estimated_cost_usd": 4.0, "estimated_tokens": 900}),
        json!({"path": "other/a.rs"}),
        json!({"tool": "Bash", "command": "rm -rf src"}),
        json!({"agent": "stranger"}),
    ] {
        let mut simulated = Value::Null;
        for _ in 0..5 {
            simulated = server.post(SIMULATE, &wish(&wanted)).await.expect(200).json();
        }
        assert_eq!((&simulated["audit_id"], &simulated["seq"]), (&Value::Null, &Value::Null));
        assert!(simulated.get("approval_id").is_none());
        assert_eq!(server.last_seq(), before, "{wanted}");
        let other = Server::start().await;
        other.create_from(&governed_draft("coder")).await;
        let decided = decide(&other, &wanted).await;
        for member in ["decision", "rule", "reason", "checks", "budget"] {
            assert_eq!(simulated[member], decided[member], "{member} of {wanted}");
        }
    }
    assert_eq!(server.json("/api/v1/approvals").await, json!([]));
    assert_eq!(server.json(UNKNOWN).await, json!([]));
    assert_eq!(server.json("/api/v1/budgets/agent:coder").await["reserved"], 0.0);
    assert_eq!(server.json("/api/v1/events/audit?operation_type=tool_use").await, json!([]));
}

#[tokio::test]
async fn agents_that_nobody_registered_are_denied_and_listed() {
    let (server, _) = governed().await;
    for name in ["stranger", "another", "stranger"] {
        let ruling = decide(&server, &json!({"agent": name})).await;
        assert_eq!(
            (&ruling["decision"], &ruling["rule"], &ruling["budget"]),
            (&json!("denied"), &json!("unknown_agent: deny"), &Value::Null)
        );
        server.advance(MINUTE);
    }
    let (first, last) = (server.at(-3 * MINUTE), server.at(-MINUTE));
    let other = server.at(-2 * MINUTE);
    assert_eq!(
        server.json(UNKNOWN).await,
        json!([
            {"agent": "another", "first_seen": other, "last_seen": other, "asked": 1},
            {"agent": "stranger", "first_seen": first, "last_seen": last, "asked": 2},
        ])
    );
}

#[tokio::test]
async fn agents_that_nobody_registered_may_do_anything_where_that_is_set() {
    let server = Server::start_with(with_unknown(UnknownAgent::Allow), Location::Memory).await;
    let ruling = decide(&server, &json!({"agent": "stranger", "path": "/etc/passwd"})).await;
    assert_eq!((&ruling["decision"], &ruling["rule"]), (&json!("allowed"), &json!("unknown_agent: allow")));
    assert_eq!(each(&server.json(UNKNOWN).await, "agent"), ["stranger"]);
}

#[tokio::test]
async fn agents_that_ask_are_registered_with_the_least_rights_where_that_is_set() {
    let server = Server::start_with(with_unknown(UnknownAgent::Register), Location::Memory).await;
    let simulated = server.post(SIMULATE, &wish(&json!({"agent": "stranger"}))).await.expect(200).json();
    assert_eq!(simulated["decision"], "denied");
    server.get("/api/v1/agents/name/stranger").await.expect(404);
    let before = server.last_seq();
    assert_eq!(decide(&server, &json!({"agent": "stranger"})).await["decision"], "allowed");
    assert_eq!(decide(&server, &json!({"agent": "stranger", "tool": "Write"})).await["decision"], "denied");
    let told = server.events_after(before).await;
    assert_eq!(kinds(&told), ["agent_created", "operation_allowed", "operation_denied"]);
    let agent = server.json("/api/v1/agents/name/stranger").await;
    assert_eq!((&agent["role"], &agent["metadata"]["tags"]), (&json!("reviewer"), &json!(["unregistered"])));
    // Nobody could be called so.
    let odd = decide(&server, &json!({"agent": "Not A Name"})).await;
    assert_eq!(odd["rule"], "unknown_agent: deny");
    assert_eq!(each(&server.json(UNKNOWN).await, "agent"), ["Not A Name"]);
}

#[tokio::test]
async fn an_agent_that_an_operator_stopped_may_do_nothing_until_it_is_resumed() {
    let (server, id) = governed().await;
    for (act, decision, rule) in
        [("pause", "denied", "status: paused"), ("resume", "allowed", "allowed_tools: Read")]
    {
        server.post(&format!("/api/v1/agents/{id}/{act}"), &json!({})).await.expect(200);
        let ruling = decide(&server, &json!({})).await;
        assert_eq!((&ruling["decision"], &ruling["rule"]), (&json!(decision), &json!(rule)));
    }
}

#[tokio::test]
async fn a_repeat_is_answered_with_the_first_decision_and_holds_its_estimate_once() {
    let (server, _) = governed().await;
    let asked = wish(&json!({"path": "src/a.rs", "estimated_cost_usd": 4.0}));
    let once = async |key: &str, body: &Value| {
        let request = server.request(Method::POST, DECIDE).header("idempotency-key", key).json(body);
        Answer::of(request).await
    };
    let first = once("k-1", &asked).await.expect(200);
    for _ in 0..3 {
        let again = once("k-1", &asked).await.expect(200);
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        assert_eq!(again.json(), first.json());
    }
    assert_eq!(server.json("/api/v1/budgets/agent:coder").await["reserved"], 4.0);
    once("k-1", &wish(&json!({"path": "src/b.rs"}))).await.expect(422);
    // Another key asks another time.
    assert_eq!(once("k-2", &asked).await.expect(200).json()["budget"]["cost_reserved"], 8.0);
    assert_eq!(once("k-3", &asked).await.expect(200).json()["decision"], "denied");
}

#[tokio::test]
async fn of_a_long_command_the_beginning_is_kept_with_the_hash_of_all_of_it() {
    let (server, _) = governed().await;
    // A letter of two bytes stands across the end of what is kept.
    for (command, kept) in [
        ("echo ".to_owned() + &"x".repeat(4091), 4096),
        ("echo ".to_owned() + &"x".repeat(4092), 4096),
        ("echo ".to_owned() + &"x".repeat(4090) + "ä", 4095),
        ("echo ".to_owned() + &"x".repeat(100_000), 4096),
    ] {
        let ruling = decide(&server, &json!({"tool": "Bash", "command": command})).await;
        assert_eq!(ruling["decision"], "allowed", "{ruling}");
        let record = server.json(&format!("/api/v1/events/audit/{}", ruling["seq"])).await;
        let asked = &record["context"]["asked"];
        assert_eq!(asked["command"], command[..kept]);
        let hash = Hash(Sha256::digest(command.as_bytes()).into()).to_string();
        assert_eq!(asked["command_sha256"], if command.len() == kept { Value::Null } else { json!(hash) });
    }
}

#[tokio::test]
async fn a_token_of_one_agent_asks_for_it_alone_and_viewers_only_simulate() {
    let server = locked().await;
    let local = server.app.local_credential().to_owned();
    for name in ["coder", "tester"] {
        with(&server, &local, Method::POST, "/api/v1/agents/", Some(&governed_draft(name))).await.expect(201);
    }
    let (bound, _) = token(&server, json!({"role": "ingest", "name": "hook", "agent": "coder"})).await;
    let (ingest, _) = token(&server, json!({"role": "ingest", "name": "all"})).await;
    let (viewer, _) = token(&server, json!({"role": "viewer"})).await;
    for (secret, path, agent, status) in [
        (&bound, DECIDE, "coder", 200),
        (&bound, DECIDE, "tester", 403),
        (&bound, DECIDE, "stranger", 403),
        (&ingest, DECIDE, "tester", 200),
        (&viewer, DECIDE, "coder", 403),
        (&viewer, SIMULATE, "coder", 200),
        (&viewer, UNKNOWN, "coder", 405),
    ] {
        let asked = wish(&json!({"agent": agent}));
        let answer = with(&server, secret, Method::POST, path, Some(&asked)).await;
        assert_eq!(answer.status, status, "{path} {agent}: {}", answer.text());
    }
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_and_not_recorded() {
    let (server, _) = governed().await;
    let before = server.last_seq();
    for (body, error) in [
        (json!({"agent": "coder", "tool": "Read", "tols": 1}), ("body.tols", "unknown_member")),
        (json!({"agent": "coder"}), ("body.tool", "missing")),
        (json!({"agent": "coder", "tool": ""}), ("body.tool", "range")),
        (
            json!({"agent": "coder", "tool": "Read", "estimated_cost_usd": -1}),
            ("body.estimated_cost_usd", "range"),
        ),
        (
            json!({"agent": "coder", "tool": "Read", "estimated_tokens": 1.5}),
            ("body.estimated_tokens", "type"),
        ),
    ] {
        for path in [DECIDE, SIMULATE] {
            let errors = server.post(path, &body).await.expect(422).errors();
            assert_eq!(errors, [(error.0.to_owned(), error.1.to_owned())], "{body}");
        }
    }
    assert_eq!(server.last_seq(), before);
}
