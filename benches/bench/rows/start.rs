//! Start-up, from the start of the process to its first answer, and the memory that a server holds.

use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::bench::Bench;
use crate::load::{Pace, Work};
use crate::process::{Server, command};
use crate::report::{Figure, Limit, Target, Unit};

/// How long is written before the server is killed.
const WRITES: Duration = Duration::from_millis(300);

/// Measures starts after a clean end and after SIGKILL under writes, and leaves the file as a clean end does.
pub fn measure(bench: &mut Bench, data: &Path, size: u64) {
    if !bench.wants("start") {
        return;
    }
    let (mut clean, mut killed, mut alone) = (Vec::new(), Vec::new(), Vec::new());
    for _ in bench.rounds() {
        let started = Instant::now();
        command(["--version"]).stdout(Stdio::null()).status().expect("started");
        alone.push(started.elapsed().as_secs_f64() * 1e6);
        let (server, took) = Server::agentmap(data);
        clean.push(took.as_secs_f64() * 1e6);
        kill(bench, server);
        let (server, took) = Server::agentmap(data);
        killed.push(took.as_secs_f64() * 1e6);
        server.stop();
    }
    for (name, values) in [("after a clean stop", clean), ("after SIGKILL", killed)] {
        bench.report.add(Figure {
            row: "start",
            name: format!("first answer {name}"),
            size,
            unit: Unit::Microseconds,
            values,
            limit: Some(Limit { name: "--version", values: alone.clone() }),
            target: Target::Under(200_000.0),
        });
    }
}

/// Kills a server while it writes.
fn kill(bench: &Bench, server: Server) {
    let load = bench.load(&server, Work::Events, Pace::Closed, 1, 0.0);
    let request = load.work.requests(&load.agents).swap_remove(0);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            let mut connection = server.connect();
            let (request, over) = (&request, &over);
            scope.spawn(move || while connection.ask(request).is_ok() && !over.load(Ordering::Relaxed) {});
        }
        std::thread::sleep(WRITES);
        drop(server);
        over.store(true, Ordering::Relaxed);
    });
}

/// Memory with nothing but the fleet: of the server that seeded it, and of one that found it.
pub fn idle(bench: &mut Bench) {
    if !bench.wants("memory") {
        return;
    }
    let data = bench.file("idle.redb");
    let (mut seeded, mut found) = (Vec::new(), Vec::new());
    for _ in bench.rounds() {
        let _ = std::fs::remove_file(&data);
        let _ = std::fs::remove_file(bench.file("idle.redb.checkpoint"));
        for values in [&mut seeded, &mut found] {
            let (server, _) = Server::agentmap(&data);
            std::thread::sleep(Duration::from_secs(1));
            values.extend(server.memory().map(|[now, _]| now as f64));
            server.stop();
        }
    }
    for (name, values) in [("that seeded it", seeded), ("that found it", found)] {
        resident(bench, format!("resident with 207 agents, of a server {name}"), 0, values, 25e6);
    }
}

/// The most that a server held while all rows were measured.
pub fn under_load(bench: &mut Bench, server: &Server, size: u64) {
    if bench.wants("memory") {
        let values = server.memory().map(|[_, most]| most as f64).into_iter().collect();
        resident(bench, "resident at most, under load".into(), size, values, 200e6);
    }
}

fn resident(bench: &mut Bench, name: String, size: u64, values: Vec<f64>, most: f64) {
    if values.is_empty() {
        return println!("  {name}: not measured, this system does not tell");
    }
    let (row, unit, target) = ("memory", Unit::Bytes, Target::Under(most));
    bench.report.add(Figure { row, name, size, unit, values, limit: None, target });
}
