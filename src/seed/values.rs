//! The kinds of member that identity files have: text, lists, truth values, numbers. Each
//! getter takes what the file says, notes what had to be bent, and gives `None` where the file
//! does not say.

use super::fields::{Field, Fields, is_nothing};
use super::node::{Node, Value};
use super::note::quote;

/// Longest text field, in bytes.
const MAX_TEXT: usize = 4 << 10;
/// Longest list item, in bytes.
const MAX_ITEM: usize = 512;
/// Longest list.
const MAX_ITEMS: usize = 1_000;

/// How a string is taken where a list belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commas {
    /// As one item: a glob or a tag may hold a comma.
    Keep,
    /// As items between commas, as tools are given. A repair, but in members that are documented so.
    Split,
}

impl Fields<'_> {
    /// Text, at most 4 KiB.
    pub fn text(&mut self, field: Field) -> Option<(String, u64)> {
        self.first(field, |fields, found| match &found.node.value {
            Value::String(text) if text.len() > MAX_TEXT => {
                fields.error(
                    found.line,
                    format!("`{}` is {} bytes long; at most {MAX_TEXT}", found.path, text.len()),
                );
                None
            }
            Value::String(text) => Some((text.clone(), found.line)),
            Value::Number(text) => {
                fields.repair(
                    found.line,
                    format!("`{}` is the number {}; read as text", found.path, quote(text)),
                );
                Some((text.clone(), found.line))
            }
            Value::Bool(flag) => {
                fields.repair(
                    found.line,
                    format!("`{}` is a truth value; read as the text `{flag}`", found.path),
                );
                Some((flag.to_string(), found.line))
            }
            other => fields.unusable(found, other.kind(), "text"),
        })
    }

    /// A list of text: at most 1,000 items of at most 512 bytes.
    pub fn list(&mut self, field: Field, commas: Commas) -> Option<(Vec<String>, u64)> {
        self.first(field, |fields, found| {
            let items = match &found.node.value {
                Value::Sequence(nodes) if nodes.len() > MAX_ITEMS => {
                    fields.error(
                        found.line,
                        format!("`{}` has {} items; at most {MAX_ITEMS}", found.path, nodes.len()),
                    );
                    return None;
                }
                Value::Sequence(nodes) => {
                    nodes.iter().filter_map(|node| fields.item(&found.path, node)).collect()
                }
                Value::String(text) if commas == Commas::Split => {
                    if !(found.top && is_documented_string(&found.path)) {
                        fields.repair(
                            found.line,
                            format!("`{}` is text and not a list; split at its commas", found.path),
                        );
                    }
                    split_tools(text)
                }
                Value::String(text) => {
                    fields.repair(
                        found.line,
                        format!("`{}` is text and not a list; read as its one item", found.path),
                    );
                    vec![text.clone()]
                }
                Value::Number(_) | Value::Bool(_) => {
                    fields.item(&found.path, found.node).into_iter().collect()
                }
                other => return fields.unusable(found, other.kind(), "a list"),
            };
            if items.len() > MAX_ITEMS {
                fields.error(
                    found.line,
                    format!("`{}` has {} items; at most {MAX_ITEMS}", found.path, items.len()),
                );
                return None;
            }
            if let Some(long) = items.iter().find(|item| item.len() > MAX_ITEM) {
                let shown = quote(long);
                fields.error(
                    found.line,
                    format!(
                        "`{}` has an item of {} bytes, at most {MAX_ITEM}: {shown}",
                        found.path,
                        long.len()
                    ),
                );
                return None;
            }
            Some((items, found.line))
        })
    }

    fn item(&mut self, path: &str, node: &Node) -> Option<String> {
        match &node.value {
            value if is_nothing(value) => {
                self.repair(node.line, format!("`{path}` has an empty item; left out"));
                None
            }
            Value::String(text) => Some(text.clone()),
            Value::Number(text) => {
                self.repair(
                    node.line,
                    format!("`{path}` has the number {} as an item; read as text", quote(text)),
                );
                Some(text.clone())
            }
            Value::Bool(flag) => {
                self.repair(
                    node.line,
                    format!("`{path}` has a truth value as an item; read as the text `{flag}`"),
                );
                Some(flag.to_string())
            }
            other => {
                self.repair(node.line, format!("`{path}` has {} as an item; left out", other.kind()));
                None
            }
        }
    }

    /// A truth value; `yes`, `"true"` or `1` is one after a repair.
    pub fn flag(&mut self, field: Field) -> Option<bool> {
        self.first(field, |fields, found| {
            let word = match &found.node.value {
                Value::Bool(flag) => return Some(*flag),
                Value::String(word) | Value::Number(word) => word.trim().to_ascii_lowercase(),
                other => return fields.unusable(found, other.kind(), "true or false"),
            };
            let flag = match word.as_str() {
                "true" | "yes" | "on" | "y" | "1" => true,
                "false" | "no" | "off" | "n" | "0" => false,
                _ => return fields.unusable(found, &quote(&word), "true or false"),
            };
            fields.repair(found.line, format!("`{}` is {}; read as {flag}", found.path, quote(&word)));
            Some(flag)
        })
    }

    /// A finite number that `accept` has no objection to; the objection is an error.
    pub fn number(
        &mut self,
        field: Field,
        accept: fn(f64) -> Result<(), &'static str>,
    ) -> Option<(f64, u64)> {
        self.first(field, |fields, found| {
            let (text, is_text) = match &found.node.value {
                Value::Number(text) => (text.as_str(), false),
                Value::String(text) => (text.as_str(), true),
                other => return fields.unusable(found, other.kind(), "a number"),
            };
            let Some(number) = parse_number(text) else {
                return fields.unusable(found, &quote(text), "a number");
            };
            let objection = if number.is_finite() { accept(number).err() } else { Some("must be finite") };
            if let Some(objection) = objection {
                fields.error(found.line, format!("`{}` {objection}: {}", found.path, quote(text)));
                return None;
            }
            if is_text {
                fields.repair(
                    found.line,
                    format!("`{}` is the text {}; read as a number", found.path, quote(text)),
                );
            }
            Some((number, found.line))
        })
    }
}

/// Claude Code documents its lists of tools as a list or as text with commas.
fn is_documented_string(path: &str) -> bool {
    matches!(path, "tools" | "allowed-tools" | "disallowedTools" | "disallowed-tools")
}

/// Splits at the commas outside of brackets: `Bash(git add, git commit), Read` are two tools.
fn split_tools(text: &str) -> Vec<String> {
    let mut depth = 0_usize;
    let parts = text.split(|c| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    });
    parts.map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// A number in any of YAML's spellings, or in a script's (`200_000`).
fn parse_number(text: &str) -> Option<f64> {
    let text = text.trim();
    let radix = text
        .strip_prefix("0x")
        .map(|digits| (digits, 16))
        .or_else(|| text.strip_prefix("0o").map(|digits| (digits, 8)));
    if let Some((digits, radix)) = radix {
        return u32::from_str_radix(digits, radix).ok().map(f64::from);
    }
    match text.to_ascii_lowercase().as_str() {
        ".nan" => Some(f64::NAN),
        ".inf" | "+.inf" => Some(f64::INFINITY),
        "-.inf" => Some(f64::NEG_INFINITY),
        text => text.replace('_', "").parse().ok(),
    }
}
