//! Budgets that hold: what may be spent, by an agent, a category or the whole fleet, and what is left of it.
//!
//! What an allowed operation may cost is held from the decision on until a metric tells what it did cost, or for so
//! long: callers that ask at the same time cannot spend the same money twice. All sums are in billionths of a USD, so
//! that they are exact.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::agents::Agent;
use super::metric_sums::{billionths, from_billionths};
use super::metrics::Metric;
use super::time::{MINUTE, Timestamp};
use super::usage::{DayUsage, SessionUsage};
use crate::store::codec::{CodecError, Key};
use crate::store::{Lookup, StoreError, TableName, Value, WriteTx};

/// Whose spending is bounded.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, Serialize, Deserialize)]
pub enum Scope {
    /// All agents together.
    Fleet,
    /// The agents of a category.
    Category(String),
    /// An agent, by its id.
    Agent(#[bincode(with_serde)] Uuid),
    /// A session of an agent: its tokens are bounded.
    Session(#[bincode(with_serde)] Uuid, String),
}

impl Key for Scope {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Fleet => 0_u8.write(out),
            Self::Category(name) => {
                1_u8.write(out);
                name.write(out);
            }
            Self::Agent(id) => {
                2_u8.write(out);
                id.write(out);
            }
            Self::Session(id, session) => {
                3_u8.write(out);
                id.write(out);
                session.write(out);
            }
        }
    }

    fn read(input: &mut &[u8]) -> Result<Self, CodecError> {
        Ok(match u8::read(input)? {
            0 => Self::Fleet,
            1 => Self::Category(String::read(input)?),
            2 => Self::Agent(Uuid::read(input)?),
            3 => Self::Session(Uuid::read(input)?, String::read(input)?),
            other => return Err(CodecError(format!("unknown scope {other}"))),
        })
    }
}

/// The zone whose days budgets are for: how far it is ahead of UTC, in minutes. Figures are by UTC days all the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct Zone(pub i32);

impl Value for Zone {
    const TABLE: TableName = "budget_zone";
    type Key = ();

    fn is_empty(&self) -> bool {
        self.0 == 0
    }
}

impl Zone {
    /// The zone that is set.
    ///
    /// # Errors
    /// When storage fails.
    pub fn of(tx: &mut impl Lookup) -> Result<Self, StoreError> {
        Ok(tx.lookup::<Self>(&())?.unwrap_or_default())
    }

    /// The day that it is there at a time, counted as UTC days are.
    #[must_use]
    pub fn day(self, at: Timestamp) -> i64 {
        at.plus(i64::from(self.0) * MINUTE).day()
    }
}

/// What an operator set of a budget. The limits of an agent are those of its identity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct Terms {
    /// What a day may cost the fleet or a category.
    pub limit_nanos: Option<u64>,
    /// What one day may cost more: the day, and how much.
    pub raised: (i64, u64),
    /// What was used of one day before it was reset: the day, and how much.
    pub forgiven: (i64, u64),
    /// Whether nothing at all may be spent until an operator says so.
    pub paused: bool,
}

impl Terms {
    /// What may be used on a day and what was, after all that an operator did.
    #[must_use]
    pub fn applied(&self, limit: Option<u128>, used: u128, day: i64) -> (Option<u128>, u128) {
        let today = |(of, nanos): (i64, u64)| if of == day { u128::from(nanos) } else { 0 };
        (limit.map(|limit| limit + today(self.raised)), used.saturating_sub(today(self.forgiven)))
    }
}

impl Value for Terms {
    const TABLE: TableName = "budget_terms";
    type Key = Scope;

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What an agent, a category or the fleet spent on a day of the [`Zone`]. The key is `(day, scope)`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
pub struct Spent {
    /// In billionths of a USD.
    pub cost_nanos: u128,
}

impl Value for Spent {
    const TABLE: TableName = "spent_by_day";
    type Key = (i64, Scope);
}

/// What is held for operations that were allowed and of which no metric told yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
pub struct Held {
    /// In billionths of a USD.
    pub cost_nanos: u128,
    /// Tokens.
    pub tokens: u128,
}

impl Value for Held {
    const TABLE: TableName = "budget_held";
    type Key = Scope;

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// How a budget stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// What may be used; `None` without a limit.
    pub limit: Option<u128>,
    /// What was used of it.
    pub used: u128,
    /// What is held.
    pub held: u128,
    /// Whether an operator stopped it.
    pub paused: bool,
}

impl Standing {
    /// What is left.
    #[must_use]
    pub fn left(&self) -> Option<u128> {
        self.limit.map(|limit| limit.saturating_sub(self.used + self.held))
    }

    /// Whether something more may be used. Of what is used up nothing is left for what tells no estimate either.
    #[must_use]
    pub fn bears(&self, more: u128) -> bool {
        !self.paused && self.left().is_none_or(|left| left > 0 && more <= left)
    }
}

impl Scope {
    /// How what this scope may cost on a day of the [`Zone`] stands; of a session, how its tokens do.
    ///
    /// # Errors
    /// When storage fails.
    pub fn standing(
        &self,
        tx: &mut impl Lookup,
        agent: Option<&Agent>,
        day: i64,
    ) -> Result<Standing, StoreError> {
        let terms = tx.lookup::<Terms>(self)?.unwrap_or_default();
        let held = tx.lookup::<Held>(self)?.unwrap_or_default();
        let spent = tx.lookup::<Spent>(&(day, self.clone()))?.unwrap_or_default().cost_nanos;
        let (limit, used) = match self {
            Self::Session(id, session) => {
                let used = tx.lookup::<SessionUsage>(&(*id, session.clone()))?.unwrap_or_default();
                let limit = agent.map(|agent| u128::from(agent.limits.max_tokens_per_session));
                return Ok(Standing {
                    limit,
                    used: u128::from(used.tokens()),
                    held: held.tokens,
                    paused: terms.paused,
                });
            }
            Self::Agent(_) => {
                (agent.map(|agent| u128::from(billionths(agent.limits.max_cost_per_day))), spent)
            }
            Self::Fleet | Self::Category(_) => (terms.limit_nanos.map(u128::from), spent),
        };
        let (limit, used) = terms.applied(limit, used, day);
        Ok(Standing { limit, used, held: held.cost_nanos, paused: terms.paused })
    }

    /// The name by which clients know it.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Fleet => "fleet".into(),
            Self::Category(name) => format!("category:{name}"),
            Self::Agent(id) => format!("agent:{id}"),
            Self::Session(id, session) => format!("session:{id}:{session}"),
        }
    }

    /// All scopes whose cost an agent's operation is part of.
    #[must_use]
    pub fn of_cost(agent: &Agent) -> [Self; 3] {
        [Self::Agent(agent.agent_id), Self::Category(agent.metadata.category.clone()), Self::Fleet]
    }
}

/// Adds a metric to what its agent, the agent's category and the fleet spent.
///
/// # Errors
/// When storage fails.
pub fn charge(tx: &mut WriteTx<'_>, agent: &Agent, metric: &Metric) -> Result<(), StoreError> {
    let cost = u128::from(billionths(metric.measures.cost_usd.unwrap_or(0.0)));
    if cost == 0 {
        return Ok(());
    }
    let day = Zone::of(tx)?.day(metric.recorded_at);
    for scope in Scope::of_cost(agent) {
        tx.update(&(day, scope), |spent: &mut Spent| spent.cost_nanos += cost)?;
    }
    Ok(())
}

/// Counts what was spent already: the step of a data file that is older than the table. What agents spent that are gone
/// is the fleet's alone.
///
/// # Errors
/// When storage fails.
pub fn fill(tx: &mut WriteTx<'_>) -> Result<(), StoreError> {
    tx.walk_entries(|tx, (day, id): &(i64, Uuid), usage: &DayUsage| {
        let cost = usage.cost_nanos();
        if cost == 0 {
            return Ok(());
        }
        let category = tx.get::<Agent>(id)?.map(|agent| Scope::Category(agent.metadata.category));
        for scope in category.into_iter().chain([Scope::Agent(*id), Scope::Fleet]) {
            tx.update(&(*day, scope), |spent: &mut Spent| spent.cost_nanos += cost)?;
        }
        Ok(())
    })
}

/// What is left of an agent's budgets, as decisions tell it, members in the order of their names. Amounts are in USD.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BudgetState {
    /// What the day may cost, what an operator added for today included.
    pub cost_limit: f64,
    /// What is left.
    pub cost_remaining: f64,
    /// What is held for operations that were allowed and of which no metric told yet, this one included.
    pub cost_reserved: f64,
    /// What it cost so far.
    pub cost_used: f64,
    /// What the session may use; without a session there is none to tell of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_limit: Option<u64>,
    /// What is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_remaining: Option<u64>,
    /// What is held, this operation included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_reserved: Option<u64>,
    /// What it used so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_used: Option<u64>,
}

impl BudgetState {
    /// As the budgets stand.
    #[must_use]
    pub fn of(cost: &Standing, tokens: Option<&Standing>) -> Self {
        let count = |of: fn(&Standing) -> u128| tokens.map(|t| u64::try_from(of(t)).unwrap_or(u64::MAX));
        Self {
            cost_limit: from_billionths(cost.limit.unwrap_or(0)),
            cost_used: from_billionths(cost.used),
            cost_reserved: from_billionths(cost.held),
            cost_remaining: from_billionths(cost.left().unwrap_or(0)),
            tokens_limit: count(|t| t.limit.unwrap_or(0)),
            tokens_used: count(|t| t.used),
            tokens_reserved: count(|t| t.held),
            tokens_remaining: count(|t| t.left().unwrap_or(0)),
        }
    }
}
