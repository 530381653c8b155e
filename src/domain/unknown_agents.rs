//! Agents that nobody registered and that ask to be allowed something.

use bincode::{Decode, Encode};
use serde::Serialize;
use utoipa::ToSchema;

use super::audit::NewAudit;
use super::time::Timestamp;
use crate::store::{ReadTx, StoreError, TableName, Value, WriteTx};

/// How many are told apart: whoever may ask may call themselves anything.
const MOST: u64 = 1000;

/// What is known of one. The key is the name, or the id, by which it asked.
#[derive(Debug, Clone, Default, PartialEq, Encode, Decode)]
pub struct UnknownAgent {
    first_seen: Option<Timestamp>,
    last_seen: Option<Timestamp>,
    asked: u64,
}

impl Value for UnknownAgent {
    const TABLE: TableName = "unknown_agents";
    type Key = String;
}

/// An agent that is not registered, as clients see it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UnknownAgent)]
pub struct UnknownAgentView {
    /// The name, or the id, by which it asked.
    pub agent: String,
    /// When it asked first.
    pub first_seen: Option<Timestamp>,
    /// When it asked last.
    pub last_seen: Option<Timestamp>,
    /// How often it asked.
    pub asked: u64,
}

/// Notes that an agent asked.
///
/// # Errors
/// When storage fails.
pub fn saw(tx: &mut WriteTx<'_>, told: &NewAudit, at: Timestamp) -> Result<(), StoreError> {
    let Some(name) = told.agent_name.as_ref().or(told.agent_id.as_ref()) else { return Ok(()) };
    if tx.get::<UnknownAgent>(name)?.is_none() && tx.len(UnknownAgent::TABLE)? >= MOST {
        return Ok(());
    }
    tx.update(name, |agent: &mut UnknownAgent| {
        agent.first_seen.get_or_insert(at);
        agent.last_seen = Some(at);
        agent.asked += 1;
    })
}

/// All, by name.
///
/// # Errors
/// When storage fails.
pub fn all(tx: &ReadTx) -> Result<Vec<UnknownAgentView>, StoreError> {
    let view = |(agent, UnknownAgent { first_seen, last_seen, asked })| UnknownAgentView {
        agent,
        first_seen,
        last_seen,
        asked,
    };
    tx.all::<UnknownAgent>()?.map(|entry| entry.map(view)).collect()
}
