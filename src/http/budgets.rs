//! `/api/v1/budgets`: what may be spent today, by an agent, a category and the fleet, and what operators do about it.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warp::http::Method;

use super::access::By;
use super::endpoint::Endpoint;
use super::error::Problem;
use super::json::Json;
use super::reply::Ok200;
use super::request::Path;
use crate::App;
use crate::domain::agents::Agent;
use crate::domain::budget_acts::{BudgetChange, BudgetView};
use crate::domain::budgets::{Scope, Zone};
use crate::domain::command::Action;
use crate::domain::metric_sums::billionths;
use crate::domain::refusal::Refusal;

const UNKNOWN: &str = "There is no such agent";

/// The endpoints.
pub fn endpoints() -> Vec<Endpoint> {
    let path = "/api/v1/budgets/{scope}";
    [
        Endpoint::get("/api/v1/budgets", "How the day's budgets stand", list)
            .describe("That of the fleet first, then those of its categories, then those of its agents."),
        Endpoint::get(path, "How one budget stands", get),
        Endpoint::new(Method::PUT, path, "Set what a day may cost the fleet or a category", set)
            .describe("Enforced from the next decision on. An agent's limit is set in its identity.")
            .problem(409, "It is an agent's"),
        Endpoint::post("/api/v1/budgets/{scope}/raise", "Add to a budget for today", raise)
            .problem(409, "It has no limit that could be raised"),
        Endpoint::post("/api/v1/budgets/{scope}/reset", "Let what was used today count no longer", reset),
        Endpoint::post("/api/v1/budgets/{scope}/pause", "Stop all spending under a budget", pause),
        Endpoint::post("/api/v1/budgets/{scope}/resume", "Let spending go on", resume),
    ]
    .into_iter()
    .map(|endpoint| if endpoint.path.contains('{') { endpoint.problem(404, UNKNOWN) } else { endpoint })
    .collect()
}

/// Budgets.
#[derive(Serialize, ToSchema)]
#[schema(as = BudgetList)]
struct Budgets(Vec<BudgetView>);

async fn list(app: Arc<App>) -> Result<Ok200<Budgets>, Problem> {
    let views = app.read_many(|mut tx, roster, now| {
        let day = Zone::of(&mut tx)?.day(now);
        let mut views = vec![BudgetView::load(&mut tx, &Scope::Fleet, None, day)?];
        let categories: BTreeSet<_> = roster.iter().map(|agent| agent.metadata.category.clone()).collect();
        for category in categories {
            views.push(BudgetView::load(&mut tx, &Scope::Category(category), None, day)?);
        }
        let mut agents: Vec<_> = roster.iter().collect();
        agents.sort_by(|a, b| a.name.cmp(&b.name));
        for agent in agents {
            views.push(BudgetView::load(&mut tx, &Scope::Agent(agent.agent_id), Some(agent), day)?);
        }
        Ok(views)
    });
    Ok(Ok200(Budgets(views.await?)))
}

/// Names a budget.
#[derive(Deserialize, ToSchema)]
struct BudgetPath {
    /// `fleet`, `category:` and its name, or `agent:` and its id or name.
    scope: String,
}

impl BudgetPath {
    fn scope(&self, app: &App) -> Result<(Scope, Option<Arc<Agent>>), Problem> {
        let unknown = || Refusal::NotFound { what: "budget", id: self.scope.clone() }.into();
        match self.scope.split_once(':') {
            None if self.scope == "fleet" => Ok((Scope::Fleet, None)),
            Some(("category", name)) if (1..=64).contains(&name.len()) => {
                Ok((Scope::Category(name.to_owned()), None))
            }
            Some(("agent", agent)) => {
                let agent = app.roster().resolve(agent).cloned().ok_or_else(unknown)?;
                Ok((Scope::Agent(agent.agent_id), Some(agent)))
            }
            _ => Err(unknown()),
        }
    }
}

async fn get(app: Arc<App>, Path(path): Path<BudgetPath>) -> Result<Ok200<BudgetView>, Problem> {
    let (scope, agent) = path.scope(&app)?;
    let now = app.now();
    let view = app.read(|mut tx| {
        let day = Zone::of(&mut tx)?.day(now);
        BudgetView::load(&mut tx, &scope, agent.as_deref(), day)
    });
    Ok(Ok200(view?))
}

async fn change(
    app: Arc<App>,
    path: BudgetPath,
    By(caller): By,
    change: BudgetChange,
) -> Result<Ok200<BudgetView>, Problem> {
    let (scope, _) = path.scope(&app)?;
    app.submit_by(caller.actor, Action::ChangeBudget(scope, change)).await?;
    get(app, Path(path)).await
}

/// What a day may cost.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"max_cost_per_day": 250.0}))]
struct Limit {
    /// In USD; `null` for no limit.
    #[schema(minimum = 0, maximum = 1e9)]
    max_cost_per_day: Option<f64>,
}

async fn set(
    app: Arc<App>,
    Path(path): Path<BudgetPath>,
    Json(limit): Json<Limit>,
    by: By,
) -> Result<Ok200<BudgetView>, Problem> {
    change(app, path, by, BudgetChange::Limit(limit.max_cost_per_day.map(billionths))).await
}

/// How much more.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"cost_usd": 5.0}))]
struct More {
    /// In USD.
    #[schema(exclusive_minimum = 0, maximum = 1e9)]
    cost_usd: f64,
}

async fn raise(
    app: Arc<App>,
    Path(path): Path<BudgetPath>,
    Json(more): Json<More>,
    by: By,
) -> Result<Ok200<BudgetView>, Problem> {
    change(app, path, by, BudgetChange::Raise(billionths(more.cost_usd))).await
}

async fn reset(app: Arc<App>, Path(path): Path<BudgetPath>, by: By) -> Result<Ok200<BudgetView>, Problem> {
    change(app, path, by, BudgetChange::Reset).await
}

async fn pause(app: Arc<App>, Path(path): Path<BudgetPath>, by: By) -> Result<Ok200<BudgetView>, Problem> {
    change(app, path, by, BudgetChange::Pause(true)).await
}

async fn resume(app: Arc<App>, Path(path): Path<BudgetPath>, by: By) -> Result<Ok200<BudgetView>, Problem> {
    change(app, path, by, BudgetChange::Pause(false)).await
}
