//! `/api/v1/events/audit/timeline`: the audit trail over time.

use std::sync::Arc;

use serde::Deserialize;
use utoipa::ToSchema;

use super::dates::EndDate;
use super::endpoint::Endpoint;
use super::error::Problem;
use super::reply::Ok200;
use super::request::Query;
use super::time_range::AskedRange;
use crate::App;
use crate::domain::audit::Decision;
use crate::domain::audit_timeline::{self, AuditTimeline};
use crate::domain::rollup::StepLength;
use crate::domain::tally::{Counted, Dimension};
use crate::domain::time::Timestamp;

/// The endpoints.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/events/audit/timeline", "The audit trail over time, step by step", timeline)
            .describe(
                "Takes one of operation_type, rbac_decision and agent_role. \
                 Without a step it is minute up to 3 hours, hour up to 4 days, else day.",
            )
            .etag()
            .kept(),
    ]
}

/// Which records, over which range.
#[derive(Deserialize, ToSchema)]
struct TimelineQuery {
    operation_type: Option<String>,
    rbac_decision: Option<Decision>,
    agent_role: Option<String>,
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
) -> Result<Ok200<AuditTimeline>, Problem> {
    let decision = query.rbac_decision.map(|decision| decision.as_str().to_owned());
    let filters = [
        ("operation_type", Dimension::Operation, query.operation_type),
        ("rbac_decision", Dimension::Decision, decision),
        ("agent_role", Dimension::Role, query.agent_role),
    ];
    let mut given =
        filters.into_iter().filter_map(|(name, dimension, value)| Some((name, Counted(dimension, value?))));
    let filter = given.next();
    if let (Some((first, _)), Some((second, _))) = (&filter, given.next()) {
        let msg = format!("cannot be combined with {first}: the counts are kept by one of them at a time");
        return Err(Problem::bad_parameter(second, "value", &msg));
    }
    let filter = filter.map(|(_, counted)| counted);
    let TimelineQuery { period, start_date, end_date, step, .. } = query;
    let range = AskedRange { period, start_date, end_date, step }.in_steps(&app)?;
    Ok(Ok200(app.read_many(move |tx, _, _| audit_timeline::timeline(tx, filter, range)).await?))
}
