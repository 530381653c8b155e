//! `agentmap status`.

use std::process::ExitCode;

use serde::Serialize;
use serde_json::Value;

use super::agents::read_data;
use super::{Ran, client, output, presence};
use crate::cli::JsonArg;
use crate::config::Config;
use crate::domain::event_log::StreamHead;
use crate::domain::metric_stats;
use crate::domain::metric_sums::Scope;
use crate::domain::tally::{self, Dimension};
use crate::domain::usage::DayUsage;

#[derive(Serialize)]
struct Status {
    data: String,
    data_bytes: u64,
    server: Option<Server>,
    agents: usize,
    audit_records: u64,
    metrics: u64,
    last_seq: u64,
    cost_today_usd: f64,
}

#[derive(Serialize)]
struct Server {
    url: String,
    health: Value,
}

pub async fn status(config: Config, args: JsonArg) -> Ran {
    let status = gather(&config).await?;
    if args.json {
        output::print_json(&status)?;
        return Ok(ExitCode::SUCCESS);
    }
    let server = match &status.server {
        None => "not running".to_owned(),
        Some(server) => {
            let health = server.health["status"].as_str().unwrap_or("does not say how it is");
            format!("{} ({})", server.url, output::safe(health))
        }
    };
    for (name, value) in [
        ("server", server),
        ("data", status.data.clone()),
        ("size", format!("{:.1} MiB", mebibytes(status.data_bytes))),
        ("agents", status.agents.to_string()),
        ("audit", format!("{} records", status.audit_records)),
        ("metrics", format!("{} records", status.metrics)),
        ("stream", format!("{} events so far", status.last_seq)),
        ("cost today", format!("{:.4} USD", status.cost_today_usd)),
    ] {
        output::print(&format!("{name:<11} {value}"))?;
    }
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::cast_precision_loss)]
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}

async fn gather(config: &Config) -> Result<Status, super::Fault> {
    let server = match presence::find(&config.data) {
        None => None,
        Some(note) => {
            let answer = client::request(&note, "GET", "/health", None).await;
            answer.ok().map(|(_, health)| Server { url: note.url(), health })
        }
    };
    read_data(config, |tx, roster, now| {
        Ok(Status {
            data: config.data.display().to_string(),
            data_bytes: std::fs::metadata(&config.data).map_or(0, |m| m.len()),
            server,
            agents: roster.len(),
            audit_records: tally::total(tx, Dimension::All, "")?,
            metrics: metric_stats::kept(tx, &Scope::All)?,
            last_seq: tx.get::<StreamHead>(&())?.unwrap_or_default().0,
            cost_today_usd: DayUsage::cost_of_day(tx, now.day())?,
        })
    })
}
