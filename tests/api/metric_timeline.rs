//! `/api/v1/metrics/timeline`: metrics over time, against a fold over the records.

use agentmap::domain::time::Timestamp;
use serde_json::{Value, json};

use crate::harness::{DAY, HOUR, MINUTE, SECOND, Server, each};
use crate::shape::assert_shape;

const TIMELINE: &str = "/api/v1/metrics/timeline";

fn micros(value: &Value) -> i64 {
    Timestamp::parse(value.as_str().unwrap()).unwrap().0
}

/// Records at uneven times back to `span` before now, of two agents and two types, with and without each member.
async fn record(server: &Server, span: i64) -> Vec<Value> {
    server.create("coder").await;
    server.create("writer").await;
    let items: Vec<_> = (0..300_i64)
        .map(|n| {
            let mut metric = json!({
                "agent_id": if n % 3 == 0 { "writer" } else { "coder" },
                "metric_type": if n % 4 == 0 { "own" } else { "cost" },
                "recorded_at": server.at(-(n * n * (span / 90_000)) - n * 7), "tokens_used": n, "cost_usd": 0.25,
            });
            let more = [
                json!({"execution_time_ms": 40}),
                json!({"success": n % 7 != 0, "tasks_completed": n % 2}),
                json!({"quality_score": 0.5, "code_violations": n}),
                json!({"success": false, "tasks_failed": 1, "quality_score": 0.75}),
                json!({}),
            ];
            let members = more[usize::try_from(n).unwrap() % more.len()].as_object().unwrap().clone();
            metric.as_object_mut().unwrap().extend(members);
            metric
        })
        .collect();
    server.post("/api/v1/metrics/batch", &items.into()).await.expect(201);
    // Before a day ago, in the same minute.
    server.metric("coder", &json!({"recorded_at": server.at(-DAY - 10 * SECOND)})).await;
    server.json("/api/v1/metrics/?limit=1000").await.as_array().unwrap().clone()
}

fn fold(timestamp: &Value, of: &[&Value]) -> Value {
    let all = |member: &str| -> Vec<f64> { of.iter().filter_map(|m| m[member].as_f64()).collect() };
    let total = |member: &str| of.iter().filter_map(|m| m[member].as_u64()).sum::<u64>();
    let mean = |values: &[f64]| {
        #[expect(clippy::cast_precision_loss)]
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    };
    let judged: Vec<_> =
        of.iter().filter_map(|m| m["success"].as_bool()).map(|s| f64::from(u8::from(s))).collect();
    let scores = all("quality_score");
    // All that is timed takes as long: a percentile of it is exact.
    let times = mean(&all("execution_time_ms"));
    json!({
        "timestamp": timestamp, "calls": of.len(), "failures": judged.iter().filter(|s| **s == 0.0).count(),
        "success_rate": mean(&judged), "tokens": total("tokens_used"), "cost_usd": all("cost_usd").iter().sum::<f64>(),
        "avg_ms": times, "p50_ms": times, "p95_ms": times, "p99_ms": times, "quality": mean(&scores),
        "quality_min": scores.iter().copied().reduce(f64::min), "quality_max": scores.iter().copied().reduce(f64::max),
        "violations": total("code_violations"), "tasks_completed": total("tasks_completed"),
        "tasks_failed": total("tasks_failed"),
    })
}

/// The sums of fractions depend on their order.
fn near(told: &Value, wanted: &Value) -> bool {
    match (told, wanted) {
        (Value::Number(a), Value::Number(b)) => (a.as_f64().unwrap() - b.as_f64().unwrap()).abs() < 1e-9,
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, value)| b.get(name).is_some_and(|b| near(value, b)))
        }
        _ => told == wanted,
    }
}

#[tokio::test]
async fn every_step_equals_a_fold_over_the_records() {
    let server = Server::start().await;
    // Not on the border of a minute, so that ranges begin inside one.
    server.advance(17 * SECOND + 1);
    let records = record(&server, 40 * DAY).await;
    let now = server.now().0;
    // Without a date a range begins with a minute.
    let back = |length: i64| (now - length).div_euclid(MINUTE) * MINUTE;
    let day = micros(&json!("2026-11-20"));
    for (query, from, to, step) in [
        ("", back(DAY), now, HOUR),
        ("?period=15m", back(15 * MINUTE), now, MINUTE),
        ("?period=3h", back(3 * HOUR), now, MINUTE),
        ("?period=4d", back(4 * DAY), now, HOUR),
        ("?period=7d", back(7 * DAY), now, DAY),
        ("?period=90d", back(90 * DAY), now, DAY),
        ("?period=6h&step=minute", back(6 * HOUR), now, MINUTE),
        ("?period=31d&step=hour", back(31 * DAY), now, HOUR),
        ("?period=1h&step=day", back(HOUR), now, DAY),
        ("?start_date=2026-11-20&end_date=2026-11-20", day, day + DAY - 1, HOUR),
        (
            "?start_date=2026-11-20T10:10:10.5Z&end_date=2026-11-20T10:50:50Z",
            day + 36_610_500_000,
            day + 39_050_000_000,
            MINUTE,
        ),
        (
            "?end_date=2026-11-20T00:30:00.000001Z&period=2d",
            day - 2 * DAY + 1_800_000_001,
            day + 1_800_000_001,
            HOUR,
        ),
        // Dates go before a period.
        ("?start_date=2026-11-20&period=1h", day, now, HOUR),
        (
            "?start_date=2026-11-20T05:00:00Z&end_date=2026-11-20T05:00:00Z",
            day + 5 * HOUR,
            day + 5 * HOUR,
            MINUTE,
        ),
    ] {
        let timeline = server.json(&format!("{TIMELINE}{query}")).await;
        let name =
            [(MINUTE, "minute"), (HOUR, "hour"), (DAY, "day")].into_iter().find(|(size, _)| *size == step);
        assert_eq!(timeline["step"], name.unwrap().1, "{query}");
        let points = timeline["points"].as_array().unwrap();
        let (first, last) = (from.div_euclid(step), to.div_euclid(step));
        assert_eq!(i64::try_from(points.len()).unwrap(), last - first + 1, "{query}");
        assert!(points.len() <= 800, "{query}");
        for (bucket, point) in (first..).zip(points) {
            let start = json!(Timestamp(bucket * step).to_string());
            let inside = |at: i64| at >= from && at <= to && at.div_euclid(step) == bucket;
            let of: Vec<_> = records.iter().filter(|m| inside(micros(&m["recorded_at"]))).collect();
            let wanted = fold(&start, &of);
            assert!(near(point, &wanted), "{query}: {point} is not {wanted}");
        }
    }
}

#[tokio::test]
async fn agents_and_types_are_told_apart() {
    let server = Server::start().await;
    let records = record(&server, DAY).await;
    let id = server.json("/api/v1/agents/name/coder").await["agent_id"].clone();
    let id = id.as_str().unwrap();
    for (query, agent, metric_type) in [
        (format!("agent_id={id}"), Some(id), None),
        ("agent_id=coder".into(), Some(id), None),
        ("metric_type=own".into(), None, Some("own")),
        ("agent_id=coder&metric_type=own".into(), Some(id), Some("own")),
        ("agent_id=nobody".into(), Some(""), None),
    ] {
        let points = server.json(&format!("{TIMELINE}?period=2d&{query}")).await["points"].clone();
        let calls: u64 = each(&points, "calls").into_iter().map(|c| c.as_u64().unwrap()).sum();
        let wanted = records.iter().filter(|m| {
            agent.is_none_or(|a| m["agent_id"] == a) && metric_type.is_none_or(|t| m["metric_type"] == t)
        });
        assert_eq!(calls, wanted.count() as u64, "{query}");
    }
}

#[tokio::test]
async fn nothing_recorded_gives_every_step_without_measurements() {
    let server = Server::start().await;
    let timeline = server.json(TIMELINE).await;
    assert_shape(
        &timeline,
        &json!({"step": "string", "points": [{
            "timestamp": "time", "calls": "integer", "failures": "integer", "success_rate": "null", "tokens": "integer",
            "cost_usd": "number", "avg_ms": "null", "p50_ms": "null", "p95_ms": "null", "p99_ms": "null",
            "quality": "null", "quality_min": "null", "quality_max": "null", "violations": "integer",
            "tasks_completed": "integer", "tasks_failed": "integer",
        }]}),
    );
    assert_eq!(timeline["points"].as_array().unwrap().len(), 25);
}

#[tokio::test]
async fn a_range_that_cannot_be_shown_says_why() {
    let server = Server::start().await;
    for (query, loc, says) in [
        ("period=91d", "period", "90d"),
        ("period=0h", "period", "more than nothing"),
        ("period=1w", "period", "match"),
        ("step=second", "step", "minute, hour, day"),
        ("period=361m&step=minute", "step", "hour or day"),
        ("period=32d&step=hour", "step", "ask for day"),
        ("start_date=2026-11-23", "start_date", "future"),
        ("start_date=2026-11-21&end_date=2026-11-20", "end_date", "before start_date"),
        ("start_date=2024-01-01", "start_date", "799 days"),
        ("start_date=then", "start_date", "not a time"),
    ] {
        let answer = server.get(&format!("{TIMELINE}?{query}")).await.expect(422);
        assert_eq!(answer.errors()[0].0, format!("query.{loc}"), "{query}");
        assert!(answer.json()["detail"].as_str().unwrap().contains(says), "{query}: {}", answer.text());
    }
    // At both ends of time.
    server.json(&format!("{TIMELINE}?start_date=9999-12-01&end_date=9999-12-31")).await;
    server.json(&format!("{TIMELINE}?end_date=0000-01-01")).await;
}
