//! `/api/v1/events/ingest`: recording what agents did.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::access::check_agent;
use super::batch_report::BatchReport;
use super::endpoint::Endpoint;
use super::error::Problem;
use super::idempotency::{Replayable, Retry};
use super::json::{Batch, Json};
use super::metric_draft::checked_context;
use super::reply::{Created, Shared};
use crate::App;
use crate::app::{Failure, nonce};
use crate::domain::access::TokenRole;
use crate::domain::admin::RESERVED;
use crate::domain::audit::{AuditRecord, Decision, NewAudit};
use crate::domain::command::{Action, Outcome};
use crate::domain::idempotency::Place;
use crate::domain::refusal::{FieldError, Refusal};
use crate::domain::text::JsonText;
use crate::domain::time::Timestamp;

/// The endpoints.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post("/api/v1/events/ingest", "Record an operation", ingest).describe(
            "Answered once the record is on disk. Members that are not known are kept under context._extra.",
        )
        .needs(TokenRole::Ingest),
        Endpoint::post("/api/v1/events/ingest/batch", "Record many operations", ingest_batch)
            .describe("Good ones are kept when others are bad; each bad one is told.")
            .needs(TokenRole::Ingest),
    ]
}

/// An operation, as a hook sends it. At least one of `agent_id` and `agent_name` is needed.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = IngestEvent, example = json!({
    "agent_name": "coder", "agent_role": "developer", "operation_type": "tool_use", "operation_detail": "Edit",
    "target_resource": "src/main.rs", "target_type": "file", "rbac_decision": "allowed", "session_id": "s-1"
}))]
pub(super) struct Ingest {
    /// The agent's id, or its name.
    #[schema(max_length = 128)]
    agent_id: Option<String>,
    agent_name: Option<String>,
    agent_role: Option<String>,
    /// `tool_use`, `api_call`, `file_access`, `agent_spawn`, `quality_gate`, or another.
    operation_type: Option<String>,
    /// Such as the tool's name.
    operation_detail: Option<String>,
    /// Such as a path.
    target_resource: Option<String>,
    /// Such as `file`.
    target_type: Option<String>,
    rbac_decision: Option<Decision>,
    rbac_reason: Option<String>,
    /// In USD. Recorded, not counted.
    #[schema(minimum = 0, maximum = 1e9)]
    cost_usd: Option<f64>,
    /// Recorded, not counted.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_000_u64)]
    tokens_used: Option<u64>,
    session_id: Option<String>,
    /// Whatever you want kept with it, at most 64 KiB.
    #[schema(value_type = Option<Object>)]
    context: Option<Map<String, Value>>,
    /// When it happened; now when missing.
    timestamp: Option<Timestamp>,
    /// Your own id of the event, text or a number: for a day, a repeat is answered with the first record. Kept under
    /// `context._extra`.
    event_id: Option<Value>,
    #[serde(flatten)]
    #[schema(ignore)]
    extra: Map<String, Value>,
}

/// How many bytes a text may have.
const MAX_TEXT: usize = 4096;
/// The member of the context that holds what has no member of its own.
pub(super) const EXTRA: &str = "_extra";

impl Ingest {
    /// The client's own id, with all that it must come with when it comes again.
    fn own_id(&self) -> Option<(String, Vec<u8>)> {
        let id = match self.event_id.as_ref()? {
            Value::String(text) if !text.is_empty() => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        Some((id, serde_json::to_vec(self).unwrap_or_default()))
    }

    /// Whose operation it is, in all the ways that are told.
    fn whose(&self) -> impl Iterator<Item = &str> {
        [&self.agent_id, &self.agent_name].into_iter().flatten().map(String::as_str).filter(|t| !t.is_empty())
    }

    /// The operation to be recorded.
    ///
    /// # Errors
    /// When nobody's operation it is, or a part of it is too long.
    pub(super) fn decided(self, now: Timestamp) -> Result<NewAudit, Refusal> {
        let given = |text: &Option<String>| text.as_ref().is_some_and(|t| !t.is_empty());
        if !given(&self.agent_id) && !given(&self.agent_name) {
            let error = FieldError::body(
                "agent_id",
                "missing",
                "or agent_name is required: say whose operation it is",
            );
            return Err(Refusal::Invalid(vec![error]));
        }
        if self.agent_id.as_ref().is_some_and(|id| id.starts_with(RESERVED)) {
            let msg = "is of those who act on the server itself; no client records under it";
            return Err(Refusal::Invalid(vec![FieldError::body("agent_id", "value", msg)]));
        }
        for (name, text) in [
            ("agent_name", &self.agent_name),
            ("agent_role", &self.agent_role),
            ("operation_type", &self.operation_type),
            ("operation_detail", &self.operation_detail),
            ("target_resource", &self.target_resource),
            ("target_type", &self.target_type),
            ("rbac_reason", &self.rbac_reason),
            ("session_id", &self.session_id),
        ] {
            if let Some(length) = text.as_ref().map(String::len).filter(|l| *l > MAX_TEXT) {
                return Err(Refusal::TooLarge(format!(
                    "{name} is {length} bytes; at most {MAX_TEXT} are kept."
                )));
            }
        }
        let mut context = self.context.unwrap_or_default();
        let mut extra = self.extra;
        extra.extend(self.event_id.map(|id| ("event_id".to_owned(), id)));
        if !extra.is_empty() {
            // What the client itself told under that name is not dropped either.
            if let Some(told) = context.remove(EXTRA) {
                extra.entry(EXTRA).or_insert(told);
            }
            context.insert(EXTRA.into(), Value::Object(extra));
        }
        let context = if context.is_empty() { JsonText::default() } else { checked_context(context)? };
        let told = |text: Option<String>| text.filter(|t| !t.is_empty());
        Ok(NewAudit {
            agent_id: told(self.agent_id),
            agent_name: told(self.agent_name),
            agent_role: told(self.agent_role),
            operation_type: told(self.operation_type),
            operation_detail: told(self.operation_detail),
            target_resource: told(self.target_resource),
            target_type: told(self.target_type),
            decision: self.rbac_decision.unwrap_or(Decision::Unknown),
            reason: told(self.rbac_reason),
            cost_usd: self.cost_usd.unwrap_or(0.0),
            tokens_used: self.tokens_used.unwrap_or(0),
            session_id: told(self.session_id),
            context,
            timestamp: self.timestamp.unwrap_or(now),
            nonce: nonce(),
        })
    }
}

/// An outcome that is not of audit records.
fn no_record() -> Problem {
    Failure::Broken("appending to the audit trail gave no record back".into()).into()
}

async fn ingest(
    app: Arc<App>,
    Json(event): Json<Ingest>,
    retry: Retry,
) -> Result<Replayable<Created<Shared<AuditRecord>>>, Problem> {
    check_agent(&app, &retry.caller, event.whose())?;
    let own_id = event.own_id();
    let action = Action::AppendAudit(vec![event.decided(app.now())?]);
    let action = retry.record(Place::EventId, own_id, action);
    let (outcome, replay) = retry.submit(&app, action).await?;
    let Outcome::Audit(mut records) = outcome else { return Err(no_record()) };
    let record = records.pop().ok_or_else(no_record)?;
    let location = Some(format!("/api/v1/events/audit/{}", record.seq));
    Ok(replay.of(Created { location, value: Shared(record) }))
}

async fn ingest_batch(
    app: Arc<App>,
    Batch(items): Batch<Ingest>,
    retry: Retry,
) -> Result<Replayable<Created<BatchReport>>, Problem> {
    let now = app.now();
    let mut report = BatchReport::default();
    let mut decided = Vec::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        let decided_on = item.and_then(|event| {
            check_agent(&app, &retry.caller, event.whose())?;
            Ok((event.own_id(), event.decided(now)?))
        });
        match decided_on {
            Ok((own_id, told)) => decided.push((index, own_id, told)),
            Err(problem) => report.reject(index, problem),
        }
    }
    let indexes: Vec<usize> = decided.iter().map(|(index, ..)| *index).collect();
    // Records that nobody gave an id of its own are appended as one.
    let action = if decided.iter().all(|(_, own_id, _)| own_id.is_none()) {
        Action::AppendAudit(decided.into_iter().map(|(.., told)| told).collect())
    } else {
        let one = |told| Action::AppendAudit(vec![told]);
        let actions =
            decided.into_iter().map(|(_, own_id, told)| retry.record(Place::EventId, own_id, one(told)));
        Action::Each(actions.collect())
    };
    let (outcome, replay) = retry.submit(&app, action).await?;
    match outcome {
        Outcome::Audit(records) => report.accepted = records.len(),
        Outcome::Each(results) => report.add(indexes, results),
        _ => return Err(no_record()),
    }
    Ok(replay.of(Created { location: None, value: report }))
}
