//! The open minute: what is summed in it alone belongs to every longer time at once, while it lasts and while it closes.

use std::collections::BTreeMap;

use agentmap::domain::access::Actor;
use agentmap::domain::agent_write::AgentDraft;
use agentmap::domain::check::check;
use agentmap::domain::command::{Action, Command};
use agentmap::domain::metric_stats::sums_over;
use agentmap::domain::metric_sums::{MetricSums, Scope};
use agentmap::domain::metrics::{Measures, NewMetric};
use agentmap::domain::rollup::{self, OpenMinute, StepLength, Window};
use agentmap::domain::time::{HOUR, MINUTE, Timestamp};
use agentmap::store::{ReadTx, Value};
use proptest::prelude::*;
use serde_json::json;

use super::figures::metrics;
use super::history::{BASE, ids};
use super::tampering::{Damage, found};
use super::world::World;

/// Metrics of some types that are recorded at a time.
fn record(at: Timestamp, types: impl Iterator<Item = u32>) -> Command {
    let metric = |n: u32| NewMetric {
        agent: ids()[0].to_string(),
        metric_type: format!("type-{n}"),
        measures: Measures { tokens_used: Some(n.into()), ..Measures::default() },
        context: None,
        session_id: None,
        recorded_at: at,
        decision: None,
        unpriced: None,
        nonce: n.into(),
    };
    let action = Action::RecordMetrics(types.map(metric).collect());
    Command { at, nonce: 0, by: Actor::default(), action }
}

/// Every figure of every type is that of its records.
fn assert_folds(tx: &ReadTx, now: Timestamp) {
    assert_eq!(check(tx).unwrap().problems, Vec::<String>::new());
    let mut wanted: BTreeMap<String, (u64, Timestamp)> = BTreeMap::new();
    for metric in metrics(tx) {
        let (count, last) = wanted.entry(metric.metric_type).or_insert((0, metric.recorded_at));
        (*count, *last) = (*count + 1, metric.recorded_at.max(*last));
    }
    let mut reader = tx;
    for (kind, (count, last)) in &wanted {
        let scope = Scope::Type(kind.clone());
        assert_eq!(rollup::total::<MetricSums>(&mut reader, &scope).unwrap().count, *count, "{kind}");
        let window = Window { from: Timestamp(BASE), to: None };
        assert_eq!(sums_over(tx, &scope, window).unwrap().count, *count, "{kind}");
        for step in [StepLength::Minute, StepLength::Hour, StepLength::Day] {
            let steps = rollup::series::<MetricSums>(tx, &scope, Timestamp(BASE), now, step).unwrap();
            assert_eq!(steps.iter().map(|(_, sums)| sums.count).sum::<u64>(), *count, "{kind} {step:?}");
            let any = |from, to| rollup::any::<MetricSums>(tx, &scope, from, to, step).unwrap();
            assert!(any(Timestamp(BASE), now) && any(*last, *last), "{kind} {step:?}");
        }
        let found = rollup::last_minute(tx, &scope, |sums: &MetricSums| sums.count > 0).unwrap();
        assert_eq!(found, Some(last.minute_start()), "{kind}");
    }
    let types = rollup::scopes::<MetricSums>(tx, Scope::TYPES, usize::MAX).unwrap();
    assert!(types.into_iter().eq(wanted.into_keys().map(Scope::Type)));
}

fn world() -> World {
    let mut world = World::new();
    let draft = json!({
        "name": "coder", "role": "developer", "capabilities": [], "rbac_allowed_tools": [], "rbac_path_scopes": [],
        "metadata_category": "delivery",
        "budget_max_tokens_per_session": 1000, "budget_max_cost_per_day": 1.0,
    });
    let draft: AgentDraft = serde_json::from_value(draft).unwrap();
    let create = Action::CreateAgent(Box::new(draft.into_agent(ids()[0], Timestamp(BASE))));
    world.batch(&[Command { at: Timestamp(BASE), nonce: 0, by: Actor::default(), action: create }]);
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn a_minute_of_many_scopes_closes_in_steps_that_nobody_notices(
        first in 1..350_u32,
        steps in prop::collection::vec((0..3 * MINUTE, 0..400_u32, -2 * HOUR..0), 1..8),
    ) {
        let mut world = world();
        let mut now = Timestamp(BASE + 20 * HOUR);
        world.batch(&[record(now, 0..first)]);
        assert_folds(&world.read(), now);
        for (later, kind, set_back) in steps {
            now = now.plus(later);
            // Some clients tell of the minute that closes, or of one that nobody waits for; a clock is set back.
            let at = if kind % 5 == 0 { now.plus(set_back) } else { now };
            world.batch(&[record(at, kind..=kind + 1), record(now.plus(-MINUTE), kind..=kind)]);
            assert_folds(&world.read(), now);
        }
    }
}

#[test]
fn an_open_minute_that_is_not_the_one_is_found() {
    let mut world = world();
    world.batch(&[record(Timestamp(BASE), 0..3)]);
    let (disk, rows) = (world.disk.copy(), world.full().remove(OpenMinute::TABLE).unwrap());
    drop(world);
    assert_eq!(rows.len(), 2, "of metrics, and of the trail");
    for (key, value) in &rows {
        let missing: Damage<'_> = &|table| drop(table.remove(key.as_slice()).unwrap());
        assert!(found(&disk, OpenMinute::TABLE, missing));
        for at in 0..value.len() {
            let mut other = value.clone();
            other[at] ^= 1;
            let damage: Damage<'_> = &|table| drop(table.insert(key.as_slice(), other.as_slice()).unwrap());
            assert!(found(&disk, OpenMinute::TABLE, damage), "byte {at} of {value:02x?} is not noticed");
        }
    }
}
