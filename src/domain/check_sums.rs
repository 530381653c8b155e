//! Proof that the sums of metrics agree with the metrics, also where these are gone and the sums alone are left.
//!
//! What lies after the latest metric that is gone equals the sums of the metrics that are kept. What lies before holds
//! these, and each time is the sum of the shorter times in it, down to the minutes: none can be changed alone.

use std::ops::Bound::Unbounded;

use uuid::Uuid;

use super::check::CheckReport;
use super::metric_sums::{MetricSums, Scope};
use super::recording::MetricHead;
use super::retention::{Gone, GoneMetrics};
use super::rollup::{self, Open, StepLength};
use super::time::{DAY, Timestamp};
use super::usage::{DayUsage, SessionUsage};
use crate::store::{Key, ReadTx, StoreError, Value};

/// Sums that stay when their metrics go.
trait Lasting: Value + PartialEq {
    /// When the time begins that is summed under a key; `None` for all time.
    fn start(key: &Self::Key) -> Option<Timestamp>;
    /// Whether the metrics of `part` can be among those that are summed here.
    fn holds(&self, part: &Self) -> bool;
}

impl Lasting for MetricSums {
    fn start((grain, bucket, _): &Self::Key) -> Option<Timestamp> {
        rollup::start(*grain, *bucket)
    }
    fn holds(&self, part: &Self) -> bool {
        self.contains(part)
    }
}

impl Lasting for DayUsage {
    fn start((day, _): &Self::Key) -> Option<Timestamp> {
        Some(Timestamp(day * DAY))
    }
    fn holds(&self, part: &Self) -> bool {
        self.tokens() >= part.tokens() && self.cost_nanos() >= part.cost_nanos()
    }
}

impl Lasting for SessionUsage {
    fn start(_: &Self::Key) -> Option<Timestamp> {
        None
    }
    fn holds(&self, part: &Self) -> bool {
        self.tokens() >= part.tokens() && self.cost_nanos() >= part.cost_nanos()
    }
}

/// The day and the agent of which a key is the first that tells: the day's own, or one of the open minute alone.
fn day_of(
    tx: &ReadTx,
    open: Option<&Open>,
    (grain, bucket, scope): &(u8, i64, Scope),
) -> Result<Option<(i64, Uuid)>, StoreError> {
    let (Scope::Agent(agent), Some(start)) = (scope, rollup::start(*grain, *bucket)) else { return Ok(None) };
    let day = start.day();
    let tells = match *grain {
        rollup::BY_DAY => true,
        rollup::BY_MINUTE if open.is_some_and(|open| open.has(scope, start)) => {
            tx.get::<MetricSums>(&(rollup::BY_DAY, day, scope.clone()))?.is_none()
        }
        _ => false,
    };
    Ok(tells.then_some((day, *agent)))
}

impl CheckReport {
    /// The sums agree with those that were folded from the metrics that are kept.
    pub(super) fn sums(&mut self, tx: &ReadTx, folded: &ReadTx) -> Result<(), StoreError> {
        let gone = tx.get::<Gone>(&())?.unwrap_or_default();
        self.lasting::<MetricSums>(tx, folded, gone.newest_metric)?;
        self.lasting::<DayUsage>(tx, folded, gone.newest_metric)?;
        self.lasting::<SessionUsage>(tx, folded, gone.newest_metric)?;
        let next = tx.get::<MetricHead>(&())?.unwrap_or_default().0;
        let ever = rollup::total::<MetricSums>(&mut &*tx, &Scope::All)?.count;
        self.expect(ever == next, || format!("metrics: {ever} are summed, but {next} were recorded"));
        if gone.newest_metric.is_some() || tx.len(GoneMetrics::TABLE)? > 0 {
            self.times(tx)?;
            self.kept(tx, folded, &gone)?;
        }
        Ok(())
    }

    /// Sums are those of the kept metrics, or hold them where metrics are gone.
    fn lasting<S: Lasting>(
        &mut self,
        tx: &ReadTx,
        folded: &ReadTx,
        newest_gone: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let mut found = 0;
        for entry in tx.range_raw(S::TABLE, Unbounded, Unbounded)? {
            let (key, stored) = entry?;
            self.counters += 1;
            let part = folded.get_raw(S::TABLE, &key)?;
            found += u64::from(part.is_some());
            if part.as_ref() == Some(&stored) {
                continue;
            }
            let start = S::start(&S::Key::read(&mut key.as_slice())?);
            let older = newest_gone.is_some_and(|newest| start.is_none_or(|start| start <= newest));
            let part = part.map(|part| S::from_stored(&part)).transpose()?;
            let sums = S::from_stored(&stored)?;
            // An older program may have written the same in another form.
            if part.as_ref() == Some(&sums) {
                continue;
            }
            self.expect(older && part.is_none_or(|part| sums.holds(&part)), || {
                format!("{}: differs from the records at key {key:02x?}", S::TABLE)
            });
        }
        let wanted = folded.len(S::TABLE)?;
        self.expect(found == wanted, || format!("{}: {} sums are missing", S::TABLE, wanted - found));
        Ok(())
    }

    /// Every time is the sum of the shorter ones in it, and a day's usage that of the day's sums.
    fn times(&mut self, tx: &ReadTx) -> Result<(), StoreError> {
        let mut days = 0;
        let open = Open::of::<MetricSums>(&mut &*tx)?;
        for entry in tx.all::<MetricSums>()? {
            let (key, sums) = entry?;
            let parts = rollup::parts::<MetricSums>(tx, open.as_ref(), &key)?;
            let whole = match rollup::whole::<MetricSums>(open.as_ref(), &key) {
                Some(whole) => tx.get::<MetricSums>(&whole)?.is_some(),
                None => true,
            };
            self.expect(whole && parts.is_none_or(|parts| parts == sums), || {
                format!("{}: is not the sum of its parts at key {key:?}", MetricSums::TABLE)
            });
            if let Some((day, agent)) = day_of(tx, open.as_ref(), &key)? {
                days += 1;
                let (usage, start) = (tx.get::<DayUsage>(&(day, agent))?, Timestamp(day * DAY));
                let sums = rollup::series::<MetricSums>(tx, &key.2, start, start, StepLength::Day)?;
                let same = usage.zip(sums.first()).is_some_and(|(u, (_, sums))| {
                    u.tokens() == sums.tokens() && u.cost_nanos() == sums.cost_nanos()
                });
                self.expect(same, || format!("usage_by_day: differs from the sums on day {day} of {agent}"));
            }
        }
        let usages = tx.len(DayUsage::TABLE)?;
        self.expect(days == usages, || format!("usage_by_day: has {usages} entries, not {days}"));
        Ok(())
    }

    /// The metrics that are kept and those that are gone are all that were recorded.
    fn kept(&mut self, tx: &ReadTx, folded: &ReadTx, gone: &Gone) -> Result<(), StoreError> {
        let mut counted = 0;
        for scope in rollup::scopes::<MetricSums>(tx, &[], usize::MAX)? {
            let of_gone = tx.get::<GoneMetrics>(&scope)?;
            counted += u64::from(of_gone.is_some());
            let kept = rollup::total::<MetricSums>(&mut &*folded, &scope)?.count;
            let ever = rollup::total::<MetricSums>(&mut &*tx, &scope)?.count;
            self.expect(ever == kept + of_gone.map_or(0, |gone| gone.0), || {
                format!("{}: of {ever} metrics of {scope:?} {kept} are kept", GoneMetrics::TABLE)
            });
        }
        let all = tx.get::<GoneMetrics>(&Scope::All)?.unwrap_or_default().0;
        self.expect(counted == tx.len(GoneMetrics::TABLE)? && all == gone.metrics, || {
            format!("{}: counts {all} metrics, not {}", GoneMetrics::TABLE, gone.metrics)
        });
        Ok(())
    }
}
