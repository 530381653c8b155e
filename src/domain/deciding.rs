//! Deciding: whether an agent may do what it asks to do, written down as it is decided.
//!
//! What the identity says was [examined](super::policy) before. Here is what only the transaction knows: whether an
//! operator stopped the agent, what is left of the budgets, and what a person approved. What is allowed takes its
//! estimate out of the budgets in the same step.

use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::agents::Agent;
use super::approvals;
use super::audit::{Decision, NewAudit};
use super::budgets::BudgetState;
use super::command::{Outcome, Run, Stop};
use super::decision::{Asked, Decided, Said};
use super::events::Event;
use super::policy::Check;
use super::question::Question;
use super::recording::AuditHead;
use super::reservations::{self, Reservation};
use super::text::JsonText;
use super::time::Timestamp;
use super::unknown_agents;
use super::usage::Presence;
use crate::store::{Key, ReadTx, StoreError};

/// What the audit record of a decision tells beside the decision, members in the order of their names.
#[derive(Serialize)]
struct Told<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    approval_id: Option<Uuid>,
    asked: &'a Question,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget: Option<BudgetState>,
    checks: &'a [Check],
    /// What the client wanted kept with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<&'a RawValue>,
    rule: &'a str,
}

/// Whether something has ended that nobody answered, or is held for too long.
///
/// # Errors
/// When storage fails.
pub fn is_something_due(tx: &ReadTx, at: Timestamp) -> Result<bool, StoreError> {
    for table in [approvals::PENDING.table, reservations::BY_END.table] {
        let first = tx.prefix(table, &[])?.next().transpose()?;
        if first
            .map(|(key, _)| Timestamp::read(&mut key.as_slice()))
            .transpose()?
            .is_some_and(|end| end <= at)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Run<'_, '_> {
    pub(super) fn decide(&mut self, asked: Asked) -> Result<Outcome, Stop> {
        self.release_ended()?;
        self.end_unanswered()?;
        if asked.asks.is_some() {
            self.end_unused(asked.same)?;
        }
        let said = asked.said(self.tx, self.at)?;
        let decided = Decided::of(self.tx, &asked, said.as_ref(), self.at)?;
        // The record's number is the next one: what is asked and held refers to it.
        let seq = self.tx.get::<AuditHead>(&())?.unwrap_or_default().next;
        let mut approval_id = None;
        match (decided.decision, said) {
            (Decision::Allowed, Some(Said::Approved(approval))) => {
                approval_id = Some(approval.id());
                self.use_up(approval)?;
            }
            (Decision::RequiresApproval, Some(Said::Asked(approval))) => approval_id = Some(approval.id()),
            (Decision::RequiresApproval, _) => {
                if let Some(agent_id) = asked.agent_id {
                    let approval = self.ask(asked.approval(agent_id, seq, self.at, self.nonce))?;
                    approval_id = Some(approval.id());
                }
            }
            _ => {}
        }
        if let (Decision::Allowed, Some(agent)) = (decided.decision, &decided.agent) {
            self.hold(&asked, agent, seq)?;
        }
        if asked.agent_id.is_none() {
            unknown_agents::saw(self.tx, &asked.told, self.at)?;
        }
        let context = serde_json::from_str::<&RawValue>(&asked.told.context.0).ok();
        let told = Told {
            approval_id,
            asked: &asked.question,
            budget: decided.budget,
            checks: &decided.checks,
            context: context.filter(|context| context.get() != "{}"),
            rule: &decided.rule,
        };
        let context = JsonText::sorted(&told);
        let told =
            NewAudit { decision: decided.decision, reason: Some(decided.reason), context, ..asked.told };
        let registered = decided.agent.map(|agent| agent.agent_id);
        let record = self.append_of(told, registered)?;
        if let Some(id) = registered {
            Presence::seen(self.tx, id, record.told.timestamp, self.at, record.told.session_id.as_deref())?;
        }
        self.tell(Event::of_operation(std::sync::Arc::clone(&record)))?;
        Ok(Outcome::Audit(vec![record]))
    }

    /// Takes what an allowed operation may use out of the budgets.
    fn hold(&mut self, asked: &Asked, agent: &Agent, seq: u64) -> Result<(), StoreError> {
        let (cost, tokens) = asked.estimates();
        if cost == 0 && tokens == 0 {
            return Ok(());
        }
        self.reserve(&Reservation {
            seq,
            agent_id: agent.agent_id,
            session: asked.told.session_id.clone(),
            category: agent.metadata.category.clone(),
            cost_nanos: u64::try_from(cost).unwrap_or(u64::MAX),
            tokens: u64::try_from(tokens).unwrap_or(u64::MAX),
            until: asked.hold_until,
        })
    }
}
