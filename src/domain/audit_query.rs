//! Finding audit records.

use super::audit::{self, AuditRecord, Decision};
use super::log_query::{LogQuery, Page, Paging};
use super::tally::{self, Counted, Dimension};
use super::time::Timestamp;
use crate::store::{ReadTx, StoreError};

/// Which audit records are wanted; all that are given must hold.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs)]
pub struct AuditFilter {
    /// The agent's id as told (its name, where no id was told), or the id of the registered agent.
    pub agent_id: Option<String>,
    pub operation_type: Option<String>,
    pub decision: Option<Decision>,
    pub agent_role: Option<String>,
    pub session_id: Option<String>,
    /// First moment, inclusive.
    pub start: Option<Timestamp>,
    /// Last moment, inclusive.
    pub end: Option<Timestamp>,
    /// Text in any member, in any case.
    pub q: Option<String>,
    /// The whole reason, exactly.
    pub reason: Option<String>,
}

impl AuditFilter {
    /// One page of the matches, newest first.
    ///
    /// # Errors
    /// When storage fails.
    pub fn page(&self, tx: &ReadTx, paging: Paging) -> Result<Page<AuditRecord>, StoreError> {
        self.query().counted(self.known_total(tx)?).page(tx, paging)
    }

    /// The query, without a count.
    #[must_use]
    pub fn query(&self) -> LogQuery<AuditRecord> {
        LogQuery::between(audit::BY_TIME, self.start, self.end)
            .with(&audit::BY_SESSION, self.session_id.as_ref())
            .with(&audit::BY_AGENT, self.agent_id.as_ref())
            .with(&audit::BY_OPERATION, self.operation_type.as_ref())
            .with(&audit::BY_ROLE, self.agent_role.as_ref())
            .with(&audit::BY_DECISION, self.decision.map(Decision::as_str).as_ref())
            .with(&audit::BY_REASON, self.reason.as_deref().map(audit::reason_key).as_ref())
            .matching(self.q.as_deref().map(containing))
    }

    /// The number of matches, where a tally holds it.
    fn known_total(&self, tx: &ReadTx) -> Result<Option<u64>, StoreError> {
        let apart = [&self.agent_id, &self.session_id, &self.q, &self.reason];
        if apart.iter().any(|f| f.is_some()) {
            return Ok(None);
        }
        let (dimension, value) = match (&self.operation_type, self.decision, &self.agent_role) {
            (None, None, None) => (Dimension::All, ""),
            (Some(operation), None, None) => (Dimension::Operation, operation.as_str()),
            (None, Some(decision), None) => (Dimension::Decision, decision.as_str()),
            (None, None, Some(role)) => (Dimension::Role, role.as_str()),
            _ => return Ok(None),
        };
        let counted = Counted(dimension, value.to_owned());
        tally::of(tx, &counted, tally::window_of(self.start, self.end)).map(Some)
    }
}

fn containing(text: &str) -> Box<dyn Fn(&AuditRecord) -> bool> {
    let wanted = text.to_lowercase();
    Box::new(move |record| {
        let told = &record.told;
        let members = [
            &told.agent_id,
            &told.agent_name,
            &told.agent_role,
            &told.operation_type,
            &told.operation_detail,
            &told.target_resource,
            &told.target_type,
            &told.reason,
            &told.session_id,
        ];
        members.into_iter().flatten().chain([&told.context.0]).any(|m| m.to_lowercase().contains(&wanted))
    })
}
