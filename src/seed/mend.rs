//! Text that is YAML but for scalars its author meant as text: those get quotes.

use std::collections::HashSet;

use super::lexis::{bad_escape, closing, flow_item, name, names, split_comment};
use super::note::{Note, quote};
use super::sections::split_key;

/// Past so many the text is not worth mending. It bounds what is kept about one.
const MAX_CHANGES: usize = 1_000;

/// Quotes the scalars that cannot be YAML as they stand: those that begin with an indicator
/// (`*`, `&`, `!`, `%`, `@`, a backtick), unquoted ones with `: ` in them, and quoted ones with
/// unescaped quotes inside. `None` if there are none. Lines keep their numbers.
///
/// Whether the result is YAML is for the parser to say: this looks at lines and does not know
/// the whole grammar, so it is asked only about text that has failed already.
#[must_use]
pub fn mend(text: &str, first_line: u64) -> Option<(String, Vec<Note>)> {
    let mut state = State {
        anchors: names(text, '&'),
        aliases: names(text, '*'),
        out: String::with_capacity(text.len() + 64),
        notes: Vec::new(),
        open: Open::Nothing,
    };
    for (number, line) in (first_line..).zip(text.split_inclusive('\n')) {
        let content = line.trim_end_matches(['\n', '\r']);
        state.line(content, number);
        state.out.push_str(&line[content.len()..]);
        if state.notes.len() > MAX_CHANGES {
            return None;
        }
    }
    (!state.notes.is_empty()).then_some((state.out, state.notes))
}

/// What a line may be inside of.
#[derive(Clone, Copy)]
enum Open {
    Nothing,
    /// A `|` or `>` scalar below a line with this indentation.
    Block(usize),
    /// A quoted scalar that goes on over lines.
    Quotes(char),
    /// So many brackets.
    Flow(usize),
}

struct State<'t> {
    anchors: HashSet<&'t str>,
    aliases: HashSet<&'t str>,
    out: String,
    notes: Vec<Note>,
    open: Open,
}

impl State<'_> {
    fn line(&mut self, line: &str, number: u64) {
        let indent = line.len() - line.trim_start().len();
        match self.open {
            Open::Block(parent) if line.trim().is_empty() || indent > parent => {
                return self.out.push_str(line);
            }
            Open::Quotes(mark) => {
                if closing(line, mark).is_some() {
                    self.open = Open::Nothing;
                }
                return self.out.push_str(line);
            }
            Open::Flow(depth) => return self.flow(line, depth, number),
            Open::Block(_) | Open::Nothing => self.open = Open::Nothing,
        }
        // What stands before the value: blanks, dashes, the name.
        let mut value = line.trim_start();
        while let Some(rest) = value.strip_prefix("- ") {
            value = rest.trim_start();
        }
        if let Some((_, rest)) = split_key(value) {
            value = rest;
        }
        self.out.push_str(&line[..line.len() - value.len()]);
        self.value(value, indent, number);
    }

    fn value(&mut self, value: &str, indent: usize, number: u64) {
        let Some(first) = value.chars().next() else {
            return;
        };
        match first {
            '#' => self.out.push_str(value),
            '|' | '>' => {
                self.open = Open::Block(indent);
                self.out.push_str(value);
            }
            '[' | '{' => self.flow(value, 0, number),
            '"' | '\'' => self.quoted(value, first, number),
            _ => {
                let (scalar, comment) = split_comment(value);
                if self.is_literal(scalar) {
                    self.replace(scalar, number, reserved(scalar));
                } else if scalar.contains(": ") || scalar.ends_with(':') {
                    self.replace(
                        scalar,
                        number,
                        "holds a colon that YAML takes for a name's end; read as text",
                    );
                } else {
                    self.out.push_str(scalar);
                }
                self.out.push_str(comment);
            }
        }
    }

    fn quoted(&mut self, value: &str, mark: char, number: u64) {
        let Some(end) = closing(&value[1..], mark) else {
            self.open = Open::Quotes(mark);
            return self.out.push_str(value);
        };
        let rest = value[end + 2..].trim_start();
        let (scalar, comment) = split_comment(value);
        let inner = scalar.strip_prefix(mark).and_then(|inner| inner.strip_suffix(mark));
        let inner_quotes = !(rest.is_empty() || rest.starts_with(['#', ':']));
        match inner {
            Some(inner) if inner_quotes => {
                self.replace(inner, number, "holds quotes inside its quotes; read as text");
                self.out.push_str(comment);
            }
            Some(inner) if mark == '"' && bad_escape(inner) => {
                self.replace(inner, number, "holds a backslash that YAML takes for an escape; read as text");
                self.out.push_str(comment);
            }
            _ => self.out.push_str(value),
        }
    }

    /// A line, or the rest of one, inside brackets: its items are looked at one by one.
    fn flow(&mut self, line: &str, mut depth: usize, number: u64) {
        let mut rest = line;
        let mut at_start = depth > 0;
        let mut blank = true;
        while let Some(c) = rest.chars().next() {
            let quotes = blank && matches!(c, '"' | '\'');
            blank = c.is_whitespace();
            if quotes || at_start && !c.is_whitespace() && !matches!(c, '[' | ']' | '{' | '}' | ',') {
                let item = flow_item(rest);
                if !matches!(c, '"' | '\'') && self.is_literal(item) {
                    self.replace(item, number, reserved(item));
                } else {
                    self.out.push_str(item);
                }
                rest = &rest[item.len()..];
                at_start = false;
                continue;
            }
            match c {
                '[' | '{' => depth += 1,
                ']' | '}' => depth = depth.saturating_sub(1),
                '#' => break,
                _ => {}
            }
            at_start = matches!(c, '[' | '{' | ',') || at_start && c.is_whitespace();
            self.out.push(c);
            rest = &rest[c.len_utf8()..];
        }
        self.out.push_str(rest);
        self.open = if depth == 0 { Open::Nothing } else { Open::Flow(depth) };
    }

    fn replace(&mut self, literal: &str, number: u64, why: &str) {
        self.out.push('\'');
        self.out.push_str(&literal.replace('\'', "''"));
        self.out.push('\'');
        self.notes.push(Note::at(number, format!("{} {why}", quote(literal))));
    }

    /// Whether a scalar begins with an indicator and is still meant as text.
    fn is_literal(&self, scalar: &str) -> bool {
        match scalar.chars().next() {
            Some('@' | '`' | '%') => true,
            // An alias or an anchor, if the other end is there.
            Some('*') => !self.anchors.contains(name(&scalar[1..])),
            Some('&') => !self.aliases.contains(name(&scalar[1..])),
            Some('!') => !scalar.starts_with("!!"),
            _ => false,
        }
    }
}

/// What the parser would have made of a scalar, in the words `tree` uses for the same.
fn reserved(scalar: &str) -> &'static str {
    match scalar.chars().next() {
        Some('*') => "begins an alias to YAML; read as text",
        Some('&') => "begins an anchor to YAML; read as text",
        Some('!') => "begins a tag to YAML; read as text",
        _ => "begins with a character that YAML reserves; read as text",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mended(text: &str) -> String {
        mend(text, 1).map_or_else(|| "-".to_owned(), |(text, _)| text)
    }

    #[test]
    fn indicators_meant_as_text_get_quotes() {
        for (text, expected) in [
            ("a:\n  - *\n  - b\n", "a:\n  - '*'\n  - b\n"),
            ("- **/*.{ts,tsx} # all", "- '**/*.{ts,tsx}' # all"),
            ("path: **", "path: '**'"),
            ("a: [*, b, **/*.{x,y}, 'c', !d, e]", "a: ['*', b, '**/*.{x,y}', 'c', '!d', e]"),
            ("a: [\n  *,\n  b\n]\nc: @d", "a: [\n  '*',\n  b\n]\nc: '@d'"),
            ("- @a\n- `b`\n- %c\n- !d/** e\n- it: @'s", "- '@a'\n- '`b`'\n- '%c'\n- '!d/** e'\n- it: '@''s'"),
            ("a: b: c #1 # d\r\nb:\r\n", "a: 'b: c #1' # d\r\nb:\r\n"),
            ("a: \"b \"c\" d\"", "a: 'b \"c\" d'"),
            ("a: \"C:\\Users\"", "a: 'C:\\Users'"),
        ] {
            assert_eq!(mended(text), expected);
        }
    }

    #[test]
    fn what_may_be_yaml_stays() {
        for text in [
            "a: &x 1\nb: *x",
            "a: |\n  *\n\n  @b\nc: d",
            "a: \"@b\n  *c\"",
            "a: 'it''s: x'",
            "a: !!str 1",
            "# a: *",
            "a: [b, \"*\", '@']",
            "a: 1 # *",
        ] {
            assert_eq!(mended(text), "-", "{text}");
        }
    }

    #[test]
    fn every_change_is_noted_with_its_line() {
        let (_, notes) = mend("a:\n- *\nb: [c, *]\n", 5).unwrap();
        assert_eq!(notes.iter().map(|note| note.line).collect::<Vec<_>>(), [Some(6), Some(7)]);
    }
}
