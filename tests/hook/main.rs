//! The program as the hook of an agent's runtime: what it says, how it ends, and what is recorded of it.

mod approvals;
mod broken;
#[path = "../crash/client.rs"]
#[allow(dead_code, reason = "each of those who share it needs a part of it")]
mod client;
mod corpus;
mod doctor;
mod harness;
mod install;
mod offline;
#[path = "../crash/process.rs"]
#[allow(dead_code, reason = "each of those who share it needs a part of it")]
mod process;
#[path = "../support/program.rs"]
#[allow(dead_code, reason = "each of those who share it needs a part of it")]
mod program;
mod usage;
