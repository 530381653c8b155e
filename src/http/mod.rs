//! HTTP: the list of resources, and the router made of it.

mod access;
mod agents;
mod approvals;
mod assets;
mod attempts;
mod audit;
mod audit_export;
mod audit_proof;
mod audit_timeline;
mod batch_report;
mod body;
mod budget;
mod budgets;
mod connection;
mod copies;
mod dates;
mod document;
mod endpoint;
mod error;
mod export;
mod export_columns;
mod fleet;
mod follower;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod guard;
mod head;
mod health;
mod hooks;
mod idempotency;
mod ingest;
mod joined;
mod json;
mod json_text;
mod kept;
mod live;
mod metric_breakdown;
mod metric_draft;
mod metric_stats;
mod metric_timeline;
mod metrics;
mod middleware;
mod paging;
mod policy;
mod prices;
mod prometheus;
mod quality;
mod refusals;
mod reply;
mod request;
mod router;
mod schema;
pub mod server;
mod session;
mod stream_filter;
mod stream_history;
mod time_range;
pub mod tls;
mod tokens;
mod turned_away;
mod webhooks;
mod websocket;
mod wire;

use endpoint::Endpoint;

/// A resource: the name under which the document shows it, and what makes its endpoints.
type Resource = (&'static str, &'static [fn() -> Vec<Endpoint>]);

/// Every resource.
const RESOURCES: &[Resource] = &[
    ("agents", &[agents::endpoints, fleet::endpoints]),
    (
        "metrics",
        &[
            metrics::endpoints,
            metric_stats::endpoints,
            metric_timeline::endpoints,
            metric_breakdown::endpoints,
        ],
    ),
    ("quality", &[quality::endpoints]),
    ("policy", &[policy::endpoints, approvals::endpoints]),
    ("budget", &[budget::endpoints, budgets::endpoints, prices::endpoints]),
    (
        "events",
        &[
            ingest::endpoints,
            audit::endpoints,
            audit_proof::endpoints,
            audit_export::endpoints,
            audit_timeline::endpoints,
            refusals::endpoints,
        ],
    ),
    ("hooks", &[hooks::endpoints]),
    ("webhooks", &[webhooks::endpoints]),
    ("live", &[live::endpoints, stream_history::endpoints]),
    ("access", &[tokens::endpoints, session::endpoints, copies::endpoints]),
    ("health", &[health::endpoints]),
    ("prometheus", &[prometheus::endpoints]),
    ("documents", &[assets::endpoints]),
];

/// Every endpoint, made one module after the other.
fn endpoints() -> impl Iterator<Item = Endpoint> {
    RESOURCES.iter().flat_map(|(_, modules)| modules.iter()).flat_map(|endpoints| endpoints())
}

/// The OpenAPI document, as JSON text.
#[must_use]
pub fn openapi_json() -> String {
    document::openapi_json(RESOURCES)
}
