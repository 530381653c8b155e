//! The router: one filter that matches the path in one step. A static chain of filters would overflow the
//! compiler's depth limit.
//!
//! A warp rejection means that another route may match; an endpoint that matched always answers, and so does
//! the router when none did.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher};
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use bytes::{Buf, Bytes};
use futures_util::{FutureExt, Stream};
use hyper::upgrade::OnUpgrade;
use tracing::Instrument;
use warp::Filter;
use warp::http::header::{
    ACCEPT, ALLOW, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH, LOCATION,
    SEC_WEBSOCKET_PROTOCOL,
};
use warp::http::{HeaderMap, Method, StatusCode};
use warp::path::FullPath;
use warp::reply::Response;

use super::access::{Door, SUBPROTOCOL, login_for, offers_token};
use super::body::{Body, Held, Room};
use super::connection::Peer;
use super::endpoint::Endpoint;
use super::error::Problem;
use super::kept::{Kept, Moment, Whole};
use super::middleware::RequestId;
use super::reply::{X_TOTAL_AT_LEAST, X_TOTAL_COUNT};
use super::request::{Call, decode};
use super::websocket::Handshake;
use crate::App;

/// The endpoints of one path, by method.
type Methods = BTreeMap<&'static str, Endpoint>;

struct Router {
    app: Arc<App>,
    door: Arc<Door>,
    room: Room,
    kept: Kept,
    paths: matchit::Router<Methods>,
}

/// What a request is looked up by.
struct Asked {
    method: Method,
    path: String,
    query: String,
    headers: HeaderMap,
    upgrade: Option<OnUpgrade>,
    request_id: RequestId,
    peer: Peer,
}

/// The filter that answers every request.
///
/// # Errors
/// When two endpoints contradict each other, which a test finds.
pub fn filter(
    app: Arc<App>,
    bound: SocketAddr,
) -> Result<impl Filter<Extract = (Response,), Error = warp::Rejection> + Clone, matchit::InsertError> {
    filter_of(super::endpoints(), app, bound)
}

fn filter_of(
    endpoints: impl IntoIterator<Item = Endpoint>,
    app: Arc<App>,
    bound: SocketAddr,
) -> Result<impl Filter<Extract = (Response,), Error = warp::Rejection> + Clone, matchit::InsertError> {
    let mut by_path: BTreeMap<&'static str, Methods> = BTreeMap::new();
    for mut endpoint in endpoints {
        endpoint.doc = None;
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
    let door = Arc::new(Door::new(Arc::clone(&app), bound));
    let room = Room::new(&app.config.limits);
    let router = Arc::new(Router { app, door, room, kept: Kept::default(), paths });
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    Ok(warp::method()
        .and(warp::path::full())
        .and(query)
        .and(warp::header::headers_cloned())
        .and(warp::ext::optional::<OnUpgrade>())
        .and(warp::ext::optional::<RequestId>())
        .and(warp::ext::optional::<Peer>())
        .and(warp::body::stream())
        .then(
            move |method,
                  path: FullPath,
                  query,
                  headers,
                  upgrade,
                  request_id: Option<RequestId>,
                  peer: Option<Peer>,
                  body| {
                let router = Arc::clone(&router);
                let path = path.as_str().to_owned();
                let request_id = request_id.unwrap_or_default();
                let peer = peer.unwrap_or_default();
                let asked = Asked { method, path, query, headers, upgrade, request_id, peer };
                router.answer(asked, body)
            },
        ))
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
        let path = found
            .params
            .iter()
            .map(|(name, value)| Ok((name.to_owned(), decode(value, "path")?)))
            .collect::<Result<_, Problem>>()?;
        let target = match asked.query.as_str() {
            "" => asked.path,
            query => format!("{}?{query}", asked.path),
        };
        let admitted = self.door.admit(endpoint, &asked.headers, &asked.query, asked.peer.address);
        let caller = match admitted {
            Err(problem)
                if problem.status == StatusCode::UNAUTHORIZED
                    && follows_a_link(&asked.method, &asked.headers) =>
            {
                return Ok(to_login(&target));
            }
            admitted => admitted?,
        };
        let if_none_match = asked.headers.get(IF_NONE_MATCH).cloned();
        let kept = endpoint.kept.map(|length| (target.clone(), Moment::of(&self.app, length)));
        if let Some((target, moment)) = &kept
            && let Some(whole) = self.kept.find(target, *moment)
        {
            return Ok(unless_known(whole, if_none_match.as_ref()));
        }
        let from = asked.peer.address;
        let upgrade = Handshake::of(&asked.headers, asked.upgrade, asked.peer);
        let offers_token = upgrade.is_some() && offers_token(&asked.headers);
        let call = Call {
            door: Arc::clone(&self.door),
            from,
            caller,
            endpoint: endpoint.path,
            target,
            query: asked.query,
            path,
            headers: asked.headers,
            body: Some(Body::new(body, self.room.clone())),
            held: Held::default(),
            body_digest: [0; 32],
            upgrade,
        };
        let mut response = endpoint.call(Arc::clone(&self.app), call).await?;
        if offers_token && response.status() == StatusCode::SWITCHING_PROTOCOLS {
            response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
        }
        if endpoint.etag && response.status() == StatusCode::OK {
            let whole = tagged(Whole::of(response).await?);
            if let Some((target, moment)) = kept {
                self.kept.keep(target, moment, &whole);
            }
            return Ok(unless_known(whole, if_none_match.as_ref()));
        }
        Ok(response)
    }
}

/// Whether a browser shows a page to a person who can log in.
fn follows_a_link(method: &Method, headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    method == Method::GET && accept.contains("text/html") && !headers.contains_key(AUTHORIZATION)
}

fn to_login(target: &str) -> Response {
    let mut response = Response::new(Bytes::new().into());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let login = HeaderValue::from_str(&login_for(target)).ok();
    response.headers_mut().extend(login.map(|login| (LOCATION, login)));
    response
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

/// The answer with its `ETag`. The tag is weak: the body may be compressed on its way.
fn tagged(mut whole: Whole) -> Whole {
    let mut hasher = DefaultHasher::new();
    hasher.write(&whole.body);
    for header in [X_TOTAL_COUNT, X_TOTAL_AT_LEAST] {
        hasher.write(whole.parts.headers.get(header).map_or(&[][..], HeaderValue::as_bytes));
    }
    let tag = format!("W/\"{:016x}\"", hasher.finish());
    whole.parts.headers.extend(HeaderValue::from_str(&tag).ok().map(|tag| (ETAG, tag)));
    whole
}

/// The answer, or 304 where the client has it already.
fn unless_known(mut whole: Whole, if_none_match: Option<&HeaderValue>) -> Response {
    let tag = whole.parts.headers.get(ETAG).and_then(|tag| tag.to_str().ok());
    let known = if_none_match.and_then(|v| v.to_str().ok()).is_some_and(|known| {
        // RFC 9110, section 13.1.2: the weak comparison.
        let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
        known.split(',').any(|known| known.trim() == "*" || Some(opaque(known)) == tag.map(opaque))
    });
    if known {
        whole.parts.status = StatusCode::NOT_MODIFIED;
        for of_the_body in [CONTENT_TYPE, CONTENT_ENCODING] {
            whole.parts.headers.remove(of_the_body);
        }
        whole.body = Bytes::new();
    }
    whole.into_response()
}

#[cfg(test)]
mod tests;
