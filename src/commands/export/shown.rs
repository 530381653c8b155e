//! What entries of an export are to people: the records as the API shows them.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::Serialize;

use crate::domain::agent_view::AgentView;
use crate::domain::agents::Agent;
use crate::domain::alerts::Alert;
use crate::domain::approvals::Approval;
use crate::domain::audit::AuditRecord;
use crate::domain::grants::Grant;
use crate::domain::metrics::Metric;
use crate::domain::time::Timestamp;
use crate::domain::tokens::Token;
use crate::store::{ReadTx, StoreError, Value};

/// Shows records as of a time.
pub struct Shown<'t> {
    tx: &'t ReadTx,
    now: Timestamp,
}

impl<'t> Shown<'t> {
    pub fn new(tx: &'t ReadTx, now: Timestamp) -> Self {
        Self { tx, now }
    }

    /// The record that a value of a table is, as JSON; `None` in tables that only this program knows.
    ///
    /// # Errors
    /// When the value is damaged, or what else is shown with it.
    pub fn record(&self, table: &str, value: &[u8]) -> Result<Option<String>, StoreError> {
        Ok(Some(match table {
            Agent::TABLE => json(&AgentView::load(&mut &*self.tx, &Agent::from_stored(value)?, self.now)?)?,
            Metric::TABLE => json(&Metric::from_stored(value)?)?,
            AuditRecord::TABLE => json(&AuditRecord::from_stored(value)?)?,
            Token::TABLE => json(&Token::from_stored(value)?.view(self.now))?,
            Approval::TABLE => json(&Approval::from_stored(value)?.view())?,
            Grant::TABLE => json(&Grant::from_stored(value)?.view())?,
            Alert::TABLE => json(&Alert::from_stored(value)?.view())?,
            _ => return Ok(None),
        }))
    }

    /// As [`record`](Self::record), where other data may be damaged: an agent whose figures cannot be read is only not
    /// shown.
    ///
    /// # Errors
    /// When the value is damaged.
    pub fn readable(&self, table: &str, value: &[u8]) -> Result<Option<String>, StoreError> {
        if table == Agent::TABLE {
            Agent::from_stored(value)?;
            // redb panics over some damages.
            let shown = catch_unwind(AssertUnwindSafe(|| self.record(table, value)));
            return Ok(shown.ok().and_then(Result::ok).flatten());
        }
        self.record(table, value)
    }
}

fn json(record: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(record).map_err(|e| StoreError::Corrupt(e.to_string()))
}
