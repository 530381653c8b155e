//! Ranges of time in steps: what a chart over time shows.

use super::rollup::{self, Rollup, StepLength, Window};
use super::time::{DAY, HOUR, Timestamp};
use crate::store::{ReadTx, StoreError};

/// A range of time in steps. It may begin and end inside of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeRange {
    /// The first moment.
    pub from: Timestamp,
    /// The first moment after.
    pub to: Timestamp,
    /// The length of its steps.
    pub step: StepLength,
}

/// Why a range cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// It would begin after now, and nothing says where it ends.
    #[error("lies in the future; without end_date the range ends now")]
    Future,
    /// It ends before it begins.
    #[error("lies before start_date")]
    Backwards,
    /// It is longer than any step can show.
    #[error("begins a range of more than {} days, which is the most there is", longest(StepLength::Day) / DAY)]
    TooLong,
    /// It has too many steps of this length.
    #[error("is too short for this range: {}", limits(*.0))]
    TooFine(StepLength),
}

/// The longest range that is shown in such steps: charts have an end, at 800 points.
const fn longest(step: StepLength) -> i64 {
    match step {
        StepLength::Minute => 6 * HOUR,
        StepLength::Hour => 31 * DAY,
        StepLength::Day => 799 * DAY,
    }
}

fn limits(step: StepLength) -> &'static str {
    match step {
        StepLength::Minute => "minute is for up to 6 hours; ask for hour or day",
        StepLength::Hour | StepLength::Day => "hour is for up to 31 days; ask for day",
    }
}

/// The steps that show a range of this length well.
fn fitting(length: i64) -> StepLength {
    if length <= 3 * HOUR {
        StepLength::Minute
    } else if length <= 4 * DAY {
        StepLength::Hour
    } else {
        StepLength::Day
    }
}

impl TimeRange {
    /// The range from `start` to `end`, both inclusive. Without an end it is up to now, the running step included
    /// whole: clients' clocks run a little ahead. Without a start it has `length`; without either it begins with a
    /// minute, as whole minutes are summed already.
    ///
    /// # Errors
    /// When it is backwards or too long, for the step or at all.
    pub fn new(
        start: Option<Timestamp>,
        end: Option<Timestamp>,
        length: i64,
        step: Option<StepLength>,
        now: Timestamp,
    ) -> Result<Self, Unusable> {
        let last = end.unwrap_or(now);
        let from = start.unwrap_or_else(|| last.plus(-length));
        if from > last {
            return Err(if end.is_none() { Unusable::Future } else { Unusable::Backwards });
        }
        let length = last.0 - from.0;
        if length > longest(StepLength::Day) {
            return Err(Unusable::TooLong);
        }
        let step = step.unwrap_or_else(|| fitting(length));
        if length > longest(step) {
            return Err(Unusable::TooFine(step));
        }
        let from = if start.is_none() && end.is_none() { from.minute_start() } else { from };
        let to = match end {
            Some(end) => end.0 + 1,
            None => (now.0.div_euclid(step.micros()) + 1) * step.micros(),
        };
        Ok(Self { from, to: Timestamp(to), step })
    }

    /// The sums of the steps in order, those without records included; the first and the last are cut to the range.
    /// `over` gives the sum of a part of a step.
    ///
    /// # Errors
    /// When storage fails.
    pub fn series<R: Rollup>(
        &self,
        tx: &ReadTx,
        scope: &R::Scope,
        over: impl Fn(Window) -> Result<R, StoreError>,
    ) -> Result<Vec<(Timestamp, R)>, StoreError> {
        let mut steps = rollup::series::<R>(tx, scope, self.from, Timestamp(self.to.0 - 1), self.step)?;
        let cut = |step: Option<&mut (Timestamp, R)>| -> Result<(), StoreError> {
            let Some((start, sum)) = step else { return Ok(()) };
            let end = Timestamp(start.0 + self.step.micros());
            if *start < self.from || end > self.to {
                *sum = over(Window { from: self.from.max(*start), to: Some(self.to.min(end)) })?;
            }
            Ok(())
        };
        cut(steps.first_mut())?;
        cut(steps.last_mut())?;
        Ok(steps)
    }
}
