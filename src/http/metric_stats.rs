//! Figures made of metrics: aggregates, an agent's summary, used resources.

use std::sync::Arc;

use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::agents::{UNKNOWN_AGENT, known};
use super::endpoint::Endpoint;
use super::error::Problem;
use super::reply::Ok200;
use super::request::{Path, Query};
use super::time_range::length_of;
use crate::App;
use crate::domain::agent_summary::{AgentSummary, agent_summary};
use crate::domain::metric_stats::{self, Aggregate, MetricFilter, Resources};
use crate::domain::time::DAY;

/// The endpoints.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/metrics/aggregate", "Figures over a window", aggregate).etag().kept(),
        Endpoint::get(
            "/api/v1/metrics/agent/{agent_id}/summary",
            "An agent's figures over all time",
            summary,
        )
        .etag()
        .kept()
        .problem(404, UNKNOWN_AGENT),
        resources_at("/api/v1/metrics/resources/usage", "Tokens, cost and calls over a window"),
        resources_at("/api/v1/resources/usage", "Tokens, cost and calls over a window (older name)"),
    ]
}

fn resources_at(path: &'static str, summary: &'static str) -> Endpoint {
    Endpoint::get(path, summary, resources).etag().kept()
}

/// The agent of a filter, by id or name. Metrics of deleted agents stay, so that any id will do.
pub(super) fn agent_of(app: &App, id_or_name: Option<&str>) -> Option<Uuid> {
    // What names nobody is the id of nobody.
    id_or_name.map(|text| match app.roster().resolve(text) {
        Some(agent) => agent.agent_id,
        None => Uuid::parse_str(text).unwrap_or(Uuid::nil()),
    })
}

/// Which metrics, over which window.
#[derive(Deserialize, ToSchema)]
struct AggregateQuery {
    /// The agent's id.
    agent_id: Option<String>,
    metric_type: Option<String>,
    /// The length of the window.
    #[schema(minimum = 1, maximum = 90, default = 7)]
    days: Option<u32>,
    /// The length of the window in place of `days`: a number and `m`, `h` or `d`, such as `24h`; 90 days at most.
    #[schema(pattern = "^[0-9]{1,6}[mhd]$", example = "24h")]
    period: Option<String>,
}

async fn aggregate(app: Arc<App>, Query(query): Query<AggregateQuery>) -> Result<Ok200<Aggregate>, Problem> {
    let length = match &query.period {
        Some(period) => length_of(period, "period", 90)?,
        None => DAY * i64::from(query.days.unwrap_or(7)),
    };
    let filter = MetricFilter {
        agent: agent_of(&app, query.agent_id.as_deref()),
        metric_type: query.metric_type,
        ..MetricFilter::default()
    };
    Ok(Ok200(app.read_many(move |tx, _, now| metric_stats::aggregate(tx, &filter, length, now)).await?))
}

/// Reads an agent's id.
#[derive(Deserialize, ToSchema)]
struct AgentPath {
    /// The agent's id.
    agent_id: String,
}

async fn summary(app: Arc<App>, Path(path): Path<AgentPath>) -> Result<Ok200<AgentSummary>, Problem> {
    let id = agent_of(&app, Some(&path.agent_id)).unwrap_or_default();
    let summary = app.read(|tx| agent_summary(tx, id))?;
    // Metrics of a deleted agent stay.
    if summary.total_metrics == 0 {
        known(&app, &path.agent_id)?;
    }
    Ok(Ok200(summary))
}

/// Whose resources, over which window.
#[derive(Deserialize, ToSchema)]
struct ResourceQuery {
    /// The agent's id.
    agent_id: Option<String>,
    /// The length of the window.
    #[schema(minimum = 1, maximum = 90, default = 7)]
    days: Option<u32>,
}

async fn resources(app: Arc<App>, Query(query): Query<ResourceQuery>) -> Result<Ok200<Resources>, Problem> {
    let agent = agent_of(&app, query.agent_id.as_deref());
    let days = query.days.unwrap_or(7);
    Ok(Ok200(app.read_many(move |tx, _, now| metric_stats::resources(tx, agent, days, now)).await?))
}
