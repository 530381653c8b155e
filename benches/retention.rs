//! A million metrics and a million audit records that are no longer kept: how long each step of removing them takes,
//! which is how long others wait for it, beside a write of nothing.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "figures for people's eyes"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use agentmap::App;
use agentmap::app::system_clock;
use agentmap::config::Config;
use agentmap::domain::audit::{Decision, NewAudit};
use agentmap::domain::command::{Action, Outcome};
use agentmap::domain::metrics::{Measures, NewMetric};
use agentmap::domain::pruning::Prune;
use agentmap::domain::sync::SyncRequest;
use agentmap::domain::text::JsonText;
use agentmap::domain::time::{DAY, Timestamp};
use agentmap::seed;
use agentmap::store::Location;

const RECORDS: u64 = 1_000_000;
const BATCH: u64 = 1000;
/// How many steps of each kind are measured.
const STEPS: usize = 400;

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("million.redb");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let app =
            App::open(Config::defaults(), Location::File(data.clone()), system_clock()).expect("opened");
        let identities = seed::samples().expect("samples");
        let sync = SyncRequest { identities, prune_below: Vec::new(), dry_run: false, strict: false };
        app.submit(Action::Sync(Box::new(sync))).await.expect("synced");
        let names: Vec<_> = app.roster().iter().map(|agent| agent.name.clone()).collect();
        let filled = Instant::now();
        for batch in 0..RECORDS / BATCH {
            let metrics =
                (batch * BATCH..(batch + 1) * BATCH).map(|n| metric(n, &names, app.now())).collect();
            app.submit(Action::RecordMetrics(metrics)).await.expect("recorded");
        }
        for batch in 0..RECORDS / BATCH {
            let records =
                (batch * BATCH..(batch + 1) * BATCH).map(|n| operation(n, &names, app.now())).collect();
            app.submit(Action::AppendAudit(records)).await.expect("recorded");
        }
        app.submit(Action::NoteNumbers).await.expect("noted");
        println!("{RECORDS} metrics and as many audit records in {:?}", filled.elapsed());
        measure("a write of nothing", &app, Action::Probe).await;
        let now = app.now();
        measure("a step of the stream's events", &app, Action::Prune(Prune::Events(now))).await;
        while let Outcome::Pruned(step) = app.submit(Action::Prune(Prune::Events(now))).await.expect("pruned")
            && step.more
        {}
        measure("a step of metrics", &app, Action::Prune(Prune::Metrics { before: now, below: u64::MAX }))
            .await;
        let checkpoint = "signed".to_owned();
        let audit = Prune::Audit { before: now, below: u64::MAX, checkpoint };
        measure("a step of audit records", &app, Action::Prune(audit)).await;
        app.close();
    });
}

/// Thirty days of metrics, in order.
fn metric(n: u64, names: &[String], now: Timestamp) -> NewMetric {
    let kinds = ["execution", "cost", "quality", "task_completion"];
    NewMetric {
        agent: names[n as usize % names.len()].clone(),
        metric_type: kinds[n as usize % 4].into(),
        measures: Measures {
            execution_time_ms: Some((n % 1000) as f64),
            success: Some(n & 7 > 0),
            tokens_used: Some(n % 5000),
            cost_usd: Some((n % 100) as f64 / 1000.0),
            ..Measures::default()
        },
        context: None,
        session_id: Some(format!("s-{}", n % 50)),
        recorded_at: now.plus(30 * DAY / RECORDS.cast_signed() * n.cast_signed() - 30 * DAY),
        nonce: n.wrapping_mul(0x9E37_79B9_7F4A_7C15),
    }
}

/// Ninety days of operations, in order.
fn operation(n: u64, names: &[String], now: Timestamp) -> NewAudit {
    let tools = ["Edit", "Read", "Bash", "Grep"];
    NewAudit {
        agent_id: None,
        agent_name: Some(names[n as usize % names.len()].clone()),
        agent_role: Some("developer".into()),
        operation_type: Some("tool_use".into()),
        operation_detail: Some(tools[n as usize % 4].into()),
        target_resource: Some("src/main.rs".into()),
        target_type: Some("file".into()),
        decision: if n & 3 == 3 { Decision::Denied } else { Decision::Allowed },
        reason: None,
        cost_usd: 0.001,
        tokens_used: 120,
        session_id: Some(format!("s-{}", n % 50)),
        context: JsonText::default(),
        timestamp: now.plus(90 * DAY / RECORDS.cast_signed() * n.cast_signed() - 90 * DAY),
        nonce: n.wrapping_mul(0x9E37_79B9_7F4A_7C15),
    }
}

async fn measure(what: &str, app: &Arc<App>, action: Action) {
    let mut times = Vec::with_capacity(STEPS);
    let mut removed = 0;
    for _ in 0..STEPS {
        let started = Instant::now();
        if let Outcome::Pruned(step) = app.submit(action.clone()).await.expect("done") {
            removed += step.removed;
        }
        times.push(started.elapsed());
    }
    let all: Duration = times.iter().sum();
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    println!(
        "{what}: median {:?}, p99 {:?}, longest {:?}; {removed} removed in {all:?}",
        at(0.5),
        at(0.99),
        at(1.0)
    );
}
