//! The log: readable on a terminal, JSON on request, on standard error.

use std::io::IsTerminal;

use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::prelude::*;

use super::Fault;
use crate::config::{Config, LogFormat};

/// Starts logging on standard error.
///
/// # Errors
/// When the filter cannot be read.
pub fn start(config: &Config) -> Result<(), Fault> {
    start_on(config, std::io::stderr, std::io::stderr().is_terminal())
}

/// Starts logging into what `to` makes.
///
/// # Errors
/// When the filter cannot be read.
pub fn start_on<W>(config: &Config, to: W, colours: bool) -> Result<(), Fault>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter: Targets = config
        .log
        .parse()
        .map_err(|e| Fault::new(format!("log: '{}' is not a filter: {e}", config.log.escape_debug())))?;
    let lines = fmt::layer().with_writer(to).with_ansi(colours);
    let lines = match config.log_format {
        LogFormat::Text => lines.with_target(false).boxed(),
        LogFormat::Json => {
            lines.json().flatten_event(true).with_current_span(true).with_span_list(false).boxed()
        }
    };
    // A second start, as tests and services make, changes nothing.
    let _ = tracing_subscriber::registry().with(lines).with(filter).try_init();
    Ok(())
}
