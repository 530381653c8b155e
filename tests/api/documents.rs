//! The API's documents and pages, and what all answers share: CORS, `ETag`, compression, HEAD.

use std::path::Path;

use agentmap::config::Config;
use agentmap::store::Location;
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use crate::harness::{Answer, Server};

#[tokio::test]
async fn the_openapi_document_is_the_golden_one() {
    let server = Server::start().await;
    let answer = server.get("/openapi.json").await.expect(200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let served = answer.json();
    assert!(served["openapi"].as_str().unwrap().starts_with("3.1"));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/openapi.json");
    let text = serde_json::to_string_pretty(&served).unwrap() + "\n";
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    let golden = std::fs::read_to_string(&file).unwrap_or_default();
    let differs = 1 + text.lines().zip(golden.lines()).take_while(|(a, b)| a == b).count();
    assert!(
        text == golden,
        "the served document differs from {} at line {differs}; where that is meant, run with UPDATE_GOLDEN=1",
        file.display()
    );
}

/// All references to schemas below a value.
fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[tokio::test]
async fn the_openapi_document_is_whole() {
    let server = Server::start().await;
    let document = server.json("/openapi.json").await;
    let mut found = Vec::new();
    references(&document, &mut found);
    for reference in found {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
    }
    let mut ids = std::collections::BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let name = format!("{method} {path}");
            assert!(ids.insert(operation["operationId"].to_string()), "{name}");
            assert!(operation["summary"].is_string(), "{name}");
            assert!(!operation["responses"].as_object().unwrap().is_empty(), "{name}");
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            for variable in path.split(['{', '}']).skip(1).step_by(2) {
                let told = parameters
                    .iter()
                    .any(|p| p["name"] == variable && p["in"] == "path" && p["required"] == true);
                assert!(told, "{name} does not tell of {variable}");
            }
        }
    }
}

#[tokio::test]
async fn examples_work_when_pasted() {
    let server = Server::start().await;
    let document = server.json("/openapi.json").await;
    let mut tried = 0;
    // The agent comes first: others are about it.
    for first in [true, false] {
        for (path, operations) in document["paths"].as_object().unwrap() {
            let Some(operation) = operations.get("post").filter(|_| (path == "/api/v1/agents/") == first)
            else {
                continue;
            };
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            let Some(reference) = schema["$ref"].as_str() else { continue };
            let example = &document.pointer(reference.trim_start_matches('#')).unwrap()["example"];
            if example.is_null() || path.contains('{') {
                continue;
            }
            let answer = server.post(path, example).await;
            let makes = operation["responses"].get("201").is_some();
            assert_eq!(answer.status, if makes { 201 } else { 200 }, "{path}: {}", answer.text());
            tried += 1;
        }
    }
    assert!(tried >= 4, "only {tried} examples");
}

#[tokio::test]
async fn pages_load_from_this_server_alone() {
    let server = Server::start().await;
    for page in ["/docs", "/redoc", "/dashboard/"] {
        let answer = server.get(page).await.expect(200);
        assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
        assert!(answer.header("content-security-policy").unwrap().contains("default-src 'self'"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        let text = answer.text();
        let mut loaded = 0;
        for attribute in ["src=\"", "href=\""] {
            for reference in text.split(attribute).skip(1).map(|rest| rest.split('"').next().unwrap()) {
                if reference.starts_with('#') {
                    continue;
                }
                assert!(reference.starts_with('/') && !reference.starts_with("//"), "{page}: {reference}");
                server.get(reference).await.expect(200);
                loaded += 1;
            }
        }
        assert!(loaded >= 3, "{page}");
    }
    for (file, content_type) in [
        ("/assets/docs/swagger.js", "text/javascript; charset=utf-8"),
        ("/assets/docs/docs.css", "text/css; charset=utf-8"),
        ("/assets/icon.svg", "image/svg+xml"),
        ("/dashboard/core/view.js", "text/javascript; charset=utf-8"),
    ] {
        assert_eq!(server.get(file).await.expect(200).header("content-type"), Some(content_type));
    }
    for missing in [
        "/assets/nothing.js",
        "/assets/identities/quality/diff-risk-reviewer.yaml",
        "/assets/..%2f..%2fCargo.toml",
        "/assets/docs/%2e%2e/%2e%2e/Cargo.toml",
        "/dashboard/..%2fdocs%2fswagger.js",
        "/dashboard/nothing.js",
        "/dashboard/pages/none.js",
        "/dashboard/a/..%2f..%2fCargo.toml",
    ] {
        server.get(missing).await.expect(404);
    }
}

#[tokio::test]
async fn every_page_of_the_dashboard_is_its_one_document() {
    let server = Server::start().await;
    let document = server.get("/dashboard/").await.expect(200).text();
    for page in ["/dashboard/agents", "/dashboard/agents/x", "/dashboard/agents/a%20b"] {
        let answer = server.get(page).await.expect(200);
        assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"), "{page}");
        assert_eq!(
            answer.header("content-security-policy"),
            Some("default-src 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"),
            "{page}"
        );
        assert_eq!(answer.text(), document, "{page}");
    }
}

#[tokio::test]
async fn a_folder_of_assets_stands_in_for_the_built_in_ones() {
    let folder = tempfile::tempdir().unwrap();
    let dashboard = folder.path().join("dashboard");
    for below in ["core", "pages/map"] {
        std::fs::create_dir_all(dashboard.join(below)).unwrap();
    }
    std::fs::write(folder.path().join("outside.js"), "").unwrap();
    std::fs::write(dashboard.join("index.html"), "<head>\n  <!-- modules -->\n</head>").unwrap();
    for file in ["theme.js", "main.js", "core/view.js", "core/view.css", "pages/map.js", "pages/map/draw.js"]
    {
        std::fs::write(dashboard.join(file), "// own").unwrap();
    }
    let config = Config { assets: Some(folder.path().to_owned()), ..Config::defaults() };
    let server = Server::start_with(config, Location::Memory).await;
    let document = "<head>\n  <link rel=\"modulepreload\" href=\"/dashboard/core/view.js\">\n  \
                    <link rel=\"modulepreload\" href=\"/dashboard/main.js\">\n</head>";
    for page in ["/dashboard/", "/dashboard/agents/x"] {
        assert_eq!(server.get(page).await.expect(200).text(), document);
    }
    assert_eq!(server.get("/dashboard/pages/map.js").await.expect(200).text(), "// own");
    for missing in
        ["/dashboard/pages/none.js", "/dashboard/a/..%2f..%2foutside.js", "/assets/docs/swagger.js"]
    {
        server.get(missing).await.expect(404);
    }
}

/// A preflight and an actual request from an origin.
async fn from_origin(server: &Server, origin: &str) -> (Answer, Answer) {
    let preflight = server
        .request(Method::OPTIONS, "/api/v1/agents/")
        .header("origin", origin)
        .header("access-control-request-method", "PUT")
        .header("access-control-request-headers", "content-type,x-request-id");
    let actual = server.request(Method::GET, "/api/v1/agents/").header("origin", origin);
    (Answer::of(preflight).await, Answer::of(actual).await)
}

#[tokio::test]
async fn pages_of_known_origins_may_call_the_api() {
    let server = Server::start().await;
    for origin in
        ["http://localhost:3000", "http://localhost:5173", "http://127.0.0.1:3000", "http://127.0.0.1:5173"]
    {
        let (preflight, actual) = from_origin(&server, origin).await;
        for answer in [&preflight, &actual] {
            assert_eq!(answer.status, 200);
            assert_eq!(answer.header("access-control-allow-origin"), Some(origin));
            assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
        }
        assert_eq!(preflight.header("access-control-allow-methods"), Some("PUT"));
        assert_eq!(preflight.header("access-control-allow-headers"), Some("content-type,x-request-id"));
        let exposed = actual.header("access-control-expose-headers").unwrap().to_lowercase();
        for header in ["x-total-count", "link", "x-request-id"] {
            assert!(exposed.contains(header), "{header}");
        }
    }
    for stranger in ["http://localhost:3001", "https://localhost:3000", "http://evil.example", "null"] {
        let (preflight, actual) = from_origin(&server, stranger).await;
        assert_eq!(preflight.header("access-control-allow-origin"), None, "{stranger}");
        assert_eq!(actual.header("access-control-allow-origin"), None, "{stranger}");
    }
    // Problems are readable across origins too.
    let problem = server.request(Method::GET, "/nowhere").header("origin", "http://localhost:3000");
    let problem = Answer::of(problem).await.expect(404);
    assert_eq!(problem.header("access-control-allow-origin"), Some("http://localhost:3000"));

    let config = Config { cors_origins: vec!["https://fleet.example".into()], ..Config::defaults() };
    let server = Server::start_with(config, Location::Memory).await;
    let (_, ours) = from_origin(&server, "https://fleet.example").await;
    assert_eq!(ours.header("access-control-allow-origin"), Some("https://fleet.example"));
    let (_, default) = from_origin(&server, "http://localhost:3000").await;
    assert_eq!(default.header("access-control-allow-origin"), None);
}

const TAGGED: [&str; 18] = [
    "/api/v1/agents/",
    "/api/v1/agents/registry",
    "/api/v1/registry/agents",
    "/api/v1/agents/name/coder",
    "/api/v1/agents/stats/summary",
    "/api/v1/agents/stats/history",
    "/api/v1/agents/alerts",
    "/api/v1/metrics/",
    "/api/v1/metrics/aggregate",
    "/api/v1/metrics/quality",
    "/api/v1/quality/metrics",
    "/api/v1/metrics/quality/trends",
    "/api/v1/metrics/resources/usage",
    "/api/v1/resources/usage",
    "/api/v1/events/audit",
    "/api/v1/events/audit/stats",
    "/api/v1/events/",
    "/api/v1/agent-activity",
];

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let server = Server::start().await;
    server.create("coder").await;
    let asked =
        |path: &str, tag: &str| Answer::of(server.request(Method::GET, path).header("if-none-match", tag));
    for path in TAGGED {
        let tag =
            server.get(path).await.expect(200).header("etag").unwrap_or_else(|| panic!("{path}")).to_owned();
        let opaque = tag.trim_start_matches("W/");
        for known in [&*tag, opaque, "*", &format!("\"other\", {tag}")] {
            let answer = asked(path, known).await.expect(304);
            assert!(answer.bytes.is_empty(), "{path}");
            assert_eq!(answer.header("etag"), Some(&*tag));
        }
        asked(path, "\"other\"").await.expect(200);
        asked(path, &opaque[..opaque.len() - 2]).await.expect(200);
    }
    let mut tags = Vec::new();
    for path in TAGGED {
        tags.push(server.get(path).await.header("etag").unwrap().to_owned());
    }
    server.metric("coder", &json!({"cost_usd": 31, "quality_score": 1, "tokens_used": 1})).await;
    server.ingest(&json!({"agent_name": "coder"})).await;
    for (path, tag) in TAGGED.into_iter().zip(tags) {
        asked(path, &tag).await.expect(200);
    }
}

#[tokio::test]
async fn answers_compress_when_the_client_accepts_it() {
    let server = Server::start().await;
    for n in 0..20 {
        server.create(&format!("agent-{n}")).await;
        server.metric(&format!("agent-{n}"), &json!({})).await;
    }
    let gzip = reqwest::Client::builder().gzip(true).build().unwrap();
    for path in ["/api/v1/agents/", "/openapi.json", "/api/v1/metrics/export"] {
        let request = || server.request(Method::GET, path).header("accept-encoding", "gzip, deflate");
        let packed = Answer::of(request()).await.expect(200);
        assert_eq!(packed.header("content-encoding"), Some("gzip"), "{path}");
        assert!(packed.header("vary").unwrap().to_lowercase().contains("accept-encoding"));
        let plain = server.get(path).await.expect(200);
        assert_eq!(plain.header("content-encoding"), None);
        assert!(packed.bytes.len() * 2 < plain.bytes.len(), "{path}");
        let unpacked = gzip.get(server.url(path)).send().await.unwrap().text().await.unwrap();
        assert_eq!(unpacked, plain.text());
        // The tag of one is good for the other.
        assert_eq!(packed.header("etag"), plain.header("etag"));
    }
    let small = server.request(Method::GET, "/health").header("accept-encoding", "gzip");
    assert_eq!(Answer::of(small).await.header("content-encoding"), None);
}

#[tokio::test]
async fn what_is_kept_packed_is_there_for_everybody() {
    let server = Server::start().await;
    let gzip = reqwest::Client::builder().gzip(true).build().unwrap();
    for (path, content_type) in [
        ("/assets/vendor/redoc/redoc.standalone.js", "text/javascript; charset=utf-8"),
        ("/assets/vendor/swagger-ui-dist/swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
        ("/assets/vendor/swagger-ui-dist/swagger-ui.css", "text/css; charset=utf-8"),
    ] {
        let asked = |codings: &str| server.request(Method::GET, path).header("accept-encoding", codings);
        let packed = Answer::of(asked("br, gzip")).await.expect(200);
        assert_eq!(packed.header("content-encoding"), Some("gzip"), "{path}");
        assert_eq!(packed.header("content-length"), Some(&*packed.bytes.len().to_string()));
        let plain = Answer::of(asked("gzip;q=0")).await.expect(200);
        assert_eq!(plain.header("content-encoding"), None, "{path}");
        assert!(packed.bytes.len() * 2 < plain.bytes.len(), "{path}");
        for answer in [&packed, &plain] {
            assert_eq!(answer.header("content-type"), Some(content_type));
            assert_eq!(answer.headers.get_all("vary").iter().filter(|v| *v == "accept-encoding").count(), 1);
            assert!(answer.header("content-security-policy").is_some());
        }
        // Unpacked once, it is what it was: nothing packed it twice.
        let unpacked = gzip.get(server.url(path)).send().await.unwrap().bytes().await.unwrap();
        assert_eq!(unpacked, plain.bytes);
        let tag = packed.header("etag").unwrap();
        let known = Answer::of(asked("gzip").header("if-none-match", tag)).await.expect(304);
        assert_eq!((known.header("content-encoding"), known.bytes.len()), (None, 0));
    }
}

#[tokio::test]
async fn head_answers_as_get_without_the_body() {
    let server = Server::start().await;
    server.create("coder").await;
    for path in [
        "/",
        "/api/v1/agents/",
        "/api/v1/agents/name/coder",
        "/api/v1/agents/name/nobody",
        "/docs",
        "/metrics",
    ] {
        let head = Answer::of(server.request(Method::HEAD, path)).await;
        let get = server.get(path).await;
        assert_eq!(head.status, get.status, "{path}");
        assert!(head.bytes.is_empty(), "{path}");
        let fixed = |headers: &HeaderMap| {
            let mut headers = headers.clone();
            for moving in ["date", "x-request-id", "content-length"] {
                headers.remove(moving);
            }
            headers
        };
        assert_eq!(fixed(&head.headers), fixed(&get.headers), "{path}");
    }
    Answer::of(server.request(Method::HEAD, "/api/v1/events/ingest")).await.expect(405);
}
