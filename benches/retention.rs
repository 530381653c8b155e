//! A million metrics and a million audit records that are no longer kept: how long each step of removing them takes, and
//! how long somebody waits who writes meanwhile, beside a write of nothing and a write where nothing is removed.
//!
//! On Linux it is also told how long the writer thread computed, and how long it was ready to while others had the
//! processors: on a busy machine most of a long step is that.
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
use agentmap::retention::prune;
use agentmap::seed;
use agentmap::store::Location;

const RECORDS: u64 = 1_000_000;
const BATCH: u64 = 1000;
/// How many steps of each kind are measured.
const STEPS: usize = 400;
/// Up to which number records are removed while somebody writes.
const PRUNED: u64 = 200_000;
/// How long somebody writes while nothing is removed.
const BESIDE: Duration = Duration::from_secs(10);

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
        write_beside("a write where nothing is removed", &app, &names, tokio::time::sleep(BESIDE)).await;
        let now = app.now();
        measure("a step of the stream's events", &app, Action::Prune(Prune::Events(now))).await;
        prune(&app, Prune::Events(now)).await.expect("pruned");
        let metrics = |below| Prune::Metrics { before: now, below };
        measure("a step of metrics", &app, Action::Prune(metrics(u64::MAX))).await;
        write_beside("a write while metrics are removed", &app, &names, prune(&app, metrics(PRUNED))).await;
        let audit = |below| Prune::Audit { before: now, below, checkpoint: "signed".to_owned() };
        measure("a step of audit records", &app, Action::Prune(audit(u64::MAX))).await;
        write_beside("a write while audit records are removed", &app, &names, prune(&app, audit(PRUNED)))
            .await;
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
        decision: None,
        unpriced: None,
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
    let (mut times, mut computed, mut ready) = (Vec::new(), Vec::new(), Vec::new());
    let mut removed = 0;
    for _ in 0..STEPS {
        let (started, before) = (Instant::now(), scheduled());
        if let Outcome::Pruned(step) = app.submit(action.clone()).await.expect("done") {
            removed += step.removed;
        }
        times.push(started.elapsed());
        if let (Some(before), Some(after)) = (before, scheduled()) {
            computed.push(after[0].saturating_sub(before[0]));
            ready.push(after[1].saturating_sub(before[1]));
        }
    }
    tell(what, &mut times);
    println!("    {removed} removed");
    tell("    of which computing", &mut computed);
    tell("    of which ready and not let", &mut ready);
}

/// Writes one record after the other until something is done.
async fn write_beside<T>(what: &str, app: &Arc<App>, names: &[String], work: impl Future<Output = T>) {
    let mut work = std::pin::pin!(work);
    let mut times = Vec::new();
    for n in 0.. {
        let started = Instant::now();
        let write = app.submit(Action::AppendAudit(vec![operation(n, names, app.now())]));
        let mut write = std::pin::pin!(write);
        let mut done = false;
        loop {
            tokio::select! {
                biased;
                written = &mut write => break written.map(drop).expect("recorded"),
                _ = &mut work, if !done => done = true,
            }
        }
        times.push(started.elapsed());
        if done {
            break;
        }
    }
    tell(what, &mut times);
}

/// How long the writer thread has computed, and how long it was ready to while others did. Linux tells.
fn scheduled() -> Option<[Duration; 2]> {
    let mut threads = std::fs::read_dir("/proc/self/task").ok()?.flatten().map(|thread| thread.path());
    let writer = threads.find(|thread| {
        std::fs::read_to_string(thread.join("comm")).is_ok_and(|name| name.trim_end() == "writer")
    })?;
    let told = std::fs::read_to_string(writer.join("schedstat")).ok()?;
    let mut nanos = told.split_whitespace().map_while(|n| n.parse().ok().map(Duration::from_nanos));
    Some([nanos.next()?, nanos.next()?])
}

fn tell(what: &str, times: &mut [Duration]) {
    let Some(last) = times.len().checked_sub(1) else { return };
    times.sort_unstable();
    let at = |share: f64| times[(last as f64 * share) as usize];
    println!("{what}: median {:?}, p99 {:?}, longest {:?} of {}", at(0.5), at(0.99), at(1.0), times.len());
}
