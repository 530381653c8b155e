//! A session of an agent: it starts on a task, thinks and uses tools by turns, and is done, more or less well.

use super::actor::Actor;
use super::deed::{Deed, Operation, Ruling, Told, measure, operate};
use super::places;
use super::random::Random;
use super::rights::{Intent, Means};
use crate::domain::audit::Decision;
use crate::domain::command::Activation;
use crate::domain::metrics::Measures;
use crate::domain::time::Timestamp;

/// How many turns a session mostly has, and how many at most.
const TURNS: f64 = 9.0;
const MOST_TURNS: u64 = 28;
/// A careful agent ends its session before it has used this share of the tokens a session may use.
const ENOUGH: f64 = 0.85;
/// The score and the count of broken rules that a quality gate lets through.
const GATE_SCORE: f64 = 0.7;
const GATE_VIOLATIONS: u64 = 5;
/// Who approves.
const PEOPLE: [&str; 4] = ["mara", "jonas", "priya", "lee"];
const FILE_TOOLS: [&str; 4] = ["Read", "Write", "Edit", "MultiEdit"];
const ALL_TOOLS: [&str; 10] =
    ["Read", "Read", "Edit", "Write", "Bash", "Grep", "Glob", "Task", "TodoWrite", "WebFetch"];

/// Everything that an actor does in a session that begins at `at`, in order of time. A turn takes about `pause`
/// seconds.
pub fn session(actor: &mut Actor, random: &mut Random, at: Timestamp, pause: f64) -> Vec<Told> {
    let id = format!("s-{:010x}", random.number() >> 24);
    let mut session = Session { actor, random, id, at, told: Vec::new(), tokens: 0, failures: 0 };
    session.begin();
    if session.actor.share(at) > 1.0 {
        session.find_the_budget_gone();
    } else {
        session.work(pause);
        session.end();
    }
    let Session { actor, at, told, .. } = session;
    actor.busy_until = at;
    told
}

struct Session<'a> {
    actor: &'a mut Actor,
    random: &'a mut Random,
    id: String,
    at: Timestamp,
    told: Vec<Told>,
    tokens: u64,
    failures: u64,
}

impl Session<'_> {
    fn tell(&mut self, deed: Deed) {
        self.told.push(Told { at: self.at, agent: self.actor.agent.agent_id, deed });
    }

    fn measure(&mut self, kind: &str, measures: Measures) {
        let nonce = self.random.number();
        self.tell(measure(&self.actor.agent, kind, &self.id, nonce, measures));
    }

    fn operate(&mut self, operation: Operation<'_>) {
        let nonce = self.random.number();
        self.tell(operate(&self.actor.agent, &self.id, nonce, operation));
    }

    #[expect(clippy::cast_possible_truncation)]
    fn wait(&mut self, seconds: f64) {
        self.at = self.at.plus((seconds * 1e6) as i64);
    }

    fn begin(&mut self) {
        let task = places::task(&self.actor.agent, self.random);
        self.tell(Deed::Begin(Activation { session_id: Some(self.id.clone()), task: Some(task) }));
    }

    fn find_the_budget_gone(&mut self) {
        let limits = &self.actor.agent.limits;
        let (limit, currency) = (limits.max_cost_per_day, limits.currency.clone());
        let spent = self.actor.spent(self.at);
        self.wait(1.0);
        let (means, target, target_kind) = self.ordinary();
        let reason = format!("the day's budget is used up: {spent:.2} of {limit:.2} {currency}");
        let ruling = (Decision::Denied, Some(reason));
        self.operate(Operation {
            kind: kind_of(&means),
            detail: means.name(),
            target: &target,
            target_kind,
            ruling,
        });
    }

    fn work(&mut self, pause: f64) {
        let turns = self.random.count(TURNS, 0.5).clamp(2, MOST_TURNS);
        #[expect(clippy::cast_precision_loss)]
        let enough = |tokens: u64, limit: u64| tokens as f64 > ENOUGH * limit as f64;
        for _ in 0..turns {
            let pause = self.random.around(pause * self.actor.haste, 0.5);
            self.wait(pause);
            self.turn();
            for _ in 0..self.random.below(3) {
                let pause = self.random.between(0.2, 2.5);
                self.wait(pause);
                self.use_something();
            }
            let limit = self.actor.agent.limits.max_tokens_per_session;
            if enough(self.tokens, limit) && !self.actor.is_wasteful() {
                break;
            }
        }
    }

    /// A call to the model: what takes time and costs money.
    #[expect(clippy::cast_precision_loss)]
    fn turn(&mut self) {
        let trade = self.actor.trade;
        let thrift = self.actor.thrift(self.at);
        let tokens = self.random.count(trade.tokens * thrift, 0.45).max(20);
        // The wasteful do not say more; they ask dearer models.
        let cost = tokens as f64 * trade.price * self.actor.appetite / 1e6;
        let success = self.random.chance(self.actor.reliability);
        let latency = self.random.around(trade.latency * if success { 1.0 } else { 1.8 }, 0.55);
        self.tokens += tokens;
        self.failures += u64::from(!success);
        self.actor.spend(self.at, cost);
        let calls = 1 + self.random.below(3) as u64;
        self.measure(
            "execution",
            Measures {
                execution_time_ms: Some(latency.round()),
                success: Some(success),
                tokens_used: Some(tokens),
                api_calls: Some(calls),
                cost_usd: Some(rounded(cost)),
                ..Measures::default()
            },
        );
    }

    fn use_something(&mut self) {
        let (means, target, target_kind) = match self.random.unit() {
            p if p < 0.05 => self.out_of_scope(),
            p if p < 0.08 => self.forbidden(),
            p if p < 0.18 => self.service(),
            _ => self.ordinary(),
        };
        let big = self.random.chance(0.02) && matches!(means, Means::Tool(_));
        let estimate = big.then(|| self.random.around(9.0, 0.6));
        let intent = Intent { means, target, estimate };
        let ruling = self.actor.rights.decide(&intent);
        let asks = ruling.0 == Decision::RequiresApproval;
        self.record(&intent, target_kind, ruling);
        if asks {
            // A person looks at it. Some requests stay open.
            let took = self.random.between(2.0, 12.0);
            self.wait(took);
            let person = self.random.pick(&PEOPLE);
            let ruling = match self.random.unit() {
                p if p < 0.75 => (Decision::Allowed, Some(format!("approved by {person}"))),
                p if p < 0.85 => (Decision::Denied, Some(format!("refused by {person}"))),
                _ => return,
            };
            self.record(&intent, target_kind, ruling);
        }
    }

    fn record(&mut self, intent: &Intent, target_kind: &str, ruling: Ruling) {
        let allowed = ruling.0 == Decision::Allowed;
        let (kind, detail, target) = (kind_of(&intent.means), intent.means.name(), &intent.target);
        self.operate(Operation { kind, detail, target, target_kind, ruling });
        if allowed && kind == "api_call" {
            let cost = self.random.around(0.002, 0.5);
            self.actor.spend(self.at, cost);
            let measures =
                Measures { cost_usd: Some(rounded(cost)), api_calls: Some(1), ..Measures::default() };
            self.measure("cost", measures);
        }
    }

    /// Something that the agent does every day.
    fn ordinary(&mut self) -> (Means, String, &'static str) {
        let rbac = &self.actor.agent.rbac;
        let may = |tool: &str| {
            let on = |list: &[String]| list.iter().any(|t| t == "*" || t == tool);
            on(&rbac.allowed_tools) && !on(&rbac.denied_tools)
        };
        let usual: Vec<&str> = ALL_TOOLS.into_iter().filter(|tool| may(tool)).collect();
        let tool = if usual.is_empty() { "Read" } else { self.random.pick(&usual) };
        if FILE_TOOLS.contains(&tool) {
            (Means::FileTool(tool.into()), places::file_within(&self.actor.agent, self.random), "file")
        } else {
            let (kind, target) = places::argument(tool, self.random);
            (Means::Tool(tool.into()), target, kind)
        }
    }

    fn out_of_scope(&mut self) -> (Means, String, &'static str) {
        let tool = self.random.pick(&FILE_TOOLS[..3]);
        match places::file_beyond(&self.actor.rights, self.random) {
            Some(path) => (Means::FileTool(tool.into()), path, "file"),
            None => self.ordinary(),
        }
    }

    fn forbidden(&mut self) -> (Means, String, &'static str) {
        let denied = &self.actor.agent.rbac.denied_tools;
        let tool = denied.get(self.random.below(denied.len())).cloned().unwrap_or_else(|| "KillShell".into());
        if FILE_TOOLS.contains(&tool.as_str()) {
            (Means::FileTool(tool), places::file_within(&self.actor.agent, self.random), "file")
        } else {
            let (kind, target) = places::argument(&tool, self.random);
            (Means::Tool(tool), target, kind)
        }
    }

    fn service(&mut self) -> (Means, String, &'static str) {
        let own = &self.actor.agent.rbac.api_access;
        let service = match own.get(self.random.below(own.len())) {
            Some(service) if service != "*" && self.random.chance(0.9) => service.clone(),
            _ => places::service(self.random).into(),
        };
        let target = places::resource(&service, self.random);
        (Means::Service(service), target, "api")
    }

    /// What comes of it: the task is done or not, its quality is measured, a gate opens or stays shut.
    fn end(&mut self) {
        self.wait(1.5);
        let done = self.failures < 3 && self.random.chance(self.actor.reliability);
        self.measure(
            "task_completion",
            Measures {
                success: Some(done),
                tasks_completed: Some(u64::from(done)),
                tasks_failed: Some(u64::from(!done)),
                ..Measures::default()
            },
        );
        if !self.random.chance(0.6) {
            return;
        }
        self.wait(0.8);
        let score = (self.actor.quality + self.random.between(-0.1, 0.08)).clamp(0.2, 1.0);
        let score = (score * 1_000.0).round() / 1_000.0;
        let violations = self.random.count((1.0 - score) * 10.0, 0.6);
        self.measure(
            "quality",
            Measures { quality_score: Some(score), code_violations: Some(violations), ..Measures::default() },
        );
        if self.random.chance(0.6) {
            self.wait(0.7);
            self.gate(score, violations);
        }
    }

    fn gate(&mut self, score: f64, violations: u64) {
        let (decision, reason) = if score < GATE_SCORE {
            (Decision::Denied, format!("score {score:.2} is below {GATE_SCORE:.2}"))
        } else if violations > GATE_VIOLATIONS {
            (Decision::Denied, format!("{violations} rules are broken; {GATE_VIOLATIONS} may be"))
        } else {
            (Decision::Allowed, format!("score {score:.2}, {violations} rules broken"))
        };
        let id = self.id.clone();
        self.operate(Operation {
            kind: "quality_gate",
            detail: "quality gate",
            target: &id,
            target_kind: "session",
            ruling: (decision, Some(reason)),
        });
    }
}

fn kind_of(means: &Means) -> &'static str {
    match means {
        Means::FileTool(_) => "file_access",
        Means::Tool(_) => "tool_use",
        Means::Service(_) => "api_call",
    }
}

/// USD to a millionth.
fn rounded(usd: f64) -> f64 {
    (usd * 1e6).round() / 1e6
}
