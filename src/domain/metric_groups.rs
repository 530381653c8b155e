//! Groups of metrics over two windows, a present one in steps and the one before: by agent, role, category or type.

use std::collections::{BTreeMap, HashMap};

use uuid::Uuid;

use super::metric_stats::sums_over;
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
    /// Adds what a scope used in the present window; gives whether that was anything.
    fn add_present(&mut self, tx: &ReadTx, scope: &Scope, windows: &Windows) -> Result<bool, StoreError> {
        let steps = rollup::series::<MetricSums>(tx, scope, windows.from, windows.last, windows.step)?;
        self.points.resize(steps.len(), (0, 0));
        let count = self.sums.count;
        for ((_, sums), point) in steps.iter().zip(&mut self.points) {
            self.sums.merge(sums);
            *point = (point.0 + sums.cost_nanos(), point.1.saturating_add(sums.tokens()));
        }
        Ok(self.sums.count > count)
    }

    /// Adds what a scope used in both windows; gives whether that was anything in the present one.
    pub fn add(&mut self, tx: &ReadTx, scope: &Scope, windows: &Windows) -> Result<bool, StoreError> {
        self.before += sums_over(tx, scope, windows.before)?.cost_nanos();
        let recorded = self.add_present(tx, scope, windows)?;
        self.rank = Rank { cost: self.sums.cost_nanos(), before: self.before, tokens: self.sums.tokens() };
        Ok(recorded)
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

/// The agents that recorded anything, grouped by what `key_and_name` makes of their ids.
pub(super) fn by_agents(
    tx: &ReadTx,
    windows: &Windows,
    most: usize,
    key_and_name: impl Fn(Uuid) -> (String, String),
) -> Result<Ranking, StoreError> {
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    for id in DayUsage::agents_between(tx, windows.before.from.day(), windows.last.day())? {
        let (key, name) = key_and_name(id);
        let group = groups.entry(key.clone()).or_insert_with(|| Group { key, name, ..Group::default() });
        group.agents += u64::from(group.add(tx, &Scope::Agent(id), windows)?);
    }
    // Who recorded something earlier or later on the days at the edges alone is left out.
    Ok(Ranking::of(groups.into_values().filter(|group| !group.is_empty()).collect(), most))
}

/// Each agent that recorded anything, over windows of days: what each used is known by day, so that the sums of those
/// alone are read that are among the first.
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
    let mut on_cut_day = Vec::new();
    DayUsage::each_between(tx, windows.before.from.day(), windows.last.day(), |day, id, usage| {
        let (rank, recorded) = agents.entry(id).or_default();
        if day >= present {
            *recorded = true;
            rank.cost += usage.cost_nanos();
            rank.tokens = rank.tokens.saturating_add(usage.tokens());
        } else if day < present - 1 {
            rank.before += usage.cost_nanos();
        } else if usage.cost_nanos() > 0 {
            on_cut_day.push(id);
        }
    })?;
    for id in on_cut_day {
        let (rank, _) = agents.entry(id).or_default();
        rank.before += sums_over(tx, &Scope::Agent(id), cut)?.cost_nanos();
    }
    let found = agents.into_iter().filter(|(_, (rank, recorded))| *recorded || rank.before > 0);
    let groups = found.map(|(id, (rank, _))| Group {
        key: id.to_string(),
        name: name(id),
        rank,
        before: rank.before,
        ..Group::default()
    });
    let mut ranking = Ranking::of(groups.collect(), most);
    for group in &mut ranking.groups {
        let id = Uuid::parse_str(&group.key).unwrap_or_default();
        group.agents = u64::from(group.add_present(tx, &Scope::Agent(id), windows)?);
    }
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
    let prefix = match agent {
        None => 2_u8.to_bytes(),
        Some(agent) => (3_u8, agent).to_bytes(),
    };
    let scopes = rollup::scopes::<MetricSums>(tx, &prefix, TYPES)?.into_iter();
    let types = scopes.filter_map(|scope| match scope {
        Scope::Type(t) | Scope::AgentType(_, t) => Some(t),
        Scope::All | Scope::Agent(_) => None,
    });
    Ok(types.collect())
}
