//! Pages of strangers: they reach nothing, whether they say where they come from or hide behind a name of their own.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::harness::Server;

#[tokio::test]
async fn a_page_of_a_stranger_reaches_nothing() {
    // Only answers were kept from strange pages: a request without a body or a media type wrote all the same.
    let server = Server::start().await;
    let id = server.create("coder").await;
    let address = server.address();
    let own = format!("http://{address}");
    let client = reqwest::Client::new();
    for (origin, status) in [
        (Some("http://evil.example"), 403),
        (Some("null"), 403),
        (Some("http://localhost:3000"), 200),
        (Some(own.as_str()), 200),
        (None, 200),
    ] {
        let mut request = client.post(format!("http://{address}/api/v1/agents/{id}/activate"));
        let mut stream = format!("ws://{address}/ws").into_client_request().unwrap();
        if let Some(origin) = origin {
            request = request.header("origin", origin);
            stream.headers_mut().insert("origin", origin.parse().unwrap());
        }
        assert_eq!(request.send().await.unwrap().status(), status, "{origin:?}");
        let followed = tokio_tungstenite::connect_async(stream).await;
        assert_eq!(followed.is_ok(), status == 200, "{origin:?}");
        let mut read = client.get(format!("http://{address}/api/v1/agents/{id}"));
        if let Some(origin) = origin {
            read = read.header("origin", origin);
        }
        assert_eq!(read.send().await.unwrap().status(), status, "{origin:?}");
    }
    server.post(&format!("/api/v1/agents/{id}/activate"), &json!({})).await.expect(200);
}

/// What the server answers to a request that no client library would send: the status.
async fn raw(server: &Server, head: &str) -> u16 {
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(head.replace('\n', "\r\n").as_bytes()).await.unwrap();
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()[9..].parse().unwrap()
}

#[tokio::test]
async fn a_name_that_was_made_to_mean_this_machine_is_no_way_in() {
    // DNS rebinding: to the browser the page and the server are one origin, and only Host tells them apart.
    let server = Server::start().await;
    let own = server.address().to_owned();
    let upgrade = "Connection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n";
    for (target, host, more, status) in [
        ("/health", own.as_str(), "", 200),
        ("/health", "localhost", "", 200),
        ("/health", "evil.example", "", 403),
        ("/health", "evil.example:8000", "Origin: http://evil.example:8000\n", 403),
        ("/health", "0.0.0.0:8000", "", 403),
        ("http://evil.example/health", own.as_str(), "", 403),
        ("/nowhere", "evil.example", "", 403),
        ("/ws", own.as_str(), upgrade, 101),
        ("/ws", "evil.example", upgrade, 403),
        ("/health", own.as_str(), "Sec-Fetch-Site: cross-site\nSec-Fetch-Mode: no-cors\n", 403),
        ("/health", "", "", 400),
    ] {
        let head = format!("GET {target} HTTP/1.1\nHost: {host}\n{more}\n");
        assert_eq!(raw(&server, &head).await, status, "{target} {host} {more}");
    }
    // A preflight is no way round either.
    let head = "OPTIONS /health HTTP/1.1\nHost: evil.example\nOrigin: http://localhost:3000\n\
                Access-Control-Request-Method: PUT\n\n";
    assert_eq!(raw(&server, head).await, 403);
}
