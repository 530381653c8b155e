//! YAML as people and their scripts write it -> a tree, and a note for each liberty taken.

use std::collections::HashMap;

use super::mend::mend;
use super::node::{Entry, Node, Value};
use super::note::{Note, quote};
use super::sections::{Section, split};
use super::tree::{Fault, Spent, build};

/// A file with more faults than this is not a file with faults. It bounds what is kept about one.
const MAX_REPAIRS: usize = 1_000;

/// What a text says.
#[derive(Debug)]
pub struct Document {
    /// The tree.
    pub root: Node,
    /// What a strict reader would have read differently, or not at all.
    pub repairs: Vec<Note>,
    /// The names of the members that could not be read.
    pub lost: Vec<String>,
    /// The parser's first complaint, if the text as a whole is not YAML.
    pub complaint: Option<Note>,
}

/// Reads a text, whose first line has this number in its file: strictly, and where that fails,
/// member by member, so that a broken one costs itself and not the file.
///
/// # Errors
/// When the text reaches a limit, or was an identity and nothing in it can be read.
pub fn parse(text: &str, first_line: u64) -> Result<Document, Note> {
    let complaint = match build(text, first_line, &mut Spent::default()) {
        Ok(tree) => {
            return bounded(Document {
                root: tree.root,
                repairs: tree.repairs,
                lost: Vec::new(),
                complaint: None,
            });
        }
        Err(Fault::Limit(note)) => return Err(note),
        Err(Fault::Syntax(note)) => note,
    };
    let mut salvage = Salvage::default();
    salvage.members(text, first_line, true, &mut Spent::default())?;
    // Nothing to judge by, as in prose between two rules; but this word is an identity's own.
    if salvage.entries.is_empty() && text.contains("agent_id") {
        return Err(complaint);
    }
    let root = Node { line: first_line, value: Value::Mapping(salvage.entries) };
    bounded(Document { root, repairs: salvage.repairs, lost: salvage.lost, complaint: Some(complaint) })
}

fn bounded(document: Document) -> Result<Document, Note> {
    if document.repairs.len() > MAX_REPAIRS {
        return Err(Note::whole(format!("more than {MAX_REPAIRS} faults")));
    }
    Ok(document)
}

#[derive(Default)]
struct Salvage {
    entries: Vec<Entry>,
    lines: HashMap<String, u64>,
    repairs: Vec<Note>,
    lost: Vec<String>,
}

impl Salvage {
    fn members(&mut self, text: &str, first_line: u64, top: bool, spent: &mut Spent) -> Result<(), Note> {
        for section in split(text, first_line) {
            self.member(section, top, spent)?;
            if self.repairs.len() > MAX_REPAIRS {
                return Err(Note::whole(format!("more than {MAX_REPAIRS} faults")));
            }
        }
        Ok(())
    }

    fn member(&mut self, section: Section<'_>, top: bool, spent: &mut Spent) -> Result<(), Note> {
        let complaint = match build(section.text, section.line, spent) {
            Ok(tree) => match tree.root.value {
                Value::Mapping(entries) => {
                    self.repairs.extend(tree.repairs);
                    self.keep(entries);
                    return Ok(());
                }
                _ => Note::at(section.line, "no `name: value`"),
            },
            Err(Fault::Limit(note)) => return Err(note),
            Err(Fault::Syntax(note)) => note,
        };
        let Some(key) = section.key else {
            let line = section.text.lines().next().unwrap_or_default().trim();
            self.repairs.push(Note::at(section.line, format!("{} is no member; ignored", quote(line))));
            return Ok(());
        };
        if let Some((mended, notes)) = mend(section.text, section.line)
            && let Ok(tree) = build(&mended, section.line, spent)
            && let Value::Mapping(entries) = tree.root.value
        {
            self.repairs.extend(notes);
            self.repairs.extend(tree.repairs);
            self.keep(entries);
            return Ok(());
        }
        // One level down the same again: a broken rule costs itself and not all the rights.
        if top && let Some((body, line)) = section.body() {
            let mut inner = Self::default();
            inner.members(body, line, false, spent)?;
            if !inner.entries.is_empty() {
                self.repairs.extend(inner.repairs);
                self.lost.extend(inner.lost.into_iter().map(|name| format!("{key}.{name}")));
                let value = Node { line: section.line, value: Value::Mapping(inner.entries) };
                self.keep(vec![Entry { key: key.to_owned(), line: section.line, value }]);
                return Ok(());
            }
        }
        let Note { line, reason } = complaint;
        let at = line.filter(|&at| at != section.line).map_or(String::new(), |at| format!(", line {at}"));
        self.repairs.push(Note::at(
            section.line,
            format!("{} is not valid YAML ({reason}{at}); ignored", quote(key)),
        ));
        self.lost.push(key.to_owned());
        Ok(())
    }

    fn keep(&mut self, entries: Vec<Entry>) {
        for entry in entries {
            if let Some(first) = self.lines.get(&entry.key) {
                let reason = format!("{} stands here again; line {first} counts", quote(&entry.key));
                self.repairs.push(Note::at(entry.line, reason));
            } else {
                self.lines.insert(entry.key.clone(), entry.line);
                self.entries.push(entry);
            }
        }
    }
}
