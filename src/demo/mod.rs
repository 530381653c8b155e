//! `agentmap demo`: a fleet at work that does not exist, so that a newcomer sees everything there is to see.
//!
//! Characters ([`actor`]) with real rights ([`rights`]) hold sessions ([`session`]) on plausible files
//! ([`places`]); [`life`] decides who works when. All of it follows from a seed and the time of the opening.

mod actor;
mod deed;
mod life;
mod places;
mod random;
mod rights;
mod session;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::task::unconstrained;

pub use deed::{Deed, Told};
pub use life::Life;

use crate::app::{App, Clock, Failure};
use crate::config::Config;
use crate::domain::command::Action;
use crate::domain::sync::SyncRequest;
use crate::domain::time::{HOUR, SECOND, Timestamp};
use crate::seed;
use crate::store::Location;

/// How long before its history begins the fleet was registered.
const REGISTERED: i64 = 25 * HOUR;
/// How many writes of the history wait together for one commit.
const TOGETHER: usize = 500;
/// The demo goes on from here when it is late by more: the machine slept.
const LATE: i64 = 5 * SECOND;

/// A clock that can be set back, so that what is history is told when it happened.
struct StageClock {
    set: Arc<AtomicI64>,
    real: Clock,
}

/// What the clock is set to when it tells the real time.
const REAL: i64 = i64::MIN;

impl StageClock {
    fn new(real: Clock) -> Self {
        Self { set: Arc::new(AtomicI64::new(REAL)), real }
    }

    fn clock(&self) -> Clock {
        let (set, real) = (Arc::clone(&self.set), Arc::clone(&self.real));
        Arc::new(move || match set.load(Ordering::Relaxed) {
            REAL => real(),
            at => Timestamp(at),
        })
    }

    fn set(&self, at: Timestamp) {
        self.set.store(at.0, Ordering::Relaxed);
    }
}

/// A registry in memory with the sample fleet and a day of its history, and the life that follows.
///
/// # Errors
/// When the fleet or the data in memory cannot be made.
pub async fn open(config: Config, seed: u64, real: Clock) -> Result<(Arc<App>, Life), Failure> {
    let opening = real();
    let stage = StageClock::new(real);
    stage.set(opening.plus(-REGISTERED));
    let app = App::open(config, Location::Memory, stage.clock())?;
    register(&app).await?;
    let mut life = Life::new(seed, opening, app.roster().iter().cloned());
    let mut history = life.history().into_iter().peekable();
    while history.peek().is_some() {
        let chunk = history.by_ref().take(TOGETHER).map(|told| async {
            stage.set(told.at);
            let at = told.at;
            app.submit(told.into_action(at)).await
        });
        // They are submitted in the order in which they are first polled; tokio must not break in on that.
        for answer in unconstrained(join_all(chunk)).await {
            answer?;
        }
    }
    stage.set(Timestamp(REAL));
    Ok((app, life))
}

/// Registers the sample fleet.
async fn register(app: &App) -> Result<(), Failure> {
    let identities = seed::samples().map_err(Failure::Broken)?;
    let fleet = SyncRequest { identities, prune_below: Vec::new(), dry_run: false, strict: false };
    app.submit(Action::Sync(Box::new(fleet))).await?;
    Ok(())
}

/// Plays what follows as it happens, until storage is closed.
pub async fn play(app: Arc<App>, life: impl Iterator<Item = Told>) {
    let mut delay = 0;
    for told in life {
        let ahead = told.at.plus(delay).0 - app.now().0;
        if ahead < -LATE {
            delay -= ahead;
        }
        tokio::time::sleep(Duration::from_micros(u64::try_from(ahead).unwrap_or(0))).await;
        // The agents do as their operator says.
        let at_work = app.roster().get(told.agent).is_some_and(|agent| !agent.paused);
        let at = told.at.plus(delay);
        if at_work
            && let Err(failure @ (Failure::Unavailable { .. } | Failure::Broken(_))) =
                app.submit(told.into_action(at)).await
        {
            tracing::debug!(%failure, "the demo ends");
            return;
        }
    }
}
