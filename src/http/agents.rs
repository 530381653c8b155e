//! `/api/v1/agents`: the registry.

use std::sync::Arc;

use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use warp::http::Method;

use super::access::{By, check_agent};
use super::endpoint::Endpoint;
use super::error::Problem;
use super::idempotency::{Replayable, Retry};
use super::json::{Json, LargeJson, OptionalJson};
use super::reply::{Created, Listing, NoContent, Ok200};
use super::request::{Path, Query};
use crate::App;
use crate::app::Failure;
use crate::domain::access::TokenRole;
use crate::domain::agent_query::{self, AgentFilter, AgentPaging, Order};
use crate::domain::agent_view::{AgentView, Status};
use crate::domain::agent_write::{AgentDraft, AgentPatch};
use crate::domain::agents::Agent;
use crate::domain::command::{Action, Activation, Outcome};
use crate::domain::log_query::Total;
use crate::domain::refusal::Refusal;
use crate::domain::sync::{SyncReport, SyncRequest};

/// When a path names no agent.
pub(super) const UNKNOWN_AGENT: &str = "There is no such agent; the detail names it";

/// The endpoints.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post("/api/v1/agents/", "Register an agent", create).problem(409, "The name is taken"),
        list_at("/api/v1/agents/", "List agents"),
        list_at("/api/v1/agents/registry", "List agents (older name)"),
        list_at("/api/v1/registry/agents", "List agents (older name)"),
        Endpoint::get("/api/v1/agents/{agent_id}", "Read one agent", get)
            .problem(404, UNKNOWN_AGENT)
            .etag()
            .kept(),
        Endpoint::get("/api/v1/agents/name/{agent_name}", "Read one agent by name", get_by_name)
            .problem(404, UNKNOWN_AGENT)
            .etag()
            .kept(),
        Endpoint::new(Method::PUT, "/api/v1/agents/{agent_id}", "Change an agent", update)
            .describe("Only the members sent change. The name cannot.")
            .problem(404, UNKNOWN_AGENT),
        Endpoint::new(Method::DELETE, "/api/v1/agents/{agent_id}", "Delete an agent", delete)
            .describe("Its metrics and audit records stay.")
            .problem(404, UNKNOWN_AGENT),
        Endpoint::post("/api/v1/agents/{agent_id}/activate", "Note that an agent was started", activate)
            .describe("Moves last_active_at and tells the stream agent_spawned.")
            .needs(TokenRole::Ingest)
            .problem(404, UNKNOWN_AGENT),
        Endpoint::post("/api/v1/agents/{agent_id}/pause", "Stop an agent", pause)
            .describe("Its status is paused until it is resumed.")
            .problem(404, UNKNOWN_AGENT),
        Endpoint::post("/api/v1/agents/{agent_id}/resume", "Let a paused agent go on", resume)
            .problem(404, UNKNOWN_AGENT),
        Endpoint::post("/api/v1/agents/sync", "Make the registry say what identity files say", sync)
            .describe("One transaction. What `agentmap seed` sends when a server holds the data."),
    ]
}

fn list_at(path: &'static str, summary: &'static str) -> Endpoint {
    Endpoint::get(path, summary, list).etag().kept()
}

/// Reads an agent's id.
#[derive(Deserialize, ToSchema)]
struct AgentPath {
    /// The agent's id.
    agent_id: String,
}

/// The agent that a client names by its id.
pub(super) fn known(app: &App, id: &str) -> Result<Arc<Agent>, Problem> {
    let found = Uuid::parse_str(id).ok().and_then(|id| app.roster().get(id).cloned());
    found.ok_or_else(|| Refusal::NotFound { what: "agent", id: id.to_owned() }.into())
}

fn view(app: &App, agent: &Agent) -> Result<AgentView, Problem> {
    let now = app.now();
    Ok(app.read(|mut tx| AgentView::load(&mut tx, agent, now))?)
}

/// The view of the agent that an action gave back.
fn viewed(app: &App, outcome: Outcome) -> Result<AgentView, Problem> {
    match outcome {
        Outcome::Agent(agent) => view(app, &agent),
        _ => Err(Failure::Broken("an action on an agent gave none back".into()).into()),
    }
}

async fn create(
    app: Arc<App>,
    Json(draft): Json<AgentDraft>,
    retry: Retry,
) -> Result<Replayable<Created<AgentView>>, Problem> {
    let agent = draft.into_agent(Uuid::new_v4(), app.now());
    let (outcome, replay) = retry.submit(&app, Action::CreateAgent(Box::new(agent))).await?;
    let value = viewed(&app, outcome)?;
    let location = Some(format!("/api/v1/agents/{}", value.agent_id));
    Ok(replay.of(Created { location, value }))
}

async fn get(app: Arc<App>, Path(path): Path<AgentPath>) -> Result<Ok200<AgentView>, Problem> {
    view(&app, &*known(&app, &path.agent_id)?).map(Ok200)
}

/// Reads an agent's name.
#[derive(Deserialize, ToSchema)]
struct NamePath {
    /// The agent's name.
    agent_name: String,
}

async fn get_by_name(app: Arc<App>, Path(path): Path<NamePath>) -> Result<Ok200<AgentView>, Problem> {
    let found = app.roster().by_name(&path.agent_name).cloned();
    let agent = found.ok_or(Refusal::NotFound { what: "agent", id: path.agent_name })?;
    view(&app, &agent).map(Ok200)
}

async fn update(
    app: Arc<App>,
    Path(path): Path<AgentPath>,
    Json(patch): Json<AgentPatch>,
    By(caller): By,
) -> Result<Ok200<AgentView>, Problem> {
    let agent = known(&app, &path.agent_id)?;
    let outcome = app.submit_by(caller.actor, Action::UpdateAgent(agent.agent_id, Box::new(patch))).await?;
    viewed(&app, outcome).map(Ok200)
}

async fn delete(app: Arc<App>, Path(path): Path<AgentPath>, By(caller): By) -> Result<NoContent, Problem> {
    let agent = known(&app, &path.agent_id)?;
    app.submit_by(caller.actor, Action::DeleteAgent(agent.agent_id)).await?;
    Ok(NoContent)
}

async fn activate(
    app: Arc<App>,
    Path(path): Path<AgentPath>,
    OptionalJson(activation): OptionalJson<Activation>,
    retry: Retry,
) -> Result<Replayable<Ok200<AgentView>>, Problem> {
    check_agent(&app, &retry.caller, [path.agent_id.as_str()])?;
    let id = id_in(&path)?;
    act(&app, retry, Action::ActivateAgent(id, activation.unwrap_or_default())).await
}

async fn pause(
    app: Arc<App>,
    Path(path): Path<AgentPath>,
    retry: Retry,
) -> Result<Replayable<Ok200<AgentView>>, Problem> {
    act(&app, retry, Action::PauseAgent(id_in(&path)?, true)).await
}

async fn resume(
    app: Arc<App>,
    Path(path): Path<AgentPath>,
    retry: Retry,
) -> Result<Replayable<Ok200<AgentView>>, Problem> {
    act(&app, retry, Action::PauseAgent(id_in(&path)?, false)).await
}

/// The id in a path. Whether there is such an agent the action tells: a repeat may come after its end.
fn id_in(path: &AgentPath) -> Result<Uuid, Problem> {
    let id = &path.agent_id;
    Uuid::parse_str(id).map_err(|_| Refusal::NotFound { what: "agent", id: id.clone() }.into())
}

async fn act(app: &App, retry: Retry, action: Action) -> Result<Replayable<Ok200<AgentView>>, Problem> {
    let (outcome, replay) = retry.submit(app, action).await?;
    Ok(replay.of(Ok200(viewed(app, outcome)?)))
}

async fn sync(
    app: Arc<App>,
    LargeJson(request): LargeJson<SyncRequest>,
    retry: Retry,
) -> Result<Replayable<Ok200<SyncReport>>, Problem> {
    match retry.submit(&app, Action::Sync(Box::new(request))).await? {
        (Outcome::Synced(report), replay) => Ok(replay.of(Ok200(report))),
        _ => Err(Failure::Broken("a sync gave no report back".into()).into()),
    }
}

/// Which agents, in which order.
#[derive(Deserialize, ToSchema)]
struct ListQuery {
    role: Option<String>,
    category: Option<String>,
    specialist: Option<bool>,
    status: Option<Status>,
    tag: Option<String>,
    capability: Option<String>,
    /// Text in the name, description, capabilities or tags.
    q: Option<String>,
    /// The order; `-` in front reverses it.
    #[schema(
        pattern = "^-?(name|role|category|created_at|last_active_at|cost_used_today|success_rate|quality_score)$",
        default = "name"
    )]
    sort: Option<String>,
    /// How many to leave out, at most 100000; the cursor in `Link` goes deeper.
    #[schema(minimum = 0)]
    skip: Option<u64>,
    /// How many to return.
    #[schema(minimum = 1, maximum = 500, default = 100)]
    limit: Option<usize>,
    /// Where to go on, from the `Link` of an earlier page.
    cursor: Option<String>,
}

/// The order that `sort` names. Its pattern has checked it.
fn order_of(sort: &str) -> Order {
    let (name, descending) = sort.strip_prefix('-').map_or((sort, false), |name| (name, true));
    let by = serde_json::from_value(name.into()).unwrap_or_default();
    Order { by, descending }
}

async fn list(app: Arc<App>, Query(query): Query<ListQuery>) -> Result<Listing<AgentView>, Problem> {
    let skip = super::paging::checked_skip(query.skip, "skip")?;
    let after = match &query.cursor {
        None => None,
        Some(cursor) => Some(super::paging::unhex(cursor).ok_or_else(super::paging::bad_cursor)?),
    };
    let filter = AgentFilter {
        role: query.role,
        category: query.category,
        specialist: query.specialist,
        status: query.status,
        tag: query.tag,
        capability: query.capability,
        q: query.q,
    };
    let order = query.sort.as_deref().map(order_of).unwrap_or_default();
    let limit = query.limit.unwrap_or(100);
    let paging = AgentPaging { skip: usize::try_from(skip).unwrap_or(usize::MAX), limit, after };
    let page = app
        .read_many(move |tx, roster, now| agent_query::page(tx, roster, &filter, order, &paging, now))
        .await?;
    Ok(Listing {
        items: page.items,
        total: Total::Exact(page.total as u64),
        next: page.next.map(|place| super::paging::hex(&place)),
    })
}
