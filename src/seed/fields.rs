//! The members of an identity file: where each is looked for, and what is noted about it.

use super::node::{Entry, Node, Value};
use super::note::{Note, quote};

/// A member: the section it belongs to, and the names it goes by, the first of which counts.
/// It is looked for in its section, then at the top, then at the top with `x-` before it.
/// `-` and `_` are the same in names.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The section, or `""` for a member that has none.
    pub section: &'static str,
    /// Its names.
    pub names: &'static [&'static str],
    /// Whether it may also stand outside of its section.
    pub anywhere: bool,
}

/// The top level of a file, and what was noted about its members.
#[derive(Debug)]
pub struct Fields<'a> {
    root: &'a [Entry],
    /// What a strict reader would have read differently.
    pub repairs: Vec<Note>,
    /// What cannot be used.
    pub errors: Vec<Note>,
}

/// A member found, with its path for reasons.
pub(super) struct Found<'a> {
    pub path: String,
    pub line: u64,
    pub node: &'a Node,
    /// Whether it stands outside of its section.
    pub top: bool,
}

impl<'a> Fields<'a> {
    /// Looks at a file's members; a known section that is no mapping is noted at once.
    #[must_use]
    pub fn new(root: &'a [Entry], sections: &[&str]) -> Self {
        let mut fields = Self { root, repairs: Vec::new(), errors: Vec::new() };
        for entry in root.iter().filter(|entry| sections.contains(&entry.key.as_str())) {
            match entry.value.value {
                Value::Mapping(_) => {}
                Value::Null => fields
                    .repair(entry.line, format!("`{}` is empty; its members' defaults apply", entry.key)),
                _ => {
                    let kind = entry.value.value.kind();
                    fields
                        .repair(entry.line, format!("`{}` is {kind} and not a mapping; ignored", entry.key));
                }
            }
        }
        fields
    }

    /// The line where the file says something about this member, of use or not.
    #[must_use]
    pub fn says(&self, field: Field) -> Option<u64> {
        self.places(field).into_iter().find(|found| !is_nothing(&found.node.value)).map(|found| found.line)
    }

    /// Notes an error about a line.
    pub fn error(&mut self, line: u64, reason: impl Into<String>) {
        self.errors.push(Note::at(line, reason));
    }

    /// Notes a repair of a line.
    pub fn repair(&mut self, line: u64, reason: impl Into<String>) {
        self.repairs.push(Note::at(line, reason));
    }

    /// The first of a member's places that says something of use.
    pub(super) fn first<T>(
        &mut self,
        field: Field,
        mut read: impl FnMut(&mut Self, &Found<'a>) -> Option<T>,
    ) -> Option<T> {
        let places = self.places(field);
        for (index, found) in places.iter().enumerate() {
            if is_nothing(&found.node.value) {
                let what = match &found.node.value {
                    Value::String(text) if !text.trim().is_empty() => quote(text),
                    _ => "empty".to_owned(),
                };
                self.repair(found.line, format!("`{}` is {what}; its default applies", found.path));
                continue;
            }
            if let Some(value) = read(self, found) {
                // A section goes before the top level, that is known. Two names for one
                // member side by side are a contradiction.
                for other in places[index + 1..].iter().filter(|other| other.top == found.top) {
                    self.repair(
                        other.line,
                        format!("`{}` is another name for `{}`, which counts", other.path, found.path),
                    );
                }
                return Some(value);
            }
        }
        None
    }

    fn places(&self, field: Field) -> Vec<Found<'a>> {
        let root = self.root;
        let section = root.iter().find(|entry| !field.section.is_empty() && entry.key == field.section);
        let inner = section.and_then(|entry| entry.value.entries()).unwrap_or_default();
        let mut places = Vec::new();
        let mut look = |entries: &'a [Entry], prefix: &str, top: bool| {
            for name in field.names {
                for entry in entries {
                    if entry.key.strip_prefix(prefix).is_some_and(|key| same(key, name)) {
                        let path =
                            if top { entry.key.clone() } else { format!("{}.{}", field.section, entry.key) };
                        places.push(Found { path, line: entry.line, node: &entry.value, top });
                    }
                }
            }
        };
        look(inner, "", false);
        if field.anywhere {
            look(root, "", true);
            look(root, "x-", true);
        }
        places
    }

    pub(super) fn unusable<T>(&mut self, found: &Found<'_>, what: &str, wanted: &str) -> Option<T> {
        self.repair(
            found.line,
            format!("`{}` is {what} where {wanted} belongs; its default applies", found.path),
        );
        None
    }
}

/// Whether a key is this name, `-` and `_` being the same.
fn same(key: &str, name: &str) -> bool {
    key.len() == name.len() && key.bytes().zip(name.bytes()).all(|(a, b)| a == b || a == b'-' && b == b'_')
}

/// What scripts write when they have nothing to write.
#[must_use]
pub fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => matches!(text.trim(), "" | "undefined" | "null"),
        _ => false,
    }
}
