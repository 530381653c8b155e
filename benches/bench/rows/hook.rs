//! How long the hook takes as a process of its own, with a server and without, beside a process that does nothing.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::bench::Bench;
use crate::process::{Server, command};
use crate::report::{Figure, Limit, Target, Unit};

/// How often each is run, over all rounds.
const RUNS: usize = 1000;
/// What the runtime tells the hook.
const EVENTS: &str = include_str!("../../../tests/fixtures/hooks/PreToolUse.json");

/// Measures the hook on a data file that nobody serves.
pub fn measure(bench: &mut Bench, data: &Path, size: u64) {
    if !bench.wants("hook") {
        return;
    }
    let event = event();
    let hook = || {
        let mut hook = command(["hook", "--data"])
            .arg(data)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("started");
        hook.stdin.take().expect("its input").write_all(event.as_bytes()).expect("told");
        assert!(hook.wait().expect("ended").success(), "the hook failed");
    };
    let nothing = || {
        let nothing = if cfg!(windows) { ["cmd", "/c", "exit"] } else { ["true", "", ""] };
        Command::new(nothing[0]).args(&nothing[1..]).status().expect("started");
    };
    let runs = bench.count(RUNS).div_ceil(bench.rounds().len());
    let (mut up, mut down, mut least) = (Vec::new(), Vec::new(), Vec::new());
    for _ in bench.rounds() {
        least.push(times(runs, nothing));
        down.push(times(runs, hook));
        // What was kept for the server would be handed on by the hooks that find it.
        std::fs::remove_dir_all(data.with_added_extension("spool")).expect("removed");
        let (server, _) = Server::agentmap(data);
        up.push(times(runs, hook));
        server.stop();
    }
    for (name, times) in [("server up", &up), ("no server", &down)] {
        for (quantile, at) in [("p50", 0.5), ("p99", 0.99)] {
            let figure = |times: &Vec<f64>| times[((times.len() - 1) as f64 * at) as usize];
            bench.report.add(Figure {
                row: "hook",
                name: format!("{quantile} of the hook, {name}"),
                size,
                unit: Unit::Microseconds,
                values: times.iter().map(figure).collect(),
                limit: Some(Limit { name: "true", values: least.iter().map(figure).collect() }),
                target: Target::None,
            });
        }
    }
}

/// A read inside of the project, by an agent of the fleet: nobody is asked.
fn event() -> String {
    let events: Vec<Value> = serde_json::from_str(EVENTS).expect("events");
    let mut event = events.into_iter().find(|event| event["tool_name"] == "Read").expect("a read");
    event["agent_id"] = "a81c".into();
    event["agent_type"] = "runbook-freshener".into();
    event.to_string()
}

/// How long each run took, in microseconds, the shortest first.
fn times(runs: usize, mut run: impl FnMut()) -> Vec<f64> {
    let time = |_| {
        let started = std::time::Instant::now();
        run();
        started.elapsed().as_secs_f64() * 1e6
    };
    let mut times: Vec<_> = (0..runs).map(time).collect();
    times.sort_by(f64::total_cmp);
    times
}
