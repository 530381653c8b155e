//! agentmap
pub mod domain;
pub mod store;
