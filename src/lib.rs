//! agentmap: one binary that knows every AI agent a person or team runs.
//!
//! The way of a write: [`http`] reads a request and decides ids and time, [`App::submit`] hands the command to
//! the [`store`]'s writer thread, [`domain::command::apply`] carries it out inside the thread's transaction, and
//! after the commit the roster and the live bus hear of it and the request is answered. Reads take snapshots.
//!
//! | layer | is |
//! |---|---|
//! | [`cli`], [`config`] | the command line and the settings |
//! | [`seed`] | identity files into agents |
//! | [`demo`] | a fleet at work that does not exist |
//! | [`notary`] | the key, and the checkpoint beside the data file |
//! | [`retention`] | forgetting in good time, and archives of what is forgotten |
//! | `governing` | from what an agent wishes to the question that the store decides |
//! | [`webhooks`] | telling others of alerts and approvals |
//! | [`hook`] | what agents' runtimes tell, and what they are answered |
//! | [`http`] | routes, the OpenAPI document, the stream, the dashboard |
//! | [`domain`] | records, rules, commands, queries |
//! | [`store`] | tables, indexes, the writer thread |
//! | `fuzzing` | what must hold of bytes from outside; in tests and fuzzers alone |

// A panic costs a request or, in the writer, the process: errors are values. Tests and benchmarks may.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod app;
pub mod cli;
pub mod commands;
pub mod config;
pub mod demo;
pub mod domain;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod governing;
pub mod hook;
pub mod http;
pub mod notary;
pub mod retention;
mod secret;
pub mod seed;
pub mod store;
pub mod webhooks;

pub use app::App;

/// The version, the commit of a release, and the target that this was built for.
pub const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("AGENTMAP_BUILD"), ")");
