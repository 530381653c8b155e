//! Who was turned away from what operators and administrators do: a record of the audit trail. The first is recorded at
//! once and those of the minute that follows together, so that whoever knocks cannot fill the disk.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use serde_json::json;

use super::attempts::counted;
use super::error::Problem;
use crate::App;
use crate::domain::access::Actor;
use crate::domain::admin::Act;
use crate::domain::command::Action;
use crate::domain::time::{MINUTE, Timestamp};

/// How many are told apart; what is beyond is counted together.
const TOLD_APART: usize = 16;

/// An address, and as whom it came; `None` of all that are not told apart.
type Who = Option<(IpAddr, String)>;

/// Somebody who was turned away.
#[derive(Clone)]
struct Refusal {
    actor: Actor,
    endpoint: String,
    from: IpAddr,
    status: u16,
    reason: String,
}

impl Refusal {
    /// The act, when it was tried so often since it was recorded last.
    fn act(&self, who: &Who, count: u64) -> Act {
        let from = who.as_ref().map_or_else(|| "several".to_owned(), |_| self.from.to_string());
        Act::new("request_refused")
            .on("endpoint", self.endpoint.clone())
            .refused(&self.reason)
            .with(&json!({"from": from, "status": self.status, "count": count}))
    }
}

/// What is known of somebody in the minute that began when they were last recorded.
struct Minute {
    since: Timestamp,
    /// How often they were turned away since.
    more: u64,
    /// The last time.
    last: Refusal,
}

type Table = HashMap<Who, Minute>;

/// Who was turned away of late.
pub struct TurnedAway {
    app: Weak<App>,
    table: Arc<Mutex<Table>>,
}

impl TurnedAway {
    /// Of an application.
    #[must_use]
    pub fn from(app: &Arc<App>) -> Self {
        Self { app: Arc::downgrade(app), table: Arc::default() }
    }

    /// Records that somebody was turned away, now or within a minute.
    pub fn note(&self, actor: Actor, endpoint: String, from: IpAddr, problem: &Problem) {
        let Some(app) = self.app.upgrade() else { return };
        let refusal = Refusal {
            actor,
            endpoint,
            from,
            status: problem.status.as_u16(),
            reason: problem.detail.clone(),
        };
        let now = app.now();
        let mut table = lock(&self.table);
        table.retain(|_, minute| minute.more > 0 || minute.holds(now));
        let mut who = Some((counted(from), refusal.actor.name.clone()));
        if table.len() >= TOLD_APART && !table.contains_key(&who) {
            who = None;
        }
        match table.get_mut(&who).filter(|minute| minute.holds(now)) {
            Some(minute) => {
                minute.more += 1;
                minute.last = refusal;
                if minute.more == 1 {
                    self.record_later(who, minute.since, now);
                }
            }
            None => {
                let before = table.insert(who.clone(), Minute { since: now, more: 0, last: refusal.clone() });
                let count = before.map_or(0, |before| before.more) + 1;
                tokio::spawn(record(app, refusal.actor.clone(), refusal.act(&who, count)));
            }
        }
    }

    /// Records what is left to be told of a minute once it is over.
    fn record_later(&self, who: Who, since: Timestamp, now: Timestamp) {
        let left = since.plus(MINUTE).0.saturating_sub(now.0);
        let (app, table) = (Weak::clone(&self.app), Arc::clone(&self.table));
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_micros(u64::try_from(left).unwrap_or(0))).await;
            let Some(app) = app.upgrade() else { return };
            let (actor, act) = {
                let mut table = lock(&table);
                let Some(minute) = table.get_mut(&who).filter(|m| m.since == since && m.more > 0) else {
                    return;
                };
                let count = std::mem::take(&mut minute.more);
                minute.since = app.now();
                (minute.last.actor.clone(), minute.last.act(&who, count))
            };
            record(app, actor, act).await;
        });
    }
}

impl Minute {
    /// A clock that was set back begins another minute.
    fn holds(&self, now: Timestamp) -> bool {
        (0..MINUTE).contains(&now.0.saturating_sub(self.since.0))
    }
}

fn lock(table: &Mutex<Table>) -> MutexGuard<'_, Table> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn record(app: Arc<App>, actor: Actor, act: Act) {
    if let Err(error) = app.submit_by(actor, Action::NoteAct(act)).await {
        tracing::warn!(%error, "that somebody was turned away was not recorded");
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::atomic::{AtomicI64, Ordering};

    use serde_json::Value;
    use warp::http::StatusCode;

    use super::*;
    use crate::app::Snapshot;
    use crate::config::Config;
    use crate::domain::audit::AuditRecord;
    use crate::store::Location;

    /// How often each address was turned away, as the trail tells it, and in how many records.
    fn told(app: &App) -> (BTreeMap<String, u64>, usize) {
        let all = |tx: &Snapshot| tx.all::<AuditRecord>()?.map(|entry| Ok(entry?.1.told.context.0)).collect();
        let records: Vec<String> = app.read(all).unwrap();
        let mut counts = BTreeMap::new();
        for record in &records {
            let context: Value = serde_json::from_str(record).unwrap();
            let from = context["from"].as_str().unwrap().to_owned();
            *counts.entry(from).or_default() += context["count"].as_u64().unwrap();
        }
        (counts, records.len())
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_comes_from_everywhere_gets_no_record_each_and_all_are_counted() {
        const ADDRESSES: u32 = 1000;
        let time = Arc::new(AtomicI64::new(0));
        let hand = Arc::clone(&time);
        let clock = Arc::new(move || Timestamp(hand.load(Ordering::Relaxed)));
        let app = App::open(Config::defaults(), Location::Memory, clock).unwrap();
        let turned_away = TurnedAway::from(&app);
        let problem = Problem::new(StatusCode::UNAUTHORIZED, "no");
        for _ in 0..3 {
            for address in 0..ADDRESSES {
                let from = IpAddr::V4(address.into());
                turned_away.note(Actor::nobody(), "GET /x".into(), from, &problem);
            }
        }
        // The first of each who is told apart, and of all others.
        while told(&app).1 < TOLD_APART + 1 {
            tokio::task::yield_now().await;
        }
        time.fetch_add(MINUTE, Ordering::Relaxed);
        tokio::time::advance(Duration::from_mins(1)).await;
        while told(&app).1 < 2 * (TOLD_APART + 1) {
            tokio::task::yield_now().await;
        }
        let (counts, _) = told(&app);
        assert_eq!(counts.len(), TOLD_APART + 1);
        assert_eq!(counts.values().sum::<u64>(), 3 * u64::from(ADDRESSES));
        assert_eq!(counts["0.0.0.7"], 3);
        // What is over makes room.
        time.fetch_add(MINUTE, Ordering::Relaxed);
        turned_away.note(Actor::nobody(), "GET /x".into(), "10.0.0.1".parse().unwrap(), &problem);
        assert_eq!(lock(&turned_away.table).len(), 1);
    }
}
