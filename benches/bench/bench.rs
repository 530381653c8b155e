//! The course of a measurement: size by size, on data files of their own.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;

use crate::Args;
use crate::dataset::Agent;
use crate::fill::{Fill, Kind};
use crate::load::{Load, Measured, Pace, Work};
use crate::open_files;
use crate::process::{Generator, Server, program};
use crate::report::{Report, Spread};
use crate::rows;

/// Where everything is written.
const TARGET: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/bench");

/// What all rows share.
pub struct Bench {
    rows: Vec<String>,
    quick: bool,
    folder: TempDir,
    pub report: Report,
    /// The fleet, the busiest first.
    pub agents: Vec<Agent>,
}

impl Bench {
    /// Whether a row was asked for.
    pub fn wants(&self, row: &str) -> bool {
        self.rows.is_empty() || self.rows.iter().any(|wanted| wanted == row)
    }

    /// How many rounds there are.
    pub fn rounds(&self) -> std::ops::Range<usize> {
        0..if self.quick { 3 } else { 5 }
    }

    /// How long something is measured that deserves so many seconds.
    pub fn length(&self, seconds: f64) -> Duration {
        Duration::from_secs_f64(if self.quick { seconds / 3.0 } else { seconds })
    }

    /// How often something is done that deserves to be done so often.
    pub fn count(&self, count: usize) -> usize {
        if self.quick { count.div_ceil(5) } else { count }
    }

    /// A file's place.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A load on a server.
    pub fn load(&self, on: &Server, work: Work, pace: Pace, connections: usize, seconds: f64) -> Load {
        Load {
            address: on.address,
            agents: self.agents.clone(),
            work,
            pace,
            connections,
            warm: self.length(match pace {
                Pace::Closed => 0.3,
                Pace::PerSecond(_) => 0.05,
            }),
            length: self.length(seconds),
        }
    }

    /// Learns who is in the fleet.
    pub fn meet(&mut self, server: &Server) {
        let fleet = server.connect().json("/api/v1/agents/?limit=500").expect("the fleet");
        self.agents = serde_json::from_value(fleet).expect("agents");
    }

    /// Fills a server; gives how many records a second that were.
    pub fn fill(&self, server: &Server, kind: Kind, count: u64) -> f64 {
        let fill = Fill { address: server.address, agents: self.agents.clone(), kind, count };
        Generator::start("fill", &fill).end()
    }
}

/// Measures what a load comes to.
pub fn measured(load: &Load) -> Measured {
    Generator::start("load", load).end()
}

/// Measures the rows that were asked for.
pub fn run(args: &Args) {
    open_files::raise();
    fs::create_dir_all(TARGET).expect("a folder");
    // Not where temporary files are: that may be memory, and the disk is what limits.
    let folder = tempfile::tempdir_in(TARGET).expect("a folder");
    let mut bench = Bench {
        rows: args.rows.clone(),
        quick: args.quick,
        report: Report::new(machine(folder.path())),
        folder,
        agents: Vec::new(),
    };
    rows::start::idle(&mut bench);
    rows::stream::measure(&mut bench);
    let mut sizes = args.sizes.clone();
    sizes.sort_unstable();
    for size in &sizes {
        measure_at(&mut bench, *size, Some(size) == sizes.first(), Some(size) == sizes.last());
    }
    bench.report.compare_sizes();
    bench.report.end(&Path::new(TARGET).join("bench.json"));
}

/// Measures what depends on how much is in the data file; what hardly does, on the fullest alone.
fn measure_at(bench: &mut Bench, size: u64, emptiest: bool, fullest: bool) {
    if !rows::NAMES[rows::WITHOUT_DATA..].iter().any(|row| bench.wants(row)) {
        return;
    }
    println!("{size} metrics and as many events");
    let data = bench.file(&format!("{size}.redb"));
    rows::fill::measure(bench, &data, size);
    rows::start::measure(bench, &data, size);
    let (server, _) = Server::agentmap(&data);
    rows::reads::measure(bench, &server, size);
    rows::beside::measure(bench, &server, size);
    if fullest || emptiest {
        rows::writes::measure(bench, &server, size);
    }
    rows::start::under_load(bench, &server, size);
    server.stop();
    if fullest {
        rows::hook::measure(bench, &data, size);
    }
    fs::remove_file(data).expect("removed");
}

/// What it is measured on.
fn machine(folder: &Path) -> serde_json::Value {
    let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let cpu = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    json!({
        "program": program(),
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
        "cpu": cpu.trim_start_matches([' ', '\t', ':']),
        "system": read("/proc/version").split(" (").next(),
        "load": read("/proc/loadavg").split(' ').next(),
        "sync_us": sync(folder),
    })
}

/// How long the disk takes to keep 4 KiB more, in microseconds.
fn sync(folder: &Path) -> Spread {
    let mut file = File::create(folder.join("sync")).expect("made");
    let times: Vec<_> = (0..50)
        .map(|_| {
            let started = Instant::now();
            file.write_all(&[0x5a; 4096]).expect("written");
            file.sync_data().expect("kept");
            started.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    Spread::of(&times)
}
