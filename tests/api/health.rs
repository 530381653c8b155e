//! `/`, `/health` and `/metrics`: what this is, and whether it works.

use std::time::Duration;

use agentmap::config::Config;
use agentmap::retention::retain;
use agentmap::store::Location;
use reqwest::Method;
use serde_json::json;

use crate::harness::{Answer, HOUR, Server};
use crate::shape::assert_shape;

const VERSION: &str = env!("CARGO_PKG_VERSION");

#[tokio::test]
async fn the_root_tells_programs_what_this_is_and_sends_people_on() {
    let server = Server::start().await;
    let root = server.json("/").await;
    assert_shape(
        &root,
        &json!({"status": "string", "service": "string", "version": "string", "message": "string"}),
    );
    assert_eq!((&root["status"], &root["version"]), (&json!("online"), &json!(VERSION)));
    assert_eq!(root["service"], "Agent Reality Map Backend API");

    let accepts = |accept| Answer::of(server.request(Method::GET, "/").header("accept", accept));
    for program in ["*/*", "application/json"] {
        accepts(program).await.expect(200);
    }
    let answer = accepts("text/html,application/xhtml+xml,*/*;q=0.8").await.expect(303);
    let dashboard = answer.header("location").unwrap();
    assert!(answer.header("vary").unwrap().to_lowercase().contains("accept"));
    let page = server.get(dashboard).await.expect(200);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
}

#[tokio::test]
async fn health_tells_what_there_is() {
    let server = Server::start().await;
    server.create("coder").await;
    let health = server.json("/health").await;
    assert_eq!(
        health,
        json!({
            "status": "healthy", "database": "connected", "api": "operational", "version": VERSION,
            "uptime_seconds": health["uptime_seconds"].as_u64().unwrap(), "agents": 1, "last_seq": 1,
            "active_connections": 0,
            "retention": {"audit": "90d", "metrics": "30d", "activity": "7d"},
            "kept": {
                "first_audit_seq": 0, "oldest_audit_at": server.at(0), "oldest_metric_at": null,
                "last_retention_at": null,
            },
        })
    );
}

#[tokio::test]
async fn health_tells_what_is_kept_and_how_long() {
    let hours = |hours| Some(Duration::from_hours(hours));
    let config = Config {
        retain_audit: hours(48),
        retain_metrics: hours(36),
        retain_activity: None,
        ..Config::defaults()
    };
    let server = Server::start_with(config, Location::Memory).await;
    let kept = async || server.json("/health").await["kept"].clone();
    assert_eq!(
        kept().await,
        json!({"first_audit_seq": 0, "oldest_audit_at": null, "oldest_metric_at": null, "last_retention_at": null})
    );
    let agent = server.create("coder").await;
    server.metric(&agent, &json!({"tokens_used": 1})).await;
    let events: Vec<_> = (0..300).map(|_| json!({"agent_name": "coder"})).collect();
    server.post("/api/v1/events/ingest/batch", &events.into()).await.expect(201);
    retain(&server.app).await.unwrap();
    let first = server.at(0);
    server.advance(40 * HOUR);
    server.metric(&agent, &json!({"tokens_used": 1})).await;
    server.ingest(&json!({"agent_name": "coder"})).await;
    retain(&server.app).await.unwrap();
    let second = server.at(0);
    assert_eq!(
        kept().await,
        json!({"first_audit_seq": 0, "oldest_audit_at": first, "oldest_metric_at": second, "last_retention_at": second})
    );
    server.advance(9 * HOUR);
    retain(&server.app).await.unwrap();
    let now = kept().await;
    assert_eq!((&now["first_audit_seq"], &now["oldest_audit_at"]), (&json!(256), &json!(first)));
    assert_eq!(now["last_retention_at"], json!(server.at(0)));
    assert_eq!(
        server.json("/health").await["retention"],
        json!({"audit": "2d", "metrics": "36h", "activity": null})
    );
}

#[tokio::test]
async fn the_stream_has_a_health_of_its_own() {
    let server = Server::start().await;
    server.create("coder").await;
    let path = "/api/v1/websocket/health";
    let endpoint = "/api/v1/agents/activity/stream";
    let wanted = |connections: u32| json!({"status": "operational", "active_connections": connections, "endpoint": endpoint, "last_seq": 1});
    assert_eq!(server.json(path).await, wanted(0));
    let mut stream = server.stream("").await;
    stream.greeted().await;
    assert_eq!(server.json(path).await, wanted(1));
}

#[tokio::test]
async fn figures_for_scrapers_are_well_formed() {
    let server = Server::start().await;
    server.create("coder").await;
    server.create("writer").await;
    server.metric("coder", &json!({"cost_usd": 0.5, "tokens_used": 7})).await;
    for decision in ["allowed", "denied", "denied"] {
        server.ingest(&json!({"agent_name": "ghost", "rbac_decision": decision})).await;
    }
    let answer = server.get("/metrics").await.expect(200);
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let text = answer.text();
    assert!(text.ends_with('\n'));
    let mut family = "";
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            family = help.split_once(' ').unwrap().0;
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            assert_eq!(name, family);
            assert!(["gauge", "counter"].contains(&kind), "{line}");
            assert_eq!(name.ends_with("_total"), kind == "counter", "{line}");
        } else {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert_eq!(name.split('{').next().unwrap(), family);
            assert!(value.parse::<f64>().unwrap().is_finite(), "{line}");
        }
    }
    for figure in [
        "agentmap_agents{status=\"active\"} 1",
        "agentmap_agents{status=\"offline\"} 1",
        "agentmap_operations_total{decision=\"allowed\"} 3",
        "agentmap_operations_total{decision=\"denied\"} 2",
        "agentmap_metrics_total 1",
        "agentmap_cost_usd_total 0.5",
        "agentmap_cost_today_usd 0.5",
        "agentmap_tokens_total 7",
        "agentmap_storage_up 1",
        &format!("agentmap_stream_last_seq {}", server.last_seq()),
    ] {
        assert!(text.lines().any(|line| line == figure), "{figure} is not in\n{text}");
    }
}
