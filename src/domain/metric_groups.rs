//! Groups of metrics over two windows, a present one in steps and the one before: by agent, role, category or type.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::metric_stats::{sums_by_agent, sums_over};
use super::metric_sums::{MetricSums, Scope};
use super::rollup::{self, Rollup, StepLength, Window};
use super::time::{DAY, Timestamp};
use super::usage::DayUsage;
use crate::store::{Key, ReadTx, StoreError};

/// The present window and the one before.
pub(super) struct Windows {
    pub from: Timestamp,
    /// The last moment of the running step.
    last: Timestamp,
    step: StepLength,
    /// Up to the present minute of the window before.
    before: Window,
}

impl Windows {
    pub fn new(step: StepLength, steps: i64, now: Timestamp) -> Self {
        let size = step.micros();
        let end = (now.0.div_euclid(size) + 1) * size;
        let length = steps * size;
        let back = |at: i64| Timestamp(at - length);
        Self {
            from: back(end),
            last: Timestamp(end - 1),
            step,
            before: Window { from: back(end - length), to: Some(back(now.minute_start().0)) },
        }
    }

    /// How many steps the present window has.
    fn steps(&self) -> usize {
        usize::try_from((self.last.0 - self.from.0) / self.step.micros() + 1).unwrap_or(0)
    }

    /// Visits what each agent used in the steps of the present window, sum by sum.
    fn each_step(
        &self,
        tx: &ReadTx,
        mut visit: impl FnMut(usize, Uuid, &[u8]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let (from, last) = (self.from, self.last);
        let of_agent = |step, scope, sums: &[u8]| match scope {
            Scope::Agent(agent) => visit(step, agent, sums),
            _ => Ok(()),
        };
        rollup::series_each::<MetricSums>(tx, Scope::AGENTS, from, last, self.step, of_agent)
    }
}

/// What goes first: the dearer, now or else before, or what took more tokens.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    /// Billionths of a USD.
    cost: u128,
    before: u128,
    tokens: u64,
}

/// What a group used.
#[derive(Default)]
pub(super) struct Group {
    pub key: String,
    pub name: String,
    pub rank: Rank,
    /// How many agents recorded anything.
    pub agents: u64,
    pub sums: MetricSums,
    /// Billionths of a USD, over the window before.
    pub before: u128,
    /// Billionths of a USD, and tokens, of each step.
    pub points: Vec<(u128, u64)>,
}

impl Group {
    /// Adds what was used in a step of the present window.
    fn add_step(&mut self, windows: &Windows, step: usize, stored: &[u8]) -> Result<(), StoreError> {
        self.points.resize(windows.steps(), (0, 0));
        self.sums.merge_stored(stored)?;
        if let Some(point) = self.points.get_mut(step) {
            let sums = MetricSums::without_percentiles(stored)?;
            *point = (point.0 + sums.cost_nanos(), point.1.saturating_add(sums.tokens()));
        }
        Ok(())
    }

    /// Adds what a scope used in both windows.
    pub fn add(&mut self, tx: &ReadTx, scope: &Scope, windows: &Windows) -> Result<(), StoreError> {
        self.before += sums_over(tx, scope, windows.before)?.cost_nanos();
        self.points.resize(windows.steps(), (0, 0));
        let (from, last) = (windows.from, windows.last);
        rollup::series_each::<MetricSums>(
            tx,
            &scope.to_bytes(),
            from,
            last,
            windows.step,
            |step, _, stored| self.add_step(windows, step, stored),
        )?;
        self.set_rank();
        Ok(())
    }

    fn set_rank(&mut self) {
        self.rank = Rank { cost: self.sums.cost_nanos(), before: self.before, tokens: self.sums.tokens() };
    }

    fn is_empty(&self) -> bool {
        self.sums.count == 0 && self.before == 0
    }
}

/// The groups, the first in rank first, and how many there are: of the last ones nothing may be known but that.
pub(super) struct Ranking {
    pub groups: Vec<Group>,
    pub count: usize,
}

impl Ranking {
    /// The first `most` of the groups.
    fn of(mut groups: Vec<Group>, most: usize) -> Self {
        groups.sort_by(|a, b| b.rank.cmp(&a.rank).then_with(|| (&a.name, &a.key).cmp(&(&b.name, &b.key))));
        let count = groups.len();
        groups.truncate(most);
        Self { groups, count }
    }
}

/// Groups of agents, while they are found.
#[derive(Default)]
struct Groups {
    groups: Vec<Group>,
    by_key: HashMap<String, usize>,
    by_agent: HashMap<Uuid, usize>,
}

impl Groups {
    /// The group of an agent, which `key_and_name` tells where it is not known.
    fn of(&mut self, agent: Uuid, key_and_name: impl Fn(Uuid) -> (String, String)) -> &mut Group {
        let at = *self.by_agent.entry(agent).or_insert_with(|| {
            let (key, name) = key_and_name(agent);
            *self.by_key.entry(key.clone()).or_insert_with(|| {
                self.groups.push(Group { key, name, ..Group::default() });
                self.groups.len() - 1
            })
        });
        &mut self.groups[at]
    }
}

/// The agents that recorded anything, grouped by what `key_and_name` makes of their ids.
pub(super) fn by_agents(
    tx: &ReadTx,
    windows: &Windows,
    most: usize,
    key_and_name: impl Fn(Uuid) -> (String, String),
) -> Result<Ranking, StoreError> {
    let mut found = Groups::default();
    for (id, sums) in sums_by_agent(tx, windows.before)? {
        found.of(id, &key_and_name).before += sums.cost_nanos();
    }
    let mut recorded = HashSet::new();
    windows.each_step(tx, |step, id, sums| {
        let group = found.of(id, &key_and_name);
        group.add_step(windows, step, sums)?;
        group.agents += u64::from(recorded.insert(id));
        Ok(())
    })?;
    for group in &mut found.groups {
        group.points.resize(windows.steps(), (0, 0));
        group.set_rank();
    }
    // Who was known in the window before and cost nothing is left out.
    Ok(Ranking::of(found.groups.into_iter().filter(|group| !group.is_empty()).collect(), most))
}

/// Each agent that recorded anything, over windows of days: what each used is known by day, so that the sums of those
/// alone are decoded that are among the first.
pub(super) fn by_agent_and_day(
    tx: &ReadTx,
    windows: &Windows,
    most: usize,
    name: impl Fn(Uuid) -> String,
) -> Result<Ranking, StoreError> {
    let present = windows.from.day();
    // The window before ends inside the day before the present one.
    let cut = Window { from: Timestamp((present - 1) * DAY), ..windows.before };
    let mut agents: HashMap<Uuid, (Rank, bool)> = HashMap::new();
    DayUsage::each_between(tx, windows.before.from.day(), windows.last.day(), |day, id, usage| {
        let (rank, recorded) = agents.entry(id).or_default();
        if day >= present {
            *recorded = true;
            rank.cost += usage.cost_nanos();
            rank.tokens = rank.tokens.saturating_add(usage.tokens());
        } else if day < present - 1 {
            rank.before += usage.cost_nanos();
        }
    })?;
    for (id, sums) in sums_by_agent(tx, cut)? {
        agents.entry(id).or_default().0.before += sums.cost_nanos();
    }
    let found = agents.into_iter().filter(|(_, (rank, recorded))| *recorded || rank.before > 0);
    let groups = found.map(|(id, (rank, recorded))| Group {
        key: id.to_string(),
        name: name(id),
        rank,
        agents: u64::from(recorded),
        before: rank.before,
        points: vec![(0, 0); windows.steps()],
        ..Group::default()
    });
    let mut ranking = Ranking::of(groups.collect(), most);
    let ids = ranking.groups.iter().map(|group| Uuid::parse_str(&group.key).unwrap_or_default());
    let at: HashMap<Uuid, usize> = ids.zip(0..).collect();
    windows.each_step(tx, |step, id, sums| {
        if let Some(group) = at.get(&id).and_then(|at| ranking.groups.get_mut(*at)) {
            group.add_step(windows, step, sums)?;
        }
        Ok(())
    })?;
    Ok(ranking)
}

/// The types of which anything was recorded.
pub(super) fn by_type(tx: &ReadTx, windows: &Windows, most: usize) -> Result<Ranking, StoreError> {
    let mut groups = Vec::new();
    for key in types(tx, None)? {
        let mut group = Group { key: key.clone(), name: key.clone(), ..Group::default() };
        group.add(tx, &Scope::Type(key), windows)?;
        if !group.is_empty() {
            groups.push(group);
        }
    }
    let mut ranking = Ranking::of(groups, most);
    let mut groups: HashMap<_, _> = ranking.groups.iter_mut().map(|g| (g.key.clone(), g)).collect();
    for id in DayUsage::agents_between(tx, windows.from.day(), windows.last.day())? {
        for key in types(tx, Some(id))? {
            if let Some(group) = groups.get_mut(&key) {
                let scope = Scope::AgentType(id, key);
                let recorded =
                    rollup::any::<MetricSums>(tx, &scope, windows.from, windows.last, windows.step)?;
                group.agents += u64::from(recorded);
            }
        }
    }
    Ok(ranking)
}

/// How many types an answer looks at: clients may name any, answers have an end.
const TYPES: usize = 1000;

/// The types that were ever recorded, of all agents or of one, in order.
///
/// # Errors
/// When storage fails.
fn types(tx: &ReadTx, agent: Option<Uuid>) -> Result<Vec<String>, StoreError> {
    let prefix = agent.map_or_else(|| Scope::TYPES.to_vec(), Scope::types_of);
    let scopes = rollup::scopes::<MetricSums>(tx, &prefix, TYPES)?.into_iter();
    let types = scopes.filter_map(|scope| match scope {
        Scope::Type(t) | Scope::AgentType(_, t) => Some(t),
        Scope::All | Scope::Agent(_) => None,
    });
    Ok(types.collect())
}
