//! `/api/v1/metrics/quality`: how good the work is.

use std::sync::Arc;

use serde::Deserialize;
use utoipa::ToSchema;

use super::endpoint::Endpoint;
use super::error::Problem;
use super::metric_stats::agent_of;
use super::reply::Ok200;
use super::request::Query;
use super::time_range::length_of;
use crate::App;
use crate::domain::quality::{self, Quality, QualityDay};
use crate::domain::time::{DAY, MINUTE};

/// The endpoints.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/metrics/quality", "Scores, grades and broken rules", report)
            .etag()
            .kept_for(MINUTE),
        Endpoint::get("/api/v1/quality/metrics", "Scores, grades and broken rules (older name)", report)
            .etag()
            .kept_for(MINUTE),
        Endpoint::get("/api/v1/metrics/quality/trends", "Scores by UTC day", trends).etag().kept_for(MINUTE),
    ]
}

/// Whose quality, over which window.
#[derive(Deserialize, ToSchema)]
struct QualityQuery {
    /// The agent's id or name.
    agent_id: Option<String>,
    /// The length of the window.
    #[schema(minimum = 1, maximum = 90, default = 7)]
    days: Option<u32>,
}

async fn report(app: Arc<App>, Query(query): Query<QualityQuery>) -> Result<Ok200<Quality>, Problem> {
    let agent = agent_of(&app, query.agent_id.as_deref());
    let days = query.days.unwrap_or(7);
    Ok(Ok200(app.read_many(move |tx, roster, now| quality::quality(tx, roster, agent, days, now)).await?))
}

/// Whose quality, over which days.
#[derive(Deserialize, ToSchema)]
struct TrendQuery {
    /// The agent's id or name.
    agent_id: Option<String>,
    /// A number and `d`, such as `7d`; 90 days at most.
    #[schema(pattern = "^[0-9]{1,6}[mhd]$", default = "7d")]
    range: Option<String>,
}

async fn trends(app: Arc<App>, Query(query): Query<TrendQuery>) -> Result<Ok200<Vec<QualityDay>>, Problem> {
    let length = length_of(query.range.as_deref().unwrap_or("7d"), "range", 90)?;
    let days = u32::try_from((length + DAY - 1) / DAY).unwrap_or(1);
    let agent = agent_of(&app, query.agent_id.as_deref());
    Ok(Ok200(app.read_many(move |tx, _, now| quality::trends(tx, agent, days, now)).await?))
}
