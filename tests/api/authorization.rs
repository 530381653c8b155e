//! Every endpoint, for everyone: made from the served document, so that an endpoint nobody decided on fails.

use agentmap::config::Config;
use agentmap::domain::time::MINUTE;
use agentmap::store::Location;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Server};

/// The roles, the least first.
pub const ROLES: [&str; 4] = ["viewer", "ingest", "operator", "admin"];

/// Who may use what; of reads that are not named here, viewers.
const TABLE: &[(&str, &str, &str)] = &[
    ("GET", "/", "public"),
    ("GET", "/health", "public"),
    ("GET", "/login", "public"),
    ("GET", "/dashboard/", "public"),
    ("GET", "/dashboard/{file}", "public"),
    ("GET", "/assets/{file}", "public"),
    ("GET", "/api/v1/session", "public"),
    ("POST", "/api/v1/session", "public"),
    ("DELETE", "/api/v1/session", "public"),
    ("GET", "/docs", "viewer"),
    ("GET", "/redoc", "viewer"),
    ("GET", "/openapi.json", "viewer"),
    ("GET", "/metrics", "viewer"),
    ("GET", "/ws", "viewer"),
    ("GET", "/api/v1/websocket/health", "viewer"),
    ("GET", "/api/v1/agents/", "viewer"),
    ("GET", "/api/v1/agents/registry", "viewer"),
    ("GET", "/api/v1/registry/agents", "viewer"),
    ("GET", "/api/v1/agents/brief", "viewer"),
    ("GET", "/api/v1/agents/activity", "viewer"),
    ("GET", "/api/v1/agents/activity/stream", "viewer"),
    ("GET", "/api/v1/agents/alerts", "viewer"),
    ("GET", "/api/v1/agents/stats/summary", "viewer"),
    ("GET", "/api/v1/agents/stats/history", "viewer"),
    ("GET", "/api/v1/approvals", "viewer"),
    ("GET", "/api/v1/grants", "viewer"),
    ("GET", "/api/v1/budgets", "viewer"),
    ("GET", "/api/v1/budgets/{scope}", "viewer"),
    ("GET", "/api/v1/prices", "viewer"),
    ("GET", "/api/v1/policy/unknown", "viewer"),
    ("POST", "/api/v1/policy/simulate", "viewer"),
    ("GET", "/api/v1/agents/{agent_id}", "viewer"),
    ("GET", "/api/v1/agents/name/{agent_name}", "viewer"),
    ("POST", "/api/v1/agents/{agent_id}/activate", "ingest"),
    ("POST", "/api/v1/metrics/", "ingest"),
    ("POST", "/api/v1/metrics/batch", "ingest"),
    ("POST", "/api/v1/events/ingest", "ingest"),
    ("POST", "/api/v1/events/ingest/batch", "ingest"),
    ("POST", "/api/v1/budget/deduct", "ingest"),
    ("POST", "/api/v1/policy/decide", "ingest"),
    ("POST", "/api/v1/hooks/claude-code", "ingest"),
    ("GET", "/api/v1/approvals/{approval_id}", "ingest"),
    ("POST", "/api/v1/approvals/{approval_id}/approve", "operator"),
    ("POST", "/api/v1/approvals/{approval_id}/deny", "operator"),
    ("DELETE", "/api/v1/grants/{grant_id}", "operator"),
    ("PUT", "/api/v1/budgets/{scope}", "operator"),
    ("POST", "/api/v1/budgets/{scope}/raise", "operator"),
    ("POST", "/api/v1/budgets/{scope}/reset", "operator"),
    ("POST", "/api/v1/budgets/{scope}/pause", "operator"),
    ("POST", "/api/v1/budgets/{scope}/resume", "operator"),
    ("POST", "/api/v1/agents/", "operator"),
    ("PUT", "/api/v1/agents/{agent_id}", "operator"),
    ("DELETE", "/api/v1/agents/{agent_id}", "operator"),
    ("POST", "/api/v1/agents/{agent_id}/pause", "operator"),
    ("POST", "/api/v1/agents/{agent_id}/resume", "operator"),
    ("POST", "/api/v1/agents/sync", "operator"),
    ("GET", "/api/v1/tokens", "admin"),
    ("POST", "/api/v1/tokens", "admin"),
    ("DELETE", "/api/v1/tokens/{token_id}", "admin"),
    ("POST", "/api/v1/copies", "admin"),
    ("GET", "/api/v1/webhooks", "operator"),
    ("GET", "/api/v1/webhooks/dead-letters", "operator"),
    ("POST", "/api/v1/webhooks/dead-letters/{id}/retry", "operator"),
    ("DELETE", "/api/v1/webhooks/dead-letters/{id}", "operator"),
];

/// A server that wants tokens.
pub async fn locked() -> Server {
    let config = Config { require_token: true, ..Config::defaults() };
    Server::start_with(config, Location::Memory).await
}

/// Sends a request that shows a token.
pub async fn with(server: &Server, token: &str, method: Method, path: &str, body: Option<&Value>) -> Answer {
    let mut request = server.request(method, path);
    if !token.is_empty() {
        request = request.bearer_auth(token);
    }
    if let Some(body) = body {
        request = request.json(body);
    }
    Answer::of(request).await
}

/// Makes a token and gives its secret and id back.
pub async fn token(server: &Server, wanted: Value) -> (String, String) {
    let local = server.app.local_credential();
    let made = with(server, local, Method::POST, "/api/v1/tokens", Some(&wanted)).await.expect(201).json();
    (made["secret"].as_str().unwrap().to_owned(), made["token_id"].as_str().unwrap().to_owned())
}

/// The endpoints of the document, each with what it needs by the document.
fn endpoints() -> Vec<(Method, String, String)> {
    let document: Value = serde_json::from_str(&agentmap::http::openapi_json()).unwrap();
    let mut found = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let told = operation["security"][1]["bearer"][0].as_str().unwrap_or("public").to_owned();
            found.push((method, path.clone(), told));
        }
    }
    found
}

/// A path with something in the place of its parameters.
fn filled(path: &str) -> String {
    let parts = path.split('/').map(|part| if part.starts_with('{') { "nothing" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

#[test]
fn each_endpoint_is_decided_on_and_documented() {
    let endpoints = endpoints();
    for (method, path, told) in &endpoints {
        let decided = TABLE.iter().find(|(m, p, _)| m == method && p == path).map(|(.., needed)| *needed);
        // What the reads below these tell is for viewers.
        let below = [
            "/api/v1/metrics/",
            "/api/v1/events/",
            "/api/v1/quality/",
            "/api/v1/resources/",
            "/api/v1/agent-activity",
        ];
        let read = method == Method::GET && below.iter().any(|prefix| path.starts_with(prefix));
        let needed = decided.or(read.then_some("viewer"));
        assert_eq!(
            needed,
            Some(told.as_str()),
            "{method} {path} needs a line in TABLE that says who may use it"
        );
    }
    for (method, path, _) in TABLE {
        assert!(endpoints.iter().any(|(m, p, _)| m == method && p == path), "{method} {path} is gone");
    }
}

#[tokio::test]
async fn every_endpoint_answers_every_caller_as_it_is_documented() {
    let server = locked().await;
    let mut held = Vec::new();
    for role in ROLES {
        held.push((role, token(&server, json!({"role": role})).await.0));
    }
    let (bound, _) = token(&server, json!({"role": "ingest", "name": "bound", "agent": "coder"})).await;
    let (expired, _) =
        token(&server, json!({"role": "admin", "name": "old", "expires_at": server.at(MINUTE)})).await;
    let (revoked, id) = token(&server, json!({"role": "admin", "name": "gone"})).await;
    let local = server.app.local_credential().to_owned();
    with(&server, &local, Method::DELETE, &format!("/api/v1/tokens/{id}"), None).await.expect(204);
    server.advance(MINUTE);
    for (method, path, needed) in endpoints() {
        let path = filled(&path);
        let name = format!("{method} {path}");
        let ask = async |token: &str| with(&server, token, method.clone(), &path, None).await;
        let nobody = ask("").await;
        if needed == "public" {
            assert!(![401, 403, 429].contains(&nobody.status), "{name}: {}", nobody.text());
        } else {
            assert_eq!(nobody.status, 401, "{name}");
            assert_eq!(nobody.header("www-authenticate"), Some("Bearer"), "{name}");
        }
        // A wrong token is counted; a minute later it is forgotten.
        server.advance(MINUTE);
        for (what, secret) in [("wrong", "agentmap_nothing"), ("expired", &expired), ("revoked", &revoked)] {
            assert_eq!(ask(secret).await.status, 401, "{name} with a token that is {what}");
        }
        let least = ROLES.iter().position(|role| *role == needed);
        for (i, (role, secret)) in held.iter().enumerate() {
            let status = ask(secret).await.status;
            let may = least.is_none_or(|least| i >= least);
            assert_eq!(!matches!(status, 401 | 403), may, "{name} as {role}: {status}");
        }
        let status = ask(&bound).await.status;
        let may = matches!(needed.as_str(), "public" | "ingest") && !path.ends_with("/activate");
        assert_eq!(!matches!(status, 401 | 403), may, "{name} with another agent's token: {status}");
    }
}

#[tokio::test]
async fn a_token_of_one_agent_records_for_it_alone() {
    let server = locked().await;
    let local = server.app.local_credential().to_owned();
    let mut ids = Vec::new();
    for name in ["coder", "tester"] {
        let draft = crate::harness::draft(name);
        let agent = with(&server, &local, Method::POST, "/api/v1/agents/", Some(&draft)).await.expect(201);
        ids.push(agent.json()["agent_id"].as_str().unwrap().to_owned());
    }
    let (bound, _) = token(&server, json!({"role": "ingest", "name": "hook", "agent": "coder"})).await;
    let post = async |path: &str, body: Value| with(&server, &bound, Method::POST, path, Some(&body)).await;
    for (agent, status) in [("coder", 201), (&ids[0], 201), ("tester", 403), (&ids[1], 403), ("nobody", 403)]
    {
        let metric = json!({"agent_id": agent, "metric_type": "execution"});
        assert_eq!(post("/api/v1/metrics/", metric.clone()).await.status, status, "{agent}");
        let spent = json!({"agent_id": agent, "tokens_used": 1, "cost_usd": 0.1});
        assert_eq!(post("/api/v1/budget/deduct", spent).await.status, status, "{agent}");
        for member in ["agent_id", "agent_name"] {
            let event = json!({member: agent, "operation_type": "tool_use"});
            assert_eq!(post("/api/v1/events/ingest", event).await.status, status, "{member} {agent}");
        }
        for (path, item) in [
            ("metrics/batch", metric),
            ("events/ingest/batch", json!({"agent_id": agent, "operation_type": "x"})),
        ] {
            let report = post(&format!("/api/v1/{path}"), json!([item])).await.expect(201).json();
            let told = report["rejected"][0]["status"].as_u64().unwrap_or(201);
            assert_eq!(told, u64::from(status), "{path} {agent}");
        }
    }
    // Both names have to be of the one agent.
    let both = json!({"agent_id": "coder", "agent_name": "tester", "operation_type": "tool_use"});
    post("/api/v1/events/ingest", both).await.expect(403);
    post(&format!("/api/v1/agents/{}/activate", ids[0]), json!({})).await.expect(200);
    post(&format!("/api/v1/agents/{}/activate", ids[1]), json!({})).await.expect(403);
}
