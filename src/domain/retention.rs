//! How old the records of the logs are, and what is gone of them.
//!
//! A record's age goes by when the server recorded it, not by the time that a client told. Each hour a mark notes the
//! next numbers of the logs: what was recorded before a mark is always the start of a log, so that what is kept of
//! it has no holes.

use std::ops::Bound::{Included, Unbounded};

use bincode::{Decode, Encode};

use serde_json::json;

use super::admin::Act;
use super::audit_tree::AuditAnchor;
use super::command::{Outcome, Run, Stop};
use super::event_log::{StoredEvent, StreamHead};
use super::metric_sums::Scope;
use super::pruning::Prune;
use super::recording::{AuditHead, MetricHead};
use super::time::{HOUR, Timestamp};
use crate::store::{Key, ReadTx, StoreError, TableName, Value};

/// The next numbers of the logs. The key is the time at which they were noted.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Mark {
    /// Of the metrics.
    pub metrics: u64,
    /// Of the audit trail.
    pub audit: u64,
    /// Of the stream.
    pub events: u64,
}

impl Value for Mark {
    const TABLE: TableName = "retention_marks";
    type Key = Timestamp;
}

impl Mark {
    /// The newest mark up to a time, with its own time: what it was noted after is older.
    ///
    /// # Errors
    /// When storage fails.
    pub fn newest(tx: &ReadTx, until: Timestamp) -> Result<Option<(Timestamp, Self)>, StoreError> {
        tx.range::<Self>(Unbounded, Included(&until.to_bytes()))?.next_back().transpose()
    }
}

/// What is gone of the metrics and of what the agents did of late.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Gone {
    /// The metrics below this number.
    pub metrics: u64,
    /// The latest time of a metric that is gone. Of the minutes up to it the sums tell more than the records.
    pub newest_metric: Option<Timestamp>,
    /// The agents' activity before this time.
    pub activity: Option<Timestamp>,
}

impl Value for Gone {
    const TABLE: TableName = "retention_gone";
    type Key = ();
}

/// How many metrics of a scope are gone.
#[derive(Clone, Debug, Default, Encode, Decode)]
pub struct GoneMetrics(pub u64);

impl Value for GoneMetrics {
    const TABLE: TableName = "metrics_gone";
    type Key = Scope;
}

/// The runs of retention. What they removed is counted as it goes, so that also a run that is cut off is told of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Runs {
    /// When the last one was done.
    pub last: Option<Timestamp>,
    /// How many audit records are gone that no record tells of.
    pub audit: u64,
    /// How many metrics.
    pub metrics: u64,
    /// How many of the stream's events.
    pub events: u64,
}

impl Value for Runs {
    const TABLE: TableName = "retention_runs";
    type Key = ();
}

impl Run<'_, '_> {
    pub(super) fn count_forgotten(&mut self, what: &Prune, removed: u64) -> Result<(), StoreError> {
        if removed == 0 {
            return Ok(());
        }
        self.tx.update(&(), |runs: &mut Runs| match what {
            Prune::Audit { .. } => runs.audit += removed,
            Prune::Metrics { .. } => runs.metrics += removed,
            Prune::Events(_) => runs.events += removed,
            // These bound what is derived, however old it is.
            Prune::EventsBut(_) | Prune::Activity(_) => {}
        })
    }

    pub(super) fn note_retention(&mut self, done: bool) -> Result<Outcome, Stop> {
        let Runs { last, audit, metrics, events } = self.tx.get::<Runs>(&())?.unwrap_or_default();
        let last = if done { Some(self.at) } else { last };
        self.tx.set(&(), &Runs { last, ..Runs::default() })?;
        if audit + metrics + events > 0 {
            let next_event = self.tx.get::<StreamHead>(&())?.unwrap_or_default().0 + 1;
            let first_event = self.tx.first_key::<StoredEvent>()?.unwrap_or(next_event);
            let first_audit = self.tx.get::<AuditAnchor>(&())?.unwrap_or_default().first;
            let first_metric = self.tx.get::<Gone>(&())?.unwrap_or_default().metrics;
            let context = json!({
                "audit": {"removed": audit, "first_kept": first_audit},
                "metrics": {"removed": metrics, "first_kept": first_metric},
                "events": {"removed": events, "first_kept": first_event},
            });
            // The stream is not told: each run would leave the event that a later one removes and tells of, for ever.
            self.record_act(Act::new("retention_ran").with(&context))?;
        }
        Ok(Outcome::Done)
    }

    /// Notes the next numbers of the logs: once an hour, and not while the clock is behind the last note, when nothing
    /// would tell how old the records are. They count as old as the next note, then.
    pub(super) fn note_numbers(&mut self) -> Result<Outcome, Stop> {
        let newest = self.tx.last_to::<Mark>(&Timestamp::MAX)?;
        let mark = Mark {
            metrics: self.tx.get::<MetricHead>(&())?.unwrap_or_default().0,
            audit: self.tx.get::<AuditHead>(&())?.unwrap_or_default().next,
            events: self.tx.get::<StreamHead>(&())?.unwrap_or_default().0 + 1,
        };
        if newest.is_none_or(|(at, newest)| at.plus(HOUR) <= self.at && newest != mark) {
            self.tx.set(&self.at, &mark)?;
        }
        Ok(Outcome::Done)
    }
}
