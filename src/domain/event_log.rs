//! The log of the stream's events, behind `?since=`.

use std::ops::Bound::{Excluded, Unbounded};
use std::sync::Arc;

use bincode::{Decode, Encode};

use super::audit::AuditRecord;
use super::events::{Data, Details, Event, EventKind};
use super::metrics::Metric;
use super::text::JsonText;
use super::time::Timestamp;
use crate::store::{Key, ReadTx, StoreError, TableName, Value, WriteTx};

/// An event as its table keeps it: the records behind it are kept in tables of their own.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum StoredEvent {
    /// An operation: all of it follows from the audit record of this number.
    Operation(u64),
    /// Anything else.
    Other(Box<StoredOther>),
    /// What a metric tells of: the rest of it follows from that.
    Measured(Box<StoredMeasured>),
}

impl StoredEvent {
    /// When it happened, where it is no operation.
    #[must_use]
    pub fn time_of_other(&self) -> Option<Timestamp> {
        match self {
            Self::Operation(_) => None,
            Self::Other(other) => Some(other.timestamp),
            Self::Measured(measured) => Some(measured.timestamp),
        }
    }
}

/// See [`Event`].
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct StoredMeasured {
    /// The number of the metric.
    metric: u64,
    kind: EventKind,
    timestamp: Timestamp,
    agent_name: String,
    agent_role: String,
    /// What comes after the agent's name.
    message: String,
    budget_remaining: Option<f64>,
}

/// See [`Event`].
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[expect(missing_docs)]
pub struct StoredOther {
    pub nonce: u64,
    pub kind: EventKind,
    pub timestamp: Timestamp,
    pub agent_name: String,
    pub agent_role: String,
    pub message: String,
    pub details: Details,
    pub data: StoredData,
}

/// Where the record behind an event is.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum StoredData {
    /// The metric of this number: before schema 6, see [`StoredMeasured`].
    Metric(u64),
    /// Here.
    Json(JsonText),
}

impl Value for StoredEvent {
    const TABLE: TableName = "stream";
    type Key = u64;
}

/// The number of the last event.
#[derive(Clone, Debug, Default, Encode, Decode)]
pub struct StreamHead(pub u64);

impl Value for StreamHead {
    const TABLE: TableName = "stream_head";
    type Key = ();
}

impl Event {
    /// Gives the event its number and writes it to the log.
    ///
    /// # Errors
    /// When storage fails.
    pub fn append(mut self, tx: &mut WriteTx<'_>) -> Result<Self, StoreError> {
        self.seq = tx.update(&(), |head: &mut StreamHead| {
            head.0 += 1;
            head.0
        })?;
        let data = match &self.data {
            Data::Audit(record) => {
                tx.set(&self.seq, &StoredEvent::Operation(record.seq))?;
                return Ok(self);
            }
            Data::Metric(metric) => {
                let message = self.message.strip_prefix(self.agent_name.as_str());
                let measured = StoredMeasured {
                    metric: metric.seq,
                    kind: self.kind,
                    timestamp: self.timestamp,
                    agent_name: self.agent_name.clone(),
                    agent_role: self.agent_role.clone(),
                    message: message.unwrap_or_default().to_owned(),
                    budget_remaining: self.details.budget_remaining,
                };
                tx.set(&self.seq, &StoredEvent::Measured(Box::new(measured)))?;
                return Ok(self);
            }
            Data::Json(json) => StoredData::Json(json.clone()),
        };
        let stored = StoredOther {
            nonce: self.nonce,
            kind: self.kind,
            timestamp: self.timestamp,
            agent_name: self.agent_name.clone(),
            agent_role: self.agent_role.clone(),
            message: self.message.clone(),
            details: self.details.clone(),
            data,
        };
        tx.set(&self.seq, &StoredEvent::Other(Box::new(stored)))?;
        Ok(self)
    }

    /// The events after `since`, oldest first, `limit` at most.
    ///
    /// # Errors
    /// When storage fails.
    pub fn after(tx: &ReadTx, since: u64, limit: usize) -> Result<Vec<Self>, StoreError> {
        let mut before = since;
        tx.range::<StoredEvent>(Excluded(&since.to_bytes()), Unbounded)?
            .take(limit)
            .map(|entry| {
                let (seq, stored) = entry?;
                before = follows(before, seq)?;
                Self::restore(tx, seq, stored)
            })
            .collect()
    }

    pub(super) fn restore(tx: &ReadTx, seq: u64, stored: StoredEvent) -> Result<Self, StoreError> {
        let missing = || StoreError::Corrupt(format!("the record behind event {seq} is missing"));
        let other = match stored {
            StoredEvent::Operation(audit) => {
                let record = tx.get::<AuditRecord>(&audit)?.ok_or_else(missing)?;
                return Ok(Self { seq, ..Self::of_operation(Arc::new(record)) });
            }
            StoredEvent::Measured(measured) => {
                let metric = tx.get::<Metric>(&measured.metric)?.ok_or_else(missing)?;
                let event = Self::of_metric(
                    Arc::new(metric),
                    measured.kind,
                    measured.agent_name,
                    measured.agent_role,
                    &measured.message,
                );
                let details =
                    Details { budget_remaining: measured.budget_remaining, ..event.details.clone() };
                return Ok(Self { seq, details, ..event });
            }
            StoredEvent::Other(other) => *other,
        };
        let data = match other.data {
            StoredData::Metric(metric) => Data::Metric(Arc::new(tx.get(&metric)?.ok_or_else(missing)?)),
            StoredData::Json(json) => Data::Json(json),
        };
        Ok(Self {
            seq,
            nonce: other.nonce,
            kind: other.kind,
            timestamp: other.timestamp,
            agent_name: other.agent_name,
            agent_role: other.agent_role,
            message: other.message,
            details: other.details,
            data,
        })
    }
}

/// The number of an event, where it follows on the one before it. In a file whose pages were damaged it may not, and
/// who goes on from it would go round and round.
fn follows(before: u64, seq: u64) -> Result<u64, StoreError> {
    if seq > before {
        return Ok(seq);
    }
    Err(StoreError::Corrupt(format!("stream: event {seq} lies behind event {before}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_that_lies_behind_a_later_one_is_told() {
        // `agentmap check` took a page of events that lay in another's place for more and more events, and never ended.
        assert_eq!(follows(7, 8).unwrap(), 8);
        assert!(follows(7, 9).is_ok());
        for seq in [7, 6, 0] {
            assert!(matches!(follows(7, seq), Err(StoreError::Corrupt(_))));
        }
    }
}
