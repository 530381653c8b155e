//! `/api/v1/prices`: what the tokens of models cost, and what nobody knows the price of.

use serde_json::{Value, json};

use crate::budgets::{ALERTS, stands};
use crate::harness::{MINUTE, Server, draft, each, kinds};
use crate::policy::governed;
use crate::shape::assert_shape;

#[tokio::test]
async fn tokens_of_a_model_are_priced_where_no_cost_is_told() {
    let server = Server::start().await;
    server.create_from(&draft("coder")).await;
    let prices = server.json("/api/v1/prices").await;
    let model = "claude-opus-4-5-20251101";
    let classes = json!({
        "input_tokens": 1000, "output_tokens": 100, "cache_read_tokens": 10_000, "cache_creation_tokens": 200,
    });
    let of = |more: Value| {
        let mut members = classes.clone();
        members.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        members
    };
    let metric = server.metric("coder", &of(json!({"model": model}))).await;
    // 5, 25, 0.5 and 6.25 USD for a million.
    let cost = (1000.0 * 5.0 + 100.0 * 25.0 + 10_000.0 * 0.5 + 200.0 * 6.25) / 1e6;
    assert!((metric["cost_usd"].as_f64().unwrap() - cost).abs() < 1e-12, "{metric}");
    assert_eq!(metric["tokens_used"], 1300);
    assert_eq!(metric["context"], json!({"model": model, "tokens": classes}));
    // What is told counts.
    let metric =
        server.metric("coder", &of(json!({"model": model, "cost_usd": 0.5, "tokens_used": 7}))).await;
    assert_eq!((&metric["cost_usd"], &metric["tokens_used"]), (&json!(0.5), &json!(7)));
    let metric = server.metric("coder", &of(json!({}))).await;
    assert_eq!((&metric["cost_usd"], &metric["tokens_used"]), (&Value::Null, &json!(1300)));
    assert_eq!(prices["unpriced"], json!([]));
    let price = prices["prices"].as_object().unwrap().values().next().unwrap();
    assert_shape(
        price,
        &json!({"input": "number", "output": "number", "cache_read": "number", "cache_write": "number"}),
    );
}

#[tokio::test]
async fn a_model_without_a_price_is_told_once_and_costs_not_nothing() {
    let (server, id) = governed().await;
    let used = json!({"model": "nobody-knows", "input_tokens": 10, "output_tokens": 5});
    let mut all = Vec::new();
    for n in 0..3 {
        let before = server.last_seq();
        let metric = server.metric("coder", &used).await;
        assert_eq!((&metric["cost_usd"], &metric["tokens_used"]), (&Value::Null, &json!(15)));
        let told = server.events_after(before).await;
        let alerts = kinds(&told).iter().filter(|kind| **kind == "budget_alert").count();
        assert_eq!(alerts, usize::from(n == 0));
        all.push(server.at(0));
        server.advance(MINUTE);
    }
    let alerts = server.json(ALERTS).await["alerts"].clone();
    assert_eq!(
        (each(&alerts, "title"), each(&alerts, "agent_id")),
        (vec![&json!("A model without a price")], vec![&json!(id)])
    );
    assert!(alerts[0]["message"].as_str().unwrap().contains("nobody-knows"));
    let unpriced = server.json("/api/v1/prices").await["unpriced"].clone();
    let wanted = json!([{
        "model": "nobody-knows", "first_seen": all[0], "last_seen": all[2], "metrics": 3, "tokens": 45,
    }]);
    assert_eq!(unpriced, wanted);
    assert_eq!(stands(&server).await, json!([0.0, 0.0, 10.0]));
}
