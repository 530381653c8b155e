//! Proof that what is held and spent agrees with the records behind it.

use std::collections::BTreeMap;

use super::approvals::{Approval, ApprovalHead};
use super::budgets::{Held, Scope, Spent};
use super::check::CheckReport;
use super::grants::Grant;
use super::reservations::Reservation;
use super::usage::DayUsage;
use super::webhooks::Delivery;
use crate::store::{Key, ReadTx, StoreError, Value};

impl CheckReport {
    /// Reservations, approvals, grants and what webhooks are to be told agree with their indexes and sums.
    pub(super) fn governance(&mut self, tx: &ReadTx) -> Result<(), StoreError> {
        self.records::<Reservation>(tx)?;
        self.records::<Grant>(tx)?;
        self.records::<Delivery>(tx)?;
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
        let mut spent: BTreeMap<i64, u128> = BTreeMap::new();
        for entry in tx.range_raw(DayUsage::TABLE, std::ops::Bound::Unbounded, std::ops::Bound::Unbounded)? {
            let (key, value) = entry?;
            let day = i64::read(&mut key.as_slice())?;
            *spent.entry(day).or_default() += DayUsage::from_stored(&value)?.cost_nanos();
        }
        spent.retain(|_, nanos| *nanos > 0);
        let mut of_fleet = BTreeMap::new();
        for entry in tx.all::<Spent>()? {
            let ((day, scope), Spent { cost_nanos }) = entry?;
            if scope == Scope::Fleet {
                of_fleet.insert(day, cost_nanos);
            }
        }
        self.expect(of_fleet == spent, || {
            "spent_by_day: the fleet's differs from the sum of its agents'".into()
        });
        Ok(())
    }
}
