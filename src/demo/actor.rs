//! One agent of the demo: how it works, and what it has spent.

use std::sync::Arc;

use super::random::Random;
use super::rights::Rights;
use crate::domain::agents::Agent;
use crate::domain::time::Timestamp;

/// How the agents of a role work.
pub struct Trade {
    role: &'static str,
    /// How often they are called, against others.
    pub demand: f64,
    /// Tokens of one turn.
    pub tokens: f64,
    /// Time of one turn, in ms.
    pub latency: f64,
    /// USD for a million tokens.
    pub price: f64,
}

const fn trade(role: &'static str, demand: f64, tokens: f64, latency: f64, price: f64) -> Trade {
    Trade { role, demand, tokens, latency, price }
}

const TRADES: [Trade; 10] = [
    trade("developer", 1.8, 9_000.0, 6_500.0, 21.0),
    trade("backend", 1.3, 8_500.0, 6_000.0, 20.0),
    trade("frontend", 1.1, 7_500.0, 5_200.0, 17.0),
    trade("tester", 1.2, 5_000.0, 3_800.0, 10.0),
    trade("reviewer", 1.2, 7_000.0, 4_800.0, 21.0),
    trade("security", 0.7, 9_000.0, 7_500.0, 26.0),
    trade("database", 0.8, 6_000.0, 5_500.0, 17.0),
    trade("analyst", 0.8, 10_000.0, 7_000.0, 14.0),
    trade("coordinator", 1.6, 5_000.0, 2_600.0, 16.0),
    trade("admin", 0.4, 3_000.0, 1_800.0, 16.0),
];
/// That of roles of a fleet's own.
const ANY_TRADE: Trade = trade("", 1.0, 6_000.0, 5_000.0, 16.0);

/// One in so many agents uses far more than it should, and one in so many fails often.
const WASTEFUL: u64 = 19;
const UNRELIABLE: u64 = 17;

/// An agent and how it works.
pub struct Actor {
    /// The agent.
    pub agent: Arc<Agent>,
    /// What it may do.
    pub rights: Rights,
    /// How its role works.
    pub trade: &'static Trade,
    /// How often a turn works, 0-1.
    pub reliability: f64,
    /// How good its work mostly is, 0-1.
    pub quality: f64,
    /// How much it uses against others of its role.
    pub appetite: f64,
    /// How quickly it works against others.
    pub haste: f64,
    /// When its session ends.
    pub busy_until: Timestamp,
    day: i64,
    spent: f64,
}

impl Actor {
    /// The actor of an agent. Its character comes from `random`.
    pub fn new(agent: Arc<Agent>, random: &mut Random) -> Self {
        let wasteful = random.number().is_multiple_of(WASTEFUL);
        let unreliable = random.number().is_multiple_of(UNRELIABLE);
        Self {
            rights: Rights::of(&agent),
            trade: TRADES.iter().find(|t| t.role == agent.role).unwrap_or(&ANY_TRADE),
            reliability: if unreliable { random.between(0.4, 0.65) } else { random.between(0.91, 0.995) },
            quality: if unreliable { random.between(0.5, 0.7) } else { random.between(0.72, 0.98) },
            appetite: if wasteful { random.between(4.0, 7.0) } else { random.around(1.0, 0.3) },
            haste: random.around(1.0, 0.25),
            busy_until: Timestamp::MIN,
            day: 0,
            spent: 0.0,
            agent,
        }
    }

    /// Whether it spends without looking.
    pub fn is_wasteful(&self) -> bool {
        self.appetite > 3.0
    }

    /// What it has spent on the day of `at`, in USD.
    pub fn spent(&self, at: Timestamp) -> f64 {
        if self.day == at.day() { self.spent } else { 0.0 }
    }

    /// Notes what it spends.
    pub fn spend(&mut self, at: Timestamp, usd: f64) {
        self.spent = self.spent(at) + usd;
        self.day = at.day();
    }

    /// The share of its day's budget that it has spent.
    pub fn share(&self, at: Timestamp) -> f64 {
        self.spent(at) / self.agent.limits.max_cost_per_day
    }

    /// How much it uses now: who has little left for today works sparingly, but for the wasteful.
    pub fn thrift(&self, at: Timestamp) -> f64 {
        if self.is_wasteful() { 1.0 } else { (1.3 - 1.3 * self.share(at)).clamp(0.02, 1.0) }
    }
}
