//! What is too large, too slow or too much: each is refused in words, and nobody else is held up.

use std::time::Duration;

use agentmap::config::{Config, Limits};
use agentmap::store::Location;
use bytes::Bytes;
use http_body_util::StreamBody;
use hyper::body::Frame;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::errors::assert_problem;
use crate::harness::{Answer, DEADLINE, Server};
use crate::stream::Stream;

const INGEST: &str = "/api/v1/events/ingest";
const BATCH: &str = "/api/v1/events/ingest/batch";

async fn server_with(limits: Limits) -> Server {
    Server::start_with(Config { limits, ..Config::defaults() }, Location::Memory).await
}

/// A client that speaks as it likes.
struct Raw(TcpStream);

impl Raw {
    async fn connect(server: &Server) -> Self {
        Self(TcpStream::connect(server.address()).await.unwrap())
    }

    async fn say(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
    }

    /// All that is answered until the server closes.
    async fn hear(&mut self) -> String {
        let mut heard = Vec::new();
        tokio::time::timeout(DEADLINE, self.0.read_to_end(&mut heard))
            .await
            .expect("closed in time")
            .unwrap();
        String::from_utf8(heard).unwrap()
    }

    /// The last answer before the server closes, which is a problem.
    async fn hear_problem(&mut self, status: u16) -> Value {
        let heard = self.hear().await;
        let (head, body) = heard.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {heard:?}"));
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
        assert!(head.contains("content-type: application/problem+json"), "{head}");
        assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
        let problem: Value = serde_json::from_str(body).unwrap();
        assert_eq!(problem["status"], status);
        assert!(
            head.contains(&format!("x-request-id: {}", problem["request_id"].as_str().unwrap())),
            "{head}"
        );
        problem
    }
}

/// What `tried` gives once it does: what a client did reaches the server in its own time.
async fn in_time<T>(mut tried: impl AsyncFnMut() -> Option<T>) -> T {
    let trying = async {
        loop {
            if let Some(given) = tried().await {
                return given;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, trying).await.expect("it comes about in time")
}

#[tokio::test]
async fn bodies_have_bounds() {
    let server = server_with(Limits { body_bytes: 4096, batch_bytes: 8192, ..Limits::default() }).await;
    let padded = |length: usize| format!("{{\"agent_id\":\"x\"}}{}", " ".repeat(length - 16));
    server.post_text(INGEST, "application/json", padded(4096)).await.expect(201);
    server.post_text(INGEST, "application/json", padded(4097)).await.expect(413);
    server.post_text(BATCH, "application/json", format!("[{}]", padded(8190))).await.expect(201);
    server.post_text(BATCH, "application/json", format!("[{}]", padded(8191))).await.expect(413);
    // A record of a batch is as large as one alone may be.
    let large = format!("[{{\"agent_id\":\"x\"}},{{\"agent_id\":\"{}\"}}]", "x".repeat(4096));
    let report = server.post_text(BATCH, "application/json", large).await.expect(201).json();
    assert_eq!((&report["accepted"], &report["rejected"][0]["status"]), (&json!(1), &json!(413)));
    // The length is not announced, so that the body is counted while it is read.
    let pieces = (0..5).map(|_| Ok::<_, std::io::Error>(Frame::data(Bytes::from("x".repeat(1024)))));
    let body = reqwest::Body::wrap(StreamBody::new(futures_util::stream::iter(pieces)));
    server.post_text(INGEST, "application/json", body).await.expect(413);
    assert_eq!(server.json("/api/v1/events/audit").await.as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn who_sends_far_too_much_still_hears_why() {
    // The connection was closed on what nobody read, and the client's system threw the answer away.
    let server = server_with(Limits::default()).await;
    let mut client = Raw::connect(&server).await;
    client
        .say(format!("POST {INGEST} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1073741824\r\n\r\n"))
        .await;
    let (mut reading, mut writing) = client.0.split();
    let sending = async {
        let piece = vec![b'x'; 64 * 1024];
        // Until the server hangs up.
        while writing.write_all(&piece).await.is_ok() {}
    };
    let mut heard = vec![0; 12];
    let hearing = async { reading.read_exact(&mut heard).await.unwrap() };
    tokio::time::timeout(DEADLINE, async {
        tokio::select! {
            _ = hearing => (),
            () = sending => panic!("the connection ended without an answer"),
        }
    })
    .await
    .unwrap();
    assert_eq!(heard, b"HTTP/1.1 413");
}

#[tokio::test]
async fn values_are_counted_before_they_take_memory() {
    let server = server_with(Limits::default()).await;
    for item in ["{\"\":0}", "[0]", "0"] {
        let body =
            format!("{{\"agent_id\":\"x\",\"context\":{{\"a\":[{}0]}}}}", format!("{item},").repeat(130_000));
        let problem = server.post_text(INGEST, "application/json", body).await;
        assert_problem(&problem, 413, "Payload Too Large", INGEST);
    }
    let array = format!("[{}[]]", "[],".repeat(200_000));
    let problem = server.post_text(BATCH, "application/json", array).await.expect(413).json();
    assert!(problem["detail"].as_str().unwrap().contains("200001 items; at most 10000"), "{problem}");
    // Each is small enough; together they are not.
    let item = format!("{{\"agent_id\":\"x\",\"context\":{{\"a\":[{}0]}}}}", "0,".repeat(30_000));
    let batch = format!("[{}{item}]", format!("{item},").repeat(129));
    let report = server.post_text(BATCH, "application/json", batch).await.expect(201).json();
    let accepted = report["accepted"].as_u64().unwrap();
    assert!((1..129).contains(&accepted), "{accepted}");
    let rejected = report["rejected"].as_array().unwrap();
    assert_eq!(accepted + rejected.len() as u64, 130);
    assert!(rejected.iter().all(|item| item["status"] == 413), "{rejected:?}");
}

#[tokio::test]
async fn json_nests_as_deep_as_the_limit_says() {
    let nested = |depth: usize| {
        let context = format!("{}1{}", "{\"a\":".repeat(depth - 1), "}".repeat(depth - 1));
        format!("{{\"agent_id\":\"x\",\"context\":{context}}}")
    };
    let server = server_with(Limits::default()).await;
    server.post_text(INGEST, "application/json", nested(64)).await.expect(201);
    let problem = server.post_text(INGEST, "application/json", nested(100)).await;
    assert_problem(&problem, 400, "Bad Request", INGEST);
    assert!(problem.text().contains("deeper than 64 levels, at line 1 column"), "{}", problem.text());
    let batch = format!("{}\n{}\n", nested(64), nested(65));
    let report = server.post_text(BATCH, "application/x-ndjson", batch).await.expect(201).json();
    assert_eq!((&report["accepted"], &report["rejected"][0]["status"]), (&json!(1), &json!(400)));

    let server = server_with(Limits { json_depth: 2, ..Limits::default() }).await;
    server.post_text(INGEST, "application/json", nested(2)).await.expect(201);
    server.post_text(INGEST, "application/json", nested(3)).await.expect(400);
}

#[tokio::test]
async fn heads_have_bounds() {
    let limits = Limits { header_bytes: 2048, query_bytes: 256, ..Limits::default() };
    let server = server_with(limits).await;
    let query = |length: usize| format!("/api/v1/agents/?q={}", "x".repeat(length - 2));
    server.get(&query(256)).await.expect(200);
    assert_problem(&server.get(&query(257)).await, 414, "URI Too Long", "/api/v1/agents/");
    for (bytes, status) in [(1024, 200), (2048, 431), (64 * 1024, 431)] {
        let request = server.request(Method::GET, "/health").header("x-padding", "x".repeat(bytes));
        let answer = Answer::of(request).await;
        assert_eq!(answer.status, status, "{bytes}");
        if status == 431 {
            assert_eq!(answer.header("content-type"), Some("application/problem+json"));
            assert!(answer.text().contains("--max-header"), "{}", answer.text());
        }
    }
    // More headers than are read at all, and an address and a line that are none.
    let many = "x: y\r\n".repeat(300);
    for (said, status) in [
        (format!("GET /health HTTP/1.1\r\nhost: localhost\r\n{many}\r\n"), 431),
        (format!("GET /{} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n", "x".repeat(5000)), 431),
        ("what is this\r\n\r\n".into(), 400),
        ("GET /health HTTP/1.1\r\nhost localhost\r\n\r\n".into(), 400),
    ] {
        let mut client = Raw::connect(&server).await;
        client.say(&said).await;
        client.hear_problem(status).await;
    }
    // What came before on the same connection is answered first.
    let mut client = Raw::connect(&server).await;
    client.say("GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    let mut first = [0; 12];
    client.0.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    client.say("nonsense\r\n\r\n").await;
    assert!(client.hear().await.contains("HTTP/1.1 400 Bad Request"));
}

#[tokio::test]
async fn ten_megabytes_of_headers_are_not_read() {
    let server = server_with(Limits::default()).await;
    let mut client = Raw::connect(&server).await;
    client.say("GET /health HTTP/1.1\r\nhost: localhost\r\nx-padding: ").await;
    let (mut reading, mut writing) = client.0.split();
    let piece = vec![b'x'; 64 * 1024];
    let sending = async {
        for _ in 0..160 {
            if writing.write_all(&piece).await.is_err() {
                break;
            }
        }
    };
    let mut heard = vec![0; 12];
    let hearing = async { reading.read_exact(&mut heard).await.unwrap() };
    tokio::time::timeout(DEADLINE, futures_util::future::join(sending, hearing)).await.unwrap();
    assert_eq!(heard, b"HTTP/1.1 431");
}

#[tokio::test]
async fn a_head_must_come_in_time() {
    // Telling HTTP versions apart awaited the first bytes without a timer: 10,000 silent sockets stopped the server.
    let server = Server::start().await;
    for said in ["", "GET /he", "GET /health HTTP/1.1\r\nhost"] {
        let mut client = Raw::connect(&server).await;
        client.say(said).await;
        // From here on time passes whenever nothing else happens.
        tokio::time::pause();
        if said.is_empty() {
            assert_eq!(client.hear().await, "", "whoever asks nothing is told nothing");
        } else {
            let problem = client.hear_problem(408).await;
            assert!(problem["detail"].as_str().unwrap().contains("within 15 s"), "{problem}");
        }
        tokio::time::resume();
    }
}

#[tokio::test]
async fn a_body_must_come_in_time() {
    let server = server_with(Limits { body_time: Duration::from_secs(20), ..Limits::default() }).await;
    let mut client = Raw::connect(&server).await;
    let head = format!("POST {INGEST} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n");
    client.say(head + "{\"agent_id\":").await;
    tokio::time::pause();
    let problem = client.hear_problem(408).await;
    assert!(problem["detail"].as_str().unwrap().contains("within 20 s"), "{problem}");
}

#[tokio::test]
async fn connections_beyond_the_limit_are_told_so() {
    let server = server_with(Limits { connections: 2, ..Limits::default() }).await;
    let ask = "GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let mut served = Vec::new();
    for _ in 0..2 {
        let mut client = Raw::connect(&server).await;
        client.say(ask).await;
        let mut status = [0; 12];
        client.0.read_exact(&mut status).await.unwrap();
        assert_eq!(&status, b"HTTP/1.1 200");
        served.push(client);
    }
    let mut third = Raw::connect(&server).await;
    third.say(ask).await;
    let heard = third.hear().await;
    assert!(heard.starts_with("HTTP/1.1 503 ") && heard.contains("retry-after: 1"), "{heard}");
    assert!(heard.contains("2 connections are open") && heard.contains("--max-connections"), "{heard}");
    // Once one has gone there is a place again.
    drop(served.pop());
    in_time(async || {
        let mut next = Raw::connect(&server).await;
        next.say(ask.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n")).await;
        next.hear().await.starts_with("HTTP/1.1 200 ").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_stream_keeps_the_place_of_its_connection() {
    // A connection left its place when it became a stream: more were open than the limit, and the system, allowed.
    let server = server_with(Limits { connections: 1, ..Limits::default() }).await;
    let mut stream = server.stream("").await;
    stream.greeted().await;
    let ask = "GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let mut next = Raw::connect(&server).await;
    next.say(ask).await;
    assert!(next.hear().await.starts_with("HTTP/1.1 503 "));
    drop(stream);
    in_time(async || {
        let mut next = Raw::connect(&server).await;
        next.say(ask).await;
        next.hear().await.starts_with("HTTP/1.1 200 ").then_some(())
    })
    .await;
}

#[tokio::test]
async fn streams_beyond_the_limit_are_told_so() {
    let server = server_with(Limits { streams: 2, ..Limits::default() }).await;
    let (first, _second) = (server.stream("").await, server.stream("").await);
    let refused = || async {
        let request = server.request(Method::GET, "/ws").header("connection", "upgrade");
        let request = request.header("upgrade", "websocket").header("sec-websocket-version", "13");
        Answer::of(request.header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")).await
    };
    let answer = refused().await;
    assert_problem(&answer, 503, "Service Unavailable", "/ws");
    assert!(answer.text().contains("2 clients follow the stream"), "{}", answer.text());
    drop::<Stream>(first);
    in_time(async || (server.app.subscribers() < 2).then_some(())).await;
    let mut third = server.stream("").await;
    third.greeted().await;
}

#[tokio::test]
async fn bodies_that_are_held_leave_no_room_for_more() {
    let limits = Limits { body_bytes: 4096, batch_bytes: 4096, bodies_bytes: 8192, ..Limits::default() };
    let server = server_with(limits).await;
    let mut slow = Vec::new();
    for _ in 0..2 {
        let mut client = Raw::connect(&server).await;
        let head = format!("POST {INGEST} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 4096\r\n\r\n");
        client.say(head + &" ".repeat(4090)).await;
        slow.push(client);
    }
    let post = || server.post_text(INGEST, "application/json", "{\"agent_id\":\"quick\"}");
    let answer = in_time(async || Some(post().await).filter(|answer| answer.status != 201)).await;
    assert_problem(&answer, 503, "Service Unavailable", INGEST);
    assert_eq!(answer.header("retry-after"), Some("1"));
    // What needs no room goes on.
    server.get("/api/v1/events/audit").await.expect(200);
    slow.clear();
    in_time(async || Some(post().await).filter(|answer| answer.status == 201)).await;
}

#[tokio::test]
async fn who_reads_nothing_is_let_go() {
    let server = server_with(Limits { connections: 1, ..Limits::default() }).await;
    let mut deaf = Raw::connect(&server).await;
    // The answers are more than any system keeps for who reads them later.
    deaf.say("GET /openapi.json HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(300)).await;
    // From here on time passes whenever nothing else happens: when the answers pile up.
    tokio::time::pause();
    tokio::time::sleep(Duration::from_mins(2)).await;
    tokio::time::resume();
    in_time(async || {
        let mut next = Raw::connect(&server).await;
        next.say("GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await;
        next.hear().await.starts_with("HTTP/1.1 200 ").then_some(())
    })
    .await;
}
