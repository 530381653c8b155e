//! `/api/v1/agents/{agent_id}/activate`, `pause` and `resume`: what an agent does right now.

use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use crate::harness::{DAY, HOUR, MINUTE, SECOND, START, Scenario, Server};

#[tokio::test]
async fn activation_takes_a_body_or_none() {
    let server = Server::start().await;
    let id = server.create("coder").await;
    let path = format!("/api/v1/agents/{id}/activate");
    for body in [
        None,
        Some(json!({})),
        Some(json!({"session_id": "s-1", "task": "build"})),
        Some(json!({"task": null})),
    ] {
        server.advance(HOUR);
        let now = server.at(0);
        Scenario {
            name: "activate",
            method: Method::POST,
            path: path.clone(),
            body,
            status: 200,
            answer: json!({"name": "coder", "status": "active", "timestamps": {
                "created_at": START, "updated_at": START, "last_active_at": now,
            }}),
            events: &["agent_spawned"],
        }
        .run(&server)
        .await;
    }
    server.post(&path, &json!({"sesion_id": "s-1"})).await.expect(422);
    server.post(&format!("/api/v1/agents/{}/activate", Uuid::new_v4()), &json!({})).await.expect(404);
}

#[tokio::test]
async fn the_status_follows_what_was_last_recorded() {
    let server = Server::start().await;
    let id = server.create("coder").await;
    let path = format!("/api/v1/agents/{id}");
    let is = async |status: &str| assert_eq!(server.json(&path).await["status"], status);
    is("offline").await;
    server.ingest(&json!({"agent_name": "coder"})).await;
    is("active").await;
    server.advance(5 * MINUTE);
    is("active").await;
    // Answers are kept ready for as long as a second.
    server.advance(SECOND);
    is("idle").await;
    server.advance(DAY - 5 * MINUTE - SECOND);
    is("idle").await;
    server.advance(SECOND);
    is("offline").await;
    // What is told late does not make it active.
    server.metric(&id, &json!({"recorded_at": server.at(-2 * HOUR)})).await;
    is("idle").await;
    // Nor does a clock that runs ahead keep it active for longer.
    server.metric(&id, &json!({"recorded_at": server.at(4 * MINUTE)})).await;
    assert_eq!(server.json(&path).await["timestamps"]["last_active_at"], server.at(0));

    // A pause by an operator goes before all else, also before an exceeded budget.
    let pause = async |way: &str| server.post(&format!("{path}/{way}"), &json!({})).await.expect(200).json();
    assert_eq!(pause("pause").await["status"], "paused");
    server.metric(&id, &json!({"cost_usd": 31})).await;
    is("paused").await;
    assert_eq!(pause("resume").await["status"], "blocked");
    server.advance(DAY);
    is("idle").await;
}

#[tokio::test]
async fn an_exceeded_session_blocks_until_the_next_begins() {
    // Only the day's cost blocked an agent: a session over its token budget went on as if nothing was.
    let server = Server::start().await;
    let id = server.create("coder").await;
    let path = format!("/api/v1/agents/{id}");
    let is = async |status: &str| assert_eq!(server.json(&path).await["status"], status);
    let limit = server.json(&path).await["budget"]["max_tokens_per_session"].as_u64().unwrap();
    server.metric(&id, &json!({"session_id": "s-1", "tokens_used": limit})).await;
    is("active").await;
    server.metric(&id, &json!({"session_id": "s-1", "tokens_used": 1})).await;
    is("blocked").await;
    // What belongs to no session says nothing of it.
    server.metric(&id, &json!({"tokens_used": 1})).await;
    is("blocked").await;
    server.post(&format!("{path}/activate"), &json!({"session_id": "s-2"})).await.expect(200);
    is("active").await;
}

#[tokio::test]
async fn an_answer_that_is_kept_ready_is_not_older_than_what_was_answered() {
    let server = Server::start().await;
    let id = server.create("coder").await;
    let paths = [
        format!("/api/v1/agents/{id}"),
        "/api/v1/agents/name/coder".into(),
        "/api/v1/agents/?limit=1".into(),
    ];
    let shown = async |path: &str| {
        let answer = server.json(path).await;
        answer.get(0).unwrap_or(&answer).clone()
    };
    for cost in [1.0, 2.0, 3.0] {
        server.metric(&id, &json!({"cost_usd": 1.0})).await;
        for path in &paths {
            let first = shown(path).await;
            assert_eq!(first["budget"]["cost_used_today"], cost, "{path}");
            // Nothing happened and no time went by: this one was kept.
            assert_eq!(shown(path).await, first, "{path}");
        }
    }
    server.advance(DAY);
    for path in &paths {
        assert_eq!(shown(path).await["budget"]["cost_used_today"], 0.0, "{path}");
    }
}
