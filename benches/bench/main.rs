//! `make bench`: what agentmap does in a second, how long it takes, how that grows with the data, and what a record costs
//! on disk and in memory.
//!
//! The program runs as a process of its own on a throw-away data file that is filled with 90 days of a fleet; so do the
//! generators of load and the limits, which are this same executable in another role. Each figure is measured in turn
//! with its limit, the least that could do the same, some rounds long: the ratio is what counts, machines differ.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "figures for people's eyes"
)]

mod bench;
mod dataset;
mod fan_out;
mod fill;
mod follow;
mod least;
mod load;
mod open_files;
mod process;
mod random;
mod report;
mod rows;
mod wire;

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Parser, ValueEnum};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Measures agentmap.
#[derive(Parser)]
struct Args {
    /// The rows to measure, separated by commas; all when missing.
    #[arg(long, value_delimiter = ',', value_parser = PossibleValuesParser::new(rows::NAMES))]
    rows: Vec<String>,
    /// How many metrics, and as many events, are in the data file.
    #[arg(long, value_delimiter = ',', default_value = "1000,100000,1000000")]
    sizes: Vec<u64>,
    /// Measures three rounds, and a third as long: for development.
    #[arg(long)]
    quick: bool,
    /// What this process is.
    #[arg(long, hide = true)]
    role: Option<Role>,
    /// What it works on.
    #[arg(long, hide = true)]
    file: Option<PathBuf>,
    /// What cargo passes.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Role {
    /// The limit of writes.
    Keep,
    /// The limit of reads.
    Answer,
    /// The limit of the stream.
    FanOut,
    /// A generator.
    Load,
    /// Clients of the stream.
    Follow,
    /// The one who fills.
    Fill,
}

fn main() {
    let args = Args::parse();
    let file = || args.file.clone().expect("a file");
    match args.role {
        None => bench::run(&args),
        Some(Role::Keep) => least::keep(&file()),
        Some(Role::Answer) => least::answer(std::fs::read(file()).expect("read").into()),
        Some(Role::FanOut) => fan_out::serve(),
        Some(Role::Load) => tell(|load| load::run(&load)),
        Some(Role::Follow) => tell(|follow| follow::run(&follow)),
        Some(Role::Fill) => tell(|fill| fill::run(&fill)),
    }
}

/// Does what standard input says, and tells what came of it.
fn tell<T: DeserializeOwned, U: Serialize>(run: impl FnOnce(T) -> U) {
    let work = serde_json::from_reader(std::io::stdin().lock()).expect("JSON");
    println!("{}", serde_json::to_string(&run(work)).expect("JSON"));
}
