//! The router: one filter that matches the path in one step. A static chain of filters would overflow the
//! compiler's depth limit.
//!
//! A warp rejection means that another route may match; an endpoint that matched always answers, and so does
//! the router when none did.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use bytes::{Buf, Bytes};
use futures_util::{FutureExt, Stream};
use http_body_util::BodyExt;
use tracing::Instrument;
use warp::Filter;
use warp::http::header::{
    ALLOW, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HOST, HeaderValue, IF_NONE_MATCH, ORIGIN,
};
use warp::http::{HeaderMap, Method, StatusCode};
use warp::path::FullPath;
use warp::reply::Response;
use warp::ws::Ws;

use super::endpoint::Endpoint;
use super::error::Problem;
use super::reply::{X_TOTAL_AT_LEAST, X_TOTAL_COUNT};
use super::request::{Call, decode};
use super::server::RequestId;
use crate::App;

/// The endpoints of one path, by method.
type Methods = BTreeMap<&'static str, Endpoint>;

struct Router {
    app: Arc<App>,
    paths: matchit::Router<Methods>,
}

/// What a request is looked up by.
struct Asked {
    method: Method,
    path: String,
    query: String,
    headers: HeaderMap,
    upgrade: Option<Ws>,
    request_id: RequestId,
}

/// The filter that answers every request.
///
/// # Errors
/// When two endpoints contradict each other, which a test finds.
pub fn filter(
    app: Arc<App>,
) -> Result<impl Filter<Extract = (Response,), Error = warp::Rejection> + Clone, matchit::InsertError> {
    let mut by_path: BTreeMap<&'static str, Methods> = BTreeMap::new();
    for endpoint in super::resources().into_iter().flat_map(|(_, endpoints)| endpoints) {
        let methods = by_path.entry(endpoint.path).or_default();
        let method = match endpoint.method {
            Method::POST => "POST",
            Method::PUT => "PUT",
            Method::DELETE => "DELETE",
            _ => "GET",
        };
        methods.insert(method, endpoint);
    }
    let mut paths = matchit::Router::new();
    for (path, methods) in by_path {
        paths.insert(trimmed(path), methods)?;
    }
    let router = Arc::new(Router { app, paths });
    let upgrade = warp::ws().map(Some).or(warp::any().map(|| None)).unify();
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    Ok(warp::method()
        .and(warp::path::full())
        .and(query)
        .and(warp::header::headers_cloned())
        .and(upgrade)
        .and(warp::ext::optional::<RequestId>())
        .and(warp::body::stream())
        .then(move |method, path: FullPath, query, headers, upgrade, request_id: Option<RequestId>, body| {
            let router = Arc::clone(&router);
            let path = path.as_str().to_owned();
            let request_id = request_id.unwrap_or_default();
            let asked = Asked { method, path, query, headers, upgrade, request_id };
            router.answer(asked, body)
        }))
}

/// Path with and without a trailing slash are the same endpoint.
fn trimmed(path: &str) -> &str {
    match path.trim_end_matches('/') {
        "" => "/",
        path => path,
    }
}

impl Router {
    async fn answer<B: Buf>(
        self: Arc<Self>,
        asked: Asked,
        body: impl Stream<Item = Result<B, warp::Error>> + Send + 'static,
    ) -> Response {
        let started = Instant::now();
        let request_id = asked.request_id.clone();
        let (method, path) = (asked.method.clone(), asked.path.clone());
        let span = tracing::info_span!("request", request_id = %request_id);
        let mut template = "-";
        let dispatched = self.dispatch(asked, body, &mut template).instrument(span);
        let response = match AssertUnwindSafe(dispatched).catch_unwind().await {
            Ok(Ok(response)) => response,
            Ok(Err(problem)) => problem.into_response(&path, request_id.as_str()),
            Err(_) => {
                tracing::error!(request_id = %request_id, "a handler panicked");
                Problem::internal().into_response(&path, request_id.as_str())
            }
        };
        tracing::info!(
            target: "agentmap::request",
            method = %method,
            path = template,
            status = response.status().as_u16(),
            ms = %format_args!("{:.1}", started.elapsed().as_secs_f64() * 1000.0),
            request_id = %request_id,
        );
        response
    }

    async fn dispatch<B: Buf>(
        &self,
        asked: Asked,
        body: impl Stream<Item = Result<B, warp::Error>> + Send + 'static,
        template: &mut &'static str,
    ) -> Result<Response, Problem> {
        let Ok(found) = self.paths.at(trimmed(&asked.path)) else {
            let text =
                format!("There is nothing at '{}'; /docs lists what there is.", asked.path.escape_debug());
            return Err(Problem::new(StatusCode::NOT_FOUND, text));
        };
        let methods = found.value;
        *template = methods.values().next().map_or("-", |e| e.path);
        let head = asked.method == Method::HEAD;
        let wanted = if head { "GET" } else { asked.method.as_str() };
        let Some(endpoint) = methods.get(wanted) else {
            let mut allow: Vec<_> = methods.keys().copied().collect();
            if methods.contains_key("GET") {
                allow.push("HEAD");
            }
            allow.push("OPTIONS");
            return not_this_method(&asked.method, &allow.join(", "));
        };
        if !may_act(&self.app, &asked) {
            return Err(Problem::new(StatusCode::FORBIDDEN, FOREIGN));
        }
        let path = found
            .params
            .iter()
            .map(|(name, value)| Ok((name.to_owned(), decode(value, "path")?)))
            .collect::<Result<_, Problem>>()?;
        let target = match asked.query.as_str() {
            "" => asked.path,
            query => format!("{}?{query}", asked.path),
        };
        let if_none_match = asked.headers.get(IF_NONE_MATCH).cloned();
        let call = Call {
            principal: String::new(),
            endpoint: endpoint.path,
            target,
            query: asked.query,
            path,
            headers: asked.headers,
            body: Some(Call::body_of(body)),
            body_digest: [0; 32],
            upgrade: asked.upgrade,
        };
        let response = endpoint.call(Arc::clone(&self.app), call).await?;
        if endpoint.etag && response.status() == StatusCode::OK {
            return tagged(response, if_none_match.as_ref()).await;
        }
        Ok(response)
    }
}

/// What a page of a stranger is told.
const FOREIGN: &str =
    "Pages of this origin may not write or follow the stream; --cors-origin names those that may.";

/// Whether the page that sends this, if a page does, may write or follow the stream. Browsers ask for leave (CORS) before
/// some requests only, and before no WebSocket: the `Origin` that they send is what tells.
fn may_act(app: &App, asked: &Asked) -> bool {
    let acts = asked.upgrade.is_some() || !matches!(asked.method, Method::GET | Method::HEAD);
    let Some(origin) = asked.headers.get(ORIGIN).and_then(|v| v.to_str().ok()).filter(|_| acts) else {
        return true;
    };
    let host = asked.headers.get(HOST).and_then(|v| v.to_str().ok());
    let own = origin.split_once("://").map(|(_, host)| host);
    own == host || app.config.cors_origins.iter().any(|known| known == origin)
}

fn not_this_method(method: &Method, allow: &str) -> Result<Response, Problem> {
    if method != Method::OPTIONS {
        return Err(Problem::method_not_allowed(allow));
    }
    let mut response = Response::new(Bytes::new().into());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().extend(HeaderValue::from_str(allow).ok().map(|allow| (ALLOW, allow)));
    Ok(response)
}

/// The response with its `ETag`, or 304 where the client has it already. The tag is weak: the body may be compressed
/// on its way.
async fn tagged(response: Response, if_none_match: Option<&HeaderValue>) -> Result<Response, Problem> {
    let (mut parts, body) = response.into_parts();
    let Ok(body) = body.collect().await.map(http_body_util::Collected::to_bytes) else {
        return Err(Problem::internal());
    };
    let mut hasher = DefaultHasher::new();
    hasher.write(&body);
    for header in [X_TOTAL_COUNT, X_TOTAL_AT_LEAST] {
        hasher.write(parts.headers.get(header).map_or(&[][..], HeaderValue::as_bytes));
    }
    let tag = format!("W/\"{:016x}\"", hasher.finish());
    parts.headers.extend(HeaderValue::from_str(&tag).ok().map(|tag| (ETAG, tag)));
    let known = if_none_match.and_then(|v| v.to_str().ok()).is_some_and(|known| {
        // RFC 9110, section 13.1.2: the weak comparison.
        known
            .split(',')
            .map(str::trim)
            .any(|k| k == "*" || k.trim_start_matches("W/") == tag.trim_start_matches("W/"))
    });
    if known {
        parts.status = StatusCode::NOT_MODIFIED;
        for of_the_body in [CONTENT_TYPE, CONTENT_ENCODING] {
            parts.headers.remove(of_the_body);
        }
        return Ok(Response::from_parts(parts, Bytes::new().into()));
    }
    Ok(Response::from_parts(parts, body.into()))
}
