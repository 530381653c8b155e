//! The accept loop: warp's service behind hyper's connection builder, with the timeouts and caps that warp's
//! own `serve` does not set.

use std::fmt;
use std::future::{Future, ready};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::Either;
use hyper::server::conn::http1::Builder;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::either::Either as Stream;
use tower::util::MapRequestLayer;
use tower::{Layer, ServiceExt, service_fn};
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer};
use uuid::Uuid;
use warp::http::header::{ACCESS_CONTROL_REQUEST_METHOD, ETAG, HeaderName, HeaderValue, LINK, LOCATION};
use warp::http::{Method, Request};

use super::error::Problem;
use super::guard::Guard;
use super::idempotency::IDEMPOTENCY_REPLAYED;
use super::reply::{X_TOTAL_AT_LEAST, X_TOTAL_COUNT};
use super::router;
use super::tls::Tls;
use crate::App;

/// How long a client may take to send its headers.
pub(super) const HEADER_TIMEOUT: Duration = Duration::from_secs(15);
/// How many connections are served at once; more wait to be accepted.
const CONNECTIONS: u32 = 10_000;
/// How long open requests may take to end once the server is asked to stop.
const GRACE: Duration = Duration::from_millis(1500);
/// Below this many bytes, compressing costs more than it saves.
const COMPRESS_FROM: u64 = 1024;

/// The name of the header that carries a request's id.
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Where a request comes from.
#[derive(Clone, Copy)]
pub struct Peer(pub IpAddr);

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
            None => Self(Uuid::new_v4().simple().to_string().into()),
        }
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

/// A request that the guard did not let in, on its way to being told so.
#[derive(Clone)]
struct Refused(Problem, RequestId);

/// Serves until `shutdown` is done, then finishes what was accepted.
///
/// # Errors
/// When the certificate cannot be used, or the endpoints contradict each other, which a test finds.
pub async fn serve(
    app: Arc<App>,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let tls = Tls::load(&app.config)?.map(Arc::new);
    let bound = listener.local_addr()?;
    let guard = Arc::new(Guard::new(&app.config, bound));
    let routed = warp::service(router::filter(Arc::clone(&app), bound)?);
    let service = service_fn(move |mut request: Request<hyper::body::Incoming>| {
        match request.extensions_mut().remove::<Refused>() {
            Some(Refused(problem, id)) => {
                Either::Left(ready(Ok(problem.into_response(request.uri().path(), id.as_str()))))
            }
            None => Either::Right(routed.clone().oneshot(request)),
        }
    });
    let compress = SizeAbove::new(COMPRESS_FROM).and(NotForContentType::const_new("image/png"));
    let service = CompressionLayer::new().gzip(true).compress_when(compress).layer(service);
    let across_origins = cors(&app).layer(service.clone());
    let service = service_fn(move |mut request: Request<hyper::body::Incoming>| {
        let id = RequestId::of(&request);
        let header = HeaderValue::from_str(id.as_str());
        let refused = guard.check(&request).err();
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
        async move {
            let mut response = answer.await?;
            response.headers_mut().extend(header.ok().map(|id| (X_REQUEST_ID, id)));
            Ok::<_, std::convert::Infallible>(response)
        }
    });

    // HTTP/1 alone, which browsers speak without TLS: the builder that tells versions apart awaits the first bytes
    // without a timer.
    let mut builder = Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    let following = tls.clone().map(|tls| tokio::spawn(async move { tls.follow_files().await }));
    let places = Arc::new(Semaphore::new(CONNECTIONS as usize));
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = accept(&listener, &places) => accepted,
        };
        let Some((stream, peer, place)) = accepted else { continue };
        // Small answers leave at once.
        let _ = stream.set_nodelay(true);
        let of_peer = MapRequestLayer::new(move |mut request: Request<hyper::body::Incoming>| {
            request.extensions_mut().insert(Peer(peer));
            request
        });
        let service = TowerToHyperService::new(of_peer.layer(service.clone()));
        let (builder, tls) = (builder.clone(), tls.clone());
        let mut stopping = app.stopping();
        tokio::spawn(async move {
            let asked_to_end = async { drop(stopping.wait_for(|stop| *stop).await) };
            let mut asked_to_end = std::pin::pin!(asked_to_end);
            let stream = match tls {
                None => Stream::Left(stream),
                // Here and not where it was accepted: others need not wait for a client that dawdles.
                Some(tls) => tokio::select! {
                    accepted = tls.accept(stream) => match accepted {
                        Some(stream) => Stream::Right(stream),
                        None => return,
                    },
                    () = asked_to_end.as_mut() => return,
                },
            };
            let connection = builder.serve_connection(TokioIo::new(stream), service).with_upgrades();
            let mut connection = std::pin::pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => Some(ended),
                () = asked_to_end => None,
            };
            let ended = match ended {
                Some(ended) => ended,
                None => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(place);
        });
    }
    drop(listener);
    if let Some(following) = following {
        following.abort();
    }
    app.stop();
    wait_for_the_last(&app, &places).await;
    Ok(())
}

/// Waits until all that was accepted is finished, or has had its time.
async fn wait_for_the_last(app: &App, places: &Semaphore) {
    // All places are free when all connections are closed. Streams left theirs when they were upgraded, and close by
    // themselves.
    let ended = async { tokio::join!(places.acquire_many(CONNECTIONS), app.unfollowed()) };
    if tokio::time::timeout(GRACE, ended).await.is_err() {
        tracing::warn!("some requests were still open after {} ms and were cut off", GRACE.as_millis());
    }
}

/// The next connection and its place among those that are served.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(tokio::net::TcpStream, IpAddr, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => Some((stream, peer.ip(), place)),
        Err(error) => {
            // Such as no file descriptor left: others will be closed soon.
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
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
