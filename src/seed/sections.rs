//! A text that is not YAML as a whole, cut into pieces that may be.

/// A piece: one member, or a line that is none, with everything below it that belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section<'a> {
    /// The member's name, where the first line looks like `name:` or `name: value`.
    pub key: Option<&'a str>,
    /// The lines.
    pub text: &'a str,
    /// The number of the first line.
    pub line: u64,
}

impl Section<'_> {
    /// The lines below `name:`, if nothing stands behind the colon, with their first line's number.
    #[must_use]
    pub fn body(&self) -> Option<(&str, u64)> {
        let (head, body) = self.text.split_once('\n')?;
        let (_, rest) = split_key(head.trim_start())?;
        let rest = rest.trim();
        (rest.is_empty() || rest.starts_with('#')).then_some((body, self.line + 1))
    }
}

/// Cuts a text at the lines that are indented as its first one is. Lines that are indented
/// more, list items, comments and closing brackets belong to the line above. Reads up to the
/// first `---` or `...`.
#[must_use]
pub fn split(text: &str, first_line: u64) -> Vec<Section<'_>> {
    let mut sections: Vec<Section<'_>> = Vec::new();
    let mut column = None;
    let mut start = 0;
    let mut at = 0;
    for (line_number, line) in (first_line..).zip(text.split_inclusive('\n')) {
        let begin = at;
        at += line.len();
        let trimmed = line.trim();
        if matches!(trimmed, "---" | "...") && line.starts_with(['-', '.']) {
            if column.is_some() {
                break;
            }
            continue;
        }
        if trimmed.is_empty() || trimmed.starts_with('#') || trimmed.starts_with('%') && column.is_none() {
            extend(&mut sections, text, start, at);
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        let column = *column.get_or_insert(indent);
        let below =
            indent > column || trimmed == "-" || trimmed.starts_with("- ") || trimmed.starts_with([']', '}']);
        if below && !sections.is_empty() {
            extend(&mut sections, text, start, at);
        } else {
            start = begin;
            let key = split_key(trimmed).map(|(key, _)| key);
            sections.push(Section { key, text: &text[begin..at], line: line_number });
        }
    }
    sections
}

fn extend<'a>(sections: &mut [Section<'a>], text: &'a str, start: usize, end: usize) {
    if let Some(last) = sections.last_mut() {
        last.text = &text[start..end];
    }
}

/// Splits `name: value`. Only names that a person gives to a member count: a line of shell with
/// a colon in it is none.
#[must_use]
pub fn split_key(line: &str) -> Option<(&str, &str)> {
    let (key, rest) = if let quote @ ('"' | '\'') = line.chars().next()? {
        line[1..].split_once(quote)?
    } else {
        let is_other = |c: char| !(c.is_alphanumeric() || "_-.$".contains(c));
        line.split_at(line.find(is_other).unwrap_or(line.len()))
    };
    let value = rest.trim_start().strip_prefix(':')?;
    let free = value.is_empty() || value.starts_with(char::is_whitespace);
    (!key.is_empty() && free).then(|| (key, value.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_begin_where_the_first_line_does() {
        let text = "---\n# head\nname: a\nhooks:\npre: \"|\"\necho \"x: \"$T\"\"\n- item\n\nrbac:\n  a:\n    - b\n  # c\ntags: [\n]\n---\nmore: 1\n";
        let found: Vec<_> =
            split(text, 1).into_iter().map(|s| (s.key, s.line, s.text.lines().count())).collect();
        assert_eq!(
            found,
            [
                (Some("name"), 3, 1),
                (Some("hooks"), 4, 1),
                (Some("pre"), 5, 1),
                (None, 6, 3),
                (Some("rbac"), 9, 4),
                (Some("tags"), 13, 2),
            ]
        );
    }

    #[test]
    fn a_body_is_cut_the_same_way() {
        let section = split("rbac: # rights\n  a: 1\n  b:\n  - 2\n", 7)[0];
        let (body, line) = section.body().unwrap();
        let found: Vec<_> = split(body, line).into_iter().map(|s| (s.key, s.line)).collect();
        assert_eq!(found, [(Some("a"), 8), (Some("b"), 9)]);
        assert_eq!(split("a: |\n  b: 1\n", 1)[0].body(), None);
    }

    #[test]
    fn keys_are_names() {
        assert_eq!(split_key("a-b_c: d: e"), Some(("a-b_c", "d: e")));
        assert_eq!(split_key("'a b': c"), Some(("a b", "c")));
        assert_eq!(split_key("a:"), Some(("a", "")));
        for line in ["", "a", "a:b", "npm run test: x", "echo \"a: b\"", ": a", "\"a", "- a: b"] {
            assert_eq!(split_key(line), None, "{line}");
        }
    }
}
