//! HTTP: the list of resources, and the router made of it.

mod agents;
mod assets;
mod budget;
mod document;
mod endpoint;
mod error;
mod events;
mod export;
mod health;
mod live;
mod metrics;
mod paging;
mod prometheus;
mod quality;
mod reply;
mod request;
mod router;
mod schema;
pub mod server;

use endpoint::Endpoint;

/// Every resource, with the name under which the document shows it, and its endpoints.
fn resources() -> Vec<(&'static str, Vec<Endpoint>)> {
    vec![
        ("agents", agents::endpoints()),
        ("metrics", metrics::endpoints()),
        ("quality", quality::endpoints()),
        ("budget", budget::endpoints()),
        ("events", events::endpoints()),
        ("live", live::endpoints()),
        ("health", health::endpoints()),
        ("prometheus", prometheus::endpoints()),
        ("documents", assets::endpoints()),
    ]
}

/// The OpenAPI document, as JSON text.
#[must_use]
pub fn openapi_json() -> String {
    document::openapi_json(&resources())
}
