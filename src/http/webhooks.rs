//! `/api/v1/webhooks`: who is told of alerts and approvals, and what nobody took.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use warp::http::Method;

use super::access::By;
use super::endpoint::Endpoint;
use super::error::Problem;
use super::reply::{NoContent, Ok200};
use super::request::{Path, Query};
use crate::App;
use crate::domain::access::TokenRole;
use crate::domain::command::Action;
use crate::domain::refusal::Refusal;
use crate::domain::webhook_view::{DeadLetterView, WebhooksView};
use crate::webhooks;

const UNKNOWN: &str = "There is no such dead letter";

/// The endpoints.
pub fn endpoints() -> Vec<Endpoint> {
    let letter = "/api/v1/webhooks/dead-letters/{id}";
    let endpoints = [
        Endpoint::get("/api/v1/webhooks", "Who is told of alerts and approvals", list).describe(
            "With what waits for each, and what failed last. URLs are shown without passwords and queries.",
        ),
        Endpoint::get("/api/v1/webhooks/dead-letters", "What was given up", dead_letters)
            .describe("Those given up last first."),
        Endpoint::post("/api/v1/webhooks/dead-letters/{id}/retry", "Deliver a dead letter once more", retry)
            .describe("It waits as if it had just happened, under the same webhook-id.")
            .problem(404, UNKNOWN)
            .problem(409, "The settings no longer name its target"),
        Endpoint::new(Method::DELETE, letter, "Remove a dead letter", discard).problem(404, UNKNOWN),
    ];
    endpoints.map(|endpoint| endpoint.needs(TokenRole::Operator)).to_vec()
}

async fn list(app: Arc<App>) -> Result<Ok200<WebhooksView>, Problem> {
    let targets = webhooks::targets(&app.config);
    Ok(Ok200(app.read_many(move |tx, _, _| WebhooksView::load(tx, &targets)).await?))
}

/// How many.
#[derive(Deserialize, ToSchema)]
struct ListQuery {
    /// How many at most.
    #[schema(minimum = 1, maximum = 500, default = 100)]
    limit: Option<usize>,
}

/// Dead letters.
#[derive(Serialize, ToSchema)]
#[schema(as = DeadLetterList)]
struct DeadLetters(Vec<DeadLetterView>);

async fn dead_letters(app: Arc<App>, Query(query): Query<ListQuery>) -> Result<Ok200<DeadLetters>, Problem> {
    let (targets, limit) = (webhooks::targets(&app.config), query.limit.unwrap_or(100));
    let found = app.read_many(move |tx, _, _| DeadLetterView::newest(tx, &targets, limit));
    Ok(Ok200(DeadLetters(found.await?)))
}

/// Names a dead letter.
#[derive(Deserialize, ToSchema)]
struct LetterPath {
    /// The dead letter's id.
    id: String,
}

impl LetterPath {
    fn id(&self) -> Result<Uuid, Problem> {
        let unknown = || Refusal::NotFound { what: "dead letter", id: self.id.clone() };
        Uuid::parse_str(&self.id).map_err(|_| unknown().into())
    }
}

async fn retry(app: Arc<App>, Path(path): Path<LetterPath>, By(caller): By) -> Result<NoContent, Problem> {
    app.submit_by(caller.actor, Action::RetryDelivery(path.id()?)).await?;
    Ok(NoContent)
}

async fn discard(app: Arc<App>, Path(path): Path<LetterPath>, By(caller): By) -> Result<NoContent, Problem> {
    app.submit_by(caller.actor, Action::DiscardDelivery(path.id()?)).await?;
    Ok(NoContent)
}
