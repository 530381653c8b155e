//! What agents did of late equals a fold over the raw records.

use std::collections::BTreeMap;

use agentmap::domain::activity::{self, Span};
use agentmap::domain::audit::Decision;
use agentmap::domain::rollup::StepLength;
use agentmap::domain::time::{DAY, HOUR, MINUTE, Timestamp};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use uuid::Uuid;

use super::figures::{audit, metrics};
use super::history::{history, moment, someone};
use super::world::World;

/// Operations, refusals and metrics, by step.
type Counts = [Vec<u64>; 3];

proptest! {
    #[test]
    fn activity_equals_a_fold(
        history in history(40),
        now in moment(),
        agent in option::of(someone()),
        minutes in 10..6000_u32,
        step in option::of(select(vec![StepLength::Minute, StepLength::Hour, StepLength::Day])),
    ) {
        let (world, _) = World::after(&history);
        let tx = world.read();
        let length = match step {
            None | Some(StepLength::Minute) => 5 * MINUTE,
            Some(StepLength::Hour) => HOUR,
            Some(StepLength::Day) => DAY,
        };
        let points = usize::try_from((i64::from(minutes) * MINUTE + length - 1) / length).unwrap();
        let from = (now.0.div_euclid(length) - points as i64 + 1) * length;
        let end = (now.0.div_euclid(5 * MINUTE) + 1) * 5 * MINUTE;

        let mut wanted: BTreeMap<Uuid, Counts> = BTreeMap::new();
        let mut note = |id: Uuid, at: Timestamp, kinds: &[usize]| {
            let asked = agent.as_ref().is_none_or(|a| world.roster.resolve(a).is_some_and(|a| a.agent_id == id));
            if asked && world.roster.get(id).is_some() && (from..end).contains(&at.0) {
                let counts = wanted.entry(id).or_insert_with(|| [(); 3].map(|()| vec![0; points]));
                for kind in kinds {
                    counts[*kind][((at.0 - from) / length) as usize] += 1;
                }
            }
        };
        for metric in metrics(&tx) {
            note(metric.agent_id, metric.recorded_at, &[2]);
        }
        for record in audit(&tx) {
            let refused = matches!(record.told.decision, Decision::Denied | Decision::RequiresApproval);
            if let Some(id) = record.subject {
                note(id, record.told.timestamp, if refused { &[0, 1] } else { &[0] });
            }
        }

        let found = activity::recent(&tx, &world.roster, agent.as_deref(), Span { minutes, step }, 100, now).unwrap();
        prop_assert_eq!((found.from, found.points), (Timestamp(from), points));
        prop_assert!(found.agents.is_sorted_by(|a, b| (b.total, &a.name) < (a.total, &b.name)));
        let told = found.agents.into_iter().map(|row| {
            let operations: u64 = row.operations.iter().sum();
            assert_eq!(row.total, operations + row.metrics.iter().sum::<u64>());
            (row.agent_id, [row.operations, row.refused, row.metrics])
        });
        prop_assert_eq!(told.collect::<BTreeMap<_, _>>(), wanted);
    }
}
