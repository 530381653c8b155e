//! `agentmap compact`.

use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;
use serde_json::json;

use super::{Fault, Ran, explain, output, record};
use crate::app::SCHEMA;
use crate::cli::JsonArg;
use crate::config::Config;
use crate::domain::admin::Act;
use crate::store;

#[derive(Serialize)]
struct Compacted {
    data: String,
    bytes_before: u64,
    bytes_after: u64,
}

pub fn compact(config: &Config, args: &JsonArg) -> Ran {
    let data = config.data.display().to_string();
    let bytes_before = size(&config.data)?;
    store::compact(&config.data, config.cache_bytes, &SCHEMA).map_err(|e| explain(&config.data, &e))?;
    let context = json!({"bytes_before": bytes_before, "bytes_after": size(&config.data)?});
    record::done(config, Act::new("data_compacted").with(&context));
    let bytes_after = size(&config.data)?;
    if args.json {
        output::print_json(&Compacted { data, bytes_before, bytes_after })?;
    } else {
        output::print(&format!("{data}: {bytes_before} bytes before, {bytes_after} bytes now"))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn size(data: &Path) -> Result<u64, Fault> {
    let size = std::fs::metadata(data).map(|file| file.len());
    size.map_err(|e| Fault::new(format!("the data file {} cannot be read: {e}", data.display())))
}
