//! Those who work: they read and record at an even pace, and everything must succeed.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use reqwest::{Client, RequestBuilder};
use serde_json::json;
use tokio::time::{MissedTickBehavior, interval};

/// How many work.
const WORKERS: usize = 8;
/// How often each sends a request.
const PACE: Duration = Duration::from_millis(40);
/// Each how many requests one records something.
const RECORDS: usize = 10;

/// How long requests took, from when they were due.
pub struct Latencies {
    pub count: usize,
    pub p50: Duration,
    pub p99: Duration,
    pub max: Duration,
}

/// Works for a while, on a thread of its own: attackers must not keep those who work from hearing an answer.
pub async fn work(address: SocketAddr, length: Duration) -> Latencies {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::spawn_blocking(move || runtime.block_on(all(address, length))).await.unwrap()
}

async fn all(address: SocketAddr, length: Duration) -> Latencies {
    let workers: Vec<_> = (0..WORKERS).map(|n| tokio::spawn(worker(address, n, length))).collect();
    let mut all = Vec::new();
    for worker in workers {
        all.extend(worker.await.unwrap());
    }
    all.sort_unstable();
    let at = |share: usize| all[(all.len() - 1) * share / 100];
    Latencies { count: all.len(), p50: at(50), p99: at(99), max: at(100) }
}

async fn worker(address: SocketAddr, number: usize, length: Duration) -> Vec<Duration> {
    let client = Client::builder().timeout(Duration::from_secs(30)).build().unwrap();
    let url = |path: &str| format!("http://{address}{path}");
    let request = |n: usize| -> RequestBuilder {
        if n % RECORDS == number % RECORDS {
            let event = json!({"agent_name": "runbook-freshener", "operation_detail": "Read"});
            return client.post(url("/api/v1/events/ingest")).json(&event);
        }
        client.get(url(match n % 4 {
            0 => "/health",
            1 => "/api/v1/agents/?limit=20",
            2 => "/api/v1/agents/name/runbook-freshener",
            _ => "/api/v1/events/audit?limit=20",
        }))
    };
    // The connection is there before time is taken.
    client.get(url("/health")).send().await.unwrap();
    let mut ticks = interval(PACE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (began, mut latencies) = (Instant::now(), Vec::new());
    for n in 0.. {
        // A request that is late because the one before it was has waited, too.
        let due = ticks.tick().await.into_std();
        if began.elapsed() >= length {
            break;
        }
        let answer = request(n).send().await.unwrap();
        let status = answer.status();
        let body = answer.bytes().await.unwrap();
        latencies.push(due.elapsed());
        assert!(status.is_success(), "{status}: {}", String::from_utf8_lossy(&body));
    }
    latencies
}
