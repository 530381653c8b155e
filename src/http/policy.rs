//! `/api/v1/policy`: may this agent do this?

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::access::check_agent;
use super::endpoint::Endpoint;
use super::error::Problem;
use super::idempotency::{Replayable, Retry};
use super::json::Json;
use super::metric_draft::MAX_CONTEXT;
use super::reply::Ok200;
use crate::App;
use crate::app::Failure;
use crate::domain::access::TokenRole;
use crate::domain::audit::{AuditRecord, Decision};
use crate::domain::budgets::BudgetState;
use crate::domain::command::{Action, Outcome};
use crate::domain::decision::Decided;
use crate::domain::policy::Check;
use crate::domain::policy::asking::Wish;
use crate::domain::refusal::Refusal;
use crate::domain::unknown_agents::{self, UnknownAgentView};

/// The endpoints.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post("/api/v1/policy/decide", "May this agent do this?", decide)
            .describe(
                "Decides by the agent's identity, its budgets and what a person approved, names the rule, and records \
                 the decision. What is allowed takes its estimate out of the budgets until a metric tells what it did \
                 cost.",
            )
            .needs(TokenRole::Ingest),
        Endpoint::post("/api/v1/policy/simulate", "What would be decided?", simulate)
            .describe("Decides as decide does, and records nothing.")
            .needs(TokenRole::Viewer),
        Endpoint::get("/api/v1/policy/unknown", "Agents that asked and are not registered", unknown),
    ]
}

/// A decision.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = PolicyDecision)]
pub(super) struct Ruling {
    /// `allowed`, `denied` or `requires_approval`.
    pub decision: Decision,
    /// Why, in words.
    pub reason: String,
    /// The rule that decided.
    pub rule: String,
    /// What each dimension says.
    pub checks: Vec<Check>,
    /// What is left of the agent's budgets; `null` where it is not registered.
    pub budget: Option<BudgetState>,
    /// The audit record of the decision; `null` where it was only simulated.
    pub audit_id: Option<Uuid>,
    /// Its number.
    pub seq: Option<u64>,
    /// What a person is asked, where one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval_id: Option<Uuid>,
}

/// What the record of a decision tells of it.
#[derive(Deserialize)]
struct Told {
    rule: String,
    checks: Vec<Check>,
    budget: Option<BudgetState>,
    approval_id: Option<Uuid>,
}

impl Ruling {
    /// The decision that a record tells of.
    ///
    /// # Errors
    /// When the record is of no decision.
    pub(super) fn of(record: &AuditRecord) -> Result<Self, Problem> {
        let told: Told = serde_json::from_str(&record.told.context.0)
            .map_err(|e| Failure::Broken(format!("audit record {} is of no decision: {e}", record.seq)))?;
        Ok(Self {
            decision: record.told.decision,
            reason: record.told.reason.clone().unwrap_or_default(),
            rule: told.rule,
            checks: told.checks,
            budget: told.budget,
            audit_id: Some(record.id()),
            seq: Some(record.seq),
            approval_id: told.approval_id,
        })
    }
}

/// What a client asks, as it can be decided.
async fn decide(
    app: Arc<App>,
    Json(wish): Json<Wish>,
    retry: Retry,
) -> Result<Replayable<Ok200<Ruling>>, Problem> {
    check_agent(&app, &retry.caller, [wish.agent.as_str()])?;
    check_context(&wish)?;
    let asked = app.question(wish).await?;
    let (outcome, replay) = retry.submit(&app, Action::Decide(Box::new(asked))).await?;
    Ok(replay.of(Ok200(Ruling::of(&*one(outcome)?)?)))
}

/// # Errors
/// When what the client wants kept is too large.
fn check_context(wish: &Wish) -> Result<(), Problem> {
    let bytes = wish.context.as_ref().map_or(0, |context| context.0.len());
    if bytes > MAX_CONTEXT {
        let text = format!("context is {bytes} bytes; at most {MAX_CONTEXT} are kept.");
        return Err(Refusal::TooLarge(text).into());
    }
    Ok(())
}

/// The one record of an outcome.
pub(super) fn one(outcome: Outcome) -> Result<Arc<AuditRecord>, Problem> {
    let record = match outcome {
        Outcome::Audit(mut records) => records.pop(),
        _ => None,
    };
    record.ok_or_else(|| Failure::Broken("a decision gave no record back".into()).into())
}

async fn simulate(app: Arc<App>, Json(wish): Json<Wish>) -> Result<Ok200<Ruling>, Problem> {
    let asked = app.simulated(wish);
    let at = app.now();
    let decided = app.read(|mut tx| {
        let said = asked.said(&mut tx, at)?;
        Decided::of(&mut tx, &asked, said.as_ref(), at)
    })?;
    let Decided { checks, budget, decision, rule, reason, .. } = decided;
    Ok(Ok200(Ruling { decision, reason, rule, checks, budget, audit_id: None, seq: None, approval_id: None }))
}

/// Agents that are not registered.
#[derive(Serialize, ToSchema)]
#[schema(as = UnknownAgentList)]
struct Unknown(Vec<UnknownAgentView>);

async fn unknown(app: Arc<App>) -> Result<Ok200<Unknown>, Problem> {
    Ok(Ok200(Unknown(app.read(unknown_agents::all)?)))
}
