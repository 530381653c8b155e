//! `/api/v1/events/audit/refusals`: why operations were refused.

use std::sync::Arc;

use serde::Deserialize;
use utoipa::ToSchema;

use super::dates::EndDate;
use super::endpoint::Endpoint;
use super::error::Problem;
use super::reply::Ok200;
use super::request::Query;
use crate::App;
use crate::domain::audit_query::AuditFilter;
use crate::domain::refusals::{self, Refusals};
use crate::domain::time::Timestamp;

/// The endpoints.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/events/audit/refusals", "Why operations were refused", report)
            .describe(
                "Looks at the newest records that match and are denied or require approval, a few thousand at \
                 most; complete says whether these are all.",
            )
            .etag(),
    ]
}

/// Which records.
#[derive(Deserialize, ToSchema)]
struct RefusalQuery {
    /// First moment, inclusive.
    start_date: Option<Timestamp>,
    /// Last moment, inclusive; a date is its whole day.
    end_date: Option<EndDate>,
    /// The agent's id as told (its name, where no id was told), or the id of the registered agent.
    agent_id: Option<String>,
    agent_role: Option<String>,
    operation_type: Option<String>,
    /// How many reasons, and how many agents, to return.
    #[schema(minimum = 1, maximum = 100, default = 20)]
    limit: Option<usize>,
}

async fn report(app: Arc<App>, Query(query): Query<RefusalQuery>) -> Result<Ok200<Refusals>, Problem> {
    let filter = AuditFilter {
        agent_id: query.agent_id,
        agent_role: query.agent_role,
        operation_type: query.operation_type,
        start: query.start_date,
        end: query.end_date.map(|e| e.0),
        ..AuditFilter::default()
    };
    let limit = query.limit.unwrap_or(20);
    Ok(Ok200(app.read_many(move |tx, roster, _| refusals::refusals(tx, roster, &filter, limit)).await?))
}
