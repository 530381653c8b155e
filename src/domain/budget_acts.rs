//! What operators do to budgets, and how budgets are shown.

use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::admin::Act;
use super::agents::Agent;
use super::budgets;
use super::budgets::{Scope, Spent, Standing, Terms, Zone};
use super::command::{Outcome, Run, Stop};
use super::events::{Data, Details, Event, EventKind};
use super::metric_sums::from_billionths;
use super::metrics::Metric;
use super::refusal::Refusal;
use super::text::JsonText;
use crate::store::{Lookup, StoreError};

/// How many counts are taken away at once when they are made anew.
const RECOUNTED: u64 = 10_000;

/// What is done to a budget. Amounts are in billionths of a USD.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum BudgetChange {
    /// What a day may cost the fleet or a category; `None` for no limit.
    Limit(Option<u64>),
    /// So much more for today.
    Raise(u64),
    /// What was used today counts no longer.
    Reset,
    /// Nothing may be spent, or it may again.
    Pause(bool),
}

/// A budget as clients see it. Amounts are in USD.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = DayBudget)]
pub struct BudgetView {
    /// `fleet`, `category:` and its name, or `agent:` and its id.
    #[schema(example = "category:platforms")]
    pub scope: String,
    /// Whose it is, for people.
    pub name: String,
    /// What today may cost; `null` without a limit.
    pub limit: Option<f64>,
    /// What it cost so far.
    pub used: f64,
    /// What is held for operations that were allowed and of which no metric told yet.
    pub reserved: f64,
    /// What is left; `null` without a limit.
    pub remaining: Option<f64>,
    /// What an operator added for today.
    pub raised: f64,
    /// Whether an operator stopped all spending.
    pub paused: bool,
}

impl BudgetView {
    /// As a budget stands on a day.
    ///
    /// # Errors
    /// When storage fails.
    pub fn load(
        tx: &mut impl Lookup,
        scope: &Scope,
        agent: Option<&Agent>,
        day: i64,
    ) -> Result<Self, StoreError> {
        let standing = scope.standing(tx, agent, day)?;
        let Standing { limit, used, held, paused } = standing;
        let terms = tx.lookup::<Terms>(scope)?.unwrap_or_default();
        let name = match (scope, agent) {
            (Scope::Category(name), _) => name.clone(),
            (_, Some(agent)) => agent.name.clone(),
            _ => scope.name(),
        };
        let raised = if terms.raised.0 == day { terms.raised.1 } else { 0 };
        Ok(Self {
            scope: scope.name(),
            name,
            limit: limit.map(from_billionths),
            used: from_billionths(used),
            reserved: from_billionths(held),
            remaining: standing.left().map(from_billionths),
            raised: from_billionths(raised.into()),
            paused,
        })
    }
}

impl Run<'_, '_> {
    /// Sets the zone whose days budgets are for, and counts what was spent by its days: of the metrics that are kept.
    pub(super) fn set_zone(&mut self, zone: Zone) -> Result<Outcome, Stop> {
        if Zone::of(self.tx)? == zone {
            return Ok(Outcome::Done);
        }
        self.tx.set(&(), &zone)?;
        let past = (i64::MAX, Scope::Fleet);
        while self.tx.remove_before::<Spent>(&past, RECOUNTED)? > 0 {}
        self.tx.walk(|tx, metric: &Metric| match tx.get::<Agent>(&metric.agent_id)? {
            Some(agent) => budgets::charge(tx, &agent, metric),
            None => Ok(()),
        })?;
        let zone = json!({"minutes_ahead_of_utc": zone.0});
        self.act(Act::new("budget_zone_set").on("budget", "zone").with(&zone))?;
        Ok(Outcome::Done)
    }

    pub(super) fn change_budget(&mut self, scope: &Scope, change: &BudgetChange) -> Result<Outcome, Stop> {
        let agent = match scope {
            Scope::Agent(id) => Some(self.agent(*id)?),
            _ => None,
        };
        if agent.is_some() && matches!(change, BudgetChange::Limit(_)) {
            let text =
                "The limits of an agent are those of its identity: change budget_max_cost_per_day there.";
            return Err(Refusal::Conflict(text.into()).into());
        }
        let day = Zone::of(self.tx)?.day(self.at);
        let before = self.tx.get::<Terms>(scope)?.unwrap_or_default();
        let standing = scope.standing(self.tx, agent.as_ref(), day)?;
        if matches!(change, BudgetChange::Raise(_)) && standing.limit.is_none() {
            return Err(Refusal::Conflict("It has no limit that could be raised.".into()).into());
        }
        let used = standing.used;
        let mut terms = before;
        let today = |(of, nanos): (i64, u64)| if of == day { nanos } else { 0 };
        let what = match change {
            BudgetChange::Limit(limit) => {
                terms.limit_nanos = *limit;
                "budget_set"
            }
            BudgetChange::Raise(more) => {
                terms.raised = (day, today(terms.raised).saturating_add(*more));
                "budget_raised"
            }
            BudgetChange::Reset => {
                let used = u64::try_from(used).unwrap_or(u64::MAX);
                terms.forgiven = (day, today(terms.forgiven).saturating_add(used));
                "budget_reset"
            }
            BudgetChange::Pause(paused) => {
                terms.paused = *paused;
                if *paused { "budget_paused" } else { "budget_resumed" }
            }
        };
        if terms == before {
            return Ok(Outcome::Done);
        }
        self.tx.set(scope, &terms)?;
        let view = BudgetView::load(self.tx, scope, agent.as_ref(), day)?;
        let act = Act::new(what).on("budget", scope.name()).with(&json!({"budget": &view}));
        self.record_act(act)?;
        self.tell(Event {
            seq: 0,
            nonce: !self.nonce,
            kind: EventKind::BudgetUpdated,
            timestamp: self.at,
            agent_name: view.name.clone(),
            agent_role: agent.as_ref().map_or_else(|| "budget".into(), |agent| agent.role.clone()),
            message: format!("{}: {}", view.name, what.replace('_', " ")),
            details: Details {
                agent_id: agent.map(|agent| agent.agent_id.to_string()),
                operation: Some(what.into()),
                budget_remaining: view.remaining,
                ..Details::default()
            },
            data: Data::Json(JsonText::of(&view)),
        })?;
        Ok(Outcome::Done)
    }
}
