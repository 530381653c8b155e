//! The rows of the table.

pub mod beside;
pub mod disk;
pub mod fill;
pub mod hook;
pub mod reads;
pub mod start;
pub mod stream;
pub mod writes;

/// What rows are called on the command line. Those without data, only a fleet, come first.
pub const NAMES: [&str; 15] = [
    "stream",
    "memory",
    "ingest",
    "batch",
    "metric",
    "decide",
    "list",
    "get",
    "aggregate",
    "audit",
    "stats",
    "beside",
    "start",
    "disk",
    "hook",
];
/// How many of them need no data.
pub const WITHOUT_DATA: usize = 2;
