//! `/api/v1/tokens`: who gets in.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use warp::http::Method;

use super::access::By;
use super::endpoint::Endpoint;
use super::error::Problem;
use super::json::Json;
use super::reply::{Created, NoContent, Ok200};
use super::request::Path;
use crate::App;
use crate::app::Failure;
use crate::domain::access::TokenRole;
use crate::domain::command::{Action, Outcome};
use crate::domain::refusal::Refusal;
use crate::domain::tokens::{NewToken, TokenView};
use crate::secret;

/// The endpoints.
pub fn endpoints() -> Vec<Endpoint> {
    let endpoints = [
        Endpoint::get("/api/v1/tokens", "List tokens", list).describe("Also those that ended; no secrets."),
        Endpoint::post("/api/v1/tokens", "Make a token", create)
            .describe("The secret is in this answer and nowhere else.")
            .problem(409, "A usable token has the name"),
        Endpoint::new(Method::DELETE, "/api/v1/tokens/{token_id}", "Revoke a token", revoke)
            .describe("Its sessions end with it.")
            .problem(404, "There is no such token"),
    ];
    endpoints.map(|endpoint| endpoint.needs(TokenRole::Admin)).to_vec()
}

/// A token that was made.
#[derive(Serialize, ToSchema)]
struct MadeToken {
    /// The secret. It is not shown again.
    secret: String,
    #[serde(flatten)]
    token: TokenView,
}

/// Names a token.
#[derive(Deserialize, ToSchema)]
struct TokenPath {
    /// The token's id.
    token_id: String,
}

/// All tokens.
#[derive(Serialize, ToSchema)]
#[schema(as = TokenList)]
struct Tokens(Vec<TokenView>);

async fn list(app: Arc<App>) -> Result<Ok200<Tokens>, Problem> {
    let now = app.now();
    let mut tokens: Vec<_> = app.keyring().tokens().map(|token| token.view(now)).collect();
    tokens.sort_by(|a, b| (a.created_at, &a.name).cmp(&(b.created_at, &b.name)));
    Ok(Ok200(Tokens(tokens)))
}

async fn create(
    app: Arc<App>,
    Json(wanted): Json<NewToken>,
    By(caller): By,
) -> Result<Created<MadeToken>, Problem> {
    let secret = secret::new(secret::TOKEN).map_err(Failure::Broken)?;
    let token = wanted.into_token(Uuid::new_v4(), &secret, &caller.actor, app.now());
    let outcome = app.submit_by(caller.actor, Action::CreateToken(Box::new(token))).await?;
    let Outcome::Token(token) = outcome else {
        return Err(Failure::Broken("making a token gave none back".into()).into());
    };
    Ok(Created { location: None, value: MadeToken { secret, token: token.view(app.now()) } })
}

async fn revoke(app: Arc<App>, Path(path): Path<TokenPath>, By(caller): By) -> Result<NoContent, Problem> {
    let unknown = || Refusal::NotFound { what: "token", id: path.token_id.clone() };
    let id = Uuid::parse_str(&path.token_id).map_err(|_| unknown())?;
    app.submit_by(caller.actor, Action::RevokeToken(id)).await?;
    Ok(NoContent)
}
