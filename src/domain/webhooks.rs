//! What webhooks are to be told: the outbox, written with the alert or approval that it tells of, and the dead letters.
//!
//! Each delivery is for one target. Those of a target go in their order, but one that fails again and again no longer
//! holds up those behind it.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::log_id::log_id;
use super::time::{DAY, HOUR, SECOND, Timestamp};
use crate::store::codec::Key;
use crate::store::{Index, ReadTx, Record, StoreError, TableName, Value};

/// How many deliveries wait at most, and how many dead letters are kept.
pub const MOST: u64 = 10_000;
/// How often a delivery fails before those behind it go first.
const HOLDS_UP: u32 = 4;
/// How long it is tried.
const PATIENCE: i64 = DAY;
/// The longest pause between two tries.
const LONGEST_PAUSE: i64 = HOUR;

/// What a webhook is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// A budget is being used up, or a model has no price.
    BudgetAlert,
    /// A person is asked.
    ApprovalRequested,
    /// A person answered, or nobody did in time.
    ApprovalResolved,
}

/// How a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum Standing {
    /// It is to be tried at this time.
    Waits(Timestamp),
    /// It was given up at this time.
    Dead(Timestamp),
}

/// Something that one target is to be told.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct Delivery {
    /// Its place in the outbox, from 0.
    pub seq: u64,
    /// Makes the id unguessable.
    pub nonce: u64,
    /// Whom to tell.
    #[bincode(with_serde)]
    pub target: Uuid,
    /// Of what.
    pub topic: Topic,
    /// What is sent, as it is signed.
    pub body: String,
    /// When it happened.
    pub created_at: Timestamp,
    /// Since when it waits to be delivered: dead letters wait anew.
    pub since: Timestamp,
    /// How often it was tried since then.
    pub tries: u32,
    /// How it stands.
    pub standing: Standing,
    /// Why it failed last.
    pub why: Option<String>,
}

/// Those that wait, by target.
pub const WAITING: Index<Delivery> = Index {
    table: "webhook_waiting",
    values: |d, e| {
        if let Standing::Waits(_) = d.standing {
            e.push(&d.target);
        }
    },
};

/// Those that hold up the ones behind them, by target.
pub const IN_ORDER: Index<Delivery> = Index {
    table: "webhook_in_order",
    values: |d, e| {
        if matches!(d.standing, Standing::Waits(_)) && d.tries < HOLDS_UP {
            e.push(&d.target);
        }
    },
};

/// Those that do no longer, by target and when they are to be tried.
pub const OVERTAKEN: Index<Delivery> = Index {
    table: "webhook_overtaken",
    values: |d, e| match d.standing {
        Standing::Waits(due) if d.tries >= HOLDS_UP => e.push(&(d.target, due)),
        _ => (),
    },
};

/// Those that were given up.
pub const DEAD: Index<Delivery> = Index {
    table: "webhook_dead",
    values: |d, e| {
        if let Standing::Dead(at) = d.standing {
            e.push(&at);
        }
    },
};

impl Value for Delivery {
    const TABLE: TableName = "webhook_outbox";
    type Key = u64;
}

impl Record for Delivery {
    const INDEXES: &'static [Index<Self>] = &[WAITING, IN_ORDER, OVERTAKEN, DEAD];

    fn key(&self) -> u64 {
        self.seq
    }
}

/// What there is of the outbox beside the deliveries.
#[derive(Clone, Debug, Default, PartialEq, Encode, Decode)]
pub struct Outbox {
    /// The number of the next delivery.
    pub next: u64,
    /// How many became dead letters because too many waited.
    pub pushed_out: u64,
    /// How many dead letters were removed because there were too many.
    pub forgotten: u64,
}

impl Value for Outbox {
    const TABLE: TableName = "webhook_head";
    type Key = ();
}

/// Who is told, as the server that serves this data was told when it began.
#[derive(Clone, Debug, Default, PartialEq, Encode, Decode)]
pub struct Targets(#[bincode(with_serde)] pub Vec<Uuid>);

impl Value for Targets {
    const TABLE: TableName = "webhook_targets";
    type Key = ();
}

/// How a target took what it was sent. The key is the target.
#[derive(Clone, Debug, Default, PartialEq, Encode, Decode)]
pub struct TargetRecord {
    /// How many deliveries it took.
    pub delivered: u64,
    /// When the last was.
    pub last_delivered: Option<Timestamp>,
    /// How many tries failed.
    pub failed: u64,
    /// When the last did, and why.
    pub last_failure: Option<(Timestamp, String)>,
}

impl Value for TargetRecord {
    const TABLE: TableName = "webhook_target_records";
    type Key = Uuid;
}

impl Delivery {
    /// Its id, which receivers know repeats by.
    #[must_use]
    pub fn id(&self) -> Uuid {
        log_id(self.nonce, self.seq)
    }

    /// Whether it was given up.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        matches!(self.standing, Standing::Dead(_))
    }

    /// What a target is to be told next, if that is due.
    ///
    /// # Errors
    /// When storage fails.
    pub fn next_for(tx: &ReadTx, target: Uuid, now: Timestamp) -> Result<Option<Self>, StoreError> {
        let is_due = |found: &Self| matches!(found.standing, Standing::Waits(due) if due <= now);
        if let Some(seq) = tx.find(&IN_ORDER, &target)?.next().transpose()?
            && let Some(first) = tx.get::<Self>(&seq)?.filter(is_due)
        {
            return Ok(Some(first));
        }
        let Some(entry) = tx.prefix(OVERTAKEN.table, &target.to_bytes())?.next().transpose()? else {
            return Ok(None);
        };
        let (_, seq) = <(Timestamp, u64)>::read(&mut entry.0.as_slice())?;
        Ok(tx.get::<Self>(&seq)?.filter(is_due))
    }

    /// When to try again after the try of `now`, which failed; `None` gives up. A receiver may ask for a longer pause.
    #[must_use]
    pub fn again(&self, now: Timestamp, asked: Option<i64>, random: u64) -> Option<Timestamp> {
        let pause = (SECOND << self.tries.min(12)).min(LONGEST_PAUSE);
        // Up to a quarter less, so that those that failed together do not come back together.
        let less = pause / 4 * i64::from(random.to_le_bytes()[0]) / 256;
        let pause = (pause - less).max(asked.unwrap_or(0).min(LONGEST_PAUSE));
        let next = now.plus(pause);
        (next < self.since.plus(PATIENCE)).then_some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::MINUTE;

    fn failing(tries: u32) -> Delivery {
        Delivery {
            seq: 0,
            nonce: 0,
            target: Uuid::nil(),
            topic: Topic::BudgetAlert,
            body: String::new(),
            created_at: Timestamp(0),
            since: Timestamp(0),
            tries,
            standing: Standing::Waits(Timestamp(0)),
            why: None,
        }
    }

    #[test]
    fn pauses_double_up_to_an_hour_and_end_after_a_day() {
        let pause =
            |tries, random| failing(tries).again(Timestamp(0), None, random).map(|at| at.0 / (SECOND / 4));
        for (tries, seconds) in [(0, 1), (1, 2), (2, 4), (11, 2048), (12, 3600), (99, 3600)] {
            assert_eq!(pause(tries, 0), Some(seconds * 4), "{tries}");
            assert!((seconds * 3..=seconds * 4).contains(&pause(tries, u64::MAX).unwrap()), "{tries}");
        }
        assert_eq!(failing(30).again(Timestamp(DAY - HOUR), None, 0), None);
        assert_eq!(failing(0).again(Timestamp(0), Some(MINUTE), 0), Some(Timestamp(MINUTE)));
        assert_eq!(failing(0).again(Timestamp(0), Some(DAY), 0), Some(Timestamp(HOUR)));
    }
}
