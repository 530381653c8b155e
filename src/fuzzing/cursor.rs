//! Cursors: what is no cursor of ours is refused, and from what is one the rest of the list follows.

use std::fmt::Write as _;
use std::sync::OnceLock;

use serde_json::Value;

use super::{RECORDS, http};
use crate::http::fuzzing::{Problem, agent_cursor, agent_cursor_text, log_cursor, query_text};

/// Lists that have pages.
const LISTS: [&str; 9] = [
    "/api/v1/metrics/?limit=5",
    "/api/v1/metrics/?agent_id=agent-2&limit=2",
    "/api/v1/events/audit?limit=7",
    "/api/v1/events/?operation_type=a%00&limit=6",
    "/api/v1/agent-activity?limit=9",
    "/api/v1/agents/?limit=5",
    "/api/v1/agents/?sort=-role&limit=5",
    "/api/v1/agents/?sort=-cost_used_today&limit=5",
    "/api/v1/agents/brief?limit=8",
];

/// The first byte chooses the list, the rest is the cursor.
pub fn cursor(bytes: &[u8]) {
    let Some((list, bytes)) = super::kind(bytes, LISTS.len()) else { return };
    let sent = bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "%{byte:02x}");
        text
    });
    assert_eq!(agent_cursor(&agent_cursor_text(bytes)).as_deref(), Some(bytes));
    let Ok(text) = std::str::from_utf8(bytes) else {
        assert_eq!(query_text(&sent).unwrap_err().status.as_u16(), 400);
        return;
    };
    assert_eq!(query_text(&sent).unwrap(), text);
    plain_text_is_itself(text);
    let logs = log_cursor(text);
    if let Ok(cursor) = &logs {
        assert_eq!(cursor.unwrap().to_string(), text);
    }
    let agents = agent_cursor(text);
    if let Some(place) = &agents {
        assert!(agent_cursor_text(place).eq_ignore_ascii_case(text), "{text}");
    }
    let found = follow(&format!("{}&cursor={sent}", LISTS[list]));
    // An empty parameter is one that a form left empty.
    let is_cursor = if LISTS[list].contains("agents/") { agents.is_some() } else { logs.is_ok() };
    match found {
        Ok(items) => {
            assert!(is_cursor || text.is_empty(), "{text:?} was taken for a cursor");
            assert!(whole(list).ends_with(&items), "{text:?} leads elsewhere");
        }
        Err(refused) => {
            assert!(!is_cursor, "{text:?} was refused: {}", refused.detail);
            assert_eq!(refused.status.as_u16(), 422);
            assert_eq!(refused.errors[0].loc, ["query", "cursor"]);
        }
    }
}

/// Only a percent sign before two digits, and a plus, mean anything else than themselves.
fn plain_text_is_itself(text: &str) {
    let bytes = text.as_bytes();
    let encoded = |three: &[u8]| three[0] == b'%' && three[1..].iter().all(u8::is_ascii_hexdigit);
    if !bytes.windows(3).any(encoded) {
        assert_eq!(query_text(text).unwrap(), text.replace('+', " "));
    }
}

/// All items of a list, from its beginning.
fn whole(list: usize) -> &'static [Value] {
    static WHOLE: OnceLock<Vec<Vec<Value>>> = OnceLock::new();
    let lists = WHOLE.get_or_init(|| LISTS.iter().map(|list| follow(list).unwrap()).collect());
    assert!(!lists[list].is_empty());
    &lists[list]
}

/// The items from a page on.
fn follow(target: &str) -> Result<Vec<Value>, Problem> {
    let mut items = Vec::new();
    let mut next = Some(target.to_owned());
    while let Some(target) = next {
        let page = http().page(&target).unwrap()?;
        items.extend(page.items);
        // That an agent was made is an audit record, too.
        assert!(items.len() <= 2 * RECORDS, "{target} comes round again");
        next = page.next;
    }
    Ok(items)
}
