//! What is forgotten leaves the rest as it was: sums go on answering, lists hold what is kept and nothing else.

use std::collections::BTreeMap;

use agentmap::domain::agent_summary::agent_summary;
use agentmap::domain::agent_view::AgentView;
use agentmap::domain::audit::AuditRecord;
use agentmap::domain::audit_proof::Tile;
use agentmap::domain::audit_query::AuditFilter;
use agentmap::domain::audit_tree::{AuditAnchor, AuditTree, TILE};
use agentmap::domain::check::check;
use agentmap::domain::command::{Action, Command};
use agentmap::domain::events::Event;
use agentmap::domain::log_query::{Paging, Total};
use agentmap::domain::merkle::Tree as _;
use agentmap::domain::metric_stats::{MetricFilter, sums_over};
use agentmap::domain::metric_sums::{MetricSums, Scope};
use agentmap::domain::metrics::Metric;
use agentmap::domain::retention::Gone;
use agentmap::domain::rollup::{Rollup as _, Window};
use agentmap::domain::tally::{self, Dimension};
use agentmap::domain::time::{MINUTE, Timestamp};
use agentmap::domain::usage::DayUsage;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::figures::{audit, metrics};
use super::history::{TYPES, history_with_gaps, ids, long_trail, moment};
use super::lists::{assert_pages, newest_first};
use super::world::World;

/// The history as it would have been had nobody forgotten anything.
fn without_gaps(history: &[Command]) -> Vec<Command> {
    let forgets = |command: &&Command| matches!(command.action, Action::Prune(_));
    history.iter().filter(|command| !forgets(command)).cloned().collect()
}

fn any_filter() -> impl Strategy<Value = MetricFilter> {
    let metric_type = select(&TYPES[..]).prop_map(str::to_owned);
    (option::of(select(ids())), option::of(metric_type)).prop_map(|(agent, metric_type)| MetricFilter {
        agent,
        metric_type,
        ..MetricFilter::default()
    })
}

proptest! {
    #[test]
    fn sums_answer_as_if_nothing_was_forgotten(
        history in history_with_gaps(40),
        filter in any_filter(),
        mut edges in prop::collection::vec(moment(), 3),
    ) {
        let (pruned, _) = World::after(&history);
        let (whole, _) = World::after(&without_gaps(&history));
        let (tx, all) = (pruned.read(), whole.read());
        prop_assert_eq!(check(&tx).unwrap().problems, Vec::<String>::new());
        edges.sort();
        let scope = Scope::of(filter.agent, filter.metric_type.as_deref());
        let sums = |tx, from, to| sums_over(tx, &scope, Window { from, to }).unwrap();

        // Whole minutes, and all that lies after what is gone.
        let newest = tx.get::<Gone>(&()).unwrap().unwrap_or_default().newest_metric;
        let known = |at: Timestamp| match newest {
            Some(newest) if at <= newest => at.minute_start(),
            _ => at,
        };
        let (from, to) = (known(edges[0]), known(edges[1]));
        prop_assert_eq!(sums(&tx, from, Some(to)), sums(&all, from, Some(to)));
        prop_assert_eq!(sums(&tx, from, None), sums(&all, from, None));

        // Windows that meet anywhere hold everything once.
        let mut both: MetricSums = sums(&tx, edges[0], Some(edges[1]));
        both.merge(&sums(&tx, edges[1], Some(edges[2])));
        prop_assert_eq!(both, sums(&tx, edges[0], Some(edges[2])));
        // An edge is off by what its minute holds at most.
        let inner = Window { from: edges[0].minute_start().plus(MINUTE), to: Some(edges[2].minute_start()) };
        let outer = Window { from: edges[0].minute_start(), to: Some(edges[2].minute_start().plus(MINUTE)) };
        let found = sums(&tx, edges[0], Some(edges[2]));
        prop_assert!(found.contains(&sums_over(&all, &scope, inner).unwrap()));
        prop_assert!(sums_over(&all, &scope, outer).unwrap().contains(&found));

        for id in ids() {
            let summary = |tx| serde_json::to_value(agent_summary(tx, id).unwrap()).unwrap();
            prop_assert_eq!(summary(&tx), summary(&all));
        }
        for agent in whole.roster.iter() {
            let view = |mut tx| serde_json::to_value(AgentView::load(&mut tx, agent, edges[1]).unwrap()).unwrap();
            prop_assert_eq!(view(&tx), view(&all));
        }
        let usage = |tx| DayUsage::of_day(tx, edges[1].day()).unwrap();
        prop_assert_eq!(usage(&tx), usage(&all));
    }

    #[test]
    fn lists_hold_what_is_kept(
        history in history_with_gaps(40),
        filter in any_filter(),
        page_size in 1..8_usize,
        skip in 0..12_usize,
    ) {
        let (pruned, _) = World::after(&history);
        let (whole, _) = World::after(&without_gaps(&history));
        let (tx, all) = (pruned.read(), whole.read());
        let kept: Vec<Metric> = metrics(&tx);
        let ever = metrics(&all);
        let gone = tx.get::<Gone>(&()).unwrap().unwrap_or_default().metrics as usize;
        prop_assert_eq!(&kept[..], &ever[gone..]);
        let matches = kept.into_iter().filter(|m| {
            filter.agent.is_none_or(|id| id == m.agent_id)
                && filter.metric_type.as_ref().is_none_or(|t| *t == m.metric_type)
        });
        let matches = newest_first(matches.collect(), |m: &Metric| (m.recorded_at, m.seq));
        assert_pages(&matches, page_size, skip, |paging| filter.page(&tx, paging).unwrap());

        // The stream tells the end of what it told, each event with its record.
        let (kept, ever) = (Event::after(&tx, 0, usize::MAX).unwrap(), whole.published());
        prop_assert_eq!(&kept[..], &ever[ever.len() - kept.len()..]);
    }

    #[test]
    fn the_trail_that_is_kept_is_all_that_is_counted(
        history in history_with_gaps(30),
        trails in prop::collection::vec((any::<prop::sample::Index>(), 1..600_u32), 2),
        edge in option::of(moment()),
    ) {
        let mut history = history;
        for (place, records) in trails {
            history.insert(place.index(history.len() + 1), long_trail(records));
        }
        let (world, _) = World::after(&history);
        let tx = world.read();
        prop_assert_eq!(check(&tx).unwrap().problems, Vec::<String>::new());
        let first = tx.get::<AuditAnchor>(&()).unwrap().unwrap_or_default().first;
        let kept = audit(&tx);
        prop_assert!(kept.iter().map(|record| record.seq).eq(first..first + kept.len() as u64));
        // The tree is the one of all records, for whatever needs one that is kept.
        let (whole, _) = World::after(&without_gaps(&history));
        let all = whole.read();
        let (mut tree, mut ever) = (AuditTree::open(&tx).unwrap(), AuditTree::open(&all).unwrap());
        prop_assert_eq!(tree.head(), ever.head());
        let size = tree.size();
        prop_assert_eq!(tree.covering(0, first).unwrap(), ever.covering(0, first).unwrap());
        prop_assert_eq!(tree.covering(first, size).unwrap(), ever.covering(first, size).unwrap());
        for level in [None, Some(0)] {
            for index in first / TILE..size / TILE {
                let tile = Tile { level, index, width: TILE };
                prop_assert_eq!(tree.tile(tile).unwrap(), ever.tile(tile).unwrap());
            }
        }
        let window = tally::window_of(edge, None);
        let told: Vec<_> =
            kept.iter().filter(|r| edge.is_none_or(|edge| r.told.timestamp >= edge)).map(AuditRecord::view).collect();
        let mut decisions = BTreeMap::new();
        for record in &told {
            *decisions.entry(record.rbac.decision.as_str().to_owned()).or_insert(0) += 1;
        }
        prop_assert_eq!(tally::by_value(&tx, Dimension::Decision, window).unwrap(), decisions);
        let page = AuditFilter { start: edge, ..AuditFilter::default() }.page(&tx, Paging::default()).unwrap();
        prop_assert_eq!(page.total, Total::Exact(told.len() as u64));
    }

    #[test]
    fn batches_and_restarts_change_nothing_of_what_is_forgotten(history in history_with_gaps(40), size in 2..20_usize) {
        let (mut one, mut other) = (World::new(), World::new());
        prop_assert_eq!(one.apply_in(&history, &[(1, false)]), other.apply_in(&history, &[(size, true)]));
        prop_assert_eq!(one.full(), other.full());
    }
}

#[test]
fn a_history_with_gaps_has_gaps() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let histories = history_with_gaps(40);
    let gone = (0..100).filter(|_| {
        let (world, _) = World::after(&histories.new_tree(&mut runner).unwrap().current());
        world.read().get::<Gone>(&()).unwrap().is_some_and(|gone| gone.metrics > 0)
    });
    assert!(gone.count() > 10);
}
