//! What is kept of the logs, for those who ask how far back they may look.

use serde::Serialize;
use utoipa::ToSchema;

use super::audit::AuditRecord;
use super::audit_tree::AuditAnchor;
use super::metrics::Metric;
use super::retention::{Gone, Runs};
use super::time::Timestamp;
use crate::store::{ReadTx, StoreError};

/// What is kept of the logs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct KeptLogs {
    /// The number of the first audit record that is kept.
    pub first_audit_seq: u64,
    /// When that was, as it was told; nothing where there is none.
    pub oldest_audit_at: Option<Timestamp>,
    /// When the first metric that is kept was, as it was told; nothing where there is none.
    pub oldest_metric_at: Option<Timestamp>,
    /// When retention last removed all that was old enough.
    pub last_retention_at: Option<Timestamp>,
}

impl KeptLogs {
    /// Reads what is kept. The logs are in the order in which the server recorded them, so that the first is the oldest.
    ///
    /// # Errors
    /// When storage fails.
    pub fn read(tx: &ReadTx) -> Result<Self, StoreError> {
        let first_audit_seq = tx.get::<AuditAnchor>(&())?.unwrap_or_default().first;
        let first_metric = tx.get::<Gone>(&())?.unwrap_or_default().metrics;
        Ok(Self {
            first_audit_seq,
            oldest_audit_at: tx.get::<AuditRecord>(&first_audit_seq)?.map(|record| record.told.timestamp),
            oldest_metric_at: tx.get::<Metric>(&first_metric)?.map(|metric| metric.recorded_at),
            last_retention_at: tx.get::<Runs>(&())?.unwrap_or_default().last,
        })
    }
}
