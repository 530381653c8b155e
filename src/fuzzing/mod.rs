//! What must hold of bytes from outside, whatever they are. Each target is a function from bytes that panics where it
//! does not hold: `make fuzz` calls them with all that a fuzzer makes up, `cargo test` with each corpus below
//! `fuzz/corpus/` and some thousands of changes to it. The first byte of an input often says what the rest is taken
//! for: `a` the first kind, `b` the second.

mod body;
mod codec;
mod cursor;
mod glob;
pub mod identity;

#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};

use serde_json::json;
use uuid::Uuid;

use crate::app::App;
use crate::config::Config;
use crate::domain::command::Action;
use crate::domain::time::Timestamp;
use crate::http::fuzzing::{Http, NDJSON};
use crate::store::Location;

pub use body::body;
pub use codec::codec;
pub use cursor::cursor;
pub use glob::glob;
pub use identity::identity;

/// A target: panics where something does not hold.
pub type Target = fn(&[u8]);

/// What the rest of an input is taken for, of so many kinds.
fn kind(bytes: &[u8], kinds: usize) -> Option<(usize, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    Some((usize::from(first.wrapping_sub(b'a')) % kinds, rest))
}

/// When everything happens.
const NOW: Timestamp = Timestamp(1_795_348_800_000_000);

/// How many records each log of [`http`] has, and how many agents there are.
const RECORDS: usize = 24;

/// The HTTP layer over some agents and records, which no target changes.
fn http() -> &'static Http {
    static HTTP: OnceLock<Http> = OnceLock::new();
    HTTP.get_or_init(|| {
        let app = App::open(Config::defaults(), Location::Memory, Arc::new(|| NOW)).unwrap();
        let http = Http::new(app).unwrap();
        fill(&http);
        http
    })
}

/// Every third record is of the time of the one before it, and members hold what cursors and keys must escape.
fn fill(http: &Http) {
    let submit = |action| http.wait(http.app().submit(action)).unwrap();
    let at =
        |n: usize| NOW.plus(-1_000_000 + i64::try_from(n - usize::from(n % 3 == 2)).unwrap()).to_string();
    let lines = |item: &dyn Fn(usize) -> serde_json::Value| {
        (0..RECORDS).map(|n| item(n).to_string()).collect::<Vec<_>>().join("\n")
    };
    for n in 0..RECORDS {
        let draft = json!({
            "name": format!("agent-{n}"), "role": (["a", "a\u{0}", "a\u{0}\u{ff}", "é"][n % 4]), "capabilities": [],
            "rbac_allowed_tools": [], "rbac_path_scopes": [], "budget_max_tokens_per_session": 1,
            "budget_max_cost_per_day": 1, "metadata_category": "x",
        });
        let draft = http.draft(draft.to_string().as_bytes()).unwrap();
        let id = Uuid::from_u128(n as u128);
        submit(Action::CreateAgent(Box::new(draft.into_agent(id, NOW.plus(-60_000_000)))));
    }
    let metrics = lines(
        &|n| json!({"agent_id": format!("agent-{}", n % 5), "metric_type": "cost", "cost_usd": n % 4, "recorded_at": at(n)}),
    );
    let metrics = http.metrics(NDJSON, metrics.as_bytes()).unwrap();
    submit(Action::RecordMetrics(metrics.into_iter().map(Result::unwrap).collect()));
    let events = lines(
        &|n| json!({"agent_name": format!("agent-{}", n % 5), "operation_type": "a\u{0}", "timestamp": at(n)}),
    );
    let events = http.events(NDJSON, events.as_bytes()).unwrap();
    submit(Action::AppendAudit(events.into_iter().map(Result::unwrap).collect()));
}
