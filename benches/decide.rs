//! Decisions a second, recorded, over 64 connections and over one; and how long the hook takes as a process of its own,
//! with a server and without.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "figures for people's eyes"
)]

mod support;

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const LENGTH: Duration = Duration::from_secs(6);
const ROUNDS: usize = 3;
const HOOKS: usize = 1000;
const PROGRAM: &str = env!("CARGO_BIN_EXE_agentmap");

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("decide.redb");
    let (server, address) = serve(&data);
    let clients = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    for connections in [64, 1] {
        for _ in 0..ROUNDS {
            let ingest = clients.block_on(support::post(address, connections, LENGTH));
            let load = support::post_to(address, connections, LENGTH, "/api/v1/policy/decide", question);
            let decide = clients.block_on(load);
            println!(
                "{connections:>3} connections: events {:>6.0}/s (p50 {:.1?}, p99 {:.1?})  decisions {:>6.0}/s (p50 {:.1?}, \
                 p99 {:.1?})",
                ingest.per_second, ingest.p50, ingest.p99, decide.per_second, decide.p50, decide.p99
            );
        }
    }
    let before = r#"{"hook_event_name":"PreToolUse","session_id":"s","cwd":"/p","agent_type":"runbook-freshener","tool_name":"Read","tool_input":{"file_path":"/p/docs/a.md"}}"#;
    let after = r#"{"hook_event_name":"PostToolUse","session_id":"s","cwd":"/p","agent_type":"runbook-freshener","tool_name":"Read","duration_ms":3,"tool_input":{"file_path":"/p/docs/a.md"}}"#;
    let nothing = timed(|| {
        Command::new(PROGRAM).arg("--version").stdout(Stdio::null()).status().expect("run");
    });
    tell("the program alone, --version", nothing);
    tell("the hook, PreToolUse, server up", timed(|| hook(&data, before)));
    tell("the hook, PostToolUse, server up", timed(|| hook(&data, after)));
    end(server);
    tell("the hook, PreToolUse, no server", timed(|| hook(&data, before)));
    tell("the hook, PostToolUse, no server", timed(|| hook(&data, after)));
}

/// Four questions: an edit that is allowed, one outside the project, a command, a tool that is not allowed.
fn question(n: u64) -> String {
    let on = [
        r#""tool":"Read","path":"docs/a.md","cwd":"/p""#,
        r#""tool":"Edit","path":"../../etc/passwd","cwd":"/p""#,
        r#""tool":"Bash","command":"cargo test --workspace 2>&1 | tail -5""#,
        r#""tool":"KillShell""#,
    ][(n % 4) as usize];
    format!("{{\"agent\":\"runbook-freshener\",\"session_id\":\"s-{}\",\"estimated_tokens\":0,{on}}}", n % 50)
}

#[expect(clippy::zombie_processes, reason = "it ends with the benchmark where it does not start")]
fn serve(data: &Path) -> (Child, SocketAddr) {
    let mut server = Command::new(PROGRAM)
        .args(["serve", "--port", "0", "--seed-if-empty", "sample", "--log", "warn", "--data"])
        .arg(data)
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    let lines = BufReader::new(server.stdout.take().expect("its output")).lines();
    for line in lines.map_while(Result::ok) {
        if let Some((_, address)) = line.split_once("listens on http://") {
            return (server, address.trim().parse().expect("an address"));
        }
    }
    panic!("the server does not say where it listens");
}

fn end(mut server: Child) {
    server.kill().expect("killed");
    server.wait().expect("ended");
}

fn hook(data: &Path, event: &str) {
    let mut hook = Command::new(PROGRAM)
        .args(["hook", "--data"])
        .arg(data)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("started");
    hook.stdin.take().expect("its input").write_all(event.as_bytes()).expect("written");
    assert!(hook.wait().expect("ended").success());
}

fn timed(mut run: impl FnMut()) -> Vec<Duration> {
    (0..HOOKS)
        .map(|_| {
            let started = Instant::now();
            run();
            started.elapsed()
        })
        .collect()
}

fn tell(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 1000];
    println!(
        "{what}: median {:.1?}, p99 {:.1?}, longest {:.1?} of {}",
        at(500),
        at(990),
        at(1000),
        times.len()
    );
}
