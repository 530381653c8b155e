//! `/` and `/health`: what this is, and whether it works.

use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;
use warp::Reply as _;
use warp::http::StatusCode;
use warp::http::header::{ACCEPT, HeaderValue, LOCATION, VARY};

use super::document::OperationDoc;
use super::endpoint::{Endpoint, Output};
use super::error::Problem;
use super::reply::Ok200;
use super::request::Headers;
use crate::App;
use crate::domain::kept_logs::KeptLogs;
use crate::retention::Periods;

/// The version of this program.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The endpoints.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/", "What this is", root).describe("A browser is sent to the dashboard.").public(),
        Endpoint::get("/health", "Whether it works", health).public(),
    ]
}

/// What this is.
#[derive(Serialize, ToSchema)]
struct Service {
    status: &'static str,
    service: &'static str,
    version: &'static str,
    message: &'static str,
}

/// The service, or the way to the dashboard.
enum Root {
    Service,
    Dashboard,
}

impl Output for Root {
    fn describe(doc: &mut OperationDoc) {
        doc.json::<Service>(200, "What this is");
        doc.status(303, "For a browser: the dashboard");
    }

    fn into_response(self, target: &str) -> warp::reply::Response {
        let service = Service {
            status: "online",
            service: "Agent Reality Map Backend API",
            version: VERSION,
            message: "The API is described at /docs; the dashboard is at /dashboard/.",
        };
        let mut response = match self {
            Self::Service => Ok200(service).into_response(target),
            Self::Dashboard => {
                let mut response = StatusCode::SEE_OTHER.into_response();
                response.headers_mut().insert(LOCATION, HeaderValue::from_static("/dashboard/"));
                response
            }
        };
        response.headers_mut().insert(VARY, HeaderValue::from_static("accept"));
        response
    }
}

async fn root(_: Arc<App>, Headers(headers): Headers) -> Result<Root, Problem> {
    let accept = headers.get(ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    Ok(if accept.contains("text/html") { Root::Dashboard } else { Root::Service })
}

/// Whether it works.
#[derive(Serialize, ToSchema)]
struct Health {
    /// `healthy` or `unhealthy`.
    status: &'static str,
    /// `connected`, or `disconnected` when the last write failed.
    database: &'static str,
    api: &'static str,
    version: &'static str,
    uptime_seconds: u64,
    /// How many agents are registered.
    agents: usize,
    /// The number of the stream's last event.
    last_seq: u64,
    /// How many clients follow the stream.
    active_connections: usize,
    /// How long is kept what.
    retention: Periods,
    /// What is kept; nothing where it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    kept: Option<KeptLogs>,
    /// Why the last write failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
}

impl Output for Health {
    fn describe(doc: &mut OperationDoc) {
        doc.json::<Self>(200, "It works");
        doc.json::<Self>(503, "The last write failed");
    }

    fn into_response(self, target: &str) -> warp::reply::Response {
        let status = if self.error.is_none() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        let mut response = Ok200(self).into_response(target);
        *response.status_mut() = status;
        response
    }
}

async fn health(app: Arc<App>) -> Result<Health, Problem> {
    let error = app.storage_failure();
    let healthy = error.is_none();
    Ok(Health {
        status: if healthy { "healthy" } else { "unhealthy" },
        database: if healthy { "connected" } else { "disconnected" },
        api: "operational",
        version: VERSION,
        uptime_seconds: app.uptime().as_secs(),
        agents: app.roster().len(),
        last_seq: app.live().last_seq(),
        active_connections: app.subscribers(),
        retention: Periods::of(&app.config),
        kept: app.read(KeptLogs::read).ok(),
        error,
    })
}
