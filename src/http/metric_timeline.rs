//! `/api/v1/metrics/timeline`: metrics over time.

use std::sync::Arc;

use serde::Deserialize;
use utoipa::ToSchema;

use super::dates::EndDate;
use super::endpoint::Endpoint;
use super::error::Problem;
use super::metric_stats::agent_of;
use super::reply::Ok200;
use super::request::Query;
use super::time_range::AskedRange;
use crate::App;
use crate::domain::metric_sums::Scope;
use crate::domain::metric_timeline::{self, MetricTimeline};
use crate::domain::rollup::StepLength;
use crate::domain::time::Timestamp;

/// The endpoints.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/metrics/timeline", "Metrics over time, step by step", timeline)
            .describe("Without a step it is minute up to 3 hours, hour up to 4 days, else day.")
            .etag()
            .kept(),
    ]
}

/// Which metrics, over which range.
#[derive(Deserialize, ToSchema)]
struct TimelineQuery {
    /// The agent's id or name.
    agent_id: Option<String>,
    metric_type: Option<String>,
    /// The length of the range, up to `end_date`, without it now: a number and `m`, `h` or `d`; 90 days at most.
    #[schema(pattern = "^[0-9]{1,6}[mhd]$", default = "24h")]
    period: Option<String>,
    /// First moment, inclusive; goes before the period.
    start_date: Option<Timestamp>,
    /// Last moment, inclusive; a date is its whole day.
    end_date: Option<EndDate>,
    /// `minute` is for up to 6 hours, `hour` for up to 31 days.
    step: Option<StepLength>,
}

async fn timeline(
    app: Arc<App>,
    Query(query): Query<TimelineQuery>,
) -> Result<Ok200<MetricTimeline>, Problem> {
    let TimelineQuery { period, start_date, end_date, step, .. } = query;
    let range = AskedRange { period, start_date, end_date, step }.in_steps(&app)?;
    let scope = Scope::of(agent_of(&app, query.agent_id.as_deref()), query.metric_type.as_deref());
    Ok(Ok200(app.read_many(move |tx, _, _| metric_timeline::timeline(tx, &scope, range)).await?))
}
