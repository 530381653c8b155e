//! The HTTP and WebSocket contract, checked from the outside: the modules mirror the URLs.

mod harness;
mod shape;
mod stream;

mod agent_activity;
mod agent_list;
mod agent_stats;
mod agent_status;
mod agents;
mod aggregates;
mod audit;
mod budget;
mod documents;
mod errors;
mod events;
mod export;
mod health;
mod live;
mod live_flow;
mod metrics;
mod origins;
mod paging;
mod pipelines;
mod quality;
mod seed_sync;
