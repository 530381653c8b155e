//! The life of the fleet: who works when. One endless sequence of deeds in order of time; what lies before the opening
//! of the demo is its history, what follows is played live.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::actor::Actor;
use super::deed::Told;
use super::random::Random;
use super::session::session;
use crate::domain::agents::Agent;
use crate::domain::time::{DAY, HOUR, MINUTE, SECOND, Timestamp};

/// How many agents work in each hour of the UTC day, before the demo opens.
const SHIFTS: [u32; 24] = [2, 1, 1, 1, 1, 2, 4, 6, 9, 12, 13, 12, 9, 11, 13, 14, 12, 10, 7, 5, 4, 3, 3, 2];
/// How many agents work once it is open, so that there is something to see.
const LIVE: u32 = 40;
/// How long before the opening the fleet gets busy.
const WARM_UP: i64 = 3 * MINUTE;
/// Seconds between two turns of an agent, before and then.
const CALM: f64 = 90.0;
const BRISK: f64 = 11.0;
/// How often somebody looks whether more agents are needed.
const LOOK: i64 = 5 * SECOND;
/// How many agents start at one look at most, but for a team that starts together.
const STARTS: usize = 4;
const TEAM: f64 = 0.05;

/// The fleet at work.
pub struct Life {
    random: Random,
    actors: Vec<Actor>,
    opening: Timestamp,
    /// The next look.
    look: Timestamp,
    /// What is going to happen. The number keeps apart what happens at the same time.
    agenda: BTreeMap<(Timestamp, u64), Told>,
    planned: u64,
}

impl Life {
    /// The life of these agents from a day before the opening on. The same arguments give the same life.
    #[must_use]
    pub fn new(seed: u64, opening: Timestamp, agents: impl IntoIterator<Item = Arc<Agent>>) -> Self {
        let mut random = Random::new(seed);
        let mut agents: Vec<_> = agents.into_iter().collect();
        agents.sort_by(|a, b| a.name.cmp(&b.name));
        let actors = agents.into_iter().map(|agent| Actor::new(agent, &mut random)).collect();
        Self { random, actors, opening, look: opening.plus(-DAY), agenda: BTreeMap::new(), planned: 0 }
    }

    /// What happened before the opening, oldest first.
    pub fn history(&mut self) -> Vec<Told> {
        let mut history = Vec::new();
        while let Some(entry) = self.next_before(self.opening) {
            history.push(entry);
        }
        history
    }

    fn next_before(&mut self, end: Timestamp) -> Option<Told> {
        loop {
            // Nothing that starts at a later look comes before it.
            match self.agenda.first_key_value() {
                Some((&(at, _), _)) if at < self.look => {
                    return if at < end { self.agenda.pop_first().map(|(_, told)| told) } else { None };
                }
                _ if self.look >= end => return None,
                _ => self.staff(),
            }
        }
    }

    /// Looks whether more agents are needed now, and starts them.
    fn staff(&mut self) {
        let now = self.look;
        self.look = now.plus(LOOK);
        if self.actors.is_empty() {
            return;
        }
        let busy = self.actors.iter().filter(|actor| actor.busy_until > now).count();
        let live = now >= self.opening.plus(-WARM_UP);
        let wanted = if live { LIVE } else { SHIFTS[hour(now)] } as usize;
        let team = live && self.random.chance(TEAM);
        let starts = if team { 8 } else { wanted.saturating_sub(busy).min(STARTS) };
        let pause = if live { BRISK } else { CALM };
        for _ in 0..starts {
            let within = if team { SECOND } else { LOOK };
            let offset = i64::try_from(self.random.below(usize::try_from(within).unwrap_or(1))).unwrap_or(0);
            let Some(chosen) = self.choose(now) else { return };
            let started = session(&mut self.actors[chosen], &mut self.random, now.plus(offset), pause);
            for told in started {
                self.agenda.insert((told.at, self.planned), told);
                self.planned += 1;
            }
        }
    }

    /// One of those that are free, by how much they are in demand.
    fn choose(&mut self, now: Timestamp) -> Option<usize> {
        let demand = |actor: &Actor| match actor.share(now) {
            _ if actor.busy_until > now => 0.0,
            // Now and then somebody tries an agent whose budget is gone.
            share if share > 1.0 => actor.trade.demand * 0.1,
            _ if actor.is_wasteful() => actor.trade.demand * 1.5,
            _ => actor.trade.demand,
        };
        let total: f64 = self.actors.iter().map(demand).sum();
        let mut left = self.random.between(0.0, total);
        self.actors.iter().position(|actor| {
            left -= demand(actor);
            left < 0.0
        })
    }
}

impl Iterator for Life {
    type Item = Told;

    fn next(&mut self) -> Option<Told> {
        if self.actors.is_empty() { None } else { self.next_before(Timestamp::MAX) }
    }
}

fn hour(at: Timestamp) -> usize {
    usize::try_from(at.0.rem_euclid(DAY) / HOUR).unwrap_or(0)
}
