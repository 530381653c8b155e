//! `/api/v1/agents/activity`: what agents did of late, step by step.

use serde_json::{Value, json};

use crate::harness::{DAY, HOUR, MINUTE, Server, each};
use crate::shape::assert_shape;

const ACTIVITY: &str = "/api/v1/agents/activity";

/// A series that is zero but at some points.
fn series(points: usize, counts: &[(usize, u64)]) -> Value {
    let mut series = vec![0; points];
    for (point, count) in counts {
        series[*point] = *count;
    }
    json!(series)
}

#[tokio::test]
async fn metrics_and_operations_are_counted_by_five_minutes() {
    // It is 12:00, the first moment of a step.
    let server = Server::start().await;
    let empty = server.json(ACTIVITY).await;
    let from = "2026-11-22T11:05:00.000000Z";
    assert_eq!(empty, json!({"from": from, "step_minutes": 5, "points": 12, "agents": []}));

    let coder = server.create("coder").await;
    server.create("idler").await;
    let tester = server.create("tester").await;
    for (ago, decision) in [
        (0, "allowed"),
        (1, "denied"),
        (5 * MINUTE, "requires_approval"),
        (5 * MINUTE + 1, "allowed"),
        (55 * MINUTE, "denied"),
        (55 * MINUTE + 1, "denied"),
        (-6 * MINUTE, "denied"),
    ] {
        let at = server.at(-ago);
        server.ingest(&json!({"agent_name": "coder", "rbac_decision": decision, "timestamp": at})).await;
    }
    server.metric(&coder, &json!({"recorded_at": server.at(-MINUTE)})).await;
    server.metric("tester", &json!({})).await;
    server.metric("tester", &json!({"recorded_at": server.at(-HOUR)})).await;
    // Nobody that is registered did this, and what was deleted is nobody.
    server.ingest(&json!({"agent_name": "stranger"})).await;
    let gone = server.create("gone").await;
    server.metric("gone", &json!({})).await;
    server.delete(&format!("/api/v1/agents/{gone}")).await.expect(204);

    let told = server.json(ACTIVITY).await;
    let agent = json!({
        "agent_id": "uuid", "name": "string", "operations": ["integer"], "refused": ["integer"],
        "metrics": ["integer"], "total": "integer",
    });
    let shape = json!({"from": "time", "step_minutes": "integer", "points": "integer", "agents": [agent]});
    assert_shape(&told, &shape);
    assert_eq!((&told["from"], &told["points"]), (&json!(from), &json!(12)));
    let of_coder = json!({
        "agent_id": coder, "name": "coder", "operations": series(12, &[(0, 1), (9, 1), (10, 2), (11, 1)]),
        "refused": series(12, &[(0, 1), (10, 2)]), "metrics": series(12, &[(10, 1)]), "total": 6,
    });
    let of_tester = json!({
        "agent_id": tester, "name": "tester", "operations": series(12, &[]), "refused": series(12, &[]),
        "metrics": series(12, &[(11, 1)]), "total": 1,
    });
    assert_eq!(told["agents"], json!([of_coder, of_tester]));

    for (query, agents) in [
        ("?limit=1", json!([of_coder])),
        ("?agent_id=tester", json!([of_tester])),
        (&format!("?agent_id={coder}"), json!([of_coder])),
        ("?agent_id=idler", json!([])),
        ("?agent_id=nobody", json!([])),
        (&format!("?agent_id={gone}"), json!([])),
    ] {
        assert_eq!(server.json(&format!("{ACTIVITY}{query}")).await["agents"], agents, "{query}");
    }

    // A step later, what lay ahead has come and all else has moved on.
    server.advance(5 * MINUTE);
    let told = server.json(ACTIVITY).await;
    assert_eq!(told["from"], json!("2026-11-22T11:10:00.000000Z"));
    assert_eq!(told["agents"][0]["operations"], series(12, &[(8, 1), (9, 2), (10, 1), (11, 1)]));
}

#[tokio::test]
async fn the_busiest_come_first_and_names_decide_between_equals() {
    let server = Server::start().await;
    for (name, count) in [("b", 1), ("a", 1), ("c", 2)] {
        server.create(name).await;
        for _ in 0..count {
            server.metric(name, &json!({})).await;
        }
    }
    let told = server.json(ACTIVITY).await;
    assert_eq!(each(&told["agents"], "name"), ["c", "a", "b"]);
    let told = server.json(&format!("{ACTIVITY}?limit=2")).await;
    assert_eq!(each(&told["agents"], "name"), ["c", "a"]);
    assert_eq!(each(&told["agents"], "metrics"), [&series(12, &[(11, 2)]), &series(12, &[(11, 1)])]);
}

#[tokio::test]
async fn steps_of_one_agent_merge_up_to_a_month() {
    let server = Server::start().await;
    server.create("coder").await;
    server.create("other").await;
    server.advance(MINUTE);
    server.metric("other", &json!({})).await;
    for ago in [0, MINUTE, 2 * MINUTE, 12 * HOUR, 13 * HOUR, 29 * DAY, 29 * DAY + 12 * HOUR, 30 * DAY] {
        server.metric("coder", &json!({"recorded_at": server.at(-ago)})).await;
    }
    for (query, from, step, metrics) in [
        ("minutes=43200&step=day", "2026-10-24", 1440, series(30, &[(0, 2), (28, 1), (29, 4)])),
        (
            "minutes=43200&step=hour",
            "2026-10-23T13:00:00Z",
            60,
            series(720, &[(11, 1), (23, 1), (706, 1), (707, 1), (718, 1), (719, 2)]),
        ),
        ("minutes=61&step=hour", "2026-11-22T11:00:00Z", 60, series(2, &[(0, 1), (1, 2)])),
        ("minutes=10&step=day", "2026-11-22", 1440, series(1, &[(0, 4)])),
        ("minutes=10", "2026-11-22T11:55:00Z", 5, series(2, &[(0, 1), (1, 2)])),
        ("minutes=11", "2026-11-22T11:50:00Z", 5, series(3, &[(1, 1), (2, 2)])),
        ("minutes=1440", "2026-11-21T12:05:00Z", 5, series(288, &[(131, 1), (143, 1), (286, 1), (287, 2)])),
    ] {
        let told = server.json(&format!("{ACTIVITY}?agent_id=coder&{query}")).await;
        let from = agentmap::domain::time::Timestamp::parse(from).unwrap().to_string();
        assert_eq!(told["from"], json!(from), "{query}");
        assert_eq!(told["step_minutes"], step, "{query}");
        assert_eq!(told["points"], metrics.as_array().unwrap().len(), "{query}");
        assert_eq!(told["agents"][0]["metrics"], metrics, "{query}");
        assert_eq!(told["agents"].as_array().unwrap().len(), 1, "{query}");
    }
    let all = server.json(&format!("{ACTIVITY}?minutes=1440&step=hour")).await;
    assert_eq!((&all["points"], each(&all["agents"], "name").len()), (&json!(24), 2));
}

#[tokio::test]
async fn what_cannot_be_told_is_refused() {
    let server = Server::start().await;
    server.create("coder").await;
    for (query, member) in [
        ("minutes=9", "minutes"),
        ("minutes=43201&agent_id=coder&step=day", "minutes"),
        ("minutes=1441", "minutes"),
        ("minutes=1441&agent_id=coder", "minutes"),
        ("minutes=1441&step=hour", "minutes"),
        ("minutes=x", "minutes"),
        ("step=minute", "step"),
        ("step=minute&agent_id=coder", "step"),
        ("minutes=1440&limit=521", "limit"),
        ("limit=0", "limit"),
        ("limit=10001", "limit"),
    ] {
        let errors = server.get(&format!("{ACTIVITY}?{query}")).await.expect(422).errors();
        assert_eq!(errors.len(), 1, "{query}");
        assert_eq!(errors[0].0, format!("query.{member}"), "{query}");
    }
    let problem = server.get(&format!("{ACTIVITY}?minutes=1441")).await.expect(422).json();
    assert!(problem["detail"].as_str().unwrap().contains("agent_id"), "{problem}");
    let problem = server.get(&format!("{ACTIVITY}?minutes=1440&limit=10000")).await.expect(422).json();
    assert!(problem["detail"].as_str().unwrap().contains("at most 520 with 288 points"), "{problem}");
    // What there are few points of may have many agents; one agent is never too many.
    for query in [
        "minutes=60&limit=10000",
        "minutes=1440",
        "minutes=1440&limit=520",
        "minutes=1440&step=hour&limit=6250",
        "minutes=1440&limit=10000&agent_id=coder",
    ] {
        server.get(&format!("{ACTIVITY}?{query}")).await.expect(200);
    }
}
