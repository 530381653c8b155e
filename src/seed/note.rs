//! What the reader has to say about a file: a repair or an error, and where.

use std::fmt;

/// How much of a client's text is shown before it is cut.
const SHOWN: usize = 80;

/// A repair or an error: where and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The line in the file, from 1; `None` where it concerns the file as a whole.
    pub line: Option<u64>,
    /// What was found and what was made of it, fit to print as it is.
    pub reason: String,
}

impl Note {
    /// A note about one line.
    #[must_use]
    pub fn at(line: u64, reason: impl Into<String>) -> Self {
        Self { line: Some(line), reason: reason.into() }
    }

    /// A note about the file as a whole.
    #[must_use]
    pub fn whole(reason: impl Into<String>) -> Self {
        Self { line: None, reason: reason.into() }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.reason),
            None => f.write_str(&self.reason),
        }
    }
}

/// Shows a file's text inside a reason: in backticks, cut, and with everything escaped that
/// could move the cursor or hide text on the terminal that prints it.
#[must_use]
pub fn quote(text: &str) -> String {
    let mut shown = String::from("`");
    shown.push_str(&clean(text));
    shown.push('`');
    shown
}

/// The same without the backticks.
#[must_use]
pub fn clean(text: &str) -> String {
    let mut shown = String::new();
    for (count, c) in text.chars().enumerate() {
        if count == SHOWN {
            shown.push('…');
            break;
        }
        match c {
            '"' | '\'' => shown.push(c),
            _ => shown.extend(c.escape_debug()),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_a_file_is_cut_and_escaped() {
        assert_eq!(quote("say \"hi\""), "`say \"hi\"`");
        assert_eq!(quote("\u{1b}[2J\n\u{202e}"), "`\\u{1b}[2J\\n\\u{202e}`");
        assert_eq!(quote(&"x".repeat(100)).chars().count(), SHOWN + 3);
    }

    #[test]
    fn a_note_prints_its_line() {
        assert_eq!(Note::at(3, "odd").to_string(), "line 3: odd");
        assert_eq!(Note::whole("odd").to_string(), "odd");
    }
}
