//! `/api/v1/metrics`: recording and listing what work took, cost and was worth.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::Stream;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::agents::UNKNOWN_AGENT;
use super::dates::EndDate;
use super::endpoint::Endpoint;
use super::error::{Problem, status_of};
use super::export::{self, Format};
use super::metric_stats::agent_of;
use super::paging::{checked_skip, log_cursor};
use super::reply::{Created, Listing, Shared, Streamed};
use super::request::{Batch, Json, Query};
use crate::App;
use crate::app::{Failure, nonce};
use crate::domain::command::{Action, Outcome};
use crate::domain::log_query::Paging;
use crate::domain::metric_stats::MetricFilter;
use crate::domain::metrics::{Measures, Metric, NewMetric};
use crate::domain::refusal::Refusal;
use crate::domain::text::JsonText;
use crate::domain::time::Timestamp;

/// The endpoints.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post("/api/v1/metrics/", "Record a metric", record)
            .describe("Stores it, moves the agent's budget and performance, and tells the stream.")
            .problem(404, UNKNOWN_AGENT),
        Endpoint::post("/api/v1/metrics/batch", "Record many metrics", batch)
            .describe("Good ones are kept when others are bad; each bad one is told."),
        Endpoint::get("/api/v1/metrics/", "List metrics, newest first", list).etag(),
        Endpoint::get("/api/v1/metrics/export", "All metrics that match, as CSV or NDJSON", export)
            .problem(429, "Too many exports run already"),
    ]
}

/// A metric, as a client sends it.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = NewMetric, example = json!({
    "agent_id": "coder", "metric_type": "execution", "execution_time_ms": 340, "success": true, "tokens_used": 1200,
    "cost_usd": 0.0123, "session_id": "s-1"
}))]
#[serde(deny_unknown_fields)]
struct MetricDraft {
    /// The agent's id, or its name.
    #[schema(min_length = 1, max_length = 128)]
    agent_id: String,
    /// `execution`, `cost`, `quality`, `task_completion`, or a name of your own.
    #[schema(min_length = 1, max_length = 64)]
    metric_type: String,
    /// How long it took, in ms.
    #[schema(minimum = 0, maximum = 1e12)]
    execution_time_ms: Option<f64>,
    /// Whether it worked.
    success: Option<bool>,
    /// Tokens, in and out.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_000_u64)]
    tokens_used: Option<u64>,
    /// Calls to a model or service.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_000_u64)]
    api_calls: Option<u64>,
    /// What it cost, in USD.
    #[schema(minimum = 0, maximum = 1e9)]
    cost_usd: Option<f64>,
    /// How good the result is.
    #[schema(minimum = 0, maximum = 1)]
    quality_score: Option<f64>,
    /// Rules that the code breaks.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_000_u64)]
    code_violations: Option<u64>,
    /// Tasks done.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_000_u64)]
    tasks_completed: Option<u64>,
    /// Tasks given up.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_000_u64)]
    tasks_failed: Option<u64>,
    /// Whatever you want kept with it, at most 64 KiB.
    #[schema(value_type = Option<Object>)]
    context: Option<Map<String, Value>>,
    /// The session it belongs to.
    #[schema(max_length = 4096)]
    session_id: Option<String>,
    /// When it was measured; now when missing. At most 5 minutes ahead.
    recorded_at: Option<Timestamp>,
}

/// How many bytes a context may have.
const MAX_CONTEXT: usize = 64 * 1024;

/// A context as it is stored.
///
/// # Errors
/// When it is too large.
pub(super) fn checked_context(context: Map<String, Value>) -> Result<JsonText, Refusal> {
    let text = Value::Object(context).to_string();
    if text.len() > MAX_CONTEXT {
        return Err(Refusal::TooLarge(format!(
            "context is {} bytes; at most {MAX_CONTEXT} are kept.",
            text.len()
        )));
    }
    Ok(JsonText(text))
}

impl MetricDraft {
    fn decided(self, now: Timestamp) -> Result<NewMetric, Refusal> {
        Ok(NewMetric {
            agent: self.agent_id,
            metric_type: self.metric_type,
            measures: Measures {
                execution_time_ms: self.execution_time_ms,
                success: self.success,
                tokens_used: self.tokens_used,
                api_calls: self.api_calls,
                cost_usd: self.cost_usd,
                quality_score: self.quality_score,
                code_violations: self.code_violations,
                tasks_completed: self.tasks_completed,
                tasks_failed: self.tasks_failed,
            },
            context: self.context.map(checked_context).transpose()?,
            session_id: self.session_id,
            recorded_at: self.recorded_at.unwrap_or(now),
            nonce: nonce(),
        })
    }
}

/// Records metrics and gives one result for each back.
async fn submit(app: &App, metrics: Vec<NewMetric>) -> Result<Vec<Result<Arc<Metric>, Refusal>>, Problem> {
    match app.submit(Action::RecordMetrics(metrics)).await? {
        Outcome::Metrics(results) => Ok(results),
        _ => Err(Failure::Broken("recording metrics gave none back".into()).into()),
    }
}

/// Records one metric.
///
/// # Errors
/// When it is refused or storage fails.
pub(super) async fn record_one(app: &App, metric: NewMetric) -> Result<Created<Shared<Metric>>, Problem> {
    let result = submit(app, vec![metric]).await?.pop();
    let metric = result.ok_or_else(|| Failure::Broken("recording a metric gave none back".into()))??;
    Ok(Created { location: None, value: Shared(metric) })
}

async fn record(app: Arc<App>, Json(draft): Json<MetricDraft>) -> Result<Created<Shared<Metric>>, Problem> {
    let metric = draft.decided(app.now())?;
    record_one(&app, metric).await
}

/// What became of a batch.
#[derive(Serialize, ToSchema)]
pub(super) struct BatchReport {
    /// How many were kept.
    pub accepted: usize,
    /// Those that were not.
    pub rejected: Vec<RejectedItem>,
}

/// An item of a batch that was not kept.
#[derive(Serialize, ToSchema)]
pub(super) struct RejectedItem {
    /// Its place in the batch, from 0.
    pub index: usize,
    /// The status that it would have had alone.
    pub status: u16,
    /// Why.
    pub detail: String,
}

impl RejectedItem {
    /// An item with the problem it has.
    pub(super) fn new(index: usize, problem: Problem) -> Self {
        Self { index, status: problem.status.as_u16(), detail: problem.detail }
    }
}

async fn batch(app: Arc<App>, Batch(items): Batch<MetricDraft>) -> Result<Created<BatchReport>, Problem> {
    let now = app.now();
    let mut rejected = Vec::new();
    let (mut indexes, mut metrics) = (Vec::new(), Vec::new());
    for (index, item) in items.into_iter().enumerate() {
        match item.and_then(|draft| Ok(draft.decided(now)?)) {
            Ok(metric) => {
                indexes.push(index);
                metrics.push(metric);
            }
            Err(problem) => rejected.push(RejectedItem::new(index, problem)),
        }
    }
    let mut accepted = 0;
    for (index, result) in indexes.into_iter().zip(submit(&app, metrics).await?) {
        match result {
            Ok(_) => accepted += 1,
            Err(refusal) => rejected.push(RejectedItem {
                index,
                status: status_of(&refusal).as_u16(),
                detail: refusal.to_string(),
            }),
        }
    }
    rejected.sort_by_key(|r| r.index);
    Ok(Created { location: None, value: BatchReport { accepted, rejected } })
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
