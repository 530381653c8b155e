//! What a line of YAML is made of, to one who looks at lines only.

use std::collections::HashSet;

/// The names that follow this indicator somewhere in the text.
pub(super) fn names(text: &str, indicator: char) -> HashSet<&str> {
    text.split(indicator).skip(1).map(name).filter(|name| !name.is_empty()).collect()
}

/// Such a name, without what follows it.
pub(super) fn name(rest: &str) -> &str {
    let end = rest.find(|c: char| c.is_whitespace() || matches!(c, ',' | '[' | ']' | '{' | '}'));
    &rest[..end.unwrap_or(rest.len())]
}

/// Splits a comment off. Only `# ` begins one here: `fixes #12` is text to the person who wrote it.
pub(super) fn split_comment(value: &str) -> (&str, &str) {
    let end = value
        .match_indices(" #")
        .find(|(at, _)| value[at + 2..].chars().next().is_none_or(char::is_whitespace))
        .map_or(value.len(), |(at, _)| at);
    let scalar = value[..end].trim_end();
    (scalar, &value[scalar.len()..])
}

/// The index of the closing quote in text that follows the opening one.
pub(super) fn closing(text: &str, mark: char) -> Option<usize> {
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' if mark == '"' => _ = chars.next(),
            '\'' if mark == '\'' && chars.peek().is_some_and(|&(_, next)| next == '\'') => {
                _ = chars.next();
            }
            _ if c == mark => return Some(at),
            _ => {}
        }
    }
    None
}

/// Whether text between double quotes holds a backslash that YAML refuses.
pub(super) fn bad_escape(inner: &str) -> bool {
    let mut rest = inner;
    while let Some((_, after)) = rest.split_once('\\') {
        let Some(c) = after.chars().next() else {
            return true;
        };
        rest = &after[c.len_utf8()..];
        let digits = match c {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ if "0abt\tnvfre \"/\\N_LP".contains(c) => 0,
            _ => return true,
        };
        if !rest.get(..digits).is_some_and(|code| code.bytes().all(|b| b.is_ascii_hexdigit())) {
            return true;
        }
    }
    false
}

/// One item of a list in brackets: up to the comma or bracket that ends it. Braces inside a
/// glob belong to it.
pub(super) fn flow_item(rest: &str) -> &str {
    if let Some(mark @ ('"' | '\'')) = rest.chars().next() {
        let end = closing(&rest[1..], mark).map_or(rest.len(), |end| end + 2);
        return &rest[..end];
    }
    let mut braces = 0_usize;
    let mut classes = 0_usize;
    for (at, c) in rest.char_indices() {
        match c {
            '{' => braces += 1,
            '[' => classes += 1,
            '}' if braces > 0 => braces -= 1,
            ']' if classes > 0 => classes -= 1,
            ',' if braces == 0 => return rest[..at].trim_end(),
            ']' | '}' => return rest[..at].trim_end(),
            _ => {}
        }
    }
    rest.trim_end()
}
