//! The load generator, a process of its own: requests made beforehand, sent over kept connections.
//!
//! A closed load sends the next request once the last one is answered: it finds what a server can do, and its latencies
//! are those of as many clients as there are connections. A paced load sends at an even pace whatever the answers do,
//! and counts each latency from the moment at which the request was due: who waited behind a slow one is counted too.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::dataset::{Agent, Dataset};
use crate::wire;

/// What is asked for.
#[derive(Clone, Serialize, Deserialize)]
pub enum Work {
    Events,
    EventBatches,
    Metrics,
    Decisions,
    Paths(Vec<String>),
}

/// How often.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub enum Pace {
    /// As soon as the last one is answered.
    Closed,
    /// So many a second over all connections.
    PerSecond(f64),
}

/// A load.
#[derive(Clone, Serialize, Deserialize)]
pub struct Load {
    pub address: SocketAddr,
    pub agents: Vec<Agent>,
    pub work: Work,
    pub pace: Pace,
    pub connections: usize,
    /// How long nothing is counted, at first, and then how long is.
    pub warm: Duration,
    pub length: Duration,
}

/// What it came to; latencies in microseconds.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Measured {
    pub answers: u64,
    pub per_second: f64,
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub max: f64,
}

impl Measured {
    pub fn of(latencies: &Histogram<u64>, seconds: f64) -> Self {
        let at = |quantile| latencies.value_at_quantile(quantile) as f64 / 1000.0;
        Self {
            answers: latencies.len(),
            per_second: latencies.len() as f64 / seconds,
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            max: latencies.max() as f64 / 1000.0,
        }
    }
}

/// How many events a batch has.
pub const BATCH: usize = 1000;
/// How many different requests there are; after the last comes the first.
const DIFFERENT: usize = 4096;

impl Work {
    /// The requests, made once.
    pub fn requests(&self, agents: &[Agent]) -> Vec<Vec<u8>> {
        let mut steps = Dataset::new(DIFFERENT as u64, agents.len().max(1), 2);
        let json = "application/json";
        match self {
            Self::Paths(paths) => paths.iter().map(|path| wire::get(path)).collect(),
            Self::EventBatches => {
                let batch = |_| {
                    let mut lines = String::new();
                    for _ in 0..BATCH {
                        steps.step_now().event(agents, &mut lines);
                        lines.push('\n');
                    }
                    wire::post("/api/v1/events/ingest/batch", "application/x-ndjson", &lines)
                };
                (0..16).map(batch).collect()
            }
            Self::Events | Self::Metrics | Self::Decisions => {
                let one = |_| {
                    let (mut step, mut body) = (steps.step_now(), String::new());
                    let path = match self {
                        Self::Events => {
                            step.event(agents, &mut body);
                            "/api/v1/events/ingest"
                        }
                        Self::Metrics => {
                            step.metric(agents, &mut body);
                            "/api/v1/metrics/"
                        }
                        _ => {
                            step.question(agents, &mut body);
                            "/api/v1/policy/decide"
                        }
                    };
                    wire::post(path, json, &body)
                };
                (0..DIFFERENT).map(one).collect()
            }
        }
    }
}

/// Does what a load says.
pub fn run(load: &Load) -> Measured {
    let requests = load.work.requests(&load.agents);
    let latencies = match load.pace {
        Pace::Closed => closed(load, requests),
        Pace::PerSecond(rate) => paced(load, &requests, rate),
    };
    Measured::of(&latencies, load.length.as_secs_f64())
}

fn histogram() -> Histogram<u64> {
    Histogram::new(3).expect("three digits")
}

fn closed(load: &Load, requests: Vec<Vec<u8>>) -> Histogram<u64> {
    let from = Instant::now() + load.warm;
    let shared = Rc::new(Closed {
        address: load.address,
        requests,
        next: Cell::new(0),
        from,
        until: from + load.length,
        latencies: RefCell::new(histogram()),
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime");
    let clients = tokio::task::LocalSet::new();
    let running: Vec<_> =
        (0..load.connections).map(|_| clients.spawn_local(Rc::clone(&shared).client())).collect();
    runtime.block_on(clients.run_until(async {
        for client in running {
            client.await.expect("a client failed");
        }
    }));
    shared.latencies.borrow().clone()
}

struct Closed {
    address: SocketAddr,
    requests: Vec<Vec<u8>>,
    next: Cell<usize>,
    from: Instant,
    until: Instant,
    latencies: RefCell<Histogram<u64>>,
}

impl Closed {
    async fn client(self: Rc<Self>) {
        let mut stream = tokio::net::TcpStream::connect(self.address).await.expect("connected");
        stream.set_nodelay(true).expect("nodelay");
        let mut buffer = vec![0; 256 * 1024];
        loop {
            let n = self.next.get();
            self.next.set((n + 1) % self.requests.len());
            let sent = Instant::now();
            stream.write_all(&self.requests[n]).await.expect("sent");
            let mut filled = 0;
            while filled == 0 || wire::answer(&buffer[..filled]).is_none() {
                let read = stream.read(&mut buffer[filled..]).await.expect("received");
                assert!(read > 0, "the server closed the connection, or its answer is too long");
                filled += read;
            }
            let now = Instant::now();
            if now >= self.until {
                return;
            }
            if now >= self.from {
                let nanos = now.duration_since(sent).as_nanos() as u64;
                self.latencies.borrow_mut().record(nanos).expect("in range");
            }
        }
    }
}

/// How many requests a paced load makes at least.
const FEWEST: f64 = 8.0;

/// A thread a connection: a sleeping thread wakes closer to its moment than a runtime's timer does.
fn paced(load: &Load, requests: &[Vec<u8>], rate: f64) -> Histogram<u64> {
    // What takes long is asked rarely: some requests there must be.
    let length = load.length.max(Duration::from_secs_f64(FEWEST / rate));
    let started = Instant::now() + Duration::from_millis(20);
    let (from, until) = (started + load.warm, started + load.warm + length);
    let client = |first: usize| {
        let mut connection = wire::Connection::open(load.address).expect("connected");
        let mut latencies = histogram();
        for n in (first..).step_by(load.connections) {
            let due = started + Duration::from_secs_f64(n as f64 / rate);
            if due >= until {
                break;
            }
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            connection.ask(&requests[n % requests.len()]).expect("answered");
            if due >= from {
                latencies.record(due.elapsed().as_nanos() as u64).expect("in range");
            }
        }
        latencies
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..load.connections).map(|first| scope.spawn(move || client(first))).collect();
        let mut all = histogram();
        for thread in threads {
            all.add(thread.join().expect("a client failed")).expect("in range");
        }
        all
    })
}
