//! Connections: how many there are, who is turned away, and how each one ends.

use std::convert::Infallible;
use std::future::{Future, ready};
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Collected};
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_util::either::Either as Stream;
use tower::Layer;
use tower::util::MapRequestLayer;
use warp::http::{Request, StatusCode};
use warp::reply::Response;

use super::error::Problem;
use super::head;
use super::middleware::{Answering, RequestId};
use super::tls::Tls;
use super::wire::Wire;
use crate::App;

/// How long open requests may take to end once the server is asked to stop.
const GRACE: Duration = Duration::from_millis(1500);
/// How many connections are told at once that there are too many; others are closed without a word.
const TURNED_AWAY: usize = 64;
/// How long whoever is refused may take to ask, and to hear it.
const FAREWELL: Duration = Duration::from_secs(2);

/// Where a request comes from, and the place of its connection: who keeps it keeps that, too.
#[derive(Clone)]
pub struct Peer {
    /// The address.
    pub address: IpAddr,
    _place: Option<Arc<OwnedSemaphorePermit>>,
}

impl Default for Peer {
    /// Nobody knows where from. All who come so are counted as one.
    fn default() -> Self {
        Self { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), _place: None }
    }
}

/// The connections of a server.
pub struct Connections {
    app: Arc<App>,
    tls: Option<Arc<Tls>>,
    builder: Builder,
    places: Arc<Semaphore>,
    turned_away: Arc<Semaphore>,
}

impl Connections {
    /// As many as the limits say, with TLS where there is some.
    #[must_use]
    pub fn new(app: Arc<App>, tls: Option<Arc<Tls>>) -> Self {
        let limits = &app.config.limits;
        // HTTP/1 alone, which browsers speak without TLS: the builder that tells versions apart awaits the first bytes
        // without a timer.
        let mut builder = Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(limits.header_time);
        builder.max_buf_size(head::read_bytes(limits));
        let places = Arc::new(Semaphore::new(limits.connections));
        Self { app, tls, builder, places, turned_away: Arc::new(Semaphore::new(TURNED_AWAY)) }
    }

    /// Serves until `shutdown` is done, then finishes what was accepted.
    pub async fn serve(
        self: Arc<Self>,
        listener: TcpListener,
        service: impl Answering,
        shutdown: impl Future<Output = ()>,
    ) {
        let mut shutdown = pin!(shutdown);
        loop {
            let accepted = tokio::select! {
                () = &mut shutdown => break,
                accepted = listener.accept() => accepted,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Such as no file descriptor left: others will be closed soon.
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            // Small answers leave at once.
            let _ = stream.set_nodelay(true);
            let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
                self.turn_away(stream);
                continue;
            };
            let peer = Peer { address: peer.ip(), _place: Some(Arc::new(place)) };
            let of_peer = MapRequestLayer::new(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(peer.clone());
                request
            });
            let (connections, service) = (Arc::clone(&self), of_peer.layer(service.clone()));
            tokio::spawn(async move { connections.follow(stream, service).await });
        }
        drop(listener);
        self.app.stop();
        self.wait_for_the_last().await;
    }

    /// Serves one connection to its end. What is rare has memory of its own, for as long as it takes: there may be very
    /// many connections.
    async fn follow(&self, stream: TcpStream, service: impl Answering) {
        let mut stopping = self.app.stopping();
        let stream = match &self.tls {
            None => Stream::Left(stream),
            // Here and not where it was accepted: others need not wait for a client that dawdles.
            Some(tls) => tokio::select! {
                accepted = Box::pin(tls.accept(stream)) => match accepted {
                    Some(stream) => Stream::Right(stream),
                    None => return,
                },
                _ = stopping.wait_for(|stop| *stop) => return,
            },
        };
        let io = TokioIo::new(Wire::new(stream));
        let mut connection =
            self.builder.serve_connection(io, TowerToHyperService::new(service)).with_upgrades();
        let ended = tokio::select! {
            ended = &mut connection => Some(ended),
            _ = stopping.wait_for(|stop| *stop) => None,
        };
        let ended = match ended {
            Some(ended) => ended,
            None => {
                Pin::new(&mut connection).graceful_shutdown();
                (&mut connection).await
            }
        };
        // A stream has its connection for itself.
        let Some(parts) = connection.into_parts() else { return };
        let (wire, _peer) = (parts.io.into_inner(), parts.service);
        let refusal = match &ended {
            // Whoever has not begun to ask is merely idle.
            Err(error) if error.is_timeout() && !parts.read_buf.is_empty() => Some(self.too_slow()),
            _ => wire.refusal().map(|status| self.explain(status)),
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended early");
        }
        tokio::select! {
            _ = Box::pin(timeout(FAREWELL, part(wire.into_inner(), refusal))) => (),
            _ = stopping.wait_for(|stop| *stop) => (),
        }
    }

    fn too_slow(&self) -> Problem {
        let seconds = self.app.config.limits.header_time.as_secs();
        let text =
            format!("The request's line and headers did not arrive within {seconds} s (--header-timeout).");
        Problem::new(StatusCode::REQUEST_TIMEOUT, text)
    }

    /// What a refusal of hyper's means: it read no request that could be refused in another place.
    fn explain(&self, status: StatusCode) -> Problem {
        match status {
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => head::too_large(&self.app.config.limits),
            StatusCode::URI_TOO_LONG => Problem::new(status, "The address of the request is too long."),
            _ => Problem::new(status, "This is no request in HTTP/1.1."),
        }
    }

    /// Tells a client that there is no place for it. Where a handshake would have to come first, it is closed.
    fn turn_away(&self, stream: TcpStream) {
        let Ok(place) = Arc::clone(&self.turned_away).try_acquire_owned() else { return };
        if self.tls.is_some() {
            return;
        }
        let limit = self.app.config.limits.connections;
        let text = format!("{limit} connections are open; no more are taken (--max-connections).");
        tracing::debug!("a client was turned away: all connections are taken");
        tokio::spawn(async move {
            let _ = timeout(FAREWELL, refuse(stream, Problem::unavailable(text))).await;
            drop(place);
        });
    }

    /// Waits until all that was accepted is finished, or has had its time.
    async fn wait_for_the_last(&self) {
        // All places are free when all connections are closed.
        let all = u32::try_from(self.app.config.limits.connections).unwrap_or(u32::MAX);
        if timeout(GRACE, self.places.acquire_many(all)).await.is_err() {
            tracing::warn!("some requests were still open after {} ms and were cut off", GRACE.as_millis());
        }
    }
}

/// Answers whatever is asked with the same problem, once.
///
/// # Errors
/// When the connection fails.
pub(super) async fn refuse(stream: TcpStream, problem: Problem) -> hyper::Result<()> {
    let answer = service_fn(move |_| ready(Ok::<_, Infallible>(spoken(problem.clone()))));
    let io = TokioIo::new(stream);
    Builder::new().keep_alive(false).serve_connection(io, answer).await
}

/// A problem that is no request's.
fn spoken(problem: Problem) -> Response {
    let id = RequestId::new();
    let mut response = problem.into_response("/", id.as_str());
    response.headers_mut().extend(id.header());
    response
}

/// Says the last word, if there is one, and lets the client hear it: bytes that it sent and nobody read would have its
/// system throw the answer away (RFC 9112, section 9.6).
async fn part(mut stream: impl AsyncRead + AsyncWrite + Unpin, refusal: Option<Problem>) -> io::Result<()> {
    if let Some(problem) = refusal {
        let (head, body) = spoken(problem).into_parts();
        let body = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
        let mut bytes = format!("HTTP/1.1 {}\r\n", head.status).into_bytes();
        for (name, value) in &head.headers {
            bytes.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
        bytes.extend(format!("content-length: {}\r\nconnection: close\r\n\r\n", body.len()).into_bytes());
        bytes.extend(&body);
        stream.write_all(&bytes).await?;
    }
    stream.shutdown().await?;
    let mut unheard = [0; 4096];
    while stream.read(&mut unheard).await? > 0 {}
    Ok(())
}
