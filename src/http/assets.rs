//! The dashboard, the pages of the API documents and `/openapi.json`, all from the binary.

use std::borrow::Cow;
use std::path::{Component, Path as FilePath};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use rust_embed::RustEmbed;
use serde::Deserialize;
use utoipa::ToSchema;
use warp::http::StatusCode;
use warp::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS,
};

use super::endpoint::Endpoint;
use super::error::Problem;
use super::reply::Document;
use super::request::Path;
use crate::App;

#[derive(RustEmbed)]
#[folder = "assets/"]
#[exclude = "identities/*"]
#[exclude = "*.sh"]
#[exclude = "*.png"]
struct Embedded;

/// The endpoints.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/openapi.json", "The OpenAPI document", openapi).etag(),
        Endpoint::get("/docs", "Swagger UI", swagger).etag(),
        Endpoint::get("/redoc", "ReDoc", redoc).etag(),
        Endpoint::get("/dashboard/", "The dashboard", dashboard).etag(),
        Endpoint::get("/dashboard/{file}", "A file of the dashboard", dashboard_file)
            .problem(404, "There is no such file")
            .etag(),
        Endpoint::get("/assets/{*file}", "A file of the pages", asset)
            .problem(404, "There is no such file")
            .etag(),
    ]
}

/// Names a file.
#[derive(Deserialize, ToSchema)]
struct FileName {
    /// The file.
    file: String,
}

/// What a page may load: its own server's files alone. The documents' pages bring styles and a worker of their own.
const STRICT: &str = "default-src 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'";
const DOCUMENTS: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                         worker-src 'self' blob:; connect-src 'self'; base-uri 'none'; object-src 'none'; \
                         frame-ancestors 'none'";

fn file(app: &App, name: &str, policy: &'static str) -> Result<Document, Problem> {
    let missing =
        || Problem::new(StatusCode::NOT_FOUND, format!("There is no file '{}'.", name.escape_debug()));
    // Client text never leads out of a folder; builds for development read the built-in files from one, too.
    if !FilePath::new(name).components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(missing());
    }
    let body = match &app.config.assets {
        Some(folder) => Bytes::from(std::fs::read(folder.join(name)).map_err(|_| missing())?),
        None => match Embedded::get(name).ok_or_else(missing)?.data {
            Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            Cow::Owned(bytes) => bytes.into(),
        },
    };
    let headers = vec![
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy)),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (HeaderName::from_static("referrer-policy"), HeaderValue::from_static("no-referrer")),
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    Ok(Document { content_type: content_type(name), body, headers })
}

fn content_type(name: &str) -> &'static str {
    match FilePath::new(name).extension().and_then(|e| e.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        _ => "text/plain; charset=utf-8",
    }
}

async fn openapi(_: Arc<App>) -> Result<Document, Problem> {
    static DOCUMENT: OnceLock<String> = OnceLock::new();
    let text = DOCUMENT.get_or_init(super::openapi_json);
    Ok(Document {
        content_type: "application/json",
        body: Bytes::from_static(text.as_bytes()),
        headers: Vec::new(),
    })
}

async fn swagger(app: Arc<App>) -> Result<Document, Problem> {
    file(&app, "docs/swagger.html", DOCUMENTS)
}

async fn redoc(app: Arc<App>) -> Result<Document, Problem> {
    file(&app, "docs/redoc.html", DOCUMENTS)
}

async fn dashboard(app: Arc<App>) -> Result<Document, Problem> {
    file(&app, "dashboard/index.html", STRICT)
}

async fn dashboard_file(app: Arc<App>, Path(path): Path<FileName>) -> Result<Document, Problem> {
    file(&app, &format!("dashboard/{}", path.file), STRICT)
}

async fn asset(app: Arc<App>, Path(path): Path<FileName>) -> Result<Document, Problem> {
    file(&app, &path.file, STRICT)
}
