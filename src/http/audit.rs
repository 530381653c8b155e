//! `/api/v1/events`: reading the audit trail. Nothing here changes or deletes a record.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::audit_proof::pruned;
use super::dates::EndDate;
use super::endpoint::Endpoint;
use super::error::Problem;
use super::paging::{checked_skip, log_cursor};
use super::reply::{Listing, Ok200};
use super::request::{Path, Query};
use crate::App;
use crate::domain::audit::{AuditRecord, Decision};
use crate::domain::audit_query::AuditFilter;
use crate::domain::audit_tree::AuditAnchor;
use crate::domain::log_id::seq_of;
use crate::domain::log_query::{Page, Paging};
use crate::domain::refusal::Refusal;
use crate::domain::tally::{self, Counted, Dimension};
use crate::domain::text::UNKNOWN;
use crate::domain::time::{HOUR, Timestamp};

/// The endpoints.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/events/audit", "List the audit trail, newest first", audit).etag(),
        Endpoint::get("/api/v1/events/audit/{record}", "Read one record by its number or id", record)
            .problem(404, "There is no such record; the detail names it")
            .problem(410, "The record is no longer kept")
            .etag(),
        Endpoint::get("/api/v1/events/audit/stats", "Counts by decision, operation type and role", stats)
            .etag()
            .kept(),
        Endpoint::get("/api/v1/events/", "List the audit trail, newest first", events).etag(),
        Endpoint::get("/api/v1/agent-activity", "What agents did of late, newest first", activity).etag(),
    ]
}

/// Which records.
#[derive(Deserialize, ToSchema)]
struct AuditQuery {
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
    /// How many to leave out, at most 100000; the cursor in `Link` goes deeper.
    #[schema(minimum = 0)]
    skip: Option<u64>,
    /// How many to return.
    #[schema(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<usize>,
    /// Where to go on, from the `Link` of an earlier page.
    cursor: Option<String>,
}

async fn audit(app: Arc<App>, Query(query): Query<AuditQuery>) -> Result<Listing<AuditRecord>, Problem> {
    let paging = Paging {
        skip: checked_skip(query.skip, "skip")?,
        limit: query.limit.unwrap_or(100),
        cursor: log_cursor(query.cursor.as_deref())?,
    };
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
    let page = app.read_many(move |tx, _, _| filter.page(tx, paging)).await?;
    Ok(listing(page, |record| record))
}

fn listing<T>(page: Page<AuditRecord>, shown: impl Fn(AuditRecord) -> T) -> Listing<T> {
    Listing {
        items: page.items.into_iter().map(shown).collect(),
        total: page.total,
        next: page.next.map(|c| c.to_string()),
    }
}

/// As the audit's, with `offset` in place of `skip` and smaller pages.
#[derive(Deserialize, ToSchema)]
struct EventQuery {
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
    /// How many to leave out, at most 100000; the cursor in `Link` goes deeper.
    #[schema(minimum = 0)]
    offset: Option<u64>,
    /// How many to return.
    #[schema(minimum = 1, maximum = 500, default = 50)]
    limit: Option<usize>,
    /// Where to go on, from the `Link` of an earlier page.
    cursor: Option<String>,
}

async fn events(app: Arc<App>, Query(query): Query<EventQuery>) -> Result<Listing<AuditRecord>, Problem> {
    checked_skip(query.offset, "offset")?;
    let query = AuditQuery {
        agent_id: query.agent_id,
        operation_type: query.operation_type,
        rbac_decision: query.rbac_decision,
        agent_role: query.agent_role,
        session_id: query.session_id,
        start_date: query.start_date,
        end_date: query.end_date,
        q: query.q,
        reason: query.reason,
        skip: query.offset,
        limit: Some(query.limit.unwrap_or(50)),
        cursor: query.cursor,
    };
    audit(app, Query(query)).await
}

/// Names one record.
#[derive(Deserialize, ToSchema)]
pub struct RecordPath {
    /// The record's number, or its id.
    pub record: String,
}

impl RecordPath {
    fn id(&self) -> Option<Uuid> {
        Uuid::parse_str(&self.record).ok()
    }

    fn unknown(&self) -> Refusal {
        Refusal::NotFound { what: "audit record", id: self.record.clone() }
    }

    /// The number that the record must have.
    ///
    /// # Errors
    /// When it can be no record's.
    pub fn seq(&self) -> Result<u64, Refusal> {
        self.id().map(seq_of).or_else(|| self.record.parse().ok()).ok_or_else(|| self.unknown())
    }

    /// The record that was meant, which may be another of the same number's.
    ///
    /// # Errors
    /// When it is not the one that was named.
    pub fn the(&self, found: Option<AuditRecord>) -> Result<AuditRecord, Refusal> {
        found.filter(|r| self.id().is_none_or(|id| id == r.id())).ok_or_else(|| self.unknown())
    }
}

async fn record(app: Arc<App>, Path(path): Path<RecordPath>) -> Result<Ok200<AuditRecord>, Problem> {
    let seq = path.seq()?;
    let (record, first) = app.read(|tx| {
        Ok((tx.get::<AuditRecord>(&seq)?, tx.get::<AuditAnchor>(&())?.unwrap_or_default().first))
    })?;
    if seq < first {
        return Err(pruned(first));
    }
    Ok(Ok200(path.the(record)?))
}

/// Over which time.
#[derive(Deserialize, ToSchema)]
struct StatsQuery {
    /// First moment, inclusive.
    start_date: Option<Timestamp>,
    /// Last moment, inclusive; a date is its whole day.
    end_date: Option<EndDate>,
}

/// Counts of the audit trail.
#[derive(Serialize, ToSchema)]
struct AuditStats {
    /// The number of the first record that is kept: those before are gone, and are not counted here.
    first_seq: u64,
    total_operations: u64,
    rbac_decisions: BTreeMap<String, u64>,
    operation_types: BTreeMap<String, u64>,
    agent_roles: BTreeMap<String, u64>,
}

async fn stats(app: Arc<App>, Query(query): Query<StatsQuery>) -> Result<Ok200<AuditStats>, Problem> {
    let window = tally::window_of(query.start_date, query.end_date.map(|e| e.0));
    let stats = app
        .read_many(move |tx, _, _| {
            Ok(AuditStats {
                first_seq: tx.get::<AuditAnchor>(&())?.unwrap_or_default().first,
                total_operations: tally::of(tx, &Counted::all(), window)?,
                rbac_decisions: tally::by_value(tx, Dimension::Decision, window)?,
                operation_types: tally::by_value(tx, Dimension::Operation, window)?,
                agent_roles: tally::by_value(tx, Dimension::Role, window)?,
            })
        })
        .await?;
    Ok(Ok200(stats))
}

/// Whose activity, and how far back.
#[derive(Deserialize, ToSchema)]
struct ActivityQuery {
    /// How many to return.
    #[schema(minimum = 1, maximum = 500, default = 100)]
    limit: Option<usize>,
    /// How many to leave out, at most 100000; the cursor in `Link` goes deeper.
    #[schema(minimum = 0)]
    offset: Option<u64>,
    /// The agent's id as told (its name, where no id was told), or the id of the registered agent.
    agent_id: Option<String>,
    /// How far back.
    #[schema(minimum = 1, maximum = 168, default = 24)]
    hours: Option<u32>,
    /// Where to go on, from the `Link` of an earlier page.
    cursor: Option<String>,
}

/// Something that an agent did.
#[derive(Serialize, ToSchema)]
struct Activity {
    activity_id: Uuid,
    agent_id: String,
    agent_name: String,
    operation_type: String,
    operation_detail: String,
    rbac_decision: Decision,
    timestamp: Timestamp,
    cost_usd: f64,
    tokens_used: u64,
}

async fn activity(app: Arc<App>, Query(query): Query<ActivityQuery>) -> Result<Listing<Activity>, Problem> {
    let paging = Paging {
        skip: checked_skip(query.offset, "offset")?,
        limit: query.limit.unwrap_or(100),
        cursor: log_cursor(query.cursor.as_deref())?,
    };
    let hours = i64::from(query.hours.unwrap_or(24));
    let agent_id = query.agent_id;
    let page = app
        .read_many(move |tx, _, now| {
            let start = Some(now.plus(-HOUR * hours));
            AuditFilter { agent_id, start, ..AuditFilter::default() }.page(tx, paging)
        })
        .await?;
    let or_unknown = |text: &Option<String>| text.clone().unwrap_or_else(|| UNKNOWN.into());
    Ok(listing(page, |record| Activity {
        activity_id: record.id(),
        agent_id: or_unknown(&record.told.agent_id),
        agent_name: or_unknown(&record.told.agent_name),
        operation_type: or_unknown(&record.told.operation_type),
        operation_detail: or_unknown(&record.told.operation_detail),
        rbac_decision: record.told.decision,
        timestamp: record.told.timestamp,
        cost_usd: record.told.cost_usd,
        tokens_used: record.told.tokens_used,
    }))
}
