//! `agentmap completions`.

use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::{Shell, generate};

use super::{Ran, output};
use crate::cli::Cli;

pub fn print(shell: Shell) -> Ran {
    let mut script = Vec::new();
    generate(shell, &mut Cli::command(), "agentmap", &mut script);
    output::print(String::from_utf8_lossy(&script).trim_end())?;
    Ok(ExitCode::SUCCESS)
}
