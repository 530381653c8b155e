//! Forgetting in good time: what is older than the settings want it kept goes, in steps between which others write.

pub mod archive;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::App;
use crate::app::Failure;
use crate::domain::command::{Action, Outcome};
use crate::domain::metrics::Metric;
use crate::domain::pruning::Prune;
use crate::domain::retention::{Gone, Mark};
use crate::domain::time::{HOUR, Timestamp};

/// How many records are archived and removed together: a snapshot for long keeps space from being used again.
const PART: u64 = 65_536;

/// How many records were removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(missing_docs)]
pub struct Removed {
    pub metrics: u64,
    pub events: u64,
}

/// Notes the logs' numbers and removes what is older than the settings want it kept. Meant to run once an hour.
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
    let mut removed = Removed::default();
    if let Some(before) = before(app.config.retain_activity) {
        removed.events = prune(app, Prune::Events(before)).await?;
        // Whole hours, as the numbers are noted.
        prune(app, Prune::Activity(Timestamp(before.0.div_euclid(HOUR) * HOUR))).await?;
    }
    if let Some(before) = before(app.config.retain_metrics) {
        removed.metrics = forget_metrics(app, before).await?;
    }
    if removed != Removed::default() {
        tracing::info!(metrics = removed.metrics, events = removed.events, "forgot what is no longer kept");
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
            below = archived::<Metric>(app, &folder, first, below).await?;
        }
        removed += prune(app, Prune::Metrics { before, below }).await?;
    }
}

/// Archives the records from `first` up to, not including, `end`, and tells up to which number they are archived.
async fn archived<R: archive::Archived>(
    app: &Arc<App>,
    folder: &Path,
    first: u64,
    end: u64,
) -> Result<u64, Failure> {
    let (tx, folder) = (app.snapshot()?, folder.to_owned());
    let written = tokio::task::spawn_blocking(move || archive::keep::<R>(&tx, &folder, first..end));
    written.await.map_err(|e| Failure::Broken(e.to_string()))?
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
