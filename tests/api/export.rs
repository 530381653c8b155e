//! `/api/v1/metrics/export`: everything that matches, as CSV or NDJSON.

use serde_json::{Value, json};

use crate::harness::{DAY, Server};

const EXPORT: &str = "/api/v1/metrics/export";

#[tokio::test]
async fn csv_is_quoted_and_its_formulas_are_defused() {
    let server = Server::start().await;
    let id = server.create("coder").await;
    let metric = server
        .metric(
            &id,
            &json!({
                "metric_type": "=HYPERLINK(\"http://x\")", "execution_time_ms": 1.5, "success": true, "tokens_used": 3,
                "session_id": "a,b\r\nc", "context": {"k": "v\"w"}, "cost_usd": 0.01,
            }),
        )
        .await;
    let answer = server.get(&format!("{EXPORT}?format=csv")).await.expect(200);
    assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8"));
    assert_eq!(answer.header("content-disposition"), Some("attachment; filename=\"metrics.csv\""));
    let head = "metric_id,seq,recorded_at,agent_id,metric_type,execution_time_ms,success,tokens_used,api_calls,cost_usd,\
                quality_score,code_violations,tasks_completed,tasks_failed,session_id,context";
    let row = format!(
        "{},0,{},{id},\"'=HYPERLINK(\"\"http://x\"\")\",1.5,true,3,,0.01,,,,,\"a,b\r\nc\",\"{{\"\"k\"\":\"\"v\\\"\"w\"\"}}\"",
        metric["metric_id"].as_str().unwrap(),
        server.at(0),
    );
    assert_eq!(answer.text(), format!("{head}\r\n{row}\r\n"));

    for (n, lead) in ["+1", "-1", "@sum", "\tx", "\rx"].into_iter().enumerate() {
        let session = format!("s{n}");
        server.metric(&id, &json!({"metric_type": session, "session_id": lead})).await;
        let text = server.get(&format!("{EXPORT}?metric_type={session}")).await.expect(200).text();
        assert!(text.contains(&format!(",\"'{lead}\",")), "{lead:?}: {text}");
    }
}

#[tokio::test]
async fn ndjson_holds_what_the_list_holds() {
    let server = Server::start().await;
    server.create("coder").await;
    server.create("writer").await;
    let metric = |n: u32| {
        json!({
            "agent_id": if n.is_multiple_of(2) { "coder" } else { "writer" }, "metric_type": if n.is_multiple_of(3) { "cost" } else { "own" },
            "recorded_at": server.at(-i64::from(n) * DAY / 1000), "tokens_used": n,
        })
    };
    // More than one page of the export's own.
    let items: Vec<_> = (0..2500).map(metric).collect();
    server.post("/api/v1/metrics/batch", &items.into()).await.expect(201);
    for (query, count) in [
        ("", 2500),
        ("&agent_id=coder", 1250),
        ("&metric_type=cost&agent_id=writer", 417),
        ("&start_date=2026-11-22", 501),
        ("&end_date=2026-11-20", 999),
    ] {
        let answer = server.get(&format!("{EXPORT}?format=ndjson{query}")).await.expect(200);
        assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
        let lines: Vec<Value> = answer.text().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        assert_eq!(lines.len(), count, "{query}");
        let list = server.json(&format!("/api/v1/metrics/?limit=1000{query}")).await;
        assert_eq!(lines[..list.as_array().unwrap().len()], *list.as_array().unwrap(), "{query}");
        let csv = server.get(&format!("{EXPORT}?format=csv{query}")).await.expect(200).text();
        assert_eq!(csv.lines().count(), count + 1, "{query}");
    }
    for bad in ["format=xml", "start_date=x", "end_date=x"] {
        server.get(&format!("{EXPORT}?{bad}")).await.expect(422);
    }
}
