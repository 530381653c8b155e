//! `agentmap check`.

use std::process::ExitCode;

use super::agents::read_data;
use super::{Ran, output};
use crate::cli::JsonArg;
use crate::config::Config;
use crate::domain::check;

pub fn check(config: &Config, args: &JsonArg) -> Ran {
    let report = read_data(config, |tx, _, _| check::check(tx))?;
    if args.json {
        output::print_json(&report)?;
    } else {
        output::print(&format!(
            "{} agents, {} metrics, {} audit records, {} events; {} index entries and {} counters compared",
            report.agents,
            report.metrics,
            report.audit_records,
            report.events,
            report.index_entries,
            report.counters
        ))?;
        for problem in &report.problems {
            output::print(&format!("  {problem}"))?;
        }
        let verdict = if report.problems.is_empty() {
            "All of it agrees.".to_owned()
        } else {
            format!(
                "{} things do not agree. Keep a copy of the file before you go on with it.",
                report.problems.len()
            )
        };
        output::print(&verdict)?;
    }
    Ok(if report.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
