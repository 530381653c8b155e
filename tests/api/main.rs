//! The HTTP and WebSocket contract, checked from the outside: the modules mirror the URLs.

mod harness;
#[path = "../support/receiver.rs"]
#[allow(dead_code, reason = "each of those who share it needs a part of it")]
mod receiver;
mod shape;
mod stream;
#[path = "../crash/trail.rs"]
mod trail;
#[path = "../verifier/mod.rs"]
mod verifier;

mod access;
mod acts;
mod agent_activity;
mod agent_brief;
mod agent_list;
mod agent_stats;
mod agent_status;
mod agents;
mod aggregates;
mod approvals;
mod audit;
mod audit_export;
mod audit_proof;
mod audit_timeline;
mod authorization;
mod budget;
mod budgets;
mod documents;
mod errors;
mod events;
mod export;
mod fleet_activity;
mod grants;
mod health;
mod hooks;
mod idempotency;
mod limits;
mod live;
mod live_flow;
mod metric_breakdown;
mod metric_timeline;
mod metrics;
mod origins;
mod paging;
mod pipelines;
mod policy;
mod prices;
mod quality;
mod refusals;
mod retention;
mod seed_sync;
mod stream_history;
mod tls;
mod webhooks;
