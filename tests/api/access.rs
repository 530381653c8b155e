//! Tokens, sessions, and what is shown for them.

use agentmap::domain::time::{DAY, MINUTE, SECOND};
use futures_util::{SinkExt, StreamExt};
use reqwest::Method;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::authorization::{locked, token, with};
use crate::harness::{Answer, DEADLINE, Server, draft, each};

const BRIEF: &str = "/api/v1/agents/brief";

#[tokio::test]
async fn a_token_is_shown_once_and_ends_when_it_is_revoked() {
    let server = locked().await;
    let local = server.app.local_credential().to_owned();
    let wanted = json!({"role": "viewer", "name": "eyes", "expires_at": server.at(DAY)});
    let (secret, id) = token(&server, wanted.clone()).await;
    with(&server, &local, Method::POST, "/api/v1/tokens", Some(&wanted)).await.expect(409);
    with(&server, &secret, Method::GET, BRIEF, None).await.expect(200);
    let listed = with(&server, &local, Method::GET, "/api/v1/tokens", None).await.expect(200);
    assert!(!listed.text().contains(&secret));
    let shown = &listed.json()[0];
    assert_eq!(
        (&shown["name"], &shown["status"], &shown["created_by"]),
        (&json!("eyes"), &json!("usable"), &json!("local"))
    );
    assert!(secret.starts_with(shown["prefix"].as_str().unwrap()) && secret.len() >= 52);
    with(&server, &local, Method::DELETE, &format!("/api/v1/tokens/{id}"), None).await.expect(204);
    let refused = with(&server, &secret, Method::GET, BRIEF, None).await.expect(401);
    assert!(refused.text().contains("revoked"), "{}", refused.text());
    with(&server, &local, Method::DELETE, "/api/v1/tokens/nothing", None).await.expect(404);
    // Acts are records of the audit trail.
    let audit = with(&server, &local, Method::GET, "/api/v1/events/audit?operation_type=admin", None).await;
    let details: Vec<_> =
        each(&audit.expect(200).json(), "operation").into_iter().map(|o| o["detail"].clone()).collect();
    assert_eq!(details, ["token_revoked", "token_created"]);
}

#[tokio::test]
async fn what_cannot_be_a_token_is_refused() {
    let server = Server::start().await;
    for (wanted, status) in [
        (json!({"role": "viewer", "agent": "coder"}), 422),
        (json!({"role": "viewer", "name": "local"}), 422),
        (json!({"role": "viewer", "name": "nobody"}), 422),
        (json!({"role": "viewer", "expires_at": server.at(-SECOND)}), 422),
        (json!({"role": "root"}), 422),
        (json!({"name": "x"}), 422),
        (json!({"role": "viewer"}), 201),
    ] {
        server.post("/api/v1/tokens", &wanted).await.expect(status);
    }
}

#[tokio::test]
async fn what_a_token_does_bears_its_name() {
    let server = locked().await;
    let (secret, _) = token(&server, json!({"role": "operator", "name": "ops"})).await;
    with(&server, &secret, Method::POST, "/api/v1/agents/", Some(&draft("coder"))).await.expect(201);
    let audit = with(&server, &secret, Method::GET, "/api/v1/events/audit?operation_type=admin", None).await;
    let newest = &audit.expect(200).json()[0];
    assert_eq!(
        (&newest["agent"]["name"], &newest["operation"]["detail"]),
        (&json!("ops"), &json!("agent_created"))
    );
    let forged = json!({"agent_id": "agentmap:ops", "operation_type": "admin"});
    with(&server, &secret, Method::POST, "/api/v1/events/ingest", Some(&forged)).await.expect(422);
}

#[tokio::test]
async fn the_last_use_is_noted() {
    let server = locked().await;
    let (secret, _) = token(&server, json!({"role": "admin"})).await;
    let mut last = Value::Null;
    // It is noted beside the request.
    let deadline = std::time::Instant::now() + DEADLINE;
    while last.is_null() {
        assert!(std::time::Instant::now() < deadline, "the use is not noted");
        let tokens = with(&server, &secret, Method::GET, "/api/v1/tokens", None).await.expect(200).json();
        last = tokens[0]["last_used_at"].clone();
    }
    assert_eq!(last, json!(server.now().to_string()));
}

#[tokio::test]
async fn a_token_does_not_belong_into_an_address() {
    let server = locked().await;
    let (secret, _) = token(&server, json!({"role": "admin"})).await;
    for name in ["token", "access_token"] {
        let path = format!("{BRIEF}?limit=1&{name}={secret}");
        let answer = with(&server, &secret, Method::GET, &path, None).await.expect(401);
        assert!(answer.text().contains("address"), "{}", answer.text());
    }
    for header in ["", "Bearer", "Bearer ", "Basic YTpi"] {
        let request = server.request(Method::GET, BRIEF).header("authorization", header);
        assert_eq!(Answer::of(request).await.status, 401, "{header}");
    }
}

#[tokio::test]
async fn wrong_tokens_are_counted_by_address() {
    let server = Server::start().await;
    let wrong = async || with(&server, "agentmap_wrong", Method::GET, BRIEF, None).await;
    for _ in 0..10 {
        wrong().await.expect(401);
    }
    server.advance(20 * SECOND);
    let answer = wrong().await.expect(429);
    assert_eq!(answer.header("retry-after"), Some("40"));
    server.post("/api/v1/session", &json!({"token": "x"})).await.expect(429);
    // Who needs no token is not kept waiting, and neither is the owner.
    server.get(BRIEF).await.expect(200);
    let local = server.app.local_credential().to_owned();
    with(&server, &local, Method::GET, "/api/v1/tokens", None).await.expect(200);
    server.advance(MINUTE);
    wrong().await.expect(401);
}

#[tokio::test]
async fn a_browser_logs_in_and_out() {
    let server = locked().await;
    let (secret, _) = token(&server, json!({"role": "viewer", "name": "eyes"})).await;
    let (bound, _) = token(&server, json!({"role": "ingest", "agent": "coder"})).await;
    let led = server.request(Method::GET, "/docs?a=b").header("accept", "text/html");
    let led = Answer::of(led).await.expect(303);
    assert_eq!(led.header("location"), Some("/login?next=/docs%3Fa%3Db"));
    server.get("/login").await.expect(200);
    assert_eq!(
        server.json("/api/v1/session").await,
        json!({
            "required": true, "name": null, "role": null, "agent": null, "expires_at": null, "session": false
        })
    );
    server.post("/api/v1/session", &json!({"token": bound})).await.expect(403);
    let opened = server.post("/api/v1/session", &json!({"token": secret})).await.expect(204);
    let cookie = opened.header("set-cookie").unwrap().to_owned();
    assert!(cookie.contains("HttpOnly; SameSite=Strict") && !cookie.contains(&secret), "{cookie}");
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let browse = async |method: Method, path: &str| {
        Answer::of(server.request(method, path).header("cookie", format!("other=1; {cookie}"))).await
    };
    browse(Method::GET, BRIEF).await.expect(200);
    browse(Method::POST, "/api/v1/agents/sync").await.expect(403);
    let me = browse(Method::GET, "/api/v1/session").await.json();
    assert_eq!((&me["name"], &me["session"]), (&json!("eyes"), &json!(true)));
    browse(Method::DELETE, "/api/v1/session").await.expect(204);
    browse(Method::GET, BRIEF).await.expect(401);
    // A session ends by itself, and with its token.
    let opened = server.post("/api/v1/session", &json!({"token": secret})).await.expect(204);
    let cookie = opened.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let browse = async || Answer::of(server.request(Method::GET, BRIEF).header("cookie", &cookie)).await;
    browse().await.expect(200);
    server.advance(7 * DAY);
    browse().await.expect(401);
}

#[tokio::test]
async fn a_websocket_shows_its_token_as_a_subprotocol_and_ends_with_it() {
    let server = locked().await;
    let (secret, id) = token(&server, json!({"role": "viewer"})).await;
    let request = |protocols: &str| {
        let mut request = format!("ws://{}/ws", server.address()).into_client_request().unwrap();
        if !protocols.is_empty() {
            request.headers_mut().insert("sec-websocket-protocol", protocols.parse().unwrap());
        }
        request
    };
    for refused in ["", "agentmap.bearer", "agentmap.bearer, wrong"] {
        assert!(tokio_tungstenite::connect_async(request(refused)).await.is_err(), "{refused}");
    }
    let shown = request(&format!("agentmap.bearer, {secret}"));
    let (socket, answer) = tokio_tungstenite::connect_async(shown).await.unwrap();
    assert_eq!(answer.headers()["sec-websocket-protocol"], "agentmap.bearer");
    let local = server.app.local_credential().to_owned();
    with(&server, &local, Method::DELETE, &format!("/api/v1/tokens/{id}"), None).await.expect(204);
    assert_eq!(close_code(socket).await, 1008);
}

/// What a socket is closed with.
async fn close_code(mut socket: impl futures_util::Stream<Item = Result<Message, Error>> + Unpin) -> u16 {
    let closed = async {
        while let Some(Ok(message)) = socket.next().await {
            if let Message::Close(Some(close)) = message {
                return u16::from(close.code);
            }
        }
        0
    };
    tokio::time::timeout(DEADLINE, closed).await.unwrap()
}

#[tokio::test]
async fn a_websocket_ends_with_its_token_also_while_nothing_happens() {
    // What a socket may see was looked at with each event and each ping, of which neither comes for half a minute.
    let server = locked().await;
    let wanted = json!({"role": "viewer", "expires_at": server.at(20 * SECOND)});
    let (secret, _) = token(&server, wanted).await;
    let mut request = format!("ws://{}/ws", server.address()).into_client_request().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {secret}").parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    // Whoever is answered is followed, and no longer greeted.
    socket.send(Message::text("{\"type\":\"ping\"}")).await.unwrap();
    while !matches!(socket.next().await.unwrap(), Ok(Message::Text(text)) if text.contains("pong")) {}
    tokio::time::pause();
    server.advance(20 * SECOND);
    tokio::time::advance(std::time::Duration::from_secs(20)).await;
    tokio::time::resume();
    let began = std::time::Instant::now();
    assert_eq!(close_code(socket).await, 1008);
    assert!(began.elapsed().as_secs() < 9, "it took a ping to notice");
}
