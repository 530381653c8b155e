//! Data files with an audit trail, made in this process, and what an attacker may do to them.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::path::{Path, PathBuf};

use agentmap::App;
use agentmap::app::system_clock;
use agentmap::config::Config;
use agentmap::domain::audit::{Decision, NewAudit};
use agentmap::domain::command::Action;
use agentmap::domain::text::JsonText;
use agentmap::domain::time::Timestamp;
use agentmap::store::Location;
use redb::{Database, ReadableTable, Table, TableDefinition};

pub const AUDIT: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("audit");

/// What is recorded as number `n`.
pub fn told(n: u64) -> NewAudit {
    NewAudit {
        agent_id: Some(format!("agent-{}", n % 7)),
        agent_name: None,
        agent_role: Some("developer".into()),
        operation_type: Some("tool_use".into()),
        operation_detail: Some(format!("step {n} \u{0}\"\u{fc}")),
        target_resource: Some("src/main.rs".into()),
        target_type: None,
        decision: if n.is_multiple_of(3) { Decision::Denied } else { Decision::Allowed },
        reason: None,
        cost_usd: 0.1 * f64::from(u32::try_from(n).unwrap()),
        tokens_used: n,
        session_id: None,
        context: JsonText(format!(r#"{{"n":{n},"session_id":"x"}}"#)),
        timestamp: Timestamp(1_795_000_000_000_000 + i64::try_from(n).unwrap()),
        nonce: n.wrapping_mul(0x9E37_79B9_7F4A_7C15),
    }
}

/// Appends records to a data file as the server does, and closes it.
pub fn append(data: &Path, records: impl Iterator<Item = NewAudit>) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let config = Config { data: data.to_owned(), ..Config::defaults() };
    let app = App::open(config, Location::File(data.to_owned()), system_clock()).unwrap();
    runtime.block_on(app.submit(Action::AppendAudit(records.collect()))).unwrap();
    app.close();
}

pub fn beside(data: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", data.display()))
}

/// Copies a data file with its key and its checkpoint into another folder.
pub fn copy(data: &Path, folder: &Path) -> PathBuf {
    let to = folder.join("copy.redb");
    for suffix in ["", ".key", ".checkpoint"] {
        std::fs::copy(beside(data, suffix), beside(&to, suffix)).unwrap();
    }
    to
}

fn open(data: &Path) -> Database {
    let mut builder = Database::builder();
    builder.set_concurrency_mode(redb::ConcurrencyMode::SingleWriter);
    builder.open(data).unwrap()
}

/// Changes the table of records behind the program's back.
pub fn damage(data: &Path, change: impl FnOnce(&mut Table<'_, &'static [u8], &'static [u8]>)) {
    let database = open(data);
    let write = database.begin_write().unwrap();
    change(&mut write.open_table(AUDIT).unwrap());
    write.commit().unwrap();
}

/// The stored value of a record.
pub fn stored(table: &Table<'_, &'static [u8], &'static [u8]>, seq: u64) -> Vec<u8> {
    table.get(seq.to_be_bytes().as_slice()).unwrap().unwrap().value().to_vec()
}

/// Numbers that look random and follow from a seed: splitmix64.
pub struct Random(pub u64);

impl Random {
    /// One of `AGENTMAP_SEED`, or of the clock; printed, so that a failure can be had again.
    pub fn seeded() -> Self {
        let given = std::env::var("AGENTMAP_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
            u64::try_from(now.as_micros()).unwrap()
        });
        println!("AGENTMAP_SEED={seed}");
        Self(seed)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % limit
    }

    pub fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap()
    }
}

/// Prunes the records before a number as retention does, as far as the trail goes.
pub fn prune(data: &Path, first: u64) {
    use agentmap::domain::audit::AuditRecord;
    use agentmap::domain::audit_tree::AuditAnchor;
    use agentmap::store::Value;

    let checkpoint = std::fs::read_to_string(beside(data, ".checkpoint")).unwrap();
    let mut previous = None;
    damage(data, |table| {
        previous = Some(AuditRecord::from_stored(&stored(table, first - 1)).unwrap().hash);
        for seq in 0..first {
            table.remove(seq.to_be_bytes().as_slice()).unwrap();
        }
    });
    let anchor = AuditAnchor { first, previous: previous.unwrap(), checkpoint: Some(checkpoint) };
    let database = open(data);
    let write = database.begin_write().unwrap();
    let table: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new(AuditAnchor::TABLE);
    write.open_table(table).unwrap().insert([].as_slice(), anchor.to_stored().unwrap().as_slice()).unwrap();
    write.commit().unwrap();
}
