//! Forgetting as a process does it: cut off at any moment, and the space that is left.

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use agentmap::App;
use agentmap::app::{SCHEMA, system_clock};
use agentmap::config::Config;
use agentmap::domain::audit::{Decision, NewAudit};
use agentmap::domain::command::{Action, Applied, Command};
use agentmap::domain::metrics::{Measures, Metric, NewMetric};
use agentmap::domain::retention::Gone;
use agentmap::domain::text::JsonText;
use agentmap::domain::time::{DAY, Timestamp};
use agentmap::retention::retain;
use agentmap::seed;
use agentmap::store::{Location, ReadTx, Store, Value as _};

use super::client::Client;
use super::process::{PATIENCE, Server, assert_sound, data_file, run, text};

/// An application on a file, with a clock that is moved by hand.
fn open(data: &Path) -> (Arc<App>, Arc<AtomicI64>) {
    open_with(Config::defaults(), data)
}

fn open_with(config: Config, data: &Path) -> (Arc<App>, Arc<AtomicI64>) {
    let clock = Arc::new(AtomicI64::new(system_clock()().0));
    let hand = Arc::clone(&clock);
    let now = Arc::new(move || Timestamp(hand.load(Ordering::Relaxed)));
    (App::open(config, Location::File(data.to_owned()), now).unwrap(), clock)
}

async fn register(app: &App) -> String {
    let identities = seed::samples().unwrap();
    let request = agentmap::domain::sync::SyncRequest {
        identities,
        prune_below: Vec::new(),
        dry_run: false,
        strict: false,
    };
    app.submit(Action::Sync(Box::new(request))).await.unwrap();
    app.roster().iter().next().unwrap().name.clone()
}

async fn record(app: &App, agent: &str, count: u64) {
    for start in (0..count).step_by(1000) {
        let metric = |n: u64| NewMetric {
            agent: agent.to_owned(),
            metric_type: "execution".into(),
            measures: Measures { tokens_used: Some(n), ..Measures::default() },
            context: Some(JsonText(format!(r#"{{"note":"{}"}}"#, "x".repeat(200)))),
            session_id: Some(format!("s-{}", n % 10)),
            recorded_at: app.now(),
            decision: None,
            unpriced: None,
            nonce: n.wrapping_mul(0x9E37_79B9_7F4A_7C15),
        };
        let batch = (start..count.min(start + 1000)).map(metric).collect();
        app.submit(Action::RecordMetrics(batch)).await.unwrap();
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn read<T>(data: &Path, f: impl FnOnce(&ReadTx) -> T) -> T {
    let store = Store::<Command, Applied>::open_read_only(data, 1 << 20, &SCHEMA).unwrap();
    f(&store.begin_read().unwrap())
}

/// The numbers that the archives of a folder hold, in the order of their names.
fn archived(folder: &Path) -> Vec<u64> {
    let Ok(files) = fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|end| end == "gz"));
    files.sort();
    let mut numbers = Vec::new();
    for file in files {
        let mut lines = String::new();
        flate2::read::GzDecoder::new(fs::File::open(file).unwrap()).read_to_string(&mut lines).unwrap();
        let seq =
            |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["seq"].as_u64().unwrap();
        numbers.extend(lines.lines().map(seq));
    }
    numbers
}

#[test]
fn archiving_and_removing_that_is_killed_at_any_moment_loses_and_doubles_nothing() {
    const OLD: u64 = 2000;
    const NEW: u64 = 100;
    let (folder, data) = data_file();
    let archive = folder.path().join("archive");
    runtime().block_on(async {
        let (app, clock) = open(&data);
        clock.fetch_add(-40 * DAY, Ordering::Relaxed);
        let agent = register(&app).await;
        record(&app, &agent, OLD).await;
        app.submit(Action::NoteNumbers).await.unwrap();
        clock.fetch_add(40 * DAY, Ordering::Relaxed);
        record(&app, &agent, NEW).await;
        app.close();
    });
    let gone = || read(&data, |tx| tx.get::<Gone>(&()).unwrap().unwrap_or_default().metrics);
    let deadline = Instant::now() + PATIENCE;
    let mut round = 0_u64;
    while gone() < OLD {
        assert!(Instant::now() < deadline, "only {} are gone", gone());
        let args = ["--archive".as_ref(), archive.as_os_str()];
        let server = Server::start_with(&data, &args);
        // A later moment each time.
        let mut client = Client::connect(server.address).unwrap();
        for _ in 0..20 * round * round {
            client.get("/health");
        }
        server.kill();
        round += 1;
        assert_sound(&data);
        let kept = read(&data, |tx| tx.len(Metric::TABLE).unwrap());
        assert_eq!(kept, OLD + NEW - gone());
        assert!(archived(&archive).len() as u64 >= gone());
    }
    assert_eq!(archived(&archive), (0..OLD).collect::<Vec<_>>());
    let first = read(&data, |tx| tx.get::<Metric>(&OLD).unwrap());
    assert!(round > 1 && first.is_some(), "killed {round} times");
}

#[test]
fn space_is_used_again_and_compact_gives_it_back() {
    let (_folder, data) = data_file();
    let mut sizes = Vec::new();
    runtime().block_on(async {
        let (app, clock) = open(&data);
        let agent = register(&app).await;
        for _ in 0..6 {
            record(&app, &agent, 3000).await;
            // What was noted a cycle ago is old, what is new is noted.
            retain(&app).await.unwrap();
            clock.fetch_add(31 * DAY, Ordering::Relaxed);
            retain(&app).await.unwrap();
            sizes.push(fs::metadata(&data).unwrap().len());
        }
        app.close();
    });
    assert!(sizes[5] <= sizes[1], "{sizes:?}");
    let told = run(&["compact", "--json"], &data);
    assert!(told.status.success(), "{}", text(&told.stderr));
    let told: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    let (before, after) = (told["bytes_before"].as_u64().unwrap(), told["bytes_after"].as_u64().unwrap());
    assert_eq!(after, fs::metadata(&data).unwrap().len());
    assert!(after < before, "{told}");
    assert_sound(&data);

    let server = Server::start(&data);
    let refused = run(&["compact"], &data);
    let complaint = text(&refused.stderr);
    assert!(
        !refused.status.success() && complaint.contains("in use by another agentmap process"),
        "{complaint}"
    );
    server.kill();
    let missing = run(&["compact"], &data.with_file_name("missing.redb"));
    assert!(!missing.status.success() && text(&missing.stderr).contains("missing.redb"));
    assert!(!data.with_file_name("missing.redb").exists());
}

#[test]
fn a_trail_that_was_pruned_and_its_archives_verify() {
    const RECORDS: u64 = 2000;
    let (folder, data) = data_file();
    let archive = folder.path().join("archive");
    runtime().block_on(async {
        let config = Config { archive: Some(archive.clone()), ..Config::defaults() };
        let (app, clock) = open_with(config, &data);
        let told = |n: u64| NewAudit {
            agent_id: None,
            agent_name: Some("coder".into()),
            agent_role: None,
            operation_type: None,
            operation_detail: Some(format!("step {n}")),
            target_resource: None,
            target_type: None,
            decision: Decision::Allowed,
            reason: None,
            cost_usd: 0.0,
            tokens_used: n,
            session_id: None,
            context: JsonText::default(),
            timestamp: app.now(),
            nonce: n,
        };
        app.submit(Action::AppendAudit((0..RECORDS).map(told).collect())).await.unwrap();
        retain(&app).await.unwrap();
        clock.fetch_add(91 * DAY, Ordering::Relaxed);
        assert_eq!(retain(&app).await.unwrap().audit, RECORDS / 256 * 256);
        app.close();
    });
    let server = Server::start(&data);
    server.kill();
    assert_sound(&data);
    let verified = run(&["audit", "verify"], &data);
    assert!(verified.status.success(), "{}{}", text(&verified.stdout), text(&verified.stderr));
    for file in fs::read_dir(&archive).unwrap() {
        let file = file.unwrap().path();
        let verified = run(&["audit", "verify", "--export", file.to_str().unwrap()], &data);
        assert!(verified.status.success(), "{}{}", text(&verified.stdout), text(&verified.stderr));
    }
}
