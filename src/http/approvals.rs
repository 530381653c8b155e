//! `/api/v1/approvals` and `/api/v1/grants`: what a person is asked, and what the person answered.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout_at};
use utoipa::ToSchema;
use uuid::Uuid;
use warp::http::Method;

use super::access::By;
use super::endpoint::Endpoint;
use super::error::Problem;
use super::json::OptionalJson;
use super::reply::{NoContent, Ok200};
use super::request::{Path, Query};
use crate::App;
use crate::app::Failure;
use crate::domain::access::TokenRole;
use crate::domain::approvals::{Approval, ApprovalStatus, ApprovalView, Reach};
use crate::domain::command::{Action, Outcome};
use crate::domain::grants::{Grant, GrantView};
use crate::domain::refusal::Refusal;

const UNKNOWN_APPROVAL: &str = "There is no such approval";

/// The endpoints.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/approvals", "What a person is, or was, asked", list)
            .describe("Newest first. With status=pending what waits for an answer."),
        Endpoint::get("/api/v1/approvals/{approval_id}", "Read one approval, or wait for its answer", get)
            .describe("With wait, answered once somebody did, or so many seconds later as it is.")
            .needs(TokenRole::Ingest)
            .problem(404, UNKNOWN_APPROVAL),
        Endpoint::post("/api/v1/approvals/{approval_id}/approve", "Approve", approve)
            .describe("For once, for the agent's session, or for always; the latter two are grants that can be revoked.")
            .problem(404, UNKNOWN_APPROVAL)
            .problem(409, "It was answered before, or nobody answered in time"),
        Endpoint::post("/api/v1/approvals/{approval_id}/deny", "Deny", deny)
            .problem(404, UNKNOWN_APPROVAL)
            .problem(409, "It was answered before, or nobody answered in time"),
        Endpoint::get("/api/v1/grants", "What was approved for a session or for always", grants),
        Endpoint::new(Method::DELETE, "/api/v1/grants/{grant_id}", "Revoke a grant", revoke)
            .problem(404, "There is no such grant"),
    ]
}

/// Which approvals.
#[derive(Deserialize, ToSchema)]
struct ListQuery {
    /// Those that stand so; all when missing.
    status: Option<ApprovalStatus>,
    /// How many at most.
    #[schema(minimum = 1, maximum = 500, default = 100)]
    limit: Option<usize>,
}

/// Approvals.
#[derive(Serialize, ToSchema)]
#[schema(as = ApprovalList)]
struct Approvals(Vec<ApprovalView>);

async fn list(app: Arc<App>, Query(query): Query<ListQuery>) -> Result<Ok200<Approvals>, Problem> {
    let limit = query.limit.unwrap_or(100);
    let found = app.read_many(move |tx, _, _| Approval::newest(tx, query.status, limit)).await?;
    Ok(Ok200(Approvals(found.iter().map(Approval::view).collect())))
}

/// Names an approval.
#[derive(Deserialize, ToSchema)]
struct ApprovalPath {
    /// The approval's id.
    approval_id: String,
}

impl ApprovalPath {
    fn id(&self) -> Result<Uuid, Problem> {
        Uuid::parse_str(&self.approval_id).map_err(|_| unknown(&self.approval_id))
    }
}

fn unknown(id: &str) -> Problem {
    Refusal::NotFound { what: "approval", id: id.to_owned() }.into()
}

/// How long to wait.
#[derive(Deserialize, ToSchema)]
struct WaitQuery {
    /// For an answer, in seconds.
    #[schema(minimum = 0, maximum = 60, default = 0)]
    wait: Option<u64>,
}

async fn get(
    app: Arc<App>,
    Path(path): Path<ApprovalPath>,
    Query(query): Query<WaitQuery>,
) -> Result<Ok200<ApprovalView>, Problem> {
    let wait = Duration::from_secs(query.wait.unwrap_or(0));
    Ok(Ok200(answered(&app, path.id()?, wait).await?.view()))
}

/// An approval once it is answered, or as it is when the time is over, or the server ends.
///
/// # Errors
/// 404 where there is none, or storage fails.
pub(super) async fn answered(app: &Arc<App>, id: Uuid, wait: Duration) -> Result<Approval, Problem> {
    let deadline = Instant::now() + wait;
    // An answer is an event of the stream.
    let mut events = app.live().changes();
    let mut stopping = app.stopping();
    loop {
        events.mark_unchanged();
        let found = app.read(|tx| Approval::find(tx, id))?.ok_or_else(|| unknown(&id.to_string()))?;
        if found.status != ApprovalStatus::Pending {
            return Ok(found);
        }
        let something = async {
            tokio::select! {
                changed = events.changed() => changed.is_ok(),
                _ = stopping.wait_for(|stop| *stop) => false,
            }
        };
        if !matches!(timeout_at(deadline, something).await, Ok(true)) {
            return Ok(found);
        }
    }
}

/// An answer.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"reason": "the release is out", "scope": "once"}))]
struct Answer {
    /// Why; the agent is told.
    #[schema(max_length = 4096)]
    reason: Option<String>,
    /// How far an approval reaches; a denial is for once.
    scope: Option<Reach>,
}

async fn approve(
    app: Arc<App>,
    Path(path): Path<ApprovalPath>,
    OptionalJson(answer): OptionalJson<Answer>,
    By(caller): By,
) -> Result<Ok200<ApprovalView>, Problem> {
    let Answer { reason, scope } = answer.unwrap_or_default();
    let action = Action::Answer { id: path.id()?, approved: true, reach: scope.unwrap_or_default(), reason };
    resolved(app.submit_by(caller.actor, action).await?)
}

async fn deny(
    app: Arc<App>,
    Path(path): Path<ApprovalPath>,
    OptionalJson(answer): OptionalJson<Answer>,
    By(caller): By,
) -> Result<Ok200<ApprovalView>, Problem> {
    let Answer { reason, .. } = answer.unwrap_or_default();
    let action = Action::Answer { id: path.id()?, approved: false, reach: Reach::Once, reason };
    resolved(app.submit_by(caller.actor, action).await?)
}

fn resolved(outcome: Outcome) -> Result<Ok200<ApprovalView>, Problem> {
    match outcome {
        Outcome::Approval(approval) => Ok(Ok200(approval.view())),
        _ => Err(Failure::Broken("an answer gave no approval back".into()).into()),
    }
}

/// Grants.
#[derive(Serialize, ToSchema)]
#[schema(as = GrantList)]
struct Grants(Vec<GrantView>);

async fn grants(app: Arc<App>) -> Result<Ok200<Grants>, Problem> {
    let found = app.read_many(|tx, _, _| Grant::all(tx)).await?;
    Ok(Ok200(Grants(found.iter().map(Grant::view).collect())))
}

/// Names a grant.
#[derive(Deserialize, ToSchema)]
struct GrantPath {
    /// The grant's id.
    grant_id: String,
}

async fn revoke(app: Arc<App>, Path(path): Path<GrantPath>, By(caller): By) -> Result<NoContent, Problem> {
    let unknown = || Refusal::NotFound { what: "grant", id: path.grant_id.clone() };
    let id = Uuid::parse_str(&path.grant_id).map_err(|_| unknown())?;
    app.submit_by(caller.actor, Action::RevokeGrant(id)).await?;
    Ok(NoContent)
}
