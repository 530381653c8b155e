//! What a fleet does in 90 days: sessions of agents, one step after the other, each an event and a metric.
//!
//! Agents, tools, models and files are drawn by the law of Zipf; sessions begin mostly in working hours. All follows
//! from a seed.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::random::{Random, Zipf};

/// Who is in the fleet.
#[derive(Clone, Serialize, Deserialize)]
pub struct Agent {
    pub agent_id: String,
    pub name: String,
    pub role: String,
}

/// How far back it goes, in seconds: figures over 90 days hold all of it, also when the filling takes its time.
const SPAN: f64 = 89.9 * DAY;
const DAY: f64 = 86_400.0;
/// Steps of a session, and seconds between two of them.
const STEPS: f64 = 40.0;
const PACE: f64 = 15.0;

const TOOLS: [&str; 14] = [
    "Read",
    "Edit",
    "Bash",
    "Grep",
    "Write",
    "Glob",
    "TodoWrite",
    "Task",
    "WebFetch",
    "mcp__github__create_issue",
    "WebSearch",
    "MultiEdit",
    "NotebookEdit",
    "mcp__search__find",
];
const OPERATIONS: [&str; 5] = ["tool_use", "file_access", "api_call", "agent_spawn", "quality_gate"];
const TYPES: [&str; 4] = ["execution", "cost", "task_completion", "quality"];
const MODELS: [&str; 5] =
    ["claude-sonnet-4-5", "claude-haiku-4-5", "claude-opus-4-5", "gpt-5-mini", "gemini-2.5-pro"];
const REASONS: [&str; 4] = [
    "path is not in scope (path_scopes: none of src/**, docs/**)",
    "tool is denied (denied_tools: Bash)",
    "the budget of the day is used up",
    "the role developer may not deploy to production",
];

/// One step of a session.
pub struct Step {
    /// Seconds since 1970; none is "now".
    at: Option<f64>,
    agent: usize,
    session: u64,
    tool: usize,
    operation: usize,
    kind: usize,
    model: usize,
    file: usize,
    /// 0 is allowed, 1 denied, 2 requires approval.
    decision: usize,
    chance: Random,
}

/// A session under way.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Session {
    /// When its next step is, in microseconds of the span.
    at: u64,
    number: u64,
    agent: usize,
    model: usize,
    /// How many steps it still has.
    left: u64,
}

/// The steps of all sessions, in the order of time.
pub struct Dataset {
    random: Random,
    agents: Zipf,
    tools: Zipf,
    operations: Zipf,
    types: Zipf,
    models: Zipf,
    files: Zipf,
    /// When sessions begin, in order, still to come.
    begins: std::vec::IntoIter<u64>,
    /// Those under way, the one with the next step first.
    running: BinaryHeap<Reverse<Session>>,
    sessions: u64,
    first: f64,
}

impl Dataset {
    /// About so many steps among so many agents.
    pub fn new(steps: u64, agents: usize, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let sessions = (steps as f64 / STEPS).ceil() as usize + 1;
        let mut begins: Vec<u64> = (0..sessions).map(|_| (begin(&mut random) * 1e6) as u64).collect();
        begins.sort_unstable();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs_f64();
        Self {
            random,
            agents: Zipf::new(agents),
            tools: Zipf::new(TOOLS.len()),
            operations: Zipf::new(OPERATIONS.len()),
            types: Zipf::new(TYPES.len()),
            models: Zipf::new(MODELS.len()),
            files: Zipf::new(5000),
            begins: begins.into_iter(),
            running: BinaryHeap::new(),
            sessions: 0,
            first: now - SPAN,
        }
    }

    /// The next step; after the last one the sessions begin anew.
    pub fn step(&mut self) -> Step {
        while let Some(begin) = self.begins.as_slice().first().copied() {
            if self.running.peek().is_some_and(|Reverse(next)| next.at < begin) {
                break;
            }
            self.begins.next();
            self.begin(begin);
        }
        let Some(Reverse(session)) = self.running.pop() else {
            let again = (begin(&mut self.random) * 1e6) as u64;
            self.begin(again);
            return self.step();
        };
        if session.left > 1 {
            let next = session.at + (self.random.wait(PACE) * 1e6) as u64 + 1;
            let at = next.min((SPAN * 1e6) as u64);
            self.running.push(Reverse(Session { at, left: session.left - 1, ..session }));
        }
        let random = &mut self.random;
        let decision = match random.unit() {
            below if below < 0.93 => 0,
            below if below < 0.98 => 1,
            _ => 2,
        };
        Step {
            at: Some(self.first + session.at as f64 / 1e6),
            agent: session.agent,
            session: session.number,
            tool: self.tools.draw(random),
            operation: self.operations.draw(random),
            kind: self.types.draw(random),
            model: session.model,
            file: self.files.draw(random),
            decision,
            chance: Random::new(random.number()),
        }
    }

    /// A step of now.
    pub fn step_now(&mut self) -> Step {
        Step { at: None, ..self.step() }
    }

    fn begin(&mut self, at: u64) {
        self.sessions += 1;
        let agent = self.agents.draw(&mut self.random);
        let model = self.models.draw(&mut self.random);
        let left = 1 + self.random.wait(STEPS - 1.0) as u64;
        self.running.push(Reverse(Session { at, number: self.sessions, agent, model, left }));
    }
}

/// When a session begins, in seconds of the span: three of four in the ten hours of a working day.
fn begin(random: &mut Random) -> f64 {
    let day = (random.unit() * SPAN / DAY).floor();
    let hour = if random.unit() < 0.75 { 8.0 + 10.0 * random.unit() } else { 24.0 * random.unit() };
    (day * DAY + hour * 3600.0).min(SPAN)
}

impl Step {
    fn at(&self) -> Option<String> {
        let nanos = (self.at? * 1e9) as i128;
        Some(OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()?.format(&Rfc3339).expect("a time"))
    }

    /// The name of its session.
    fn session(&self) -> String {
        format!("{:016x}", Random::new(self.session).number())
    }

    /// Adds the event, as a hook would send it.
    pub fn event(&mut self, agents: &[Agent], to: &mut String) {
        let Agent { agent_id, name, role } = &agents[self.agent];
        let (tool, operation) = (TOOLS[self.tool], OPERATIONS[self.operation]);
        let decision = ["allowed", "denied", "requires_approval"][self.decision];
        let (folder, file) = (self.file % 40, self.file);
        let _ = write!(
            to,
            "{{\"agent_id\":\"{agent_id}\",\"agent_name\":\"{name}\",\"agent_role\":\"{role}\",\
             \"operation_type\":\"{operation}\",\"operation_detail\":\"{tool}\",\
             \"target_resource\":\"src/part_{folder}/file_{file}.rs\",\"target_type\":\"file\",\
             \"rbac_decision\":\"{decision}\",\"session_id\":\"{}\",\"cost_usd\":{:.4},\"tokens_used\":{}",
            self.session(),
            self.chance.around(0.01, 1.0),
            self.chance.around(900.0, 1.0) as u64,
        );
        if self.decision > 0 {
            let _ = write!(to, ",\"rbac_reason\":\"{}\"", REASONS[(self.chance.number() % 4) as usize]);
        }
        if let Some(at) = self.at() {
            let _ = write!(to, ",\"timestamp\":\"{at}\"");
        }
        to.push('}');
    }

    /// Adds the metric.
    pub fn metric(&mut self, agents: &[Agent], to: &mut String) {
        let kind = TYPES[self.kind];
        let _ = write!(
            to,
            "{{\"agent_id\":\"{}\",\"metric_type\":\"{kind}\",\"session_id\":\"{}\",\
             \"execution_time_ms\":{:.1},\"success\":{},\"api_calls\":1",
            agents[self.agent].agent_id,
            self.session(),
            self.chance.around(400.0, 1.2),
            self.chance.unit() < 0.94,
        );
        let _ = match kind {
            "quality" => {
                let score = 0.5 + self.chance.unit() / 2.0;
                write!(to, ",\"quality_score\":{score:.3},\"code_violations\":{}", self.chance.number() % 5)
            }
            "task_completion" => write!(to, ",\"tasks_completed\":1,\"tokens_used\":1500,\"cost_usd\":0.012"),
            _ => write!(
                to,
                ",\"model\":\"{}\",\"input_tokens\":{},\"output_tokens\":{},\"cache_read_tokens\":{}",
                MODELS[self.model],
                self.chance.around(1200.0, 1.0) as u64,
                self.chance.around(250.0, 1.0) as u64,
                self.chance.around(9000.0, 1.0) as u64,
            ),
        };
        if let Some(at) = self.at() {
            let _ = write!(to, ",\"recorded_at\":\"{at}\"");
        }
        to.push('}');
    }

    /// Adds the question whether it may.
    pub fn question(&mut self, agents: &[Agent], to: &mut String) {
        let name = &agents[self.agent].name;
        let on = match self.chance.number() % 4 {
            0 => format!("\"tool\":\"Read\",\"path\":\"src/part_1/file_{}.rs\",\"cwd\":\"/p\"", self.file),
            1 => "\"tool\":\"Edit\",\"path\":\"../../etc/passwd\",\"cwd\":\"/p\"".to_owned(),
            2 => "\"tool\":\"Bash\",\"command\":\"cargo test --workspace 2>&1 | tail -5\"".to_owned(),
            _ => "\"tool\":\"KillShell\"".to_owned(),
        };
        let session = self.session();
        let _ =
            write!(to, "{{\"agent\":\"{name}\",\"session_id\":\"{session}\",\"estimated_tokens\":0,{on}}}");
    }
}
