//! Durable single-event POSTs a second, against the least that could do the same: a warp route before a group commit of
//! one record and four index entries, without checks, rollups, hashes or a stream. The ratio is what counts: machines
//! differ.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "figures for people's eyes"
)]

mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use agentmap::app::{App, system_clock};
use agentmap::config::Config;
use agentmap::http::server;
use agentmap::store::Location;
use redb::{Database, TableDefinition};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot};
use warp::Filter;

const ROUNDS: usize = 3;
const LENGTH: Duration = Duration::from_secs(4);

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    for connections in [64, 1] {
        let mut ratios = Vec::new();
        for round in 0..ROUNDS {
            let least = measure(connections, |listener| {
                let path = folder.path().join(format!("least-{connections}-{round}.redb"));
                Box::new(least(path, listener))
            });
            let agentmap = measure(connections, |listener| {
                let path = folder.path().join(format!("agentmap-{connections}-{round}.redb"));
                Box::new(full(path, listener))
            });
            println!(
                "{connections:>3} connections: least {:>7.0}/s (p50 {:?}, p99 {:?})  agentmap {:>7.0}/s (p50 {:?}, p99 {:?})  ratio {:.2}",
                least.per_second,
                least.p50,
                least.p99,
                agentmap.per_second,
                agentmap.p50,
                agentmap.p99,
                agentmap.per_second / least.per_second
            );
            ratios.push(agentmap.per_second / least.per_second);
        }
        ratios.sort_by(f64::total_cmp);
        println!("{connections:>3} connections: median ratio {:.2}", ratios[ROUNDS / 2]);
    }
}

type Server = Box<dyn Future<Output = ()> + Send>;

/// Runs a server on a runtime of its own and loads it.
fn measure(connections: usize, server: impl FnOnce(TcpListener) -> Server) -> support::Load {
    let runtime = Runtime::new().expect("a runtime");
    let clients = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0))).expect("a port");
    let address: SocketAddr = listener.local_addr().expect("an address");
    let entered = runtime.enter();
    let server = Box::into_pin(server(listener));
    drop(entered);
    runtime.spawn(server);
    let load = clients.block_on(support::post(address, connections, LENGTH));
    runtime.shutdown_timeout(Duration::from_secs(5));
    load
}

async fn full(path: std::path::PathBuf, listener: TcpListener) {
    let app = App::open(Config::defaults(), Location::File(path), system_clock()).expect("opened");
    server::serve(app, listener, std::future::pending()).await.expect("served");
}

type Job = (serde_json::Value, oneshot::Sender<u64>);

async fn least(path: std::path::PathBuf, listener: TcpListener) {
    let (jobs, queue) = mpsc::channel::<Job>(4096);
    std::thread::spawn(move || write(&Database::create(path).expect("created"), queue));
    let jobs = Arc::new(jobs);
    let route = warp::post()
        .and(warp::path!("api" / "v1" / "events" / "ingest"))
        .and(warp::body::json())
        .then(move |event: serde_json::Value| {
            let jobs = Arc::clone(&jobs);
            async move {
                let (answer, seq) = oneshot::channel();
                jobs.send((event, answer)).await.ok();
                let seq = seq.await.unwrap_or_default();
                warp::reply::with_status(warp::reply::json(&seq), warp::http::StatusCode::CREATED)
            }
        });
    let service = hyper_util::service::TowerToHyperService::new(warp::service(route));
    loop {
        let (stream, _) = listener.accept().await.expect("accepted");
        stream.set_nodelay(true).expect("nodelay");
        let service = service.clone();
        tokio::spawn(async move {
            let io = hyper_util::rt::TokioIo::new(stream);
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(io, service).await;
        });
    }
}

fn write(database: &Database, mut queue: mpsc::Receiver<Job>) {
    const EVENTS: TableDefinition<u64, &[u8]> = TableDefinition::new("events");
    const INDEXES: [(&str, TableDefinition<&[u8], ()>); 4] = [
        ("agent_id", TableDefinition::new("by_agent")),
        ("operation_type", TableDefinition::new("by_operation")),
        ("rbac_decision", TableDefinition::new("by_decision")),
        ("session_id", TableDefinition::new("by_session")),
    ];
    let mut seq = 0;
    let mut batch = Vec::new();
    while queue.blocking_recv_many(&mut batch, 1024) > 0 {
        let mut txn = database.begin_write().expect("begun");
        txn.set_quick_repair(true);
        let mut answers = Vec::new();
        {
            let mut events = txn.open_table(EVENTS).expect("opened");
            let mut indexes = INDEXES.map(|(name, table)| (name, txn.open_table(table).expect("opened")));
            for (event, answer) in batch.drain(..) {
                events.insert(seq, event.to_string().as_bytes()).expect("inserted");
                for (name, index) in &mut indexes {
                    let mut key = event[*name].as_str().unwrap_or_default().as_bytes().to_vec();
                    key.extend_from_slice(&seq.to_be_bytes());
                    index.insert(key.as_slice(), ()).expect("inserted");
                }
                answers.push((answer, seq));
                seq += 1;
            }
        }
        txn.commit().expect("committed");
        for (answer, seq) in answers {
            let _ = answer.send(seq);
        }
    }
}
