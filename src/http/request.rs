//! What handlers read from requests: path, query, body, headers.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout_at};
use utoipa::ToSchema;
use warp::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use warp::http::{HeaderMap, StatusCode};

use super::access::Door;
use super::document::OperationDoc;
use super::endpoint::Input;
use super::error::Problem;
use super::idempotency::IDEMPOTENCY_KEY;
use super::schema::Checker;
use crate::App;
use crate::domain::access::Caller;
use crate::domain::idempotency::digest;
use crate::domain::refusal::FieldError;

/// How many bytes are set aside for a body before any arrives.
const RESERVED: usize = 64 * 1024;

/// How long a client may take for the whole body.
const BODY_DEADLINE: Duration = Duration::from_mins(2);

/// How long a client may take for the next piece of a body.
const BODY_PATIENCE: Duration = Duration::from_secs(30);

type BodyStream = std::pin::Pin<Box<dyn Stream<Item = Result<Bytes, warp::Error>> + Send>>;

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
    pub body: Option<BodyStream>,
    /// A hash of the body that was read, where a repeat of it is to be known again.
    pub body_digest: [u8; 32],
    /// The upgrade, where a WebSocket is asked for.
    pub upgrade: Option<warp::ws::Ws>,
}

impl Call {
    /// Makes the body of a call.
    pub fn body_of<B: Buf>(
        stream: impl Stream<Item = Result<B, warp::Error>> + Send + 'static,
    ) -> BodyStream {
        Box::pin(stream.map(|chunk| chunk.map(|mut c| c.copy_to_bytes(c.remaining()))))
    }

    /// The whole body, of `limit` bytes at most.
    async fn body(&mut self, limit: usize) -> Result<Bytes, Problem> {
        let too_large =
            || Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("The body is larger than {limit} bytes."));
        let announced = self.headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
        if announced.is_some_and(|length| length > limit) {
            return Err(too_large());
        }
        let Some(mut stream) = self.body.take() else { return Ok(Bytes::new()) };
        // What is announced may never come.
        let mut body = BytesMut::with_capacity(announced.unwrap_or(0).min(RESERVED));
        let too_slow = |_| Problem::new(StatusCode::REQUEST_TIMEOUT, "The body did not arrive in time.");
        let deadline = Instant::now() + BODY_DEADLINE;
        loop {
            let patience = deadline.min(Instant::now() + BODY_PATIENCE);
            let Some(chunk) = timeout_at(patience, stream.next()).await.map_err(too_slow)? else { break };
            let chunk = chunk
                .map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "The body broke off before its end."))?;
            if body.len() + chunk.len() > limit {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        if self.headers.contains_key(IDEMPOTENCY_KEY) {
            self.body_digest = digest(&[&body]);
        }
        Ok(body.freeze())
    }

    /// The media type of the body, in lower case, without parameters.
    fn content_type(&self) -> Option<String> {
        let value = self.headers.get(CONTENT_TYPE)?.to_str().unwrap_or("?");
        Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
    }
}

/// The parameters of the path.
pub struct Path<T>(pub T);

/// The parameters of the query.
pub struct Query<T>(pub T);

/// A JSON body.
pub struct Json<T>(pub T);

/// A JSON body that may be as large as a batch.
pub struct LargeJson<T>(pub T);

/// A JSON body, or none.
pub struct OptionalJson<T>(pub Option<T>);

/// A batch: a JSON array, or NDJSON. Each item is checked on its own.
pub struct Batch<T>(pub Vec<Result<T, Problem>>);

/// The request's headers.
pub struct Headers(pub HeaderMap);

fn typed<T: DeserializeOwned>(checker: &Checker, mut value: Value, at: &str) -> Result<T, Problem> {
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

impl<T: DeserializeOwned + ToSchema + Send + 'static> Input for Json<T> {
    type Prepared = Checker;

    fn prepare(doc: &mut OperationDoc) -> Checker {
        doc.body::<T>(true);
        Checker::of::<T>()
    }

    async fn read(call: &mut Call, app: &App, checker: &Checker) -> Result<Self, Problem> {
        let body = json_body(call, app.config.max_body_bytes).await?;
        typed(checker, parse(&body)?, "body").map(Self)
    }
}

impl<T: DeserializeOwned + ToSchema + Send + 'static> Input for LargeJson<T> {
    type Prepared = Checker;

    fn prepare(doc: &mut OperationDoc) -> Checker {
        Json::<T>::prepare(doc)
    }

    async fn read(call: &mut Call, app: &App, checker: &Checker) -> Result<Self, Problem> {
        let body = json_body(call, app.config.max_batch_bytes).await?;
        typed(checker, parse(&body)?, "body").map(Self)
    }
}

impl<T: DeserializeOwned + ToSchema + Send + 'static> Input for OptionalJson<T> {
    type Prepared = Checker;

    fn prepare(doc: &mut OperationDoc) -> Checker {
        doc.body::<T>(false);
        Checker::of::<T>()
    }

    async fn read(call: &mut Call, app: &App, checker: &Checker) -> Result<Self, Problem> {
        let body = json_body(call, app.config.max_body_bytes).await?;
        if body.is_empty() {
            return Ok(Self(None));
        }
        typed(checker, parse(&body)?, "body").map(|value| Self(Some(value)))
    }
}

impl Input for Headers {
    type Prepared = ();

    fn prepare(_: &mut OperationDoc) {}

    async fn read(call: &mut Call, _: &App, (): &()) -> Result<Self, Problem> {
        Ok(Self(call.headers.clone()))
    }
}

const NDJSON: [&str; 3] = ["application/x-ndjson", "application/ndjson", "application/jsonl"];

impl<T: DeserializeOwned + ToSchema + Send + 'static> Input for Batch<T> {
    type Prepared = Checker;

    fn prepare(doc: &mut OperationDoc) -> Checker {
        doc.batch_body::<T>();
        Checker::of::<T>()
    }

    async fn read(call: &mut Call, app: &App, checker: &Checker) -> Result<Self, Problem> {
        let content_type = call.content_type();
        let lines = content_type.as_deref().is_some_and(|t| NDJSON.contains(&t));
        if !lines {
            check_json(content_type.as_deref())?;
        }
        let body = call.body(app.config.max_batch_bytes).await?;
        // An object at the start cannot begin an array: it is NDJSON under the wrong name.
        let lines = lines || body.trim_ascii_start().starts_with(b"{");
        let values: Vec<Result<Value, Problem>> = if lines {
            body.split(|b| *b == b'\n').filter(|l| !l.trim_ascii().is_empty()).map(parse).collect()
        } else {
            match parse(&body)? {
                Value::Array(items) => items.into_iter().map(Ok).collect(),
                _ => {
                    let msg = "must be an array, or one JSON object a line (NDJSON)";
                    let error = FieldError { loc: vec!["body".into()], msg: msg.into(), kind: "type".into() };
                    return Err(Problem::invalid(vec![error]));
                }
            }
        };
        if values.len() > MAX_BATCH {
            let text = format!("The batch has {} items; at most {MAX_BATCH} are taken.", values.len());
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, text));
        }
        Ok(Self(values.into_iter().map(|value| typed(checker, value?, "body")).collect()))
    }
}

/// How many items a batch may have.
pub const MAX_BATCH: usize = 10_000;

async fn json_body(call: &mut Call, limit: usize) -> Result<Bytes, Problem> {
    check_json(call.content_type().as_deref())?;
    call.body(limit).await
}

fn check_json(content_type: Option<&str>) -> Result<(), Problem> {
    match content_type {
        None | Some("application/json") => Ok(()),
        Some(other) if other.starts_with("application/") && other.ends_with("+json") => Ok(()),
        Some(other) => Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!(
                "The body is '{}'; send JSON with the header 'Content-Type: application/json'.",
                other.escape_debug()
            ),
        )),
    }
}

fn parse(body: &[u8]) -> Result<Value, Problem> {
    serde_json::from_slice(body).map_err(|e| {
        let mut text = e.to_string();
        if body.is_empty() {
            text = "it is empty".into();
        } else if std::str::from_utf8(body).is_err() {
            let _ = write!(text, " (it is not UTF-8)");
        }
        Problem::new(StatusCode::BAD_REQUEST, format!("The body is not valid JSON: {text}."))
    })
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
