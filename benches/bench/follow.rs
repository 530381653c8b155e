//! Clients of the live stream, in one process: they follow, while events are sent at an even pace. The latency is from the
//! moment at which an event was due to be sent to its arrival at each client.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::load::Measured;
use crate::wire::{self, Connection};

/// Who follows, and what is sent.
#[derive(Serialize, Deserialize)]
pub struct Follow {
    pub address: SocketAddr,
    pub clients: usize,
    /// Events, and how many a second.
    pub events: u64,
    pub per_second: f64,
    /// The bodies of events are made at least so long.
    pub padded: usize,
    /// How long the clients stay where there are no events.
    pub stay: Duration,
}

/// What came of it.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct Followed {
    pub latency: Measured,
    /// How many events clients missed, all together.
    pub missing: u64,
    /// How many bytes an event came as.
    pub bytes: usize,
}

/// Senders of events.
const SENDERS: u64 = 4;
/// How long is waited for events that do not come.
const PATIENCE: Duration = Duration::from_secs(10);
/// What a client looks for in a frame.
const SENT: &[u8] = b"\"sent\":";
const UPGRADE: &[u8] =
    b"GET /ws HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
    sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// Follows, and sends.
pub fn run(follow: &Follow) -> Followed {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let length = Duration::from_secs_f64(follow.events as f64 / follow.per_second);
    let found = tokio::task::LocalSet::new().block_on(&runtime, async {
        let mut clients = Vec::new();
        for _ in 0..follow.clients {
            clients.push(Client::connect(follow.address).await);
        }
        let found = Rc::new(RefCell::new(Found { latencies: histogram(), bytes: 0 }));
        if follow.events == 0 {
            tokio::time::sleep(follow.stay).await;
            return found;
        }
        let origin = Instant::now();
        let until = tokio::time::Instant::now() + length + PATIENCE;
        let running: Vec<_> = clients
            .into_iter()
            .map(|client| {
                tokio::task::spawn_local(client.follow(follow.events, origin, until, Rc::clone(&found)))
            })
            .collect();
        let senders: Vec<_> = (0..SENDERS).map(|first| sender(follow, origin, first)).collect();
        for client in running {
            client.await.expect("a client failed");
        }
        for sender in senders {
            sender.join().expect("a sender failed");
        }
        found
    });
    let Found { latencies, bytes } = &*found.borrow();
    Followed {
        latency: Measured::of(latencies, length.max(follow.stay).as_secs_f64()),
        missing: follow.events * follow.clients as u64 - latencies.len(),
        bytes: bytes.checked_div(latencies.len()).unwrap_or_default() as usize,
    }
}

/// What all clients found.
struct Found {
    latencies: Histogram<u64>,
    bytes: u64,
}

fn histogram() -> Histogram<u64> {
    Histogram::new(3).expect("three digits")
}

/// Sends its share of the events, each when it is due.
fn sender(follow: &Follow, origin: Instant, first: u64) -> JoinHandle<()> {
    let Follow { address, events, per_second, padded, .. } = *follow;
    std::thread::spawn(move || {
        let mut connection = Connection::open(address).expect("connected");
        for n in (first..events).step_by(SENDERS as usize) {
            let due = Duration::from_secs_f64(n as f64 / per_second);
            std::thread::sleep(due.saturating_sub(origin.elapsed()));
            let body = format!(
                "{{\"agent_id\":\"runbook-freshener\",\"agent_role\":\"developer\",\"operation_type\":\"tool_use\",\
                 \"operation_detail\":\"Edit\",\"target_resource\":\"docs/runbooks/{n}.md\",\
                 \"rbac_decision\":\"allowed\",\"context\":{{\"sent\":{}}}}}",
                due.as_micros()
            );
            let body = format!("{body:padded$}");
            connection
                .ask(&wire::post("/api/v1/events/ingest", "application/json", &body))
                .expect("answered");
        }
    })
}

/// A client, and what it has read and not yet taken.
struct Client {
    socket: TcpStream,
    unread: Vec<u8>,
}

impl Client {
    async fn connect(address: SocketAddr) -> Self {
        let mut socket = TcpStream::connect(address).await.expect("connected");
        socket.write_all(UPGRADE).await.expect("sent");
        let mut unread = Vec::with_capacity(4096);
        let end = loop {
            let read = socket.read_buf(&mut unread).await.expect("received");
            assert!(read > 0, "the stream does not begin: {}", String::from_utf8_lossy(&unread));
            if let Some(end) = memchr::memmem::find(&unread, b"\r\n\r\n") {
                break end + 4;
            }
        };
        assert!(unread.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&unread));
        unread.drain(..end);
        Self { socket, unread }
    }

    /// Reads until all events are there, or it is too late.
    async fn follow(
        mut self,
        events: u64,
        origin: Instant,
        until: tokio::time::Instant,
        found: Rc<RefCell<Found>>,
    ) {
        let mut received = 0;
        while received < events {
            let (now, mut at) = (origin.elapsed(), 0);
            while let Some((text, end)) = frame(&self.unread[at..]) {
                received += found.borrow_mut().take(&self.unread[at..at + end][text..], now);
                at += end;
            }
            self.unread.drain(..at);
            if received < events {
                match tokio::time::timeout_at(until, self.socket.read_buf(&mut self.unread)).await {
                    Ok(Ok(1..)) => {}
                    // Closed, or too late: what is missing is told.
                    _ => return,
                }
            }
        }
    }
}

impl Found {
    /// Takes the events of a frame: one, or several that were joined.
    fn take(&mut self, frame: &[u8], now: Duration) -> u64 {
        let mut events = 0;
        for at in memchr::memmem::find_iter(frame, SENT) {
            let digits = frame[at + SENT.len()..].iter().take_while(|byte| byte.is_ascii_digit());
            let sent = digits.fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
            let latency = now.saturating_sub(Duration::from_micros(sent));
            self.latencies.record(latency.as_nanos() as u64).expect("in range");
            events += 1;
        }
        if events > 0 {
            self.bytes += frame.len() as u64;
        }
        events
    }
}

/// Where the text of the frame at the start of `bytes` begins and ends, once all of it is there. Servers do not mask.
fn frame(bytes: &[u8]) -> Option<(usize, usize)> {
    let (text, length) = match bytes.get(1)? {
        126 => (4, usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))),
        127 => (10, usize::try_from(u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)).ok()?),
        short => (2, usize::from(*short)),
    };
    (bytes.len() >= text + length).then_some((text, text + length))
}
