//! Those who attack. Each goes on until it is told to end; what the server does about it is counted.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// What a number of clients do at once.
#[derive(Clone, Copy)]
pub enum Attack {
    /// They begin a head, and send a little more of it now and then (Slowloris).
    SlowHeads(usize),
    /// They send 10 MB of headers.
    LargeHeads(usize),
    /// They send 1 GB of body: half of them say so before, half do not.
    LargeBodies(usize),
    /// They send JSON that is 100 deep, that holds a million objects, and batches of a million arrays.
    Json(usize),
    /// They follow the stream, and read what little comes.
    IdleStreams(usize),
}

/// How much a slow client sends, and how often.
const SLOW: Duration = Duration::from_secs(3);
/// How long a client rests between two attempts: attackers and server share a machine.
const REST: Duration = Duration::from_millis(50);
/// How many connect at once: more than the system keeps for a server to accept would have to try again.
const CONNECTING: usize = 100;
const INGEST: &str =
    "POST /api/v1/events/ingest HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";

/// What became of the attempts: how often each status, or a closed connection.
type Outcomes = Arc<Mutex<BTreeMap<String, usize>>>;

/// Clients that attack until they are told to end.
pub struct Attackers {
    clients: JoinSet<()>,
    outcomes: Outcomes,
}

impl Attackers {
    /// Begins, and returns when the streams are followed and the slow heads are begun.
    pub async fn begin(address: SocketAddr, attacks: &[Attack]) -> Self {
        let outcomes = Outcomes::default();
        let mut clients = JoinSet::new();
        for attack in attacks {
            match *attack {
                Attack::SlowHeads(count) => {
                    for client in some_at_once(count, || TcpStream::connect(address)).await {
                        clients.spawn(slow_heads(address, client.unwrap(), Arc::clone(&outcomes)));
                    }
                }
                Attack::LargeHeads(count) => {
                    let head = format!("GET /health HTTP/1.1\r\nhost: localhost\r\n{}", header(1 << 16));
                    for _ in 0..count {
                        clients.spawn(large(
                            address,
                            head.clone(),
                            header(1 << 16),
                            160,
                            Arc::clone(&outcomes),
                        ));
                    }
                }
                Attack::LargeBodies(count) => {
                    let announced = format!("{INGEST}content-length: 1073741824\r\n\r\n");
                    let unannounced = format!("{INGEST}transfer-encoding: chunked\r\n\r\n");
                    let piece = "x".repeat(1 << 16);
                    let chunk = format!("10000\r\n{piece}\r\n");
                    for n in 0..count {
                        let (head, piece) =
                            if n % 2 == 0 { (&announced, &piece) } else { (&unannounced, &chunk) };
                        clients.spawn(large(
                            address,
                            head.clone(),
                            piece.clone(),
                            1 << 14,
                            Arc::clone(&outcomes),
                        ));
                    }
                }
                Attack::Json(count) => {
                    for n in 0..count {
                        clients.spawn(json(address, n, Arc::clone(&outcomes)));
                    }
                }
                Attack::IdleStreams(count) => {
                    for client in some_at_once(count, || begin_stream(address)).await {
                        clients.spawn(idle_stream(client, Arc::clone(&outcomes)));
                    }
                }
            }
        }
        Self { clients, outcomes }
    }

    /// Ends, and tells what became of what they tried.
    pub async fn end(mut self, name: &str) {
        self.clients.shutdown().await;
        let outcomes = self.outcomes.lock().unwrap();
        if !outcomes.is_empty() {
            println!("    {name}: {outcomes:?}");
        }
        assert!(!outcomes.contains_key("stream ended"), "{name}: who only follows is not sent away");
    }
}

/// What many clients come to, some of them at once.
async fn some_at_once<F: Future>(count: usize, client: impl Fn() -> F) -> Vec<F::Output> {
    let mut all = Vec::with_capacity(count);
    while all.len() < count {
        let some = (count - all.len()).min(CONNECTING);
        all.extend(futures_util::future::join_all((0..some).map(|_| client())).await);
    }
    all
}

fn count(outcomes: &Outcomes, outcome: &str) {
    *outcomes.lock().unwrap().entry(outcome.to_owned()).or_default() += 1;
}

/// The status that the server answers with before it closes.
async fn status(stream: &mut TcpStream) -> String {
    let mut heard = [0; 12];
    match timeout(Duration::from_secs(30), stream.read_exact(&mut heard)).await {
        Ok(Ok(_)) => String::from_utf8_lossy(&heard[9..]).into_owned(),
        Ok(Err(_)) => "closed".into(),
        Err(_) => "no answer".into(),
    }
}

async fn slow_heads(address: SocketAddr, mut stream: TcpStream, outcomes: Outcomes) {
    loop {
        let mut said = stream.write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\n").await;
        while said.is_ok() {
            tokio::select! {
                status = status(&mut stream) => {
                    count(&outcomes, &status);
                    break;
                }
                () = sleep(SLOW) => said = stream.write_all(b"x-slow: 1\r\n").await,
            }
        }
        sleep(REST).await;
        match TcpStream::connect(address).await {
            Ok(next) => stream = next,
            Err(_) => return,
        }
    }
}

async fn large(address: SocketAddr, head: String, piece: String, pieces: usize, outcomes: Outcomes) {
    loop {
        let Ok(mut stream) = TcpStream::connect(address).await else { return };
        let (mut reading, mut writing) = stream.split();
        let sending = async {
            if writing.write_all(head.as_bytes()).await.is_ok() {
                for _ in 0..pieces {
                    if writing.write_all(piece.as_bytes()).await.is_err() {
                        break;
                    }
                }
            }
            // What is sent at once would not be answered before.
            std::future::pending::<()>().await;
        };
        let mut heard = [0; 12];
        let outcome = tokio::select! {
            heard = reading.read_exact(&mut heard) => heard.map(|_| ()),
            () = sending => Ok(()),
        };
        match outcome {
            Ok(()) => count(&outcomes, &String::from_utf8_lossy(&heard[9..])),
            Err(_) => count(&outcomes, "closed"),
        }
        sleep(REST).await;
    }
}

async fn json(address: SocketAddr, n: usize, outcomes: Outcomes) {
    let deep = format!("{{\"agent_id\":\"x\",\"context\":{}1{}}}", "{\"a\":".repeat(99), "}".repeat(99));
    let wide = format!("{{\"agent_id\":\"x\",\"context\":{{\"a\":[{}0]}}}}", "{\"\":0},".repeat(130_000));
    let full = format!("{{\"agent_id\":\"x\",\"context\":{{\"a\":[{}0]}}}}", "{\"\":0},".repeat(10_000));
    let batch = format!("[{}0]", "[],".repeat(1_000_000));
    let bodies = [("ingest", deep), ("ingest", wide), ("ingest", full), ("ingest/batch", batch)];
    for (path, body) in bodies.iter().cycle().skip(n) {
        let Ok(mut stream) = TcpStream::connect(address).await else { return };
        let head = format!(
            "POST /api/v1/events/{path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let sent = async {
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(body.as_bytes()).await
        };
        let _ = sent.await;
        count(&outcomes, &status(&mut stream).await);
        sleep(REST).await;
    }
}

async fn begin_stream(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let ask = "GET /ws?session_id=nobody HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
               sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(ask.as_bytes()).await.unwrap();
    assert_eq!(status(&mut stream).await, "101");
    stream
}

async fn idle_stream(mut stream: TcpStream, outcomes: Outcomes) {
    let mut heard = [0; 512];
    // An empty masked pong answers every ping (RFC 6455, section 5.5.3).
    let pong = [0x8a, 0x80, 0, 0, 0, 0];
    while let Ok(1..) = stream.read(&mut heard).await {
        if stream.write_all(&pong).await.is_err() {
            break;
        }
    }
    count(&outcomes, "stream ended");
}

/// A header of so many bytes.
fn header(bytes: usize) -> String {
    format!("x-padding: {}\r\n", "x".repeat(bytes - 13))
}
