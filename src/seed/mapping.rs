//! A mapping's members as they come in: keys, values, repeats and merges.

use std::collections::HashMap;

use super::node::{Entry, Node, Value};
use super::note::quote;

/// A mapping that is still open.
#[derive(Default)]
pub(super) struct Members {
    entries: Vec<Entry>,
    lines: HashMap<String, u64>,
    merges: Vec<Node>,
    /// The key whose value comes next.
    key: Option<Key>,
}

enum Key {
    Name(String, u64),
    Merge(u64),
    Unusable(u64),
}

impl Members {
    /// The line of the key whose value comes next.
    pub(super) fn line_of_key(&self) -> Option<u64> {
        match self.key {
            Some(Key::Name(_, line)) => Some(line),
            _ => None,
        }
    }

    /// Takes a key or the value of the one before, and says what could not be taken.
    pub(super) fn add(&mut self, node: Node, merge: bool) -> Option<(u64, String)> {
        match self.key.take() {
            None => {
                self.key = Some(Key::of(node, merge));
                None
            }
            Some(Key::Name(name, line)) => {
                if let Some(first) = self.lines.get(&name) {
                    return Some((line, format!("{} stands here again; line {first} counts", quote(&name))));
                }
                self.lines.insert(name.clone(), line);
                self.entries.push(Entry { key: name, line, value: node });
                None
            }
            Some(Key::Merge(line)) => {
                let before = self.merges.len();
                match node.value {
                    Value::Sequence(items) => self.merges.extend(items),
                    _ => self.merges.push(node),
                }
                let all_mappings = self.merges[before..].iter().all(|node| node.entries().is_some());
                (!all_mappings).then(|| (line, "`<<` merges mappings only; the rest is ignored".to_owned()))
            }
            Some(Key::Unusable(line)) => {
                Some((line, "a member whose name is a list or a mapping; ignored".to_owned()))
            }
        }
    }

    /// The members, those of `<<` behind: what a mapping says itself counts before what it
    /// merges, and that in its order.
    pub(super) fn merged(mut self) -> Vec<Entry> {
        for node in self.merges {
            let Value::Mapping(entries) = node.value else {
                continue;
            };
            for entry in entries {
                if self.lines.insert(entry.key.clone(), entry.line).is_none() {
                    self.entries.push(entry);
                }
            }
        }
        self.entries
    }
}

impl Key {
    fn of(node: Node, merge: bool) -> Self {
        match node.value {
            _ if merge => Self::Merge(node.line),
            Value::Null => Self::Name(String::new(), node.line),
            Value::Bool(flag) => Self::Name(flag.to_string(), node.line),
            Value::Number(text) | Value::String(text) => Self::Name(text, node.line),
            Value::Sequence(_) | Value::Mapping(_) => Self::Unusable(node.line),
        }
    }
}
