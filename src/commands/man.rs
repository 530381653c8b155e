//! `agentmap man`.

use std::path::Path;
use std::process::ExitCode;

use clap::CommandFactory;

use super::{Fault, Ran};
use crate::cli::Cli;

/// Writes a page for the program and for each of its commands.
pub fn write(folder: &Path) -> Ran {
    let fault = |e| Fault::new(format!("the manual pages cannot be written to {}: {e}", folder.display()));
    std::fs::create_dir_all(folder).map_err(fault)?;
    clap_mangen::generate_to(Cli::command(), folder).map_err(fault)?;
    Ok(ExitCode::SUCCESS)
}
