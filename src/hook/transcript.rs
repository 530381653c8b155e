//! Transcripts of Claude Code: a line of JSON for each message, and in those of the assistant what the call used.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Usage;
use crate::domain::prices::Tokens;

#[derive(Deserialize)]
struct Line {
    message: Option<Message>,
}

#[derive(Deserialize)]
struct Message {
    id: Option<String>,
    model: Option<String>,
    usage: Option<Counts>,
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Counts {
    input_tokens: u64,
    output_tokens: u64,
    cache_read_input_tokens: u64,
    cache_creation_input_tokens: u64,
}

/// What the calls of a part of a transcript used. A message is written in pieces, each with the count so far: the last
/// one counts. Lines that are none are passed over, whatever is in them.
#[must_use]
pub fn usage(part: &str) -> Vec<Usage> {
    let mut calls: BTreeMap<String, Usage> = BTreeMap::new();
    for line in part.lines().filter(|line| line.contains("\"usage\"")) {
        let Ok(Line { message: Some(message) }) = serde_json::from_str::<Line>(line) else { continue };
        let (Some(id), Some(model), Some(counts)) = (message.id, message.model, message.usage) else {
            continue;
        };
        // What the runtime wrote itself was paid to nobody.
        if model.starts_with('<') {
            continue;
        }
        let tokens = Tokens {
            input_tokens: counts.input_tokens,
            output_tokens: counts.output_tokens,
            cache_read_tokens: counts.cache_read_input_tokens,
            cache_creation_tokens: counts.cache_creation_input_tokens,
        };
        calls.insert(id.clone(), Usage { id, model, tokens });
    }
    calls.into_values().collect()
}
