//! `/api/v1/metrics`: recording and listing what work took, cost and was worth.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::Stream;
use serde::Deserialize;
use utoipa::ToSchema;

use super::access::check_agent;
use super::agents::UNKNOWN_AGENT;
use super::batch_report::BatchReport;
use super::dates::EndDate;
use super::endpoint::Endpoint;
use super::error::Problem;
use super::export::{self, Format};
use super::idempotency::{Replayable, Retry};
use super::json::{Batch, Json};
use super::metric_draft::MetricDraft;
use super::metric_stats::agent_of;
use super::paging::{checked_skip, log_cursor};
use super::reply::{Created, Listing, Shared, Streamed};
use super::request::Query;
use crate::App;
use crate::app::Failure;
use crate::domain::access::TokenRole;
use crate::domain::command::{Action, Outcome};
use crate::domain::idempotency::Place;
use crate::domain::log_query::Paging;
use crate::domain::metric_stats::MetricFilter;
use crate::domain::metrics::Metric;
use crate::domain::time::Timestamp;

/// The endpoints.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post("/api/v1/metrics/", "Record a metric", record)
            .describe("Stores it, moves the agent's budget and performance, and tells the stream.")
            .needs(TokenRole::Ingest)
            .problem(404, UNKNOWN_AGENT),
        Endpoint::post("/api/v1/metrics/batch", "Record many metrics", batch)
            .describe("Good ones are kept when others are bad; each bad one is told.")
            .needs(TokenRole::Ingest),
        Endpoint::get("/api/v1/metrics/", "List metrics, newest first", list).etag(),
        Endpoint::get("/api/v1/metrics/export", "All metrics that match, as CSV or NDJSON", export)
            .problem(429, "Too many exports run already"),
    ]
}

/// An outcome that is not of metrics.
fn no_metric() -> Problem {
    Failure::Broken("recording metrics gave none back".into()).into()
}

/// Carries out an action that records one metric.
///
/// # Errors
/// When it is refused or storage fails.
pub(super) async fn record_one(
    app: &App,
    action: Action,
    retry: Retry,
) -> Result<Replayable<Created<Shared<Metric>>>, Problem> {
    let (outcome, replay) = retry.submit(app, action).await?;
    let Outcome::Metrics(mut results) = outcome else { return Err(no_metric()) };
    let metric = results.pop().ok_or_else(no_metric)??;
    Ok(replay.of(Created { location: None, value: Shared(metric) }))
}

async fn record(
    app: Arc<App>,
    Json(draft): Json<MetricDraft>,
    retry: Retry,
) -> Result<Replayable<Created<Shared<Metric>>>, Problem> {
    check_agent(&app, &retry.caller, [draft.agent_id.as_str()])?;
    let own_id = draft.own_id();
    let action = Action::RecordMetrics(vec![draft.decided(app.now(), &app.prices())?]);
    let action = retry.record(Place::MetricId, own_id, action);
    record_one(&app, action, retry).await
}

async fn batch(
    app: Arc<App>,
    Batch(items): Batch<MetricDraft>,
    retry: Retry,
) -> Result<Replayable<Created<BatchReport>>, Problem> {
    let (now, prices) = (app.now(), app.prices());
    let mut report = BatchReport::default();
    let (mut indexes, mut decided) = (Vec::new(), Vec::new());
    for (index, item) in items.into_iter().enumerate() {
        let decided_on = item.and_then(|draft| {
            check_agent(&app, &retry.caller, [draft.agent_id.as_str()])?;
            Ok((draft.own_id(), draft.decided(now, &prices)?))
        });
        match decided_on {
            Ok(metric) => {
                indexes.push(index);
                decided.push(metric);
            }
            Err(problem) => report.reject(index, problem),
        }
    }
    // Records that nobody gave an id of its own are recorded as one.
    let action = if decided.iter().all(|(own_id, _)| own_id.is_none()) {
        Action::RecordMetrics(decided.into_iter().map(|(_, metric)| metric).collect())
    } else {
        let one = |metric| Action::RecordMetrics(vec![metric]);
        let actions =
            decided.into_iter().map(|(own_id, metric)| retry.record(Place::MetricId, own_id, one(metric)));
        Action::Each(actions.collect())
    };
    let (outcome, replay) = retry.submit(&app, action).await?;
    match outcome {
        Outcome::Metrics(results) => {
            let results = results.into_iter().map(|result| result.map(|_| Outcome::Done));
            report.add(indexes, results.collect());
        }
        Outcome::Each(results) => report.add(indexes, results),
        _ => return Err(no_metric()),
    }
    Ok(replay.of(Created { location: None, value: report }))
}

/// Which metrics.
#[derive(Deserialize, ToSchema)]
struct ListQuery {
    /// The agent's id.
    agent_id: Option<String>,
    metric_type: Option<String>,
    /// First moment, inclusive.
    start_date: Option<Timestamp>,
    /// Last moment, inclusive; a date is its whole day.
    end_date: Option<EndDate>,
    /// How many to leave out, at most 100000; the cursor in `Link` goes deeper.
    #[schema(minimum = 0)]
    skip: Option<u64>,
    /// How many to return.
    #[schema(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<usize>,
    /// Where to go on, from the `Link` of an earlier page.
    cursor: Option<String>,
}

async fn list(app: Arc<App>, Query(query): Query<ListQuery>) -> Result<Listing<Metric>, Problem> {
    let paging = Paging {
        skip: checked_skip(query.skip, "skip")?,
        limit: query.limit.unwrap_or(100),
        cursor: log_cursor(query.cursor.as_deref())?,
    };
    let filter = MetricFilter {
        agent: agent_of(&app, query.agent_id.as_deref()),
        metric_type: query.metric_type,
        start: query.start_date,
        end: query.end_date.map(|e| e.0),
    };
    let page = app.read_many(move |tx, _, _| filter.page(tx, paging)).await?;
    Ok(Listing { items: page.items, total: page.total, next: page.next.map(|c| c.to_string()) })
}

/// Which metrics, in which form.
#[derive(Deserialize, ToSchema)]
struct ExportQuery {
    format: Option<Format>,
    /// The agent's id.
    agent_id: Option<String>,
    metric_type: Option<String>,
    /// First moment, inclusive.
    start_date: Option<Timestamp>,
    /// Last moment, inclusive; a date is its whole day.
    end_date: Option<EndDate>,
}

async fn export(
    app: Arc<App>,
    Query(query): Query<ExportQuery>,
) -> Result<Streamed<impl Stream<Item = Result<Bytes, std::io::Error>> + Send + Sync + 'static>, Problem> {
    let filter = MetricFilter {
        agent: agent_of(&app, query.agent_id.as_deref()),
        metric_type: query.metric_type,
        start: query.start_date,
        end: query.end_date.map(|e| e.0),
    };
    let format = query.format.unwrap_or(Format::Csv);
    export::export(&app, move || filter.query(), format)
}
