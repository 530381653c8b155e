//! The handshake of a WebSocket (RFC 6455, section 4.2).

use std::future::Future;

use bytes::Bytes;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use warp::http::header::{
    CONNECTION, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use warp::http::{HeaderMap, StatusCode};
use warp::reply::Response;

use super::connection::Peer;

/// The connection to a client, once it is a WebSocket.
pub type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// What is set aside to read from a client at once, which says next to nothing. The library's 128 KiB, all of them
/// written to, would be more than a gigabyte for 10,000 silent clients.
const READ_BUFFER: usize = 512;
/// How much is gathered before it is sent.
const WRITE_BUFFER: usize = 16 * 1024;

/// What a client sent who asks for a WebSocket.
pub struct Handshake {
    accept: String,
    upgrade: OnUpgrade,
    peer: Peer,
}

impl Handshake {
    /// What a request says, if it asks for a WebSocket, and the connection can become one.
    #[must_use]
    pub fn of(headers: &HeaderMap, upgrade: Option<OnUpgrade>, peer: Peer) -> Option<Self> {
        let says = |name, wanted: &str| {
            let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
            values.flat_map(|text| text.split(',')).any(|word| word.trim().eq_ignore_ascii_case(wanted))
        };
        let asks =
            says(CONNECTION, "upgrade") && says(UPGRADE, "websocket") && says(SEC_WEBSOCKET_VERSION, "13");
        let key = headers.get(SEC_WEBSOCKET_KEY).filter(|_| asks)?;
        Some(Self { accept: derive_accept_key(key.as_bytes()), upgrade: upgrade?, peer })
    }

    /// Answers, and hands the connection over once the answer is sent. A client may send messages of `max_message`
    /// bytes at most.
    pub fn accept<F: Future<Output = ()> + Send + 'static>(
        self,
        max_message: usize,
        follow: impl FnOnce(Socket) -> F + Send + 'static,
    ) -> Response {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(WRITE_BUFFER)
            .max_message_size(Some(max_message))
            .max_frame_size(Some(max_message));
        let Self { accept, upgrade, peer } = self;
        tokio::spawn(async move {
            // The connection's place is taken until the stream ends.
            let _peer = peer;
            match upgrade.await {
                Ok(connection) => {
                    let io = TokioIo::new(connection);
                    follow(WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await).await;
                }
                Err(error) => tracing::debug!(%error, "a client went before its stream began"),
            }
        });
        let mut response = Response::new(Bytes::new().into());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.extend(HeaderValue::from_str(&accept).ok().map(|accept| (SEC_WEBSOCKET_ACCEPT, accept)));
        response
    }
}
