//! `Idempotency-Key`: a client that does not know whether its request was carried out sends it again.
//!
//! After draft-ietf-httpapi-idempotency-key-header, section 2.

use utoipa::PartialSchema;
use warp::http::header::{HeaderName, HeaderValue};
use warp::reply::Response;

use super::document::OperationDoc;
use super::endpoint::{Input, Output};
use super::error::Problem;
use super::request::Call;
use crate::App;
use crate::domain::access::{Caller, Proof};
use crate::domain::command::{Action, Outcome};
use crate::domain::idempotency::{Once, Place};
use crate::domain::refusal::FieldError;

/// The key, as sent.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that an answer is that of an earlier request.
pub const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// How many characters a key may have.
const MAX_KEY: usize = 255;

/// How a request may be repeated. Comes after the body among a handler's inputs: it tells bodies apart.
pub struct Retry {
    /// Whose request it is.
    pub caller: Caller,
    principal: String,
    once: Option<Once>,
}

impl Input for Retry {
    type Prepared = ();

    fn prepare(doc: &mut OperationDoc) {
        doc.header_parameter(
            "Idempotency-Key",
            "Makes a repeat safe: for a day, a request with the same key and content is answered with what became of \
             the first. Visible ASCII.",
            String::schema(),
        );
        doc.problem(410, "It was carried out before, and what came of it has been removed since");
        doc.problem(422, "What was sent cannot be used; all that is wrong with it is told");
    }

    async fn read(call: &mut Call, _: &App, (): &()) -> Result<Self, Problem> {
        let caller = call.caller.clone().ok_or_else(Problem::internal)?;
        let principal = match &caller.proof {
            Proof::Nothing | Proof::Local => String::new(),
            Proof::Token(id) | Proof::Session { token_id: id, .. } => id.to_string(),
        };
        let mut once = None;
        if let Some(key) = call.headers.get(&IDEMPOTENCY_KEY) {
            let key = key.to_str().ok().filter(|key| {
                (1..=MAX_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
            });
            let key = key.ok_or_else(bad_key)?;
            let sent = [call.target.as_bytes(), call.body_digest.as_slice()];
            once = Some(Once::new(Place::Header, [&principal, call.endpoint], key, sent));
        }
        Ok(Self { caller, principal, once })
    }
}

fn bad_key() -> Problem {
    Problem::invalid(vec![FieldError {
        loc: vec!["header".into(), "Idempotency-Key".into()],
        msg: format!("must be 1 to {MAX_KEY} visible ASCII characters"),
        kind: "value".into(),
    }])
}

impl Retry {
    /// The action of one record, carried out once where the client gave the record an id of its own. Such an id means
    /// the same record at every endpoint.
    pub fn record(&self, place: Place, own_id: Option<(String, Vec<u8>)>, action: Action) -> Action {
        match own_id {
            None => action,
            Some((id, sent)) => Once::new(place, [&self.principal, ""], &id, [&sent, &[]]).of(action),
        }
    }

    /// Carries the action out, or tells what became of it when it was.
    ///
    /// # Errors
    /// When it is refused, or storage fails.
    pub async fn submit(self, app: &App, action: Action) -> Result<(Outcome, Replay), Problem> {
        let action = match self.once {
            None => action,
            Some(once) => once.of(action),
        };
        let mut outcome = app.submit_by(self.caller.actor, action).await?;
        let mut replay = Replay(false);
        while let Outcome::Again(first) = outcome {
            (outcome, replay) = (*first, Replay(true));
        }
        Ok((outcome, replay))
    }
}

/// Whether an outcome is that of an earlier request.
#[derive(Clone, Copy)]
pub struct Replay(bool);

impl Replay {
    /// The answer, which says so.
    pub fn of<T>(self, answer: T) -> Replayable<T> {
        Replayable { answer, replayed: self.0 }
    }
}

/// An answer that may be that of an earlier request.
pub struct Replayable<T> {
    answer: T,
    replayed: bool,
}

impl<T: Output> Output for Replayable<T> {
    fn describe(doc: &mut OperationDoc) {
        T::describe(doc);
        doc.success_header("Idempotency-Replayed", "true where this is the answer to an earlier request");
    }

    fn into_response(self, target: &str) -> Response {
        let mut response = self.answer.into_response(target);
        if self.replayed {
            response.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}
