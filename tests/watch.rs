//! `agentmap watch`: the real binary against servers in this process.

#[path = "support/program.rs"]
#[allow(dead_code, reason = "each of those who share it needs a part of it")]
mod program;

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use agentmap::App;
use agentmap::app::system_clock;
use agentmap::config::Config;
use agentmap::domain::audit::{Decision, NewAudit};
use agentmap::domain::command::Action;
use agentmap::domain::text::JsonText;
use agentmap::http::server;
use agentmap::store::Location;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async, connect_async};

/// How long something that must happen may take.
const DEADLINE: Duration = Duration::from_secs(20);

struct Server {
    app: Arc<App>,
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

impl Server {
    async fn start(location: Location, address: SocketAddr) -> Self {
        let begun = Instant::now();
        let listener = loop {
            match TcpListener::bind(address).await {
                Ok(listener) => break listener,
                Err(e) => assert!(begun.elapsed() < DEADLINE, "cannot listen on {address} again: {e}"),
            }
            tokio::task::yield_now().await;
        };
        Self::on(location, listener)
    }

    fn on(location: Location, listener: TcpListener) -> Self {
        let address = listener.local_addr().unwrap();
        let app = App::open(Config::defaults(), location, system_clock()).unwrap();
        let (stop, stopped) = oneshot::channel();
        let serving = server::serve(Arc::clone(&app), listener, async {
            let _ = stopped.await;
        });
        let served = tokio::spawn(async {
            serving.await.unwrap();
        });
        Self { app, address, stop, served }
    }

    async fn in_memory() -> Self {
        Self::start(Location::Memory, ([127, 0, 0, 1], 0).into()).await
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    async fn tell(&self, agent: &str, session: &str, decisions: &[Decision]) {
        for decision in decisions {
            let record = NewAudit {
                agent_id: None,
                agent_name: Some(agent.into()),
                agent_role: Some("developer".into()),
                operation_type: Some("tool_use".into()),
                operation_detail: Some("Write".into()),
                target_resource: Some("src/a.rs".into()),
                target_type: Some("file".into()),
                decision: *decision,
                reason: Some("as told\u{1b}[2J".into()),
                cost_usd: 0.25,
                tokens_used: 10,
                session_id: Some(session.into()),
                context: JsonText::default(),
                timestamp: self.app.now(),
                nonce: 1,
            };
            self.app.submit(Action::AppendAudit(vec![record])).await.unwrap();
        }
    }

    /// Ends the server and lets go of its data.
    async fn end(self) {
        let Self { app, stop, served, .. } = self;
        stop.send(()).unwrap();
        served.await.unwrap();
        app.close();
        let begun = Instant::now();
        // Connections that are still closing hold the application for a moment.
        while Arc::strong_count(&app) > 1 {
            assert!(begun.elapsed() < DEADLINE, "the application is still in use");
            tokio::task::yield_now().await;
        }
    }
}

fn watch(arguments: &[&str]) -> Command {
    let mut command = program::program();
    command.arg("watch").args(arguments).env_remove("AGENTMAP_DATA").stdin(Stdio::null());
    command
}

async fn output(arguments: &[&str]) -> Output {
    let mut command = watch(arguments);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn lines(bytes: &[u8]) -> Vec<String> {
    String::from_utf8(bytes.to_vec()).unwrap().lines().map(str::to_owned).collect()
}

/// A running `agentmap watch`, ended with the test.
struct Watching {
    child: Child,
    printed: Receiver<String>,
    complained: Receiver<String>,
}

impl Watching {
    fn start(arguments: &[&str]) -> Self {
        let mut command = watch(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let printed = lines_of(child.stdout.take().unwrap());
        let complained = lines_of(child.stderr.take().unwrap());
        Self { child, printed, complained }
    }

    fn line(&self) -> String {
        self.printed.recv_timeout(DEADLINE).expect("a line")
    }

    fn seqs(&self, count: usize) -> Vec<u64> {
        let seq = |line: String| serde_json::from_str::<Value>(&line).unwrap()["seq"].as_u64().unwrap();
        (0..count).map(|_| seq(self.line())).collect()
    }

    fn complaint(&self) -> String {
        self.complained.recv_timeout(DEADLINE).expect("a line on standard error")
    }

    fn ends_well(mut self) {
        assert!(self.child.wait().unwrap().success());
        assert_eq!(self.printed.recv_timeout(DEADLINE).ok(), None, "nothing more is printed");
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines_of(stream: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines() {
            if sender.send(line.unwrap()).is_err() {
                return;
            }
        }
    });
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_one_safe_line() {
    let server = Server::in_memory().await;
    server.tell("coder", "s-1", &[Decision::Denied, Decision::Allowed]).await;
    let ran = output(&["--url", &server.url(), "--since", "0", "--count", "2"]).await;
    assert!(ran.status.success(), "{ran:?}");
    assert!(ran.stderr.is_empty(), "{ran:?}");
    let lines = lines(&ran.stdout);
    let words: Vec<_> = lines[0].split_whitespace().collect();
    let at = words[0].split(':').map(|part| part.parse::<u8>().unwrap()).collect::<Vec<_>>();
    assert!(at.len() == 3 && at[0] < 24 && at[1] < 60, "{}", lines[0]);
    assert_eq!(words[1..4], ["operation_denied", "coder", "0.2500"]);
    assert!(lines[0].ends_with("Write denied: as told\\u{1b}[2J  src/a.rs"), "{}", lines[0]);
    assert!(lines[1].contains("operation_allowed"));
    let message = |line: &str| line.find("Write").unwrap();
    assert_eq!(message(&lines[0]), message(&lines[1]), "columns are aligned");
    assert!(lines.len() == 2 && ran.stdout.is_ascii());
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn json_prints_the_frames_as_they_are() {
    let server = Server::in_memory().await;
    server.tell("coder", "s-1", &[Decision::Denied; 3]).await;
    let ran = output(&["--url", &server.url(), "--since", "1", "--json", "--count", "2"]).await;
    let logged = server.app.logged_events(1, 2).await.unwrap();
    let frames: Vec<_> = logged.iter().map(agentmap::domain::events::Event::to_json).collect();
    assert_eq!(lines(&ran.stdout), frames);
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_leave_the_rest_out() {
    use Decision::{Allowed, Denied, RequiresApproval};
    let server = Server::in_memory().await;
    server.tell("coder", "s-1", &[Allowed, Denied, RequiresApproval]).await;
    server.tell("tester", "s 2&x", &[Denied, Allowed]).await;
    for (filters, seqs) in [
        (&["--agent", "tester"][..], &[4, 5][..]),
        (&["--type", "operation_denied"], &[2, 4]),
        (&["--type", "operation_denied,operation_requires_approval"], &[2, 3, 4]),
        (&["--session", "s 2&x"], &[4, 5]),
        (&["--agent", "coder", "--type", "operation_allowed"], &[1]),
    ] {
        let (url, count) = (server.url(), seqs.len().to_string());
        let arguments = [filters, &["--url", &url, "--since", "0", "--json", "--count", &count]].concat();
        let watching = Watching::start(&arguments);
        assert_eq!(watching.seqs(seqs.len()), seqs, "{filters:?}");
        watching.ends_well();
    }
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_of_the_server_nothing_is_lost_or_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let data = || Location::File(folder.path().join("agents.redb"));
    let server = Server::start(data(), ([127, 0, 0, 1], 0).into()).await;
    let (address, url) = (server.address, server.url());
    server.tell("coder", "s-1", &[Decision::Allowed; 3]).await;
    let watching = Watching::start(&["--url", &url, "--since", "0", "--json", "--count", "9"]);
    assert_eq!(watching.seqs(3), [1, 2, 3]);
    server.end().await;
    assert!(watching.complaint().contains("trying to connect"));
    // These happen before the server listens again, and so while nobody is connected.
    let listener = {
        let app = App::open(Config::defaults(), data(), system_clock()).unwrap();
        app.close();
        drop(app);
        TcpListener::bind(address).await.unwrap()
    };
    let server = Server::on(data(), listener);
    server.tell("coder", "s-1", &[Decision::Denied; 3]).await;
    assert!(watching.complaint().contains("going on after event 3"));
    assert_eq!(watching.seqs(3), [4, 5, 6]);
    server.tell("coder", "s-1", &[Decision::Allowed; 3]).await;
    assert_eq!(watching.seqs(3), [7, 8, 9]);
    watching.ends_well();
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_first_connection_is_one_sentence() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let ran = output(&["--url", &format!("ws://{address}")]).await;
    assert_eq!(ran.status.code(), Some(1));
    let told = lines(&ran.stderr);
    assert!(
        told.len() == 1 && told[0].starts_with("agentmap: cannot follow the stream of http://"),
        "{told:?}"
    );
    assert!(told[0].contains("refused") && ran.stdout.is_empty(), "{told:?}");
    for url in ["https://example.org", "file:///etc", ""] {
        let ran = output(&["--url", url]).await;
        assert_eq!(ran.status.code(), Some(1), "{url}");
        assert!(lines(&ran.stderr)[0].starts_with("agentmap: --url: "), "{url}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_type_is_told_with_those_that_there_are() {
    let server = Server::in_memory().await;
    let ran = output(&["--url", &server.url(), "--type", "operation_denyed"]).await;
    assert_eq!(ran.status.code(), Some(1));
    let told = lines(&ran.stderr);
    assert!(told.len() == 1 && told[0].contains("operation_denied, "), "{told:?}");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_of_the_data_is_found() {
    let server = Server::in_memory().await;
    server.tell("coder", "s-1", &[Decision::Allowed]).await;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("agents.redb");
    let note = json!({"address": server.address, "pid": 1}).to_string();
    std::fs::write(format!("{}.server.json", data.display()), note).unwrap();
    let arguments = ["--data", data.to_str().unwrap(), "--since", "0", "--count", "1"];
    let ran = output(&arguments).await;
    assert!(ran.status.success() && lines(&ran.stdout).len() == 1, "{ran:?}");
    server.end().await;
}

/// A server that does what the test says.
async fn accept(listener: &TcpListener) -> (WebSocketStream<TcpStream>, String) {
    let (stream, _) = tokio::time::timeout(DEADLINE, listener.accept()).await.expect("a client").unwrap();
    let mut asked = String::new();
    #[expect(clippy::result_large_err, reason = "the library's signature")]
    let note = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
        request.uri().to_string().clone_into(&mut asked);
        Ok(response)
    };
    let socket = accept_hdr_async(stream, note).await.unwrap();
    (socket, asked)
}

fn event(seq: u64) -> Value {
    json!({"type": "task_failed", "seq": seq, "agentName": "coder", "message": "coder: task failed"})
}

fn stats(last_seq: u64) -> Value {
    json!({"type": "stats", "data": {"total_agents": 1, "active_connections": 1, "last_seq": last_seq}})
}

async fn send(socket: &mut WebSocketStream<TcpStream>, frames: &[Value]) {
    for frame in frames {
        socket.send(Message::text(frame.to_string())).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_are_taken_apart_gaps_are_told_and_pings_are_answered() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    let watching = Watching::start(&["--url", &url, "--json", "--count", "4", "--since", "2"]);
    let (mut socket, asked) = accept(&listener).await;
    assert_eq!(asked, "/ws?since=2");
    let batch = json!({"type": "batch", "events": [event(9), event(10)]});
    let gap = json!({"type": "gap", "from": 3, "to": 8});
    let surprise = json!({"type": "something_new", "seq": null});
    send(&mut socket, &[stats(10), gap, batch, surprise, json!({"type": "ping"})]).await;
    assert_eq!(watching.seqs(2), [9, 10]);
    let complaint = watching.complaint();
    assert!(complaint.contains("events 3 to 8 are missing"), "{complaint}");
    let answer = socket.next().await.unwrap().unwrap();
    assert_eq!(serde_json::from_str::<Value>(answer.to_text().unwrap()).unwrap(), json!({"type": "pong"}));
    // No more than were asked for are printed of a batch.
    send(&mut socket, &[json!({"type": "batch", "events": [event(11), event(12), event(13)]})]).await;
    assert_eq!(watching.seqs(2), [11, 12]);
    watching.ends_well();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_breaks_is_made_again_from_the_last_event() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let watching = Watching::start(&["--url", &url, "--json", "--agent", "coder"]);
    let (mut socket, asked) = accept(&listener).await;
    assert_eq!(asked, "/ws?agent_id=coder");
    // Before any event came, the greeting tells the place.
    send(&mut socket, &[stats(41)]).await;
    drop(socket);
    let (mut socket, asked) = accept(&listener).await;
    assert_eq!(asked, "/ws?agent_id=coder&since=41");
    send(&mut socket, &[stats(50), event(50)]).await;
    assert_eq!(watching.seqs(1), [50]);
    drop(socket);
    let (mut socket, asked) = accept(&listener).await;
    assert_eq!(asked, "/ws?agent_id=coder&since=50");
    // A server with less than was seen has other data.
    send(&mut socket, &[stats(7), event(8)]).await;
    assert_eq!(watching.seqs(1), [8]);
    let told: Vec<_> = (0..5).map(|_| watching.complaint()).collect();
    assert!(told[4].contains("last event is 7, before event 50: it has other data now"), "{told:?}");
    drop(socket);
    let (_, asked) = accept(&listener).await;
    assert_eq!(asked, "/ws?agent_id=coder&since=8");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_may_go_on_from_the_greeting() {
    // The greeting told the last event as of when it was sent, not as of when the client's place was taken: a client
    // that was cut off and went on from there lost what lay between.
    let server = Server::in_memory().await;
    let server = Arc::new(server);
    let (enough, mut done) = oneshot::channel();
    let teller = {
        let server = Arc::clone(&server);
        tokio::spawn(async move {
            while done.try_recv() == Err(oneshot::error::TryRecvError::Empty) {
                server.tell("coder", "s-1", &[Decision::Allowed]).await;
            }
        })
    };
    for _ in 0..50 {
        let (mut socket, _) = connect_async(format!("ws://{}/ws", server.address)).await.unwrap();
        let mut frames = Vec::new();
        while frames.len() < 3 {
            let message = tokio::time::timeout(DEADLINE, socket.next()).await.unwrap().unwrap().unwrap();
            frames.push(serde_json::from_str::<Value>(message.to_text().unwrap()).unwrap());
        }
        let greeting = frames[1]["data"]["last_seq"].as_u64().unwrap();
        let first =
            frames[2]["seq"].as_u64().unwrap_or_else(|| frames[2]["events"][0]["seq"].as_u64().unwrap());
        assert_eq!(first, greeting + 1);
    }
    enough.send(()).unwrap();
    teller.await.unwrap();
    let server = Arc::into_inner(server).unwrap();
    server.end().await;
}
