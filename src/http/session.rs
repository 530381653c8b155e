//! `/api/v1/session`: a browser shows a token once, and a cookie from then on.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use warp::http::header::{HeaderValue, SET_COOKIE};
use warp::http::{Method, StatusCode};
use warp::reply::Response;

use super::access::Visit;
use super::document::OperationDoc;
use super::endpoint::{Endpoint, Output};
use super::error::Problem;
use super::json::Json;
use super::reply::{NoContent, Ok200};
use crate::App;
use crate::app::Failure;
use crate::domain::access::{Actor, Caller, Proof, TokenRole};
use crate::domain::command::Action;
use crate::domain::time::Timestamp;
use crate::domain::tokens::{Fingerprint, SESSION, Session};
use crate::secret;

const SESSION_PATH: &str = "/api/v1/session";

/// The endpoints.
pub fn endpoints() -> Vec<Endpoint> {
    let endpoints = [
        Endpoint::get(SESSION_PATH, "Who I am", read),
        Endpoint::post(SESSION_PATH, "Log a browser in", open)
            .describe("Sets a cookie that scripts cannot read and other sites' pages cannot use.")
            .problem(401, "There is no such token, or it has ended")
            .problem(429, "Too many wrong tokens came from this address"),
        Endpoint::new(Method::DELETE, SESSION_PATH, "Log a browser out", close),
    ];
    endpoints.map(Endpoint::public).to_vec()
}

/// Who sends the request.
#[derive(Serialize, ToSchema)]
struct Identity {
    /// Whether this server wants a token.
    required: bool,
    /// The name of the token; `local` where none is needed, nothing where one is missing.
    name: Option<String>,
    /// What it allows.
    role: Option<TokenRole>,
    /// The one agent that it is for.
    agent: Option<String>,
    /// When what was shown ends.
    expires_at: Option<Timestamp>,
    /// Whether a session said so, which this browser may end.
    session: bool,
}

/// Logs a browser in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Login {
    /// The token.
    #[schema(min_length = 1, max_length = 256)]
    token: String,
}

/// 204 with a cookie.
struct Cookie(String);

impl Output for Cookie {
    fn describe(doc: &mut OperationDoc) {
        NoContent::describe(doc);
    }

    fn into_response(self, target: &str) -> Response {
        let mut response = NoContent.into_response(target);
        response.headers_mut().extend(HeaderValue::from_str(&self.0).ok().map(|value| (SET_COOKIE, value)));
        response
    }
}

async fn read(_: Arc<App>, visit: Visit) -> Result<Ok200<Identity>, Problem> {
    let required = visit.door.is_locked();
    let caller = visit.caller;
    Ok(Ok200(Identity {
        session: matches!(caller, Some(Caller { proof: Proof::Session { .. }, .. })),
        required,
        name: caller.as_ref().map(|c| c.actor.name.clone()),
        role: caller.as_ref().map(|c| c.actor.role),
        agent: caller.as_ref().and_then(|c| c.agent.clone()),
        expires_at: caller.and_then(|c| c.expires_at),
    }))
}

async fn open(app: Arc<App>, Json(login): Json<Login>, visit: Visit) -> Result<Cookie, Problem> {
    let caller = visit.door.holder(login.token.trim(), visit.from).inspect_err(|problem| {
        visit.door.turn_away(Actor::nobody(), &Method::POST, SESSION_PATH, visit.from, problem);
    })?;
    let Proof::Token(token_id) = caller.proof else {
        return Err(Problem::new(StatusCode::FORBIDDEN, "This opens no session; log in with a token."));
    };
    if !caller.may(TokenRole::Viewer) {
        let text = "This token records for one agent and reads nothing; log in with another.";
        return Err(Problem::new(StatusCode::FORBIDDEN, text));
    }
    let now = app.now();
    let secret = secret::new("").map_err(Failure::Broken)?;
    let expires_at = caller.expires_at.map_or(now.plus(SESSION), |end| end.min(now.plus(SESSION)));
    let session = Session {
        session_id: Uuid::new_v4(),
        token_id,
        secret: Fingerprint::of(&secret),
        created_at: now,
        expires_at,
    };
    app.submit_by(caller.actor, Action::OpenSession(Box::new(session))).await?;
    Ok(Cookie(visit.door.cookie(&secret, (expires_at.0 - now.0) / 1_000_000)))
}

async fn close(app: Arc<App>, visit: Visit) -> Result<Cookie, Problem> {
    if let Some(Proof::Session { session_id, .. }) = visit.caller.as_ref().map(|caller| &caller.proof) {
        app.submit_by(visit.actor(), Action::CloseSession(*session_id)).await?;
    }
    Ok(Cookie(visit.door.cookie("", 0)))
}
