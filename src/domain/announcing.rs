//! What the stream is told of what commands do.

use std::sync::Arc;

use super::agent_view::AgentView;
use super::agents::Agent;
use super::alerts::{self, Alert, Severity};
use super::budgets::{Scope, Zone};
use super::command::Run;
use super::events::{Data, Details, Event, EventKind};
use super::metric_sums::from_billionths;
use super::metrics::Metric;
use super::text::JsonText;
use super::unpriced;
use super::usage::Movement;
use crate::store::StoreError;

impl Run<'_, '_> {
    pub(super) fn tell(&mut self, event: Event) -> Result<(), StoreError> {
        let event = event.append(self.tx)?;
        self.events.push(event);
        Ok(())
    }

    pub(super) fn tell_of_agent(
        &mut self,
        kind: EventKind,
        agent: &Agent,
        message: String,
        session_id: Option<String>,
    ) -> Result<(), StoreError> {
        let view = AgentView::load(self.tx, agent, self.at)?;
        self.tell(Event {
            seq: 0,
            nonce: self.nonce,
            kind,
            timestamp: self.at,
            agent_name: agent.name.clone(),
            agent_role: agent.role.clone(),
            message,
            details: Details { agent_id: Some(agent.agent_id.to_string()), session_id, ..Details::default() },
            data: Data::Json(JsonText::of(&view)),
        })
    }

    /// Tells once of a model whose price nobody knows.
    pub(super) fn note_unpriced(
        &mut self,
        agent: &Agent,
        model: &str,
        metric: &Metric,
    ) -> Result<(), StoreError> {
        let tokens = metric.measures.tokens_used.unwrap_or(0);
        if !unpriced::saw(self.tx, model, tokens, self.at)? {
            return Ok(());
        }
        let alert = Alert::of_agent(
            agent,
            Severity::Warning,
            "A model without a price",
            format!(
                "what {} used of {model} costs nobody knows what: give it a price (--prices)",
                agent.name
            ),
            self.at,
            !metric.nonce,
        );
        let alert = self.raise(alert)?;
        self.tell(Event {
            seq: 0,
            nonce: alert.nonce,
            kind: EventKind::BudgetAlert,
            timestamp: self.at,
            agent_name: agent.name.clone(),
            agent_role: agent.role.clone(),
            message: alert.message.clone(),
            details: Details { agent_id: Some(agent.agent_id.to_string()), ..Details::default() },
            data: Data::Json(JsonText::of(&alert.view())),
        })
    }

    pub(super) fn tell_of_metric(
        &mut self,
        agent: &Agent,
        metric: &Arc<Metric>,
        moved: &Movement,
    ) -> Result<(), StoreError> {
        let m = &metric.measures;
        let zone = Zone::of(self.tx)?;
        let day = zone.day(metric.recorded_at);
        let standing = Scope::Agent(agent.agent_id).standing(self.tx, Some(agent), day)?;
        let remaining = from_billionths(standing.limit.unwrap_or(0)) - from_billionths(standing.used);
        let event = |kind, message: String| {
            let (name, role) = (agent.name.clone(), agent.role.clone());
            Event::of_metric(Arc::clone(metric), kind, name, role, &format!(": {message}"))
        };
        self.tell(event(EventKind::MetricRecorded, format!("{} recorded", metric.metric_type)))?;
        let is_task = metric.metric_type == "task_completion";
        if m.tasks_failed.unwrap_or(0) > 0 || (is_task && m.success == Some(false)) {
            self.tell(event(EventKind::TaskFailed, "task failed".into()))?;
        } else if m.tasks_completed.unwrap_or(0) > 0 || is_task {
            self.tell(event(EventKind::TaskCompleted, "task completed".into()))?;
        }
        if let Some(score) = m.quality_score {
            self.tell(event(EventKind::QualityUpdate, format!("quality {:.0} of 100", score * 100.0)))?;
        }
        // The budget is today's: what is recorded late moves the day it belongs to, in silence.
        if day != zone.day(self.at) {
            return Ok(());
        }
        if m.cost_usd.unwrap_or(0.0) > 0.0 || m.tokens_used.unwrap_or(0) > 0 {
            let message = format!("{remaining:.2} {} left today", agent.limits.currency);
            let mut updated = event(EventKind::BudgetUpdated, message);
            updated.details.budget_remaining = Some(remaining);
            self.tell(updated)?;
        }
        for alert in alerts::for_movement(self.tx, agent, moved, metric.recorded_at, metric.nonce)? {
            let alert = self.raise(alert)?;
            let mut told = event(EventKind::BudgetAlert, alert.message.clone());
            told.message.clone_from(&alert.message);
            told.details.budget_remaining = Some(remaining);
            told.data = Data::Json(JsonText::of(&alert.view()));
            self.tell(told)?;
        }
        Ok(())
    }
}
