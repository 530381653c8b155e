//! `/api/v1/agents`: the registry.

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{HOUR, SECOND, START, Scenario, Server, draft, draft_with, each};
use crate::shape::assert_shape;

/// The agent as clients see it.
pub fn agent_shape() -> Value {
    json!({
        "agent_id": "uuid", "name": "string", "display_name": "string", "description": "string|null",
        "role": "string", "role_confidence": "number", "role_reasoning": "string|null",
        "capabilities": ["string"],
        "rbac": {
            "allowed_tools": ["string"], "denied_tools": ["string"], "path_scopes": ["string"],
            "api_access": ["string"], "requires_approval": "boolean", "approval_threshold": "number",
        },
        "budget": {
            "max_tokens_per_session": "integer", "max_cost_per_day": "number", "currency": "string",
            "tokens_used_today": "integer", "cost_used_today": "number", "last_reset": "time",
        },
        "metadata": {"category": "string", "specialist": "boolean", "version": "string", "tags": ["string"]},
        "performance": {
            "success_rate": "number", "avg_execution_time_ms": "number", "quality_score": "number",
            "total_tasks_completed": "integer",
        },
        "timestamps": {"created_at": "time", "updated_at": "time", "last_active_at": "time|null"},
        "status": "string",
    })
}

#[tokio::test]
async fn a_new_agent_has_the_defaults_of_what_was_not_said() {
    let server = Server::start().await;
    let answer = server.post("/api/v1/agents/", &draft("unit-tester")).await.expect(201);
    let agent = answer.json();
    assert_shape(&agent, &agent_shape());
    let id = agent["agent_id"].as_str().unwrap();
    assert_eq!(Uuid::parse_str(id).unwrap().get_version_num(), 4);
    assert_eq!(answer.header("location"), Some(&*format!("/api/v1/agents/{id}")));
    assert_eq!(
        agent,
        json!({
            "agent_id": id, "name": "unit-tester", "display_name": "Unit Tester", "description": null,
            "role": "developer", "role_confidence": 1.0, "role_reasoning": null, "capabilities": ["coding"],
            "rbac": {
                "allowed_tools": ["Read"], "denied_tools": [], "path_scopes": ["src/**"], "api_access": [],
                "requires_approval": false, "approval_threshold": 10.0,
            },
            "budget": {
                "max_tokens_per_session": 200_000, "max_cost_per_day": 30.0, "currency": "USD",
                "tokens_used_today": 0, "cost_used_today": 0.0, "last_reset": "2026-11-22T00:00:00.000000Z",
            },
            "metadata": {"category": "foundry", "specialist": false, "version": "1.0.0", "tags": []},
            "performance": {
                "success_rate": 0.0, "avg_execution_time_ms": 0.0, "quality_score": 0.0,
                "total_tasks_completed": 0,
            },
            "timestamps": {"created_at": START, "updated_at": START, "last_active_at": null},
            "status": "offline",
        })
    );
    assert_eq!(server.json(&format!("/api/v1/agents/{id}")).await, agent);
    assert_eq!(server.json("/api/v1/agents/name/unit-tester").await, agent);
}

/// Every member that a client may write, with where it is shown and another value for it.
fn members() -> Vec<(&'static str, &'static str, Value, Value)> {
    vec![
        ("role", "/role", json!("night-watch"), json!("admin")),
        ("role_confidence", "/role_confidence", json!(0.25), json!(0.5)),
        ("role_reasoning", "/role_reasoning", json!("said so"), json!("it does")),
        ("capabilities", "/capabilities", json!([]), json!(["a", "b"])),
        ("rbac_allowed_tools", "/rbac/allowed_tools", json!(["*"]), json!(["Read", "Edit"])),
        ("rbac_denied_tools", "/rbac/denied_tools", json!(["Bash"]), json!([])),
        ("rbac_path_scopes", "/rbac/path_scopes", json!(["**/*.{rs,md}"]), json!(["docs/[a-z]*"])),
        ("rbac_api_access", "/rbac/api_access", json!(["github"]), json!(["*"])),
        ("rbac_requires_approval", "/rbac/requires_approval", json!(true), json!(false)),
        ("rbac_approval_threshold", "/rbac/approval_threshold", json!(0.0), json!(2.5)),
        ("budget_max_tokens_per_session", "/budget/max_tokens_per_session", json!(1), json!(7)),
        ("budget_max_cost_per_day", "/budget/max_cost_per_day", json!(0.01), json!(99.5)),
        ("budget_currency", "/budget/currency", json!("EUR"), json!("CHF")),
        ("metadata_category", "/metadata/category", json!("our-own"), json!("tooling")),
        ("metadata_specialist", "/metadata/specialist", json!(true), json!(false)),
        ("metadata_version", "/metadata/version", json!("2.0.0-rc.1"), json!("2.0.0")),
        ("metadata_tags", "/metadata/tags", json!(["x"]), json!(["x", "ü 日本"])),
        ("description", "/description", json!("What it does"), json!("Tabs\tand\nlines \u{0}")),
        ("display_name", "/display_name", json!("The Coder"), json!("Coder №1")),
    ]
}

#[tokio::test]
async fn every_member_is_kept_as_it_was_sent() {
    let server = Server::start().await;
    let all: serde_json::Map<_, _> =
        members().into_iter().map(|(name, _, value, _)| (name.into(), value)).collect();
    let id = server.create_from(&draft_with("coder", &all.into())).await;
    let path = format!("/api/v1/agents/{id}");
    let agent = server.json(&path).await;
    for (name, pointer, value, _) in members() {
        assert_eq!(agent.pointer(pointer), Some(&value), "{name}");
    }

    // Only the members sent change: one at a time, all else stays.
    let mut expected = agent;
    for (name, pointer, _, other) in members() {
        server.advance(SECOND);
        *expected.pointer_mut(pointer).unwrap() = other.clone();
        expected["timestamps"]["updated_at"] = json!(server.at(0));
        let changed = server.put(&path, &json!({name: other})).await.expect(200).json();
        assert_eq!(changed, expected, "{name}");
        assert_eq!(server.json(&path).await, expected, "{name}");
    }
}

#[tokio::test]
async fn null_clears_what_may_be_empty_and_is_refused_elsewhere() {
    let server = Server::start().await;
    let id = server.create_from(&draft_with("a", &json!({"description": "d", "role_reasoning": "r"}))).await;
    let path = format!("/api/v1/agents/{id}");
    for (name, pointer, _, _) in members() {
        let answer = server.put(&path, &json!({name: null})).await;
        if matches!(name, "description" | "role_reasoning") {
            assert_eq!(answer.expect(200).json().pointer(pointer), Some(&Value::Null), "{name}");
        } else {
            let errors = answer.expect(422).errors();
            assert_eq!(errors, [(format!("body.{name}"), "type".to_owned())]);
        }
    }
    // In a new agent null is what was not said.
    let optional = json!({"description": null, "rbac_denied_tools": null, "metadata_version": null});
    let agent = server.post("/api/v1/agents/", &draft_with("b", &optional)).await.expect(201).json();
    assert_eq!(agent["metadata"]["version"], "1.0.0");
}

#[tokio::test]
async fn a_change_that_changes_nothing_leaves_no_trace() {
    let server = Server::start().await;
    let id = server.create("coder").await;
    let path = format!("/api/v1/agents/{id}");
    let before = server.json(&path).await;
    server.advance(HOUR);
    for body in [json!({}), json!({"role": "developer", "name": "coder"})] {
        let same = |name| Scenario {
            name,
            method: Method::PUT,
            path: path.clone(),
            body: Some(body.clone()),
            status: 200,
            answer: json!({"timestamps": before["timestamps"]}),
            events: &[],
        };
        same("nothing changes").run(&server).await;
    }
}

#[tokio::test]
async fn what_is_wrong_is_told_all_at_once() {
    let server = Server::start().await;
    let wrong = json!({
        "name": "Not A Name", "role": "", "role_confidence": 1.5, "capabilities": "coding",
        "rbac_allowed_tools": [""], "rbac_path_scopes": ["src/**", "a[", "b{"], "rbac_approval_threshold": -1,
        "budget_max_tokens_per_session": 0, "budget_max_cost_per_day": 0, "budget_currency": "dollars",
        "metadata_specialist": "yes", "metadata_tags": [1], "colour": "red", "performance_quality_score": 1,
        "budget_cost_used_today": 1, "last_active_at": START,
    });
    let told = server.post("/api/v1/agents/", &wrong).await.expect(422).errors();
    let wanted = [
        ("body.budget_cost_used_today", "unknown_member"),
        ("body.budget_currency", "pattern"),
        ("body.budget_max_cost_per_day", "range"),
        ("body.budget_max_tokens_per_session", "range"),
        ("body.capabilities", "type"),
        ("body.colour", "unknown_member"),
        ("body.last_active_at", "unknown_member"),
        ("body.metadata_category", "missing"),
        ("body.metadata_specialist", "type"),
        ("body.metadata_tags.0", "type"),
        ("body.name", "pattern"),
        ("body.performance_quality_score", "unknown_member"),
        ("body.rbac_allowed_tools.0", "range"),
        ("body.rbac_approval_threshold", "range"),
        ("body.rbac_path_scopes.1", "value"),
        ("body.rbac_path_scopes.2", "value"),
        ("body.role", "range"),
        ("body.role_confidence", "range"),
    ]
    .map(|(loc, kind)| (loc.to_owned(), kind.to_owned()));
    assert_eq!(told, wanted);
    assert_eq!(server.json("/api/v1/agents/").await, json!([]));
}

#[tokio::test]
async fn nothing_of_a_draft_is_optional_that_the_contract_requires() {
    let server = Server::start().await;
    let errors = server.post("/api/v1/agents/", &json!({})).await.expect(422).errors();
    let required: Vec<_> =
        draft("a").as_object().unwrap().keys().map(|m| (format!("body.{m}"), "missing".into())).collect();
    assert_eq!(errors, required);
}

#[tokio::test]
async fn names_have_a_form_and_bounds() {
    let server = Server::start().await;
    for name in ["a", "0-9", "-", &"a".repeat(128)] {
        server.post("/api/v1/agents/", &draft(name)).await.expect(201);
    }
    for name in ["", "A", "a_b", "a b", "a\n", "ä", &"a".repeat(129)] {
        let errors = server.post("/api/v1/agents/", &draft(name)).await.expect(422).errors();
        assert_eq!(errors[0].0, "body.name", "{name}");
    }
    for (member, longest) in [("role", 64), ("metadata_category", 64)] {
        let named =
            |length| draft_with(&format!("{}-{length}", &member[..4]), &json!({member: "é".repeat(length)}));
        server.post("/api/v1/agents/", &named(longest)).await.expect(201);
        server.post("/api/v1/agents/", &named(longest + 1)).await.expect(422);
    }
}

/// Name, method, path, body, status, members of the answer, events.
type Row<'a> = (&'a str, Method, &'a str, Option<Value>, u16, Value, &'a [&'a str]);

#[tokio::test]
async fn what_becomes_of_agents_is_answered_and_told() {
    let server = Server::start().await;
    let id = server.create("coder").await;
    let path = format!("/api/v1/agents/{id}");
    let nobody = format!("/api/v1/agents/{}", Uuid::new_v4());
    let agents = "/api/v1/agents/";
    let cases: Vec<Row<'_>> = vec![
        (
            "new",
            Method::POST,
            agents,
            Some(draft("writer")),
            201,
            json!({"name": "writer"}),
            &["agent_created"],
        ),
        ("name taken", Method::POST, agents, Some(draft("coder")), 409, json!({"title": "Conflict"}), &[]),
        ("renamed", Method::PUT, &path, Some(json!({"name": "b", "role": "admin"})), 422, json!({}), &[]),
        (
            "changed",
            Method::PUT,
            &path,
            Some(json!({"role": "admin"})),
            200,
            json!({"role": "admin"}),
            &["agent_updated"],
        ),
        ("unknown", Method::PUT, &nobody, Some(json!({})), 404, json!({}), &[]),
        ("unknown", Method::DELETE, &nobody, None, 404, json!({}), &[]),
        ("no id", Method::DELETE, "/api/v1/agents/coder", None, 404, json!({}), &[]),
        ("deleted", Method::DELETE, &path, None, 204, Value::Null, &["agent_deleted"]),
        ("gone", Method::GET, &path, None, 404, json!({}), &[]),
        ("gone", Method::DELETE, &path, None, 404, json!({}), &[]),
        ("name free again", Method::POST, agents, Some(draft("coder")), 201, json!({}), &["agent_created"]),
    ];
    for (name, method, path, body, status, answer, events) in cases {
        Scenario { name, method, path: path.to_owned(), body, status, answer, events }.run(&server).await;
    }
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let server = Server::start().await;
    let id = Uuid::new_v4().to_string();
    for (path, named) in [
        (format!("/api/v1/agents/{id}"), &*id),
        ("/api/v1/agents/name/nobody".into(), "nobody"),
        ("/api/v1/agents/no-uuid".into(), "no-uuid"),
        ("/api/v1/agents/name/a%2Fb%20c".into(), "a/b c"),
        // A percent sign before a plus and a digit was read as a byte.
        ("/api/v1/agents/name/a%+f".into(), "a%+f"),
    ] {
        let problem = server.get(&path).await.expect(404).json();
        assert!(problem["detail"].as_str().unwrap().contains(named), "{problem}");
    }
}

#[tokio::test]
async fn a_deleted_agents_records_stay() {
    let server = Server::start().await;
    let id = server.create("coder").await;
    server.metric(&id, &json!({"tokens_used": 5})).await;
    server.ingest(&json!({"agent_id": id})).await;
    server.delete(&format!("/api/v1/agents/{id}")).await.expect(204);
    let metrics = server.json(&format!("/api/v1/metrics/?agent_id={id}")).await;
    assert_eq!(each(&metrics, "tokens_used"), [5]);
    assert_eq!(server.json(&format!("/api/v1/metrics/agent/{id}/summary")).await["total_metrics"], 1);
    let audit = server.json(&format!("/api/v1/events/audit?agent_id={id}")).await;
    assert_eq!(audit.as_array().unwrap().len(), 1);
}
