//! Forgetting in good time: what is older than the settings want it kept goes, in steps between which others write.

pub mod archive;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::App;
use crate::app::{Failure, Snapshot};
use crate::config::Config;
use crate::domain::audit_tree::{AuditAnchor, AuditTree, TILE};
use crate::domain::command::{Action, Outcome};
use crate::domain::pruning::Prune;
use crate::domain::retention::{Gone, Mark};
use crate::domain::time::{HOUR, Timestamp};

/// How many records are archived and removed together: a snapshot for long keeps space from being used again.
const PART: u64 = 65_536;

/// How long is kept what, such as `90d`; nothing is for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Periods {
    /// Audit records.
    pub audit: Option<String>,
    /// Metrics; their sums stay.
    pub metrics: Option<String>,
    /// The stream's events and the agents' activity, which go with the records behind them at the latest.
    pub activity: Option<String>,
}

impl Periods {
    /// What is set.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        // Settings are in whole hours.
        let in_words = |kept: Option<Duration>| match kept?.as_secs() / 3600 {
            hours if hours.is_multiple_of(24) => Some(format!("{}d", hours / 24)),
            hours => Some(format!("{hours}h")),
        };
        Self {
            audit: in_words(config.retain_audit),
            metrics: in_words(config.retain_metrics),
            activity: in_words(config.retain_activity),
        }
    }
}

/// How many records were removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(missing_docs)]
pub struct Removed {
    pub audit: u64,
    pub metrics: u64,
    pub events: u64,
}

/// Notes the logs' numbers and removes what is older than the settings want it kept. Meant to run once an hour. What was
/// removed is a record of the audit trail, one for each run.
///
/// # Errors
/// When storage fails, or the archive cannot be written. What was removed until then is archived, where it should be,
/// and the next run goes on from there.
pub async fn retain(app: &Arc<App>) -> Result<Removed, Failure> {
    app.submit(Action::NoteNumbers).await?;
    let now = app.now();
    let before = |kept: Option<Duration>| {
        kept.map(|kept| now.plus(-i64::try_from(kept.as_micros()).unwrap_or(i64::MAX)))
    };
    let forgotten = async {
        let mut removed = Removed::default();
        if let Some(before) = before(app.config.retain_activity) {
            removed.events = prune(app, Prune::Events(before)).await?;
            // Whole hours, as the numbers are noted.
            prune(app, Prune::Activity(Timestamp(before.0.div_euclid(HOUR) * HOUR))).await?;
        }
        if let Some(before) = before(app.config.retain_metrics) {
            removed.metrics = forget_metrics(app, before).await?;
        }
        if let Some(before) = before(app.config.retain_audit) {
            removed.audit = forget_audit(app, before).await?;
        }
        Ok::<_, Failure>(removed)
    }
    .await;
    let noted = app.submit(Action::NoteRetention { done: forgotten.is_ok() }).await;
    let removed = forgotten?;
    noted?;
    if removed != Removed::default() {
        let Removed { audit, metrics, events } = removed;
        tracing::info!(audit, metrics, events, "removed what is no longer kept");
    }
    Ok(removed)
}

async fn forget_metrics(app: &Arc<App>, before: Timestamp) -> Result<u64, Failure> {
    let mut removed = 0;
    loop {
        let (first, end) = app.read(|tx| {
            let end = Mark::newest(tx, before)?.map_or(0, |(_, mark)| mark.metrics);
            Ok((tx.get::<Gone>(&())?.unwrap_or_default().metrics, end))
        })?;
        if first >= end {
            return Ok(removed);
        }
        let mut below = end.min(first + PART);
        if let Some(folder) = app.config.archive.clone() {
            below = aside(app, move |tx, _| archive::metrics(tx, &folder, first..below)).await?;
        }
        removed += prune(app, Prune::Metrics { before, below }).await?;
    }
}

async fn forget_audit(app: &Arc<App>, before: Timestamp) -> Result<u64, Failure> {
    let mut removed = 0;
    loop {
        let (first, end) = app.read(|tx| {
            let end = Mark::newest(tx, before)?.map_or(0, |(_, mark)| mark.audit);
            Ok((tx.get::<AuditAnchor>(&())?.unwrap_or_default().first, end / TILE * TILE))
        })?;
        if first >= end {
            return Ok(removed);
        }
        let folder = app.config.archive.clone();
        let (below, checkpoint) = aside(app, move |tx, app| {
            // The one beside the data file, too: what it does not cover must not go.
            app.keep_checkpoint()?;
            let tree = AuditTree::open(tx)?;
            let checkpoint = app.notary().sign(tree.size(), tree.head());
            let below = end.min(first + PART);
            let below = match &folder {
                Some(folder) => archive::audit(tx, folder, first..below, &checkpoint, app.notary().public())?,
                None => below,
            };
            Ok((below, checkpoint))
        })
        .await?;
        removed += prune(app, Prune::Audit { before, below, checkpoint }).await?;
    }
}

/// Does what reads much, on a snapshot, away from the threads that serve requests.
async fn aside<T: Send + 'static>(
    app: &Arc<App>,
    f: impl FnOnce(&Snapshot, &App) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let (tx, app) = (app.snapshot()?, Arc::clone(app));
    let done = tokio::task::spawn_blocking(move || f(&tx, &app));
    done.await.map_err(|e| Failure::Broken(e.to_string()))?
}

/// Removes step by step what is to be removed, and tells how much that was.
///
/// # Errors
/// When storage fails.
pub async fn prune(app: &App, what: Prune) -> Result<u64, Failure> {
    let mut removed = 0;
    loop {
        let started = Instant::now();
        let Outcome::Pruned(step) = app.submit(Action::Prune(what.clone())).await? else {
            return Ok(removed);
        };
        removed += step.removed;
        if !step.more {
            return Ok(removed);
        }
        // Others have the writer for themselves at least as long.
        tokio::time::sleep(started.elapsed()).await;
    }
}
