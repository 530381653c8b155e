//! `/api/v1/agent-activity`: what agents did of late.

use serde_json::json;

use crate::harness::{HOUR, Server, each};
use crate::shape::assert_shape;

const ACTIVITY: &str = "/api/v1/agent-activity";

#[tokio::test]
async fn activity_is_the_trail_in_flat_members() {
    let server = Server::start().await;
    let told = json!({
        "agent_id": "hook-1", "agent_name": "coder", "operation_type": "tool_use", "operation_detail": "Edit",
        "rbac_decision": "denied", "cost_usd": 0.25, "tokens_used": 9,
    });
    let record = server.ingest(&told).await;
    let list = server.json(ACTIVITY).await;
    let shape = json!([{
        "activity_id": "uuid", "agent_id": "string", "agent_name": "string", "operation_type": "string",
        "operation_detail": "string", "rbac_decision": "string", "timestamp": "time", "cost_usd": "number",
        "tokens_used": "integer",
    }]);
    assert_shape(&list, &shape);
    let mut wanted = told;
    wanted["activity_id"] = record["audit_id"].clone();
    wanted["timestamp"] = json!(server.at(0));
    assert_eq!(list, json!([wanted]));
}

#[tokio::test]
async fn hours_agents_and_offsets_narrow_the_list() {
    let server = Server::start().await;
    let id = server.create("coder").await;
    // The registration is too long ago for any of the lists.
    server.advance(169 * HOUR);
    for (agent, age) in [
        ("coder", 0),
        ("coder", HOUR),
        ("ghost", HOUR + 1),
        ("ghost", 24 * HOUR),
        ("coder", 24 * HOUR + 1),
        ("x", 168 * HOUR),
    ] {
        server.ingest(&json!({"agent_id": agent, "operation_detail": age.to_string(), "timestamp": server.at(-age)})).await;
    }
    for (query, ages) in [
        ("", &[0, HOUR, HOUR + 1, 24 * HOUR][..]),
        ("?hours=1", &[0, HOUR]),
        ("?hours=168", &[0, HOUR, HOUR + 1, 24 * HOUR, 24 * HOUR + 1, 168 * HOUR]),
        ("?agent_id=coder", &[0, HOUR]),
        (&format!("?agent_id={id}&hours=25"), &[0, HOUR, 24 * HOUR + 1]),
        ("?agent_id=ghost&offset=1", &[24 * HOUR]),
        ("?offset=1&limit=2", &[HOUR, HOUR + 1]),
        ("?agent_id=nobody", &[]),
    ] {
        let list = server.json(&format!("{ACTIVITY}{query}")).await;
        let wanted: Vec<_> = ages.iter().map(|age| json!(age.to_string())).collect();
        assert_eq!(each(&list, "operation_detail"), wanted.iter().collect::<Vec<_>>(), "{query}");
    }
    for bad in ["0", "169", "x", "-1", "1.5"] {
        let errors = server.get(&format!("{ACTIVITY}?hours={bad}")).await.expect(422).errors();
        assert_eq!(errors[0].0, "query.hours");
    }
}
