//! The same history gives the same bytes, the same answers and the same events, however it is cut.

use std::collections::BTreeMap;
use std::sync::Arc;

use agentmap::domain::check::check;
use agentmap::domain::event_log::StreamHead;
use agentmap::domain::events::Event;
use agentmap::domain::roster::Roster;
use proptest::collection::vec;
use proptest::prelude::*;

use super::history::{history, ids, names};
use super::world::World;

fn agents(roster: &Roster) -> BTreeMap<uuid::Uuid, Arc<agentmap::domain::agents::Agent>> {
    roster.iter().map(|agent| (agent.agent_id, Arc::clone(agent))).collect()
}

fn any_batches() -> impl Strategy<Value = Vec<(usize, bool)>> {
    vec((1..20_usize, prop::bool::weighted(0.3)), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_time: 60_000, ..ProptestConfig::default() })]

    #[test]
    fn batches_and_restarts_change_nothing(
        history in history(40),
        cuts in any_batches(),
        others in any_batches(),
    ) {
        let (mut one, mut other) = (World::new(), World::new());
        let applied = one.apply_in(&history, &cuts);
        prop_assert_eq!(&applied, &other.apply_in(&history, &others));
        prop_assert_eq!(one.full(), other.full());

        // What was published is what the commands caused, and the log tells the same again.
        let caused: Vec<Event> = applied.into_iter().flat_map(|applied| applied.events).collect();
        prop_assert_eq!(&one.published(), &caused);
        let tx = one.read();
        let logged = Event::after(&tx, 0, usize::MAX).unwrap();
        let forgotten = caused.len() - logged.len();
        let frames = |events: &[Event]| events.iter().map(Event::to_json).collect::<Vec<_>>();
        prop_assert_eq!(frames(&logged), frames(&caused[forgotten..]));
        for (n, event) in caused.iter().enumerate() {
            prop_assert_eq!(event.seq, n as u64 + 1);
        }
        prop_assert_eq!(tx.get::<StreamHead>(&()).unwrap().unwrap_or_default().0, caused.len() as u64);
        // Any part of the log is that part of the whole.
        for since in [0, forgotten, forgotten + 1, caused.len() / 2, caused.len()] {
            let from = since.max(forgotten).min(caused.len());
            let part = Event::after(&tx, since as u64, 5).unwrap();
            prop_assert_eq!(&part[..], &caused[from..caused.len().min(from + 5)]);
        }

        // The roster that followed the changes is the one that is read anew.
        let fresh = Roster::load(&tx).unwrap();
        prop_assert_eq!(agents(&one.roster), agents(&fresh));
        for who in names().into_iter().chain(ids().iter().map(ToString::to_string)) {
            prop_assert_eq!(one.roster.by_name(&who), fresh.by_name(&who));
            prop_assert_eq!(one.roster.resolve(&who), fresh.resolve(&who));
        }

        prop_assert_eq!(check(&tx).unwrap().problems, Vec::<String>::new());
    }

    #[test]
    fn a_refused_command_leaves_no_trace(history in history(25)) {
        let mut world = World::new();
        for command in history {
            let before = world.full();
            let applied = world.batch(&[command]).remove(0);
            if applied.outcome.is_err() {
                prop_assert!(applied.events.is_empty() && applied.changes.is_empty());
                prop_assert_eq!(world.full(), before);
            }
        }
    }
}
