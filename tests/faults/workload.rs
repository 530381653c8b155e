//! A reference workload: batches of commands of every kind, and what they leave, whichever of them were carried out.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hasher};
use std::ops::Bound;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agentmap::app::SCHEMA;
use agentmap::domain::access::Actor;
use agentmap::domain::agent_write::AgentDraft;
use agentmap::domain::agents::Agent;
use agentmap::domain::audit::{Decision, NewAudit};
use agentmap::domain::check::check;
use agentmap::domain::command::{Action, Applied, Command, apply};
use agentmap::domain::text::JsonText;
use agentmap::domain::time::Timestamp;
use agentmap::store::{Location, ReadTx, Store, StoreError, WriteTx};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::json;
use uuid::Uuid;

use super::disk::Disk;
use super::history::{BASE, history};

/// The store of the program, but for what is one command here: a whole batch.
pub type Batches = Store<Vec<Command>, Vec<Applied>>;

/// How long an answer may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

pub fn open(location: Location, cache: usize) -> Result<Batches, StoreError> {
    fn carry_out(tx: &mut WriteTx<'_>, batch: Vec<Command>) -> Result<Vec<Applied>, StoreError> {
        batch.into_iter().map(|command| apply(tx, command)).collect()
    }
    Store::open(location, cache, &SCHEMA, carry_out, Box::new(|_| Ok(())))
}

pub fn on(disk: &Disk) -> Location {
    let disk = disk.clone();
    Location::Custom(Box::new(move |builder| disk.open(builder)))
}

/// Submits a batch and waits for its answer, which must come.
pub fn submit(store: &Batches, batch: Vec<Command>) -> Result<Vec<Applied>, StoreError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        tokio::time::timeout(PATIENCE, store.submit(batch)).await.expect("an answer, whatever fails")
    })
}

/// Every table with its number of entries and a hash of them.
pub type Tables = BTreeMap<String, (u64, u64)>;

/// A name that is kept for ever, once.
fn kept(name: &str) -> &'static str {
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut names = NAMES.lock().unwrap();
    if let Some(known) = names.get(name) {
        return known;
    }
    let name: &'static str = name.to_owned().leak();
    names.insert(name);
    name
}

/// Reads everything there is.
pub fn tables(tx: &ReadTx) -> Result<Tables, StoreError> {
    let mut tables = Tables::new();
    for name in tx.tables()? {
        let table = kept(&name);
        let mut hash = DefaultHasher::new();
        for entry in tx.range_raw(table, Bound::Unbounded, Bound::Unbounded)? {
            let (key, value) = entry?;
            hash.write_usize(key.len());
            hash.write(&key);
            hash.write(&value);
        }
        tables.insert(name, (tx.len(table)?, hash.finish()));
    }
    Ok(tables)
}

/// What is to be found when certain batches were carried out.
pub struct Expected {
    pub tables: Tables,
    /// What each of them was answered, in order.
    pub answers: Vec<Vec<Applied>>,
}

pub struct Workload {
    batches: Vec<Vec<Command>>,
    expected: Mutex<HashMap<Vec<usize>, Arc<Expected>>>,
}

impl Workload {
    /// The workload of a seed, with so many batches.
    pub fn of(seed: u64, count: usize) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let mut runner = TestRunner::new_with_rng(Config::default(), rng);
        let mut commands = Vec::new();
        while commands.len() < count * BATCH {
            commands.extend(history(40).new_tree(&mut runner).unwrap().current());
        }
        let batches = (0..count).map(|n| {
            let mut batch = vec![mark(n)];
            batch.extend_from_slice(&commands[n * BATCH..][..BATCH]);
            if n % 5 == 2 {
                batch.push(bulk(n));
            }
            batch
        });
        Self { batches: batches.collect(), expected: Mutex::default() }
    }

    pub fn len(&self) -> usize {
        self.batches.len()
    }

    /// A batch of the workload; beyond its end there are small ones.
    pub fn batch(&self, n: usize) -> Vec<Command> {
        self.batches.get(n).cloned().unwrap_or_else(|| vec![mark(n), probe(n)])
    }

    /// What is to be found when the batches of these numbers were carried out, and no others.
    pub fn expected(&self, applied: &[usize]) -> Arc<Expected> {
        if let Some(known) = self.expected.lock().unwrap().get(applied) {
            return Arc::clone(known);
        }
        let store = open(Location::Memory, CACHE).unwrap();
        let answers = applied.iter().map(|&n| submit(&store, self.batch(n)).unwrap()).collect();
        let expected = Arc::new(Expected { tables: tables(&store.begin_read().unwrap()).unwrap(), answers });
        self.expected.lock().unwrap().insert(applied.to_vec(), Arc::clone(&expected));
        expected
    }

    /// Which batches were carried out, by the agent that each of them registers. Their work is there as a whole,
    /// once, and what is left agrees with itself.
    pub fn survived(&self, tx: &ReadTx) -> Result<Vec<usize>, String> {
        let mut applied = Vec::new();
        for entry in tx.all::<Agent>().map_err(|e| e.to_string())? {
            let (id, _) = entry.map_err(|e| e.to_string())?;
            applied.extend(number(id));
        }
        applied.sort_unstable();
        let found = tables(tx).map_err(|e| e.to_string())?;
        let expected = self.expected(&applied);
        if found != expected.tables {
            let differs = |(name, _): &(&String, _)| found.get(*name) != expected.tables.get(*name);
            let names: Vec<_> =
                expected.tables.iter().chain(&found).filter(differs).map(|(n, _)| n).collect();
            return Err(format!("batches {applied:?} are there, but {names:?} differ from what they leave"));
        }
        let problems = check(tx).map_err(|e| e.to_string())?.problems;
        if problems.is_empty() { Ok(applied) } else { Err(format!("it does not agree: {problems:?}")) }
    }
}

/// How many commands of a history a batch has.
const BATCH: usize = 4;
/// Enough that everything fits.
pub const CACHE: usize = 1 << 22;

/// The ids of the agents that mark batches begin with this.
const MARK: u128 = 0xBA7C << 112;

fn number(id: Uuid) -> Option<usize> {
    (id.as_u128() >> 112 == MARK >> 112).then(|| usize::try_from(id.as_u128() ^ MARK).unwrap())
}

fn at(n: usize) -> Timestamp {
    Timestamp(BASE + i64::try_from(n).unwrap() * 1_000_000)
}

/// Registers the agent by which a batch is known again.
fn mark(n: usize) -> Command {
    let draft: AgentDraft = serde_json::from_value(json!({
        "name": format!("batch-{n}"), "role": "developer", "capabilities": [], "rbac_allowed_tools": ["Read"],
        "rbac_path_scopes": ["src/**"], "budget_max_tokens_per_session": 1000, "budget_max_cost_per_day": 0.5,
        "metadata_category": "delivery", "metadata_tags": ["mark"]
    }))
    .unwrap();
    let agent = draft.into_agent(Uuid::from_u128(MARK | n as u128), at(n));
    Command { at: at(n), nonce: n as u64, by: Actor::default(), action: Action::CreateAgent(Box::new(agent)) }
}

/// Appends what takes more room than the file has, so that it grows.
fn bulk(n: usize) -> Command {
    audit(n, &"x".repeat(150_000))
}

fn probe(n: usize) -> Command {
    audit(n, "")
}

fn audit(n: usize, text: &str) -> Command {
    let record = NewAudit {
        agent_id: None,
        agent_name: Some("coder".into()),
        agent_role: None,
        operation_type: Some("tool_use".into()),
        operation_detail: Some("Edit".into()),
        target_resource: None,
        target_type: None,
        decision: Decision::Allowed,
        reason: None,
        cost_usd: 0.0,
        tokens_used: 0,
        session_id: None,
        context: JsonText(json!({"text": text}).to_string()),
        timestamp: at(n),
        nonce: n as u64,
    };
    Command { at: at(n), nonce: n as u64, by: Actor::default(), action: Action::AppendAudit(vec![record]) }
}
