//! What handlers read from requests: path, query, body, headers.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use warp::http::header::CONTENT_TYPE;
use warp::http::{HeaderMap, StatusCode};

use super::access::Door;
use super::body::{Body, Held};
use super::document::OperationDoc;
use super::endpoint::Input;
use super::error::Problem;
use super::idempotency::IDEMPOTENCY_KEY;
use super::schema::Checker;
use super::websocket::Handshake;
use crate::App;
use crate::config::Limits;
use crate::domain::access::Caller;
use crate::domain::idempotency::digest;
use crate::domain::refusal::FieldError;

/// A request on its way to its handler.
pub struct Call {
    /// The door that it came through.
    pub door: Arc<Door>,
    /// Where from.
    pub from: IpAddr,
    /// Whose request it is; `None` where nobody said and it does not matter.
    pub caller: Option<Caller>,
    /// The path template of its endpoint.
    pub endpoint: &'static str,
    /// Path and query, as sent.
    pub target: String,
    /// The query, without `?`.
    pub query: String,
    /// The parameters of the path, decoded.
    pub path: Vec<(String, String)>,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, until it is read.
    pub body: Option<Body>,
    /// The room that the body takes.
    pub held: Held,
    /// A hash of the body that was read, where a repeat of it is to be known again.
    pub body_digest: [u8; 32],
    /// The upgrade, where a WebSocket is asked for.
    pub upgrade: Option<Handshake>,
}

impl Call {
    /// The whole body, of `limit` bytes at most.
    pub(super) async fn body(&mut self, limit: usize, limits: &Limits) -> Result<Bytes, Problem> {
        let Some(body) = self.body.take() else { return Ok(Bytes::new()) };
        let (body, held) = body.read(&self.headers, limit, limits).await?;
        self.held = held;
        if self.headers.contains_key(IDEMPOTENCY_KEY) {
            self.body_digest = digest(&[&body]);
        }
        Ok(body)
    }

    /// The media type of the body, in lower case, without parameters.
    pub(super) fn content_type(&self) -> Option<String> {
        let value = self.headers.get(CONTENT_TYPE)?.to_str().unwrap_or("?");
        Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
    }
}

/// The parameters of the path.
pub struct Path<T>(pub T);

/// The parameters of the query.
pub struct Query<T>(pub T);

/// The request's headers.
pub struct Headers(pub HeaderMap);

/// What a value says, once the schema has nothing against it.
///
/// # Errors
/// 422 with all that is wrong with it.
pub(super) fn typed<T: DeserializeOwned>(
    checker: &Checker,
    mut value: Value,
    at: &str,
) -> Result<T, Problem> {
    let errors = checker.check(&mut value, at);
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    // What the schema lets through its type can read; else the type says why.
    serde_json::from_value(value).map_err(|e| {
        Problem::invalid(vec![FieldError { loc: vec![at.into()], msg: e.to_string(), kind: "value".into() }])
    })
}

impl<T: DeserializeOwned + ToSchema + Send + 'static> Input for Path<T> {
    type Prepared = Checker;

    fn prepare(doc: &mut OperationDoc) -> Checker {
        doc.parameters::<T>("path");
        Checker::of::<T>().of_parameters()
    }

    async fn read(call: &mut Call, _: &App, checker: &Checker) -> Result<Self, Problem> {
        let values = call.path.iter().map(|(name, text)| (name.clone(), checker.read_parameter(name, text)));
        typed(checker, Value::Object(values.collect()), "path").map(Self)
    }
}

impl<T: DeserializeOwned + ToSchema + Send + 'static> Input for Query<T> {
    type Prepared = Checker;

    fn prepare(doc: &mut OperationDoc) -> Checker {
        doc.parameters::<T>("query");
        Checker::of::<T>().of_parameters()
    }

    async fn read(call: &mut Call, _: &App, checker: &Checker) -> Result<Self, Problem> {
        let mut values = Map::new();
        for pair in call.query.split('&') {
            let (name, text) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, text) = (decode(name, "query")?, decode(text, "query")?);
            // An empty text is one that a form left empty; an unknown parameter is somebody else's.
            if checker.knows(&name) && !(text.is_empty() && checker.takes_text(&name)) {
                values.insert(name.clone(), checker.read_parameter(&name, &text));
            }
        }
        typed(checker, Value::Object(values), "query").map(Self)
    }
}

impl Input for Headers {
    type Prepared = ();

    fn prepare(_: &mut OperationDoc) {}

    async fn read(call: &mut Call, _: &App, (): &()) -> Result<Self, Problem> {
        Ok(Self(call.headers.clone()))
    }
}

/// Undoes percent-encoding.
///
/// # Errors
/// When the result is not UTF-8.
pub fn decode(text: &str, what: &str) -> Result<String, Problem> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        // Two digits: a number may begin with a plus, too.
        let hex = (first == b'%').then(|| tail.get(..2)).flatten();
        let hex = hex.filter(|two| two.iter().all(u8::is_ascii_hexdigit));
        let decoded = hex.and_then(|h| u8::from_str_radix(std::str::from_utf8(h).ok()?, 16).ok());
        bytes.push(match decoded {
            Some(byte) => {
                rest = &tail[2..];
                byte
            }
            None if first == b'+' && what == "query" => b' ',
            None => first,
        });
    }
    String::from_utf8(bytes)
        .map_err(|_| Problem::new(StatusCode::BAD_REQUEST, format!("The {what} is not UTF-8 when decoded.")))
}
