//! Requests without a network: bodies as handlers get them, and lists asked from any cursor. For `crate::fuzzing`
//! alone, which says what must hold of them.

use std::collections::HashMap;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::BodyExt;
use serde_json::Value;
use tokio::runtime::Runtime;
use warp::http::header::{CONTENT_TYPE, HeaderValue, LINK};
use warp::http::{HeaderMap, Method};

use super::access::Door;
use super::body::{Body, Held, Room};
use super::budget::Deduction;
use super::document::OperationDoc;
use super::endpoint::{Endpoint, Input};
pub use super::error::Problem;
use super::ingest::Ingest;
use super::json::{Batch, Json, LargeJson, OptionalJson};
use super::metric_draft::MetricDraft;
use super::paging;
use super::request::{Call, decode};
use crate::App;
use crate::domain::agent_write::{AgentDraft, AgentPatch};
use crate::domain::audit::NewAudit;
use crate::domain::command::Activation;
use crate::domain::log_query::Cursor;
use crate::domain::metrics::NewMetric;
use crate::domain::sync::SyncRequest;
use crate::domain::tokens::NewToken;

/// The media types of bodies.
pub const JSON: &str = "application/json";
/// See [`JSON`].
pub const NDJSON: &str = "application/x-ndjson";

/// One kind of input, ready to be read.
struct Reader<I: Input>(I::Prepared);

impl<I: Input> Reader<I> {
    fn new() -> Self {
        Self(I::prepare(&mut OperationDoc::new(&Method::POST, "/", "")))
    }
}

/// A page of a list, as a client sees it.
pub struct Page {
    /// Its items.
    pub items: Vec<Value>,
    /// Path and query of the next.
    pub next: Option<String>,
}

/// What became of a batch: of its items, if it is one.
pub type Items<T> = Result<Vec<Result<T, Problem>>, Problem>;

/// The layer, over an application and without a network.
pub struct Http {
    app: Arc<App>,
    door: Arc<Door>,
    runtime: Runtime,
    lists: HashMap<&'static str, Endpoint>,
    draft: Reader<Json<AgentDraft>>,
    patch: Reader<Json<AgentPatch>>,
    activation: Reader<OptionalJson<Activation>>,
    sync: Reader<LargeJson<SyncRequest>>,
    token: Reader<Json<NewToken>>,
    deduction: Reader<Json<Deduction>>,
    metric: Reader<Json<MetricDraft>>,
    metrics: Reader<Batch<MetricDraft>>,
    event: Reader<Json<Ingest>>,
    events: Reader<Batch<Ingest>>,
}

impl Http {
    /// The layer over an application.
    ///
    /// # Errors
    /// When the system has no timers to give.
    pub fn new(app: Arc<App>) -> std::io::Result<Self> {
        let endpoints = super::endpoints();
        Ok(Self {
            door: Arc::new(Door::new(Arc::clone(&app), (Ipv4Addr::LOCALHOST, 0).into())),
            app,
            runtime: tokio::runtime::Builder::new_current_thread().enable_time().build()?,
            lists: endpoints.filter(|e| e.method == Method::GET).map(|e| (e.path, e)).collect(),
            draft: Reader::new(),
            patch: Reader::new(),
            activation: Reader::new(),
            sync: Reader::new(),
            token: Reader::new(),
            deduction: Reader::new(),
            metric: Reader::new(),
            metrics: Reader::new(),
            event: Reader::new(),
            events: Reader::new(),
        })
    }

    /// The application.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Waits for something that is done on the layer's runtime.
    pub fn wait<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    fn call(&self, target: &str, content_type: &'static str, body: &[u8]) -> Call {
        // In pieces, as a network brings them.
        let pieces: Vec<_> = body.chunks(1000).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        Call {
            door: Arc::clone(&self.door),
            from: IpAddr::V4(Ipv4Addr::LOCALHOST),
            caller: None,
            endpoint: "/",
            target: target.to_owned(),
            query: target.split_once('?').map_or_else(String::new, |(_, query)| query.to_owned()),
            path: Vec::new(),
            headers: HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))]),
            body: Some(Body::new::<Bytes>(stream::iter(pieces), Room::new(&self.app.config.limits))),
            held: Held::default(),
            body_digest: [0; 32],
            upgrade: None,
        }
    }

    fn read<I: Input>(
        &self,
        reader: &Reader<I>,
        content_type: &'static str,
        body: &[u8],
    ) -> Result<I, Problem> {
        let mut call = self.call("/", content_type, body);
        self.wait(I::read(&mut call, &self.app, &reader.0))
    }

    /// A new agent.
    ///
    /// # Errors
    /// When the body is none; the same holds for all others.
    pub fn draft(&self, body: &[u8]) -> Result<AgentDraft, Problem> {
        self.read(&self.draft, JSON, body).map(|Json(draft)| draft)
    }

    #[expect(missing_docs, clippy::missing_errors_doc)]
    pub fn patch(&self, body: &[u8]) -> Result<AgentPatch, Problem> {
        self.read(&self.patch, JSON, body).map(|Json(patch)| patch)
    }

    #[expect(missing_docs, clippy::missing_errors_doc)]
    pub fn activation(&self, body: &[u8]) -> Result<Option<Activation>, Problem> {
        self.read(&self.activation, JSON, body).map(|OptionalJson(activation)| activation)
    }

    #[expect(missing_docs, clippy::missing_errors_doc)]
    pub fn sync(&self, body: &[u8]) -> Result<SyncRequest, Problem> {
        self.read(&self.sync, JSON, body).map(|LargeJson(request)| request)
    }

    #[expect(missing_docs, clippy::missing_errors_doc)]
    pub fn token(&self, body: &[u8]) -> Result<NewToken, Problem> {
        self.read(&self.token, JSON, body).map(|Json(token)| token)
    }

    /// The metric that a deduction is.
    #[expect(clippy::missing_errors_doc)]
    pub fn deduction(&self, body: &[u8]) -> Result<NewMetric, Problem> {
        let Json(deduction) = self.read(&self.deduction, JSON, body)?;
        Ok(without_nonce(deduction.decided(self.app.now())?))
    }

    #[expect(missing_docs, clippy::missing_errors_doc)]
    pub fn metric(&self, body: &[u8]) -> Result<NewMetric, Problem> {
        let Json(draft) = self.read(&self.metric, JSON, body)?;
        Ok(without_nonce(draft.decided(self.app.now(), &self.app.prices())?))
    }

    #[expect(missing_docs, clippy::missing_errors_doc)]
    pub fn metrics(&self, content_type: &'static str, body: &[u8]) -> Items<NewMetric> {
        let Batch(items) = self.read(&self.metrics, content_type, body)?;
        let (now, prices) = (self.app.now(), self.app.prices());
        Ok(items.into_iter().map(|item| Ok(without_nonce(item?.decided(now, &prices)?))).collect())
    }

    #[expect(missing_docs, clippy::missing_errors_doc)]
    pub fn event(&self, body: &[u8]) -> Result<NewAudit, Problem> {
        let Json(event) = self.read(&self.event, JSON, body)?;
        Ok(NewAudit { nonce: 0, ..event.decided(self.app.now())? })
    }

    #[expect(missing_docs, clippy::missing_errors_doc)]
    pub fn events(&self, content_type: &'static str, body: &[u8]) -> Items<NewAudit> {
        let Batch(items) = self.read(&self.events, content_type, body)?;
        let now = self.app.now();
        Ok(items.into_iter().map(|item| Ok(NewAudit { nonce: 0, ..item?.decided(now)? })).collect())
    }

    /// The page of a list that a path and query name. There is no such page of what is no list.
    ///
    /// # Errors
    /// When the query is refused.
    pub fn page(&self, target: &str) -> Option<Result<Page, Problem>> {
        let endpoint = self.lists.get(target.split('?').next()?)?;
        let called = endpoint.call(Arc::clone(&self.app), self.call(target, JSON, &[]));
        let response = match self.wait(called) {
            Ok(response) => response,
            Err(problem) => return Some(Err(problem)),
        };
        let (parts, body) = response.into_parts();
        let link = parts.headers.get(LINK).and_then(|link| link.to_str().ok());
        let next = link.and_then(|link| link.strip_prefix('<')?.strip_suffix(">; rel=\"next\""));
        let body = self.wait(body.collect()).ok()?.to_bytes();
        Some(Ok(Page { items: serde_json::from_slice(&body).ok()?, next: next.map(str::to_owned) }))
    }
}

/// Random, and the only thing that is.
fn without_nonce(metric: NewMetric) -> NewMetric {
    NewMetric { nonce: 0, ..metric }
}

/// A part of a query, decoded.
///
/// # Errors
/// When it is no text.
pub fn query_text(text: &str) -> Result<String, Problem> {
    decode(text, "query")
}

/// The cursor of a log.
///
/// # Errors
/// When the text is none.
pub fn log_cursor(text: &str) -> Result<Option<Cursor>, Problem> {
    paging::log_cursor(Some(text))
}

/// The cursor of a list of agents.
#[must_use]
pub fn agent_cursor(text: &str) -> Option<Vec<u8>> {
    paging::unhex(text)
}

/// What [`agent_cursor`] reads.
#[must_use]
pub fn agent_cursor_text(place: &[u8]) -> String {
    paging::hex(place)
}
