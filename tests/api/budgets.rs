//! `/api/v1/budgets`: what is held, what operators change, and what is told.

use agentmap::domain::command::Action;
use reqwest::Method;
use serde_json::{Value, json};

use crate::authorization::{locked, token, with};
use crate::harness::{HOUR, MINUTE, Server, draft_with, each, kinds};
use crate::policy::{decide, governed, governed_draft};

const BUDGETS: &str = "/api/v1/budgets";
pub const ALERTS: &str = "/api/v1/agents/alerts";

async fn budget(server: &Server, scope: &str) -> Value {
    server.json(&format!("{BUDGETS}/{scope}")).await
}

async fn act(server: &Server, scope: &str, act: &str, body: &Value) -> Value {
    server.post(&format!("{BUDGETS}/{scope}/{act}"), body).await.expect(200).json()
}

/// What is used, held and left of the agent's day.
pub async fn stands(server: &Server) -> Value {
    let budget = budget(server, "agent:coder").await;
    json!([budget["used"], budget["reserved"], budget["remaining"]])
}

/// Asks for something of a cost; gives back the decision, the rule and its record's id.
async fn spend(server: &Server, cost: f64) -> (String, String, String) {
    let ruling = decide(server, &json!({"estimated_cost_usd": cost})).await;
    let text = |member: &str| ruling[member].as_str().unwrap().to_owned();
    (text("decision"), text("rule"), text("audit_id"))
}

#[tokio::test]
async fn an_estimate_is_held_until_a_metric_tells_what_it_did_cost() {
    let (server, _) = governed().await;
    let (_, _, first) = spend(&server, 4.0).await;
    let (_, _, second) = spend(&server, 3.0).await;
    assert_eq!(stands(&server).await, json!([0.0, 7.0, 3.0]));
    let (decision, rule, _) = spend(&server, 3.5).await;
    assert_eq!((decision.as_str(), rule.as_str()), ("denied", "budget agent: max_cost_per_day"));
    assert_eq!(stands(&server).await, json!([0.0, 7.0, 3.0]));
    // That of another agent's decision, or of none, releases nothing.
    server.create_from(&governed_draft("tester")).await;
    server.metric("tester", &json!({"cost_usd": 1, "decision_id": first})).await;
    server.metric("coder", &json!({"cost_usd": 0, "decision_id": uuid::Uuid::new_v4()})).await;
    assert_eq!(stands(&server).await, json!([0.0, 7.0, 3.0]));
    // The one that it names, and not the oldest.
    server.metric("coder", &json!({"cost_usd": 1.5, "decision_id": second, "session_id": "s-1"})).await;
    assert_eq!(stands(&server).await, json!([1.5, 4.0, 4.5]));
    server.metric("coder", &json!({"cost_usd": 0.5, "decision_id": second, "session_id": "s-1"})).await;
    assert_eq!(stands(&server).await, json!([2.0, 4.0, 4.0]));
}

#[tokio::test]
async fn a_metric_that_names_no_decision_releases_the_oldest_of_its_session() {
    let (server, _) = governed().await;
    for (session, cost) in [("s-1", 1.0), ("s-2", 2.0), ("s-1", 3.0)] {
        decide(&server, &json!({"session_id": session, "estimated_cost_usd": cost})).await;
    }
    for (metric, held) in [
        // It tells of no use.
        (json!({"session_id": "s-1", "execution_time_ms": 5}), 6.0),
        (json!({"session_id": "s-3", "cost_usd": 0}), 6.0),
        (json!({"cost_usd": 0}), 6.0),
        (json!({"session_id": "s-1", "cost_usd": 0}), 5.0),
        (json!({"session_id": "s-2", "tokens_used": 0}), 3.0),
        (json!({"session_id": "s-1", "cost_usd": 0}), 0.0),
        (json!({"session_id": "s-1", "cost_usd": 0}), 0.0),
    ] {
        server.metric("coder", &metric).await;
        assert_eq!(stands(&server).await[1], held, "{metric}");
    }
    // So does a deduction.
    spend(&server, 2.0).await;
    let deduction = json!({"agent_id": "coder", "tokens_used": 1, "cost_usd": 0.5, "session_id": "s-1"});
    server.post("/api/v1/budget/deduct", &deduction).await.expect(201);
    assert_eq!(stands(&server).await, json!([0.5, 0.0, 9.5]));
}

#[tokio::test]
async fn what_no_metric_tells_of_is_held_for_ten_minutes() {
    let (server, _) = governed().await;
    spend(&server, 4.0).await;
    server.advance(MINUTE);
    spend(&server, 4.0).await;
    for (passed, by_decision, held) in
        [(9 * MINUTE - 1, false, 8.0), (1, false, 4.0), (MINUTE - 1, true, 4.0), (1, true, 0.0)]
    {
        server.advance(passed);
        if by_decision {
            decide(&server, &json!({})).await;
        } else {
            server.app.submit(Action::EndUnanswered).await.unwrap();
        }
        assert_eq!(stands(&server).await[1], held);
    }
}

#[tokio::test]
async fn tokens_are_held_by_session() {
    let (server, _) = governed().await;
    let ask = async |session: &str, tokens: u64| {
        let ruling = decide(&server, &json!({"session_id": session, "estimated_tokens": tokens})).await;
        (ruling["decision"] == "allowed", ruling["budget"]["tokens_remaining"].as_u64().unwrap())
    };
    assert_eq!(ask("s-1", 600).await, (true, 400));
    assert_eq!(ask("s-1", 401).await, (false, 400));
    assert_eq!(ask("s-2", 1000).await, (true, 0));
    // Nothing is left, for what tells no estimate either.
    assert_eq!(ask("s-2", 0).await, (false, 0));
    server.metric("coder", &json!({"session_id": "s-1", "tokens_used": 100})).await;
    assert_eq!(ask("s-1", 900).await, (true, 0));
    let refused = decide(&server, &json!({"session_id": "s-1", "estimated_tokens": 1})).await;
    assert_eq!(refused["rule"], "budget session: max_tokens_per_session");
}

#[tokio::test]
async fn the_category_and_the_fleet_have_limits_of_their_own() {
    let (server, _) = governed().await;
    server.create_from(&governed_draft("tester")).await;
    let set = async |scope: &str, limit: Value| {
        let body = json!({"max_cost_per_day": limit});
        server.put(&format!("{BUDGETS}/{scope}"), &body).await.expect(200).json()
    };
    let ask = async |agent: &str, cost: f64| {
        let ruling = decide(&server, &json!({"agent": agent, "estimated_cost_usd": cost})).await;
        ruling["rule"].as_str().unwrap().to_owned()
    };
    let enough = "allowed_tools: Read";
    assert_eq!(set("category:foundry", json!(3)).await["limit"], 3.0);
    assert_eq!(ask("coder", 2.0).await, enough);
    assert_eq!(ask("tester", 1.5).await, "budget category:foundry: max_cost_per_day");
    assert_eq!(ask("tester", 1.0).await, enough);
    assert_eq!(set("category:foundry", Value::Null).await["remaining"], Value::Null);
    set("fleet", json!(4.5)).await;
    assert_eq!(ask("tester", 1.75).await, "budget fleet: max_cost_per_day");
    assert_eq!(ask("tester", 1.5).await, enough);
    let fleet = budget(&server, "fleet").await;
    assert_eq!(
        fleet,
        json!({
            "scope": "fleet", "name": "fleet", "limit": 4.5, "used": 0.0, "reserved": 4.5, "remaining": 0.0, "raised": 0.0,
            "paused": false,
        })
    );
    server.metric("tester", &json!({"session_id": "s-1", "cost_usd": 4})).await;
    assert_eq!(budget(&server, "fleet").await["used"], 4.0);
    let all = server.json(BUDGETS).await;
    assert_eq!(each(&all, "name"), ["fleet", "foundry", "coder", "tester"]);
    // An agent that is gone had spent what it spent.
    server.delete(&format!("/api/v1/agents/{}", agent_id(&all[3]))).await.expect(204);
    assert_eq!(budget(&server, "fleet").await["used"], 4.0);
    server.get(&format!("{BUDGETS}/agent:tester")).await.expect(404);
}

fn agent_id(budget: &Value) -> String {
    budget["scope"].as_str().unwrap().strip_prefix("agent:").unwrap().to_owned()
}

#[tokio::test]
async fn an_operator_raises_resets_pauses_and_resumes_and_each_is_recorded() {
    let (server, id) = governed().await;
    server.metric("coder", &json!({"cost_usd": 10})).await;
    let scope = format!("agent:{id}");
    let before = server.last_seq();
    let view = |limit: f64, used: f64, raised: f64, paused: bool| {
        json!({
            "scope": scope, "name": "coder", "limit": limit, "used": used, "reserved": 0.0,
            "remaining": limit - used, "raised": raised,
            "paused": paused,
        })
    };
    assert_eq!(spend(&server, 0.0).await.1, "budget agent: max_cost_per_day");
    let more = json!({"cost_usd": 2.5});
    assert_eq!(act(&server, "agent:coder", "raise", &more).await, view(12.5, 10.0, 2.5, false));
    assert_eq!(act(&server, &scope, "raise", &more).await, view(15.0, 10.0, 5.0, false));
    assert_eq!(act(&server, &scope, "reset", &json!({})).await, view(15.0, 0.0, 5.0, false));
    assert_eq!(act(&server, &scope, "pause", &json!({})).await, view(15.0, 0.0, 5.0, true));
    assert_eq!(spend(&server, 0.0).await.1, "budget agent: paused");
    // What is so already is not done again.
    assert_eq!(act(&server, &scope, "pause", &json!({})).await["paused"], true);
    assert_eq!(act(&server, &scope, "resume", &json!({})).await, view(15.0, 0.0, 5.0, false));
    assert_eq!(spend(&server, 4.0).await.0, "allowed");

    let told = server.events_after(before).await;
    let told: Vec<_> = told.iter().filter(|event| event["type"] == "budget_updated").collect();
    let acts = ["budget_raised", "budget_raised", "budget_reset", "budget_paused", "budget_resumed"];
    let whats: Vec<_> = told.iter().map(|event| event["metadata"]["operation"].as_str().unwrap()).collect();
    assert_eq!(whats, acts);
    assert_eq!(told[0]["data"], view(12.5, 10.0, 2.5, false));
    assert_eq!(
        (&told[0]["agentName"], &told[0]["metadata"]["budgetRemaining"]),
        (&json!("coder"), &json!(2.5))
    );
    let records = server.json("/api/v1/events/audit?operation_type=admin&limit=5").await;
    let records = records.as_array().unwrap();
    for (record, what) in records.iter().rev().zip(acts) {
        assert_eq!(record["operation"]["detail"], what);
        assert_eq!(record["target"], json!({"type": "budget", "resource": scope}));
    }
    // All of it was for today, and a pause would not have been.
    server.metric("coder", &json!({"cost_usd": 1, "session_id": "s-1"})).await;
    act(&server, &scope, "pause", &json!({})).await;
    server.advance(12 * HOUR);
    assert_eq!(budget(&server, &scope).await, view(10.0, 0.0, 0.0, true));
}

#[tokio::test]
async fn a_raise_or_a_reset_ends_the_block_and_is_in_what_the_stream_tells_is_left() {
    // What was left was told by the identity's limit alone.
    let (server, id) = governed().await;
    let path = format!("/api/v1/agents/{id}");
    for (what, body, left) in [("raise", json!({"cost_usd": 5}), 3.0), ("reset", json!({}), 14.0)] {
        server.metric("coder", &json!({"cost_usd": 11})).await;
        assert_eq!(server.json(&path).await["status"], "blocked");
        act(&server, "agent:coder", what, &body).await;
        assert_eq!(server.json(&path).await["status"], "active", "{what}");
        let before = server.last_seq();
        server.metric("coder", &json!({"cost_usd": 1})).await;
        let told = server.events_after(before).await;
        let updated = told.iter().find(|event| event["type"] == "budget_updated").unwrap();
        assert_eq!(updated["metadata"]["budgetRemaining"], left, "{what}");
    }
}

#[tokio::test]
async fn each_share_of_each_budget_is_told_once() {
    let server = Server::start().await;
    let limits = json!({"budget_max_cost_per_day": 100, "budget_max_tokens_per_session": 100});
    server.create_from(&draft_with("coder", &limits)).await;
    server.create_from(&draft_with("tester", &limits)).await;
    for (scope, limit) in [("category:foundry", 200), ("fleet", 200)] {
        server.put(&format!("{BUDGETS}/{scope}"), &json!({"max_cost_per_day": limit})).await.expect(200);
    }
    let told = async || {
        let alerts = server.json(&format!("{ALERTS}?limit=100")).await["alerts"].clone();
        let text = |alert: &Value| {
            let message = alert["message"].as_str().unwrap();
            let whose = message.split(" used").next().unwrap();
            format!("{whose} {}", alert["severity"].as_str().unwrap())
        };
        let mut texts: Vec<_> = alerts.as_array().unwrap().iter().map(text).collect();
        texts.reverse();
        texts
    };
    let mut wanted: Vec<String> = Vec::new();
    for (agent, cost, tokens, alerts) in [
        ("coder", 69.0, 69, &[][..]),
        ("coder", 1.0, 1, &["coder info", "coder info"]),
        ("coder", 19.0, 19, &[]),
        ("coder", 1.0, 1, &["coder warning", "coder warning"]),
        ("coder", 9.0, 9, &[]),
        ("coder", 1.0, 1, &["coder error", "coder error"]),
        ("coder", 39.0, 1, &[]),
        ("tester", 1.0, 0, &["the category foundry info", "the fleet info"]),
        ("tester", 39.0, 0, &[]),
        ("tester", 1.0, 0, &["the category foundry warning", "the fleet warning"]),
        ("tester", 20.0, 0, &["the category foundry error", "the fleet error"]),
        ("tester", 5.0, 0, &[]),
    ] {
        let before = server.last_seq();
        server.metric(agent, &json!({"cost_usd": cost, "tokens_used": tokens, "session_id": "s"})).await;
        wanted.extend(alerts.iter().map(|&text| text.to_owned()));
        assert_eq!(told().await, wanted, "{agent} {cost}");
        let events = server.events_after(before).await;
        assert_eq!(kinds(&events).iter().filter(|kind| **kind == "budget_alert").count(), alerts.len());
    }
}

#[tokio::test]
async fn what_is_no_budget_or_no_change_is_refused() {
    let (server, _) = governed().await;
    for scope in ["agent:nobody", "nothing", "category:", "session:x", "fleet:x"] {
        server.get(&format!("{BUDGETS}/{scope}")).await.expect(404);
        server.post(&format!("{BUDGETS}/{scope}/pause"), &json!({})).await.expect(404);
    }
    let limit = json!({"max_cost_per_day": 1});
    server.put(&format!("{BUDGETS}/agent:coder"), &limit).await.expect(409);
    for bad in [json!({"max_cost_per_day": -1}), json!({"max_cost_per_day": 1, "x": 1}), json!({"limit": 1})]
    {
        server.put(&format!("{BUDGETS}/fleet"), &bad).await.expect(422);
    }
    for bad in [json!({"cost_usd": 0}), json!({"cost_usd": -1}), json!({}), json!({"cost_usd": "1"})] {
        server.post(&format!("{BUDGETS}/fleet/raise"), &bad).await.expect(422);
    }
    assert_eq!(budget(&server, "fleet").await["limit"], Value::Null);
}

#[tokio::test]
async fn viewers_see_budgets_and_prices_and_change_nothing() {
    let server = locked().await;
    let (viewer, _) = token(&server, json!({"role": "viewer"})).await;
    for path in [BUDGETS, "/api/v1/budgets/fleet", "/api/v1/prices"] {
        with(&server, &viewer, Method::GET, path, None).await.expect(200);
    }
    for act in ["raise", "reset", "pause", "resume"] {
        let path = format!("{BUDGETS}/fleet/{act}");
        with(&server, &viewer, Method::POST, &path, Some(&json!({"cost_usd": 1}))).await.expect(403);
    }
}
