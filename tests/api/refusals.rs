//! `/api/v1/events/audit/refusals`: why operations were refused, against a fold over the records.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::harness::{MINUTE, Server, each};
use crate::shape::assert_shape;

const REFUSALS: &str = "/api/v1/events/audit/refusals";

/// Operations of two registered agents and one that is not, told by id or name.
async fn record(server: &Server) -> (String, Vec<Value>) {
    let coder = server.create("coder").await;
    server.create("writer").await;
    let who = [
        json!({"agent_id": coder}),
        json!({"agent_name": "coder", "agent_role": "developer"}),
        json!({"agent_id": "ghost", "agent_name": "Ghost"}),
        json!({"agent_id": "writer", "agent_role": "developer"}),
    ];
    let decisions = ["allowed", "denied", "requires_approval", "denied", "unknown"];
    let reasons = ["path not in scope", "tool denied", "<b>costly</b>"];
    let operations = ["tool_use", "api_call"];
    let items: Vec<_> = (0..240_usize)
        .map(|n| {
            let mut told = who[n * n % 7 % 4].clone();
            told["rbac_decision"] = json!(decisions[n % 5]);
            told["operation_type"] = json!(operations[n % 2]);
            told["timestamp"] = json!(server.at(-i64::try_from(n * n % 101).unwrap() * MINUTE));
            if n % 4 > 0 {
                told["rbac_reason"] = json!(reasons[n * n % 3]);
            }
            told
        })
        .collect();
    server.post("/api/v1/events/ingest/batch", &items.into()).await.expect(201);
    let records = server.json("/api/v1/events/audit?limit=1000").await;
    (coder, records.as_array().unwrap().clone())
}

/// Whether a record is among those asked for.
type Holds<'a> = &'a dyn Fn(&Value) -> bool;

fn fold<'a>(of: &[&'a Value], key: impl Fn(&'a Value) -> String) -> Vec<(usize, String)> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for record in of {
        *counts.entry(key(record)).or_default() += 1;
    }
    let mut list: Vec<_> = counts.into_iter().map(|(key, count)| (count, key)).collect();
    list.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    list
}

#[tokio::test]
async fn reasons_and_agents_equal_a_fold_over_the_records() {
    let server = Server::start().await;
    let (coder, records) = record(&server).await;
    let text = |record: &Value, pointer: &str| record.pointer(pointer).unwrap().as_str().unwrap().to_owned();
    let from = server.at(-30 * MINUTE);
    let of_coder = |r: &Value| r["agent"]["registered_id"] == coder;
    let cases: [(String, Holds); 7] = [
        (String::new(), &|_| true),
        (format!("?agent_id={coder}"), &of_coder),
        ("?agent_id=ghost".into(), &|r| r["agent"]["agent_id"] == "ghost"),
        ("?agent_role=developer".into(), &|r| r["agent"]["role"] == "developer"),
        ("?operation_type=api_call".into(), &|r| r["operation"]["type"] == "api_call"),
        (format!("?start_date={from}"), &|r| r["timestamp"].as_str().unwrap() >= from.as_str()),
        (format!("?end_date={from}&agent_role=developer&operation_type=tool_use"), &|r| {
            r["timestamp"].as_str().unwrap() <= from.as_str()
                && r["agent"]["role"] == "developer"
                && r["operation"]["type"] == "tool_use"
        }),
    ];
    for (query, holds) in cases {
        let told = server.json(&format!("{REFUSALS}{query}")).await;
        let refused =
            |r: &Value| ["denied", "requires_approval"].contains(&r["rbac"]["decision"].as_str().unwrap());
        let of: Vec<_> = records.iter().filter(|r| refused(r) && holds(r)).collect();
        assert!(!of.is_empty(), "{query}");
        assert_eq!((&told["examined"], &told["complete"]), (&json!(of.len()), &json!(true)), "{query}");
        let reasons: Vec<_> = fold(&of, |r| text(r, "/rbac/reason"))
            .into_iter()
            .map(|(count, reason)| {
                let own: Vec<_> = of.iter().filter(|r| text(r, "/rbac/reason") == reason).collect();
                let decided =
                    |decision: &str| own.iter().filter(|r| r["rbac"]["decision"] == decision).count();
                json!({
                    "reason": reason, "count": count, "denied": decided("denied"),
                    "requires_approval": decided("requires_approval"),
                    "last": own.iter().map(|r| text(r, "/timestamp")).max(),
                })
            })
            .collect();
        assert_eq!(told["reasons"], json!(reasons), "{query}");
        let id = |r: &Value| {
            r["agent"]["registered_id"].as_str().map_or_else(|| text(r, "/agent/agent_id"), str::to_owned)
        };
        let agents = fold(&of, id);
        let counts: Vec<_> = agents.iter().map(|(count, id)| (json!(id), json!(count))).collect();
        let found: Vec<_> = told["agents"]
            .as_array()
            .unwrap()
            .iter()
            .map(|a| (a["agent_id"].clone(), a["count"].clone()))
            .collect();
        assert_eq!(found, counts, "{query}");
    }
    let whole = server.json(REFUSALS).await;
    let names: BTreeMap<_, _> = whole["agents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| (a["agent_id"].as_str().unwrap(), a["name"].as_str().unwrap()))
        .collect();
    assert_eq!((names[coder.as_str()], names["ghost"]), ("coder", "Ghost"));
    let short = server.json(&format!("{REFUSALS}?limit=1")).await;
    assert_eq!((&short["reasons"][0], short["reasons"].as_array().unwrap().len()), (&whole["reasons"][0], 1));
    assert_eq!((&short["agents"][0], short["agents"].as_array().unwrap().len()), (&whole["agents"][0], 1));
}

#[tokio::test]
async fn only_the_newest_are_looked_at() {
    let server = Server::start().await;
    // More than are looked at, of both kinds; the oldest have a reason of their own.
    let told = |n: i64| {
        json!({
            "agent_name": "coder", "timestamp": server.at(-n),
            "rbac_decision": if n % 3 == 0 { "requires_approval" } else { "denied" },
            "rbac_reason": if n < 5000 { "new" } else { "old" },
        })
    };
    for range in [0..3000, 3000..6000] {
        let items: Vec<_> = range.map(told).collect();
        server.post("/api/v1/events/ingest/batch", &items.into()).await.expect(201);
    }
    let answer = server.json(REFUSALS).await;
    let reason = json!({
        "reason": "new", "count": 5000, "denied": 3333, "requires_approval": 1667, "last": server.at(0),
    });
    let agent = json!({"agent_id": "coder", "name": "coder", "count": 5000});
    assert_eq!(answer, json!({"examined": 5000, "complete": false, "reasons": [reason], "agents": [agent]}));
    let old = server.json(&format!("{REFUSALS}?end_date={}", server.at(-5000))).await;
    assert_eq!((&old["complete"], each(&old["reasons"], "count")), (&json!(true), vec![&json!(1000)]));
}

#[tokio::test]
async fn what_is_rare_is_found_behind_what_does_not_match() {
    // A page that took as long as one may ended the search, and what the other decision had before it was left out.
    let server = Server::start().await;
    let told = |n: i64, role: &str, decision: &str| {
        json!({
            "agent_name": "coder", "agent_role": role, "timestamp": server.at(-n), "rbac_decision": decision,
            "rbac_reason": role,
        })
    };
    let mut items = vec![told(30_000, "rare", "denied"), told(30_001, "rare", "requires_approval")];
    // Each of these matches the one half of the search and not the other.
    items.extend(
        (0..11_000).flat_map(|n| [told(2 * n, "rare", "allowed"), told(2 * n + 1, "other", "denied")]),
    );
    for items in items.chunks(10_000) {
        server.post("/api/v1/events/ingest/batch", &items.into()).await.expect(201);
    }
    let answer = server.json(&format!("{REFUSALS}?agent_role=rare")).await;
    assert_eq!((&answer["examined"], &answer["complete"]), (&json!(2), &json!(true)));
    assert_eq!((&answer["reasons"][0]["denied"], &answer["agents"][0]["count"]), (&json!(1), &json!(2)));
}

#[tokio::test]
async fn nothing_refused_gives_empty_lists() {
    let server = Server::start().await;
    server.ingest(&json!({"agent_name": "coder", "rbac_decision": "allowed"})).await;
    let answer = server.json(REFUSALS).await;
    assert_shape(
        &answer,
        &json!({"examined": "integer", "complete": "boolean", "reasons": [{}], "agents": [{}]}),
    );
    assert_eq!(answer, json!({"examined": 0, "complete": true, "reasons": [], "agents": []}));
    for bad in ["limit=0", "limit=101", "start_date=x", "end_date=x"] {
        let errors = server.get(&format!("{REFUSALS}?{bad}")).await.expect(422).errors();
        assert_eq!(errors[0].0, format!("query.{}", bad.split('=').next().unwrap()));
    }
}
