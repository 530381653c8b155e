//! Writes a second, durable, against the least group commit that holds as many events.

use crate::bench::{Bench, measured};
use crate::fill::Kind;
use crate::load::{BATCH, Load, Measured, Pace, Work};
use crate::process::Server;
use crate::report::{Figure, Limit, Target, Unit};

/// A row: what is written, over how many connections, and what is told of it.
struct Row {
    row: &'static str,
    name: &'static str,
    work: Work,
    /// What the limit is asked for.
    least: Work,
    connections: usize,
    unit: Unit,
    figure: fn(&Measured) -> f64,
    target: Target,
}

fn rows() -> Vec<Row> {
    let rate = |row, name, work, target| Row {
        row,
        name,
        work,
        least: Work::Events,
        connections: 64,
        unit: Unit::PerSecond,
        figure: |measured| measured.per_second,
        target,
    };
    vec![
        rate("ingest", "single events, 64 connections", Work::Events, Target::RatioAtLeast(0.8)),
        Row {
            connections: 1,
            unit: Unit::Microseconds,
            figure: |measured| measured.p50,
            ..rate("ingest", "p50 of single events, 1 connection", Work::Events, Target::RatioUnder(1.3))
        },
        Row {
            least: Work::EventBatches,
            connections: 4,
            figure: |measured| measured.per_second * BATCH as f64,
            ..rate("batch", "events, 1,000 lines a batch", Work::EventBatches, Target::AtLeast(90_000.0))
        },
        rate("metric", "single metrics, 64 connections", Work::Metrics, Target::AtLeast(25_000.0)),
        rate("decide", "decisions, 64 connections", Work::Decisions, Target::None),
    ]
}

/// Measures each row in turn with its limit.
pub fn measure(bench: &mut Bench, server: &Server, size: u64) {
    let rows: Vec<_> = rows().into_iter().filter(|row| bench.wants(row.row)).collect();
    if rows.is_empty() {
        return;
    }
    let data = bench.file("least.redb");
    let least = Server::limit("keep", Some(&data));
    bench.fill(&least, Kind::Events, size);
    for Row { row, name, work, least: least_work, connections, unit, figure, target } in rows {
        let (mut own, mut limit) = (Vec::new(), Vec::new());
        for _ in bench.rounds() {
            let run = |on: &Server, work: &Work| {
                let load: Load = bench.load(on, work.clone(), Pace::Closed, connections, 1.5);
                figure(&measured(&load))
            };
            limit.push(run(&least, &least_work));
            own.push(run(server, &work));
        }
        let limit = Some(Limit { name: "group commit", values: limit });
        bench.report.add(Figure { row, name: name.into(), size, unit, values: own, limit, target });
    }
    drop(least);
    std::fs::remove_file(data).expect("removed");
}
