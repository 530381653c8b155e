//! Metrics: what an agent's work took, cost and was worth.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize, Serializer};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use super::log_id::log_id;
use super::text::JsonText;
use super::time::Timestamp;
use crate::store::{Index, Record, TableName, Value};

/// The measurements of one record; what is missing was not measured.
#[derive(Debug, Clone, Default, PartialEq, Encode, Decode, Serialize, Deserialize, ToSchema)]
pub struct Measures {
    /// How long it took, in ms.
    #[schema(minimum = 0, maximum = 1e12, example = 340.0)]
    pub execution_time_ms: Option<f64>,
    /// Whether it worked.
    pub success: Option<bool>,
    /// Tokens, in and out.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_000_u64, example = 1200)]
    pub tokens_used: Option<u64>,
    /// Calls to a model or service.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_000_u64)]
    pub api_calls: Option<u64>,
    /// What it cost, in USD.
    #[schema(minimum = 0, maximum = 1e9, example = 0.0123)]
    pub cost_usd: Option<f64>,
    /// How good the result is.
    #[schema(minimum = 0, maximum = 1)]
    pub quality_score: Option<f64>,
    /// Rules that the code breaks.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_000_u64)]
    pub code_violations: Option<u64>,
    /// Tasks done.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_000_u64)]
    pub tasks_completed: Option<u64>,
    /// Tasks given up.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_000_u64)]
    pub tasks_failed: Option<u64>,
}

/// A metric to be recorded, all decided but its place in the log.
#[derive(Debug, Clone, PartialEq, Encode, Decode, Serialize, Deserialize)]
pub struct NewMetric {
    /// The agent, by id or name.
    pub agent: String,
    /// `execution`, `cost`, `quality`, `task_completion` or another name.
    pub metric_type: String,
    /// What was measured.
    pub measures: Measures,
    /// Whatever the client wants kept with it.
    pub context: Option<JsonText>,
    /// The session it belongs to.
    pub session_id: Option<String>,
    /// When it was measured.
    pub recorded_at: Timestamp,
    /// The decision that allowed it, by the id of its audit record: what was held for it is released.
    #[bincode(with_serde)]
    pub decision: Option<Uuid>,
    /// The model whose price nobody knows, where that is why it has no cost.
    pub unpriced: Option<String>,
    /// Makes the id unguessable.
    pub nonce: u64,
}

/// A recorded metric.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct Metric {
    /// Its place in the log, from 0 without a hole.
    pub seq: u64,
    /// Makes the id unguessable.
    pub nonce: u64,
    /// The agent.
    #[bincode(with_serde)]
    pub agent_id: Uuid,
    /// The kind of metric.
    pub metric_type: String,
    /// What was measured.
    pub measures: Measures,
    /// What the client wanted kept with it.
    pub context: Option<JsonText>,
    /// The session it belongs to.
    pub session_id: Option<String>,
    /// When it was measured.
    pub recorded_at: Timestamp,
}

/// A metric as clients see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct MetricView<'a> {
    /// The record's id.
    pub metric_id: Uuid,
    /// Its place in the log.
    pub seq: u64,
    /// The agent.
    pub agent_id: Uuid,
    /// The kind of metric.
    pub metric_type: &'a str,
    #[serde(flatten)]
    #[expect(missing_docs)]
    pub measures: &'a Measures,
    /// What the client wanted kept with it.
    #[schema(value_type = Object)]
    pub context: JsonText,
    /// The session it belongs to.
    pub session_id: Option<&'a str>,
    /// When it was measured.
    pub recorded_at: Timestamp,
}

impl Serialize for Metric {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        self.view().serialize(s)
    }
}

impl PartialSchema for Metric {
    fn schema() -> RefOr<Schema> {
        MetricView::schema()
    }
}

impl ToSchema for Metric {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        MetricView::schemas(schemas);
    }
}

impl Metric {
    /// What clients see.
    #[must_use]
    pub fn view(&self) -> MetricView<'_> {
        MetricView {
            metric_id: self.id(),
            seq: self.seq,
            agent_id: self.agent_id,
            metric_type: &self.metric_type,
            measures: &self.measures,
            context: self.context.clone().unwrap_or_default(),
            session_id: self.session_id.as_deref(),
            recorded_at: self.recorded_at,
        }
    }

    /// The record's id.
    #[must_use]
    pub fn id(&self) -> Uuid {
        log_id(self.nonce, self.seq)
    }
}

/// Metrics by time.
pub const BY_TIME: Index<Metric> = Index { table: "metrics_by_time", values: |m, e| e.push(&m.recorded_at) };
/// Metrics by agent, then time.
pub const BY_AGENT: Index<Metric> =
    Index { table: "metrics_by_agent", values: |m, e| e.push(&(m.agent_id, m.recorded_at)) };
/// Metrics by type, then time.
pub const BY_TYPE: Index<Metric> =
    Index { table: "metrics_by_type", values: |m, e| e.push(&(m.metric_type.as_str(), m.recorded_at)) };

impl Value for Metric {
    const TABLE: TableName = "metrics";
    type Key = u64;
}

impl Record for Metric {
    const POSTINGS: &'static [Index<Self>] = &[BY_TIME, BY_AGENT, BY_TYPE];

    fn key(&self) -> u64 {
        self.seq
    }
}
