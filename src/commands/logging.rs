//! The log: readable on a terminal, JSON on request, on standard error.

use std::io::IsTerminal;

use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::prelude::*;

use super::Fault;
use crate::config::{Config, LogFormat};

/// Starts logging.
///
/// # Errors
/// When the filter cannot be read.
pub fn start(config: &Config) -> Result<(), Fault> {
    let filter: Targets = config
        .log
        .parse()
        .map_err(|e| Fault::new(format!("log: '{}' is not a filter: {e}", config.log.escape_debug())))?;
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    let lines = match config.log_format {
        LogFormat::Text => lines.with_target(false).boxed(),
        LogFormat::Json => {
            lines.json().flatten_event(true).with_current_span(true).with_span_list(false).boxed()
        }
    };
    // A second start, as tests make, changes nothing.
    let _ = tracing_subscriber::registry().with(lines).with(filter).try_init();
    Ok(())
}
