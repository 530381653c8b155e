//! `/api/v1/agents/stats`: figures of the fleet.

use serde_json::{Value, json};

use crate::harness::{DAY, HOUR, MINUTE, SECOND, Server, draft_with};
use crate::shape::assert_shape;

const SUMMARY: &str = "/api/v1/agents/stats/summary";

#[tokio::test]
async fn an_empty_registry_has_figures_too() {
    let server = Server::start().await;
    assert_eq!(
        server.json(SUMMARY).await,
        json!({
            "total_agents": 0, "role_distribution": {}, "category_distribution": {}, "specialists": 0,
            "generalists": 0, "budget_limit": 0.0, "budget_used": 0.0, "breakdown": [], "topAgents": [],
            "status_distribution": {"active": 0, "idle": 0, "blocked": 0, "paused": 0, "offline": 0},
            "budget_used_yesterday": 0.0,
        })
    );
}

#[tokio::test]
async fn the_summary_adds_up_the_fleet_and_its_day() {
    let server = Server::start().await;
    for n in 0..12 {
        let members = json!({
            "role": if n < 8 { "developer" } else { "admin" }, "metadata_specialist": n < 3,
            "metadata_category": (["delivery", "quality", "our-own"][n % 3]), "budget_max_cost_per_day": 2.5,
        });
        let name = format!("agent-{n:02}");
        server.create_from(&draft_with(&name, &members)).await;
        server.metric(&name, &json!({"cost_usd": n, "recorded_at": server.at(-DAY - 1)})).await;
        if n > 0 {
            server.metric(&name, &json!({"cost_usd": 0.25 * f64::from(u8::try_from(n).unwrap())})).await;
        }
    }
    let summary = server.json(SUMMARY).await;
    let top: Vec<_> = (2..12)
        .rev()
        .map(|n| json!({"name": format!("agent-{n:02}"), "value": 0.25 * f64::from(n)}))
        .collect();
    assert_eq!(
        summary,
        json!({
            "total_agents": 12, "role_distribution": {"developer": 8, "admin": 4},
            "category_distribution": {"delivery": 4, "quality": 4, "our-own": 4},
            "specialists": 3, "generalists": 9, "budget_limit": 30.0, "budget_used": 16.5,
            "breakdown": [
                {"name": "our-own", "value": 6.5}, {"name": "quality", "value": 5.5},
                {"name": "delivery", "value": 4.5},
            ],
            "topAgents": top, "budget_used_yesterday": 66.0,
            "status_distribution": {"active": 10, "idle": 0, "blocked": 1, "paused": 0, "offline": 1},
        })
    );
    // The next UTC day begins with nothing used.
    server.advance(12 * HOUR);
    let summary = server.json(SUMMARY).await;
    assert_eq!((&summary["budget_used"], &summary["topAgents"]), (&json!(0.0), &json!([])));
}

#[tokio::test]
async fn the_summary_counts_every_status() {
    let server = Server::start().await;
    let paused = server.create("paused").await;
    for (name, members) in [
        ("active", json!({})),
        ("spent", json!({"cost_usd": 31})),
        ("idle", json!({"recorded_at": server.at(-6 * MINUTE)})),
        ("rested", json!({"recorded_at": server.at(-DAY)})),
        ("away", json!({"recorded_at": server.at(-DAY - 1)})),
    ] {
        server.create(name).await;
        server.metric(name, &members).await;
    }
    server.create("new").await;
    server.post(&format!("/api/v1/agents/{paused}/pause"), &json!({})).await.expect(200);
    let summary = server.json(SUMMARY).await;
    assert_eq!(
        summary["status_distribution"],
        json!({"active": 1, "idle": 2, "blocked": 1, "paused": 1, "offline": 2})
    );
}

#[tokio::test]
async fn yesterday_counts_up_to_the_same_minute_of_the_day() {
    // It is 12:00.
    let server = Server::start().await;
    server.create("coder").await;
    for (cost, ago) in [
        (1, 0),
        (2, DAY - 1),
        (4, DAY),
        (8, DAY + 90 * SECOND),
        (16, DAY + 12 * HOUR),
        (32, DAY + 12 * HOUR + 1),
        (64, 2 * DAY),
    ] {
        server.metric("coder", &json!({"cost_usd": cost, "recorded_at": server.at(-ago)})).await;
    }
    let used = |summary: Value| (summary["budget_used"].clone(), summary["budget_used_yesterday"].clone());
    assert_eq!(used(server.json(SUMMARY).await), (json!(1.0), json!(24.0)));
    // What yesterday brought after this time of day comes with time, minute by minute.
    server.advance(MINUTE - 1);
    assert_eq!(used(server.json(SUMMARY).await), (json!(1.0), json!(24.0)));
    server.advance(1);
    assert_eq!(used(server.json(SUMMARY).await), (json!(1.0), json!(30.0)));
    server.advance(12 * HOUR - MINUTE);
    assert_eq!(used(server.json(SUMMARY).await), (json!(0.0), json!(0.0)));
}

#[tokio::test]
async fn the_history_has_a_point_a_utc_day() {
    let server = Server::start().await;
    server.create("coder").await;
    for (days, cost, tokens) in [(0, 1.5, 10), (0, 0.5, 0), (2, 4.0, 7), (29, 1.0, 1), (30, 9.0, 9)] {
        let members = json!({"cost_usd": cost, "tokens_used": tokens, "recorded_at": server.at(-days * DAY)});
        server.metric("coder", &members).await;
    }
    let history = server.json("/api/v1/agents/stats/history").await;
    let point = json!({"timestamp": "time", "value": "number"});
    assert_shape(&history, &json!({"days": "integer", "burnRate": [point], "tokens": [point]}));
    assert_eq!(history["days"], 30);
    let (burn, tokens) = (history["burnRate"].as_array().unwrap(), history["tokens"].as_array().unwrap());
    assert_eq!((burn.len(), tokens.len()), (30, 30));
    assert_eq!(burn[29], json!({"timestamp": "2026-11-22T00:00:00.000000Z", "value": 2.0}));
    assert_eq!(burn[28], json!({"timestamp": "2026-11-21T00:00:00.000000Z", "value": 0.0}));
    assert_eq!(burn[27]["value"], 4.0);
    assert_eq!(burn[0], json!({"timestamp": "2026-10-24T00:00:00.000000Z", "value": 1.0}));
    assert_eq!((&tokens[29]["value"], &tokens[27]["value"]), (&json!(10.0), &json!(7.0)));

    let days = server.json("/api/v1/agents/stats/history?days=1").await;
    assert_eq!(days["burnRate"].as_array().unwrap().len(), 1);
    let days = server.json("/api/v1/agents/stats/history?days=31").await;
    assert_eq!(days["burnRate"][0]["value"], 9.0);
    for bad in ["0", "-1", "366", "x", "1.5"] {
        server.get(&format!("/api/v1/agents/stats/history?days={bad}")).await.expect(422);
    }
}
