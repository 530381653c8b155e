//! The program under siege: clients that send slowly, too much, or nothing at all, while others work as always. In
//! `make test` it is a small one; `make siege` is as large as the README's table says, and tells what it measured.
#![cfg(target_os = "linux")]

mod attackers;
#[path = "../crash/process.rs"]
#[allow(dead_code, reason = "each of those who share it needs a part of it")]
mod process;
#[path = "../support/program.rs"]
#[allow(dead_code, reason = "each of those who share it needs a part of it")]
mod program;
mod workers;

use std::time::Duration;

use attackers::{Attack, Attackers};
use process::{Server, data_file};
use workers::Latencies;

/// What the server may take at most, in MiB, whatever is done to it.
const MEMORY: u64 = 300;

/// How large the siege is.
struct Scale {
    /// How many clients send a piece of a head now and then.
    slow: usize,
    /// How many clients send heads of 10 MB, bodies of 1 GB and JSON that is 100 deep, or large in memory, each.
    large: usize,
    /// How many clients follow the stream and hear nothing.
    idle: usize,
    /// How long each attack lasts.
    length: Duration,
    /// What 99 of 100 requests of those who work must stay below, where that is measured.
    p99: Option<Duration>,
}

impl Scale {
    fn chosen() -> Self {
        if std::env::var_os("AGENTMAP_SIEGE").is_some() {
            let length = Duration::from_secs(20);
            return Self { slow: 2000, large: 8, idle: 10_000, length, p99: Some(Duration::from_millis(50)) };
        }
        Self { slow: 100, large: 2, idle: 300, length: Duration::from_secs(1), p99: None }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn those_who_work_are_served_whatever_others_do() {
    let scale = Scale::chosen();
    let (_folder, data) = data_file();
    let seeded = process::run(&["seed", concat!(env!("CARGO_MANIFEST_DIR"), "/assets/identities")], &data);
    assert!(seeded.status.success(), "{}", process::text(&seeded.stderr));
    let server = Server::start(&data);
    let address = server.address;
    let Scale { slow, large, idle, length, .. } = scale;
    let mut broken = Vec::new();
    println!("{:24} {:>8} {:>10} {:>10} {:>10} {:>8}", "attack", "requests", "p50", "p99", "max", "memory");
    for (name, attacks) in [
        ("none", vec![]),
        ("slow heads", vec![Attack::SlowHeads(slow)]),
        ("10 MB heads", vec![Attack::LargeHeads(large)]),
        ("1 GB bodies", vec![Attack::LargeBodies(large)]),
        ("deep and wide JSON", vec![Attack::Json(large)]),
        ("idle streams", vec![Attack::IdleStreams(idle)]),
        (
            "all at once",
            vec![
                Attack::SlowHeads(slow),
                Attack::LargeHeads(large),
                Attack::LargeBodies(large),
                Attack::Json(large),
                Attack::IdleStreams(idle),
            ],
        ),
    ] {
        let attackers = Attackers::begin(address, &attacks).await;
        let latencies = workers::work(address, length).await;
        let memory = peak_memory(server.id());
        attackers.end(name).await;
        let Latencies { count, p50, p99, max } = latencies;
        println!("{name:24} {count:>8} {p50:>10.1?} {p99:>10.1?} {max:>10.1?} {memory:>4} MiB");
        if memory > MEMORY {
            broken.push(format!("{name}: the server took {memory} MiB"));
        }
        if scale.p99.is_some_and(|bound| p99 > bound) {
            broken.push(format!("{name}: 99 of 100 requests took up to {p99:?}"));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    let (status, _, complaints) = server.signal("-TERM");
    assert!(status.success(), "{complaints}");
    process::assert_sound(&data);
}

/// The most memory that a process has had so far, in MiB.
fn peak_memory(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}
