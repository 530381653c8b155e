//! Finding and ordering agents.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::agent_view::{AgentView, Status};
use super::agents::{self, Agent};
use super::roster::Roster;
use super::time::Timestamp;
use crate::store::{Key, ReadTx, StoreError};

/// Which agents are wanted; all that are given must hold.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs)]
pub struct AgentFilter {
    pub role: Option<String>,
    pub category: Option<String>,
    pub specialist: Option<bool>,
    pub status: Option<Status>,
    pub tag: Option<String>,
    pub capability: Option<String>,
    /// Text in the name, description, capabilities or tags, in any case.
    pub q: Option<String>,
}

/// What agents are ordered by; the name decides between equals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs)]
pub enum SortBy {
    #[default]
    Name,
    Role,
    Category,
    CreatedAt,
    LastActiveAt,
    CostUsedToday,
    SuccessRate,
    QualityScore,
}

/// An order of agents.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Order {
    /// By what.
    pub by: SortBy,
    /// Whether the last comes first.
    pub descending: bool,
}

/// Which part of the ordered agents is wanted.
#[derive(Debug, Clone, Default)]
pub struct AgentPaging {
    /// How many to leave out.
    pub skip: usize,
    /// How many to return at most.
    pub limit: usize,
    /// Begin after this place, which an earlier page gave.
    pub after: Option<Vec<u8>>,
}

/// Some of the agents.
pub struct AgentPage<T = AgentView> {
    /// The agents, in order.
    pub items: Vec<T>,
    /// How many there are in all.
    pub total: usize,
    /// The place after the last, if there is more.
    pub next: Option<Vec<u8>>,
}

/// One page of the agents that a filter holds.
///
/// # Errors
/// When storage fails.
pub fn page(
    tx: &ReadTx,
    roster: &Roster,
    filter: &AgentFilter,
    order: Order,
    paging: &AgentPaging,
    now: Timestamp,
) -> Result<AgentPage, StoreError> {
    let mut reader = tx;
    let wanted: Vec<_> = candidates(tx, roster, filter)?.into_iter().filter(|a| filter.holds(a)).collect();
    // Figures are read for all agents only where the filter or the order needs them.
    let needs_figures = filter.status.is_some()
        || !matches!(order.by, SortBy::Name | SortBy::Role | SortBy::Category | SortBy::CreatedAt);
    let mut rows = Vec::with_capacity(wanted.len());
    for agent in wanted {
        let view = if needs_figures { Some(AgentView::load(&mut reader, &agent, now)?) } else { None };
        if filter.status.is_none() || view.as_ref().map(|v| v.status) == filter.status {
            rows.push((place(order.by, &agent, view.as_ref()), agent, view));
        }
    }
    rows.sort_by(|a, b| if order.descending { b.0.cmp(&a.0) } else { a.0.cmp(&b.0) });
    let total = rows.len();
    let after = |place: &Vec<u8>| match &paging.after {
        None => true,
        Some(at) if order.descending => place < at,
        Some(at) => place > at,
    };
    let mut items = Vec::new();
    let mut last = None;
    let mut next = None;
    for (place, agent, view) in rows.into_iter().filter(|row| after(&row.0)).skip(paging.skip) {
        if items.len() == paging.limit {
            next = last;
            break;
        }
        items.push(match view {
            Some(view) => view,
            None => AgentView::load(&mut reader, &agent, now)?,
        });
        last = Some(place);
    }
    Ok(AgentPage { items, total, next })
}

/// The agents of the index that the filter names, or all.
fn candidates(tx: &ReadTx, roster: &Roster, filter: &AgentFilter) -> Result<Vec<Arc<Agent>>, StoreError> {
    let specialist = filter.specialist.map(u8::from);
    let ids: Result<Vec<Uuid>, StoreError> = if let Some(tag) = &filter.tag {
        tx.find(&agents::BY_TAG, tag)?.collect()
    } else if let Some(category) = &filter.category {
        tx.find(&agents::BY_CATEGORY, category)?.collect()
    } else if let Some(role) = &filter.role {
        tx.find(&agents::BY_ROLE, role)?.collect()
    } else if let Some(specialist) = &specialist {
        tx.find(&agents::BY_SPECIALIST, specialist)?.collect()
    } else {
        return Ok(roster.iter().cloned().collect());
    };
    // An agent of a newer snapshot may be missing from the roster for a moment; the next read has it.
    Ok(ids?.into_iter().filter_map(|id| roster.get(id).cloned()).collect())
}

impl AgentFilter {
    /// Whether an agent's identity passes; the status is checked with the figures.
    fn holds(&self, agent: &Agent) -> bool {
        let is = |wanted: &Option<String>, value: &str| wanted.as_deref().is_none_or(|w| w == value);
        let has = |wanted: &Option<String>, list: &[String]| wanted.as_ref().is_none_or(|w| list.contains(w));
        is(&self.role, &agent.role)
            && is(&self.category, &agent.metadata.category)
            && self.specialist.is_none_or(|s| s == agent.metadata.specialist)
            && has(&self.tag, &agent.metadata.tags)
            && has(&self.capability, &agent.capabilities)
            && self.q.as_deref().is_none_or(|q| mentions(agent, q))
    }
}

fn mentions(agent: &Agent, text: &str) -> bool {
    let text = text.to_lowercase();
    [&agent.name, &agent.display_name]
        .into_iter()
        .chain(&agent.description)
        .chain(&agent.capabilities)
        .chain(&agent.metadata.tags)
        .any(|member| member.to_lowercase().contains(&text))
}

/// Where an agent stands in an order: bytes that compare as the agents do.
fn place(by: SortBy, agent: &Agent, view: Option<&AgentView>) -> Vec<u8> {
    let mut place = Vec::new();
    let number = |value: Option<f64>, place: &mut Vec<u8>| {
        // No figure is negative, and the bits of such numbers compare as the numbers do.
        value.unwrap_or(0.0).to_bits().write(place);
    };
    match by {
        SortBy::Name => {}
        SortBy::Role => agent.role.write(&mut place),
        SortBy::Category => agent.metadata.category.write(&mut place),
        SortBy::CreatedAt => agent.created_at.write(&mut place),
        SortBy::LastActiveAt => {
            let at = view.and_then(|v| v.timestamps.last_active_at);
            at.unwrap_or(Timestamp::MIN).write(&mut place);
        }
        SortBy::CostUsedToday => number(view.map(|v| v.budget.cost_used_today), &mut place),
        SortBy::SuccessRate => number(view.map(|v| v.performance.success_rate), &mut place),
        SortBy::QualityScore => number(view.map(|v| v.performance.quality_score), &mut place),
    }
    agent.name.write(&mut place);
    place
}
