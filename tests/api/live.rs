//! The live stream: greeting, frames, filters, what a client may say.

use reqwest::Method;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{Answer, MINUTE, START, Server, draft, each, kinds};
use crate::shape::assert_shape;
use crate::stream::Stream;

/// A frame of the stream whose `metadata` has these members.
fn frame_shape(metadata: &Value) -> Value {
    json!({
        "id": "uuid", "seq": "integer", "type": "string", "timestamp": "time", "agentName": "string",
        "agentRole": "string", "message": "string", "metadata": metadata, "data": "object",
    })
}

#[tokio::test]
async fn two_frames_come_first() {
    let server = Server::start().await;
    server.create("coder").await;
    for url in [format!("ws://{}/ws", server.address()), format!("ws://{}/ws/", server.address())] {
        let mut stream = Stream::connect(&url).await;
        let (connection, stats) = stream.greeted().await;
        let message = connection["message"].as_str().unwrap();
        let wanted =
            json!({"type": "connection", "status": "connected", "message": message, "timestamp": START});
        assert_eq!(connection, wanted);
        let data = json!({"total_agents": 1, "active_connections": stats["data"]["active_connections"], "last_seq": 1});
        assert!(stats["data"]["active_connections"].as_u64().unwrap() >= 1);
        assert_eq!(stats, json!({"type": "stats", "data": data, "timestamp": START}));
    }
}

/// Does what causes an event of every type there is, and gives the agent's id and its metric.
async fn everything(server: &Server) -> (String, Value) {
    let id = server.create("coder").await;
    let path = format!("/api/v1/agents/{id}");
    server.put(&path, &json!({"role": "admin"})).await.expect(200);
    server
        .post(&format!("{path}/activate"), &json!({"session_id": "s-1", "task": "build"}))
        .await
        .expect(200);
    server.advance(MINUTE);
    for (kind, decision) in [
        ("tool_use", "allowed"),
        ("tool_use", "denied"),
        ("tool_use", "requires_approval"),
        ("quality_gate", "allowed"),
        ("quality_gate", "denied"),
    ] {
        let told = json!({
            "agent_name": "coder", "agent_role": "admin", "operation_type": kind, "operation_detail": "Write",
            "target_resource": "src/x.rs", "rbac_decision": decision, "rbac_reason": "path not in scope",
            "session_id": "s-1", "tokens_used": 5, "cost_usd": 0.5, "timestamp": START,
        });
        server.ingest(&told).await;
    }
    let members = json!({
        "metric_type": "task_completion", "execution_time_ms": 1500, "success": true, "tokens_used": 7, "cost_usd": 31,
        "quality_score": 0.75, "session_id": "s-2",
    });
    let metric = server.metric(&id, &members).await;
    server.metric(&id, &json!({"metric_type": "task_completion", "success": false})).await;
    server.delete(&path).await.expect(204);
    (id, metric)
}

#[tokio::test]
async fn every_type_of_event_has_its_frame() {
    let server = Server::start().await;
    let mut stream = server.stream("").await;
    stream.greeted().await;
    let (id, _) = everything(&server).await;
    let events = stream.events_up_to(server.last_seq()).await;
    assert_eq!(
        kinds(&events),
        [
            "agent_created",
            "agent_updated",
            "agent_spawned",
            "operation_allowed",
            "operation_denied",
            "operation_requires_approval",
            "quality_gate_passed",
            "quality_gate_failed",
            "metric_recorded",
            "task_completed",
            "quality_update",
            "budget_updated",
            "budget_alert",
            "budget_alert",
            "budget_alert",
            "metric_recorded",
            "task_failed",
            "agent_deleted",
        ]
    );
    let seqs: Vec<_> = events.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (1..=18).collect::<Vec<_>>());
    let ids: std::collections::BTreeSet<_> = events.iter().map(|event| event["id"].to_string()).collect();
    assert_eq!(ids.len(), 18);
    assert!(events.iter().all(|event| event["agentName"] == "coder" && event["metadata"]["agent_id"] == id));

    let agent = json!({"agent_id": "uuid"});
    let operation = json!({
        "agent_id": "uuid", "operation": "string", "file": "string", "reason": "string", "tokens": "integer",
        "cost": "number", "session_id": "string",
    });
    let of_metric = json!({
        "agent_id": "uuid", "operation": "string", "tokens": "integer", "cost": "number", "score": "number",
        "duration": "number", "session_id": "string",
    });
    let with = |shape: &Value, member: &str, kind: &str| {
        let mut shape = shape.clone();
        shape[member] = json!(kind);
        shape
    };
    for (event, metadata) in events.iter().zip([
        agent.clone(),
        agent.clone(),
        with(&agent, "session_id", "string"),
        operation.clone(),
        operation.clone(),
        operation.clone(),
        operation.clone(),
        operation,
        of_metric.clone(),
        of_metric.clone(),
        of_metric.clone(),
        with(&of_metric, "budgetRemaining", "number"),
        with(&of_metric, "budgetRemaining", "number"),
        with(&of_metric, "budgetRemaining", "number"),
        with(&of_metric, "budgetRemaining", "number"),
        with(&agent, "operation", "string"),
        with(&agent, "operation", "string"),
        agent.clone(),
    ]) {
        let shape = frame_shape(&metadata);
        match event["type"].as_str().unwrap() {
            "budget_alert" => assert_shape(event, &with(&shape, "alert", "object")),
            "quality_update" => assert_shape(event, &with(&shape, "score", "number")),
            _ => assert_shape(event, &shape),
        }
    }
    // Replayed from the log they are the same frames.
    assert_eq!(server.events_after(0).await, events);
}

#[tokio::test]
async fn frames_tell_what_happened() {
    let server = Server::start().await;
    let (id, metric) = everything(&server).await;
    let events = server.events_after(0).await;
    assert_eq!(events[0]["data"]["role"], "developer");
    assert_eq!(events[0]["agentRole"], "developer");
    assert_eq!(events[1]["data"]["role"], "admin");
    assert_eq!(events[2]["message"], "coder: started: build");
    assert_eq!(events[4]["message"], "coder: Write denied: path not in scope");
    assert_eq!(events[4]["timestamp"], START);
    assert_eq!(events[4]["data"], server.json("/api/v1/events/audit/3").await);
    assert_eq!(
        events[4]["metadata"],
        json!({
            "agent_id": id, "operation": "Write", "file": "src/x.rs", "reason": "path not in scope", "tokens": 5,
            "cost": 0.5, "session_id": "s-1",
        })
    );
    assert!(events[8..12].iter().all(|event| event["data"] == metric));
    assert_eq!(events[10]["score"], 0.75);
    assert_eq!(events[11]["metadata"]["budgetRemaining"], -1.0);
    let alerts = server.json("/api/v1/agents/alerts").await["alerts"].clone();
    for (event, alert) in events[12..15].iter().zip([2, 1, 0]) {
        assert_eq!((&event["alert"], &event["data"]), (&alerts[alert], &alerts[alert]));
    }
    assert_eq!(events[17]["data"]["name"], "coder");
}

#[tokio::test]
async fn filters_let_only_what_is_asked_for_through() {
    let server = Server::start().await;
    let coder = server.create("coder").await;
    server.create("writer").await;
    server.ingest(&json!({"agent_name": "coder", "session_id": "s-1", "rbac_decision": "denied"})).await;
    server.ingest(&json!({"agent_name": "writer", "session_id": "s-1"})).await;
    server.metric("coder", &json!({"session_id": "s-2", "tokens_used": 1})).await;
    server.ingest(&json!({"agent_id": "ghost"})).await;
    for (query, seqs) in [
        ("since=0", &[1, 2, 3, 4, 5, 6, 7][..]),
        (&format!("since=0&agent_id={coder}"), &[1, 3, 5, 6]),
        ("since=0&agent_id=coder", &[1, 3, 5, 6]),
        ("since=0&agent_id=ghost", &[7]),
        ("since=0&type=agent_created", &[1, 2]),
        ("since=0&type=agent_created,metric_recorded,%20operation_denied", &[1, 2, 3, 5]),
        ("since=0&session_id=s-1", &[3, 4]),
        ("since=0&session_id=s-1&agent_id=writer&type=operation_allowed", &[4]),
        ("since=4&agent_id=coder", &[5, 6]),
    ] {
        let mut stream = server.stream(&format!("?{query}")).await;
        stream.greeted().await;
        // What the client says is answered after what it is owed.
        let told = stream.events(seqs.len()).await;
        assert_eq!(each(&told.into(), "seq"), seqs, "{query}");
        stream.say("end").await;
        assert_eq!(stream.event().await["type"], "echo", "{query}");
    }
    // Live they hold as well.
    let mut stream = server.stream("?agent_id=writer&type=operation_allowed").await;
    stream.greeted().await;
    server.ingest(&json!({"agent_name": "coder"})).await;
    server.ingest(&json!({"agent_name": "writer", "rbac_decision": "denied"})).await;
    server.ingest(&json!({"agent_name": "writer"})).await;
    assert_eq!(stream.event().await["seq"], 10);
    server.get("/ws?since=x").await.expect(422);
    server.get("/ws?since=-1").await.expect(422);
}

#[tokio::test]
async fn an_unknown_type_is_refused_before_the_upgrade() {
    // A misspelt type gave a stream on which nothing ever came.
    let server = Server::start().await;
    for path in ["/ws", "/api/v1/agents/activity/stream"] {
        for types in ["operation", "agent_created,,budget_alert", "agent_created,%3Cb%3E", ","] {
            let path = format!("{path}?type={types}");
            let upgrade = server
                .request(Method::GET, &path)
                .header("connection", "upgrade")
                .header("upgrade", "websocket")
                .header("sec-websocket-version", "13")
                .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
            let problem = Answer::of(upgrade).await.expect(422);
            assert_eq!(problem.errors(), [("query.type".to_owned(), "value".to_owned())], "{path}");
            let detail = problem.json()["detail"].as_str().unwrap().to_owned();
            for known in ["agent_spawned", "operation_denied", "approval_resolved"] {
                assert!(detail.contains(known), "{detail}");
            }
        }
    }
    assert_eq!(server.app.subscribers(), 0);
}

#[tokio::test]
async fn what_a_client_says_is_answered() {
    let server = Server::start().await;
    let mut stream = server.stream("").await;
    stream.greeted().await;
    stream.say("{\"type\":\"ping\"}").await;
    assert_eq!(stream.frame().await, json!({"type": "pong"}));
    stream.say("{\"type\":\"pong\"}").await;
    for text in ["hello", "{\"type\":\"subscribe\"}", "{\"type\":7}", "[]", "", "\u{0}ü"] {
        stream.say(text).await;
        assert_eq!(stream.frame().await, json!({"type": "echo", "data": text, "timestamp": START}));
    }
    stream.send(Message::Binary(vec![1, 2, 3].into())).await;
    stream.send(Message::Ping(vec![7].into())).await;
    assert_eq!(stream.raw().await, Message::Pong(vec![7].into()));
    // It is still there.
    server.create("coder").await;
    assert_eq!(stream.frame().await["type"], "agent_created");
}

#[tokio::test]
async fn frames_over_64_kib_close_the_stream() {
    let server = Server::start().await;
    let mut stream = server.stream("").await;
    stream.greeted().await;
    stream.say(&"x".repeat(64 * 1024)).await;
    assert_eq!(stream.frame().await["type"], "echo");
    stream.say(&"x".repeat(64 * 1024 + 1)).await;
    assert_eq!(stream.closed().await, 1009);
    let mut stream = server.stream("").await;
    stream.greeted().await;
    stream.send(Message::Binary(vec![0; 100_000].into())).await;
    assert_eq!(stream.closed().await, 1009);
}

#[tokio::test]
async fn a_plain_request_is_told_to_upgrade() {
    let server = Server::start().await;
    for path in ["/ws", "/api/v1/agents/activity/stream"] {
        let answer = server.get(path).await.expect(426);
        assert_eq!(answer.header("upgrade"), Some("websocket"));
        server.post(path, &draft("a")).await.expect(405);
    }
    // As does one that asks for something else.
    let other = server.request(Method::GET, "/ws").header("connection", "upgrade").header("upgrade", "h2c");
    Answer::of(other).await.expect(426);
}

#[tokio::test]
async fn a_server_that_stops_says_so() {
    let server = Server::start().await;
    let mut streams = Vec::new();
    for _ in 0..3 {
        let mut stream = server.stream("").await;
        stream.greeted().await;
        streams.push(stream);
    }
    let stopped = tokio::spawn(server.stop());
    for mut stream in streams {
        assert_eq!(stream.closed().await, 1001);
    }
    stopped.await.unwrap();
}
