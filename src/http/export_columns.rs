//! The columns of exported records.

use super::export::{Exported, text_cell};
use crate::domain::audit::AuditRecord;
use crate::domain::metrics::Metric;

fn shown<T: ToString>(value: Option<T>) -> String {
    value.map(|v| v.to_string()).unwrap_or_default()
}

impl Exported for Metric {
    const CSV_NAME: &'static str = "metrics.csv";
    const NDJSON_NAME: &'static str = "metrics.ndjson";
    const HEAD: &'static [&'static str] = &[
        "metric_id",
        "seq",
        "recorded_at",
        "agent_id",
        "metric_type",
        "execution_time_ms",
        "success",
        "tokens_used",
        "api_calls",
        "cost_usd",
        "quality_score",
        "code_violations",
        "tasks_completed",
        "tasks_failed",
        "session_id",
        "context",
    ];

    fn cells(&self) -> Vec<String> {
        let m = &self.measures;
        vec![
            self.id().to_string(),
            self.seq.to_string(),
            self.recorded_at.to_string(),
            self.agent_id.to_string(),
            text_cell(&self.metric_type),
            shown(m.execution_time_ms),
            shown(m.success),
            shown(m.tokens_used),
            shown(m.api_calls),
            shown(m.cost_usd),
            shown(m.quality_score),
            shown(m.code_violations),
            shown(m.tasks_completed),
            shown(m.tasks_failed),
            text_cell(self.session_id.as_deref().unwrap_or_default()),
            text_cell(self.context.as_ref().map_or("", |c| c.0.as_str())),
        ]
    }
}

impl Exported for AuditRecord {
    const CSV_NAME: &'static str = "audit.csv";
    const NDJSON_NAME: &'static str = "audit.ndjson";
    const HEAD: &'static [&'static str] = &[
        "audit_id",
        "seq",
        "timestamp",
        "agent_id",
        "agent_name",
        "agent_role",
        "registered_id",
        "operation_type",
        "operation_detail",
        "target_resource",
        "target_type",
        "rbac_decision",
        "rbac_reason",
        "cost_usd",
        "tokens_used",
        "session_id",
        "context",
        "hash",
    ];

    fn cells(&self) -> Vec<String> {
        let view = self.view();
        vec![
            view.audit_id.to_string(),
            view.seq.to_string(),
            view.timestamp.to_string(),
            text_cell(view.agent.agent_id),
            text_cell(view.agent.name),
            text_cell(view.agent.role),
            shown(view.agent.registered_id),
            text_cell(view.operation.kind),
            text_cell(view.operation.detail),
            text_cell(view.target.resource),
            text_cell(view.target.kind),
            view.rbac.decision.as_str().to_owned(),
            text_cell(view.rbac.reason),
            view.cost.usd.to_string(),
            view.cost.tokens_used.to_string(),
            text_cell(view.session_id),
            text_cell(&view.context.0),
            view.hash.to_string(),
        ]
    }
}
