//! How much of the server one request, one client or all clients together may take.

use std::time::Duration;

use super::picker::Picker;
use super::{ConfigError, KIB, MIB};

/// What bounds the server's memory and patience, whoever calls and whatever they send.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The largest head of a request: its line and its headers, in bytes.
    pub header_bytes: usize,
    /// The longest query of a request, in bytes.
    pub query_bytes: usize,
    /// The largest body of a request, and of each record of a batch, in bytes.
    pub body_bytes: usize,
    /// The largest body of a batch, in bytes.
    pub batch_bytes: usize,
    /// How much of bodies is held at once, of all requests together, in bytes.
    pub bodies_bytes: usize,
    /// How deep arrays and objects may nest in JSON.
    pub json_depth: usize,
    /// How long a client may take to send the head of a request, and a connection may be idle.
    pub header_time: Duration,
    /// How long a client may take to send a body.
    pub body_time: Duration,
    /// How many connections are open at once, those of the stream among them.
    pub connections: usize,
    /// How many clients follow the stream at once.
    pub streams: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_bytes: 32 * KIB,
            query_bytes: 8 * KIB,
            body_bytes: MIB,
            batch_bytes: 16 * MIB,
            bodies_bytes: 64 * MIB,
            json_depth: 64,
            header_time: Duration::from_secs(15),
            body_time: Duration::from_mins(1),
            connections: 16_384,
            streams: 10_000,
        }
    }
}

/// What the JSON reader itself follows.
const MOST_DEPTH: usize = 100;
/// More than any machine holds.
const MOST_CONNECTIONS: usize = 1_000_000;
const MOST_TIME: Duration = Duration::from_hours(1);
/// What a semaphore counts in one step.
const MOST_BODIES: usize = 4095 * MIB;

impl Limits {
    pub(super) fn pick(pick: &mut Picker<'_>) -> Result<Self, ConfigError> {
        let default = Self::default();
        let limits = Self {
            header_bytes: pick.size(
                "max_header",
                |s| s.max_header.take(),
                default.header_bytes,
                KIB..=MIB,
            )?,
            query_bytes: pick.size("max_query", |s| s.max_query.take(), default.query_bytes, 64..=MIB)?,
            body_bytes: pick.size("max_body", |s| s.max_body.take(), default.body_bytes, 0..=1024 * MIB)?,
            batch_bytes: pick.size(
                "max_batch",
                |s| s.max_batch.take(),
                default.batch_bytes,
                0..=1024 * MIB,
            )?,
            bodies_bytes: pick.size(
                "max_bodies",
                |s| s.max_bodies.take(),
                default.bodies_bytes,
                0..=MOST_BODIES,
            )?,
            json_depth: pick.count(
                "max_json_depth",
                |s| s.max_json_depth.take(),
                default.json_depth,
                1..=MOST_DEPTH,
            )?,
            header_time: pick.time(
                "header_timeout",
                |s| s.header_timeout.take(),
                default.header_time,
                MOST_TIME,
            )?,
            body_time: pick.time("body_timeout", |s| s.body_timeout.take(), default.body_time, MOST_TIME)?,
            connections: pick.count(
                "max_connections",
                |s| s.max_connections.take(),
                default.connections,
                1..=MOST_CONNECTIONS,
            )?,
            streams: pick.count(
                "max_streams",
                |s| s.max_streams.take(),
                default.streams,
                0..=MOST_CONNECTIONS,
            )?,
        };
        if limits.bodies_bytes < limits.body_bytes.max(limits.batch_bytes) {
            let text = "max-bodies is less than one body may have: raise it, or lower max-body and max-batch";
            return Err(ConfigError(text.into()));
        }
        Ok(limits)
    }
}
