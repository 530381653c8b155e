//! The log: readable on a terminal, JSON on request, on standard error.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use super::Fault;
use crate::config::{Config, LogFormat};

/// Starts logging.
///
/// # Errors
/// When the filter cannot be read.
pub fn start(config: &Config) -> Result<(), Fault> {
    let filter = EnvFilter::try_new(&config.log)
        .map_err(|e| Fault::new(format!("log: '{}' is not a filter: {e}", config.log.escape_debug())))?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    // A second start, as tests make, changes nothing.
    let _ = match config.log_format {
        LogFormat::Text => log.with_target(false).try_init(),
        LogFormat::Json => {
            log.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init()
        }
    };
    Ok(())
}
