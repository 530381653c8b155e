//! `agentmap config`.

use std::process::ExitCode;

use super::{Ran, output};
use crate::cli::JsonArg;
use crate::config::Config;

pub fn show(config: &Config, args: &JsonArg) -> Ran {
    if args.json {
        output::print_json(&config.origins)?;
    } else {
        let rows = config.origins.iter();
        let rows: Vec<_> =
            rows.map(|s| vec![s.name.replace('_', "-"), s.value.clone(), s.source.clone()]).collect();
        output::print(&output::table(&["SETTING", "VALUE", "FROM"], &rows))?;
    }
    Ok(ExitCode::SUCCESS)
}
