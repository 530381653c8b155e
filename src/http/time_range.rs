//! Ranges of time in queries: `period`, or `start_date` and `end_date`, and `step`.

use super::dates::EndDate;
use super::error::Problem;
use crate::App;
use crate::domain::rollup::StepLength;
use crate::domain::time::{DAY, HOUR, MINUTE, Timestamp};
use crate::domain::time_range::{TimeRange, Unusable};

/// The microseconds of a period such as `24h`.
///
/// # Errors
/// When it is none, or out of range.
pub(super) fn length_of(period: &str, name: &str, max_days: i64) -> Result<i64, Problem> {
    let (number, unit) = period.split_at(period.len().saturating_sub(1));
    let unit = match unit {
        "m" => MINUTE,
        "h" => HOUR,
        _ => DAY,
    };
    let length = number.parse::<i64>().ok().and_then(|n| n.checked_mul(unit));
    length.filter(|l| (1..=max_days * DAY).contains(l)).ok_or_else(|| {
        Problem::bad_parameter(name, "range", &format!("must be more than nothing and at most {max_days}d"))
    })
}

/// The range of time that a query asks for.
pub(super) struct AskedRange {
    /// Its length; without it a day.
    pub period: Option<String>,
    /// First moment, inclusive; goes before the period.
    pub start_date: Option<Timestamp>,
    /// Last moment, inclusive; without it now.
    pub end_date: Option<EndDate>,
    /// The length of its steps.
    pub step: Option<StepLength>,
}

impl AskedRange {
    /// The range in steps.
    ///
    /// # Errors
    /// When it ends before it begins, is too long, or has too many steps.
    pub fn in_steps(self, app: &App) -> Result<TimeRange, Problem> {
        let length = self.period.as_deref().map_or(Ok(DAY), |period| length_of(period, "period", 90))?;
        let end = self.end_date.map(|end| end.0);
        TimeRange::new(self.start_date, end, length, self.step, app.now()).map_err(|unusable| {
            let name = match unusable {
                Unusable::Future | Unusable::TooLong => "start_date",
                Unusable::Backwards => "end_date",
                Unusable::TooFine(_) => "step",
            };
            Problem::bad_parameter(name, "range", &unusable.to_string())
        })
    }
}
