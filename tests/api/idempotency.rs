//! A repeated request is answered with what became of the first, and writes nothing.

use agentmap::config::Config;
use agentmap::store::Location;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, DAY, HOUR, MINUTE, Server, draft, each};

const KEY: &str = "Idempotency-Key";

async fn send(server: &Server, path: &str, key: &str, body: &Value) -> Answer {
    Answer::of(server.request(Method::POST, path).header(KEY, key).json(body)).await
}

fn replayed(answer: &Answer) -> bool {
    answer.header("idempotency-replayed") == Some("true")
}

/// How many metrics, audit records, agents and events there are.
async fn written(server: &Server) -> Vec<String> {
    let mut counts = vec![server.last_seq().to_string()];
    for list in ["/api/v1/metrics/", "/api/v1/events/audit", "/api/v1/agents/"] {
        let page = server.get(&format!("{list}?limit=1")).await.expect(200);
        counts.push(page.header("x-total-count").unwrap().to_owned());
    }
    counts
}

/// Every request that writes, with a body.
fn requests(agent: &str) -> Vec<(String, Value, u16)> {
    let event = json!({"agent_name": "hook", "operation_detail": "Edit"});
    let metric = json!({"agent_id": "coder", "metric_type": "execution", "tokens_used": 7});
    let sync = json!({"identities": [{"file": "/f/a.md", "identity": {"name": "from-file"}}]});
    vec![
        ("/api/v1/agents/".into(), draft("other"), 201),
        (format!("/api/v1/agents/{agent}/activate"), json!({"session_id": "s-1"}), 200),
        (format!("/api/v1/agents/{agent}/pause"), json!({}), 200),
        (format!("/api/v1/agents/{agent}/resume"), json!({}), 200),
        ("/api/v1/agents/sync".into(), sync, 200),
        ("/api/v1/metrics/".into(), metric.clone(), 201),
        ("/api/v1/metrics/batch".into(), json!([metric, {"agent_id": "nobody", "metric_type": "x"}, 3]), 201),
        (
            "/api/v1/budget/deduct".into(),
            json!({"agent_id": "coder", "tokens_used": 1, "cost_usd": 0.5}),
            201,
        ),
        ("/api/v1/events/ingest".into(), event.clone(), 201),
        ("/api/v1/events/ingest/batch".into(), json!([event, {}, event]), 201),
    ]
}

#[tokio::test]
async fn every_request_that_writes_is_carried_out_once_also_across_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let location = || Location::File(folder.path().join("data.redb"));
    let server = Server::start_with(Config::defaults(), location()).await;
    let agent = server.create("coder").await;
    let mut first = Vec::new();
    for (path, body, status) in requests(&agent) {
        let answer = send(&server, &path, "k-1", &body).await.expect(status);
        assert!(!replayed(&answer), "{path}");
        first.push(answer);
    }
    let before = written(&server).await;
    server.stop().await;
    let server = Server::start_with(Config::defaults(), location()).await;
    for ((path, body, status), first) in requests(&agent).into_iter().zip(first) {
        let again = send(&server, &path, "k-1", &body).await.expect(status);
        assert!(replayed(&again), "{path}");
        assert_eq!(again.header("location"), first.header("location"));
        // An agent is answered as it is now, everything else as it was.
        if !path.starts_with("/api/v1/agents/") || path.ends_with("sync") {
            assert_eq!(again.json(), first.json(), "{path}");
        } else {
            assert_eq!(again.json()["agent_id"], first.json()["agent_id"]);
        }
        // The same key is another one at each endpoint, and another key is another request.
        let other = send(&server, &path, "k-2", &body).await;
        assert!(!replayed(&other), "{path}");
    }
    assert_ne!(written(&server).await, before);
}

#[tokio::test]
async fn a_repeat_writes_nothing_and_moves_nothing() {
    let server = Server::start().await;
    let agent = server.create("coder").await;
    for (path, body, _) in requests(&agent) {
        let first = send(&server, &path, "k", &body).await;
        let before = written(&server).await;
        let again = send(&server, &path, "k", &body).await;
        assert_eq!((first.status, first.json()), (again.status, again.json()), "{path}");
        assert_eq!(written(&server).await, before, "{path}");
    }
}

#[tokio::test]
async fn a_key_that_was_used_for_something_else_is_refused() {
    let server = Server::start().await;
    let (coder, writer) = (server.create("coder").await, server.create("writer").await);
    send(&server, "/api/v1/events/ingest", "k", &json!({"agent_name": "a"})).await.expect(201);
    let other = send(&server, "/api/v1/events/ingest", "k", &json!({"agent_name": "b"})).await.expect(422);
    assert_eq!(other.errors(), [("header.Idempotency-Key".to_owned(), "reused".to_owned())]);
    send(&server, &format!("/api/v1/agents/{coder}/pause"), "k", &json!({})).await.expect(200);
    send(&server, &format!("/api/v1/agents/{writer}/pause"), "k", &json!({})).await.expect(422);
    for bad in ["", "with space", &"k".repeat(256)] {
        let answer =
            send(&server, "/api/v1/events/ingest", bad, &json!({"agent_name": "a"})).await.expect(422);
        assert_eq!(answer.errors()[0].0, "header.Idempotency-Key");
    }
    send(&server, "/api/v1/events/ingest", &"k".repeat(255), &json!({"agent_name": "a"})).await.expect(201);
}

#[tokio::test]
async fn what_was_refused_is_decided_anew() {
    let server = Server::start().await;
    let metric = json!({"agent_id": "late", "metric_type": "execution"});
    send(&server, "/api/v1/metrics/", "k", &metric).await.expect(404);
    server.create("late").await;
    assert!(!replayed(&send(&server, "/api/v1/metrics/", "k", &metric).await.expect(201)));
    assert!(replayed(&send(&server, "/api/v1/metrics/", "k", &metric).await.expect(201)));
}

#[tokio::test]
async fn two_at_the_same_moment_are_one() {
    let server = Server::start().await;
    for n in 0..20 {
        let (key, body) =
            (format!("k-{n}"), json!({"agent_name": "hook", "operation_detail": n.to_string()}));
        let send = || send(&server, "/api/v1/events/ingest", &key, &body);
        let (a, b, c, d) = tokio::join!(send(), send(), send(), send());
        let answers = [a, b, c, d].map(|answer| answer.expect(201));
        assert_eq!(answers.iter().filter(|answer| !replayed(answer)).count(), 1);
        assert!(answers.iter().all(|answer| answer.json() == answers[0].json()));
    }
    assert_eq!(written(&server).await[2], "20");
}

#[tokio::test]
async fn a_client_s_own_ids_do_the_same_for_single_records() {
    let server = Server::start().await;
    server.create("coder").await;
    let event = json!({"agent_name": "hook", "event_id": "e-1", "unknown": true});
    let first = server.post("/api/v1/events/ingest", &event).await.expect(201);
    assert_eq!(first.json()["context"]["_extra"], json!({"event_id": "e-1", "unknown": true}));
    let again = server.post("/api/v1/events/ingest", &event).await.expect(201);
    assert!(replayed(&again) && !replayed(&first));
    assert_eq!(again.json(), first.json());
    let other = json!({"agent_name": "hook", "event_id": "e-1"});
    let refused = server.post("/api/v1/events/ingest", &other).await.expect(422);
    assert_eq!(refused.errors(), [("body.event_id".to_owned(), "reused".to_owned())]);

    let metric =
        json!({"agent_id": "coder", "metric_type": "execution", "metric_id": "m-1", "context": {"a": 1}});
    let first = server.post("/api/v1/metrics/", &metric).await.expect(201);
    assert_eq!(first.json()["context"], json!({"a": 1, "_extra": {"metric_id": "m-1"}}));
    let again = server.post("/api/v1/metrics/", &metric).await.expect(201);
    assert!(replayed(&again));
    assert_eq!(again.json(), first.json());

    // In a batch with others, with one that came alone, and with itself; a number is an id too.
    let another = json!({"agent_name": "hook", "event_id": 7});
    let batch = json!([event, another, another, other, {"agent_name": "hook"}, {}]);
    // And the record of the registration.
    for records in [4, 5] {
        let report = server.post("/api/v1/events/ingest/batch", &batch).await.expect(201).json();
        assert_eq!(report["accepted"], 4);
        let rejected: Vec<_> =
            report["rejected"].as_array().unwrap().iter().map(|r| (&r["index"], &r["status"])).collect();
        assert_eq!(rejected, [(&json!(3), &json!(422)), (&json!(5), &json!(422))]);
        assert_eq!(written(&server).await[2], records.to_string());
    }
    let unknown = json!({"agent_id": "nobody", "metric_type": "x", "metric_id": "m-2"});
    for _ in 0..2 {
        let report =
            server.post("/api/v1/metrics/batch", &json!([metric, unknown, unknown])).await.expect(201).json();
        assert_eq!(report["accepted"], 1);
        assert_eq!(report["rejected"][1]["status"], 404);
    }
    assert_eq!(written(&server).await[1], "1");
}

#[tokio::test]
async fn what_came_of_it_and_is_gone_is_said_to_be_gone() {
    let server = Server::start().await;
    let first = send(&server, "/api/v1/agents/", "k", &draft("coder")).await.expect(201).json();
    let id = first["agent_id"].as_str().unwrap();
    send(&server, &format!("/api/v1/agents/{id}/activate"), "k", &json!({})).await.expect(200);
    server.delete(&format!("/api/v1/agents/{id}")).await.expect(204);
    for path in ["/api/v1/agents/".to_owned(), format!("/api/v1/agents/{id}/activate")] {
        let body = if path.ends_with("activate") { json!({}) } else { draft("coder") };
        let gone = send(&server, &path, "k", &body).await.expect(410);
        assert!(gone.json()["detail"].as_str().unwrap().contains(id));
    }
}

#[tokio::test]
async fn a_key_is_remembered_for_a_day() {
    use agentmap::domain::command::{Action, Outcome};

    let server = Server::start().await;
    let event = json!({"agent_name": "hook"});
    let send = || send(&server, "/api/v1/events/ingest", "k", &event);
    send().await.expect(201);
    server.advance(DAY - MINUTE);
    assert!(replayed(&send().await.expect(201)));
    server.advance(MINUTE);
    assert!(!replayed(&send().await.expect(201)));
    assert!(replayed(&send().await.expect(201)));
    // Of too many the oldest are forgotten first.
    server.advance(MINUTE);
    self::send(&server, "/api/v1/events/ingest", "newer", &event).await.expect(201);
    let forgotten = server.app.submit(Action::ForgetRequests { keep: 1 }).await.unwrap();
    assert_eq!(forgotten, Outcome::Forgotten { more: false });
    assert!(replayed(&self::send(&server, "/api/v1/events/ingest", "newer", &event).await.expect(201)));
    assert!(!replayed(&send().await.expect(201)));
}

#[tokio::test]
async fn a_repeat_whose_records_were_pruned_since_is_answered_with_410_and_records_nothing() {
    use std::time::Duration;

    use agentmap::retention::retain;

    let hour = Some(Duration::from_hours(1));
    let config =
        Config { retain_audit: hour, retain_metrics: hour, retain_activity: hour, ..Config::defaults() };
    let server = Server::start_with(config, Location::Memory).await;
    server.create("coder").await;
    let event = |id: &str| json!({"agent_name": "hook", "event_id": id});
    let metric = |id: &str| json!({"agent_id": "coder", "metric_type": "execution", "tokens_used": 7, "metric_id": id});
    let nameless = json!({"agent_name": "hook"});
    let events = vec![nameless; 300];
    let whole = [
        ("/api/v1/events/ingest", "k-1", event("e-1")),
        ("/api/v1/events/ingest/batch", "k-2", events.into()),
        ("/api/v1/metrics/", "k-3", metric("m-1")),
    ];
    let parts = [
        ("/api/v1/events/ingest/batch", json!([event("e-2"), event("e-3")])),
        ("/api/v1/metrics/batch", json!([metric("m-2"), metric("m-3")])),
    ];
    // The parts first: the trail is pruned by whole tiles from its start.
    for (path, body) in &parts {
        server.post(path, body).await.expect(201);
    }
    for (path, key, body) in &whole {
        send(&server, path, key, body).await.expect(201);
    }
    retain(&server.app).await.unwrap();
    server.advance(3 * HOUR);
    let removed = retain(&server.app).await.unwrap();
    assert_eq!((removed.audit, removed.metrics), (256, 3));
    let figures = async || {
        let aggregate = server.json("/api/v1/metrics/aggregate?days=1").await;
        let stats = server.json("/api/v1/events/audit/stats").await;
        let spent = server.json("/api/v1/agents/name/coder").await["budget"].clone();
        (written(&server).await, aggregate, stats, spent)
    };
    let before = figures().await;
    for (path, key, body) in &whole {
        let gone = send(&server, path, key, body).await.expect(410).json();
        assert!(gone["detail"].as_str().unwrap().contains("has been removed since"), "{gone}");
    }
    for (path, body) in [(whole[0].0, &whole[0].2), (whole[2].0, &whole[2].2)] {
        server.post(path, body).await.expect(410);
    }
    for (path, body) in &parts {
        let report = server.post(path, body).await.expect(201).json();
        assert_eq!(report["accepted"], 0, "{report}");
        let rejected = each(&report["rejected"], "status");
        assert_eq!(rejected, [&json!(410), &json!(410)], "{report}");
    }
    assert_eq!(figures().await, before);
    // After a day it is another request.
    server.advance(DAY);
    assert!(!replayed(&send(&server, whole[2].0, whole[2].1, &metric("m-4")).await.expect(201)));
}
