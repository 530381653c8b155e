//! Filling a server with a fleet's 90 days, by batches of events and metrics; a process of its own.

use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::dataset::{Agent, Dataset};
use crate::load::BATCH;
use crate::wire::{self, Connection};

/// What is recorded.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// By lines of JSON.
    Metrics,
    /// By arrays.
    Events,
}

/// What is filled with how much.
#[derive(Serialize, Deserialize)]
pub struct Fill {
    pub address: SocketAddr,
    pub agents: Vec<Agent>,
    pub kind: Kind,
    pub count: u64,
}

/// Fills; gives how many records a second that were.
pub fn run(fill: &Fill) -> f64 {
    let started = Instant::now();
    std::thread::scope(|scope| {
        let (sender, batches) = sync_channel(4);
        scope.spawn(move || send(fill.address, &batches));
        // Both kinds tell of the same steps.
        let mut steps = Dataset::new(fill.count, fill.agents.len(), 1);
        let mut left = fill.count;
        while left > 0 {
            let size = left.min(BATCH as u64);
            left -= size;
            sender.send((size, fill.batch(size, &mut steps))).expect("the sender lives");
        }
    });
    fill.count as f64 / started.elapsed().as_secs_f64()
}

impl Fill {
    /// The request with the next steps.
    fn batch(&self, size: u64, steps: &mut Dataset) -> Vec<u8> {
        let mut body = String::with_capacity(512 * BATCH);
        for n in 0..size {
            match self.kind {
                Kind::Metrics => {
                    steps.step().metric(&self.agents, &mut body);
                    body.push('\n');
                }
                Kind::Events => {
                    body.push(if n > 0 { ',' } else { '[' });
                    steps.step().event(&self.agents, &mut body);
                }
            }
        }
        match self.kind {
            Kind::Metrics => wire::post("/api/v1/metrics/batch", "application/x-ndjson", &body),
            Kind::Events => {
                body.push(']');
                wire::post("/api/v1/events/ingest/batch", "application/json", &body)
            }
        }
    }
}

fn send(address: SocketAddr, batches: &Receiver<(u64, Vec<u8>)>) {
    let mut connection = Connection::open(address).expect("connected");
    while let Ok((size, batch)) = batches.recv() {
        let answer = connection.ask(&batch).expect("answered");
        let report: serde_json::Value = serde_json::from_slice(connection.body(answer)).expect("JSON");
        assert!(report["accepted"] == size, "not all was accepted: {report}");
    }
}
