//! The real server in this process, on a free port, over memory, with a clock that is moved by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use agentmap::App;
use agentmap::config::Config;
use agentmap::domain::time::Timestamp;
use agentmap::http::server;
use agentmap::store::Location;
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::stream::Stream;

/// When every test begins.
pub const START: &str = "2026-11-22T12:00:00.000000Z";
/// Lengths of time in microseconds, for [`Server::advance`].
pub use agentmap::domain::time::{DAY, HOUR, MINUTE, SECOND};
/// How long anything may take before a test fails.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// A running server.
pub struct Server {
    pub app: Arc<App>,
    address: String,
    client: Client,
    clock: Arc<AtomicI64>,
    stop: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<()>>,
}

impl Server {
    pub async fn start() -> Self {
        Self::start_with(Config::defaults(), Location::Memory).await
    }

    pub async fn start_with(config: Config, location: Location) -> Self {
        let clock = Arc::new(AtomicI64::new(Timestamp::parse(START).unwrap().0));
        let hand = Arc::clone(&clock);
        let now = Arc::new(move || Timestamp(hand.load(Ordering::Relaxed)));
        let app = App::open(config, location, now).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (stop, stopped) = oneshot::channel::<()>();
        let served = Arc::clone(&app);
        let task = tokio::spawn(async move {
            let stopped = async move { drop(stopped.await) };
            server::serve(served, listener, stopped).await.unwrap();
        });
        let client =
            Client::builder().timeout(DEADLINE).redirect(reqwest::redirect::Policy::none()).no_gzip();
        let client = client.build().unwrap();
        Self { app, address, client, clock, stop: Some(stop), task: Some(task) }
    }

    /// Lets time pass.
    pub fn advance(&self, micros: i64) {
        self.clock.fetch_add(micros, Ordering::Relaxed);
    }

    /// The server's time.
    pub fn now(&self) -> Timestamp {
        self.app.now()
    }

    /// The time so many microseconds from now, as text.
    pub fn at(&self, offset: i64) -> String {
        self.now().plus(offset).to_string()
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A request for the tests that set headers or bodies of their own.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, self.url(path))
    }

    pub async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path)).await
    }

    /// The JSON document of a request that succeeds.
    pub async fn json(&self, path: &str) -> Value {
        self.get(path).await.expect(200).json()
    }

    pub async fn send(&self, method: Method, path: &str, body: &Value) -> Answer {
        Answer::of(self.request(method, path).json(body)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, body).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PUT, path, body).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::DELETE, path)).await
    }

    /// A body as it is, under a content type.
    pub async fn post_text(&self, path: &str, content_type: &str, body: impl Into<reqwest::Body>) -> Answer {
        Answer::of(self.request(Method::POST, path).header("content-type", content_type).body(body)).await
    }

    /// Registers an agent and gives its id back.
    pub async fn create(&self, name: &str) -> String {
        self.create_from(&draft(name)).await
    }

    pub async fn create_from(&self, draft: &Value) -> String {
        let agent = self.post("/api/v1/agents/", draft).await.expect(201).json();
        agent["agent_id"].as_str().unwrap().to_owned()
    }

    /// Records a metric of an agent.
    pub async fn metric(&self, agent: &str, members: &Value) -> Value {
        let mut body = json!({"agent_id": agent, "metric_type": "execution"});
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        self.post("/api/v1/metrics/", &body).await.expect(201).json()
    }

    /// Records an operation of an agent.
    pub async fn ingest(&self, body: &Value) -> Value {
        self.post("/api/v1/events/ingest", body).await.expect(201).json()
    }

    /// Follows the stream; the query begins with `?` or is empty.
    pub async fn stream(&self, query: &str) -> Stream {
        Stream::connect(&format!("ws://{}/api/v1/agents/activity/stream{query}", self.address)).await
    }

    pub fn last_seq(&self) -> u64 {
        self.app.live().last_seq()
    }

    /// The events that the stream tells after number `since`.
    pub async fn events_after(&self, since: u64) -> Vec<Value> {
        let last = self.last_seq();
        if last == since {
            return Vec::new();
        }
        let mut stream = self.stream(&format!("?since={since}")).await;
        stream.greeted().await;
        stream.events_up_to(last).await
    }

    /// Asks the server to stop, and waits until it has.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        tokio::time::timeout(DEADLINE, self.task.take().unwrap()).await.unwrap().unwrap();
    }

    pub fn address(&self) -> &str {
        &self.address
    }
}

/// What the server answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Answer {
    pub async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, bytes: response.bytes().await.unwrap().to_vec() }
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The `loc` and `type` of each of a 422's errors, sorted.
    #[track_caller]
    pub fn errors(&self) -> Vec<(String, String)> {
        let document = self.json();
        let errors = document["errors"].as_array().unwrap_or_else(|| panic!("no errors: {document}"));
        let mut errors: Vec<_> = errors
            .iter()
            .map(|e| {
                let loc: Vec<_> = e["loc"].as_array().unwrap().iter().map(|l| l.as_str().unwrap()).collect();
                (loc.join("."), e["type"].as_str().unwrap().to_owned())
            })
            .collect();
        errors.sort();
        errors
    }
}

/// The smallest agent.
pub fn draft(name: &str) -> Value {
    json!({
        "name": name, "role": "developer", "capabilities": ["coding"], "rbac_allowed_tools": ["Read"],
        "rbac_path_scopes": ["src/**"], "budget_max_tokens_per_session": 200_000, "budget_max_cost_per_day": 30.0,
        "metadata_category": "foundry",
    })
}

/// A draft with other members.
pub fn draft_with(name: &str, members: &Value) -> Value {
    let mut draft = draft(name);
    draft.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    draft
}

/// One member of each item of a list.
#[track_caller]
pub fn each<'a>(list: &'a Value, member: &str) -> Vec<&'a Value> {
    list.as_array().unwrap_or_else(|| panic!("no list: {list}")).iter().map(|item| &item[member]).collect()
}

/// The kinds of events.
pub fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

/// A request, and everything that it must cause.
pub struct Scenario<'a> {
    pub name: &'a str,
    pub method: Method,
    pub path: String,
    pub body: Option<Value>,
    pub status: u16,
    /// Members that the answer has among others.
    pub answer: Value,
    /// The kinds of events that the stream tells.
    pub events: &'a [&'a str],
}

impl Scenario<'_> {
    pub async fn run(self, server: &Server) {
        let before = server.last_seq();
        let mut request = server.request(self.method, &self.path);
        if let Some(body) = &self.body {
            request = request.json(body);
        }
        let answer = Answer::of(request).await;
        assert_eq!(answer.status, self.status, "{}: {}", self.name, answer.text());
        if let Some(wanted) = self.answer.as_object() {
            let told = answer.json();
            for (member, value) in wanted {
                assert_eq!(&told[member], value, "{}: {member}", self.name);
            }
        }
        let events = server.events_after(before).await;
        assert_eq!(kinds(&events), self.events, "{}", self.name);
    }
}
