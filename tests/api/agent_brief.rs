//! `/api/v1/agents/brief`: the whole fleet, a row an agent.

use serde_json::json;

use crate::harness::{DAY, HOUR, Server, draft_with, each};
use crate::paging::{follow, next_link};
use crate::shape::assert_shape;

const BRIEF: &str = "/api/v1/agents/brief";

#[tokio::test]
async fn a_row_has_what_a_table_shows_and_null_for_what_was_not_measured() {
    let server = Server::start().await;
    let created_at = server.at(0);
    let members =
        json!({"metadata_tags": ["night"], "metadata_specialist": true, "display_name": "The Coder"});
    let id = server.create_from(&draft_with("coder", &members)).await;
    let list = server.json(BRIEF).await;
    assert_shape(
        &list,
        &json!([{
            "agent_id": "uuid", "name": "string", "display_name": "string", "role": "string", "category": "string",
            "specialist": "boolean", "tags": "array", "status": "string", "currency": "string",
            "max_cost_per_day": "number", "cost_used_today": "number", "tokens_used_today": "integer",
            "max_tokens_per_session": "integer", "success_rate": "number|null", "quality_score": "number|null",
            "avg_execution_time_ms": "number|null", "total_tasks_completed": "integer", "created_at": "time",
            "last_active_at": "time|null",
        }]),
    );
    let mut row = json!({
        "agent_id": id, "name": "coder", "display_name": "The Coder", "role": "developer", "category": "foundry",
        "specialist": true, "tags": ["night"], "status": "offline", "currency": "USD", "max_cost_per_day": 30.0,
        "cost_used_today": 0.0, "tokens_used_today": 0, "max_tokens_per_session": 200_000, "success_rate": null,
        "quality_score": null, "avg_execution_time_ms": null, "total_tasks_completed": 0, "created_at": created_at,
        "last_active_at": null,
    });
    assert_eq!(list[0], row);

    // What was measured is told, be it zero.
    server.advance(HOUR);
    server.metric("coder", &json!({"success": false, "cost_usd": 1.5, "tokens_used": 7})).await;
    for (member, value) in [
        ("status", json!("active")),
        ("cost_used_today", json!(1.5)),
        ("tokens_used_today", json!(7)),
        ("success_rate", json!(0.0)),
        ("last_active_at", json!(server.at(0))),
    ] {
        row[member] = value;
    }
    assert_eq!(server.json(BRIEF).await[0], row);
    let measures = json!({
        "success": true, "quality_score": 0, "execution_time_ms": 12, "tasks_completed": 3, "cost_usd": 30,
        "recorded_at": server.at(-DAY),
    });
    server.metric("coder", &measures).await;
    for (member, value) in [
        ("success_rate", json!(0.5)),
        ("quality_score", json!(0.0)),
        ("avg_execution_time_ms", json!(12.0)),
        ("total_tasks_completed", json!(3)),
    ] {
        row[member] = value;
    }
    assert_eq!(server.json(BRIEF).await[0], row);
}

#[tokio::test]
async fn a_row_agrees_with_the_agent() {
    let server = Server::start().await;
    let ids = [server.create("paused").await, server.create("spent").await, server.create("idle").await];
    server.metric("idle", &json!({"quality_score": 0.5, "recorded_at": server.at(-HOUR)})).await;
    server.metric("spent", &json!({"cost_usd": 31, "execution_time_ms": 4, "success": true})).await;
    server.post(&format!("/api/v1/agents/{}/pause", ids[0]), &json!({})).await.expect(200);
    let rows = server.json(BRIEF).await;
    assert_eq!(each(&rows, "name"), ["idle", "paused", "spent"]);
    for row in rows.as_array().unwrap() {
        let agent = server.json(&format!("/api/v1/agents/{}", row["agent_id"].as_str().unwrap())).await;
        for (member, of_agent) in [
            ("status", &agent["status"]),
            ("cost_used_today", &agent["budget"]["cost_used_today"]),
            ("tokens_used_today", &agent["budget"]["tokens_used_today"]),
            ("last_active_at", &agent["timestamps"]["last_active_at"]),
            ("total_tasks_completed", &agent["performance"]["total_tasks_completed"]),
        ] {
            assert_eq!(&row[member], of_agent, "{}: {member}", row["name"]);
        }
    }
    assert_eq!(each(&rows, "status"), ["idle", "paused", "blocked"]);
}

#[tokio::test]
async fn pages_follow_each_other_by_name() {
    let server = Server::start().await;
    assert_eq!(server.json(BRIEF).await, json!([]));
    // Names of which one begins another.
    for name in ["b", "a-b", "a", "aa", "c"] {
        server.create(name).await;
    }
    let wanted = ["a", "a-b", "aa", "b", "c"];
    for limit in [1, 2, 4, 5, 2500] {
        let rows = follow(&server, &format!("{BRIEF}?limit={limit}")).await;
        assert_eq!(each(&rows.into(), "name"), wanted, "by {limit}");
    }
    let first = server.get(&format!("{BRIEF}?limit=2")).await.expect(200);
    assert_eq!(first.header("x-total-count"), Some("5"));
    assert_eq!(next_link(&server.get(&format!("{BRIEF}?limit=5")).await), None);

    // An agent that comes or goes moves no other.
    let gone = first.json()[1]["agent_id"].as_str().unwrap().to_owned();
    server.delete(&format!("/api/v1/agents/{gone}")).await.expect(204);
    server.create("0").await;
    let rest = follow(&server, &next_link(&first).unwrap()).await;
    assert_eq!(each(&rest.into(), "name"), wanted[2..]);

    for (query, member) in
        [("limit=0", "limit"), ("limit=2501", "limit"), ("limit=x", "limit"), ("cursor=xyz", "cursor")]
    {
        let errors = server.get(&format!("{BRIEF}?{query}")).await.expect(422).errors();
        assert_eq!(errors[0].0, format!("query.{member}"), "{query}");
    }
}
