//! The live stream: a thousand clients that all get every event, and ten thousand that hear nothing.

use std::time::{Duration, Instant};

use crate::bench::Bench;
use crate::follow::{Follow, Followed};
use crate::open_files;
use crate::process::{Generator, Server};
use crate::report::{Figure, Limit, Target, Unit};

const CLIENTS: usize = 1000;
const PER_SECOND: f64 = 200.0;
const IDLE: usize = 10_000;
/// Files that are open besides the clients' sockets.
const OTHERS: usize = 200;

/// Measures both, each on a server with nothing but the fleet.
pub fn measure(bench: &mut Bench) {
    if !bench.wants("stream") {
        return;
    }
    let most = open_files::raise().map_or(usize::MAX, |limit| limit as usize).saturating_sub(OTHERS);
    let data = bench.file("stream.redb");
    let (server, _) = Server::agentmap(&data);
    fan_out(bench, &server, CLIENTS.min(most));
    drop(server);
    let (server, _) = Server::agentmap(&data);
    idle(bench, &server, IDLE.min(most));
    if most < IDLE {
        println!("  The system lets {most} clients follow, not {IDLE}: raise `ulimit -Hn`.");
    }
}

fn fan_out(bench: &mut Bench, server: &Server, clients: usize) {
    let events = (bench.length(4.0).as_secs_f64() * PER_SECOND) as u64;
    let (mut own, mut missing, mut least) = (Vec::new(), Vec::new(), Vec::new());
    let limit = Server::limit("fan-out", None);
    for _ in bench.rounds() {
        let follow = |on: &Server, padded: usize| -> Followed {
            let (address, per_second, stay) = (on.address, PER_SECOND, Duration::ZERO);
            Generator::start("follow", &Follow { address, clients, events, per_second, padded, stay }).end()
        };
        let followed = follow(server, 0);
        own.push(followed.latency.p99);
        missing.push(followed.missing as f64);
        least.push(follow(&limit, followed.bytes).latency.p99);
    }
    let name = format!("{clients} clients, {PER_SECOND} events/s");
    bench.report.add(Figure {
        row: "stream",
        name: format!("p99 to {name}"),
        size: 0,
        unit: Unit::Microseconds,
        values: own,
        limit: Some(Limit { name: "raw fan-out", values: least }),
        target: Target::Under(100_000.0),
    });
    bench.report.add(Figure {
        row: "stream",
        name: format!("events that did not arrive, {name}"),
        size: 0,
        unit: Unit::Count,
        values: missing,
        limit: None,
        target: Target::Under(1.0),
    });
}

fn idle(bench: &mut Bench, server: &Server, clients: usize) {
    let follow = Follow {
        address: server.address,
        clients,
        events: 0,
        per_second: 1.0,
        padded: 0,
        stay: Duration::from_secs(8),
    };
    let before = server.memory();
    let followers = Generator::start("follow", &follow);
    let mut connection = server.connect();
    let until = Instant::now() + Duration::from_mins(1);
    let here = |health: &serde_json::Value| health["active_connections"] == clients;
    while !here(&connection.json("/api/v1/websocket/health").expect("health")) {
        assert!(Instant::now() < until, "the clients do not come");
        std::thread::sleep(Duration::from_millis(20));
    }
    let with = server.memory();
    followers.end::<Followed>();
    let (Some([before, _]), Some([with, _])) = (before, with) else { return };
    bench.report.add(Figure {
        row: "stream",
        name: format!("resident with {clients} idle clients"),
        size: 0,
        unit: Unit::Bytes,
        values: vec![with as f64],
        limit: Some(Limit { name: "without", values: vec![before as f64] }),
        target: Target::Under(200e6),
    });
}
