//! Pages of other origins: they may read what CORS lets them, and neither write nor follow the stream.

use serde_json::json;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::harness::Server;

#[tokio::test]
async fn a_page_of_a_stranger_neither_writes_nor_follows() {
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
        let read = client.get(format!("http://{address}/api/v1/agents/{id}"));
        assert_eq!(read.header("origin", origin.unwrap_or("null")).send().await.unwrap().status(), 200);
    }
    server.post(&format!("/api/v1/agents/{id}/activate"), &json!({})).await.expect(200);
}
