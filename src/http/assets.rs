//! The dashboard, the pages of the API documents and `/openapi.json`, all from the binary.

use std::borrow::Cow;
use std::io::Read;
use std::path::{Component, Path as FilePath};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use flate2::read::GzDecoder;
use rust_embed::RustEmbed;
use serde::Deserialize;
use tokio::task::spawn_blocking;
use utoipa::ToSchema;
use warp::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use warp::http::{HeaderMap, StatusCode};

use super::endpoint::Endpoint;
use super::error::Problem;
use super::reply::Document;
use super::request::{Headers, Path};
use crate::App;

/// The files below `assets`, packed by `assets/pack.rs`.
#[derive(RustEmbed)]
#[folder = "$OUT_DIR/pages/"]
struct Embedded;

/// The endpoints.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/openapi.json", "The OpenAPI document", openapi).etag(),
        Endpoint::get("/docs", "Swagger UI", swagger).etag(),
        Endpoint::get("/redoc", "ReDoc", redoc).etag(),
        Endpoint::get("/dashboard/", "The dashboard", dashboard).etag().public(),
        Endpoint::get("/login", "The page on which a person logs in", login).etag().public(),
        Endpoint::get("/dashboard/{*file}", "A page or file of the dashboard", dashboard_file)
            .describe("A path without an extension is a page: it gets the one document that shows them all.")
            .problem(404, "There is no such file")
            .etag()
            .public(),
        Endpoint::get("/assets/{*file}", "A file of the pages", asset)
            .problem(404, "There is no such file")
            .etag()
            .public(),
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

/// A file as it is kept; `None` where there is none.
async fn read(app: &App, name: String) -> Result<Option<Bytes>, Problem> {
    let Some(folder) = &app.config.assets else {
        return Ok(Embedded::get(&name).map(|file| match file.data {
            Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            Cow::Owned(bytes) => bytes.into(),
        }));
    };
    let path = folder.join(name);
    let read = spawn_blocking(move || std::fs::read(path)).await.map_err(|_| Problem::internal())?;
    Ok(read.ok().map(Bytes::from))
}

/// A file, packed for whoever takes it so where it is kept packed, as its name with `.gz`.
async fn file(app: &App, name: &str, policy: &'static str, asked: &HeaderMap) -> Result<Document, Problem> {
    let missing =
        || Problem::new(StatusCode::NOT_FOUND, format!("There is no file '{}'.", name.escape_debug()));
    // Client text never leads out of a folder; builds for development read the built-in files from one, too.
    if !FilePath::new(name).components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(missing());
    }
    let mut packed = false;
    let body = match read(app, name.to_owned()).await? {
        Some(body) => body,
        None => {
            packed = true;
            read(app, format!("{name}.gz")).await?.ok_or_else(missing)?
        }
    };
    let headers = vec![
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy)),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (HeaderName::from_static("referrer-policy"), HeaderValue::from_static("no-referrer")),
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    let document = Document { content_type: content_type(name), body, headers };
    if packed { unpacked_for(asked, document).await } else { Ok(document) }
}

/// A packed document, as whoever asked for it takes it.
async fn unpacked_for(asked: &HeaderMap, mut document: Document) -> Result<Document, Problem> {
    document.headers.push((VARY, HeaderValue::from_static("accept-encoding")));
    if takes_gzip(asked) {
        // The layer that compresses leaves alone what says this.
        document.headers.push((CONTENT_ENCODING, HeaderValue::from_static("gzip")));
        return Ok(document);
    }
    let inflated = spawn_blocking(move || {
        let mut plain = Vec::new();
        GzDecoder::new(&*document.body).read_to_end(&mut plain)?;
        Ok::<_, std::io::Error>(Document { body: plain.into(), ..document })
    });
    inflated.await.map_err(|_| Problem::internal())?.map_err(|_| Problem::internal())
}

fn content_type(name: &str) -> &'static str {
    match FilePath::new(name).extension().and_then(|e| e.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("gz") => "application/gzip",
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

async fn swagger(app: Arc<App>, Headers(asked): Headers) -> Result<Document, Problem> {
    file(&app, "docs/swagger.html", DOCUMENTS, &asked).await
}

async fn login(app: Arc<App>, Headers(asked): Headers) -> Result<Document, Problem> {
    file(&app, "login/login.html", STRICT, &asked).await
}

async fn redoc(app: Arc<App>, Headers(asked): Headers) -> Result<Document, Problem> {
    file(&app, "docs/redoc.html", DOCUMENTS, &asked).await
}

/// The dashboard's document, naming the modules that pages share: a browser that learns of them one from the other
/// would ask in turns.
async fn dashboard(app: Arc<App>) -> Result<Document, Problem> {
    static BUILT_IN: OnceLock<String> = OnceLock::new();
    let mut document = file(&app, "dashboard/index.html", STRICT, &HeaderMap::new()).await?;
    let preloads = match app.config.assets.clone() {
        None => Cow::Borrowed(BUILT_IN.get_or_init(|| preloads(kept())).as_str()),
        Some(folder) => {
            let listed = spawn_blocking(move || preloads(files(&folder))).await;
            listed.map_err(|_| Problem::internal())?.into()
        }
    };
    document.body = String::from_utf8_lossy(&document.body).replace(MODULES, &preloads).into();
    Ok(document)
}

/// The names of the built-in files.
fn kept() -> impl Iterator<Item = String> {
    Embedded::iter().map(|name| name.trim_end_matches(".gz").to_owned())
}

/// Where the document names the modules.
const MODULES: &str = "<!-- modules -->";

/// The names of the files in a folder and below.
fn files(folder: &FilePath) -> impl Iterator<Item = String> {
    walkdir::WalkDir::new(folder).into_iter().filter_map(move |entry| {
        Some(entry.ok()?.path().strip_prefix(folder).ok()?.to_str()?.replace('\\', "/"))
    })
}

/// Names those of the files that are modules of the dashboard, but for the pages': each is loaded when it is opened.
fn preloads(files: impl Iterator<Item = String>) -> String {
    // The theme's script runs before the first paint, and is no module.
    let is_shared = |name: &String| {
        let is_script = FilePath::new(name).extension().is_some_and(|extension| extension == "js");
        let is_page = name.starts_with("dashboard/pages/");
        is_script && name.starts_with("dashboard/") && !is_page && name != "dashboard/theme.js"
    };
    let mut names: Vec<_> = files.filter(is_shared).collect();
    names.sort_unstable();
    let links = names.iter().map(|name| format!("<link rel=\"modulepreload\" href=\"/{name}\">"));
    links.collect::<Vec<_>>().join("\n  ")
}

async fn dashboard_file(
    app: Arc<App>,
    Path(path): Path<FileName>,
    Headers(asked): Headers,
) -> Result<Document, Problem> {
    // The pages' addresses are the browser's business: `/dashboard/agents/{name}` can be opened and bookmarked.
    if FilePath::new(&path.file).extension().is_none() {
        return dashboard(app).await;
    }
    file(&app, &format!("dashboard/{}", path.file), STRICT, &asked).await
}

async fn asset(
    app: Arc<App>,
    Path(path): Path<FileName>,
    Headers(asked): Headers,
) -> Result<Document, Problem> {
    file(&app, &path.file, STRICT, &asked).await
}

/// Whether a client says that it takes gzip (RFC 9110, section 12.5.3). One that says nothing would be allowed any
/// coding, but often knows none.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let all = headers.get_all(ACCEPT_ENCODING);
    let codings = all.iter().filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(','));
    let mut any = false;
    for coding in codings {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = weight.trim().trim_start_matches(['q', 'Q', '=', ' ']);
        let is_wanted = weight.is_empty() || weight.parse::<f32>().is_ok_and(|weight| weight > 0.0);
        match name.trim() {
            name if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") => {
                return is_wanted;
            }
            "*" => any = is_wanted,
            _ => {}
        }
    }
    any
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_for_those_who_say_that_they_take_it() {
        for (accepted, takes) in [
            ("gzip", true),
            ("br, GZIP;q=0.5", true),
            ("x-gzip", true),
            ("*", true),
            ("*;q=0, gzip", true),
            ("", false),
            ("br, deflate", false),
            ("gzip;q=0, *", false),
            ("gzip; q=0.000", false),
            ("gzipped", false),
            ("gzip;q=much", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(accepted));
            assert_eq!(takes_gzip(&headers), takes, "{accepted}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
