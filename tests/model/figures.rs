//! Every figure equals a fold over the raw records, written here without the rollups.

use std::collections::BTreeMap;

use agentmap::domain::agent_summary::agent_summary;
use agentmap::domain::agent_view::AgentView;
use agentmap::domain::agents::Agent;
use agentmap::domain::audit::AuditRecord;
use agentmap::domain::command::{Action, Applied, Command, Outcome};
use agentmap::domain::fleet_stats;
use agentmap::domain::metric_stats::{self, MetricFilter};
use agentmap::domain::metric_sums::{MetricSums, Scope};
use agentmap::domain::metrics::Metric;
use agentmap::domain::rollup::Window;
use agentmap::domain::tally::{self, Counted, Dimension};
use agentmap::domain::time::{DAY, HOUR, MINUTE, Timestamp};
use agentmap::domain::usage::{DayUsage, SessionUsage};
use agentmap::store::ReadTx;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use uuid::Uuid;

use super::history::{BASE, SESSIONS, SPAN, TYPES, history, ids, moment};
use super::world::World;

pub fn metrics(tx: &ReadTx) -> Vec<Metric> {
    tx.all::<Metric>().unwrap().map(|entry| entry.unwrap().1).collect()
}

pub fn audit(tx: &ReadTx) -> Vec<AuditRecord> {
    tx.all::<AuditRecord>().unwrap().map(|entry| entry.unwrap().1).collect()
}

/// Amounts are kept in billionths: each record may be off by half of one.
fn near(found: f64, wanted: f64, records: usize) -> bool {
    (found - wanted).abs() <= records as f64 * 1e-9 + wanted.abs() * 1e-9
}

/// A window that may begin and end anywhere, also backwards, and may be open.
fn any_window() -> impl Strategy<Value = Window> {
    let length = prop_oneof![0..SPAN, 0..2 * MINUTE, 0..2 * HOUR, Just(0), Just(-5)];
    let end = prop_oneof![4 => length.prop_map(Some), 1 => Just(None)];
    let from = prop_oneof![20 => moment(), 1 => Just(Timestamp::MIN)];
    (from, end).prop_map(|(from, length)| Window { from, to: length.map(|l| from.plus(l)) })
}

fn any_filter() -> impl Strategy<Value = MetricFilter> {
    let metric_type = select(&TYPES[..]).prop_map(str::to_owned);
    (option::of(select(ids())), option::of(metric_type)).prop_map(|(agent, metric_type)| MetricFilter {
        agent,
        metric_type,
        ..MetricFilter::default()
    })
}

fn holds(filter: &MetricFilter, m: &Metric) -> bool {
    filter.agent.is_none_or(|agent| agent == m.agent_id)
        && filter.metric_type.as_ref().is_none_or(|t| *t == m.metric_type)
}

fn inside(window: Window, at: Timestamp) -> bool {
    at >= window.from && window.to.is_none_or(|to| at < to)
}

/// Compares sums with a fold over the records that they should be made of.
fn assert_sums(sums: &MetricSums, of: &[&Metric]) {
    let n = of.len();
    let total = |value: fn(&Metric) -> Option<u64>| -> u64 { of.iter().filter_map(|m| value(m)).sum() };
    let mean = |values: &[f64]| match values.len() {
        0 => 0.0,
        count => values.iter().sum::<f64>() / count as f64,
    };
    assert_eq!(sums.count, n as u64);
    assert_eq!(sums.tokens(), total(|m| m.measures.tokens_used));
    assert_eq!(sums.api_calls(), total(|m| m.measures.api_calls));
    assert_eq!(sums.violations(), total(|m| m.measures.code_violations));
    assert_eq!(sums.tasks_completed(), total(|m| m.measures.tasks_completed));
    assert_eq!(sums.tasks_failed(), total(|m| m.measures.tasks_failed));
    assert!(near(sums.cost_usd(), of.iter().filter_map(|m| m.measures.cost_usd).sum(), n));

    let scores: Vec<f64> = of.iter().filter_map(|m| m.measures.quality_score).collect();
    assert_eq!(sums.scored(), scores.len() as u64);
    assert!(near(sums.quality(), mean(&scores), 1));
    let (low, high) = sums.quality_span();
    let least = scores.iter().copied().reduce(f64::min).unwrap_or(0.0);
    let most = scores.iter().copied().reduce(f64::max).unwrap_or(0.0);
    assert!(near(low, least, 1) && near(high, most, 1));

    let judged: Vec<f64> =
        of.iter().filter_map(|m| m.measures.success).map(|s| f64::from(u8::from(s))).collect();
    assert!(near(sums.success_rate(), mean(&judged), 0));
    let failed = if judged.is_empty() { 0.0 } else { 1.0 - mean(&judged) };
    assert!((sums.error_rate() - failed).abs() < 1e-9);

    let mut times: Vec<f64> = of.iter().filter_map(|m| m.measures.execution_time_ms).collect();
    times.sort_unstable_by(f64::total_cmp);
    // Durations are kept in microseconds.
    assert!((sums.avg_time_ms() - mean(&times)).abs() <= 0.001 + mean(&times) * 1e-9);
    for share in [0.01, 0.5, 0.95, 0.99, 1.0] {
        let rank = ((times.len() as f64 * share).ceil() as usize).max(1);
        let exact = times.get(rank - 1).copied().unwrap_or(0.0);
        let found = sums.percentile_ms(share);
        assert!((found - exact).abs() <= exact / 64.0 + 0.001, "{found} for {exact}");
    }
}

/// When each agent was last seen, from what was commanded.
fn last_seen(history: &[Command], applied: &[Applied]) -> BTreeMap<Uuid, Timestamp> {
    let mut seen = BTreeMap::new();
    for (command, applied) in history.iter().zip(applied) {
        let mut note = |agent: Uuid, at: Timestamp| {
            let last = seen.entry(agent).or_insert(Timestamp::MIN);
            *last = (*last).max(at.min(command.at));
        };
        if let Ok(outcome) = &applied.outcome {
            note_seen(&command.action, outcome, command.at, &mut note);
        }
    }
    seen
}

/// Notes what an action that was carried out saw. One that was carried out before saw nothing.
fn note_seen(action: &Action, outcome: &Outcome, at: Timestamp, note: &mut impl FnMut(Uuid, Timestamp)) {
    match (action, outcome) {
        (_, Outcome::Again(_)) => {}
        (Action::Once(_, action), outcome) => note_seen(action, outcome, at, note),
        (Action::Each(actions), Outcome::Each(results)) => {
            for (action, result) in actions.iter().zip(results) {
                if let Ok(outcome) = result {
                    note_seen(action, outcome, at, note);
                }
            }
        }
        (Action::ActivateAgent(id, _), _) => note(*id, at),
        (_, Outcome::Metrics(results)) => {
            results.iter().flatten().for_each(|m| note(m.agent_id, m.recorded_at));
        }
        (_, Outcome::Audit(records)) => {
            let known = records.iter().filter_map(|r| Some((r.subject?, r.told.timestamp)));
            known.for_each(|(agent, at)| note(agent, at));
        }
        _ => {}
    }
}

proptest! {
    #[test]
    fn sums_over_any_window_and_scope_equal_a_fold(
        history in history(40),
        windows in prop::collection::vec((any_window(), any_filter()), 8),
    ) {
        let (world, _) = World::after(&history);
        let tx = world.read();
        let all = metrics(&tx);
        for (window, filter) in windows {
            let scope = Scope::of(filter.agent, filter.metric_type.as_deref());
            let sums = metric_stats::sums_over(&tx, &scope, window).unwrap();
            let of: Vec<_> =
                all.iter().filter(|m| holds(&filter, m) && inside(window, m.recorded_at)).collect();
            assert_sums(&sums, &of);
        }
    }

    #[test]
    fn aggregates_and_their_series_equal_a_fold(
        history in history(40),
        filter in any_filter(),
        now in moment(),
        length in prop_oneof![1..5 * DAY, 1..HOUR, Just(2 * DAY), Just(2 * DAY + 1)],
    ) {
        let (world, _) = World::after(&history);
        let tx = world.read();
        let all: Vec<_> = metrics(&tx).into_iter().filter(|m| holds(&filter, m)).collect();
        let figures = metric_stats::aggregate(&tx, &filter, length, now).unwrap();
        let since = |from: Timestamp| all.iter().filter(move |m| m.recorded_at >= from);
        let from = now.plus(-length);
        let of: Vec<_> = since(from).collect();
        prop_assert_eq!(figures.count, of.len() as u64);
        prop_assert_eq!(figures.total_calls, figures.count);
        prop_assert_eq!(figures.today_calls, since(now.day_start()).count() as u64);
        prop_assert_eq!(
            figures.today_tokens,
            since(now.day_start()).filter_map(|m| m.measures.tokens_used).sum::<u64>()
        );
        prop_assert_eq!(figures.total_tokens_used, of.iter().filter_map(|m| m.measures.tokens_used).sum::<u64>());
        prop_assert!(near(figures.total_cost_usd, of.iter().filter_map(|m| m.measures.cost_usd).sum(), of.len()));
        let minutes = length as f64 / MINUTE as f64;
        prop_assert!((figures.requests_per_minute * minutes - of.len() as f64).abs() < 1e-6);

        let step = if length <= 2 * DAY { HOUR } else { DAY };
        let first = from.0.div_euclid(step);
        prop_assert_eq!(figures.time_series.len() as i64, now.0.div_euclid(step) - first + 1);
        let series = figures.time_series.iter().zip(&figures.token_time_series).zip(&figures.cost_time_series);
        for (bucket, ((calls, tokens), cost)) in (first..).zip(series) {
            // The window begins inside its first step.
            let inside = |at: Timestamp| at >= from && at.0.div_euclid(step) == bucket;
            let last = bucket == now.0.div_euclid(step) && bucket == first;
            let of: Vec<_> =
                all.iter().filter(|m| inside(m.recorded_at) || (last && m.recorded_at >= from)).collect();
            prop_assert_eq!(calls.timestamp, Timestamp(bucket * step));
            prop_assert_eq!((tokens.timestamp, cost.timestamp), (calls.timestamp, calls.timestamp));
            prop_assert!(near(calls.value, of.len() as f64, 0));
            prop_assert!(near(tokens.value, of.iter().filter_map(|m| m.measures.tokens_used).sum::<u64>() as f64, 0));
            prop_assert!(near(cost.value, of.iter().filter_map(|m| m.measures.cost_usd).sum(), of.len()));
        }
    }

    #[test]
    fn audit_tallies_over_any_dates_equal_a_fold(
        history in history(40),
        ranges in prop::collection::vec((option::of(tally_edge()), option::of(tally_edge())), 6),
    ) {
        let (world, _) = World::after(&history);
        let tx = world.read();
        let all = audit(&tx);
        for (start, end) in ranges {
            let window = tally::window_of(start, end);
            for dimension in [Dimension::All, Dimension::Decision, Dimension::Operation, Dimension::Role] {
                let mut wanted = BTreeMap::new();
                for record in all.iter().filter(|r| {
                    start.is_none_or(|s| r.told.timestamp >= s) && end.is_none_or(|e| r.told.timestamp <= e)
                }) {
                    let view = record.view();
                    let value = match dimension {
                        Dimension::All => "",
                        Dimension::Decision => view.rbac.decision.as_str(),
                        Dimension::Operation => view.operation.kind,
                        Dimension::Role => view.agent.role,
                    };
                    *wanted.entry(value.to_owned()).or_insert(0) += 1;
                }
                let found = tally::by_value(&tx, dimension, window).unwrap();
                prop_assert_eq!(&found, &wanted, "{:?} {:?}..{:?}", dimension, start, end);
                for (value, count) in wanted {
                    prop_assert_eq!(tally::of(&tx, &Counted(dimension, value), window).unwrap(), count);
                }
            }
        }
    }

    #[test]
    fn usage_budgets_and_presence_equal_a_fold(history in history(40), now in moment()) {
        let (world, applied) = World::after(&history);
        let tx = world.read();
        let all = metrics(&tx);
        let sum = |of: &dyn Fn(&Metric) -> bool| -> (u64, f64, usize) {
            let of: Vec<_> = all.iter().filter(|m| of(m)).collect();
            let tokens = of.iter().filter_map(|m| m.measures.tokens_used).sum();
            (tokens, of.iter().filter_map(|m| m.measures.cost_usd).sum(), of.len())
        };

        let today = now.day();
        let mut used: Vec<_> = all.iter().filter(|m| m.recorded_at.day() == today).map(|m| m.agent_id).collect();
        used.sort_unstable();
        used.dedup();
        let of_day = DayUsage::of_day(&tx, today).unwrap();
        prop_assert_eq!(of_day.iter().map(|(id, _)| *id).collect::<Vec<_>>(), used);
        for (id, usage) in of_day {
            let (tokens, cost, n) = sum(&|m| m.agent_id == id && m.recorded_at.day() == today);
            prop_assert_eq!(usage.tokens(), tokens);
            prop_assert!(near(usage.cost_usd(), cost, n));
        }
        for id in ids() {
            for session in SESSIONS {
                let usage = tx.get::<SessionUsage>(&(id, session.to_owned())).unwrap().unwrap_or_default();
                let (tokens, ..) = sum(&|m| m.agent_id == id && m.session_id.as_deref() == Some(session));
                prop_assert_eq!(usage.tokens(), tokens);
            }
        }

        let seen = last_seen(&history, &applied);
        for entry in tx.all::<Agent>().unwrap() {
            let (id, agent) = entry.unwrap();
            let view = AgentView::load(&mut &tx, &agent, now).unwrap();
            let (tokens, cost, n) = sum(&|m| m.agent_id == id && m.recorded_at.day() == today);
            prop_assert_eq!(view.budget.tokens_used_today, tokens);
            prop_assert!(near(view.budget.cost_used_today, cost, n));
            prop_assert_eq!(view.budget.last_reset, Timestamp(today * DAY));
            prop_assert_eq!(view.timestamps.last_active_at, seen.get(&id).copied());
            let summary = agent_summary(&tx, id).unwrap();
            let (tokens, cost, n) = sum(&|m| m.agent_id == id);
            prop_assert_eq!(summary.total_metrics, n as u64);
            prop_assert_eq!(summary.cost.total_tokens_used, tokens);
            prop_assert!(near(summary.cost.total_cost_usd, cost, n));
            prop_assert_eq!(view.performance.total_tasks_completed, summary.performance.total_tasks_completed);
        }

        let fleet = fleet_stats::summary(&tx, &world.roster, now).unwrap();
        let (_, cost, n) = sum(&|m| m.recorded_at.day() == today);
        prop_assert!(near(fleet.budget_used, cost, n));
        prop_assert_eq!(fleet.total_agents, world.roster.len());
        let days = u32::try_from(SPAN / DAY).unwrap() + 2;
        let past = fleet_stats::history(&tx, days, now).unwrap();
        prop_assert_eq!(past.burn_rate.len(), days as usize);
        for (cost, tokens) in past.burn_rate.iter().zip(&past.tokens) {
            let (wanted_tokens, wanted_cost, n) = sum(&|m| m.recorded_at.day() == cost.timestamp.day());
            prop_assert!(near(cost.value, wanted_cost, n));
            prop_assert!(near(tokens.value, wanted_tokens as f64, 0));
        }
    }
}

/// A start or an end of a range of dates.
fn tally_edge() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        20 => moment(),
        1 => Just(Timestamp(BASE)),
        1 => Just(Timestamp::MIN),
        2 => Just(Timestamp::MAX),
    ]
}
