//! What every error looks like, and when it comes.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use agentmap::config::Config;
use agentmap::store::Location;
use redb::backends::FileBackend;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, DEADLINE, Server, draft};
use crate::shape::assert_shape;

const AGENTS: &str = "/api/v1/agents/";

/// Asserts that an answer is a problem document that agrees with itself.
#[track_caller]
pub fn assert_problem(answer: &Answer, status: u16, title: &str, path: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    let problem = answer.json();
    let mut shape = json!({
        "type": "string", "title": "string", "status": "integer", "detail": "string", "instance": "string",
        "request_id": "string",
    });
    if status == 422 {
        shape["errors"] = json!([{"loc": ["string"], "msg": "string", "type": "string"}]);
    }
    assert_shape(&problem, &shape);
    assert_eq!((&problem["status"], &problem["title"]), (&json!(status), &json!(title)));
    assert_eq!((&problem["instance"], &problem["type"]), (&json!(path), &json!("about:blank")));
    assert_eq!(problem["request_id"].as_str(), answer.header("x-request-id"));
    assert!(!problem["detail"].as_str().unwrap().is_empty());
}

#[tokio::test]
async fn every_problem_is_a_problem_document() {
    let server = Server::start().await;
    server.create("coder").await;
    let json = "application/json";
    let nobody = "/api/v1/agents/name/nobody";
    assert_problem(&server.post_text(AGENTS, json, "{").await, 400, "Bad Request", AGENTS);
    assert_problem(&server.get(nobody).await, 404, "Not Found", nobody);
    assert_problem(&server.get("/nowhere?x=1").await, 404, "Not Found", "/nowhere");
    assert_problem(&server.delete("/health").await, 405, "Method Not Allowed", "/health");
    assert_problem(&server.post(AGENTS, &draft("coder")).await, 409, "Conflict", AGENTS);
    let large = "x".repeat(1024 * 1024 + 1);
    assert_problem(&server.post_text(AGENTS, json, large).await, 413, "Payload Too Large", AGENTS);
    assert_problem(&server.post_text(AGENTS, "text/csv", "a").await, 415, "Unsupported Media Type", AGENTS);
    assert_problem(&server.post(AGENTS, &json!({})).await, 422, "Unprocessable Entity", AGENTS);
    assert_problem(&server.get(&format!("{AGENTS}?limit=0")).await, 422, "Unprocessable Entity", AGENTS);
    assert_problem(&server.get("/ws").await, 426, "Upgrade Required", "/ws");
}

#[tokio::test]
async fn malformed_json_is_told_with_line_and_column() {
    let server = Server::start().await;
    for (body, place) in [
        ("{\n  \"name\": oops}", "line 2 column 1"),
        ("{\"name\": \"a\"", "line 1 column 12"),
        ("[1,]", "line 1 column 4"),
        ("{\"a\": 1}\n x", "line 2 column 2"),
        ("{\"a\": \"\u{1}\"}", "line 1 column 8"),
        ("", "empty"),
    ] {
        let problem = server.post_text(AGENTS, "application/json", body).await.expect(400).json();
        assert!(problem["detail"].as_str().unwrap().contains(place), "{body:?}: {problem}");
    }
    let problem = server
        .post_text(AGENTS, "application/json", b"{\"name\":\"\xff\"}".to_vec())
        .await
        .expect(400)
        .json();
    assert!(problem["detail"].as_str().unwrap().contains("UTF-8"), "{problem}");
    // Nesting without end is refused, not followed.
    server.post_text(AGENTS, "application/json", "[".repeat(100_000)).await.expect(400);
    server.get("/api/v1/agents/?q=%ff").await.expect(400);
    server.get("/api/v1/agents/name/%ff").await.expect(400);
}

#[tokio::test]
async fn every_path_refuses_other_methods_and_names_its_own() {
    let server = Server::start().await;
    let document = server.json("/openapi.json").await;
    for (template, operations) in document["paths"].as_object().unwrap() {
        let path = template.clone();
        let mut allow: Vec<_> =
            operations.as_object().unwrap().keys().map(|method| method.to_uppercase()).collect();
        if allow.contains(&"GET".to_owned()) {
            allow.push("HEAD".into());
        }
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PURGE"] {
            if allow.iter().any(|a| a == method) {
                continue;
            }
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let answer = Answer::of(server.request(method.clone(), &path)).await;
            assert_eq!(answer.status, 405, "{method} {path}");
            let told = answer.header("allow").unwrap();
            assert!(allow.iter().all(|a| told.split(", ").any(|t| t == a)), "{method} {path}: {told}");
        }
        let answer = Answer::of(server.request(Method::OPTIONS, &path)).await.expect(204);
        assert!(answer.header("allow").is_some(), "{path}");
    }
}

#[tokio::test]
async fn a_path_is_the_same_with_and_without_a_slash_at_its_end() {
    let server = Server::start().await;
    server.create("coder").await;
    let document = server.json("/openapi.json").await;
    for (template, _) in document["paths"].as_object().unwrap() {
        let bare = template.trim_end_matches('/');
        let (with, without) = (
            server.get(&format!("{bare}/")).await,
            server.get(if bare.is_empty() { "/" } else { bare }).await,
        );
        assert_eq!(with.status, without.status, "{template}");
        assert!(!(300..400).contains(&with.status), "{template} redirects");
        assert_eq!(with.header("content-type"), without.header("content-type"), "{template}");
    }
    server.post("/api/v1/agents", &draft("a")).await.expect(201);
    server.post("/api/v1/agents/", &draft("b")).await.expect(201);
    server.post("/api/v1/events/ingest/", &json!({"agent_id": "a"})).await.expect(201);
}

#[tokio::test]
async fn bodies_are_json_under_any_name_of_it() {
    let server = Server::start().await;
    let id = server.create("coder").await;
    let agent = format!("/api/v1/agents/{id}");
    let bodies: BTreeMap<&str, (Method, Value)> = BTreeMap::from([
        (&*agent, (Method::PUT, json!({"role": "admin"}))),
        ("/api/v1/metrics/", (Method::POST, json!({"agent_id": "coder", "metric_type": "e"}))),
        ("/api/v1/metrics/batch", (Method::POST, json!([]))),
        ("/api/v1/events/ingest", (Method::POST, json!({"agent_id": "coder"}))),
        ("/api/v1/events/ingest/batch", (Method::POST, json!([]))),
        (
            "/api/v1/budget/deduct",
            (Method::POST, json!({"agent_id": "coder", "tokens_used": 1, "cost_usd": 1})),
        ),
    ]);
    for (path, (method, body)) in bodies {
        let send = |content_type: Option<&'static str>| {
            let mut request = server.request(method.clone(), path).body(body.to_string());
            if let Some(content_type) = content_type {
                request = request.header("content-type", content_type);
            }
            Answer::of(request)
        };
        for good in [
            None,
            Some("application/json"),
            Some("Application/JSON; charset=utf-8"),
            Some("application/vnd.x+json"),
        ] {
            let answer = send(good).await;
            assert!(answer.status < 300, "{path} {good:?}: {}", answer.text());
        }
        for bad in [
            "text/plain",
            "application/xml",
            "multipart/form-data; boundary=x",
            "application/x-www-form-urlencoded",
            "",
        ] {
            assert_problem(&send(Some(bad)).await, 415, "Unsupported Media Type", path);
        }
    }
}

#[tokio::test]
async fn a_sane_request_id_is_kept_and_any_other_replaced() {
    let server = Server::start().await;
    let long = "x".repeat(128);
    for sane in ["a", "Trace-1_2.3:4", &long] {
        for path in ["/health", "/nowhere"] {
            let answer = Answer::of(server.request(Method::GET, path).header("x-request-id", sane)).await;
            assert_eq!(answer.header("x-request-id"), Some(sane));
        }
    }
    let mut given = std::collections::BTreeSet::new();
    let longer = "x".repeat(129);
    for odd in ["", " ", "a b", "a\"b", "<script>", "a,b", &longer] {
        let answer = Answer::of(server.request(Method::GET, "/nowhere").header("x-request-id", odd)).await;
        let id = answer.header("x-request-id").unwrap().to_owned();
        assert_ne!(id, odd);
        assert_eq!(answer.json()["request_id"], id);
        assert!(given.insert(id), "an id was given twice");
    }
    for method in [Method::HEAD, Method::OPTIONS] {
        assert!(Answer::of(server.request(method, AGENTS)).await.header("x-request-id").is_some());
    }
}

#[tokio::test]
async fn what_comes_after_the_end_is_told_to_try_again() {
    let server = Server::start().await;
    server.app.close();
    let answer = server.post(AGENTS, &draft("coder")).await;
    assert_problem(&answer, 503, "Service Unavailable", AGENTS);
    assert!(answer.header("retry-after").unwrap().parse::<u32>().is_ok());
}

/// A file that stops taking writes when it is told to.
#[derive(Debug)]
struct Disk {
    file: FileBackend,
    full: Arc<AtomicBool>,
}

impl Disk {
    fn check(&self) -> Result<(), std::io::Error> {
        if self.full.load(Ordering::Relaxed) {
            return Err(std::io::Error::new(ErrorKind::StorageFull, "/secret/path: no space left"));
        }
        Ok(())
    }
}

impl redb::StorageBackend for Disk {
    fn len(&self) -> Result<u64, std::io::Error> {
        self.file.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), std::io::Error> {
        self.file.read(offset, out)
    }
    fn set_len(&self, len: u64) -> Result<(), std::io::Error> {
        self.check()?;
        self.file.set_len(len)
    }
    fn sync_data(&self) -> Result<(), std::io::Error> {
        self.check()?;
        self.file.sync_data()
    }
    fn write(&self, offset: u64, data: &[u8]) -> Result<(), std::io::Error> {
        self.check()?;
        self.file.write(offset, data)
    }
    fn close(&self) -> Result<(), std::io::Error> {
        self.file.close()
    }
}

#[tokio::test]
async fn failing_storage_is_told_without_internals_and_recovers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agentmap.redb");
    let full = Arc::new(AtomicBool::new(false));
    let switch = Arc::clone(&full);
    let open = move |builder: &mut redb::Builder| {
        let mut options = std::fs::OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(&path)?;
        let file = FileBackend::new(file)?;
        builder.create_with_backend(Disk { file, full: Arc::clone(&full) })
    };
    let server = Server::start_with(Config::defaults(), Location::Custom(Box::new(open))).await;
    let id = server.create("coder").await;
    server.get("/health").await.expect(200);

    switch.store(true, Ordering::Relaxed);
    let answer = server.post(AGENTS, &draft("writer")).await;
    assert_problem(&answer, 503, "Service Unavailable", AGENTS);
    assert!(answer.header("retry-after").is_some());
    assert!(!answer.text().contains("secret"), "{}", answer.text());
    let health = server.get("/health").await.expect(503).json();
    assert_eq!((&health["status"], &health["database"]), (&json!("unhealthy"), &json!("disconnected")));
    assert!(health["error"].is_string());
    // A refused write is none that happened.
    assert_eq!(server.json(AGENTS).await.as_array().map(Vec::len), Some(1));

    switch.store(false, Ordering::Relaxed);
    let began = Instant::now();
    while server.post(AGENTS, &draft("writer")).await.status != 201 {
        assert!(began.elapsed() < DEADLINE, "storage does not recover");
    }
    server.get("/health").await.expect(200);
    assert_eq!(server.json(&format!("{AGENTS}{id}")).await["name"], "coder");
}
