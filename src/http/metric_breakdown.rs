//! `/api/v1/metrics/breakdown`: who or what used how much.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::endpoint::Endpoint;
use super::error::Problem;
use super::reply::Ok200;
use super::request::Query;
use crate::App;
use crate::domain::metric_breakdown::{self, Breakdown, By, Wanted};
use crate::domain::rollup::StepLength;
use crate::domain::time::MINUTE;

/// The endpoints.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/metrics/breakdown", "Who or what used how much", breakdown)
            .describe(
                "Over the last 24 hours, or the last 7, 30 or 90 UTC days, the running one included, beside the \
                 window of equal length before.",
            )
            .etag().kept_for(MINUTE),
    ]
}

/// The window of a breakdown.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
enum BreakdownPeriod {
    #[serde(rename = "24h")]
    Day,
    #[serde(rename = "7d")]
    Week,
    #[serde(rename = "30d")]
    Month,
    #[serde(rename = "90d")]
    Quarter,
}

/// What is told apart, over which window.
#[derive(Deserialize, ToSchema)]
struct BreakdownQuery {
    /// What is told apart; without it agents.
    by: Option<By>,
    /// The window; without it `7d`.
    period: Option<BreakdownPeriod>,
    /// How many groups have a series of their own.
    #[schema(minimum = 1, maximum = 12, default = 8)]
    top: Option<usize>,
    /// How many groups to return.
    #[schema(minimum = 1, maximum = 1000, default = 200)]
    limit: Option<usize>,
}

async fn breakdown(app: Arc<App>, Query(query): Query<BreakdownQuery>) -> Result<Ok200<Breakdown>, Problem> {
    let (step, steps) = match query.period.unwrap_or(BreakdownPeriod::Week) {
        BreakdownPeriod::Day => (StepLength::Hour, 24),
        BreakdownPeriod::Week => (StepLength::Day, 7),
        BreakdownPeriod::Month => (StepLength::Day, 30),
        BreakdownPeriod::Quarter => (StepLength::Day, 90),
    };
    let wanted = Wanted {
        by: query.by.unwrap_or(By::Agent),
        step,
        steps,
        top: query.top.unwrap_or(8),
        limit: query.limit.unwrap_or(200),
    };
    let read = app.read_many(move |tx, roster, now| metric_breakdown::breakdown(tx, roster, wanted, now));
    Ok(Ok200(read.await?))
}
