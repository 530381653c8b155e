//! `/metrics`: figures for Prometheus and OpenMetrics scrapers.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use super::endpoint::Endpoint;
use super::error::Problem;
use super::reply::Document;
use crate::App;
use crate::domain::agent_view::{AgentView, Status};
use crate::domain::metric_sums::{MetricSums, Scope};
use crate::domain::rollup;
use crate::domain::tally::{self, Dimension};
use crate::domain::usage::DayUsage;

/// The endpoints.
pub fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::get("/metrics", "Figures in the text format of Prometheus", metrics)]
}

/// A family of figures: name, type, help, and the figures with their labels.
type Family = (&'static str, &'static str, &'static str, Vec<(String, f64)>);

#[expect(clippy::cast_precision_loss)]
async fn metrics(app: Arc<App>) -> Result<Document, Problem> {
    let alone = |value: f64| vec![(String::new(), value)];
    let process = [
        (
            "agentmap_uptime_seconds",
            "gauge",
            "Seconds since the server started",
            alone(app.uptime().as_secs_f64()),
        ),
        (
            "agentmap_stream_connections",
            "gauge",
            "Clients that follow the stream",
            alone(app.subscribers() as f64),
        ),
        (
            "agentmap_stream_last_seq",
            "gauge",
            "Number of the last event",
            alone(app.live().last_seq() as f64),
        ),
        (
            "agentmap_storage_up",
            "gauge",
            "Whether the last write succeeded",
            alone(f64::from(u8::from(app.storage_failure().is_none()))),
        ),
    ];
    let data: Vec<Family> = app
        .read_many(move |mut tx, roster, now| {
            let mut statuses: BTreeMap<&str, f64> = BTreeMap::new();
            for agent in roster.iter() {
                let status = AgentView::load(&mut tx, agent, now)?.status;
                *statuses.entry(label(status)).or_default() += 1.0;
            }
            let operations = tally::by_value(tx, Dimension::Decision, None)?;
            let by_decision =
                operations.into_iter().map(|(d, n)| (format!("{{decision=\"{}\"}}", escaped(&d)), n as f64));
            let sums: MetricSums = rollup::total(&mut tx, &Scope::All)?;
            let today = DayUsage::cost_of_day(tx, now.day())?;
            Ok(vec![
                (
                    "agentmap_agents",
                    "gauge",
                    "Registered agents by status",
                    statuses.into_iter().map(|(s, n)| (format!("{{status=\"{s}\"}}"), n)).collect(),
                ),
                ("agentmap_operations_total", "counter", "Audit records by decision", by_decision.collect()),
                ("agentmap_metrics_total", "counter", "Recorded metrics", alone(sums.count as f64)),
                ("agentmap_cost_usd_total", "counter", "Recorded cost in USD", alone(sums.cost_usd())),
                ("agentmap_tokens_total", "counter", "Recorded tokens", alone(sums.tokens() as f64)),
                ("agentmap_cost_today_usd", "gauge", "Cost of the UTC day in USD", alone(today)),
            ])
        })
        .await?;
    let mut text = String::new();
    for (name, kind, help, figures) in process.into_iter().chain(data) {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (labels, value) in figures {
            let _ = writeln!(text, "{name}{labels} {value}");
        }
    }
    Ok(Document {
        content_type: "text/plain; version=0.0.4; charset=utf-8",
        body: text.into(),
        headers: Vec::new(),
    })
}

fn label(status: Status) -> &'static str {
    match status {
        Status::Active => "active",
        Status::Idle => "idle",
        Status::Blocked => "blocked",
        Status::Paused => "paused",
        Status::Offline => "offline",
    }
}

/// Text as the value of a label.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
