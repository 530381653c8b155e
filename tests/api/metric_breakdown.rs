//! `/api/v1/metrics/breakdown`: who or what used how much, against a fold over the records.

use std::collections::{BTreeMap, BTreeSet};

use agentmap::domain::time::Timestamp;
use serde_json::{Value, json};

use crate::harness::{DAY, HOUR, MINUTE, SECOND, Server, draft_with, each};
use crate::shape::assert_shape;

const BREAKDOWN: &str = "/api/v1/metrics/breakdown";

/// Records of seven agents in three roles, the later ones rarer, back to 70 days; the last agent is gone by the end.
async fn record(server: &Server) -> Vec<Value> {
    let mut ids = Vec::new();
    for n in 0..7 {
        let role = ["developer", "tester", "own"][n % 3];
        let category = ["foundry", "research"][n % 2];
        let draft = draft_with(&format!("agent-{n}"), &json!({"role": role, "metadata_category": category}));
        ids.push(server.create_from(&draft).await);
    }
    server.create("silent").await;
    let types = ["execution", "cost", "own"];
    let items: Vec<_> = (0..900_usize)
        .map(|n| {
            let spread = i64::try_from(n * n % 70_000).unwrap();
            json!({
                "agent_id": ids[(n % 31).min(n % 7)], "metric_type": types[n % 5 % 3],
                "recorded_at": server.at(-spread * 86 * SECOND - 1), "tokens_used": n % 50,
                "cost_usd": f64::from(u32::try_from(n % 9).unwrap()) / 8.0,
                "success": n % 4 > 0, "execution_time_ms": if n % 2 == 0 { json!(70) } else { json!(null) },
            })
        })
        .map(|mut metric| {
            metric.as_object_mut().unwrap().retain(|_, value| !value.is_null());
            metric
        })
        .collect();
    server.post("/api/v1/metrics/batch", &items.into()).await.expect(201);
    server.delete(&format!("/api/v1/agents/{}", ids[6])).await.expect(204);
    server.json("/api/v1/metrics/?limit=1000").await.as_array().unwrap().clone()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(0.0)
}

fn near(told: &Value, wanted: f64) -> bool {
    told.as_f64().is_some_and(|told| (told - wanted).abs() < 1e-6)
}

/// The key and the name of a record's group.
fn group_of(metric: &Value, by: &str, agents: &BTreeMap<String, Value>) -> (String, String) {
    let id = metric["agent_id"].as_str().unwrap();
    let of_agent = |pointer: &str| match agents.get(id) {
        Some(agent) => agent.pointer(pointer).unwrap().as_str().unwrap().to_owned(),
        None => String::new(),
    };
    let known = |key: String| (key.clone(), if key.is_empty() { "deleted agents".into() } else { key });
    match by {
        "role" => known(of_agent("/role")),
        "category" => known(of_agent("/metadata/category")),
        "type" => known(metric["metric_type"].as_str().unwrap().into()),
        _ => (id.into(), agents.get(id).map_or(id.into(), |a| a["name"].as_str().unwrap().into())),
    }
}

fn cost(of: &[&Value]) -> f64 {
    of.iter().map(|m| number(&m["cost_usd"])).sum()
}

fn tokens(of: &[&Value]) -> u64 {
    of.iter().filter_map(|m| m["tokens_used"].as_u64()).sum()
}

fn failures(of: &[&Value]) -> usize {
    of.iter().filter(|m| m["success"] == false).count()
}

fn time_of(metric: &Value) -> i64 {
    Timestamp::parse(metric["recorded_at"].as_str().unwrap()).unwrap().0
}

/// The records of a breakdown's two windows, and how to tell their groups apart.
struct Windows<'a> {
    by: &'a str,
    agents: &'a BTreeMap<String, Value>,
    from: i64,
    step: i64,
    present: Vec<&'a Value>,
    before: Vec<&'a Value>,
}

impl<'a> Windows<'a> {
    fn of_group(&self, of: &[&'a Value], key: &Value) -> Vec<&'a Value> {
        of.iter().copied().filter(|m| group_of(m, self.by, self.agents).0 == *key).collect()
    }

    #[track_caller]
    fn assert_groups(&self, groups: &[Value]) {
        let paid = self.before.iter().filter(|m| number(&m["cost_usd"]) > 0.0);
        let wanted: BTreeSet<_> =
            self.present.iter().chain(paid).map(|m| group_of(m, self.by, self.agents)).collect();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let names: BTreeSet<_> = groups.iter().map(|g| (text(&g["key"]), text(&g["name"]))).collect();
        assert_eq!(names, wanted);
        for group in groups {
            let own = self.of_group(&self.present, &group["key"]);
            let ids: BTreeSet<_> = own.iter().map(|m| m["agent_id"].as_str().unwrap()).collect();
            assert_eq!(group["agents"], ids.len(), "{group}");
            assert_eq!(group["calls"], own.len(), "{group}");
            assert_eq!(group["tokens"], tokens(&own), "{group}");
            assert_eq!(group["failures"], failures(&own), "{group}");
            assert!(near(&group["cost_usd"], cost(&own)), "{group}");
            let earlier = self.of_group(&self.before, &group["key"]);
            assert!(near(&group["previous_cost_usd"], cost(&earlier)), "{group}");
            // All that is timed takes as long.
            let timed = own.iter().any(|m| m["execution_time_ms"].is_number()).then_some(70.0);
            for member in ["avg_ms", "p50_ms", "p95_ms", "p99_ms"] {
                assert_eq!(group[member], json!(timed), "{group}");
            }
        }
        let costs: Vec<_> = groups.iter().map(|g| number(&g["cost_usd"])).collect();
        assert!(costs.is_sorted_by(|a, b| a >= b), "{costs:?}");
    }

    #[track_caller]
    fn assert_total(&self, total: &Value) {
        assert_eq!(total["calls"], self.present.len());
        assert_eq!(total["tokens"], tokens(&self.present));
        assert_eq!(total["failures"], failures(&self.present));
        assert!(near(&total["cost_usd"], cost(&self.present)));
        assert!(near(&total["previous_cost_usd"], cost(&self.before)));
    }

    /// The dearest two groups, and all others in one.
    #[track_caller]
    fn assert_series(&self, series: &[Value], groups: &[Value]) {
        assert_eq!(series.len(), groups.len().min(3));
        for (n, one) in series.iter().enumerate() {
            let (key, name) = match n {
                2 => (json!(null), json!("other")),
                _ => (groups[n]["key"].clone(), groups[n]["name"].clone()),
            };
            assert_eq!((&one["key"], &one["name"]), (&key, &name));
            let own: Vec<_> = groups
                .iter()
                .enumerate()
                .filter(|(place, _)| (*place).min(2) == n)
                .flat_map(|(_, group)| self.of_group(&self.present, &group["key"]))
                .collect();
            let (costs, counts) = (one["cost_usd"].as_array().unwrap(), one["tokens"].as_array().unwrap());
            assert_eq!(costs.len(), counts.len());
            for (step, (told, count)) in (0..).zip(costs.iter().zip(counts)) {
                let inside = |m: &Value| (time_of(m) - self.from).div_euclid(self.step) == step;
                let of: Vec<_> = own.iter().copied().filter(|m| inside(m)).collect();
                assert!(near(told, cost(&of)), "{name}, step {step}");
                assert_eq!(*count, tokens(&of), "{name}, step {step}");
            }
        }
    }
}

#[tokio::test]
async fn groups_and_series_equal_a_fold_over_the_records() {
    let server = Server::start().await;
    server.advance(40 * MINUTE + 17 * SECOND);
    let records = record(&server).await;
    let list = server.json("/api/v1/agents/").await;
    let known = list.as_array().unwrap().iter();
    let agents: BTreeMap<_, _> =
        known.map(|agent| (agent["agent_id"].as_str().unwrap().to_owned(), agent.clone())).collect();
    let now = server.now().0;
    for by in ["agent", "role", "category", "type"] {
        for (period, step, steps) in [("24h", HOUR, 24), ("7d", DAY, 7), ("30d", DAY, 30), ("90d", DAY, 90)] {
            let told = server.json(&format!("{BREAKDOWN}?by={by}&period={period}&top=2")).await;
            let (to, length) = ((now.div_euclid(step) + 1) * step, steps * step);
            let from = to - length;
            let between = |low: i64, high: i64| -> Vec<&Value> {
                records.iter().filter(|m| (low..high).contains(&time_of(m))).collect()
            };
            let (present, before) =
                (between(from, to), between(from - length, now.div_euclid(MINUTE) * MINUTE - length));
            let starts: Vec<_> = (0..steps).map(|n| Timestamp(from + n * step).to_string()).collect();
            assert_eq!((&told["by"], &told["timestamps"]), (&json!(by), &json!(starts)));
            let windows = Windows { by, agents: &agents, from, step, present, before };
            let groups = told["groups"].as_array().unwrap();
            windows.assert_groups(groups);
            windows.assert_total(&told["total"]);
            windows.assert_series(told["series"].as_array().unwrap(), groups);
        }
    }
    // A limit shortens the list of groups and nothing else.
    let whole = server.json(&format!("{BREAKDOWN}?period=90d")).await;
    let short = server.json(&format!("{BREAKDOWN}?period=90d&limit=1")).await;
    assert_eq!(short["groups"], json!([whole["groups"][0]]));
    assert_eq!((&short["series"], &short["total"]), (&whole["series"], &whole["total"]));
    assert_eq!(each(&whole["series"], "name").len(), 7);
}

#[tokio::test]
async fn nothing_recorded_has_no_groups() {
    let server = Server::start().await;
    server.create("coder").await;
    for by in ["agent", "role", "category", "type"] {
        let told = server.json(&format!("{BREAKDOWN}?by={by}")).await;
        assert_shape(
            &told,
            &json!({
                "by": "string", "step": "string", "timestamps": ["time"], "groups": [{}], "series": [{}],
                "total": {
                    "calls": "integer", "failures": "integer", "tokens": "integer", "cost_usd": "number",
                    "previous_cost_usd": "number",
                },
            }),
        );
        assert_eq!((&told["groups"], &told["series"]), (&json!([]), &json!([])));
        assert_eq!(told["timestamps"].as_array().unwrap().len(), 7);
        assert_eq!(told["total"]["calls"], 0);
    }
}

#[tokio::test]
async fn series_sum_up_to_the_total_beyond_the_types_that_are_looked_at() {
    // Types beyond the first thousand were in the total and in no series.
    let server = Server::start().await;
    server.create("coder").await;
    let items: Vec<_> = (0..1100)
        .map(|n| {
            json!({"agent_id": "coder", "metric_type": format!("type-{n:04}"), "cost_usd": 0.5, "tokens_used": 3})
        })
        .collect();
    server.post("/api/v1/metrics/batch", &items.into()).await.expect(201);
    let told = server.json(&format!("{BREAKDOWN}?by=type&top=2&limit=3")).await;
    let sum = |member: &str| -> f64 {
        told["series"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|s| s[member].as_array().unwrap())
            .map(number)
            .sum()
    };
    assert_eq!(each(&told["series"], "name"), ["type-0000", "type-0001", "other"]);
    assert_eq!((sum("cost_usd"), sum("tokens")), (550.0, 3300.0));
    assert_eq!((&told["total"]["cost_usd"], &told["total"]["tokens"]), (&json!(550.0), &json!(3300)));
    assert_eq!(each(&told["groups"], "agents"), [1, 1, 1]);
}

#[tokio::test]
async fn the_window_before_ends_where_the_present_one_has_come_to() {
    let server = Server::start().await;
    server.create("coder").await;
    // Now is noon: of the day 7 days ago the morning counts, its afternoon is still to come.
    for (age, cost) in [
        (0, 1),
        (6 * DAY + 12 * HOUR, 2),
        (7 * DAY, 4),
        (7 * DAY - 1, 8),
        (13 * DAY + 12 * HOUR, 16),
        (14 * DAY, 32),
    ] {
        server.metric("coder", &json!({"recorded_at": server.at(-age), "cost_usd": cost})).await;
    }
    let told = server.json(&format!("{BREAKDOWN}?period=7d")).await;
    assert_eq!(told["groups"][0]["cost_usd"], 3.0);
    assert_eq!(told["groups"][0]["previous_cost_usd"], 16.0);
    assert_eq!(
        (&told["total"]["cost_usd"], &told["total"]["previous_cost_usd"]),
        (&json!(3.0), &json!(16.0))
    );
    // A minute later that of the first minute has been passed.
    server.advance(MINUTE);
    let told = server.json(&format!("{BREAKDOWN}?period=7d")).await;
    assert_eq!(told["groups"][0]["previous_cost_usd"], 28.0);
}

#[tokio::test]
async fn what_cannot_be_told_is_refused() {
    let server = Server::start().await;
    for (bad, loc) in [
        ("by=team", "by"),
        ("period=8d", "period"),
        ("period=1h", "period"),
        ("top=0", "top"),
        ("top=13", "top"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=x", "limit"),
    ] {
        let errors = server.get(&format!("{BREAKDOWN}?{bad}")).await.expect(422).errors();
        assert_eq!(errors[0].0, format!("query.{loc}"), "{bad}");
    }
}
