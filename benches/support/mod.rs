//! What the benchmarks share: a load of POST requests over kept connections.
#![allow(dead_code, reason = "each benchmark uses a part of it")]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "small numbers, shown to people"
)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The body of the n-th event: 207 agents, 50 sessions, four tools, a quarter denied.
pub fn event(n: u64) -> String {
    let (tool, decision) =
        [("Edit", "allowed"), ("Read", "allowed"), ("Bash", "allowed"), ("Grep", "denied")][(n % 4) as usize];
    format!(
        "{{\"agent_id\":\"agent-{0}\",\"agent_name\":\"agent-{0}\",\"agent_role\":\"developer\",\
         \"operation_type\":\"tool_use\",\"operation_detail\":\"{tool}\",\"target_resource\":\"src/main.rs\",\
         \"target_type\":\"file\",\"rbac_decision\":\"{decision}\",\"session_id\":\"s-{1}\",\"cost_usd\":0.001,\
         \"tokens_used\":120}}",
        n % 207,
        n % 50
    )
}

/// What a load came to.
pub struct Load {
    /// Answers with 201 a second.
    pub per_second: f64,
    /// The median latency.
    pub p50: Duration,
    /// The latency that 99 of 100 stay below.
    pub p99: Duration,
}

/// Posts events over `connections` connections for `length`.
pub async fn post(address: SocketAddr, connections: usize, length: Duration) -> Load {
    post_to(address, connections, length, "/api/v1/events/ingest", event).await
}

/// Posts what `body` makes of a count to a path over `connections` connections for `length`.
pub async fn post_to(
    address: SocketAddr,
    connections: usize,
    length: Duration,
    path: &'static str,
    body: fn(u64) -> String,
) -> Load {
    let counter = Arc::new(AtomicU64::new(0));
    let started = Instant::now();
    let clients = (0..connections)
        .map(|_| tokio::spawn(client(address, Arc::clone(&counter), started + length, path, body)));
    let clients: Vec<_> = clients.collect();
    let mut latencies = Vec::new();
    for client in clients {
        latencies.extend(client.await.expect("a client panicked"));
    }
    latencies.sort_unstable();
    let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize];
    Load { per_second: latencies.len() as f64 / started.elapsed().as_secs_f64(), p50: at(0.5), p99: at(0.99) }
}

async fn client(
    address: SocketAddr,
    counter: Arc<AtomicU64>,
    until: Instant,
    path: &'static str,
    body: fn(u64) -> String,
) -> Vec<Duration> {
    let mut connection = Connection::open(address).await;
    let mut latencies = Vec::new();
    while Instant::now() < until {
        let body = body(counter.fetch_add(1, Ordering::Relaxed));
        latencies.push(connection.post_to(path, &body).await);
    }
    latencies
}

/// A kept connection.
pub struct Connection {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("the server answers");
        stream.set_nodelay(true).expect("nodelay");
        Self { stream, answer: vec![0; 64 * 1024] }
    }

    /// Posts an event and waits for its 201; tells how long that took.
    pub async fn post(&mut self, body: &str) -> Duration {
        self.post_to("/api/v1/events/ingest", body).await
    }

    /// Posts JSON to a path and waits for its 200 or 201; tells how long that took.
    pub async fn post_to(&mut self, path: &str, body: &str) -> Duration {
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let sent = Instant::now();
        self.stream.write_all(request.as_bytes()).await.expect("written");
        let mut read = 0;
        while !complete(&self.answer[..read]) {
            let more = self.stream.read(&mut self.answer[read..]).await.expect("read");
            assert!(more > 0, "the server closed the connection");
            read += more;
        }
        let answer = String::from_utf8_lossy(&self.answer[..read]);
        assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
        sent.elapsed()
    }
}

/// Whether an answer is there to its end.
fn complete(answer: &[u8]) -> bool {
    let Some(head) = answer.windows(4).position(|w| w == b"\r\n\r\n") else { return false };
    let text = String::from_utf8_lossy(&answer[..head]).to_ascii_lowercase();
    let length = text.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
    length.and_then(|l| l.parse::<usize>().ok()).is_some_and(|l| answer.len() >= head + 4 + l)
}
