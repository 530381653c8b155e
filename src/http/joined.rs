//! Several events in one frame, for clients that read slowly.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::domain::live::LiveEvent;

/// How many bytes of events a joined frame holds: clients have bounds, too.
const MAX_JOINED: usize = 256 * 1024;

/// How many of the first events fit into one frame; one always does.
pub(super) fn joinable(events: &[Arc<LiveEvent>]) -> usize {
    let mut bytes = 0;
    let fits = |event: &&Arc<LiveEvent>| {
        bytes += event.frame().len();
        bytes <= MAX_JOINED
    };
    events.iter().take_while(fits).count().max(1)
}

/// Events in one frame.
pub(super) fn joined(events: &[Arc<LiveEvent>]) -> String {
    let mut text = String::from("{\"type\":\"batch\",\"events\":[");
    for (i, event) in events.iter().enumerate() {
        // Writing to a String cannot fail.
        let _ = write!(text, "{}{}", if i > 0 { "," } else { "" }, event.frame());
    }
    text.push_str("]}");
    text
}
