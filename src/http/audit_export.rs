//! `/api/v1/events/audit/export`: the audit trail as a file.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::Stream;
use serde::Deserialize;
use utoipa::ToSchema;

use super::dates::EndDate;
use super::endpoint::Endpoint;
use super::error::Problem;
use super::export::{self, Format};
use super::reply::Streamed;
use super::request::Query;
use crate::App;
use crate::domain::audit::Decision;
use crate::domain::audit_query::AuditFilter;
use crate::domain::time::Timestamp;

/// The endpoints.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get(
            "/api/v1/events/audit/export",
            "All audit records that match, as CSV or NDJSON",
            export,
        )
        .problem(429, "Too many exports run already"),
    ]
}

/// Which records, in which form.
#[derive(Deserialize, ToSchema)]
struct AuditExportQuery {
    format: Option<Format>,
    /// The agent's id as told (its name, where no id was told), or the id of the registered agent.
    agent_id: Option<String>,
    operation_type: Option<String>,
    rbac_decision: Option<Decision>,
    agent_role: Option<String>,
    session_id: Option<String>,
    /// First moment, inclusive.
    start_date: Option<Timestamp>,
    /// Last moment, inclusive; a date is its whole day.
    end_date: Option<EndDate>,
    /// Text in any member.
    q: Option<String>,
    /// The whole reason, exactly.
    #[schema(max_length = 4096)]
    reason: Option<String>,
}

async fn export(
    app: Arc<App>,
    Query(query): Query<AuditExportQuery>,
) -> Result<Streamed<impl Stream<Item = Result<Bytes, std::io::Error>> + Send + Sync + 'static>, Problem> {
    let filter = AuditFilter {
        agent_id: query.agent_id,
        operation_type: query.operation_type,
        decision: query.rbac_decision,
        agent_role: query.agent_role,
        session_id: query.session_id,
        start: query.start_date,
        end: query.end_date.map(|e| e.0),
        q: query.q,
        reason: query.reason,
    };
    export::export(&app, move || filter.query(), query.format.unwrap_or(Format::Csv))
}
