//! Forgetting what is old enough, in steps that are short enough to keep nobody waiting.

use serde::{Deserialize, Serialize};

use super::activity::{self, Activity};
use super::audit::AuditRecord;
use super::audit_tree::{AuditAnchor, TILE};
use super::command::{Outcome, Run, Stop};
use super::event_log::{StoredEvent, StreamHead};
use super::metric_sums::Scope;
use super::metrics::Metric;
use super::retention::{Gone, GoneMetrics, Mark};
use super::tally;
use super::time::Timestamp;
use crate::store::StoreError;

/// What is to be forgotten; one command does a step of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Prune {
    /// The stream's events but for so many of the newest.
    EventsBut(u64),
    /// The stream's events that are known to be older than this.
    Events(Timestamp),
    /// The metrics that are known to be older than `before`, up to a number; their sums stay.
    Metrics {
        /// The time.
        before: Timestamp,
        /// The number of the first that is kept in any case.
        below: u64,
    },
    /// The audit records that are known to be older than `before`, up to a number, in whole tiles of the tree
    /// once the last step is done.
    Audit {
        /// The time.
        before: Timestamp,
        /// The number of the first that is kept in any case.
        below: u64,
        /// A signed checkpoint that covers them.
        checkpoint: String,
    },
    /// What the agents did before a time, step by step.
    Activity(Timestamp),
}

/// What a step did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// How many records or rows it removed, of the kind that was asked for.
    pub removed: u64,
    /// Whether there is more to be removed.
    pub more: bool,
}

/// How much one step removes at most, so that writers that wait behind it do so for a few milliseconds.
const EVENTS: u64 = 500;
/// See [`EVENTS`].
const AUDIT: u64 = 64;
/// See [`EVENTS`].
const METRICS: u64 = 100;
/// See [`EVENTS`].
const ACTIVITY: u64 = 500;
/// See [`EVENTS`].
const MARKS: usize = 100;

impl Run<'_, '_> {
    pub(super) fn prune(&mut self, what: &Prune) -> Result<Outcome, Stop> {
        let pruned = match what {
            Prune::EventsBut(keep) => {
                let head = self.tx.get::<StreamHead>(&())?.unwrap_or_default().0;
                self.forget_events((head + 1).saturating_sub(*keep))?
            }
            Prune::Events(before) => match self.tx.last_to::<Mark>(before)? {
                Some((_, mark)) => self.forget_events(mark.events)?,
                None => Pruned::default(),
            },
            Prune::Metrics { before, below } => match self.tx.last_to::<Mark>(before)? {
                Some((_, mark)) => self.forget_metrics(&mark, *below)?,
                None => Pruned::default(),
            },
            Prune::Audit { before, below, checkpoint } => match self.tx.last_to::<Mark>(before)? {
                Some((_, mark)) => self.forget_audit(&mark, *below, checkpoint)?,
                None => Pruned::default(),
            },
            Prune::Activity(before) => self.forget_activity(*before)?,
        };
        if !pruned.more {
            self.drop_marks()?;
        }
        self.count_forgotten(what, pruned.removed)?;
        Ok(Outcome::Pruned(pruned))
    }

    fn forget_events(&mut self, before: u64) -> Result<Pruned, StoreError> {
        let removed = self.tx.remove_before::<StoredEvent>(&before, EVENTS)?;
        Ok(Pruned { removed, more: removed == EVENTS })
    }

    fn forget_metrics(&mut self, mark: &Mark, below: u64) -> Result<Pruned, StoreError> {
        let mut gone = self.tx.get::<Gone>(&())?.unwrap_or_default();
        let below = below.min(mark.metrics);
        let (first, end) = (gone.metrics, below.min(gone.metrics + METRICS));
        if first >= end {
            return Ok(Pruned::default());
        }
        // The stream's events go before the records that they tell of.
        if self.forget_events(mark.events)?.more {
            return Ok(Pruned { removed: 0, more: true });
        }
        for metric in self.tx.remove_all::<Metric>(first..end)? {
            for scope in Scope::all_of(&metric) {
                self.tx.update(&scope, |gone: &mut GoneMetrics| gone.0 += 1)?;
            }
            activity::uncount_metric(self.tx, &metric, gone.activity)?;
            gone.newest_metric = gone.newest_metric.max(Some(metric.recorded_at));
        }
        gone.metrics = end;
        self.tx.set(&(), &gone)?;
        Ok(Pruned { removed: end - first, more: end < below })
    }

    fn forget_audit(&mut self, mark: &Mark, below: u64, checkpoint: &str) -> Result<Pruned, StoreError> {
        let mut anchor = self.tx.get::<AuditAnchor>(&())?.unwrap_or_default();
        let below = below.min(mark.audit) / TILE * TILE;
        let (first, end) = (anchor.first, below.min(anchor.first + AUDIT));
        if first >= end {
            return Ok(Pruned::default());
        }
        if self.forget_events(mark.events)?.more {
            return Ok(Pruned { removed: 0, more: true });
        }
        let since = self.tx.get::<Gone>(&())?.unwrap_or_default().activity;
        for record in self.tx.remove_all::<AuditRecord>(first..end)? {
            tally::uncount(self.tx, &record)?;
            activity::uncount_operation(self.tx, &record, since)?;
            anchor.pass(&record);
        }
        anchor.checkpoint = Some(checkpoint.to_owned());
        self.tx.set(&(), &anchor)?;
        Ok(Pruned { removed: end - first, more: end < below })
    }

    fn forget_activity(&mut self, before: Timestamp) -> Result<Pruned, StoreError> {
        let mut gone = self.tx.get::<Gone>(&())?.unwrap_or_default();
        gone.activity = gone.activity.max(Some(before));
        self.tx.set(&(), &gone)?;
        let removed = self.tx.remove_before::<Activity>(&activity::first_key(Some(before)), ACTIVITY)?;
        Ok(Pruned { removed, more: removed == ACTIVITY })
    }

    /// Drops the oldest marks of which all records are gone: they tell nothing any more. The newest one stays.
    fn drop_marks(&mut self) -> Result<(), StoreError> {
        let Some((newest, _)) = self.tx.last_to::<Mark>(&Timestamp::MAX)? else { return Ok(()) };
        let metrics = self.tx.get::<Gone>(&())?.unwrap_or_default().metrics;
        let audit = self.tx.get::<AuditAnchor>(&())?.unwrap_or_default().first;
        for _ in 0..MARKS {
            let Some(first) = self.tx.first_key::<Mark>()?.filter(|first| *first < newest) else { break };
            let Some(mark) = self.tx.get::<Mark>(&first)? else { break };
            if mark.metrics > metrics || mark.audit > audit {
                break;
            }
            self.tx.remove_before::<Mark>(&newest, 1)?;
        }
        Ok(())
    }
}
