//! HTTP: the list of resources, and the router made of it.

mod agents;
mod assets;
mod audit;
mod budget;
mod dates;
mod document;
mod endpoint;
mod error;
mod export;
mod follower;
mod health;
mod ingest;
mod live;
mod metric_stats;
mod metrics;
mod paging;
mod prometheus;
mod quality;
mod reply;
mod request;
mod router;
mod schema;
pub mod server;
mod stream_filter;

use endpoint::Endpoint;

/// Every resource, with the name under which the document shows it, and its endpoints.
fn resources() -> Vec<(&'static str, Vec<Endpoint>)> {
    vec![
        ("agents", agents::endpoints()),
        ("metrics", [metrics::endpoints(), metric_stats::endpoints()].concat()),
        ("quality", quality::endpoints()),
        ("budget", budget::endpoints()),
        ("events", [ingest::endpoints(), audit::endpoints()].concat()),
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
