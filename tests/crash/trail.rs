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
    damage_in(AUDIT, data, change);
}

/// As [`damage`], of any table.
pub fn damage_in(
    table: TableDefinition<'_, &'static [u8], &'static [u8]>,
    data: &Path,
    change: impl FnOnce(&mut Table<'_, &'static [u8], &'static [u8]>),
) {
    let database = open(data);
    let write = database.begin_write().unwrap();
    change(&mut write.open_table(table).unwrap());
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

/// A trail of which retention has removed the first `old` records in whole tiles; `new` are kept, and one more, which
/// tells of the removal. Returns the number of the first that is kept.
pub fn append_and_prune(data: &Path, old: u64, new: u64) -> u64 {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use agentmap::domain::time::DAY;
    use agentmap::retention::retain;

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config = Config { data: data.to_owned(), ..Config::defaults() };
    let clock = Arc::new(AtomicI64::new(system_clock()().plus(-91 * DAY).0));
    let hand = Arc::clone(&clock);
    let now = Arc::new(move || Timestamp(hand.load(Ordering::Relaxed)));
    let app = App::open(config, Location::File(data.to_owned()), now).unwrap();
    let first = runtime.block_on(async {
        app.submit(Action::AppendAudit((0..old).map(told).collect())).await.unwrap();
        retain(&app).await.unwrap();
        clock.fetch_add(91 * DAY, Ordering::Relaxed);
        app.submit(Action::AppendAudit((old..old + new).map(told).collect())).await.unwrap();
        retain(&app).await.unwrap().audit
    });
    app.close();
    assert!(first > 0 && first.is_multiple_of(256), "{first} records were removed");
    first
}
