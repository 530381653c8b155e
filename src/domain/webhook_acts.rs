//! What commands do to the outbox.

use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::admin::Act;
use super::alerts::Alert;
use super::approvals::{Approval, ApprovalStatus};
use super::command::{Outcome, Run, Stop};
use super::log_id::seq_of;
use super::refusal::Refusal;
use super::time::Timestamp;
use super::webhooks::{DEAD, Delivery, MOST, Outbox, Standing, TargetRecord, Targets, Topic, WAITING};
use crate::store::StoreError;

/// What became of a try.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Tried {
    /// The target took it.
    Taken,
    /// It did not.
    Failed {
        /// Why.
        why: String,
        /// When to try again; `None` gives up.
        again: Option<Timestamp>,
    },
}

impl Run<'_, '_> {
    /// Gives an alert its number, stores it, and tells webhooks.
    pub(super) fn raise(&mut self, alert: Alert) -> Result<Alert, StoreError> {
        let alert = alert.append(self.tx)?;
        self.post(Topic::BudgetAlert, || json!(alert.view()))?;
        Ok(alert)
    }

    /// Tells webhooks how an approval stands.
    pub(super) fn post_approval(&mut self, approval: &Approval) -> Result<(), StoreError> {
        let topic = match approval.status {
            ApprovalStatus::Pending => Topic::ApprovalRequested,
            _ => Topic::ApprovalResolved,
        };
        self.post(topic, || json!(approval.view()))
    }

    fn post(&mut self, topic: Topic, data: impl FnOnce() -> serde_json::Value) -> Result<(), StoreError> {
        let Some(Targets(targets)) = self.tx.get::<Targets>(&())?.filter(|targets| !targets.0.is_empty())
        else {
            return Ok(());
        };
        let body = json!({"type": topic, "timestamp": self.at, "data": data()}).to_string();
        for target in &targets {
            let seq = self.tx.update(&(), |outbox: &mut Outbox| {
                outbox.next += 1;
                outbox.next - 1
            })?;
            self.tx.put(&Delivery {
                seq,
                nonce: self.nonce.rotate_left(32),
                target: *target,
                topic,
                body: body.clone(),
                created_at: self.at,
                since: self.at,
                tries: 0,
                standing: Standing::Waits(self.at),
                why: None,
            })?;
        }
        while self.tx.len(WAITING.table)? > MOST && self.push_out(&targets)? {}
        Ok(())
    }

    /// Gives up the oldest that waits.
    fn push_out(&mut self, targets: &[Uuid]) -> Result<bool, StoreError> {
        let mut oldest = None;
        for target in targets {
            let first = self.tx.find_first(&WAITING, target)?;
            oldest = oldest.into_iter().chain(first).min();
        }
        let Some(found) = oldest.map(|seq| self.tx.get::<Delivery>(&seq)).transpose()?.flatten() else {
            return Ok(false);
        };
        self.tx.update(&(), |outbox: &mut Outbox| outbox.pushed_out += 1)?;
        self.bury(found, format!("more than {MOST} deliveries waited"))?;
        Ok(true)
    }

    /// Gives a delivery up.
    fn bury(&mut self, delivery: Delivery, why: String) -> Result<(), StoreError> {
        self.tx.put(&Delivery { standing: Standing::Dead(self.at), why: Some(why), ..delivery })?;
        while self.tx.len(DEAD.table)? > MOST {
            let Some((_, oldest)) = self.tx.first_in::<Delivery, Timestamp>(&DEAD)? else { break };
            self.tx.remove::<Delivery>(&oldest)?;
            self.tx.update(&(), |outbox: &mut Outbox| outbox.forgotten += 1)?;
        }
        Ok(())
    }

    /// Notes who is told from now on. What others were to be told is given up.
    pub(super) fn set_webhooks(&mut self, targets: Vec<Uuid>) -> Result<Outcome, Stop> {
        let Targets(before) = self.tx.get::<Targets>(&())?.unwrap_or_default();
        for gone in before.iter().filter(|target| !targets.contains(target)) {
            while let Some(seq) = self.tx.find_first(&WAITING, gone)? {
                let Some(found) = self.tx.get::<Delivery>(&seq)? else { break };
                self.bury(found, "the settings no longer name its target".into())?;
            }
        }
        self.tx.set(&(), &Targets(targets))?;
        Ok(Outcome::Done)
    }

    /// Notes what became of a try.
    pub(super) fn note_delivery(&mut self, seq: u64, tried: Tried) -> Result<Outcome, Stop> {
        let Some(delivery) = self.tx.get::<Delivery>(&seq)? else { return Ok(Outcome::Done) };
        let at = self.at;
        match tried {
            Tried::Taken => {
                self.tx.remove::<Delivery>(&seq)?;
                self.tx.update(&delivery.target, |target: &mut TargetRecord| {
                    target.delivered += 1;
                    target.last_delivered = Some(at);
                })?;
            }
            Tried::Failed { why, again } => {
                self.tx.update(&delivery.target, |target: &mut TargetRecord| {
                    target.failed += 1;
                    target.last_failure = Some((at, why.clone()));
                })?;
                // It may have been given up meanwhile.
                if delivery.is_dead() {
                    return Ok(Outcome::Done);
                }
                let delivery = Delivery { tries: delivery.tries.saturating_add(1), ..delivery };
                match again {
                    None => self.bury(delivery, why)?,
                    Some(due) => {
                        let standing = Standing::Waits(due);
                        self.tx.put(&Delivery { standing, why: Some(why), ..delivery })?;
                    }
                }
            }
        }
        Ok(Outcome::Done)
    }

    /// Lets a dead letter wait to be delivered once more.
    pub(super) fn retry_delivery(&mut self, id: Uuid) -> Result<Outcome, Stop> {
        let delivery = self.dead_letter(id)?;
        let Targets(targets) = self.tx.get::<Targets>(&())?.unwrap_or_default();
        if !targets.contains(&delivery.target) {
            return Err(Refusal::Conflict("The settings no longer name its target.".into()).into());
        }
        let (since, standing) = (self.at, Standing::Waits(self.at));
        self.tx.put(&Delivery { since, tries: 0, standing, ..delivery })?;
        self.act(Act::new("webhook_retried").on("webhook_delivery", id.to_string()))?;
        Ok(Outcome::Done)
    }

    /// Removes a dead letter.
    pub(super) fn discard_delivery(&mut self, id: Uuid) -> Result<Outcome, Stop> {
        let delivery = self.dead_letter(id)?;
        self.tx.remove::<Delivery>(&delivery.seq)?;
        self.act(Act::new("webhook_discarded").on("webhook_delivery", id.to_string()))?;
        Ok(Outcome::Done)
    }

    fn dead_letter(&mut self, id: Uuid) -> Result<Delivery, Stop> {
        let found = self.tx.get::<Delivery>(&seq_of(id))?.filter(|found| found.id() == id && found.is_dead());
        Ok(found.ok_or_else(|| Refusal::NotFound { what: "dead letter", id: id.to_string() })?)
    }
}
