//! The live stream under load: 100 clients follow 1,000 events a second, one of them stops reading. Every other client
//! must get every event once and in order; the latency is from the sending of the event to its arrival.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "figures for people's eyes"
)]

mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use agentmap::app::{App, system_clock};
use agentmap::config::Config;
use agentmap::http::server;
use agentmap::store::Location;
use futures_util::StreamExt;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_tungstenite::tungstenite::Message;

const CLIENTS: usize = 100;
const PER_SECOND: u64 = 1000;
const SECONDS: u64 = 15;
const SENDERS: u64 = 8;

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("stream.redb");
    let runtime = Runtime::new().expect("a runtime");
    let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0))).expect("a port");
    let address = listener.local_addr().expect("an address");
    runtime.spawn(async move {
        let app = App::open(Config::defaults(), Location::File(path), system_clock()).expect("opened");
        server::serve(app, listener, std::future::pending()).await.expect("served");
    });
    let clients = Runtime::new().expect("a runtime");
    let mut latencies = clients.block_on(run(address));
    latencies.sort_unstable();
    let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize];
    println!(
        "{CLIENTS} clients, {PER_SECOND} events/s, {SECONDS} s, one client not reading: {} frames, each once and in \
         order; p50 {:?}, p95 {:?}, p99 {:?}, max {:?}",
        latencies.len(),
        at(0.5),
        at(0.95),
        at(0.99),
        at(1.0)
    );
    runtime.shutdown_timeout(Duration::from_secs(1));
}

async fn run(address: SocketAddr) -> Vec<Duration> {
    let started = Arc::new(tokio::sync::Barrier::new(CLIENTS + 1));
    let origin = Instant::now();
    let followers: Vec<_> =
        (0..CLIENTS).map(|_| tokio::spawn(follow(address, origin, Arc::clone(&started)))).collect();
    let (deaf, _) = tokio_tungstenite::connect_async(format!("ws://{address}/ws")).await.expect("connected");
    started.wait().await;
    let senders: Vec<_> = (0..SENDERS).map(|_| tokio::spawn(send(address, origin))).collect();
    for sender in senders {
        sender.await.expect("a sender panicked");
    }
    let mut latencies = Vec::new();
    for follower in followers {
        latencies.extend(follower.await.expect("a client panicked"));
    }
    drop(deaf);
    latencies
}

/// Sends its share of the events, at an even pace.
async fn send(address: SocketAddr, origin: Instant) {
    let mut client = support::Connection::open(address).await;
    let mut tick = tokio::time::interval(Duration::from_micros(SENDERS * 1_000_000 / PER_SECOND));
    for n in 0..PER_SECOND * SECONDS / SENDERS {
        tick.tick().await;
        let body = format!(
            "{{\"agent_id\":\"agent-{}\",\"operation_detail\":\"Edit\",\"context\":{{\"sent\":{}}}}}",
            n % 207,
            origin.elapsed().as_micros()
        );
        client.post(&body).await;
    }
}

async fn follow(address: SocketAddr, origin: Instant, started: Arc<tokio::sync::Barrier>) -> Vec<Duration> {
    let (mut socket, _) =
        tokio_tungstenite::connect_async(format!("ws://{address}/ws")).await.expect("connected");
    for _ in 0..2 {
        socket.next().await.expect("a greeting").expect("a frame");
    }
    started.wait().await;
    let mut latencies = Vec::new();
    let mut last = None;
    while (latencies.len() as u64) < PER_SECOND * SECONDS {
        let Message::Text(text) = socket.next().await.expect("more").expect("a frame") else { continue };
        let now = origin.elapsed();
        let frame: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let events = match frame["type"].as_str() {
            Some("batch") => frame["events"].as_array().cloned().unwrap_or_default(),
            Some("ping") => continue,
            _ => vec![frame],
        };
        for event in events {
            let seq = event["seq"].as_u64().expect("a number");
            assert!(last.is_none_or(|last| seq == last + 1), "{seq} after {last:?}");
            last = Some(seq);
            let sent = Duration::from_micros(event["data"]["context"]["sent"].as_u64().expect("sent"));
            latencies.push(now.saturating_sub(sent));
        }
    }
    latencies
}
