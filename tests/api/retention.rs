//! What is no longer kept: it goes in time, in short steps, archived first where that is wanted, and the rest stays true.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use agentmap::app::Failure;
use agentmap::config::Config;
use agentmap::domain::check::check;
use agentmap::domain::command::{Action, Outcome};
use agentmap::domain::pruning::{Prune, Pruned};
use agentmap::domain::time::Timestamp;
use agentmap::retention::archive;
use agentmap::retention::{Removed, retain};
use agentmap::store::Location;
use serde_json::{Value, json};

use crate::harness::{DAY, HOUR, MINUTE, Server};

/// Records so many metrics, a minute apart.
async fn record(server: &Server, agent: &str, count: u32) {
    for n in 0..count {
        server.metric(agent, &json!({"tokens_used": 10, "success": n % 2 == 0})).await;
        server.advance(MINUTE);
    }
}

fn assert_sound(server: &Server) {
    assert_eq!(server.app.read(check).unwrap().problems, Vec::<String>::new());
}

async fn total(server: &Server, path: &str) -> String {
    server.get(path).await.expect(200).header("x-total-count").unwrap().to_owned()
}

async fn exported(server: &Server) -> Vec<Value> {
    let lines = server.get("/api/v1/metrics/export?format=ndjson").await.expect(200).text();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn metrics_go_after_their_time_and_their_sums_stay() {
    let server = Server::start().await;
    let agent = server.create("coder").await;
    record(&server, &agent, 3).await;
    retain(&server.app).await.unwrap();
    server.advance(2 * HOUR);
    record(&server, &agent, 2).await;
    retain(&server.app).await.unwrap();
    server.advance(8 * DAY);
    let last = server.last_seq();
    assert_eq!(retain(&server.app).await.unwrap(), Removed { events: last, ..Removed::default() });
    assert_eq!(total(&server, "/api/v1/metrics/").await, "5");

    server.advance(22 * DAY - HOUR);
    let summary = format!("/api/v1/metrics/agent/{agent}/summary");
    let before = server.json(&summary).await;
    assert_eq!(retain(&server.app).await.unwrap().metrics, 3);
    assert_eq!(total(&server, "/api/v1/metrics/").await, "2");
    assert_eq!(
        total(&server, &format!("/api/v1/metrics/?agent_id={agent}&metric_type=execution")).await,
        "2"
    );
    let seqs: Vec<_> = exported(&server).await.iter().map(|m| m["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, [4, 3]);
    assert_eq!(server.json(&summary).await, before);
    assert_eq!(before["total_metrics"], 5);
    let aggregate = server.json("/api/v1/metrics/aggregate?days=90").await;
    assert_eq!((&aggregate["count"], &aggregate["total_tokens_used"]), (&json!(5), &json!(50)));
    assert_sound(&server);

    // Who asks for the stream from its start is told what is no longer there.
    let page = server.json("/api/v1/events/stream?since=0").await;
    assert_eq!((&page["first_kept"], &page["events"]), (&json!(last + 1), &json!([])));
    record(&server, &agent, 1).await;
    assert_eq!(server.json("/api/v1/metrics/").await[0]["seq"], 5);
    assert_sound(&server);
}

#[tokio::test]
async fn what_is_kept_for_ever_stays() {
    let config =
        Config { retain_metrics: None, retain_activity: None, retain_audit: None, ..Config::defaults() };
    let server = Server::start_with(config, Location::Memory).await;
    let agent = server.create("coder").await;
    record(&server, &agent, 3).await;
    retain(&server.app).await.unwrap();
    server.advance(400_000 * DAY);
    assert_eq!(retain(&server.app).await.unwrap(), Removed::default());
    assert_eq!(total(&server, "/api/v1/metrics/").await, "3");
}

#[tokio::test]
async fn records_of_a_file_without_marks_count_as_recorded_when_the_first_is_made() {
    let server = Server::start().await;
    let agent = server.create("coder").await;
    record(&server, &agent, 3).await;
    server.advance(100 * DAY);
    assert_eq!(retain(&server.app).await.unwrap(), Removed::default());
    server.advance(30 * DAY);
    assert_eq!(retain(&server.app).await.unwrap().metrics, 3);
}

#[tokio::test]
async fn a_clock_that_was_behind_removes_nothing_early() {
    let server = Server::start().await;
    let agent = server.create("coder").await;
    retain(&server.app).await.unwrap();
    record(&server, &agent, 3).await;
    server.advance(-200 * DAY);
    record(&server, &agent, 3).await;
    retain(&server.app).await.unwrap();
    server.advance(200 * DAY + 2 * HOUR);
    retain(&server.app).await.unwrap();
    server.advance(29 * DAY);
    assert_eq!(retain(&server.app).await.unwrap().metrics, 0);
    server.advance(DAY);
    assert_eq!(retain(&server.app).await.unwrap().metrics, 6);
    assert_sound(&server);
}

#[tokio::test]
async fn a_step_is_short_and_others_write_between_steps() {
    let server = Server::start().await;
    let agent = server.create("coder").await;
    let batch: Vec<_> =
        (0..1500).map(|n| json!({"agent_id": agent, "metric_type": "cost", "tokens_used": n})).collect();
    server.post("/api/v1/metrics/batch", &batch.into()).await.expect(201);
    retain(&server.app).await.unwrap();
    let start = server.now();
    server.advance(40 * DAY);
    let step = Prune::Metrics { before: start, below: u64::MAX };
    let mut removed = Vec::new();
    loop {
        let Outcome::Pruned(step) = server.app.submit(Action::Prune(step.clone())).await.unwrap() else {
            panic!()
        };
        assert_sound(&server);
        removed.push(step.removed);
        server.metric(&agent, &json!({"tokens_used": 1})).await;
        if !step.more {
            break;
        }
    }
    // The events of the metrics go first.
    assert!(removed.iter().all(|count| *count <= 100) && removed.len() > 15, "{removed:?}");
    assert_eq!(removed.iter().sum::<u64>(), 1500);
    assert_eq!(total(&server, "/api/v1/metrics/").await, removed.len().to_string());
    let none = server.app.submit(Action::Prune(step)).await.unwrap();
    assert_eq!(none, Outcome::Pruned(Pruned::default()));
}

async fn ingest(server: &Server, count: usize) {
    let event = |n: usize| {
        json!({"agent_name": "coder", "operation_type": if n.is_multiple_of(3) { "api_call" } else { "tool_use" },
               "rbac_decision": if n.is_multiple_of(5) { "denied" } else { "allowed" }})
    };
    let batch: Vec<_> = (0..count).map(event).collect();
    server.post("/api/v1/events/ingest/batch", &batch.into()).await.expect(201);
}

#[tokio::test]
async fn audit_records_go_in_whole_tiles_and_every_count_is_of_what_is_kept() {
    let server = Server::start().await;
    server.create("coder").await;
    ingest(&server, 599).await;
    retain(&server.app).await.unwrap();
    server.advance(90 * DAY - HOUR);
    assert_eq!(retain(&server.app).await.unwrap().audit, 0);
    ingest(&server, 30).await;
    server.advance(HOUR);
    assert_eq!(retain(&server.app).await.unwrap().audit, 512);
    assert_sound(&server);

    // Two of them tell what was removed.
    assert_eq!(total(&server, "/api/v1/events/audit").await, "120");
    let lines = server.get("/api/v1/events/audit/export?format=ndjson").await.expect(200).text();
    let kept: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(kept.len(), 120);
    let denied = kept.iter().filter(|record| record["rbac"]["decision"] == "denied").count();
    assert_eq!(total(&server, "/api/v1/events/audit?rbac_decision=denied").await, denied.to_string());
    let stats = server.json("/api/v1/events/audit/stats").await;
    assert_eq!((&stats["first_seq"], &stats["total_operations"]), (&json!(512), &json!(120)));
    assert_eq!(stats["rbac_decisions"]["denied"], denied);
    let before = server.get("/api/v1/events/audit/511").await.expect(410).json();
    assert!(before["detail"].as_str().unwrap().contains("512"), "{before}");
    assert_eq!(server.json("/api/v1/events/audit/512").await["seq"], 512);

    // What is left goes on.
    ingest(&server, 300).await;
    assert_eq!(server.json("/api/v1/events/audit?limit=1").await[0]["seq"], 931);
    server.get("/api/v1/events/audit/600/proof").await.expect(200);
    assert_sound(&server);
}

/// The archives of a folder by name, with their lines.
fn archives(folder: &Path) -> BTreeMap<String, Vec<Value>> {
    let read = |entry: fs::DirEntry| {
        let mut text = String::new();
        flate2::read::GzDecoder::new(fs::File::open(entry.path()).unwrap())
            .read_to_string(&mut text)
            .unwrap();
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        (entry.file_name().into_string().unwrap(), lines)
    };
    fs::read_dir(folder).unwrap().map(|entry| read(entry.unwrap())).collect()
}

/// A server with an archive, and three metrics that are no longer kept.
async fn archiving(folder: &Path) -> Server {
    let config = Config { archive: Some(folder.to_owned()), ..Config::defaults() };
    let server = Server::start_with(config, Location::Memory).await;
    let agent = server.create("coder").await;
    record(&server, &agent, 3).await;
    retain(&server.app).await.unwrap();
    server.advance(31 * DAY);
    server
}

#[tokio::test]
async fn what_is_removed_is_archived_as_it_is_exported() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("to/be/made");
    let server = archiving(&folder).await;
    let mut wanted = exported(&server).await;
    wanted.reverse();
    assert_eq!(retain(&server.app).await.unwrap().metrics, 3);
    let written = archives(&folder);
    let (name, lines) = written.first_key_value().unwrap();
    assert!(name.starts_with("metrics-000000000000-000000000002-"), "{name}");
    assert_eq!((written.len(), lines), (1, &wanted));
    assert_eq!(retain(&server.app).await.unwrap(), Removed::default());
    assert_eq!(archives(&folder), written);
}

#[tokio::test]
async fn what_cannot_be_archived_is_not_removed() {
    let folder = tempfile::tempdir().unwrap();
    let taken = folder.path().join("taken");
    fs::write(&taken, "").unwrap();
    let server = archiving(&taken).await;
    let refused = retain(&server.app).await.unwrap_err();
    assert!(matches!(&refused, Failure::Unavailable { cause, .. } if cause.contains("taken")), "{refused}");
    assert_eq!(total(&server, "/api/v1/metrics/").await, "3");
    fs::remove_file(&taken).unwrap();
    assert_eq!(retain(&server.app).await.unwrap().metrics, 3);
    assert_eq!(archives(&taken).len(), 1);
}

#[tokio::test]
async fn an_archive_is_gone_on_with_and_that_of_other_data_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let other = archiving(folder.path()).await;
    retain(&other.app).await.unwrap();
    let server = archiving(folder.path()).await;
    // Ended after the archive was written, before anything was removed.
    let app = Arc::clone(&server.app);
    let held = || archive::metrics(&app.snapshot().unwrap(), folder.path(), 0..2).unwrap();
    assert_eq!((held(), held()), (2, 2));
    assert_eq!(archives(folder.path()).len(), 2);
    // Ended while it was being removed.
    let first = Prune::Metrics { before: Timestamp::MAX, below: 1 };
    server.app.submit(Action::Prune(first)).await.unwrap();
    fs::write(folder.path().join("metrics-000000000000-0000000000000000.partial"), "half").unwrap();
    assert_eq!(retain(&server.app).await.unwrap().metrics, 2);
    fs::remove_file(folder.path().join("metrics-000000000000-0000000000000000.partial")).unwrap();
    let written = archives(folder.path());
    let lines = |from: &str| -> Vec<usize> {
        written.iter().filter(|(name, _)| name.starts_with(from)).map(|(_, lines)| lines.len()).collect()
    };
    assert_eq!(lines("metrics-000000000000-000000000001-"), [2]);
    assert_eq!(lines("metrics-000000000000-000000000002-"), [3]);
    assert_eq!(lines("metrics-000000000002-000000000002-"), [1]);
}

#[tokio::test]
async fn forgetting_events_of_the_stream_ends_no_answer_that_is_kept() {
    // After many records had been read in at once, each step of forgetting their events made lists be worked out anew.
    let server = Server::start().await;
    server.app.submit(Action::Probe).await.unwrap();
    let before = server.app.commits();
    for forgotten in [Prune::EventsBut(0), Prune::Events(server.now())] {
        server.app.submit(Action::Prune(forgotten)).await.unwrap();
        assert_eq!(server.app.commits(), before);
    }
    server.app.submit(Action::NoteNumbers).await.unwrap();
    assert!(server.app.commits() > before);
}
