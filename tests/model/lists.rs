//! Every list equals a naive filter, whatever the filter, the order and the size of the pages.

use agentmap::domain::agent_query::{self, AgentFilter, AgentPaging, Order, SortBy};
use agentmap::domain::agent_view::{AgentView, Status};
use agentmap::domain::agents::Agent;
use agentmap::domain::audit::AuditRecord;
use agentmap::domain::audit_query::AuditFilter;
use agentmap::domain::log_query::{Cursor, Page, Paging, Total};
use agentmap::domain::metric_stats::MetricFilter;
use agentmap::domain::metrics::Metric;
use agentmap::domain::time::Timestamp;
use proptest::option::{self, weighted};
use proptest::prelude::*;
use proptest::sample::select;
use uuid::Uuid;

use super::figures::{audit, metrics};
use super::history::{
    CATEGORIES, DECISIONS, OPERATIONS, ROLES, SESSIONS, TAGS, TYPES, history, ids, moment, someone,
};
use super::world::World;

fn one_of(of: &'static [&'static str]) -> impl Strategy<Value = String> {
    select(of).prop_map(str::to_owned)
}

fn maybe<S: Strategy<Value: std::fmt::Debug>>(value: S) -> impl Strategy<Value = Option<S::Value>> {
    weighted(0.3, value)
}

/// Walks all pages, also through their cursors' text, and compares with the matches.
pub fn assert_pages<R: PartialEq + std::fmt::Debug>(
    matches: &[R],
    page_size: usize,
    skip: usize,
    page: impl Fn(Paging) -> Page<R>,
) {
    let exact = Total::Exact(matches.len() as u64);
    let mut found = Vec::new();
    let mut cursor: Option<Cursor> = None;
    loop {
        let page = page(Paging { skip: 0, limit: page_size, cursor });
        assert!(page.items.len() <= page_size);
        assert_eq!(page.total, exact);
        found.extend(page.items);
        assert!(found.len() <= matches.len(), "something is told twice");
        match page.next {
            Some(next) => cursor = Some(Cursor::parse(&next.to_string()).unwrap()),
            None => break,
        }
    }
    assert_eq!(found, matches);
    let skipped = page(Paging { skip: skip as u64, limit: page_size, cursor: None });
    let wanted: Vec<&R> = matches.iter().skip(skip).take(page_size).collect();
    assert_eq!(skipped.items.iter().collect::<Vec<_>>(), wanted);
    assert_eq!(skipped.next.is_some(), matches.len() > skip + page_size);
}

prop_compose! {
    fn any_audit_filter()(
        agent_id in maybe(someone()),
        operation_type in maybe(one_of(&OPERATIONS)),
        decision in maybe(select(DECISIONS.to_vec())),
        agent_role in maybe(one_of(&ROLES)),
        session_id in maybe(one_of(&SESSIONS)),
        start in maybe(moment()),
        end in maybe(moment()),
        q in maybe(one_of(&["EDIT", "main", "code", "bash", "zzz"])),
        reason in maybe(one_of(&["out of scope", "unknown", "out"])),
    ) -> AuditFilter {
        AuditFilter { agent_id, operation_type, decision, agent_role, session_id, start, end, q, reason }
    }
}

fn audit_matches(filter: &AuditFilter, record: &AuditRecord) -> bool {
    let told = &record.told;
    let is = |wanted: &Option<String>, value: &Option<String>| {
        wanted.as_deref().is_none_or(|w| w == value.as_deref().unwrap_or("unknown"))
    };
    let who = told.agent_id.clone().or(told.agent_name.clone());
    (is(&filter.agent_id, &who) || record.subject.is_some_and(|id| Some(id.to_string()) == filter.agent_id))
        && is(&filter.operation_type, &told.operation_type)
        && filter.decision.is_none_or(|d| d == told.decision)
        && is(&filter.agent_role, &told.agent_role)
        && is(&filter.session_id, &told.session_id)
        && is(&filter.reason, &told.reason)
        && filter.start.is_none_or(|at| told.timestamp >= at)
        && filter.end.is_none_or(|at| told.timestamp <= at)
        && filter.q.as_ref().is_none_or(|q| {
            let json = serde_json::to_value(told).unwrap();
            let members = json.as_object().unwrap().iter();
            let mut texts = members.filter(|(k, _)| !matches!(k.as_str(), "timestamp" | "decision"));
            texts.any(|(_, v)| v.to_string().to_lowercase().contains(&q.to_lowercase()))
        })
}

pub fn newest_first<R>(mut records: Vec<R>, place: impl Fn(&R) -> (Timestamp, u64)) -> Vec<R> {
    records.sort_by_key(|r| std::cmp::Reverse(place(r)));
    records
}

prop_compose! {
    fn any_agent_filter()(
        role in maybe(one_of(&ROLES)),
        category in maybe(one_of(&CATEGORIES)),
        specialist in maybe(any::<bool>()),
        status in maybe(select(vec![
            Status::Active, Status::Idle, Status::Blocked, Status::Paused, Status::Offline,
        ])),
        tag in maybe(one_of(&TAGS)),
        capability in maybe(one_of(&TAGS)),
        q in maybe(one_of(&["CODE", "night", "er", "zzz"])),
    ) -> AgentFilter {
        AgentFilter { role, category, specialist, status, tag, capability, q }
    }
}

fn agent_matches(filter: &AgentFilter, agent: &Agent, view: &AgentView) -> bool {
    let is = |wanted: &Option<String>, value: &str| wanted.as_ref().is_none_or(|w| w == value);
    let among = |wanted: &Option<String>, list: &[String]| wanted.as_ref().is_none_or(|w| list.contains(w));
    is(&filter.role, &agent.role)
        && is(&filter.category, &agent.metadata.category)
        && filter.specialist.is_none_or(|s| s == agent.metadata.specialist)
        && filter.status.is_none_or(|s| s == view.status)
        && among(&filter.tag, &agent.metadata.tags)
        && among(&filter.capability, &agent.capabilities)
        && filter.q.as_ref().is_none_or(|q| {
            let mut texts = vec![agent.name.clone(), agent.display_name.clone()];
            texts.extend(agent.description.clone());
            texts.extend(agent.capabilities.clone());
            texts.extend(agent.metadata.tags.clone());
            texts.iter().any(|t| t.to_lowercase().contains(&q.to_lowercase()))
        })
}

fn compare(by: SortBy, a: &AgentView, b: &AgentView) -> std::cmp::Ordering {
    // Never is as the beginning of time.
    let last = |view: &AgentView| view.timestamps.last_active_at.unwrap_or(Timestamp::MIN);
    let first = match by {
        SortBy::Name => std::cmp::Ordering::Equal,
        SortBy::Role => a.role.cmp(&b.role),
        SortBy::Category => a.metadata.category.cmp(&b.metadata.category),
        SortBy::CreatedAt => a.timestamps.created_at.cmp(&b.timestamps.created_at),
        SortBy::LastActiveAt => last(a).cmp(&last(b)),
        SortBy::CostUsedToday => a.budget.cost_used_today.total_cmp(&b.budget.cost_used_today),
        SortBy::SuccessRate => a.performance.success_rate.total_cmp(&b.performance.success_rate),
        SortBy::QualityScore => a.performance.quality_score.total_cmp(&b.performance.quality_score),
    };
    first.then_with(|| a.name.cmp(&b.name))
}

fn any_order() -> impl Strategy<Value = Order> {
    let by = select(vec![
        SortBy::Name,
        SortBy::Role,
        SortBy::Category,
        SortBy::CreatedAt,
        SortBy::LastActiveAt,
        SortBy::CostUsedToday,
        SortBy::SuccessRate,
        SortBy::QualityScore,
    ]);
    (by, any::<bool>()).prop_map(|(by, descending)| Order { by, descending })
}

proptest! {
    #[test]
    fn audit_lists_tell_each_match_once_newest_first(
        history in history(30),
        filters in prop::collection::vec(any_audit_filter(), 6),
        page_size in 1..8_usize,
        skip in 0..12_usize,
    ) {
        let (world, _) = World::after(&history);
        let tx = world.read();
        for filter in filters {
            let matches = audit(&tx).into_iter().filter(|r| audit_matches(&filter, r)).collect();
            let matches = newest_first(matches, |r: &AuditRecord| (r.told.timestamp, r.seq));
            assert_pages(&matches, page_size, skip, |paging| filter.page(&tx, paging).unwrap());
        }
    }

    #[test]
    fn metric_lists_tell_each_match_once_newest_first(
        history in history(30),
        agent in option::of(select(ids())),
        metric_type in option::of(one_of(&TYPES)),
        start in maybe(moment()),
        end in maybe(moment()),
        page_size in 1..8_usize,
        skip in 0..12_usize,
    ) {
        let (world, _) = World::after(&history);
        let tx = world.read();
        let matches = metrics(&tx).into_iter().filter(|m| {
            agent.is_none_or(|id| id == m.agent_id)
                && metric_type.as_ref().is_none_or(|t| *t == m.metric_type)
                && start.is_none_or(|at| m.recorded_at >= at)
                && end.is_none_or(|at| m.recorded_at <= at)
        });
        let matches = newest_first(matches.collect(), |m: &Metric| (m.recorded_at, m.seq));
        let filter = MetricFilter { agent, metric_type, start, end };
        assert_pages(&matches, page_size, skip, |paging| filter.page(&tx, paging).unwrap());
    }

    #[test]
    fn agent_lists_are_what_a_naive_filter_gives(
        history in history(30),
        wanted in prop::collection::vec((any_agent_filter(), any_order()), 8),
        now in moment(),
        page_size in 1..4_usize,
        skip in 0..4_usize,
    ) {
        let (world, _) = World::after(&history);
        let tx = world.read();
        let all: Vec<(Agent, AgentView)> = tx
            .all::<Agent>()
            .unwrap()
            .map(|entry| entry.unwrap().1)
            .map(|agent| (agent.clone(), AgentView::load(&mut &tx, &agent, now).unwrap()))
            .collect();
        for (filter, order) in wanted {
            let mut matches: Vec<_> = all.iter().filter(|(a, v)| agent_matches(&filter, a, v)).map(|(_, v)| v).collect();
            matches.sort_by(|a, b| compare(order.by, a, b));
            if order.descending {
                matches.reverse();
            }
            let matches: Vec<Uuid> = matches.into_iter().map(|v| v.agent_id).collect();
            let page = |paging: &AgentPaging| {
                agent_query::page(&tx, &world.roster, &filter, order, paging, now).unwrap()
            };
            let ids = |items: Vec<AgentView>| items.into_iter().map(|v| v.agent_id).collect::<Vec<_>>();

            let mut found = Vec::new();
            let mut after = None;
            loop {
                let page = page(&AgentPaging { skip: 0, limit: page_size, after });
                prop_assert!(page.items.len() <= page_size);
                prop_assert_eq!(page.total, matches.len());
                found.extend(ids(page.items));
                prop_assert!(found.len() <= matches.len(), "something is told twice");
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            prop_assert_eq!(&found, &matches);
            let skipped = page(&AgentPaging { skip, limit: page_size, after: None });
            let wanted: Vec<_> = matches.iter().copied().skip(skip).take(page_size).collect();
            prop_assert_eq!(ids(skipped.items), wanted);
        }
    }
}
