//! A small HTTP client, for the server of this machine alone.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper_util::rt::TokioIo;
use serde_json::Value;

use super::connection::connect;
use super::presence::Note;

/// How long an answer may take: a large sync is one transaction.
const PATIENCE: Duration = Duration::from_mins(2);

/// What is shown to a server: the token that the user set, else what the server of this data left for its user.
#[must_use]
pub fn credential(note: Option<&Note>) -> Option<String> {
    let set = std::env::var("AGENTMAP_TOKEN").ok().filter(|token| !token.trim().is_empty());
    set.map(|token| token.trim().to_owned()).or_else(|| note.and_then(|note| note.credential.clone()))
}

/// What an answer is, with its status, or why there is none.
type Answered = Result<(u16, Value), Box<dyn std::error::Error + Send + Sync>>;

/// Sends a request and reads the answer as JSON, with its status.
///
/// # Errors
/// When the server cannot be reached or answers with something else.
pub async fn request(note: &Note, method: &str, path: &str, body: Option<Vec<u8>>) -> Answered {
    request_as(note, credential(Some(note)), method, path, body).await
}

/// As [`request`], showing this secret.
///
/// # Errors
/// As [`request`].
pub async fn request_as(
    note: &Note,
    secret: Option<String>,
    method: &str,
    path: &str,
    body: Option<Vec<u8>>,
) -> Answered {
    exchange(note, secret, method, path, body.unwrap_or_default(), None, PATIENCE).await
}

/// Sends a body that is taken once, however often it comes, and waits no longer than `patience`.
///
/// # Errors
/// As [`request`].
pub async fn once(note: &Note, path: &str, body: Vec<u8>, id: &str, patience: Duration) -> Answered {
    exchange(note, credential(Some(note)), "POST", path, body, Some(id), patience).await
}

async fn exchange(
    note: &Note,
    secret: Option<String>,
    method: &str,
    path: &str,
    body: Vec<u8>,
    once: Option<&str>,
    patience: Duration,
) -> Answered {
    let exchange = async {
        let (address, certificate) = (note.address, note.certificate.as_deref());
        let stream = connect(&address.ip().to_string(), address.port(), certificate).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let connection = tokio::spawn(connection);
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, address.to_string())
            .header(CONTENT_TYPE, "application/json");
        if let Some(secret) = secret {
            request = request.header(AUTHORIZATION, format!("Bearer {secret}"));
        }
        if let Some(id) = once {
            request = request.header("idempotency-key", id);
        }
        let request = request.body(Full::new(Bytes::from(body)))?;
        let response = sender.send_request(request).await?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await?.to_bytes();
        connection.abort();
        // 204 has none.
        let value = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body)? };
        Ok((status, value))
    };
    tokio::time::timeout(patience, exchange).await?
}
