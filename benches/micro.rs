//! Single functions that each write or read goes through: how values become bytes and come back, the hash of a record, a
//! decision, sums, JSON.

use std::hint::black_box;
use std::sync::Arc;

use agentmap::App;
use agentmap::app::system_clock;
use agentmap::config::Config;
use agentmap::domain::agent_view::AgentView;
use agentmap::domain::audit::{AuditRecord, Decision, Hash, NewAudit};
use agentmap::domain::command::Action;
use agentmap::domain::events::Event;
use agentmap::domain::metric_sums::MetricSums;
use agentmap::domain::metrics::Measures;
use agentmap::domain::policy::{Call, Rights, ruling};
use agentmap::domain::rollup::Rollup as _;
use agentmap::domain::sync::SyncRequest;
use agentmap::domain::text::JsonText;
use agentmap::domain::time::Timestamp;
use agentmap::seed;
use agentmap::store::{Location, Value};
use criterion::{Criterion, criterion_group, criterion_main};

/// An operation as hooks tell them.
fn operation() -> NewAudit {
    let told = |text: &str| Some(text.to_owned());
    NewAudit {
        agent_id: told("0f9c2c6e-7f0e-4a53-8f0b-4d3f8a8f3f0b"),
        agent_name: told("runbook-freshener"),
        agent_role: told("developer"),
        operation_type: told("tool_use"),
        operation_detail: told("Edit"),
        target_resource: told("docs/runbooks/failover.md"),
        target_type: told("file"),
        decision: Decision::Allowed,
        reason: None,
        cost_usd: 0.0012,
        tokens_used: 120,
        session_id: told("5d0c2b7e5d0c2b7e"),
        context: JsonText::default(),
        timestamp: Timestamp(1_790_000_000_000_000),
        nonce: 0x9E37_79B9_7F4A_7C15,
    }
}

fn record() -> AuditRecord {
    AuditRecord::new(operation(), 1_000_000, None, Hash::default())
}

/// The sums of some records of a day.
fn sums(records: u32) -> MetricSums {
    let mut sums = MetricSums::default();
    for n in 0..records {
        sums.add(&measures(n));
    }
    sums
}

fn measures(n: u32) -> Measures {
    Measures {
        execution_time_ms: Some(f64::from(n * 7919 % 10_000)),
        success: Some(!n.is_multiple_of(10)),
        tokens_used: Some(u64::from(n % 5000)),
        cost_usd: Some(f64::from(n % 100) / 1000.0),
        ..Measures::default()
    }
}

fn codec(c: &mut Criterion) {
    let record = record();
    let stored = record.to_stored().expect("stored");
    c.bench_function("codec: an audit record to bytes", |b| b.iter(|| black_box(&record).to_stored()));
    c.bench_function("codec: an audit record from bytes", |b| {
        b.iter(|| AuditRecord::from_stored(black_box(&stored)));
    });
    let sums = sums(1000);
    let stored = sums.to_stored().expect("stored");
    c.bench_function("codec: sums to bytes", |b| b.iter(|| black_box(&sums).to_stored()));
    c.bench_function("codec: sums from bytes", |b| b.iter(|| MetricSums::from_stored(black_box(&stored))));
    c.bench_function("chain: the hash of a record", |b| b.iter(|| record.hash_after(black_box(record.hash))));
}

fn rollup(c: &mut Criterion) {
    let days = vec![sums(1000); 90];
    let measures = measures(7);
    c.bench_function("sums: 90 days merged", |b| {
        b.iter(|| {
            let mut all = MetricSums::default();
            for day in &days {
                all.merge(black_box(day));
            }
            all
        });
    });
    let mut one = sums(1000);
    c.bench_function("sums: a record added", |b| b.iter(|| one.add(black_box(&measures))));
}

/// The sample fleet, in memory.
fn fleet() -> Arc<App> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let app = App::open(Config::defaults(), Location::Memory, system_clock()).expect("opened");
    let identities = seed::samples().expect("samples");
    let sync = SyncRequest { identities, prune_below: Vec::new(), dry_run: false, strict: false };
    runtime.block_on(app.submit(Action::Sync(Box::new(sync)))).expect("synced");
    app
}

fn decide(c: &mut Criterion) {
    let app = fleet();
    let rights = Rights::of(app.roster().by_name("runbook-freshener").expect("an agent"));
    let calls: [(_, fn() -> Call<'static>); 3] = [
        ("a path", || Call::of("Read").on_path(Some("docs/runbooks/a.md"), Some("/p"), Some("/p"))),
        ("a path outside", || Call::of("Edit").on_path(Some("../../etc/passwd"), Some("/p"), Some("/p"))),
        ("a command", || Call::of("Bash").running(Some("cargo test --workspace 2>&1 | tail -5"))),
    ];
    for (name, call) in calls {
        c.bench_function(&format!("decide: {name}"), |b| {
            b.iter(|| {
                let call = black_box(call());
                let checks = rights.examine(&call);
                (ruling(&checks).map(|check| check.outcome), rights.asks(&call))
            });
        });
    }
    c.bench_function("decide: rights made ready", |b| b.iter(|| Rights::of(black_box(&rights.agent))));
    app.close();
}

fn serialization(c: &mut Criterion) {
    let record = Arc::new(record());
    c.bench_function("json: an audit record", |b| b.iter(|| serde_json::to_vec(black_box(&*record))));
    c.bench_function("json: an event's frame", |b| {
        b.iter(|| Event::of_operation(Arc::clone(black_box(&record))).to_json());
    });
    let app = fleet();
    let (roster, now) = (app.roster(), app.now());
    let load = || {
        app.read(|tx| {
            roster
                .iter()
                .take(100)
                .map(|agent| AgentView::load(&mut &*tx, agent, now))
                .collect::<Result<Vec<_>, _>>()
        })
        .expect("read")
    };
    let agents = load();
    c.bench_function("json: 100 agents", |b| b.iter(|| serde_json::to_vec(black_box(&agents))));
    c.bench_function("read: 100 agents with their figures", |b| b.iter(load));
    app.close();
}

criterion_group!(micro, codec, rollup, decide, serialization);
criterion_main!(micro);
