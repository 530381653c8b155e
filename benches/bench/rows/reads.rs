//! Reads: how many a second, and how long each takes, against `/health` of the same server, or the same bytes from memory.

use std::io;
use std::time::Instant;

use serde_json::Value;

use crate::bench::{Bench, measured};
use crate::load::{Pace, Work};
use crate::process::Server;
use crate::report::{Figure, Limit, Spread, Target, Unit};
use crate::wire;

/// How many of the busiest agents are asked about, in turn.
const BUSIEST: usize = 20;
/// Which page by cursor is the deep one.
const DEEP: usize = 1000;
/// Over how many connections reads are timed.
const CONNECTIONS: usize = 2;
/// How often a second at least and at most, and which part of one processor they may take: nothing is to queue.
const RATES: (f64, f64) = (5.0, 200.0);
const BUSY: f64 = 0.2;

/// What is asked, and how fast the answer must be.
struct Question {
    row: &'static str,
    name: String,
    paths: Vec<String>,
    target: Target,
    /// By the name of another question, the one whose time is its limit; else `/health`.
    against: Option<String>,
}

impl Question {
    fn of(row: &'static str, name: &str, paths: Vec<String>, target: Target) -> Self {
        Self { row, name: format!("p50 of {name}"), paths, target, against: None }
    }
}

/// Measures all reads.
pub fn measure(bench: &mut Bench, server: &Server, size: u64) {
    rates(bench, server, size);
    let mut questions = figures(bench);
    if bench.wants("audit") {
        questions.extend(trail(bench, server).expect("the trail is read"));
    }
    questions.retain(|question| bench.wants(question.row));
    timed(bench, server, size, &questions);
}

/// Answers a second over 64 connections.
fn rates(bench: &mut Bench, server: &Server, size: u64) {
    let list = "/api/v1/agents/?limit=100";
    let body = bench.file("list.json");
    let mut connection = server.connect();
    let answer = connection.ask(&wire::get(list)).expect("the list");
    std::fs::write(&body, connection.body(answer)).expect("written");
    let bytes = Server::limit("answer", Some(&body));
    let by = |path: fn(&crate::dataset::Agent) -> String| bench.agents.iter().map(path).collect::<Vec<_>>();
    let id = by(|agent| format!("/api/v1/agents/{}", agent.agent_id));
    let name = by(|agent| format!("/api/v1/agents/name/{}", agent.name));
    let health = || vec!["/health".to_owned()];
    let rows = [
        (
            "list",
            "100 agents",
            vec![list.to_owned()],
            (&bytes, "bytes from memory", vec!["/".to_owned()]),
            0.7,
        ),
        ("get", "agents by id", id, (server, "/health", health()), 0.8),
        ("get", "agents by name", name, (server, "/health", health()), 0.8),
    ];
    for (row, name, paths, (least, limit, least_paths), target) in rows {
        if !bench.wants(row) {
            continue;
        }
        let (mut own, mut values) = (Vec::new(), Vec::new());
        for _ in bench.rounds() {
            let rate = |on: &Server, paths: &[String]| {
                measured(&bench.load(on, Work::Paths(paths.to_vec()), Pace::Closed, 64, 1.0)).per_second
            };
            values.push(rate(least, &least_paths));
            own.push(rate(server, &paths));
        }
        bench.report.add(Figure {
            row,
            name: format!("{name}, 64 connections"),
            size,
            unit: Unit::PerSecond,
            values: own,
            limit: Some(Limit { name: limit, values }),
            target: Target::RatioAtLeast(target),
        });
    }
}

/// Figures over 90 days, by every filter.
fn figures(bench: &Bench) -> Vec<Question> {
    let under = Target::Under(1000.0);
    let one = |path: &str| vec![path.to_owned()];
    let busiest = |path: &str| {
        let path = |agent: &crate::dataset::Agent| path.replace("AGENT", &agent.agent_id);
        bench.agents[..BUSIEST].iter().map(path).collect()
    };
    let aggregate = |name: &str, paths| Question::of("aggregate", name, paths, under);
    let mut questions = vec![
        aggregate("the sums of 90 days", one("/api/v1/metrics/aggregate?days=90")),
        aggregate("the sums of an agent", busiest("/api/v1/metrics/aggregate?days=90&agent_id=AGENT")),
        aggregate("the sums of a type", one("/api/v1/metrics/aggregate?days=90&metric_type=execution")),
        aggregate(
            "the sums of an agent and type",
            busiest("/api/v1/metrics/aggregate?days=90&metric_type=cost&agent_id=AGENT"),
        ),
        aggregate("the sums of 24 hours", one("/api/v1/metrics/aggregate?period=24h")),
        aggregate("resources of 90 days", one("/api/v1/metrics/resources/usage?days=90")),
        aggregate("an agent's summary", busiest("/api/v1/metrics/agent/AGENT/summary")),
        aggregate("quality of 90 days", one("/api/v1/metrics/quality?days=90")),
        aggregate("a timeline of 90 days", one("/api/v1/metrics/timeline?period=90d")),
    ];
    questions.extend(["agent", "role", "category", "type"].map(|by| {
        let path = format!("/api/v1/metrics/breakdown?period=90d&by={by}");
        aggregate(&format!("a breakdown by {by} of 90 days"), vec![path])
    }));
    questions.extend([
        Question::of("stats", "the fleet's summary", one("/api/v1/agents/stats/summary"), under),
        Question::of("stats", "the fleet's 90 days", one("/api/v1/agents/stats/history?days=90"), under),
        Question::of("stats", "the audit trail's counts", one("/api/v1/events/audit/stats"), under),
    ]);
    questions
}

/// The audit trail by every filter: its first page, and a page deep in it.
fn trail(bench: &Bench, server: &Server) -> io::Result<Vec<Question>> {
    let mut connection = server.connect();
    let newest = connection.json("/api/v1/events/audit?agent_role=developer&limit=1000")?;
    let records = newest.as_array().map(Vec::as_slice).unwrap_or_default();
    let text =
        |record: &Value, at: &str| record.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned();
    let session = records.first().map(|record| text(record, "/session_id")).unwrap_or_default();
    let reason =
        records.iter().map(|record| text(record, "/rbac/reason")).find(|reason| reason.contains(' '));
    let reason = reason.unwrap_or_default().replace(' ', "%20").replace('*', "%2A");
    let agent = &bench.agents[0].agent_id;
    let day = |back: i64| {
        let day = time::OffsetDateTime::now_utc().date() - time::Duration::days(back);
        day.to_string()
    };
    let filters = [
        ("nothing", String::new()),
        ("agent", format!("agent_id={agent}")),
        ("operation", "operation_type=file_access".to_owned()),
        ("decision", "rbac_decision=denied".to_owned()),
        ("role", "agent_role=developer".to_owned()),
        ("session", format!("session_id={session}")),
        ("reason", format!("reason={reason}")),
        ("days", format!("start_date={}&end_date={}", day(60), day(30))),
        ("agent and decision", format!("agent_id={agent}&rbac_decision=denied")),
        ("text", "q=part_7".to_owned()),
    ];
    let mut questions = Vec::new();
    for (by, filter) in filters {
        let first = format!("/api/v1/events/audit?{filter}");
        let deep = page(&mut connection, &first)?;
        let name = format!("the audit trail by {by}");
        questions.push(Question::of("audit", &name, vec![first], Target::Under(2000.0)));
        if let Some((depth, path)) = deep {
            let against = questions.last().map(|question| question.name.clone());
            let question =
                Question::of("audit", &format!("{name}, page {depth}"), vec![path], Target::RatioUnder(1.3));
            questions.push(Question { against, ..question });
        }
    }
    Ok(questions)
}

/// The path of a deep page, by as many steps from page to page; of the last full one where there are fewer.
fn page(connection: &mut wire::Connection, first: &str) -> io::Result<Option<(usize, String)>> {
    let mut path = first.to_owned();
    let mut full = None;
    for depth in 1..=DEEP {
        let answer = connection.ask(&wire::get(&path))?;
        let next = connection.head(answer).split("link: <").nth(1).and_then(|link| link.split('>').next());
        let Some(next) = next.map(str::to_owned) else { break };
        full = (depth > 1).then_some((depth, path));
        path = next;
    }
    Ok(full)
}

/// How long each question takes at an even pace; all in turn in each round.
fn timed(bench: &mut Bench, server: &Server, size: u64, questions: &[Question]) {
    if questions.is_empty() {
        return;
    }
    let health = ["/health".to_owned()];
    let asked: Vec<_> = questions.iter().map(|question| anew(&question.paths)).collect();
    let rates: Vec<_> = asked.iter().map(|paths| rate(server, paths)).collect();
    let mut least = Vec::new();
    let mut own = vec![Vec::new(); questions.len()];
    for _ in bench.rounds() {
        let time = |paths: &[String], rate| {
            let work = Work::Paths(paths.to_vec());
            measured(&bench.load(server, work, Pace::PerSecond(rate), CONNECTIONS, 0.4)).p50
        };
        least.push(time(&health, RATES.1));
        for ((paths, rate), values) in asked.iter().zip(&rates).zip(&mut own) {
            values.push(time(paths, *rate));
        }
    }
    for (question, values) in questions.iter().zip(&own) {
        let other = |name: &String| questions.iter().position(|other| other.name == *name);
        let limit = match question.against.as_ref().and_then(other) {
            Some(other) => Limit { name: "first page", values: own[other].clone() },
            None => Limit { name: "/health", values: least.clone() },
        };
        bench.report.add(Figure {
            row: question.row,
            name: question.name.clone(),
            size,
            unit: Unit::Microseconds,
            values: values.clone(),
            limit: Some(limit),
            target: question.target,
        });
    }
}

/// The same paths, made so many different ones that each is worked out anew: answers are kept ready by path and query.
fn anew(paths: &[String]) -> Vec<String> {
    let mark = |path: &str| if path.contains('?') { '&' } else { '?' };
    (0..ASKED)
        .map(|n| &paths[n % paths.len()])
        .enumerate()
        .map(|(n, path)| format!("{path}{}nth={n}", mark(path)))
        .collect()
}

/// How many different paths there are: more than are asked for in a period for which answers are kept.
const ASKED: usize = 4096;

/// How often paths are read, by how long that takes.
fn rate(server: &Server, paths: &[String]) -> f64 {
    let mut connection = server.connect();
    let mut time = |path: &str| {
        let request = wire::get(path);
        let started = Instant::now();
        connection.ask(&request).expect("answered");
        started.elapsed().as_secs_f64()
    };
    let times = Spread::of(&paths.iter().rev().take(3).map(|path| time(path)).collect::<Vec<_>>());
    (BUSY / times.median).clamp(RATES.0, RATES.1)
}
