//! Reads while others write as fast as the server lets them.

use crate::bench::{Bench, measured};
use crate::load::{Measured, Pace, Work};
use crate::process::{Generator, Server};
use crate::report::{Figure, Limit, Target, Unit};

/// How often a second is read, over how many connections.
const READS: (f64, usize) = (200.0, 8);

/// Measures reads as a dashboard asks them, alone and beside writers.
pub fn measure(bench: &mut Bench, server: &Server, size: u64) {
    if !bench.wants("beside") {
        return;
    }
    let agent = &bench.agents[0].agent_id;
    let paths = vec![
        "/api/v1/agents/?limit=100".to_owned(),
        format!("/api/v1/agents/{agent}"),
        "/api/v1/metrics/aggregate?days=90".to_owned(),
        "/api/v1/events/audit".to_owned(),
        format!("/api/v1/events/audit?agent_id={agent}"),
        "/api/v1/events/audit/stats".to_owned(),
        "/api/v1/agents/stats/summary".to_owned(),
    ];
    let (rate, connections) = READS;
    let reads = bench.load(server, Work::Paths(paths), Pace::PerSecond(rate), connections, 2.0);
    let mut writes = bench.load(server, Work::Events, Pace::Closed, 64, 2.0);
    // They write before the reads begin, and until they are done.
    writes.length += writes.warm;
    let (mut alone, mut beside, mut written) = (Vec::new(), Vec::new(), Vec::new());
    for _ in bench.rounds() {
        alone.push(measured(&reads));
        let writers = Generator::start("load", &writes);
        std::thread::sleep(writes.warm);
        beside.push(measured(&reads));
        written.push(writers.end::<Measured>().per_second);
    }
    let mut tell = |name, figure: fn(&Measured) -> f64, target| {
        bench.report.add(Figure {
            row: "beside",
            name: format!("{name} of reads while 64 connections write"),
            size,
            unit: Unit::Microseconds,
            values: beside.iter().map(figure).collect(),
            limit: Some(Limit { name: "while none does", values: alone.iter().map(figure).collect() }),
            target,
        });
    };
    tell("p50", |measured| measured.p50, Target::None);
    tell("p99", |measured| measured.p99, Target::Under(10_000.0));
    bench.report.add(Figure {
        row: "beside",
        name: "events written meanwhile".into(),
        size,
        unit: Unit::PerSecond,
        values: written,
        limit: None,
        target: Target::None,
    });
}
