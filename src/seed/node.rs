//! The tree a YAML text becomes: plain data, in source order, with its lines.

/// A value and the line it begins on.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The line in the file, from 1.
    pub line: u64,
    /// What stands there.
    pub value: Value,
}

/// The kinds of value that YAML's core schema knows.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing, `~` or `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number as it is written: `1.0` is not `1` to a field that wants text.
    Number(String),
    /// Text.
    String(String),
    /// A list.
    Sequence(Vec<Node>),
    /// Members in source order, no key twice.
    Mapping(Vec<Entry>),
}

/// One member of a mapping.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The member's name.
    pub key: String,
    /// The line of the name.
    pub line: u64,
    /// What it is set to.
    pub value: Node,
}

/// How large a tree is; an alias copies a tree, so that its size must be known before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Values in it, itself included.
    pub nodes: usize,
    /// Bytes of text in it, keys included.
    pub bytes: usize,
    /// Levels of nesting; a scalar has none.
    pub depth: usize,
}

impl Node {
    /// The members, if it is a mapping.
    #[must_use]
    pub fn entries(&self) -> Option<&[Entry]> {
        match &self.value {
            Value::Mapping(entries) => Some(entries),
            _ => None,
        }
    }

    /// How large the tree is. Recursion is safe: no tree is deeper than `tree::MAX_DEPTH`.
    #[must_use]
    pub fn size(&self) -> Size {
        let mut size = Size { nodes: 1, bytes: 0, depth: 0 };
        match &self.value {
            Value::Null | Value::Bool(_) => {}
            Value::Number(text) | Value::String(text) => size.bytes = text.len(),
            Value::Sequence(items) => items.iter().for_each(|item| size.hold(item)),
            Value::Mapping(entries) => {
                for entry in entries {
                    size.bytes += entry.key.len();
                    size.hold(&entry.value);
                }
            }
        }
        if matches!(self.value, Value::Sequence(_) | Value::Mapping(_)) {
            size.depth += 1;
        }
        size
    }
}

impl Size {
    fn hold(&mut self, child: &Node) {
        let child = child.size();
        self.nodes += child.nodes;
        self.bytes += child.bytes;
        self.depth = self.depth.max(child.depth);
    }
}

impl Value {
    /// What an unquoted scalar means in YAML 1.2's core schema. `yes` and `on` are text there;
    /// a field that wants a truth value reads them as one.
    #[must_use]
    pub fn from_plain(text: &str) -> Self {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => Self::Null,
            "true" | "True" | "TRUE" => Self::Bool(true),
            "false" | "False" | "FALSE" => Self::Bool(false),
            _ if is_number(text) => Self::Number(text.to_owned()),
            _ => Self::String(text.to_owned()),
        }
    }

    /// The kind of value, for a reason.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "empty",
            Self::Bool(_) => "a truth value",
            Self::Number(_) => "a number",
            Self::String(_) => "text",
            Self::Sequence(_) => "a list",
            Self::Mapping(_) => "a mapping",
        }
    }
}

fn is_number(text: &str) -> bool {
    if let Some(digits) = text.strip_prefix("0x") {
        return !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit());
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return !digits.is_empty() && digits.bytes().all(|b| (b'0'..=b'7').contains(&b));
    }
    if matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return true;
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    !(whole.is_empty() && fraction.is_empty())
        && digits(whole)
        && digits(fraction)
        && exponent.is_none_or(|exponent| !exponent.is_empty() && digits(exponent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_follow_the_core_schema() {
        for text in ["1", "-1", "+1.5", "1.", ".5", "1e9", "1.5E-3", "0x1F", "0o17", ".inf", "-.INF", ".nan"]
        {
            assert_eq!(Value::from_plain(text), Value::Number(text.to_owned()), "{text}");
        }
        for text in
            ["1.0.0", "1e", "-", ".", "e5", "0x", "0o8", "1_000", "yes", "on", "undefined", "**", "1 2", "٣"]
        {
            assert_eq!(Value::from_plain(text), Value::String(text.to_owned()), "{text}");
        }
        for text in ["", "~", "null", "NULL"] {
            assert_eq!(Value::from_plain(text), Value::Null, "{text}");
        }
        assert_eq!(Value::from_plain("True"), Value::Bool(true));
    }

    #[test]
    fn size_counts_values_text_and_levels() {
        let leaf = |text: &str| Node { line: 1, value: Value::String(text.to_owned()) };
        let list = Node { line: 1, value: Value::Sequence(vec![leaf("ab"), leaf("c")]) };
        let map = Node {
            line: 1,
            value: Value::Mapping(vec![Entry { key: "k".to_owned(), line: 1, value: list }]),
        };
        assert_eq!(map.size(), Size { nodes: 4, bytes: 4, depth: 2 });
    }
}
