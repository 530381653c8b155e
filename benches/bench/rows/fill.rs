//! What filling comes to: batches of metrics as lines, of events as arrays, over one connection, back in time.

use std::ops::RangeInclusive;
use std::path::Path;

use super::disk::Disk;
use crate::bench::Bench;
use crate::fill::Kind;
use crate::process::Server;
use crate::report::{Figure, Target, Unit};

/// With how many records the file is taken apart: fewer hide behind what is there anyway, and of more it would be copied.
const DISK: RangeInclusive<u64> = 10_000..=1_000_000;

/// Fills a data file with so many metrics, and as many events, and leaves it as a server does that ends.
pub fn measure(bench: &mut Bench, data: &Path, size: u64) {
    let (server, _) = Server::agentmap(data);
    bench.meet(&server);
    server.stop();
    let mut disk = (bench.wants("disk") && DISK.contains(&size)).then(|| Disk::seeded(bench, data));
    for (kind, name) in [(Kind::Metrics, "metrics"), (Kind::Events, "events")] {
        let (server, _) = Server::agentmap(data);
        let rate = bench.fill(&server, kind, size);
        server.stop();
        bench.report.add(Figure {
            row: "batch",
            name: format!("{name}, filling by batches of 1,000"),
            size,
            unit: Unit::PerSecond,
            values: vec![rate],
            limit: None,
            target: Target::None,
        });
        if let (Kind::Metrics, Some(disk)) = (kind, &mut disk) {
            disk.filled_with_metrics(bench, data);
        }
    }
    if let Some(disk) = disk {
        disk.filled(bench, data, size);
    }
}
