//! `/api/v1/events`: recording operations. Reading them is in `audit`.

use serde_json::{Value, json};

use crate::harness::{MINUTE, START, Server, each, kinds};
use crate::shape::assert_shape;

pub const INGEST: &str = "/api/v1/events/ingest";
const BATCH: &str = "/api/v1/events/ingest/batch";
pub const AUDIT: &str = "/api/v1/events/audit";

/// A record of the audit trail about an agent that is not registered.
pub fn record_shape() -> Value {
    json!({
        "audit_id": "uuid", "seq": "integer", "agent": {"agent_id": "string", "name": "string", "role": "string"},
        "operation": {"type": "string", "detail": "string"}, "target": {"resource": "string", "type": "string"},
        "rbac": {"decision": "string", "reason": "string"}, "cost": {"usd": "number", "tokens_used": "integer"},
        "context": "object", "session_id": "string", "timestamp": "time", "hash": "hash",
    })
}

#[tokio::test]
async fn an_operation_is_kept_as_it_was_told() {
    let server = Server::start().await;
    let told = json!({
        "agent_id": "any string", "agent_name": "coder", "agent_role": "developer", "operation_type": "our_own",
        "operation_detail": "Write", "target_resource": "src/main.rs", "target_type": "file",
        "rbac_decision": "requires_approval", "rbac_reason": "too costly", "cost_usd": 0.5, "tokens_used": 7,
        "session_id": "s-1", "context": {"z": 1, "a": [null]}, "timestamp": "2026-11-22T13:00:00+02:00",
    });
    let answer = server.post(INGEST, &told).await.expect(201);
    let record = answer.json();
    assert_shape(&record, &record_shape());
    assert_eq!(
        record,
        json!({
            "audit_id": record["audit_id"], "hash": record["hash"], "seq": 0,
            "agent": {"agent_id": "any string", "name": "coder", "role": "developer"},
            "operation": {"type": "our_own", "detail": "Write"},
            "target": {"resource": "src/main.rs", "type": "file"},
            "rbac": {"decision": "requires_approval", "reason": "too costly"},
            "cost": {"usd": 0.5, "tokens_used": 7}, "context": {"a": [null], "z": 1}, "session_id": "s-1",
            "timestamp": "2026-11-22T11:00:00.000000Z",
        })
    );
    assert_eq!(answer.header("location"), Some("/api/v1/events/audit/0"));
    assert_eq!(server.json("/api/v1/events/audit/0").await, record);
}

#[tokio::test]
async fn what_nobody_told_is_unknown() {
    let server = Server::start().await;
    for sent in [
        json!({"agent_id": "x"}),
        json!({"agent_id": "x", "agent_name": null, "agent_role": "", "rbac_decision": null, "context": null}),
    ] {
        let record = server.ingest(&sent).await;
        let unknown = "unknown";
        assert_eq!(record["agent"], json!({"agent_id": "x", "name": unknown, "role": unknown}));
        assert_eq!(record["operation"], json!({"type": unknown, "detail": unknown}));
        assert_eq!(record["target"], json!({"resource": unknown, "type": unknown}));
        assert_eq!(record["rbac"], json!({"decision": unknown, "reason": unknown}));
        assert_eq!(record["cost"], json!({"usd": 0.0, "tokens_used": 0}));
        assert_eq!((&record["context"], &record["session_id"]), (&json!({}), &json!(unknown)));
        assert_eq!(record["timestamp"], START);
    }
    assert_eq!(server.ingest(&json!({"agent_name": "coder"})).await["agent"]["agent_id"], "unknown");
}

#[tokio::test]
async fn members_that_are_not_known_are_kept() {
    let server = Server::start().await;
    let record = server
        .ingest(&json!({"agent_id": "x", "hook_version": 7, "nested": {"a": [1]}, "context": {"k": 1}}))
        .await;
    assert_eq!(record["context"], json!({"k": 1, "_extra": {"hook_version": 7, "nested": {"a": [1]}}}));
    // The client's own member of that name was overwritten by what was not known.
    let record = server.ingest(&json!({"agent_id": "x", "odd": 1, "context": {"_extra": "mine"}})).await;
    assert_eq!(record["context"], json!({"_extra": {"odd": 1, "_extra": "mine"}}));
    // What is known and wrong is refused all the same.
    server.post(INGEST, &json!({"agent_id": "x", "odd": 1, "cost_usd": "free"})).await.expect(422);
}

#[tokio::test]
async fn what_is_wrong_is_told_all_at_once() {
    let server = Server::start().await;
    for nobody in
        [json!({}), json!({"agent_id": "", "agent_name": ""}), json!({"agent_id": null, "agent_role": "r"})]
    {
        let errors = server.post(INGEST, &nobody).await.expect(422).errors();
        assert_eq!(errors, [("body.agent_id".to_owned(), "missing".to_owned())]);
    }
    let wrong = json!({
        "agent_id": "x".repeat(129), "agent_name": 1, "rbac_decision": "perhaps", "cost_usd": -1, "tokens_used": 1.5,
        "context": [], "timestamp": "noon", "session_id": {},
    });
    let errors = server.post(INGEST, &wrong).await.expect(422).errors();
    let wanted = [
        ("agent_id", "range"),
        ("agent_name", "type"),
        ("context", "type"),
        ("cost_usd", "range"),
        ("rbac_decision", "value"),
        ("session_id", "type"),
        ("timestamp", "value"),
        ("tokens_used", "type"),
    ];
    assert_eq!(errors, wanted.map(|(loc, kind)| (format!("body.{loc}"), kind.to_owned())));
    server.post_text(INGEST, "application/json", "{\"agent_id\":\"x\",\"cost_usd\":NaN}").await.expect(400);
    assert_eq!(server.json(AUDIT).await, json!([]));
    server.ingest(&json!({"agent_id": "é".repeat(128)})).await;
}

#[tokio::test]
async fn texts_are_at_most_4_kib_and_contexts_64() {
    let server = Server::start().await;
    for member in [
        "agent_name",
        "agent_role",
        "operation_type",
        "operation_detail",
        "target_resource",
        "target_type",
        "rbac_reason",
        "session_id",
    ] {
        server.ingest(&json!({"agent_id": "x", member: "é".repeat(2048)})).await;
        let problem =
            server.post(INGEST, &json!({"agent_id": "x", member: "é".repeat(2048) + "x"})).await.expect(413);
        assert!(problem.json()["detail"].as_str().unwrap().contains(member));
    }
    let fill = |member: &str, overhead: usize, over: usize| json!({"agent_id": "x", member: {"k": "x".repeat(64 * 1024 - overhead + over)}});
    let (context, extra) = ("{\"k\":\"\"}".len(), "{\"_extra\":{\"odd\":{\"k\":\"\"}}}".len());
    for (member, overhead) in [("context", context), ("odd", extra)] {
        server.ingest(&fill(member, overhead, 0)).await;
        server.post(INGEST, &fill(member, overhead, 1)).await.expect(413);
    }
}

#[tokio::test]
async fn control_characters_are_stored_and_escaped() {
    let server = Server::start().await;
    let odd = "\u{0}\u{1b}[31m\u{7f}\u{85}\u{202e}\r\n\"<script>";
    let answer = server.post(INGEST, &json!({"agent_name": odd, "operation_detail": odd})).await.expect(201);
    assert_eq!(answer.json()["agent"]["name"], odd);
    assert!(answer.bytes.iter().all(|b| *b >= 0x20), "{}", answer.text());
    let told = server.events_after(0).await;
    assert_eq!(told[0]["agentName"], odd);
}

#[tokio::test]
async fn an_operation_is_told_by_type_and_decision() {
    let server = Server::start().await;
    for (kind, decision, event) in [
        ("tool_use", "allowed", "operation_allowed"),
        ("api_call", "denied", "operation_denied"),
        ("file_access", "requires_approval", "operation_requires_approval"),
        ("tool_use", "unknown", "operation_allowed"),
        ("quality_gate", "allowed", "quality_gate_passed"),
        ("quality_gate", "denied", "quality_gate_failed"),
        ("quality_gate", "requires_approval", "operation_requires_approval"),
        ("agent_spawn", "allowed", "agent_spawned"),
        ("agent_spawn", "denied", "operation_denied"),
        ("our_own", "allowed", "operation_allowed"),
    ] {
        let before = server.last_seq();
        let told = json!({"agent_name": "coder", "operation_type": kind, "rbac_decision": decision});
        let record = server.ingest(&told).await;
        assert_eq!(record["rbac"]["decision"], decision);
        let events = server.events_after(before).await;
        assert_eq!(kinds(&events), [event], "{kind} {decision}");
        assert_eq!(events[0]["data"], record);
    }
}

#[tokio::test]
async fn the_agent_is_the_registered_one_by_id_or_name() {
    let server = Server::start().await;
    let id = server.create("coder").await;
    for (told, registered) in [
        (json!({"agent_id": id}), true),
        (json!({"agent_id": "coder"}), true),
        (json!({"agent_name": "coder"}), true),
        (json!({"agent_id": "hook-7", "agent_name": "coder"}), true),
        (json!({"agent_id": "Coder"}), false),
    ] {
        let record = server.ingest(&told).await;
        assert_eq!(record["agent"]["registered_id"] == id, registered, "{told}");
    }
    // Cost and tokens are recorded, not counted.
    server.ingest(&json!({"agent_id": id, "cost_usd": 99, "tokens_used": 99})).await;
    let agent = server.json(&format!("/api/v1/agents/{id}")).await;
    assert_eq!((&agent["budget"]["cost_used_today"], &agent["status"]), (&json!(0.0), &json!("active")));
    assert_eq!(server.json("/api/v1/agents/alerts").await, json!({"alerts": []}));
    let last = agent["timestamps"]["last_active_at"].clone();
    server.ingest(&json!({"agent_id": id, "timestamp": server.at(-MINUTE)})).await;
    server.ingest(&json!({"agent_id": id, "timestamp": server.at(MINUTE)})).await;
    let agent = server.json(&format!("/api/v1/agents/{id}")).await;
    assert_eq!(agent["timestamps"]["last_active_at"], last);
}

#[tokio::test]
async fn a_batch_keeps_the_good_and_tells_of_the_bad() {
    let server = Server::start().await;
    let items = [
        json!({"agent_name": "a", "odd": 1}),
        json!({}),
        json!({"agent_name": "b", "cost_usd": -1}),
        json!({"agent_name": "c", "rbac_reason": "x".repeat(4097)}),
        json!({"agent_name": "d"}),
        json!([]),
    ];
    let wanted = [(1, 422), (2, 422), (3, 413), (5, 422)];
    let check = |report: &Value, wanted: &[(u64, u64)]| {
        assert_shape(
            report,
            &json!({"accepted": "integer", "rejected": [{"index": "integer", "status": "integer", "detail": "string"}]}),
        );
        assert_eq!(report["accepted"], 2);
        let indexes: Vec<_> = wanted.iter().map(|w| w.0).collect();
        let statuses: Vec<_> = wanted.iter().map(|w| w.1).collect();
        assert_eq!(each(&report["rejected"], "index"), indexes);
        assert_eq!(each(&report["rejected"], "status"), statuses);
    };
    check(&server.post(BATCH, &items.to_vec().into()).await.expect(201).json(), &wanted);
    let lines = items.each_ref().map(ToString::to_string).join("\n") + "\n";
    let report = server.post_text(BATCH, "application/x-ndjson", lines + "oops").await.expect(201).json();
    check(&report, &[&wanted[..], &[(6, 400)]].concat());

    let records = server.json(AUDIT).await;
    let names: Vec<_> = each(&records, "agent").into_iter().map(|agent| agent["name"].clone()).collect();
    assert_eq!(names, ["d", "a", "d", "a"]);
    assert_eq!(records[1]["context"], json!({"_extra": {"odd": 1}}));
    assert_eq!(kinds(&server.events_after(0).await), ["operation_allowed"; 4]);
}
