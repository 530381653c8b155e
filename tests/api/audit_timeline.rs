//! `/api/v1/events/audit/timeline`: the audit trail over time, against a fold over the records.

use agentmap::domain::time::Timestamp;
use serde_json::{Value, json};

use crate::harness::{DAY, HOUR, MINUTE, SECOND, Server};

const TIMELINE: &str = "/api/v1/events/audit/timeline";

/// Records at uneven times back to a month before now.
async fn record(server: &Server) -> Vec<Value> {
    let items: Vec<_> = (0..400_i64)
        .map(|n| {
            let decision = ["allowed", "denied", "requires_approval", "unknown", "allowed"];
            let operation = ["tool_use", "api_call", "file_access"];
            let mut told = json!({
                "agent_name": "coder", "timestamp": server.at(-(n * n * 17 * SECOND) - n * 3),
                "rbac_decision": decision[usize::try_from(n).unwrap() % 5],
                "operation_type": operation[usize::try_from(n).unwrap() % 3],
            });
            if n % 2 == 0 {
                told["agent_role"] = json!("developer");
            }
            told
        })
        .collect();
    server.post("/api/v1/events/ingest/batch", &items.into()).await.expect(201);
    // Before a day ago, in the same minute.
    server.ingest(&json!({"agent_name": "coder", "timestamp": server.at(-DAY - 10 * SECOND)})).await;
    server.json("/api/v1/events/audit?limit=1000").await.as_array().unwrap().clone()
}

#[tokio::test]
async fn every_step_equals_a_fold_over_the_records() {
    let server = Server::start().await;
    server.advance(17 * SECOND + 1);
    let records = record(&server).await;
    let now = server.now().0;
    // Without a date a range begins with a minute.
    let back = |length: i64| (now - length).div_euclid(MINUTE) * MINUTE;
    let day = Timestamp::parse("2026-11-20").unwrap().0;
    for (range, from, to, step) in [
        ("period=24h", back(DAY), now, HOUR),
        ("period=1h", back(HOUR), now, MINUTE),
        ("period=30d", back(30 * DAY), now, DAY),
        ("period=6h&step=hour", back(6 * HOUR), now, HOUR),
        ("start_date=2026-11-20&end_date=2026-11-21", day, day + 2 * DAY - 1, HOUR),
        ("start_date=2026-11-20T03:20:00.1Z", day + 12_000_100_000, now, HOUR),
    ] {
        for (filter, pointer, value) in [
            ("", "", ""),
            ("&operation_type=api_call", "/operation/type", "api_call"),
            ("&rbac_decision=denied", "/rbac/decision", "denied"),
            ("&agent_role=developer", "/agent/role", "developer"),
            ("&agent_role=unknown", "/agent/role", "unknown"),
            ("&agent_role=nobody", "/agent/role", "nobody"),
        ] {
            let query = format!("{range}{filter}");
            let timeline = server.json(&format!("{TIMELINE}?{query}")).await;
            let points = timeline["points"].as_array().unwrap();
            let (first, last) = (from.div_euclid(step), to.div_euclid(step));
            assert_eq!(i64::try_from(points.len()).unwrap(), last - first + 1, "{query}");
            for (bucket, point) in (first..).zip(points) {
                let inside = |record: &Value| {
                    let at = Timestamp::parse(record["timestamp"].as_str().unwrap()).unwrap().0;
                    at >= from && at <= to && at.div_euclid(step) == bucket
                };
                let matches = |record: &Value| filter.is_empty() || record.pointer(pointer).unwrap() == value;
                let of: Vec<_> = records.iter().filter(|r| inside(r) && matches(r)).collect();
                let decided = |decision: &str| {
                    filter.is_empty().then(|| of.iter().filter(|r| r["rbac"]["decision"] == decision).count())
                };
                let wanted = json!({
                    "timestamp": Timestamp(bucket * step).to_string(), "operations": of.len(),
                    "denied": decided("denied"), "requires_approval": decided("requires_approval"),
                });
                assert_eq!(*point, wanted, "{query}");
            }
        }
    }
}

#[tokio::test]
async fn an_empty_trail_has_every_step() {
    let server = Server::start().await;
    let timeline = server.json(TIMELINE).await;
    assert_eq!(timeline["step"], "hour");
    let points = timeline["points"].as_array().unwrap();
    assert_eq!(points.len(), 25);
    let last = json!({"timestamp": server.at(0), "operations": 0, "denied": 0, "requires_approval": 0});
    assert_eq!(points[24], last);
}

#[tokio::test]
async fn filters_go_one_at_a_time() {
    let server = Server::start().await;
    for (query, loc) in [
        ("operation_type=tool_use&agent_role=tester", "agent_role"),
        ("operation_type=tool_use&rbac_decision=denied", "rbac_decision"),
        ("rbac_decision=denied&agent_role=tester&operation_type=tool_use", "rbac_decision"),
    ] {
        let answer = server.get(&format!("{TIMELINE}?{query}")).await.expect(422);
        assert_eq!(answer.errors(), [(format!("query.{loc}"), "value".to_owned())], "{query}");
        assert!(answer.text().contains("cannot be combined with"), "{query}");
    }
    for (query, loc) in
        [("rbac_decision=maybe", "rbac_decision"), ("period=91d", "period"), ("step=week", "step")]
    {
        let answer = server.get(&format!("{TIMELINE}?{query}")).await.expect(422);
        assert_eq!(answer.errors()[0].0, format!("query.{loc}"));
    }
}
