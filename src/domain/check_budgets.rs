//! Proof that what is held and spent agrees with the records behind it.

use std::collections::BTreeMap;

use super::approvals::{Approval, ApprovalHead};
use super::budgets::{Held, Scope, Spent, Zone};
use super::check::CheckReport;
use super::grants::Grant;
use super::reservations::Reservation;
use super::usage::DayUsage;
use crate::store::{ReadTx, StoreError, Value};

impl CheckReport {
    /// Reservations, approvals and grants agree with their indexes and sums.
    pub(super) fn governance(&mut self, tx: &ReadTx) -> Result<(), StoreError> {
        self.records::<Reservation>(tx)?;
        self.records::<Grant>(tx)?;
        let approvals = self.records::<Approval>(tx)?;
        let next = tx.get::<ApprovalHead>(&())?.unwrap_or_default().0;
        self.expect(approvals == next, || format!("approvals: the next number is {next}, not {approvals}"));
        let mut held: BTreeMap<Scope, Held> = BTreeMap::new();
        for entry in tx.all::<Reservation>()? {
            let (_, reservation) = entry?;
            for scope in reservation.scopes() {
                let sum = held.entry(scope).or_default();
                sum.cost_nanos += u128::from(reservation.cost_nanos);
                sum.tokens += u128::from(reservation.tokens);
            }
        }
        held.retain(|_, sum| !sum.is_empty());
        let kept = tx.all::<Held>()?.collect::<Result<BTreeMap<_, _>, _>>()?;
        self.expect(kept == held, || "budget_held: differs from the reservations".into());
        // The fleet spent what its agents did, and in UTC each agent what its usage says.
        let (mut of_agents, mut of_fleet) = (BTreeMap::<i64, u128>::new(), BTreeMap::new());
        let in_utc = Zone::of(&mut &*tx)? == Zone::default();
        for entry in tx.all::<Spent>()? {
            let ((day, scope), Spent { cost_nanos }) = entry?;
            match scope {
                Scope::Fleet => drop(of_fleet.insert(day, cost_nanos)),
                Scope::Agent(id) => {
                    *of_agents.entry(day).or_default() += cost_nanos;
                    let used = tx.get::<DayUsage>(&(day, id))?.unwrap_or_default().cost_nanos();
                    self.expect(!in_utc || used == cost_nanos, || {
                        format!("spent_by_day: that of agent {id} on day {day} differs from its usage")
                    });
                }
                _ => {}
            }
        }
        self.expect(of_fleet == of_agents, || {
            "spent_by_day: the fleet's differs from the sum of its agents'".into()
        });
        Ok(())
    }
}
