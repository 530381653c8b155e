//! `agentmap audit verify` and `agentmap audit export`.

mod data;
mod export;
mod pipeline;
mod plain;
mod range;
mod report;
mod verify;

use std::path::Path;

use super::{Fault, Ran};
use crate::cli::{AuditArgs, AuditCommand};
use crate::config::Config;

pub fn audit(config: &Config, args: &AuditArgs) -> Ran {
    match &args.command {
        AuditCommand::Verify(args) => verify::verify(config, args),
        AuditCommand::Export(args) => export::export(config, args),
    }
}

/// A small text file that the command needs.
fn read(path: &Path) -> Result<String, Fault> {
    std::fs::read_to_string(path).map_err(|e| Fault::new(format!("{} cannot be read: {e}", path.display())))
}
