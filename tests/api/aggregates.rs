//! `/api/v1/metrics/aggregate`, summaries and resources: figures over a window.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{DAY, HOUR, MINUTE, SECOND, Server, each};
use crate::shape::assert_shape;

const AGGREGATE: &str = "/api/v1/metrics/aggregate";

fn aggregate_shape() -> Value {
    let mut shape = json!({
        "count": "integer", "total_tokens_used": "integer", "total_calls": "integer", "today_calls": "integer",
        "tokens_used": "integer", "today_tokens": "integer",
    });
    let members = shape.as_object_mut().unwrap();
    for number in [
        "avg_execution_time_ms",
        "success_rate",
        "total_cost_usd",
        "avg_quality_score",
        "time_range_days",
        "p50_execution_time_ms",
        "p95_execution_time_ms",
        "p99_execution_time_ms",
        "average_latency_ms",
        "error_rate",
        "requests_per_minute",
    ] {
        members.insert(number.into(), json!("number"));
    }
    for series in ["timeSeries", "tokenTimeSeries", "costTimeSeries"] {
        members.insert(series.into(), json!([{"timestamp": "time", "value": "number"}]));
    }
    shape
}

#[tokio::test]
async fn nothing_recorded_gives_zeros() {
    let server = Server::start().await;
    let aggregate = server.json(AGGREGATE).await;
    assert_shape(&aggregate, &aggregate_shape());
    for (name, value) in aggregate.as_object().unwrap() {
        match value {
            Value::Array(points) => assert!(points.iter().all(|p| p["value"] == 0.0), "{name}"),
            value if name == "time_range_days" => assert_eq!(value, 7.0),
            value => assert_eq!(value.as_f64(), Some(0.0), "{name}"),
        }
    }
}

#[tokio::test]
async fn averages_run_over_the_records_that_carry_the_member() {
    let server = Server::start().await;
    server.create("coder").await;
    for (at, members) in [
        (0, json!({"execution_time_ms": 100, "success": true, "tokens_used": 10, "cost_usd": 0.1})),
        (0, json!({"execution_time_ms": 200, "success": false, "tokens_used": 20})),
        (-13 * HOUR, json!({"quality_score": 0.5, "success": true, "tokens_used": 5})),
        (-6 * DAY, json!({"quality_score": 1, "success": true, "cost_usd": 0.2})),
        (-6 * DAY, json!({})),
    ] {
        let mut members = members;
        members["recorded_at"] = json!(server.at(at));
        server.metric("coder", &members).await;
    }
    let aggregate = server.json(AGGREGATE).await;
    for (name, value) in [
        ("count", 5.0),
        ("total_calls", 5.0),
        ("today_calls", 2.0),
        ("total_tokens_used", 35.0),
        ("tokens_used", 35.0),
        ("today_tokens", 30.0),
        ("avg_execution_time_ms", 150.0),
        ("average_latency_ms", 150.0),
        ("success_rate", 0.75),
        ("error_rate", 0.25),
        ("avg_quality_score", 0.75),
        ("total_cost_usd", 0.3),
        ("requests_per_minute", 5.0 / (7.0 * 24.0 * 60.0)),
    ] {
        let told = aggregate[name].as_f64().unwrap();
        assert!((told - value).abs() < 1e-12, "{name}: {told}");
    }
}

#[tokio::test]
async fn percentiles_are_near_the_true_ones() {
    let server = Server::start().await;
    server.create("coder").await;
    let times: Vec<_> = (1..=1000)
        .map(|ms| json!({"agent_id": "coder", "metric_type": "execution", "execution_time_ms": ms}))
        .collect();
    server.post("/api/v1/metrics/batch", &times.into()).await.expect(201);
    let aggregate = server.json(AGGREGATE).await;
    for (share, wanted) in [(50, 500.0), (95, 950.0), (99, 990.0)] {
        let told = aggregate[format!("p{share}_execution_time_ms")].as_f64().unwrap();
        assert!((told - wanted).abs() <= wanted / 64.0, "p{share}: {told}");
    }
}

#[tokio::test]
async fn a_window_holds_exactly_what_lies_in_it() {
    let server = Server::start().await;
    server.create("coder").await;
    // Not on the border of a minute, so that windows begin inside one.
    server.advance(17 * SECOND + 1);
    let ages =
        [0, MINUTE, 90 * MINUTE, 90 * MINUTE + 1, DAY - 1, DAY, DAY + 1, 7 * DAY, 7 * DAY + 1, 90 * DAY];
    for age in ages {
        server.metric("coder", &json!({"recorded_at": server.at(-age), "tokens_used": 1})).await;
    }
    // A clock that runs ahead belongs to the window.
    server.metric("coder", &json!({"recorded_at": server.at(MINUTE), "tokens_used": 1})).await;
    for (query, length, days) in [
        ("", 7 * DAY, 7.0),
        ("?days=1", DAY, 1.0),
        ("?days=90", 90 * DAY, 90.0),
        ("?period=1m", MINUTE, 1.0 / 1440.0),
        ("?period=90m", 90 * MINUTE, 0.0625),
        ("?period=24h", DAY, 1.0),
        ("?period=7d", 7 * DAY, 7.0),
        ("?period=24h&days=7", DAY, 1.0),
    ] {
        let wanted = 1 + ages.iter().filter(|age| **age <= length).count();
        let aggregate = server.json(&format!("{AGGREGATE}{query}")).await;
        assert_eq!(aggregate["count"], wanted, "{query}");
        assert_eq!(aggregate["tokens_used"], wanted, "{query}");
        assert_eq!(aggregate["time_range_days"], days, "{query}");
    }
    for bad in
        ["days=0", "days=91", "days=x", "period=0h", "period=91d", "period=1w", "period=h", "period=-1h"]
    {
        let errors = server.get(&format!("{AGGREGATE}?{bad}")).await.expect(422).errors();
        assert_eq!(errors[0].0, format!("query.{}", bad.split('=').next().unwrap()), "{bad}");
    }
}

#[tokio::test]
async fn series_have_a_point_an_hour_or_a_day_zeros_included() {
    let server = Server::start().await;
    server.create("coder").await;
    for (age, tokens, cost) in
        [(0, 5, 0.5), (2 * HOUR, 7, 0.25), (2 * HOUR + 30 * MINUTE, 1, 0.0), (3 * DAY, 9, 1.0)]
    {
        let members = json!({"recorded_at": server.at(-age), "tokens_used": tokens, "cost_usd": cost});
        server.metric("coder", &members).await;
    }
    let day = server.json(&format!("{AGGREGATE}?period=24h")).await;
    let hours = day["timeSeries"].as_array().unwrap();
    assert_eq!(hours.len(), 25);
    assert_eq!(hours[24], json!({"timestamp": "2026-11-22T12:00:00.000000Z", "value": 1.0}));
    assert_eq!(hours[23], json!({"timestamp": "2026-11-22T11:00:00.000000Z", "value": 0.0}));
    assert_eq!((&hours[22]["value"], &hours[21]["value"]), (&json!(1.0), &json!(1.0)));
    assert_eq!(hours[0]["timestamp"], "2026-11-21T12:00:00.000000Z");

    let week = server.json(AGGREGATE).await;
    assert_eq!(each(&week["timeSeries"], "value"), [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 3.0]);
    assert_eq!(each(&week["tokenTimeSeries"], "value"), [0.0, 0.0, 0.0, 0.0, 9.0, 0.0, 0.0, 13.0]);
    assert_eq!(each(&week["costTimeSeries"], "value"), [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.75]);
    assert_eq!(week["timeSeries"][4]["timestamp"], "2026-11-19T00:00:00.000000Z");
}

#[tokio::test]
async fn figures_are_of_the_agent_and_the_type_asked_for() {
    let server = Server::start().await;
    let coder = server.create("coder").await;
    server.create("writer").await;
    for (agent, kind, tokens) in
        [("coder", "cost", 1), ("coder", "execution", 2), ("writer", "cost", 4), ("writer", "own", 8)]
    {
        server.metric(agent, &json!({"metric_type": kind, "tokens_used": tokens, "api_calls": 3})).await;
    }
    for (query, tokens) in [
        ("?x=1".to_owned(), 15),
        (format!("?agent_id={coder}"), 3),
        ("?agent_id=writer".into(), 12),
        ("?metric_type=cost".into(), 5),
        ("?agent_id=writer&metric_type=cost".into(), 4),
        ("?agent_id=nobody".into(), 0),
        (format!("?agent_id={}", Uuid::new_v4()), 0),
    ] {
        assert_eq!(server.json(&format!("{AGGREGATE}{query}")).await["tokens_used"], tokens, "{query}");
        // Windows that begin inside a minute fold raw records; the answer is the same.
        assert_eq!(
            server.json(&format!("{AGGREGATE}{query}&period=1m")).await["tokens_used"],
            tokens,
            "{query}"
        );
    }
    server.advance(20 * SECOND);
    assert_eq!(
        server.json(&format!("{AGGREGATE}?period=1m&metric_type=cost&agent_id=coder")).await["count"],
        1
    );

    for path in ["/api/v1/metrics/resources/usage", "/api/v1/resources/usage"] {
        let all =
            json!({"total_tokens_used": 15, "total_cost_usd": 0.0, "total_api_calls": 12, "period_days": 7});
        assert_eq!(server.json(path).await, all);
        let one = server.json(&format!("{path}?agent_id=coder&days=1")).await;
        let wanted =
            json!({"total_tokens_used": 3, "total_cost_usd": 0.0, "total_api_calls": 6, "period_days": 1});
        assert_eq!(one, wanted);
        for bad in ["0", "91", "x"] {
            server.get(&format!("{path}?days={bad}")).await.expect(422);
        }
    }
}

#[tokio::test]
async fn an_agents_summary_is_of_all_time() {
    let server = Server::start().await;
    let id = server.create("coder").await;
    let path = format!("/api/v1/metrics/agent/{id}/summary");
    let empty = json!({
        "agent_id": id, "total_metrics": 0,
        "performance": {
            "avg_execution_time_ms": 0.0, "success_rate": 0.0, "total_tasks_completed": 0, "total_tasks_failed": 0,
        },
        "cost": {"total_cost_usd": 0.0, "total_tokens_used": 0}, "quality": {"avg_quality_score": 0.0},
    });
    assert_eq!(server.json(&path).await, empty);
    for members in [
        json!({"execution_time_ms": 10, "success": true, "tasks_completed": 3, "recorded_at": "2001-01-01"}),
        json!({"execution_time_ms": 30, "success": false, "tasks_failed": 2, "cost_usd": 0.5, "tokens_used": 9}),
        json!({"quality_score": 0.25}),
    ] {
        server.metric("coder", &members).await;
    }
    let wanted = json!({
        "agent_id": id, "total_metrics": 3,
        "performance": {
            "avg_execution_time_ms": 20.0, "success_rate": 0.5, "total_tasks_completed": 3, "total_tasks_failed": 2,
        },
        "cost": {"total_cost_usd": 0.5, "total_tokens_used": 9}, "quality": {"avg_quality_score": 0.25},
    });
    assert_eq!(server.json(&path).await, wanted);
    let nobody = Uuid::new_v4();
    let problem = server.get(&format!("/api/v1/metrics/agent/{nobody}/summary")).await.expect(404).json();
    assert!(problem["detail"].as_str().unwrap().contains(&nobody.to_string()));
}

#[tokio::test]
async fn the_points_of_a_series_add_up_to_the_totals() {
    // The first point held its whole step, of which the window's first part is none.
    let server = Server::start().await;
    let id = server.create("coder").await;
    for minutes in [-119, -61, -59, -1] {
        server.metric(&id, &json!({"recorded_at": server.at(minutes * MINUTE), "tokens_used": 1})).await;
    }
    let total = |points: &Value| each(points, "value").into_iter().filter_map(Value::as_f64).sum::<f64>();
    for minutes in [10, 60, 100, 120, 180] {
        let figures = server.json(&format!("/api/v1/metrics/aggregate?period={minutes}m")).await;
        let sum = total(&figures["timeSeries"]);
        assert_eq!(Some(sum), figures["count"].as_f64(), "{minutes} minutes");
        let sum = total(&figures["tokenTimeSeries"]);
        assert_eq!(Some(sum), figures["total_tokens_used"].as_f64(), "{minutes} minutes");
    }
}
