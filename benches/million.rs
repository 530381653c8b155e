//! A million records: how long a server takes to start on them after a clean end and after SIGKILL, and what memory it
//! holds after it has served them.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "figures for people's eyes"
)]

mod support;

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const RECORDS: u64 = 1_000_000;
const BATCH: u64 = 5_000;

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("million.redb");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (mut server, address, _) = start(&data);
    let filled = Instant::now();
    runtime.block_on(async {
        let mut connection = support::Connection::open(address).await;
        for batch in 0..RECORDS / BATCH {
            let events: Vec<_> = (batch * BATCH..(batch + 1) * BATCH).map(support::event).collect();
            connection.post_to("/api/v1/events/ingest/batch", &format!("[{}]", events.join(","))).await;
        }
    });
    let size = std::fs::metadata(&data).expect("the file").len();
    println!("{RECORDS} audit records in {:?}, {} bytes each on disk", filled.elapsed(), size / RECORDS);
    server.kill().expect("killed");
    server.wait().expect("ended");
    for (how, rounds) in [("after SIGKILL", 3), ("after SIGKILL and reads", 3)] {
        for _ in 0..rounds {
            let (mut server, address, took) = start(&data);
            runtime.block_on(read(address));
            println!(
                "start {how}: first answer after {took:?}; resident after reads {}",
                resident(server.id())
            );
            server.kill().expect("killed");
            server.wait().expect("ended");
        }
    }
}

/// Starts a server and waits for its first answer.
fn start(data: &Path) -> (Child, SocketAddr, Duration) {
    let started = Instant::now();
    let mut server = Command::new(env!("CARGO_BIN_EXE_agentmap"))
        .args(["serve", "--port", "0", "--log", "warn", "--data"])
        .arg(data)
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    let mut lines = BufReader::new(server.stdout.take().expect("its output")).lines();
    let first = lines.next().expect("a line").expect("text");
    let address = first.rsplit('/').next().expect("an address").parse().expect("an address");
    let mut stream = std::net::TcpStream::connect(address).expect("connected");
    std::io::Write::write_all(
        &mut stream,
        b"GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
    )
    .expect("sent");
    std::io::Read::read(&mut stream, &mut [0; 64]).expect("answered");
    let took = started.elapsed();
    // The rest of what it prints is read, so that it never waits for a reader.
    std::thread::spawn(move || lines.for_each(drop));
    (server, address, took)
}

/// Reads lists, filters, statistics and deep pages, as a dashboard does.
async fn read(address: SocketAddr) {
    for path in [
        "/api/v1/events/audit?limit=1000",
        "/api/v1/events/audit?limit=1000&skip=90000",
        "/api/v1/events/audit?agent_id=agent-7&rbac_decision=denied&limit=1000",
        "/api/v1/events/audit?session_id=s-7&operation_type=tool_use&limit=1000",
        "/api/v1/events/audit?q=nothing-holds-this",
        "/api/v1/events/audit/stats",
        "/api/v1/events/audit/500000",
        "/api/v1/agents/stats/summary",
        "/api/v1/metrics/aggregate",
        "/api/v1/agent-activity?limit=500",
    ] {
        for _ in 0..20 {
            let mut stream = TcpStream::connect(address).await.expect("connected");
            let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).await.expect("sent");
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.expect("answered");
            assert!(answer.starts_with(b"HTTP/1.1 200"), "{path}: {}", String::from_utf8_lossy(&answer));
        }
    }
}

/// The resident memory of a process, where the system tells it.
fn resident(pid: u32) -> String {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmRSS"));
    line.map_or_else(|| "unknown".into(), |l| l.split_whitespace().skip(1).collect::<Vec<_>>().join(" "))
}
