//! One delivery, sent once.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper::header::{AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_util::either::Either;

use crate::config::Target;
use crate::domain::time::SECOND;

/// How long connecting, sending and the answer's head may take together.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is sent.
pub struct Post<'a> {
    pub id: &'a str,
    pub seconds: i64,
    pub signature: &'a str,
    pub body: String,
}

/// Why something was not taken.
#[derive(Debug, PartialEq)]
pub struct NotTaken {
    pub why: String,
    /// Whether it makes sense to try again.
    pub may_change: bool,
    /// How long the target asks to be left alone, in microseconds.
    pub pause: Option<i64>,
}

impl NotTaken {
    #[expect(clippy::needless_pass_by_value, reason = "what map_err calls is given the error")]
    fn unreached(why: impl ToString) -> Self {
        Self { why: why.to_string(), may_change: true, pause: None }
    }
}

/// Sends it, and tells whether it was taken. Redirects are not followed: what is signed goes where the settings say.
pub async fn send(target: &Target, tls: Option<&TlsConnector>, post: Post<'_>) -> Result<(), NotTaken> {
    let exchange = tokio::time::timeout(PATIENCE, exchange(target, tls, post));
    exchange.await.unwrap_or_else(|_| {
        Err(NotTaken::unreached(format!("it did not answer within {} s", PATIENCE.as_secs())))
    })
}

async fn exchange(target: &Target, tls: Option<&TlsConnector>, post: Post<'_>) -> Result<(), NotTaken> {
    let address = (target.host.as_str(), target.port);
    let stream = TcpStream::connect(address).await.map_err(NotTaken::unreached)?;
    let stream = match tls.filter(|_| target.tls) {
        None => Either::Left(stream),
        Some(tls) => {
            let name = ServerName::try_from(target.host.clone()).map_err(NotTaken::unreached)?;
            Either::Right(Box::new(tls.connect(name, stream).await.map_err(NotTaken::unreached)?))
        }
    };
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(NotTaken::unreached)?;
    // It ends with this function, whatever comes.
    let mut connections = JoinSet::new();
    connections.spawn(connection);
    let mut request = Request::post(&target.path)
        .header(HOST, &target.authority)
        .header(USER_AGENT, concat!("agentmap/", env!("CARGO_PKG_VERSION")))
        .header(CONNECTION, "close")
        .header(CONTENT_TYPE, "application/json")
        .header("webhook-id", post.id)
        .header("webhook-timestamp", post.seconds)
        .header("webhook-signature", post.signature);
    if let Some(credentials) = &target.credentials {
        request = request.header(AUTHORIZATION, format!("Basic {}", STANDARD.encode(credentials)));
    }
    let request = request.body(Full::new(Bytes::from(post.body))).map_err(NotTaken::unreached)?;
    let answer = sender.send_request(request).await.map_err(NotTaken::unreached)?;
    let pause = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse::<u32>().ok());
    judge(answer.status().as_u16(), pause)
}

/// What an answer means.
fn judge(status: u16, pause: Option<u32>) -> Result<(), NotTaken> {
    let may_change = match status {
        200..=299 => return Ok(()),
        408 | 429 => true,
        400..=499 => false,
        _ => true,
    };
    let pause = pause.map(|seconds| i64::from(seconds) * SECOND);
    Err(NotTaken { why: format!("it answered {status}"), may_change, pause })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_take_it_refuse_it_or_may_change() {
        for (status, taken, may_change) in [
            (200, true, false),
            (202, true, false),
            (204, true, false),
            (301, false, true),
            (400, false, false),
            (404, false, false),
            (408, false, true),
            (410, false, false),
            (429, false, true),
            (500, false, true),
            (503, false, true),
        ] {
            let judged = judge(status, Some(2));
            assert_eq!(judged.is_ok(), taken, "{status}");
            if let Err(not) = judged {
                assert_eq!((not.may_change, not.pause), (may_change, Some(2 * SECOND)), "{status}");
            }
        }
    }
}
