//! `/api/v1/events/audit`: reading the audit trail, and its chain of hashes.

use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::events::AUDIT;
use crate::harness::{Answer, Server, each};

/// Five records over three days, after that of the agent's registration, which is of the third.
async fn trail() -> (Server, String) {
    let server = Server::start().await;
    let id = server.create("coder").await;
    for told in [
        json!({"agent_id": "coder", "operation_type": "tool_use", "rbac_decision": "allowed", "agent_role": "developer",
               "session_id": "s-1", "timestamp": "2026-11-20T23:59:59.999999Z", "operation_detail": "Edit"}),
        json!({"agent_id": id, "operation_type": "tool_use", "rbac_decision": "denied", "agent_role": "developer",
               "session_id": "s-2", "timestamp": "2026-11-21T00:00:00Z", "rbac_reason": "Out of Scope"}),
        json!({"agent_id": "ghost", "operation_type": "api_call", "rbac_decision": "denied", "agent_role": "tester",
               "session_id": "s-1", "timestamp": "2026-11-21T23:59:59.999999Z", "target_resource": "src/LIB.rs"}),
        json!({"agent_name": "ghost", "operation_type": "file_access", "rbac_decision": "requires_approval",
               "timestamp": "2026-11-22T00:00:00Z", "context": {"why": "Nightly"}}),
        json!({"agent_name": "ghost", "timestamp": "2026-11-22T00:00:00Z", "target_type": "100%_file"}),
    ] {
        server.ingest(&told).await;
    }
    (server, id)
}

#[tokio::test]
async fn filters_and_windows_are_inclusive() {
    let (server, id) = trail().await;
    for (query, seqs) in [
        ("", &[0, 5, 4, 3, 2, 1][..]),
        (&format!("agent_id={id}"), &[2, 1]),
        ("agent_id=ghost", &[5, 4, 3]),
        ("agent_id=coder", &[1]),
        ("operation_type=tool_use", &[2, 1]),
        ("operation_type=unknown", &[5]),
        ("rbac_decision=denied", &[3, 2]),
        ("rbac_decision=requires_approval", &[4]),
        ("rbac_decision=unknown", &[5]),
        ("agent_role=tester", &[3]),
        ("session_id=s-1", &[3, 1]),
        (
            "session_id=s-1&rbac_decision=denied&operation_type=api_call&agent_role=tester&agent_id=ghost",
            &[3],
        ),
        ("session_id=s-2&rbac_decision=allowed", &[]),
        ("start_date=2026-11-21", &[0, 5, 4, 3, 2]),
        ("end_date=2026-11-21", &[3, 2, 1]),
        ("start_date=2026-11-21&end_date=2026-11-21&session_id=s-1", &[3]),
        ("end_date=2026-11-21T00:00:00", &[2, 1]),
        // Text in any member, in any case.
        ("q=SCOPE", &[2]),
        ("q=lib.rs", &[3]),
        ("q=nightly", &[4]),
        ("q=edit", &[1]),
        ("q=100%25_", &[5]),
        ("q=ghost&rbac_decision=denied", &[3]),
        ("q=nothing", &[]),
        // The whole reason, as it was told.
        ("reason=Out%20of%20Scope", &[2]),
        ("reason=out%20of%20scope", &[]),
        ("reason=Out%20of", &[]),
        ("reason=unknown", &[0, 5, 4, 3, 1]),
        ("reason=Out%20of%20Scope&q=coder", &[]),
        ("reason=Out%20of%20Scope&q=scope&rbac_decision=denied", &[2]),
    ] {
        for path in [AUDIT, "/api/v1/events/"] {
            let answer = server.get(&format!("{path}?{query}")).await.expect(200);
            assert_eq!(each(&answer.json(), "seq"), seqs, "{query}");
            assert_eq!(answer.header("x-total-count"), Some(&*seqs.len().to_string()), "{query}");
        }
    }
    let long = "x".repeat(4097);
    let bad = format!("{AUDIT}?rbac_decision=maybe&start_date=x&end_date=y&limit=0&reason={long}");
    assert_eq!(server.get(&bad).await.expect(422).errors().len(), 5);
    assert_eq!(server.json(&format!("{AUDIT}?reason={}", &long[1..])).await, json!([]));
}

#[tokio::test]
async fn a_record_is_read_by_number_or_id() {
    let (server, _) = trail().await;
    for record in server.json(AUDIT).await.as_array().unwrap() {
        for name in [record["seq"].to_string(), record["audit_id"].as_str().unwrap().to_owned()] {
            assert_eq!(server.json(&format!("{AUDIT}/{name}")).await, *record);
        }
    }
    // Another id with the same number in it is no id of a record.
    let id: Uuid = server.json(AUDIT).await[0]["audit_id"].as_str().unwrap().parse().unwrap();
    let other = Uuid::from_u128(id.as_u128() ^ (1 << 100));
    for name in [
        other.to_string(),
        Uuid::new_v4().to_string(),
        "6".into(),
        "-1".into(),
        "x".into(),
        "18446744073709551616".into(),
    ] {
        let problem = server.get(&format!("{AUDIT}/{name}")).await.expect(404).json();
        assert!(problem["detail"].as_str().unwrap().contains(&name), "{problem}");
    }
}

#[tokio::test]
async fn nothing_changes_or_deletes_a_record() {
    let (server, _) = trail().await;
    let before = server.json(AUDIT).await;
    for path in [
        AUDIT,
        "/api/v1/events/audit/0",
        "/api/v1/events/",
        "/api/v1/events/ingest",
        "/api/v1/events/audit/stats",
    ] {
        for method in [Method::PUT, Method::PATCH, Method::DELETE] {
            let answer = Answer::of(server.request(method.clone(), path).json(&json!({}))).await.expect(405);
            let allow = answer.header("allow").unwrap();
            assert!(!allow.contains("PUT") && !allow.contains("DELETE"), "{method} {path}: {allow}");
        }
    }
    assert_eq!(server.json(AUDIT).await, before);
}

#[tokio::test]
async fn stats_count_the_trail() {
    let (server, _) = trail().await;
    let stats = "/api/v1/events/audit/stats";
    assert_eq!(
        server.json(stats).await,
        json!({
            "total_operations": 6,
            "first_seq": 0,
            "rbac_decisions": {"allowed": 2, "denied": 2, "requires_approval": 1, "unknown": 1},
            "operation_types": {"admin": 1, "tool_use": 2, "api_call": 1, "file_access": 1, "unknown": 1},
            "agent_roles": {"admin": 1, "developer": 2, "tester": 1, "unknown": 2},
        })
    );
    let day = json!({
        "total_operations": 2,
            "first_seq": 0, "rbac_decisions": {"denied": 2}, "operation_types": {"tool_use": 1, "api_call": 1},
        "agent_roles": {"developer": 1, "tester": 1},
    });
    for range in [
        "start_date=2026-11-21&end_date=2026-11-21",
        "start_date=2026-11-21T00:00:00Z&end_date=2026-11-21T23:59:59.999999Z",
    ] {
        assert_eq!(server.json(&format!("{stats}?{range}")).await, day, "{range}");
    }
    assert_eq!(server.json(&format!("{stats}?end_date=2026-11-20")).await["total_operations"], 1);
    let none = server.json(&format!("{stats}?start_date=2026-11-23")).await;
    let empty = json!({"total_operations": 0, "first_seq": 0, "rbac_decisions": {}, "operation_types": {}, "agent_roles": {}});
    assert_eq!(none, empty);
    server.get(&format!("{stats}?start_date=then")).await.expect(422);
}

/// The hash of a record from what was served alone, as the documentation of the chain says.
fn hash_of(record: &Value, previous: &[u8]) -> Vec<u8> {
    let mut bytes = previous.to_vec();
    let text = |bytes: &mut Vec<u8>, text: &str| {
        bytes.extend(u32::try_from(text.len()).unwrap().to_be_bytes());
        bytes.extend(text.as_bytes());
    };
    bytes.extend(b"agentmap-audit-1");
    bytes.extend(record["audit_id"].as_str().unwrap().parse::<Uuid>().unwrap().as_bytes());
    bytes.extend(record["seq"].as_u64().unwrap().to_be_bytes());
    for member in [
        "/agent/agent_id",
        "/agent/name",
        "/agent/role",
        "/agent/registered_id",
        "/operation/type",
        "/operation/detail",
        "/target/resource",
        "/target/type",
        "/rbac/decision",
        "/rbac/reason",
    ] {
        text(&mut bytes, record.pointer(member).map_or("", |value| value.as_str().unwrap()));
    }
    bytes.extend(record["cost"]["usd"].as_f64().unwrap().to_be_bytes());
    bytes.extend(record["cost"]["tokens_used"].as_u64().unwrap().to_be_bytes());
    text(&mut bytes, &record["context"].to_string());
    text(&mut bytes, record["session_id"].as_str().unwrap());
    let time = agentmap::domain::time::Timestamp::parse(record["timestamp"].as_str().unwrap()).unwrap();
    bytes.extend(time.0.to_be_bytes());
    Sha256::digest(bytes).to_vec()
}

#[tokio::test]
async fn hashes_chain_each_record_to_all_before_it() {
    let (server, id) = trail().await;
    server
        .ingest(&json!({
            "agent_id": id, "agent_name": "ü\u{0}", "cost_usd": 0.1, "tokens_used": 3, "odd": {"b": 1.50, "a": "\u{1f600}"},
            "context": {"z": {"y": 1e300, "x": -0.0}, "a": [true, null, 18_446_744_073_709_551_615_u64]},
            "timestamp": "1969-07-20T20:17:40Z",
        }))
        .await;
    let mut records = server.json(AUDIT).await.as_array().unwrap().clone();
    records.sort_by_key(|record| record["seq"].as_u64());
    assert_eq!(records.len(), 7);
    let mut previous = vec![0; 32];
    for record in &records {
        previous = hash_of(record, &previous);
        let hex = record["hash"].as_str().unwrap();
        let told: Vec<_> =
            (0..64).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect();
        assert_eq!(told, previous, "{record}");
    }
}
