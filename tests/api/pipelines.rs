//! The three ways of a hook, end to end: what is sent is stored, moves what it should, and is told.

use serde_json::json;

use crate::harness::{HOUR, Server, draft_with, kinds};

#[tokio::test]
async fn an_operation_is_ingested_stored_and_broadcast() {
    let server = Server::start().await;
    let id = server.create("coder").await;
    let mut stream = server.stream(&format!("?agent_id={id}")).await;
    stream.greeted().await;
    let told = json!({
        "agent_id": "coder", "operation_type": "file_access", "operation_detail": "Write", "rbac_decision": "denied",
        "rbac_reason": "path not in scope", "target_resource": "/etc/passwd", "session_id": "s-1",
    });
    let record = server.ingest(&told).await;
    let event = stream.event().await;
    assert_eq!((&event["type"], &event["data"]), (&json!("operation_denied"), &record));
    assert_eq!(event["message"], "coder: Write denied: path not in scope");
    assert_eq!(server.json("/api/v1/events/audit?session_id=s-1").await, json!([record]));
    let activity = server.json("/api/v1/agent-activity").await;
    assert_eq!(activity[0]["activity_id"], record["audit_id"]);
    assert_eq!(
        server.json("/api/v1/events/audit/stats").await["rbac_decisions"],
        json!({"denied": 1, "allowed": 1})
    );
    let agent = server.json(&format!("/api/v1/agents/{id}")).await;
    assert_eq!(
        (&agent["status"], &agent["timestamps"]["last_active_at"]),
        (&json!("active"), &record["timestamp"])
    );
}

#[tokio::test]
async fn a_metric_is_stored_moves_the_budget_and_is_broadcast() {
    let server = Server::start().await;
    let id = server.create_from(&draft_with("coder", &json!({"budget_max_cost_per_day": 2}))).await;
    let mut stream = server.stream("").await;
    stream.greeted().await;
    let members = json!({
        "metric_type": "task_completion", "success": true, "tasks_completed": 1, "execution_time_ms": 250,
        "tokens_used": 500, "cost_usd": 1.5, "quality_score": 0.9, "session_id": "s-1",
    });
    let metric = server.metric("coder", &members).await;
    let events = stream.events_up_to(server.last_seq()).await;
    let wanted = ["metric_recorded", "task_completed", "quality_update", "budget_updated", "budget_alert"];
    assert_eq!(kinds(&events), wanted);
    assert_eq!(events[0]["data"], metric);
    assert_eq!(events[3]["metadata"]["budgetRemaining"], 0.5);
    assert_eq!(events[4]["alert"]["severity"], "info");

    assert_eq!(server.json("/api/v1/metrics/").await, json!([metric]));
    let agent = server.json(&format!("/api/v1/agents/{id}")).await;
    assert_eq!(
        (&agent["budget"]["tokens_used_today"], &agent["budget"]["cost_used_today"]),
        (&json!(500), &json!(1.5))
    );
    assert_eq!(
        agent["performance"],
        json!({
            "success_rate": 1.0, "avg_execution_time_ms": 250.0, "quality_score": 0.9, "total_tasks_completed": 1,
        })
    );
    assert_eq!(agent["timestamps"]["last_active_at"], metric["recorded_at"]);
    assert_eq!(server.json("/api/v1/metrics/aggregate").await["total_cost_usd"], 1.5);
    assert_eq!(server.json("/api/v1/agents/stats/summary").await["budget_used"], 1.5);
    assert_eq!(server.json("/api/v1/metrics/quality").await["grade"], "A");
    assert_eq!(server.json("/api/v1/agents/alerts").await["alerts"][0], events[4]["alert"]);
}

#[tokio::test]
async fn an_activation_moves_last_active_at_and_is_broadcast() {
    let server = Server::start().await;
    let id = server.create("coder").await;
    server.advance(HOUR);
    let mut stream = server.stream("?session_id=s-9").await;
    stream.greeted().await;
    let path = format!("/api/v1/agents/{id}");
    let body = json!({"session_id": "s-9", "task": "fix the build"});
    let agent = server.post(&format!("{path}/activate"), &body).await.expect(200).json();
    assert_eq!(
        (&agent["status"], &agent["timestamps"]["last_active_at"]),
        (&json!("active"), &json!(server.at(0)))
    );
    let event = stream.event().await;
    assert_eq!(
        (&event["type"], &event["message"]),
        (&json!("agent_spawned"), &json!("coder: started: fix the build"))
    );
    assert_eq!(event["metadata"], json!({"agent_id": id, "session_id": "s-9"}));
    assert_eq!(event["data"], agent);
    assert_eq!(server.json(&path).await, agent);
}
