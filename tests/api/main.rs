//! The HTTP and WebSocket contract, checked from the outside: the modules mirror the URLs.

mod harness;
mod shape;
mod stream;

mod agent_list;
mod agent_stats;
mod agents;
mod budget;
mod metrics;
mod paging;
