//! What every request passes before it is routed, and every answer on its way back: the request's id, the guard and the
//! limits of heads, CORS, compression.

use std::convert::Infallible;
use std::fmt;
use std::future::ready;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::Either;
use hyper::body::{Body, Incoming};
use tower::{BoxError, Layer, Service, ServiceExt, service_fn};
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer};
use uuid::Uuid;
use warp::http::header::{ACCESS_CONTROL_REQUEST_METHOD, ETAG, HeaderName, HeaderValue, LINK, LOCATION};
use warp::http::{Method, Request};
use warp::reply::Response;

use super::error::Problem;
use super::guard::Guard;
use super::head;
use super::idempotency::IDEMPOTENCY_REPLAYED;
use super::reply::{X_TOTAL_AT_LEAST, X_TOTAL_COUNT};
use crate::App;

/// Below this many bytes, compressing costs more than it saves.
const COMPRESS_FROM: u64 = 1024;

/// The name of the header that carries a request's id.
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id under which the log knows a request.
#[derive(Debug, Clone, Default)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// The client's id, when it is sane, else a new one.
    fn of<B>(request: &Request<B>) -> Self {
        let sane = |text: &&str| {
            (1..=128).contains(&text.len())
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b))
        };
        match request.headers().get(X_REQUEST_ID).and_then(|v| v.to_str().ok()).filter(sane) {
            Some(id) => Self(id.into()),
            None => Self::new(),
        }
    }

    /// An id of a request that tells none.
    #[must_use]
    pub fn new() -> Self {
        Self(Uuid::new_v4().simple().to_string().into())
    }

    /// The header that tells it.
    #[must_use]
    pub fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        HeaderValue::from_str(&self.0).ok().map(|id| (X_REQUEST_ID, id))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A request that was not let in, on its way to being told so.
#[derive(Clone)]
struct Refused(Problem, RequestId);

/// A service that answers every request.
pub trait Answering:
    Service<Request<Incoming>, Response = hyper::Response<Self::Body>, Error = Infallible, Future: Send>
    + Clone
    + Send
    + Unpin
    + 'static
{
    /// The body of its answers.
    type Body: Body<Data: Send, Error: Into<BoxError>> + Send + 'static;
}

impl<S, B> Answering for S
where
    S: Service<Request<Incoming>, Response = hyper::Response<B>, Error = Infallible, Future: Send>,
    S: Clone + Send + Unpin + 'static,
    B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    type Body = B;
}

/// The service of a server: what is routed, with all around it.
pub fn around(
    app: &App,
    bound: SocketAddr,
    routed: impl Service<Request<Incoming>, Response = Response, Error = Infallible, Future: Send>
    + Clone
    + Send
    + Sync
    + Unpin
    + 'static,
) -> impl Answering {
    let guard = Guard::new(&app.config, bound);
    let service = service_fn(move |mut request: Request<Incoming>| {
        match request.extensions_mut().remove::<Refused>() {
            Some(Refused(problem, id)) => {
                Either::Left(ready(Ok(problem.into_response(request.uri().path(), id.as_str()))))
            }
            None => Either::Right(routed.clone().oneshot(request)),
        }
    });
    let compress = SizeAbove::new(COMPRESS_FROM).and(NotForContentType::const_new("image/png"));
    let service = CompressionLayer::new().gzip(true).compress_when(compress).layer(service);
    let across_origins = cors(app).layer(service.clone());
    let limits = app.config.limits.clone();
    // There may be very many connections: they share all this, and one on which nothing was asked yet has no answer's
    // memory.
    let shared = Arc::new((guard, limits, service, across_origins));
    service_fn(move |mut request: Request<Incoming>| {
        let (guard, limits, service, across_origins) = &*shared;
        let id = RequestId::of(&request);
        let header = id.header();
        let refused = head::check(&request, limits).and_then(|()| guard.check(&request)).err();
        let is_refused = refused.is_some();
        if let Some(problem) = refused {
            let (method, status) = (request.method(), problem.status.as_u16());
            tracing::info!(target: "agentmap::request", %method, path = "-", status, request_id = %id, "not let in");
            request.extensions_mut().insert(Refused(problem, id.clone()));
        }
        request.extensions_mut().insert(id);
        // The CORS layer takes every OPTIONS for a preflight.
        let asks_for_methods = request.method() == Method::OPTIONS
            && !request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        let answer = if asks_for_methods || is_refused {
            Either::Left(service.clone().oneshot(request))
        } else {
            Either::Right(across_origins.clone().oneshot(request))
        };
        Box::pin(async move {
            let mut response = answer.await?;
            response.headers_mut().extend(header);
            Ok(response)
        })
    })
}

fn cors(app: &App) -> CorsLayer {
    let origins = app.config.cors_origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_credentials(true)
        // Credentials forbid `*`, so that what the client asks for is mirrored.
        .allow_methods(AllowMethods::mirror_request())
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([
            X_TOTAL_COUNT,
            X_TOTAL_AT_LEAST,
            LINK,
            LOCATION,
            ETAG,
            X_REQUEST_ID,
            IDEMPOTENCY_REPLAYED,
        ])
        .max_age(Duration::from_hours(1))
}
