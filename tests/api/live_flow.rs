//! The live stream under way: replay, gaps, slow readers, silence.

use std::time::Duration;

use agentmap::config::Config;
use agentmap::domain::command::Action;
use agentmap::domain::pruning::Prune;
use agentmap::store::Location;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{Server, each};

fn seqs(events: &[Value]) -> Vec<u64> {
    events.iter().map(|event| event["seq"].as_u64().unwrap_or_else(|| panic!("{event}"))).collect()
}

#[tokio::test]
async fn replay_runs_into_live_without_gap_or_repeat() {
    const WRITERS: u64 = 4;
    const EACH: u64 = 150;
    let server = std::sync::Arc::new(Server::start().await);
    let writers: Vec<_> = (0..WRITERS)
        .map(|_| {
            let server = std::sync::Arc::clone(&server);
            tokio::spawn(async move {
                for _ in 0..EACH {
                    server.ingest(&json!({"agent_name": "coder"})).await;
                }
            })
        })
        .collect();
    // Clients join while it goes on, each with what it has seen already.
    let mut readers = Vec::new();
    for n in 0..10 {
        let since = server.last_seq() / 2;
        let mut stream = server.stream(&format!("?since={since}")).await;
        readers.push(tokio::spawn(async move {
            stream.greeted().await;
            let events = stream.events_up_to(WRITERS * EACH).await;
            assert_eq!(seqs(&events), (since + 1..=WRITERS * EACH).collect::<Vec<_>>(), "reader {n}");
        }));
    }
    for task in writers.into_iter().chain(readers) {
        task.await.unwrap();
    }
}

#[tokio::test]
async fn a_number_from_the_future_begins_with_what_comes_next() {
    let server = Server::start().await;
    server.create("a").await;
    let mut stream = server.stream("?since=999").await;
    stream.greeted().await;
    server.create("b").await;
    assert_eq!(stream.event().await["seq"], 2);
}

/// A server on a file with so many events, of which it keeps the newest, after a restart: nothing is in memory.
async fn restarted(folder: &tempfile::TempDir, events: u64, keep: u64) -> Server {
    let file = || Location::File(folder.path().join("agentmap.redb"));
    let server = Server::start_with(Config::defaults(), file()).await;
    for _ in 0..events {
        server.ingest(&json!({"agent_name": "coder"})).await;
    }
    server.app.submit(Action::Prune(Prune::EventsBut(keep))).await.unwrap();
    server.app.close();
    let app = std::sync::Arc::clone(&server.app);
    server.stop().await;
    // The file is free once nothing holds the application.
    let began = std::time::Instant::now();
    let mut app = app;
    loop {
        match std::sync::Arc::try_unwrap(app) {
            Ok(last) => break drop(last),
            Err(shared) => app = shared,
        }
        assert!(began.elapsed() < crate::harness::DEADLINE, "something holds the application");
        tokio::task::yield_now().await;
    }
    Server::start_with(Config::defaults(), file()).await
}

#[tokio::test]
async fn what_is_no_longer_kept_is_told_as_a_gap() {
    let folder = tempfile::tempdir().unwrap();
    let server = restarted(&folder, 10, 3).await;
    assert_eq!(server.last_seq(), 10);
    for (since, gap, first) in
        [(0, Some((1, 7)), 8), (5, Some((6, 7)), 8), (6, Some((7, 7)), 8), (7, None, 8), (8, None, 9)]
    {
        let mut stream = server.stream(&format!("?since={since}")).await;
        stream.greeted().await;
        if let Some((from, to)) = gap {
            assert_eq!(stream.event().await, json!({"type": "gap", "from": from, "to": to}));
        }
        let events = stream.events_up_to(10).await;
        assert_eq!(seqs(&events), (first..=10).collect::<Vec<_>>());
    }
    // The numbers go on, and the trail has kept all.
    server.ingest(&json!({"agent_name": "coder"})).await;
    assert_eq!(server.last_seq(), 11);
    assert_eq!(each(&server.json("/api/v1/events/audit?limit=1").await, "seq"), [10]);
}

#[tokio::test]
async fn a_gap_up_to_now_is_told_at_once() {
    // A log that was trimmed to nothing left the client waiting for the next event before it heard of the gap.
    let folder = tempfile::tempdir().unwrap();
    let server = restarted(&folder, 5, 0).await;
    let mut stream = server.stream("?since=2").await;
    stream.greeted().await;
    assert_eq!(stream.event().await, json!({"type": "gap", "from": 3, "to": 5}));
    server.ingest(&json!({"agent_name": "coder"})).await;
    assert_eq!(stream.event().await["seq"], 6);
}

#[tokio::test]
async fn a_slow_reader_misses_nothing_and_slows_nobody() {
    const EVENTS: u64 = 1200;
    let server = Server::start().await;
    let mut slow = server.stream("").await;
    let mut quick = server.stream("").await;
    quick.greeted().await;
    // More than the buffers between the two hold.
    let event = json!({"agent_name": "coder", "context": {"k": "x".repeat(40_000)}});
    let batch = Value::from(vec![event; 200]);
    for _ in 0..EVENTS / 200 {
        server.post("/api/v1/events/ingest/batch", &batch).await.expect(201);
    }
    assert_eq!(seqs(&quick.events_up_to(EVENTS).await), (1..=EVENTS).collect::<Vec<_>>());
    slow.greeted().await;
    assert_eq!(seqs(&slow.events_up_to(EVENTS).await), (1..=EVENTS).collect::<Vec<_>>());
    assert!(slow.batches > 0, "a slow reader gets joined frames");
}

#[tokio::test]
async fn a_client_is_asked_whether_it_is_there() {
    let server = Server::start().await;
    let mut stream = server.stream("").await;
    stream.greeted().await;
    for _ in 0..4 {
        tokio::time::pause();
        for _ in 0..31 {
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        tokio::time::resume();
        // A ping of each kind; reading the second answers it.
        assert_eq!(stream.frame().await, json!({"type": "ping"}));
        assert_eq!(stream.raw().await, Message::Ping(Vec::new().into()));
        stream.say("{\"type\":\"pong\"}").await;
    }
    server.create("coder").await;
    assert_eq!(stream.event().await["type"], "agent_created");
}

#[tokio::test]
async fn a_client_that_does_not_answer_is_closed() {
    let server = Server::start().await;
    // Bare bytes: a library would answer.
    let mut socket = TcpStream::connect(server.address()).await.unwrap();
    let request = format!(
        "GET /ws HTTP/1.1\r\nhost: {}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        server.address()
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut heard = Vec::new();
    while !contains(&heard, b"\"stats\"") {
        socket.read_buf(&mut heard).await.unwrap();
    }
    tokio::time::pause();
    while server.app.subscribers() > 0 {
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    tokio::time::resume();
    let mut rest = Vec::new();
    socket.read_to_end(&mut rest).await.unwrap();
    let pings = String::from_utf8_lossy(&rest).matches("{\"type\":\"ping\"}").count();
    assert_eq!(pings, 2);
    // A close frame, its length, 1013.
    let code = 1013_u16.to_be_bytes();
    let close = rest.windows(4).any(|w| w[0] == 0x88 && w[2..] == code);
    assert!(close, "{rest:?}");
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[tokio::test]
async fn clients_that_leave_are_not_counted() {
    let server = Server::start().await;
    let mut stream = server.stream("").await;
    stream.greeted().await;
    assert_eq!(server.app.subscribers(), 1);
    drop(stream);
    let began = std::time::Instant::now();
    while server.app.subscribers() > 0 {
        assert!(began.elapsed() < crate::harness::DEADLINE, "the client is still counted");
        tokio::task::yield_now().await;
    }
    assert_eq!(server.json("/health").await["active_connections"], 0);
}
