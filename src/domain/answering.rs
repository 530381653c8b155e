//! What commands do to approvals: asking a person, answering, and ending what nobody answers.

use std::sync::Arc;

use uuid::Uuid;

use super::admin::Act;
use super::approvals::{Answer, Approval, ApprovalHead, ApprovalStatus, OPEN, PENDING, Reach};
use super::command::{Outcome, Run, Stop};
use super::events::EventKind;
use super::grants::Grant;
use super::log_id::seq_of;
use super::refusal::Refusal;
use super::time::Timestamp;
use crate::store::StoreError;

/// How many that nobody answered one command ends at most.
const ENDED: usize = 100;

impl Run<'_, '_> {
    /// Asks a person.
    pub(super) fn ask(&mut self, mut approval: Approval) -> Result<Approval, StoreError> {
        approval.seq = self.tx.update(&(), |head: &mut ApprovalHead| {
            head.0 += 1;
            head.0 - 1
        })?;
        self.tx.put(&approval)?;
        self.tell(approval.event(EventKind::ApprovalRequested, self.at, !self.nonce))?;
        self.post_approval(&approval)?;
        Ok(approval)
    }

    /// Answers what a person was asked.
    pub(super) fn answer(
        &mut self,
        id: Uuid,
        approved: bool,
        reach: Reach,
        reason: Option<String>,
    ) -> Result<Outcome, Stop> {
        let found = self.tx.get::<Approval>(&seq_of(id))?.filter(|approval| approval.id() == id);
        let not_found = || Refusal::NotFound { what: "approval", id: id.to_string() };
        let mut approval = found.ok_or_else(not_found)?;
        if approval.status == ApprovalStatus::Pending && approval.expires_at <= self.at {
            return Err(Refusal::Conflict("Nobody answered in time: it counts as denied.".into()).into());
        }
        if approval.status != ApprovalStatus::Pending {
            let by = approval.answer.as_ref().map_or("nobody", |answer| answer.by.as_str());
            let text = format!("It was answered before, by {}.", by.escape_debug());
            return Err(Refusal::Conflict(text).into());
        }
        if reach == Reach::Session && approval.question.session_id.is_none() {
            return Err(Refusal::Conflict("The agent told no session that it could be for.".into()).into());
        }
        approval.status = if approved { ApprovalStatus::Approved } else { ApprovalStatus::Denied };
        // What was approved waits to be done as long as it could have waited for the answer.
        let waited = approval.expires_at.0 - approval.created_at.0;
        approval.expires_at = self.at.plus(waited);
        approval.used = approved && reach != Reach::Once;
        approval.answer =
            Some(Answer { at: self.at, by: self.by.name.clone(), reason: reason.clone(), reach });
        self.tx.put(&approval)?;
        if approved && reach != Reach::Once {
            self.grant(&Grant::of(&approval, reach, self.at, &self.by.name))?;
        }
        let what = if approved { "approval_given" } else { "approval_denied" };
        let view = approval.view();
        let mut act =
            Act::new(what).on("approval", id.to_string()).with(&serde_json::json!({"approval": view}));
        act.reason = reason;
        self.record_act(act)?;
        self.tell(approval.event(EventKind::ApprovalResolved, self.at, !self.nonce))?;
        self.post_approval(&approval)?;
        Ok(Outcome::Approval(Arc::new(approval)))
    }

    /// Ends what nobody answered in time.
    pub(super) fn end_unanswered(&mut self) -> Result<(), StoreError> {
        for _ in 0..ENDED {
            match self.tx.first_in::<Approval, Timestamp>(&PENDING)? {
                Some((end, seq)) if end <= self.at => {
                    let Some(mut approval) = self.tx.get::<Approval>(&seq)? else { break };
                    approval.status = ApprovalStatus::Expired;
                    self.tx.put(&approval)?;
                    self.tell(approval.event(EventKind::ApprovalResolved, self.at, !self.nonce))?;
                    self.post_approval(&approval)?;
                }
                _ => break,
            }
        }
        Ok(())
    }

    /// Ends an approval that was not made use of in time: another may be asked for in its place.
    pub(super) fn end_unused(&mut self, same: Uuid) -> Result<(), StoreError> {
        let Some(seq) = self.tx.find_first(&OPEN, &same)? else { return Ok(()) };
        match self.tx.get::<Approval>(&seq)? {
            Some(approval)
                if approval.status == ApprovalStatus::Approved && approval.expires_at <= self.at =>
            {
                self.use_up(approval)
            }
            _ => Ok(()),
        }
    }

    /// Makes use of an answer for once.
    pub(super) fn use_up(&mut self, mut approval: Approval) -> Result<(), StoreError> {
        approval.used = true;
        self.tx.put(&approval)
    }
}
