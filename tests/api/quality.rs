//! `/api/v1/metrics/quality`: scores, grades, trends.

use serde_json::json;

use crate::harness::{DAY, HOUR, SECOND, Server, each};
use crate::shape::assert_shape;

const QUALITY: [&str; 2] = ["/api/v1/metrics/quality", "/api/v1/quality/metrics"];

#[tokio::test]
async fn nothing_scored_gives_zeros() {
    let server = Server::start().await;
    server.create("coder").await;
    for path in QUALITY {
        let quality = server.json(path).await;
        assert_eq!((&quality["overall_quality_score"], &quality["overall"]), (&json!(0.0), &json!(0.0)));
        assert_eq!(quality["trend"], json!({"direction": "stable", "change": 0.0, "period": "7d"}));
        assert_eq!((&quality["agent_quality"], &quality["violations"]), (&json!([]), &json!([])));
    }
}

#[tokio::test]
async fn the_report_grades_agents_and_tells_where_they_go() {
    let server = Server::start().await;
    let mut ids = std::collections::BTreeMap::new();
    for name in ["ann", "bob", "cy", "dee", "eve", "silent"] {
        ids.insert(name, server.create(name).await);
    }
    for (agent, score, violations, age) in [
        ("ann", 0.9, 0, 0),
        ("bob", 0.75, 1, DAY),
        ("bob", 0.85, 0, 2 * DAY),
        ("cy", 0.7, 0, 3 * DAY),
        ("dee", 0.6, 7, 4 * DAY),
        ("eve", 0.59, 0, 0),
        // The window before: bob was worse, eve better.
        ("bob", 0.5, 0, 8 * DAY),
        ("eve", 0.9, 9, 9 * DAY),
    ] {
        let members = json!({
            "metric_type": "quality", "quality_score": score, "code_violations": violations,
            "recorded_at": server.at(-age),
        });
        server.metric(agent, &members).await;
    }
    let quality = server.json(QUALITY[0]).await;
    assert_shape(
        &quality,
        &json!({
            "overall_quality_score": "number", "overall": "number", "grade": "string",
            "total_code_violations": "integer", "metrics_analyzed": "integer", "period_days": "integer",
            "trend": {"direction": "string", "change": "number", "period": "string"},
            "distribution": [{"grade": "string", "count": "integer", "percentage": "number"}],
            "agent_quality": [{
                "id": "uuid", "name": "string", "role": "string", "quality_score": "number",
                "previous_score": "number|null", "metrics_analyzed": "integer", "grade": "string",
                "violations": "integer", "trend": "string", "last_analysis": "time|null",
            }],
            "violations": [{
                "agent_id": "uuid", "agent_name": "string", "count": "integer", "quality_score": "number|null",
                "timestamp": "time",
            }],
        }),
    );
    let mean = (0.9 + 0.75 + 0.85 + 0.7 + 0.6 + 0.59) / 6.0;
    let near = |value: &serde_json::Value, wanted: f64| {
        assert!((value.as_f64().unwrap() - wanted).abs() < 1e-6, "{value} is not {wanted}");
    };
    near(&quality["overall_quality_score"], mean);
    near(&quality["overall"], mean * 100.0);
    near(&quality["trend"]["change"], (mean - 0.7) * 100.0);
    assert_eq!((&quality["grade"], &quality["trend"]["direction"]), (&json!("C"), &json!("up")));
    assert_eq!((&quality["total_code_violations"], &quality["metrics_analyzed"]), (&json!(8), &json!(6)));
    let distribution: Vec<_> =
        ["A", "B", "C", "D", "F"].map(|grade| json!({"grade": grade, "count": 1, "percentage": 20.0})).into();
    assert_eq!(quality["distribution"], json!(distribution));
    let agents = &quality["agent_quality"];
    assert_eq!(each(agents, "name"), ["ann", "bob", "cy", "dee", "eve"]);
    assert_eq!(each(agents, "grade"), ["A", "B", "C", "D", "F"]);
    assert_eq!(each(agents, "trend"), ["stable", "up", "stable", "stable", "down"]);
    assert_eq!(each(agents, "violations"), [0, 1, 0, 7, 0]);
    assert_eq!(each(agents, "metrics_analyzed"), [1, 2, 1, 1, 1]);
    let previous = [json!(null), json!(0.5), json!(null), json!(null), json!(0.9)];
    assert_eq!(each(agents, "previous_score"), previous.iter().collect::<Vec<_>>());
    assert_eq!(agents[1]["last_analysis"], server.at(-DAY));
    assert_eq!((&agents[1]["id"], &agents[1]["role"]), (&json!(ids["bob"]), &json!("developer")));
    assert_eq!(each(&quality["violations"], "agent_name"), ["bob", "dee"]);
    assert_eq!(server.json(QUALITY[1]).await, quality);

    let bob = server.json(&format!("{}?agent_id={}&days=30", QUALITY[0], ids["bob"])).await;
    near(&bob["overall_quality_score"], 0.7);
    assert_eq!((&bob["metrics_analyzed"], &bob["period_days"]), (&json!(3), &json!(30)));
    assert_eq!((&bob["trend"]["period"], &bob["trend"]["direction"]), (&json!("30d"), &json!("stable")));
    assert_eq!(each(&bob["agent_quality"], "name"), ["bob"]);
    for bad in ["0", "91", "x"] {
        server.get(&format!("{}?days={bad}", QUALITY[0])).await.expect(422);
    }
}

#[tokio::test]
async fn trends_have_a_point_a_utc_day() {
    let server = Server::start().await;
    server.create("coder").await;
    server.create("writer").await;
    for (agent, score, age) in [("coder", 0.5, 0), ("writer", 1.0, 0), ("coder", 0.25, 2), ("coder", 0.1, 7)]
    {
        server.metric(agent, &json!({"quality_score": score, "recorded_at": server.at(-age * DAY)})).await;
    }
    let trends = "/api/v1/metrics/quality/trends";
    let week = server.json(trends).await;
    assert_eq!(week.as_array().unwrap().len(), 7);
    assert_eq!(
        week[6],
        json!({
            "date": "2026-11-22", "score": 0.75, "average": 1.75 / 3.0, "min": 0.5, "max": 1.0, "metrics_analyzed": 2,
        })
    );
    let gap = json!({
        "date": "2026-11-21", "score": 0.0, "average": 0.25, "min": 0.0, "max": 0.0, "metrics_analyzed": 0,
    });
    assert_eq!(week[5], gap);
    assert_eq!(week[4]["score"], 0.25);
    assert_eq!(week[0]["date"], "2026-11-16");
    assert_eq!(server.json(&format!("{trends}?range=7d")).await, week);
    let longer = server.json(&format!("{trends}?range=8d&agent_id=coder")).await;
    assert_eq!(each(&longer, "score"), [0.1, 0.0, 0.0, 0.0, 0.0, 0.25, 0.0, 0.5]);
    assert_eq!(server.json(&format!("{trends}?range=24h")).await.as_array().unwrap().len(), 1);
    for bad in ["0d", "91d", "7", "d", "week"] {
        server.get(&format!("{trends}?range={bad}")).await.expect(422);
    }
}

#[tokio::test]
async fn the_last_score_is_found_below_any_number_of_other_records() {
    // It was sought among the newest records alone, one by one: of a busy agent that is seldom scored there was none.
    let server = Server::start().await;
    server.create("coder").await;
    server.create("writer").await;
    for (age, score) in [(3 * HOUR, 0.5), (3 * HOUR - 20 * SECOND, 0.5), (50 * DAY, 0.9)] {
        server.metric("coder", &json!({"quality_score": score, "recorded_at": server.at(-age)})).await;
    }
    server.metric("writer", &json!({"quality_score": 1, "recorded_at": server.at(-50 * DAY)})).await;
    let busy = |n: i64| {
        let at = server.at(-n * SECOND / 2);
        json!({"agent_id": "coder", "metric_type": "execution", "recorded_at": at})
    };
    for range in [0..10_000, 10_000..20_100] {
        let items: Vec<_> = range.map(busy).collect();
        for part in items.chunks(10_000) {
            server.post("/api/v1/metrics/batch", &json!(part)).await.expect(201);
        }
    }
    let quality = server.json(QUALITY[0]).await;
    assert_eq!(each(&quality["agent_quality"], "name"), ["coder"]);
    assert_eq!(quality["agent_quality"][0]["last_analysis"], server.at(-3 * HOUR + 20 * SECOND));
}
