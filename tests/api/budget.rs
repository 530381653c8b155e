//! Budgets: what metrics use, alerts, the blocked status, `/api/v1/budget/deduct`.

use serde_json::{Value, json};

use crate::harness::{DAY, HOUR, MINUTE, Server, draft_with, each, kinds};
use crate::metrics::metric_shape;
use crate::shape::assert_shape;

/// A server with one agent, whose day may cost 10 USD and whose sessions may use 1,000 tokens.
async fn limited() -> (Server, String) {
    let server = Server::start().await;
    let limits = json!({"budget_max_cost_per_day": 10, "budget_max_tokens_per_session": 1000});
    let id = server.create_from(&draft_with("coder", &limits)).await;
    let path = format!("/api/v1/agents/{id}");
    (server, path)
}

pub fn alert_shape() -> Value {
    json!({
        "id": "uuid", "severity": "string", "title": "string", "message": "string", "timestamp": "time",
        "agent_id": "uuid", "agent_name": "string", "dismissible": "boolean",
    })
}

#[tokio::test]
async fn usage_moves_the_budget_and_crossing_a_share_of_it_alerts() {
    let (server, path) = limited().await;
    let plain = &["metric_recorded", "budget_updated"][..];
    let alert = &["metric_recorded", "budget_updated", "budget_alert"][..];
    let mut alerts = Vec::new();
    for (cost, used, status, events, severity) in [
        (6.5, 6.5, "active", plain, None),
        (0.5, 7.0, "active", alert, Some("info")),
        (1.0, 8.0, "active", plain, None),
        (1.0, 9.0, "active", alert, Some("warning")),
        // Reaching the limit is told, and no more than that.
        (1.0, 10.0, "active", alert, Some("error")),
        (0.25, 10.25, "blocked", plain, None),
        (5.0, 15.25, "blocked", plain, None),
    ] {
        server.advance(MINUTE);
        let before = server.last_seq();
        server.metric("coder", &json!({"cost_usd": cost, "tokens_used": 3})).await;
        let agent = server.json(&path).await;
        assert_eq!(agent["budget"]["cost_used_today"], used);
        assert_eq!(agent["status"], status, "{used}");
        let told = server.events_after(before).await;
        assert_eq!(kinds(&told), events, "{used}");
        assert_eq!(told[1]["metadata"]["budgetRemaining"], 10.0 - used);
        if let Some(severity) = severity {
            assert_shape(&told[2]["alert"], &alert_shape());
            assert_eq!(told[2]["alert"]["severity"], severity);
            assert_eq!(told[2]["alert"], told[2]["data"]);
            alerts.insert(0, told[2]["alert"].clone());
        }
    }
    assert_eq!(server.json(&path).await["budget"]["tokens_used_today"], 21);

    // Newest first, as the stream told them.
    assert_eq!(server.json("/api/v1/agents/alerts").await, json!({"alerts": alerts}));
    assert_eq!(server.json("/api/v1/agents/alerts?limit=1").await, json!({"alerts": [alerts[0]]}));
    for bad in ["limit=0", "limit=501", "limit=x", "since=yesterday"] {
        server.get(&format!("/api/v1/agents/alerts?{bad}")).await.expect(422);
    }
}

#[tokio::test]
async fn only_alerts_of_a_later_time_are_told_where_asked_for() {
    let (server, _) = limited().await;
    server.create("late").await;
    // An alert of 11:00 comes after that of 12:00.
    server.metric("coder", &json!({"cost_usd": 7})).await;
    server.metric("late", &json!({"cost_usd": 21, "recorded_at": server.at(-HOUR)})).await;
    server.advance(MINUTE);
    server.metric("coder", &json!({"cost_usd": 2})).await;
    for (since, limit, times) in [
        (2 * HOUR, 9, &[0, HOUR + MINUTE, MINUTE][..]),
        (HOUR + MINUTE + 1, 9, &[0, HOUR + MINUTE, MINUTE]),
        (HOUR + MINUTE, 9, &[0, MINUTE]),
        (HOUR + MINUTE, 1, &[0]),
        (MINUTE + 1, 9, &[0, MINUTE]),
        (MINUTE, 9, &[0]),
        (0, 9, &[]),
    ] {
        let path = format!("/api/v1/agents/alerts?limit={limit}&since={}", server.at(-since));
        let told = server.json(&path).await["alerts"].clone();
        let wanted: Vec<_> = times.iter().map(|ago| json!(server.at(-ago))).collect();
        assert_eq!(each(&told, "timestamp"), wanted.iter().collect::<Vec<_>>(), "{since} {limit}");
    }
}

#[tokio::test]
async fn one_metric_alerts_once_for_each_share_that_it_crosses() {
    let (server, path) = limited().await;
    server.metric("coder", &json!({"cost_usd": 11})).await;
    let alerts = server.json("/api/v1/agents/alerts").await["alerts"].clone();
    assert_eq!(each(&alerts, "severity"), ["error", "warning", "info"]);
    assert_eq!(alerts[0]["agent_id"], path.rsplit('/').next().unwrap());
    assert_eq!(alerts[0]["agent_name"], "coder");
}

#[tokio::test]
async fn a_sessions_tokens_have_a_budget_of_their_own() {
    let (server, _) = limited().await;
    for (session, tokens, alerts) in
        [("a", 600, 0), ("b", 600, 0), ("a", 100, 1), ("a", 301, 3), ("b", 99, 3)]
    {
        server.metric("coder", &json!({"tokens_used": tokens, "session_id": session})).await;
        let told = server.json("/api/v1/agents/alerts").await;
        assert_eq!(told["alerts"].as_array().unwrap().len(), alerts, "{session} {tokens}");
    }
    let told = server.json("/api/v1/agents/alerts").await["alerts"].clone();
    assert_eq!(each(&told, "severity"), ["error", "warning", "info"]);
    let message = told[0]["message"].as_str().unwrap();
    assert!(message.contains("1001") && message.contains("1000"), "{message}");
}

#[tokio::test]
async fn a_new_utc_day_begins_with_nothing_used() {
    let (server, path) = limited().await;
    server.metric("coder", &json!({"cost_usd": 11, "tokens_used": 5})).await;
    assert_eq!(server.json(&path).await["status"], "blocked");
    server.advance(12 * HOUR - 1);
    assert_eq!(server.json(&path).await["status"], "blocked");
    server.advance(1);
    let agent = server.json(&path).await;
    assert_eq!(agent["status"], "idle");
    let budget = &agent["budget"];
    assert_eq!((&budget["cost_used_today"], &budget["tokens_used_today"]), (&json!(0.0), &json!(0)));
    assert_eq!(budget["last_reset"], "2026-11-23T00:00:00.000000Z");
    // The same share alerts again on another day.
    server.metric("coder", &json!({"cost_usd": 7})).await;
    assert_eq!(server.json("/api/v1/agents/alerts").await["alerts"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn what_is_recorded_late_counts_for_its_own_day() {
    let (server, path) = limited().await;
    let before = server.last_seq();
    server.metric("coder", &json!({"cost_usd": 11, "recorded_at": server.at(-DAY)})).await;
    assert_eq!(server.json(&path).await["budget"]["cost_used_today"], 0.0);
    assert_eq!(kinds(&server.events_after(before).await), ["metric_recorded"]);
    assert_eq!(server.json("/api/v1/agents/alerts").await, json!({"alerts": []}));
    let history = server.json("/api/v1/agents/stats/history?days=2").await;
    assert_eq!(each(&history["burnRate"], "value"), [11.0, 0.0]);
}

#[tokio::test]
async fn a_higher_limit_ends_the_block() {
    let (server, path) = limited().await;
    server.metric("coder", &json!({"cost_usd": 11})).await;
    let agent = server.put(&path, &json!({"budget_max_cost_per_day": 20})).await.expect(200).json();
    assert_eq!(agent["status"], "active");
    let agent = server.put(&path, &json!({"budget_max_cost_per_day": 10.99})).await.expect(200).json();
    assert_eq!(agent["status"], "blocked");
}

#[tokio::test]
async fn cents_add_up_exactly() {
    let (server, path) = limited().await;
    let cents: Vec<_> =
        (0..70).map(|_| json!({"agent_id": "coder", "metric_type": "cost", "cost_usd": 0.1})).collect();
    server.post("/api/v1/metrics/batch", &cents.into()).await.expect(201);
    assert_eq!(server.json(&path).await["budget"]["cost_used_today"], 7.0);
    assert_eq!(server.json("/api/v1/agents/alerts").await["alerts"][0]["severity"], "info");
}

const DEDUCT: &str = "/api/v1/budget/deduct";

#[tokio::test]
async fn a_deduction_is_a_metric_of_type_cost() {
    let (server, path) = limited().await;
    let before = server.last_seq();
    let deduction = json!({
        "agent_id": "coder", "agent_role": "developer", "tool_name": "Edit", "tokens_used": 12, "cost_usd": 0.5,
        "timestamp": "2026-11-22T11:59:00",
    });
    let metric = server.post(DEDUCT, &deduction).await.expect(201).json();
    assert_shape(&metric, &metric_shape());
    assert_eq!(metric["metric_type"], "cost");
    assert_eq!(metric["context"], json!({"agent_role": "developer", "tool_name": "Edit"}));
    assert_eq!(metric["recorded_at"], "2026-11-22T11:59:00.000000Z");
    assert_eq!((&metric["tokens_used"], &metric["cost_usd"]), (&json!(12), &json!(0.5)));
    assert_eq!(server.json("/api/v1/metrics/").await, json!([metric]));
    assert_eq!(server.json(&path).await["budget"]["cost_used_today"], 0.5);
    assert_eq!(kinds(&server.events_after(before).await), ["metric_recorded", "budget_updated"]);

    let by_id = json!({"agent_id": path.rsplit('/').next().unwrap(), "tokens_used": 0, "cost_usd": 0});
    let metric = server.post(DEDUCT, &by_id).await.expect(201).json();
    assert_eq!((&metric["recorded_at"], &metric["context"]), (&json!(server.at(0)), &json!({})));
}

#[tokio::test]
async fn a_deduction_that_is_wrong_deducts_nothing() {
    let (server, path) = limited().await;
    let problem = server
        .post(DEDUCT, &json!({"agent_id": "nobody", "tokens_used": 1, "cost_usd": 1}))
        .await
        .expect(404);
    assert!(problem.json()["detail"].as_str().unwrap().contains("nobody"));
    let errors = server
        .post(DEDUCT, &json!({"cost_usd": -1, "tokens": 5, "timestamp": "soon"}))
        .await
        .expect(422)
        .errors();
    let wanted = [
        ("body.agent_id", "missing"),
        ("body.cost_usd", "range"),
        ("body.timestamp", "value"),
        ("body.tokens", "unknown_member"),
        ("body.tokens_used", "missing"),
    ];
    assert_eq!(errors, wanted.map(|(loc, kind)| (loc.to_owned(), kind.to_owned())));
    let late =
        json!({"agent_id": "coder", "tokens_used": 1, "cost_usd": 1, "timestamp": server.at(5 * MINUTE + 1)});
    server.post(DEDUCT, &late).await.expect(422);
    assert_eq!(server.json(&path).await["budget"]["cost_used_today"], 0.0);
}
