//! An agent's name, from whatever a file calls it.

use std::path::Path;

use super::fields::{Field, Fields};
use super::note::{Note, quote};

/// Longest name, in characters.
const MAX_NAME: usize = 128;
/// The name as the registry wants it, and the original where that differs. A file with an id
/// may leave the name to its own file name; the id says who is meant.
pub(super) fn name(fields: &mut Fields<'_>, has_id: bool, path: &Path) -> Option<(String, Option<String>)> {
    let outer = Field { section: "", names: &["name"], anywhere: true };
    let inner = Field { section: "identity", names: &["name"], anywhere: false };
    let given = fields.text(outer).or_else(|| fields.text(inner));
    let Some((original, line)) = given else {
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let name = slug(&stem);
        if has_id && !name.is_empty() {
            fields.repairs.push(Note::whole(format!("no name; taken from the file's: {}", quote(&name))));
            return Some((name, None));
        }
        // An id that is no UUID, or a name too long to read, is an error already.
        if fields.errors.is_empty() {
            fields.errors.push(Note::whole("neither a name nor an agent_id"));
        }
        return None;
    };
    let name = slug(&original);
    if name.is_empty() {
        fields.error(line, format!("the name {} has no letter or digit of a-z, 0-9", quote(&original)));
        return None;
    }
    if name == original {
        return Some((name, None));
    }
    fields.repair(line, format!("the name {} becomes {}", quote(&original), quote(&name)));
    Some((name, Some(original)))
}

/// A name in small letters, digits and dashes, at most 128 of them.
fn slug(original: &str) -> String {
    let valid = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '-');
    if (1..=MAX_NAME).contains(&original.len()) && original.chars().all(valid) {
        return original.to_owned();
    }
    let mut name = String::new();
    for c in original.chars().map(|c| c.to_ascii_lowercase()) {
        match c {
            'a'..='z' | '0'..='9' => name.push(c),
            _ if !name.is_empty() && !name.ends_with('-') => name.push('-'),
            _ => {}
        }
    }
    cut(&name).trim_end_matches('-').to_owned()
}

/// The first 128 characters.
pub(super) fn cut(text: &str) -> &str {
    text.char_indices().nth(MAX_NAME).map_or(text, |(at, _)| &text[..at])
}
