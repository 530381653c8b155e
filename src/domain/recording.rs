//! What commands do to the logs: metrics and the audit trail.

use std::sync::Arc;

use bincode::{Decode, Encode};
use uuid::Uuid;

use super::activity;
use super::audit::{AuditRecord, Hash, NewAudit};
use super::audit_tree;
use super::budgets;
use super::command::{Run, Stop};
use super::events::Event;
use super::metric_sums::{self, MetricSums};
use super::metrics::{Metric, NewMetric};
use super::refusal::{FieldError, Refusal};
use super::rollup;
use super::tally::{self, Tally};
use super::time::MINUTE;
use super::usage::{self, Movement, Presence};
use crate::store::{StoreError, TableName, Value, WriteTx};

/// The next numbers of the logs.
#[derive(Clone, Debug, Default, Encode, Decode)]
pub struct MetricHead(pub u64);

impl Value for MetricHead {
    const TABLE: TableName = "metric_head";
    type Key = ();
}

/// The next number of the audit trail and the hash of its last record.
#[derive(Clone, Debug, Default, Encode, Decode)]
pub struct AuditHead {
    /// The next number.
    pub next: u64,
    /// The last record's hash; zeros before the first.
    pub hash: Hash,
}

impl Value for AuditHead {
    const TABLE: TableName = "audit_head";
    type Key = ();
}

/// How far ahead of the server a client's clock may run.
const AHEAD: i64 = 5 * MINUTE;

impl Run<'_, '_> {
    pub(super) fn record(&mut self, new: NewMetric) -> Result<Arc<Metric>, Stop> {
        if new.recorded_at > self.at.plus(AHEAD) {
            let error = FieldError::body(
                "recorded_at",
                "value",
                "is more than 5 minutes ahead of the server's clock",
            );
            return Err(Refusal::Invalid(vec![error]).into());
        }
        let Some(agent) = self.resolve(&new.agent)? else {
            return Err(Refusal::NotFound { what: "agent", id: new.agent }.into());
        };
        rollup::turn::<MetricSums>(self.tx, self.at)?;
        let seq = self.tx.update(&(), |head: &mut MetricHead| {
            head.0 += 1;
            head.0 - 1
        })?;
        let metric = Arc::new(Metric {
            seq,
            nonce: new.nonce,
            agent_id: agent.agent_id,
            metric_type: new.metric_type,
            measures: new.measures,
            context: new.context,
            session_id: new.session_id,
            recorded_at: new.recorded_at,
        });
        self.tx.put(&*metric)?;
        budgets::charge(self.tx, &agent, &metric)?;
        self.settle(&agent, &metric, new.decision)?;
        let moved = derive_from_metric(self.tx, &metric)?;
        if let Some(model) = &new.unpriced {
            self.note_unpriced(&agent, model, &metric)?;
        }
        Presence::seen(self.tx, agent.agent_id, metric.recorded_at, self.at, metric.session_id.as_deref())?;
        self.tell_of_metric(&agent, &metric, &moved)?;
        Ok(metric)
    }

    pub(super) fn append(&mut self, told: NewAudit) -> Result<Arc<AuditRecord>, Stop> {
        let mut subject = None;
        for id_or_name in [&told.agent_id, &told.agent_name].into_iter().flatten() {
            if subject.is_none() {
                subject = self.resolve_id(id_or_name)?;
            }
        }
        let record = self.append_of(told, subject)?;
        if let Some(id) = subject {
            let session = record.told.session_id.as_deref();
            Presence::seen(self.tx, id, record.told.timestamp, self.at, session)?;
        }
        self.tell(Event::of_operation(Arc::clone(&record)))?;
        Ok(record)
    }

    /// Appends what is told of a registered agent, or of none.
    pub(super) fn append_of(
        &mut self,
        told: NewAudit,
        subject: Option<Uuid>,
    ) -> Result<Arc<AuditRecord>, StoreError> {
        rollup::turn::<Tally>(self.tx, self.at)?;
        let head = self.tx.get::<AuditHead>(&())?.unwrap_or_default();
        let record = Arc::new(AuditRecord::new(told, head.next, subject, head.hash));
        self.tx.put(&*record)?;
        derive_from_audit(self.tx, &record)?;
        Ok(record)
    }
}

/// Makes the posting lists of the logs and puts sums in the order of time: the step of a data file that has tables of
/// entries in place of the lists, and the sums of each scope together.
///
/// # Errors
/// When storage fails.
pub fn post(tx: &mut WriteTx<'_>) -> Result<(), StoreError> {
    tx.rekey(MetricSums::TABLE, rollup::rekeyed)?;
    tx.rekey(Tally::TABLE, rollup::rekeyed)?;
    tx.rebuild_postings::<Metric>()?;
    tx.rebuild_postings::<AuditRecord>()
}

/// Writes everything that follows from a stored metric, and tells what usage it moved.
///
/// # Errors
/// When storage fails.
pub fn derive_from_metric(tx: &mut WriteTx<'_>, metric: &Metric) -> Result<Movement, StoreError> {
    metric_sums::roll_up(tx, metric)?;
    activity::count_metric(tx, metric)?;
    usage::charge(tx, metric)
}

/// Writes everything that follows from a stored audit record.
///
/// # Errors
/// When storage fails.
pub fn derive_from_audit(tx: &mut WriteTx<'_>, record: &AuditRecord) -> Result<(), StoreError> {
    tally::count(tx, record)?;
    activity::count_operation(tx, record)?;
    audit_tree::grow(tx, record)?;
    let (next, hash) = (record.seq + 1, record.hash);
    tx.update(&(), |head: &mut AuditHead| *head = AuditHead { next, hash })
}
