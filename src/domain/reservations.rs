//! Reservations: what an allowed operation may use is held until a metric tells what it used, or for so long.

use bincode::{Decode, Encode};
use uuid::Uuid;

use super::agents::Agent;
use super::budgets::{Held, Scope};
use super::command::Run;
use super::log_id::seq_of;
use super::metrics::Metric;
use super::time::Timestamp;
use crate::store::{Index, Record, StoreError, TableName, Value};

/// What is held for one operation. The key is the number of the audit record of the decision.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Reservation {
    /// The decision.
    pub seq: u64,
    /// Whose operation it is.
    #[bincode(with_serde)]
    pub agent_id: Uuid,
    /// In which session.
    pub session: Option<String>,
    /// The agent's category then.
    pub category: String,
    /// In billionths of a USD.
    pub cost_nanos: u64,
    /// Tokens.
    pub tokens: u64,
    /// Until when.
    pub until: Timestamp,
}

/// By agent and session, in the order of the decisions.
pub const BY_SESSION: Index<Reservation> = Index {
    table: "reservations_by_session",
    values: |r, e| e.push(&(r.agent_id, r.session.as_deref().unwrap_or_default())),
};

/// By when they end.
pub const BY_END: Index<Reservation> =
    Index { table: "reservations_by_end", values: |r, e| e.push(&r.until) };

impl Value for Reservation {
    const TABLE: TableName = "reservations";
    type Key = u64;
}

impl Record for Reservation {
    const INDEXES: &'static [Index<Self>] = &[BY_SESSION, BY_END];

    fn key(&self) -> u64 {
        self.seq
    }
}

impl Reservation {
    /// The scopes in which it is held.
    pub(super) fn scopes(&self) -> impl Iterator<Item = Scope> {
        let of_cost = [Scope::Agent(self.agent_id), Scope::Category(self.category.clone()), Scope::Fleet];
        of_cost.into_iter().chain(self.session.clone().map(|session| Scope::Session(self.agent_id, session)))
    }
}

/// How many that have ended one command releases at most.
const RELEASED: usize = 100;

impl Run<'_, '_> {
    /// Holds what an operation may use.
    pub(super) fn reserve(&mut self, reservation: &Reservation) -> Result<(), StoreError> {
        let (cost, tokens) = (u128::from(reservation.cost_nanos), u128::from(reservation.tokens));
        for scope in reservation.scopes() {
            self.tx.update(&scope, |held: &mut Held| {
                held.cost_nanos += cost;
                held.tokens += tokens;
            })?;
        }
        self.tx.put(reservation)
    }

    fn release(&mut self, seq: u64) -> Result<(), StoreError> {
        let Some(reservation) = self.tx.remove::<Reservation>(&seq)? else { return Ok(()) };
        let (cost, tokens) = (u128::from(reservation.cost_nanos), u128::from(reservation.tokens));
        for scope in reservation.scopes() {
            self.tx.update(&scope, |held: &mut Held| {
                held.cost_nanos = held.cost_nanos.saturating_sub(cost);
                held.tokens = held.tokens.saturating_sub(tokens);
            })?;
        }
        Ok(())
    }

    /// Releases what was held for longer than it may be.
    pub(super) fn release_ended(&mut self) -> Result<(), StoreError> {
        for _ in 0..RELEASED {
            match self.tx.first_in::<Reservation, Timestamp>(&BY_END)? {
                Some((until, seq)) if until <= self.at => self.release(seq)?,
                _ => break,
            }
        }
        Ok(())
    }

    /// Releases what was held for the operation that a metric tells of: the one whose decision it names, else the
    /// oldest of its agent and session.
    pub(super) fn settle(
        &mut self,
        agent: &Agent,
        metric: &Metric,
        decision: Option<Uuid>,
    ) -> Result<(), StoreError> {
        let measures = &metric.measures;
        if decision.is_none() && measures.cost_usd.is_none() && measures.tokens_used.is_none() {
            return Ok(());
        }
        let seq = match decision {
            Some(id) => {
                let named = self.tx.get::<Reservation>(&seq_of(id))?;
                named.filter(|held| held.agent_id == agent.agent_id).map(|held| held.seq)
            }
            None => {
                let session = metric.session_id.as_deref().unwrap_or_default();
                self.tx.find_first(&BY_SESSION, &(agent.agent_id, session))?
            }
        };
        seq.map_or(Ok(()), |seq| self.release(seq))
    }
}
