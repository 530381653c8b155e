//! `GET /api/v1/agents/`: filters and orders.

use serde_json::{Value, json};

use crate::agents::agent_shape;
use crate::harness::{HOUR, Server, draft, draft_with, each};
use crate::shape::assert_shape;

const LIST: &str = "/api/v1/agents/";

/// Four agents that differ in everything that a filter or an order looks at.
async fn fleet() -> Server {
    let server = Server::start().await;
    for (name, members) in [
        ("delta", json!({"role": "admin", "metadata_category": "quality", "description": "Polishes Chrome"})),
        (
            "alpha",
            json!({"role": "tester", "metadata_category": "tooling", "metadata_tags": ["night", "x y"]}),
        ),
        ("charlie", json!({"role": "admin", "metadata_category": "delivery", "metadata_specialist": true})),
        (
            "bravo",
            json!({"role": "backend", "metadata_category": "quality", "capabilities": ["Deploying", "x"]}),
        ),
    ] {
        server.create_from(&draft_with(name, &members)).await;
        server.advance(HOUR);
    }
    server.metric("charlie", &json!({"cost_usd": 1, "success": true, "quality_score": 0.5})).await;
    server.advance(6 * HOUR);
    server.metric("bravo", &json!({"cost_usd": 3, "success": false, "quality_score": 0.9})).await;
    server.metric("alpha", &json!({"cost_usd": 31, "success": true, "quality_score": 0.7})).await;
    server.advance(HOUR);
    server.ingest(&json!({"agent_name": "delta"})).await;
    server
}

async fn names(server: &Server, query: &str) -> Vec<String> {
    let list = server.json(&format!("{LIST}{query}")).await;
    each(&list, "name").into_iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn filters_hold_alone_and_together() {
    let server = fleet().await;
    assert_shape(&server.json(LIST).await, &json!([agent_shape()]));
    for (query, wanted) in [
        ("", &["alpha", "bravo", "charlie", "delta"][..]),
        ("?role=admin", &["charlie", "delta"]),
        ("?role=Admin", &[]),
        ("?category=quality", &["bravo", "delta"]),
        ("?role=admin&category=quality", &["delta"]),
        ("?specialist=true", &["charlie"]),
        ("?specialist=false", &["alpha", "bravo", "delta"]),
        ("?tag=night", &["alpha"]),
        ("?tag=x+y", &["alpha"]),
        ("?tag=x%20y&role=tester&category=tooling&specialist=0", &["alpha"]),
        ("?tag=nigh", &[]),
        ("?capability=coding", &["alpha", "charlie", "delta"]),
        ("?capability=Deploying", &["bravo"]),
        ("?status=active", &["delta"]),
        ("?status=idle", &["bravo", "charlie"]),
        ("?status=blocked", &["alpha"]),
        ("?status=offline", &[]),
        ("?status=paused", &[]),
        // Text in the name, the description, capabilities or tags, in any case.
        ("?q=RAV", &["bravo"]),
        ("?q=chrome", &["delta"]),
        ("?q=deploy", &["bravo"]),
        ("?q=NIGHT", &["alpha"]),
        ("?q=nothing", &[]),
        // A form sends what was left empty; other parameters are somebody else's.
        ("?role=&q=&utm_source=mail", &["alpha", "bravo", "charlie", "delta"]),
    ] {
        assert_eq!(names(&server, query).await, wanted, "{query}");
    }
}

#[tokio::test]
async fn every_order_runs_both_ways() {
    let server = fleet().await;
    for (order, wanted) in [
        ("name", ["alpha", "bravo", "charlie", "delta"]),
        ("role", ["charlie", "delta", "bravo", "alpha"]),
        ("category", ["charlie", "bravo", "delta", "alpha"]),
        ("created_at", ["delta", "alpha", "charlie", "bravo"]),
        ("last_active_at", ["charlie", "alpha", "bravo", "delta"]),
        ("cost_used_today", ["delta", "charlie", "bravo", "alpha"]),
        ("success_rate", ["bravo", "delta", "alpha", "charlie"]),
        ("quality_score", ["delta", "charlie", "alpha", "bravo"]),
    ] {
        assert_eq!(names(&server, &format!("?sort={order}")).await, wanted, "{order}");
        let mut reversed = wanted;
        reversed.reverse();
        assert_eq!(names(&server, &format!("?sort=-{order}")).await, reversed, "-{order}");
        // Page by page it is the same order.
        for (sort, wanted) in [(order.to_owned(), wanted), (format!("-{order}"), reversed)] {
            let mut next = Some(format!("{LIST}?sort={sort}&limit=1"));
            let mut seen = Vec::new();
            while let Some(page) = next {
                let answer = server.get(&page).await.expect(200);
                assert_eq!(answer.header("x-total-count"), Some("4"), "{page}");
                seen.extend(each(&answer.json(), "name").into_iter().map(|n| n.as_str().unwrap().to_owned()));
                next = crate::paging::next_link(&answer);
            }
            assert_eq!(seen, wanted, "{sort}");
        }
    }
}

#[tokio::test]
async fn parameters_have_ranges_and_defaults() {
    let server = Server::start().await;
    for n in 0..101 {
        server.create(&format!("agent-{n:03}")).await;
    }
    let page = |query: &'static str| {
        let server = &server;
        async move { names(server, query).await }
    };
    assert_eq!(page("").await.len(), 100);
    assert_eq!(page("?limit=500").await.len(), 101);
    assert_eq!(page("?limit=1").await, ["agent-000"]);
    assert_eq!(page("?skip=99&limit=2").await, ["agent-099", "agent-100"]);
    assert!(page("?skip=100000").await.is_empty());
    for (query, loc) in [
        ("?limit=0", "limit"),
        ("?limit=501", "limit"),
        ("?limit=many", "limit"),
        ("?limit=1.5", "limit"),
        ("?limit=NaN", "limit"),
        ("?limit=-1", "limit"),
        ("?skip=-1", "skip"),
        ("?skip=100001", "skip"),
        ("?skip=x", "skip"),
        ("?specialist=perhaps", "specialist"),
        ("?status=asleep", "status"),
        ("?sort=colour", "sort"),
        ("?sort=--name", "sort"),
        ("?cursor=xyz", "cursor"),
        // A plus and a digit were read as a byte.
        ("?cursor=%2Bf%2Bf", "cursor"),
    ] {
        let errors = server.get(&format!("{LIST}{query}")).await.expect(422).errors();
        assert_eq!(errors.len(), 1, "{query}");
        assert_eq!(errors[0].0, format!("query.{loc}"), "{query}");
    }
    let errors = server.get(&format!("{LIST}?limit=0&skip=-1&sort=x")).await.expect(422).errors();
    assert_eq!(errors.len(), 3);
}

#[tokio::test]
async fn older_names_answer_the_same_list() {
    let server = fleet().await;
    for query in ["", "?role=admin&sort=-name&limit=1", "?limit=0"] {
        let list = server.get(&format!("{LIST}{query}")).await;
        for path in ["/api/v1/agents/registry", "/api/v1/registry/agents", "/api/v1/registry/agents/"] {
            let other = server.get(&format!("{path}{query}")).await;
            assert_eq!(other.status, list.status);
            assert_eq!(other.header("x-total-count"), list.header("x-total-count"));
            if list.status == 200 {
                assert_eq!(other.json(), list.json());
            }
        }
    }
}

#[tokio::test]
async fn an_agent_may_be_named_like_a_path() {
    let server = Server::start().await;
    for name in ["alerts", "registry", "stats", "name"] {
        server.post(LIST, &draft(name)).await.expect(201);
        let agent: Value = server.json(&format!("/api/v1/agents/name/{name}")).await;
        assert_eq!(agent["name"], name);
    }
}
