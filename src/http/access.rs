//! Authentication: who sends a request, by what it shows, and whether that suffices.
//!
//! A token is shown as `Authorization: Bearer` (RFC 6750, section 2.1), by a browser as the cookie of a session, and
//! by a WebSocket, to which browsers add no headers, as a subprotocol. It is never part of an address: those are
//! logged, kept and passed on.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use subtle::ConstantTimeEq;
use warp::http::header::{
    AUTHORIZATION, COOKIE, HeaderValue, RETRY_AFTER, SEC_WEBSOCKET_PROTOCOL, WWW_AUTHENTICATE,
};
use warp::http::{HeaderMap, Method, StatusCode};

use super::attempts::Attempts;
use super::document::OperationDoc;
use super::endpoint::{Endpoint, Input};
use super::error::Problem;
use super::request::Call;
use super::turned_away::TurnedAway;
use crate::App;
use crate::domain::access::{Actor, Caller, Proof, TokenRole};
use crate::domain::command::Action;
use crate::domain::tokens::Standing;

/// The subprotocol whose successor in the list is a token.
pub const SUBPROTOCOL: &str = "agentmap.bearer";

/// Who may use an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anyone.
    Public,
    /// Whoever has this role, or a greater one.
    Role(TokenRole),
}

/// The door of a server: what opens it, and who failed to.
pub struct Door {
    app: Arc<App>,
    /// Whether a token is needed.
    locked: bool,
    /// The name of the cookie. Servers on other ports of this machine get each other's.
    cookie: String,
    attempts: Mutex<Attempts>,
    turned_away: TurnedAway,
}

impl Door {
    /// The door of a server that listens at `bound`.
    #[must_use]
    pub fn new(app: Arc<App>, bound: SocketAddr) -> Self {
        let loopback = bound.ip().to_canonical().is_loopback();
        let locked = !app.config.insecure && (app.config.require_token || !loopback);
        let (cookie, turned_away) = (format!("agentmap_{}", bound.port()), TurnedAway::from(&app));
        Self { app, locked, cookie, attempts: Mutex::default(), turned_away }
    }

    /// Whether a token is needed.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.locked
    }

    /// A cookie of this server, with what to do about it.
    #[must_use]
    pub fn cookie(&self, value: &str, seconds: i64) -> String {
        let secure = if self.app.config.tls_cert.is_some() { "; Secure" } else { "" };
        format!("{}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}", self.cookie)
    }

    /// Who sends a request to an endpoint; `None` where they did not say and need not.
    ///
    /// # Errors
    /// 401 where what they show opens nothing, 403 where it does not suffice, 429 where they showed such too often.
    pub fn admit(
        &self,
        endpoint: &Endpoint,
        headers: &HeaderMap,
        query: &str,
        from: IpAddr,
    ) -> Result<Option<Caller>, Problem> {
        let shown = self.shown(headers, query, from);
        let Access::Role(role) = endpoint.access else { return shown };
        let mut actor = Actor::nobody();
        let admitted = shown.and_then(|caller| {
            let caller = caller.ok_or_else(|| {
                unauthorized(
                    "This server wants a token: send it as 'Authorization: Bearer', or log in at /login.",
                )
            })?;
            actor = caller.actor.clone();
            if caller.may(role) { Ok(caller) } else { Err(forbidden(&caller, role)) }
        });
        match &admitted {
            Ok(caller) => self.note_use(caller),
            Err(problem) if role >= TokenRole::Operator => {
                self.turn_away(actor, &endpoint.method, endpoint.path, from, problem);
            }
            Err(_) => {}
        }
        admitted.map(Some)
    }

    /// Notes that somebody was turned away.
    pub fn turn_away(&self, actor: Actor, method: &Method, path: &str, from: IpAddr, problem: &Problem) {
        self.turned_away.note(actor, format!("{method} {path}"), from, problem);
    }

    /// Who sends a request; `None` where they did not say and it matters.
    fn shown(&self, headers: &HeaderMap, query: &str, from: IpAddr) -> Result<Option<Caller>, Problem> {
        let names = query.split('&').map(|pair| pair.split('=').next().unwrap_or_default());
        if names.into_iter().any(|name| matches!(name, "token" | "access_token")) {
            return Err(unauthorized(
                "A token does not belong into an address, which is logged and passed on; send it as \
                 'Authorization: Bearer'.",
            ));
        }
        match bearer(headers)? {
            Some(secret) => self.holder(secret, from).map(Some),
            None => Ok(self.visitor(headers).or_else(|| (!self.locked).then(Caller::anyone))),
        }
    }

    /// Who holds a secret.
    ///
    /// # Errors
    /// 401 where it opens nothing, 429 where such was shown too often.
    pub fn holder(&self, secret: &str, from: IpAddr) -> Result<Caller, Problem> {
        // Before the limit, so that nobody at this address keeps the owner's own commands out: this secret is of one run,
        // and too long to be guessed.
        if secret.as_bytes().ct_eq(self.app.local_credential().as_bytes()).into() {
            return Ok(Caller { proof: Proof::Local, ..Caller::anyone() });
        }
        let now = self.app.now();
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(seconds) = attempts.wait(from, now) {
            let text = "Too many wrong tokens came from this address.";
            let mut problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, text);
            problem.headers.push((RETRY_AFTER, HeaderValue::from(seconds)));
            return Err(problem);
        }
        let keyring = self.app.keyring();
        let Some(token) = keyring.token_of(secret) else {
            attempts.failed(from, now);
            return Err(unauthorized("There is no such token."));
        };
        // Whoever holds a token that ended guessed nothing.
        match token.standing(now) {
            Standing::Usable => Ok(Caller::of_token(token)),
            Standing::Expired => Err(unauthorized("The token has expired.")),
            Standing::Revoked => Err(unauthorized("The token was revoked.")),
        }
    }

    /// Whose browser it is. A cookie that ended is as none: the browser sends it on its own.
    fn visitor(&self, headers: &HeaderMap) -> Option<Caller> {
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs =
            cookies.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let keyring = self.app.keyring();
        pairs.find_map(|(name, secret)| {
            let (session, token) =
                keyring.session_of(secret, self.app.now()).filter(|_| name == self.cookie)?;
            Some(Caller::of_session(session, token))
        })
    }

    fn note_use(&self, caller: &Caller) {
        let (Proof::Token(id) | Proof::Session { token_id: id, .. }) = caller.proof else { return };
        if self.app.keyring().is_news(id, self.app.now()) {
            let app = Arc::clone(&self.app);
            tokio::spawn(async move {
                if let Err(error) = app.submit(Action::NoteUse(id)).await {
                    tracing::warn!(%error, "the use of a token was not noted");
                }
            });
        }
    }
}

/// The token of a request's headers.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let malformed = || unauthorized("The header 'Authorization' is not 'Bearer' and one token.");
    let mut sent = headers.get_all(AUTHORIZATION).iter();
    match (sent.next(), sent.next()) {
        (None, _) => Ok(subprotocols(headers).skip_while(|name| *name != SUBPROTOCOL).nth(1)),
        (Some(_), Some(_)) => Err(malformed()),
        (Some(value), None) => {
            let (scheme, secret) =
                value.to_str().ok().and_then(|v| v.split_once(' ')).ok_or_else(malformed)?;
            let secret = secret.trim();
            let fits = scheme.eq_ignore_ascii_case("bearer") && !secret.is_empty();
            fits.then_some(Some(secret)).ok_or_else(malformed)
        }
    }
}

fn subprotocols(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let sent = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    sent.flat_map(|text| text.split(',')).map(str::trim)
}

/// Whether a WebSocket shows its token as a subprotocol, and has to be told that it was understood.
#[must_use]
pub fn offers_token(headers: &HeaderMap) -> bool {
    subprotocols(headers).any(|name| name == SUBPROTOCOL)
}

/// What was shown opens nothing.
pub fn unauthorized(text: &str) -> Problem {
    let mut problem = Problem::new(StatusCode::UNAUTHORIZED, text);
    problem.headers.push((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
    problem
}

fn forbidden(caller: &Caller, needed: TokenRole) -> Problem {
    let text = match &caller.agent {
        Some(agent) => format!("This token records for the agent '{agent}', and does nothing else."),
        None => {
            let role = caller.actor.role;
            format!(
                "This takes a token with the role '{needed}'; that of '{}' is '{role}'.",
                caller.actor.name
            )
        }
    };
    Problem::new(StatusCode::FORBIDDEN, text)
}

/// Where a browser that follows a link is led that must log in first.
#[must_use]
pub fn login_for(target: &str) -> String {
    let safe = |b: u8| b.is_ascii_alphanumeric() || b"-._~/".contains(&b);
    let escaped =
        target.bytes().map(|b| if safe(b) { char::from(b).to_string() } else { format!("%{b:02X}") });
    format!("/login?next={}", escaped.collect::<String>())
}

/// Who sends a request.
pub struct By(pub Caller);

impl Input for By {
    type Prepared = ();

    fn prepare(_: &mut OperationDoc) {}

    async fn read(call: &mut Call, _: &App, (): &()) -> Result<Self, Problem> {
        call.caller.clone().map(Self).ok_or_else(Problem::internal)
    }
}

/// Refuses to record for agents that the caller's token is not for.
///
/// # Errors
/// 403.
pub fn check_agent<'a>(
    app: &App,
    caller: &Caller,
    told: impl IntoIterator<Item = &'a str>,
) -> Result<(), Problem> {
    if caller.may_record(&app.roster(), told) { Ok(()) } else { Err(forbidden(caller, TokenRole::Ingest)) }
}

/// Who knocks, and at which door; for those who have yet to say who they are.
pub struct Visit {
    /// The door.
    pub door: Arc<Door>,
    /// Where from.
    pub from: IpAddr,
    /// Who, where they said.
    pub caller: Option<Caller>,
}

impl Visit {
    /// As whom they act.
    #[must_use]
    pub fn actor(&self) -> Actor {
        self.caller.as_ref().map(|caller| caller.actor.clone()).unwrap_or_default()
    }
}

impl Input for Visit {
    type Prepared = ();

    fn prepare(_: &mut OperationDoc) {}

    async fn read(call: &mut Call, _: &App, (): &()) -> Result<Self, Problem> {
        Ok(Self { door: Arc::clone(&call.door), from: call.from, caller: call.caller.clone() })
    }
}
