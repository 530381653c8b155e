//! A metric as clients send it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::ingest::EXTRA;
use crate::app::nonce;
use crate::domain::metrics::{Measures, NewMetric};
use crate::domain::prices::{Priced, Prices, Tokens};
use crate::domain::refusal::Refusal;
use crate::domain::text::JsonText;
use crate::domain::time::Timestamp;

/// A metric, as a client sends it.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = NewMetric, example = json!({
    "agent_id": "coder", "metric_type": "execution", "execution_time_ms": 340, "success": true, "tokens_used": 1200,
    "cost_usd": 0.0123, "session_id": "s-1"
}))]
#[serde(deny_unknown_fields)]
pub(super) struct MetricDraft {
    /// The agent's id, or its name.
    #[schema(min_length = 1, max_length = 128)]
    pub(super) agent_id: String,
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
    /// The model that used them. A metric with a model and tokens by class, and without a cost, is given its price.
    #[schema(min_length = 1, max_length = 256)]
    model: Option<String>,
    /// Tokens that the model read. Where `tokens_used` is missing, it is the sum of these, those read from the cache left
    /// out.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_000_u64)]
    input_tokens: Option<u64>,
    /// Tokens that it wrote.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_000_u64)]
    output_tokens: Option<u64>,
    /// Tokens that it read from its cache.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_000_u64)]
    cache_read_tokens: Option<u64>,
    /// Tokens that it wrote into its cache.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_000_u64)]
    cache_creation_tokens: Option<u64>,
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
    /// The `audit_id` of the decision that allowed it: what was held for it is released. Without it, the oldest of the
    /// agent and session.
    decision_id: Option<Uuid>,
    /// When it was measured; now when missing. At most 5 minutes ahead.
    recorded_at: Option<Timestamp>,
    /// Your own id of the metric: for a day, a repeat is answered with the first record. Kept under `context._extra`.
    #[schema(min_length = 1, max_length = 255)]
    metric_id: Option<String>,
}

/// How many bytes a context may have.
pub(super) const MAX_CONTEXT: usize = 64 * 1024;

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
    /// The tokens by class, where there are any, and what they cost, where that is not told. Both are kept in the
    /// context.
    fn priced(&mut self, prices: &Prices) -> (Option<Tokens>, Priced) {
        let told = Priced { cost_usd: self.cost_usd, unpriced: None };
        let classes =
            [self.input_tokens, self.output_tokens, self.cache_read_tokens, self.cache_creation_tokens];
        let any = classes.iter().any(Option::is_some);
        let [input_tokens, output_tokens, cache_read_tokens, cache_creation_tokens] =
            classes.map(Option::unwrap_or_default);
        let tokens = Tokens { input_tokens, output_tokens, cache_read_tokens, cache_creation_tokens };
        if let Some(model) = &self.model {
            self.context.get_or_insert_default().insert("model".into(), json!(model));
        }
        if !any {
            return (None, told);
        }
        self.context.get_or_insert_default().insert("tokens".into(), json!(tokens));
        match &self.model {
            Some(model) if self.cost_usd.is_none() => (Some(tokens), prices.price(model, &tokens)),
            _ => (Some(tokens), told),
        }
    }

    /// The client's own id, with all that it must come with when it comes again.
    pub(super) fn own_id(&self) -> Option<(String, Vec<u8>)> {
        let id = self.metric_id.clone()?;
        Some((id, serde_json::to_vec(self).unwrap_or_default()))
    }

    /// The metric to be recorded.
    ///
    /// # Errors
    /// When its context is too large.
    pub(super) fn decided(mut self, now: Timestamp, prices: &Prices) -> Result<NewMetric, Refusal> {
        let (tokens, Priced { cost_usd, unpriced }) = self.priced(prices);
        if let Some(id) = self.metric_id {
            let extra =
                self.context.get_or_insert_default().entry(EXTRA).or_insert_with(|| Map::new().into());
            if let Value::Object(extra) = extra {
                extra.insert("metric_id".into(), id.into());
            }
        }
        Ok(NewMetric {
            agent: self.agent_id,
            metric_type: self.metric_type,
            measures: Measures {
                execution_time_ms: self.execution_time_ms,
                success: self.success,
                tokens_used: self.tokens_used.or(tokens.map(|tokens| tokens.counted())),
                api_calls: self.api_calls,
                cost_usd,
                quality_score: self.quality_score,
                code_violations: self.code_violations,
                tasks_completed: self.tasks_completed,
                tasks_failed: self.tasks_failed,
            },
            context: self.context.map(checked_context).transpose()?,
            session_id: self.session_id,
            recorded_at: self.recorded_at.unwrap_or(now),
            decision: self.decision_id,
            unpriced,
            nonce: nonce(),
        })
    }
}
