//! `/api/v1/metrics`: recording, batches, lists, exports.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{DAY, MINUTE, Server, each, kinds};
use crate::shape::assert_shape;

const METRICS: &str = "/api/v1/metrics/";
const BATCH: &str = "/api/v1/metrics/batch";

/// A metric as clients see it.
pub fn metric_shape() -> Value {
    json!({
        "metric_id": "uuid", "seq": "integer", "agent_id": "uuid", "metric_type": "string",
        "execution_time_ms": "number|null", "success": "boolean|null", "tokens_used": "integer|null",
        "api_calls": "integer|null", "cost_usd": "number|null", "quality_score": "number|null",
        "code_violations": "integer|null", "tasks_completed": "integer|null", "tasks_failed": "integer|null",
        "context": "object", "session_id": "string|null", "recorded_at": "time",
    })
}

async fn with_agent() -> (Server, String) {
    let server = Server::start().await;
    let id = server.create("coder").await;
    (server, id)
}

#[tokio::test]
async fn a_metric_is_kept_as_it_was_sent() {
    let (server, id) = with_agent().await;
    let sent = json!({
        "agent_id": id, "metric_type": "our-own", "execution_time_ms": 1234.5, "success": false,
        "tokens_used": 1_000_000_000_000_000_u64, "api_calls": 2, "cost_usd": 0.000_000_001, "quality_score": 1.0,
        "code_violations": 3, "tasks_completed": 4, "tasks_failed": 5, "context": {"z": [1, {"a": null}], "a": "ü\u{0}"},
        "session_id": "s-1", "recorded_at": "2026-11-22T11:00:00.123456Z",
    });
    let metric = server.post(METRICS, &sent).await.expect(201).json();
    assert_shape(&metric, &metric_shape());
    for (name, value) in sent.as_object().unwrap() {
        assert_eq!(&metric[name], value, "{name}");
    }
    assert_eq!(metric["seq"], 0);
    assert_eq!(server.json(METRICS).await, json!([metric]));

    // What was not measured is null, by name of the agent too; numbers are whole however they are written.
    let metric =
        server.post(METRICS, &json!({"agent_id": "coder", "metric_type": "e", "tokens_used": 3.0})).await;
    let metric = metric.expect(201).json();
    assert_shape(&metric, &metric_shape());
    assert_eq!(
        (&metric["agent_id"], &metric["tokens_used"], &metric["seq"]),
        (&json!(id), &json!(3), &json!(1))
    );
    assert_eq!((&metric["recorded_at"], &metric["context"]), (&json!(server.at(0)), &json!({})));
    assert_eq!((&metric["cost_usd"], &metric["session_id"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn a_cost_is_the_number_that_was_sent() {
    // The parser's fast reading of numbers is off by the last bit for one in ten of this length.
    let (server, _) = with_agent().await;
    let body = r#"{"agent_id": "coder", "metric_type": "cost", "cost_usd": 0.36995516654807925}"#;
    let answer = server.post_text(METRICS, "application/json", body).await.expect(201);
    assert!(answer.text().contains("\"cost_usd\":0.36995516654807925,"), "{}", answer.text());
}

#[tokio::test]
async fn what_is_wrong_is_told_all_at_once() {
    let (server, _) = with_agent().await;
    let wrong = json!({
        "metric_type": "", "execution_time_ms": -1, "success": "yes", "tokens_used": 1.5, "api_calls": -1,
        "cost_usd": -0.01, "quality_score": 1.01, "code_violations": "3", "tasks_completed": -1, "tasks_failed": [],
        "context": "text", "session_id": 7, "recorded_at": "yesterday", "cost": 1,
    });
    let errors = server.post(METRICS, &wrong).await.expect(422).errors();
    let wanted = [
        ("agent_id", "missing"),
        ("api_calls", "range"),
        ("code_violations", "type"),
        ("context", "type"),
        ("cost", "unknown_member"),
        ("cost_usd", "range"),
        ("execution_time_ms", "range"),
        ("metric_type", "range"),
        ("quality_score", "range"),
        ("recorded_at", "value"),
        ("session_id", "type"),
        ("success", "type"),
        ("tasks_completed", "range"),
        ("tasks_failed", "type"),
        ("tokens_used", "type"),
    ];
    assert_eq!(errors, wanted.map(|(loc, kind)| (format!("body.{loc}"), kind.to_owned())));
    assert_eq!(server.json(METRICS).await, json!([]));
}

#[tokio::test]
async fn bounds_are_inclusive() {
    let (server, _) = with_agent().await;
    let long = "é".repeat(64);
    for (good, bad) in [
        (json!({"metric_type": long}), json!({"metric_type": long.clone() + "x"})),
        (json!({"quality_score": 0}), json!({"quality_score": -0.001})),
        (json!({"cost_usd": 0}), json!({"cost_usd": "NaN"})),
        (json!({"recorded_at": server.at(5 * MINUTE)}), json!({"recorded_at": server.at(5 * MINUTE + 1)})),
        (json!({"recorded_at": "1999-12-31"}), json!({"recorded_at": "1999-02-31"})),
    ] {
        server.metric("coder", &good).await;
        let mut body = json!({"agent_id": "coder", "metric_type": "e"});
        body.as_object_mut().unwrap().extend(bad.as_object().unwrap().clone());
        let errors = server.post(METRICS, &body).await.expect(422).errors();
        assert_eq!(errors[0].0, format!("body.{}", bad.as_object().unwrap().keys().next().unwrap()));
    }
    for not_json in ["NaN", "Infinity", "-Infinity", "1e999"] {
        let body = format!("{{\"agent_id\":\"coder\",\"metric_type\":\"e\",\"cost_usd\":{not_json}}}");
        server.post_text(METRICS, "application/json", body).await.expect(400);
    }
    for unknown in ["nobody".to_owned(), Uuid::new_v4().to_string()] {
        let problem =
            server.post(METRICS, &json!({"agent_id": unknown, "metric_type": "e"})).await.expect(404).json();
        assert!(problem["detail"].as_str().unwrap().contains(&unknown));
    }
}

#[tokio::test]
async fn a_context_is_at_most_64_kib() {
    let (server, _) = with_agent().await;
    let empty = json!({"k": ""}).to_string().len();
    let fits = "x".repeat(64 * 1024 - empty);
    server.metric("coder", &json!({"context": {"k": fits}})).await;
    let body = json!({"agent_id": "coder", "metric_type": "e", "context": {"k": fits + "x"}});
    server.post(METRICS, &body).await.expect(413);
}

#[tokio::test]
async fn times_are_read_in_every_form_and_written_in_one() {
    let (server, _) = with_agent().await;
    for (sent, written) in [
        ("2026-11-22T10:00:00Z", "2026-11-22T10:00:00.000000Z"),
        ("2026-11-22T10:00:00.5+02:00", "2026-11-22T08:00:00.500000Z"),
        ("2026-11-22T01:00:00-05:30", "2026-11-22T06:30:00.000000Z"),
        ("2026-11-22T10:00:00.123456", "2026-11-22T10:00:00.123456Z"),
        ("2026-11-22 10:00:00", "2026-11-22T10:00:00.000000Z"),
        ("2026-11-22", "2026-11-22T00:00:00.000000Z"),
    ] {
        assert_eq!(
            server.metric("coder", &json!({"recorded_at": sent})).await["recorded_at"],
            written,
            "{sent}"
        );
    }
}

#[tokio::test]
async fn filters_and_windows_are_inclusive() {
    let (server, coder) = with_agent().await;
    let writer = server.create("writer").await;
    for (agent, kind, at) in [
        ("coder", "cost", "2026-11-20T23:59:59.999999Z"),
        ("coder", "execution", "2026-11-21T00:00:00Z"),
        ("writer", "cost", "2026-11-21T23:59:59.999999Z"),
        ("coder", "cost", "2026-11-22T00:00:00Z"),
    ] {
        server.metric(agent, &json!({"metric_type": kind, "recorded_at": at})).await;
    }
    for (query, seqs) in [
        (String::new(), &[3, 2, 1, 0][..]),
        (format!("?agent_id={coder}"), &[3, 1, 0]),
        (format!("?agent_id={writer}&metric_type=cost"), &[2]),
        ("?agent_id=coder&metric_type=cost".into(), &[3, 0]),
        ("?agent_id=nobody".into(), &[]),
        (format!("?agent_id={}", Uuid::new_v4()), &[]),
        ("?metric_type=cos".into(), &[]),
        ("?start_date=2026-11-21".into(), &[3, 2, 1]),
        ("?end_date=2026-11-21".into(), &[2, 1, 0]),
        ("?start_date=2026-11-21&end_date=2026-11-21".into(), &[2, 1]),
        ("?start_date=2026-11-21T00:00:00&end_date=2026-11-21T00:00:00".into(), &[1]),
        ("?end_date=2026-11-21T23:59:59.999998Z".into(), &[1, 0]),
        // An offset, escaped and as people type it.
        ("?start_date=2026-11-22T01:00:00%2B01:00".into(), &[3]),
        ("?start_date=2026-11-22T01:00:00+01:00".into(), &[3]),
        ("?start_date=2026-11-23&end_date=2026-11-20".into(), &[]),
    ] {
        let answer = server.get(&format!("{METRICS}{query}")).await.expect(200);
        assert_eq!(each(&answer.json(), "seq"), seqs, "{query}");
        assert_eq!(answer.header("x-total-count"), Some(&*seqs.len().to_string()), "{query}");
    }
    let errors =
        server.get(&format!("{METRICS}?start_date=now&end_date=2026-13-01")).await.expect(422).errors();
    assert_eq!(errors.iter().map(|e| &*e.0).collect::<Vec<_>>(), ["query.end_date", "query.start_date"]);
}

#[tokio::test]
async fn a_metric_tells_the_stream_all_that_it_means() {
    let (server, _) = with_agent().await;
    for (members, events) in [
        (json!({}), &["metric_recorded"][..]),
        (json!({"cost_usd": 0, "tokens_used": 0}), &["metric_recorded"]),
        (json!({"cost_usd": 0.1}), &["metric_recorded", "budget_updated"]),
        (json!({"tokens_used": 1}), &["metric_recorded", "budget_updated"]),
        (json!({"quality_score": 0}), &["metric_recorded", "quality_update"]),
        (json!({"metric_type": "task_completion"}), &["metric_recorded", "task_completed"]),
        (json!({"metric_type": "task_completion", "success": true}), &["metric_recorded", "task_completed"]),
        (json!({"metric_type": "task_completion", "success": false}), &["metric_recorded", "task_failed"]),
        (json!({"success": false}), &["metric_recorded"]),
        (json!({"tasks_completed": 1}), &["metric_recorded", "task_completed"]),
        (json!({"tasks_completed": 1, "tasks_failed": 1}), &["metric_recorded", "task_failed"]),
        (
            json!({"tasks_completed": 2, "quality_score": 0.5, "cost_usd": 22}),
            &["metric_recorded", "task_completed", "quality_update", "budget_updated", "budget_alert"],
        ),
    ] {
        let before = server.last_seq();
        let metric = server.metric("coder", &members).await;
        let told = server.events_after(before).await;
        assert_eq!(kinds(&told), events, "{members}");
        assert_eq!(told[0]["data"], metric);
    }
}

#[tokio::test]
async fn performance_follows_the_metrics() {
    let (server, id) = with_agent().await;
    for members in [
        json!({"execution_time_ms": 100, "success": true, "tasks_completed": 2}),
        json!({"execution_time_ms": 300, "success": true, "quality_score": 0.5}),
        json!({"success": false, "quality_score": 1, "tasks_completed": 1, "recorded_at": server.at(-40 * DAY)}),
        json!({}),
    ] {
        server.metric("coder", &members).await;
    }
    let performance = server.json(&format!("/api/v1/agents/{id}")).await["performance"].clone();
    assert_eq!(performance["success_rate"].as_f64(), Some(2.0 / 3.0));
    assert_eq!(performance["avg_execution_time_ms"], 200.0);
    assert_eq!(performance["quality_score"], 0.75);
    assert_eq!(performance["total_tasks_completed"], 3);
}

#[tokio::test]
async fn a_batch_keeps_the_good_and_tells_of_the_bad() {
    let (server, id) = with_agent().await;
    let good = json!({"agent_id": id, "metric_type": "cost", "cost_usd": 1});
    let items = [
        good.to_string(),
        json!({"agent_id": "nobody", "metric_type": "cost"}).to_string(),
        json!({"agent_id": id, "cost_usd": -1, "x": 1}).to_string(),
        good.to_string(),
        json!({"agent_id": id, "metric_type": "c", "context": {"k": "x".repeat(65536)}}).to_string(),
        json!({"agent_id": id, "metric_type": "c", "recorded_at": server.at(DAY)}).to_string(),
        "7".into(),
    ];
    let statuses = |report: &Value| {
        assert_shape(
            report,
            &json!({"accepted": "integer", "rejected": [{"index": "integer", "status": "integer", "detail": "string"}]}),
        );
        let rejected = report["rejected"].as_array().unwrap();
        rejected
            .iter()
            .map(|r| (r["index"].as_u64().unwrap(), r["status"].as_u64().unwrap()))
            .collect::<Vec<_>>()
    };
    let report = server
        .post_text(BATCH, "application/json", format!("[{}]", items.join(",")))
        .await
        .expect(201)
        .json();
    assert_eq!(report["accepted"], 2);
    assert_eq!(statuses(&report), [(1, 404), (2, 422), (4, 413), (5, 422), (6, 422)]);
    let detail = report["rejected"][1]["detail"].as_str().unwrap();
    assert!(["metric_type", "cost_usd", "x"].iter().all(|member| detail.contains(member)), "{detail}");

    let lines = items.join("\r\n\r\n") + "\n{\"agent_id\"\n";
    for content_type in ["application/x-ndjson", "application/ndjson; charset=utf-8", "application/jsonl"] {
        let report = server.post_text(BATCH, content_type, lines.clone()).await.expect(201).json();
        assert_eq!(report["accepted"], 2, "{content_type}");
        assert_eq!(statuses(&report), [(1, 404), (2, 422), (4, 413), (5, 422), (6, 422), (7, 400)]);
    }
    assert_eq!(each(&server.json(METRICS).await, "cost_usd"), [1.0; 8]);

    for empty in [("application/json", "[]"), ("application/x-ndjson", "")] {
        let report = server.post_text(BATCH, empty.0, empty.1).await.expect(201).json();
        assert_eq!(report, json!({"accepted": 0, "rejected": []}));
    }
    // An array that breaks off is no batch, nor is anything that is no array.
    server.post_text(BATCH, "application/json", format!("[{good},")).await.expect(400);
    server.post(BATCH, &json!("text")).await.expect(422);
    server.post_text(BATCH, "text/plain", "[]").await.expect(415);
    let many: Vec<_> = (0..10_001).map(|_| 0).collect();
    server.post(BATCH, &many.into()).await.expect(413);
}
