//! One file's bytes -> an identity, a reason to skip it, or its errors.

use std::path::Path;

use super::front_matter::{Split, split, without_bom};
use super::identity::{Outcome, identify};
use super::note::Note;
use super::yaml;
use crate::domain::identity::Identity;

/// The most YAML that is read from one file.
pub const MAX_YAML: usize = 1 << 20;

/// What came of a file.
#[derive(Debug, PartialEq)]
pub enum Reading {
    /// An identity.
    Identity {
        /// What the file says.
        identity: Box<Identity>,
        /// What had to be repaired, by line.
        repairs: Vec<Note>,
    },
    /// A file that is no identity, and why.
    Skipped(String),
    /// An identity file that cannot be used, and all that is wrong with it.
    Failed(Vec<Note>),
}

/// The kinds of file that may hold an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `.yaml`, `.yml`: YAML as a whole.
    Yaml,
    /// `.md`: front matter and a text.
    Markdown,
}

impl Kind {
    /// The kind a file's name tells; `None` for files that are never read.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?;
        if extension.eq_ignore_ascii_case("md") {
            Some(Self::Markdown)
        } else if ["yaml", "yml"].iter().any(|known| extension.eq_ignore_ascii_case(known)) {
            Some(Self::Yaml)
        } else {
            None
        }
    }
}

/// Reads one file's bytes. Of a Markdown file only the front matter matters, so the bytes may end
/// anywhere behind it. Same bytes, same reading.
#[must_use]
pub fn read(path: &Path, bytes: &[u8]) -> Reading {
    let kind = Kind::of(path).unwrap_or(Kind::Yaml);
    let (yaml, first_line) = match kind {
        Kind::Yaml => (without_bom(bytes), 1),
        Kind::Markdown => match split(bytes) {
            Split::Absent => return Reading::Skipped("no front matter".to_owned()),
            Split::Unclosed => {
                return Reading::Failed(vec![Note::at(
                    1,
                    "the front matter that begins here has no closing `---`",
                )]);
            }
            Split::Found { yaml, first_line } => (yaml, first_line),
        },
    };
    let text = match text(yaml, first_line) {
        Ok(text) => text,
        Err(note) => return Reading::Failed(vec![note]),
    };
    let mut document = match yaml::parse(&text, first_line) {
        Ok(document) => document,
        Err(note) => return Reading::Failed(vec![note]),
    };
    match identify(&document, kind, path) {
        Outcome::Identity { identity, repairs } => {
            document.repairs.extend(repairs);
            // Stable: what was noted first about a line stays first.
            document.repairs.sort_by_key(|note| note.line);
            Reading::Identity { identity, repairs: document.repairs }
        }
        Outcome::Skipped(reason) => Reading::Skipped(reason),
        Outcome::Failed(mut notes) => {
            notes.sort_by_key(|note| note.line);
            Reading::Failed(notes)
        }
    }
}

/// The YAML as text with plain line ends.
fn text(yaml: &[u8], first_line: u64) -> Result<String, Note> {
    if yaml.len() > MAX_YAML {
        return Err(Note::whole(too_large(yaml.len() as u64)));
    }
    let line_of = |at: usize| first_line + yaml[..at].iter().map(|&b| u64::from(b == b'\n')).sum::<u64>();
    let text = std::str::from_utf8(yaml)
        .map_err(|error| Note::at(line_of(error.valid_up_to()), "not valid UTF-8"))?;
    if let Some(at) = text.find('\0') {
        return Err(Note::at(line_of(at), "holds a NUL byte"));
    }
    Ok(text.replace("\r\n", "\n"))
}

/// The reason given for too much YAML.
#[must_use]
pub fn too_large(bytes: u64) -> String {
    format!("{bytes} bytes of YAML; at most {MAX_YAML} are read")
}
