//! What agents used: by day against the cost budget, by session against the token budget, and when
//! they were last seen.

use std::collections::BTreeSet;
use std::ops::Bound;

use bincode::{Decode, Encode};
use uuid::Uuid;

use super::metric_sums::{billionths, from_billionths};
use super::metrics::Metric;
use super::time::Timestamp;
use crate::store::{Key, Lookup, ReadTx, StoreError, TableName, Value, WriteTx};

/// An agent's usage on one UTC day. The key is `(day, agent)`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
pub struct DayUsage {
    tokens: u128,
    cost_nanos: u128,
}

impl Value for DayUsage {
    const TABLE: TableName = "usage_by_day";
    type Key = (i64, Uuid);
}

impl DayUsage {
    /// Tokens used.
    #[must_use]
    pub fn tokens(&self) -> u64 {
        u64::try_from(self.tokens).unwrap_or(u64::MAX)
    }

    /// Cost in USD.
    #[must_use]
    pub fn cost_usd(&self) -> f64 {
        from_billionths(self.cost_nanos)
    }

    /// Cost in billionths of a USD: sums of these are exact.
    #[must_use]
    pub fn cost_nanos(&self) -> u128 {
        self.cost_nanos
    }

    /// The usage of all agents that used anything on a day.
    ///
    /// # Errors
    /// When storage fails.
    pub fn of_day(tx: &ReadTx, day: i64) -> Result<Vec<(Uuid, Self)>, StoreError> {
        tx.prefix(Self::TABLE, &day.to_bytes())?
            .map(|entry| {
                let (key, value) = entry?;
                Ok((Uuid::read(&mut key.as_slice())?, Self::from_stored(&value)?))
            })
            .collect()
    }

    /// The agents of which metrics were recorded on the days from `first` to `last`.
    ///
    /// # Errors
    /// When storage fails.
    pub fn agents_between(tx: &ReadTx, first: i64, last: i64) -> Result<BTreeSet<Uuid>, StoreError> {
        let (from, to) = (first.to_bytes(), (last + 1).to_bytes());
        tx.range_raw(Self::TABLE, Bound::Included(&from), Bound::Excluded(&to))?
            .map(|entry| Ok(<(i64, Uuid)>::read(&mut entry?.0.as_slice())?.1))
            .collect()
    }

    /// Visits the usage of the days from `first` to `last`, in order.
    ///
    /// # Errors
    /// When storage fails.
    pub fn each_between(
        tx: &ReadTx,
        first: i64,
        last: i64,
        mut visit: impl FnMut(i64, Uuid, Self),
    ) -> Result<(), StoreError> {
        let (from, to) = (first.to_bytes(), (last + 1).to_bytes());
        for entry in tx.range::<Self>(Bound::Included(&from), Bound::Excluded(&to))? {
            let ((day, agent), usage) = entry?;
            visit(day, agent, usage);
        }
        Ok(())
    }

    /// What all agents together cost on a day, in USD.
    ///
    /// # Errors
    /// When storage fails.
    pub fn cost_of_day(tx: &ReadTx, day: i64) -> Result<f64, StoreError> {
        Ok(from_billionths(Self::of_day(tx, day)?.iter().map(|(_, usage)| usage.cost_nanos).sum()))
    }
}

/// An agent's usage in one session. The key is `(agent, session)`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
pub struct SessionUsage {
    tokens: u128,
    cost_nanos: u128,
}

impl Value for SessionUsage {
    const TABLE: TableName = "usage_by_session";
    type Key = (Uuid, String);
}

impl SessionUsage {
    /// Tokens used.
    #[must_use]
    pub fn tokens(&self) -> u64 {
        u64::try_from(self.tokens).unwrap_or(u64::MAX)
    }

    /// Cost in billionths of a USD: sums of these are exact.
    #[must_use]
    pub fn cost_nanos(&self) -> u128 {
        self.cost_nanos
    }
}

/// When an agent was last seen, and in which session. The key is the agent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct Presence {
    last_active: Option<Timestamp>,
    session: Option<String>,
}

impl Value for Presence {
    const TABLE: TableName = "presence";
    type Key = Uuid;
}

impl Presence {
    /// When an agent was last seen, and what it used in the session it was last seen in.
    ///
    /// # Errors
    /// When storage fails.
    pub fn of(tx: &mut impl Lookup, agent: Uuid) -> Result<(Option<Timestamp>, SessionUsage), StoreError> {
        let presence = tx.lookup::<Self>(&agent)?.unwrap_or_default();
        let usage = match presence.session {
            None => None,
            Some(session) => tx.lookup::<SessionUsage>(&(agent, session))?,
        };
        Ok((presence.last_active, usage.unwrap_or_default()))
    }

    /// Notes that an agent was seen at `at`, but not after `now`: clients' clocks run ahead.
    ///
    /// # Errors
    /// When storage fails.
    pub fn seen(
        tx: &mut WriteTx<'_>,
        agent: Uuid,
        at: Timestamp,
        now: Timestamp,
        session: Option<&str>,
    ) -> Result<(), StoreError> {
        let at = Some(at.min(now));
        tx.update(&agent, |presence: &mut Self| {
            // What is told late says nothing of the present session.
            if at >= presence.last_active {
                presence.last_active = at;
                if session.is_some() && session != presence.session.as_deref() {
                    presence.session = session.map(str::to_owned);
                }
            }
        })
    }
}

/// A usage before and after a metric.
#[derive(Debug, Clone, Copy)]
pub struct Moved<T> {
    /// Before it.
    pub before: T,
    /// With it.
    pub after: T,
}

/// What a metric moved.
#[derive(Debug, Clone, Copy)]
pub struct Movement {
    /// The usage of the metric's day.
    pub day: Moved<DayUsage>,
    /// The usage of its session, where it has one.
    pub session: Option<Moved<SessionUsage>>,
}

/// Adds a metric to the usage of its day and session.
///
/// # Errors
/// When storage fails.
pub fn charge(tx: &mut WriteTx<'_>, metric: &Metric) -> Result<Movement, StoreError> {
    let tokens = u128::from(metric.measures.tokens_used.unwrap_or(0));
    let cost = u128::from(billionths(metric.measures.cost_usd.unwrap_or(0.0)));
    let day = tx.update(&(metric.recorded_at.day(), metric.agent_id), |usage: &mut DayUsage| {
        let before = *usage;
        usage.tokens += tokens;
        usage.cost_nanos += cost;
        Moved { before, after: *usage }
    })?;
    let session = match &metric.session_id {
        None => None,
        Some(session) => {
            Some(tx.update(&(metric.agent_id, session.clone()), |usage: &mut SessionUsage| {
                let before = *usage;
                usage.tokens += tokens;
                usage.cost_nanos += cost;
                Moved { before, after: *usage }
            })?)
        }
    };
    Ok(Movement { day, session })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{App, system_clock};
    use crate::config::Config;
    use crate::store::Location;

    #[test]
    fn a_day_without_usage_costs_nothing() {
        // A sum of no floats is -0.0: `agentmap status` told of a cost of -0.0000 USD.
        let app = App::open(Config::defaults(), Location::Memory, system_clock()).unwrap();
        let cost = DayUsage::cost_of_day(&app.snapshot().unwrap(), app.now().day()).unwrap();
        assert_eq!(format!("{cost:.4}"), "0.0000");
    }
}
