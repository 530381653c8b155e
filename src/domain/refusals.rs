//! Why operations were refused: the reasons of what was denied or requires approval, and whose operations they were.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::rc::Rc;

use serde::Serialize;
use utoipa::ToSchema;

use super::audit::{AuditRecord, Decision};
use super::audit_query::AuditFilter;
use super::log_query::{Cursor, Paging};
use super::roster::Roster;
use super::time::Timestamp;
use crate::store::{ReadTx, StoreError};

/// How many records are looked at.
const EXAMINED: usize = 5_000;
/// How many records are read at once: each may hold a large context.
const PAGE: usize = 500;
/// How many pages are read: where matches are rare, pages are short.
const PAGES: usize = 2 * EXAMINED / PAGE;

/// Why operations were refused.
#[derive(Debug, Serialize, ToSchema)]
pub struct Refusals {
    /// How many refused operations were looked at, the newest.
    pub examined: usize,
    /// Whether these were all.
    pub complete: bool,
    /// The most frequent first.
    pub reasons: Vec<RefusalReason>,
    /// The most refused first.
    pub agents: Vec<RefusedAgent>,
}

/// Why operations were refused, and how often.
#[derive(Debug, Serialize, ToSchema)]
#[expect(missing_docs)]
pub struct RefusalReason {
    /// As told, or `unknown`.
    pub reason: String,
    pub count: u64,
    pub denied: u64,
    pub requires_approval: u64,
    /// When it was last the reason.
    pub last: Timestamp,
}

/// Whose operations were refused, and how often.
#[derive(Debug, Serialize, ToSchema)]
#[expect(missing_docs)]
pub struct RefusedAgent {
    /// The registered agent's id, or the id or name as told.
    pub agent_id: String,
    pub name: String,
    pub count: u64,
}

/// Texts, each held once: most are the same few.
#[derive(Default)]
struct Texts(HashSet<Rc<str>>);

impl Texts {
    fn hold(&mut self, text: &str) -> Rc<str> {
        if let Some(held) = self.0.get(text) {
            return Rc::clone(held);
        }
        let held: Rc<str> = text.into();
        self.0.insert(Rc::clone(&held));
        held
    }
}

/// What is looked at of a refused operation.
struct Refused {
    place: (Timestamp, u64),
    decision: Decision,
    reason: Rc<str>,
    agent_id: Rc<str>,
    name: Rc<str>,
}

impl Refused {
    fn of(record: &AuditRecord, roster: &Roster, texts: &mut Texts) -> Self {
        let view = record.view();
        let agent = record.subject.and_then(|id| roster.get(id));
        let told_id = record.told.agent_id.as_deref().or(record.told.agent_name.as_deref());
        let told_name = record.told.agent_name.as_deref().or(record.told.agent_id.as_deref());
        let id = record.subject.map(|id| id.to_string());
        Self {
            place: (view.timestamp, record.seq),
            decision: view.rbac.decision,
            reason: texts.hold(view.rbac.reason),
            agent_id: texts.hold(id.as_deref().or(told_id).unwrap_or_default()),
            name: texts.hold(agent.map_or(told_name.unwrap_or_default(), |agent| agent.name.as_str())),
        }
    }
}

/// Adds the newest records of one decision, and gives the place up to which there are no others.
fn add_newest(
    tx: &ReadTx,
    filter: &AuditFilter,
    decision: Decision,
    found: &mut Vec<Refused>,
    mut refused: impl FnMut(&AuditRecord) -> Refused,
) -> Result<Option<Cursor>, StoreError> {
    let query = AuditFilter { decision: Some(decision), ..filter.clone() }.query().counted(Some(0));
    let most = found.len() + EXAMINED;
    let mut cursor = None;
    for _ in 0..PAGES {
        let page = query.page(tx, Paging { skip: 0, limit: PAGE, cursor })?;
        found.extend(page.items.iter().map(&mut refused));
        cursor = page.next;
        if cursor.is_none() || found.len() >= most {
            break;
        }
    }
    Ok(cursor)
}

/// Why operations that match were refused. Of reasons and agents at most `limit` are told.
///
/// # Errors
/// When storage fails.
pub fn refusals(
    tx: &ReadTx,
    roster: &Roster,
    filter: &AuditFilter,
    limit: usize,
) -> Result<Refusals, StoreError> {
    let (mut found, mut texts) = (Vec::new(), Texts::default());
    let mut refused = |record: &AuditRecord| Refused::of(record, roster, &mut texts);
    let denied_from = add_newest(tx, filter, Decision::Denied, &mut found, &mut refused)?;
    // Where the one was not read to its end, what the other has before that place is not among the newest.
    let start = filter.start.max(denied_from.map(|cursor| cursor.time));
    let filter = AuditFilter { start, ..filter.clone() };
    let pending_from = add_newest(tx, &filter, Decision::RequiresApproval, &mut found, &mut refused)?;
    found.sort_unstable_by_key(|refused| std::cmp::Reverse(refused.place));
    let unread = [denied_from, pending_from].into_iter().flatten().map(|c| (c.time, c.seq)).max();
    found.retain(|refused| unread.is_none_or(|place| refused.place >= place));
    let complete = unread.is_none() && found.len() <= EXAMINED;
    found.truncate(EXAMINED);

    let mut reasons: HashMap<&str, RefusalReason> = HashMap::new();
    let mut agents: HashMap<&str, RefusedAgent> = HashMap::new();
    for refused in &found {
        let reason = reasons.entry(&refused.reason).or_insert_with(|| RefusalReason {
            reason: refused.reason.to_string(),
            count: 0,
            denied: 0,
            requires_approval: 0,
            last: refused.place.0,
        });
        reason.count += 1;
        reason.denied += u64::from(refused.decision == Decision::Denied);
        reason.requires_approval += u64::from(refused.decision == Decision::RequiresApproval);
        let agent = agents.entry(&refused.agent_id).or_insert_with(|| RefusedAgent {
            agent_id: refused.agent_id.to_string(),
            name: refused.name.to_string(),
            count: 0,
        });
        agent.count += 1;
    }
    Ok(Refusals {
        examined: found.len(),
        complete,
        reasons: most(reasons, limit, |reason| (reason.count, reason.reason.clone())),
        agents: most(agents, limit, |agent| (agent.count, agent.agent_id.clone())),
    })
}

/// The most frequent, the first in order of text where several are as frequent.
fn most<K: Eq + Hash, T>(
    counted: HashMap<K, T>,
    limit: usize,
    count_and_text: impl Fn(&T) -> (u64, String),
) -> Vec<T> {
    let mut list: Vec<T> = counted.into_values().collect();
    list.sort_by_cached_key(|item| {
        let (count, text) = count_and_text(item);
        (std::cmp::Reverse(count), text)
    });
    list.truncate(limit);
    list
}
