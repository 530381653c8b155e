//! `/api/v1/agents`: the fleet as a whole, for whoever looks after it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::endpoint::Endpoint;
use super::error::Problem;
use super::paging;
use super::reply::{Listing, Ok200};
use super::request::Query;
use crate::App;
use crate::domain::activity::{self, FleetActivity, Span};
use crate::domain::agent_brief::{self, AgentBrief};
use crate::domain::alerts::{Alert, AlertView};
use crate::domain::fleet_stats::{self, FleetHistory, FleetSummary};
use crate::domain::log_query::Total;
use crate::domain::rollup::StepLength;
use crate::domain::time::Timestamp;

/// The endpoints.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/agents/brief", "Every agent, by name, as a row of a table", brief).etag().kept(),
        Endpoint::get("/api/v1/agents/activity", "What agents did per 5 minutes, the busiest first", activity)
            .describe(
                "Agents that did nothing are left out. Up to 30 days of one agent: with agent_id and step=hour or \
                 step=day.",
            )
            .etag().kept(),
        Endpoint::get("/api/v1/agents/stats/summary", "Figures of the fleet", summary).etag().kept(),
        Endpoint::get("/api/v1/agents/stats/history", "Cost and tokens of the fleet by UTC day", history)
            .etag().kept(),
        Endpoint::get("/api/v1/agents/alerts", "What a person should look at, newest first", alerts).etag().kept(),
    ]
}

/// Which part of the fleet.
#[derive(Deserialize, ToSchema)]
struct BriefQuery {
    /// How many to return.
    #[schema(minimum = 1, maximum = 2500, default = 1000)]
    limit: Option<usize>,
    /// Where to go on, from the `Link` of an earlier page.
    cursor: Option<String>,
}

async fn brief(app: Arc<App>, Query(query): Query<BriefQuery>) -> Result<Listing<AgentBrief>, Problem> {
    let limit = query.limit.unwrap_or(1000);
    let after = query.cursor.as_deref().map(|cursor| paging::unhex(cursor).ok_or_else(paging::bad_cursor));
    let after = after.transpose()?;
    let page = app
        .read_many(move |tx, roster, now| agent_brief::page(tx, roster, limit, after.as_deref(), now))
        .await?;
    Ok(Listing {
        items: page.items,
        total: Total::Exact(page.total as u64),
        next: page.next.map(|place| paging::hex(&place)),
    })
}

/// Whose activity, how far back.
#[derive(Deserialize, ToSchema)]
struct ActivityQuery {
    /// How far back; beyond 1440 with `agent_id` and `step`.
    #[schema(minimum = 10, maximum = 43200, default = 60)]
    minutes: Option<u32>,
    /// Longer steps in place of 5 minutes: `hour` or `day`.
    step: Option<StepLength>,
    /// How many agents to return. Agents times points are at most 150000; without a limit it is what that allows.
    #[schema(minimum = 1, maximum = 10000, default = 1000)]
    limit: Option<usize>,
    /// Only this agent: its id or name.
    agent_id: Option<String>,
}

/// How far back the activity of all agents, or that by 5 minutes, is told.
const MAX_MINUTES: u32 = 1440;
/// How many points an answer has, those of all its agents together.
const MAX_POINTS: usize = 150_000;

async fn activity(
    app: Arc<App>,
    Query(query): Query<ActivityQuery>,
) -> Result<Ok200<FleetActivity>, Problem> {
    let ActivityQuery { minutes, step, limit, agent_id } = query;
    let span = Span { minutes: minutes.unwrap_or(60), step };
    if step == Some(StepLength::Minute) {
        let text = "must be hour or day; without it a step is 5 minutes";
        return Err(Problem::bad_parameter("step", "value", text));
    }
    if span.minutes > MAX_MINUTES && (agent_id.is_none() || step.is_none()) {
        let text = "must be at most 1440; up to 43200 of one agent with agent_id and step=hour or step=day";
        return Err(Problem::bad_parameter("minutes", "range", text));
    }
    let (points, most) = (span.points(), MAX_POINTS / span.points().max(1));
    let limit = limit.unwrap_or(most.min(1000));
    if agent_id.is_none() && limit > most {
        let text =
            format!("must be at most {most} with {points} points; ask for fewer minutes or longer steps");
        return Err(Problem::bad_parameter("limit", "range", &text));
    }
    let read = app.read_many(move |tx, roster, now| {
        activity::recent(tx, roster, agent_id.as_deref(), span, limit, now)
    });
    Ok(Ok200(read.await?))
}

async fn summary(app: Arc<App>) -> Result<Ok200<FleetSummary>, Problem> {
    Ok(Ok200(app.read_many(fleet_stats::summary).await?))
}

/// How far back.
#[derive(Deserialize, ToSchema)]
struct HistoryQuery {
    /// UTC days, today included.
    #[schema(minimum = 1, maximum = 365, default = 30)]
    days: Option<u32>,
}

async fn history(app: Arc<App>, Query(query): Query<HistoryQuery>) -> Result<Ok200<FleetHistory>, Problem> {
    let days = query.days.unwrap_or(30);
    Ok(Ok200(app.read_many(move |tx, _, now| fleet_stats::history(tx, days, now)).await?))
}

/// Which alerts.
#[derive(Deserialize, ToSchema)]
struct AlertQuery {
    /// How many to return.
    #[schema(minimum = 1, maximum = 500, default = 100)]
    limit: Option<usize>,
    /// Only alerts of a later time; looked for among the newest few thousand.
    since: Option<Timestamp>,
}

/// Alerts, newest first.
#[derive(Serialize, ToSchema)]
struct Alerts {
    alerts: Vec<AlertView>,
}

async fn alerts(app: Arc<App>, Query(query): Query<AlertQuery>) -> Result<Ok200<Alerts>, Problem> {
    let limit = query.limit.unwrap_or(100);
    let alerts = app.read_many(move |tx, _, _| Alert::newest(tx, query.since, limit)).await?;
    Ok(Ok200(Alerts { alerts }))
}
