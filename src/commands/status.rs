//! `agentmap status`.

use std::process::ExitCode;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::agents::read_data;
use super::{Ran, client, output, presence};
use crate::app::system_clock;
use crate::cli::JsonArg;
use crate::config::Config;
use crate::domain::event_log::StreamHead;
use crate::domain::kept_logs::KeptLogs;
use crate::domain::metric_stats;
use crate::domain::metric_sums::Scope;
use crate::domain::tally::{self, Counted};
use crate::domain::time::{DAY, HOUR, Timestamp};
use crate::domain::usage::DayUsage;
use crate::retention::Periods;

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
    kept: KeptLogs,
    /// What the server is set to, else what one would be that starts now.
    retention: Periods,
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
        ("kept", kept_in_words(&status.kept, system_clock()())),
        ("retention", retention_in_words(&status)),
    ] {
        output::print(&format!("{name:<11} {value}"))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn kept_in_words(kept: &KeptLogs, now: Timestamp) -> String {
    let age = |at: Option<Timestamp>| match at.map(|at| now.0.saturating_sub(at.0)) {
        None => "none".to_owned(),
        Some(age) if age >= 2 * DAY => format!("{} days", age / DAY),
        Some(age) => format!("{} hours", (age / HOUR).max(0)),
    };
    format!(
        "audit records from number {} ({}), metrics ({})",
        kept.first_audit_seq,
        age(kept.oldest_audit_at),
        age(kept.oldest_metric_at)
    )
}

fn retention_in_words(status: &Status) -> String {
    let period = |period: &Option<String>| period.as_deref().map_or_else(|| "for ever".into(), output::safe);
    let Periods { audit, metrics, activity } = &status.retention;
    let last = status.kept.last_retention_at.map_or_else(|| "never".into(), |at| at.to_string());
    let [audit, metrics, activity] = [audit, metrics, activity].map(period);
    format!("audit {audit}, metrics {metrics}, activity {activity}; last run {last}")
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
    let told = server.as_ref().and_then(|server| Periods::deserialize(&server.health["retention"]).ok());
    let retention = told.unwrap_or_else(|| Periods::of(config));
    read_data(config, |tx, roster, now| {
        Ok(Status {
            data: config.data.display().to_string(),
            data_bytes: std::fs::metadata(&config.data).map_or(0, |m| m.len()),
            server,
            agents: roster.len(),
            audit_records: tally::of(tx, &Counted::all(), None)?,
            metrics: metric_stats::kept(tx, &Scope::All)?,
            last_seq: tx.get::<StreamHead>(&())?.unwrap_or_default().0,
            cost_today_usd: DayUsage::cost_of_day(tx, now.day())?,
            kept: KeptLogs::read(tx)?,
            retention,
        })
    })
}
