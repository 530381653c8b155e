//! Front matter: the YAML between two `---` lines at the start of a Markdown file.

/// What a Markdown file begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split<'a> {
    /// No `---` line at the start: a text like any other.
    Absent,
    /// A `---` line at the start, and no second one.
    Unclosed,
    /// Front matter.
    Found {
        /// The bytes between the two lines.
        yaml: &'a [u8],
        /// The number of its first line in the file.
        first_line: u64,
    },
}

/// Splits the front matter off. A byte order mark, CRLF and blanks after the dashes are fine.
/// The body is not looked at: its bytes may be anything.
#[must_use]
pub fn split(bytes: &[u8]) -> Split<'_> {
    let Some(start) = opening(bytes) else {
        return Split::Absent;
    };
    match closing(bytes, start) {
        Some((end, _)) => Split::Found { yaml: &bytes[start..end], first_line: 2 },
        None => Split::Unclosed,
    }
}

/// The bytes without a UTF-8 byte order mark.
#[must_use]
pub fn without_bom(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// Where the front matter begins: after the opening line, if the file begins with one.
#[must_use]
pub fn opening(bytes: &[u8]) -> Option<usize> {
    let bom = bytes.len() - without_bom(bytes).len();
    let end = line_end(bytes, bom);
    is_dashes(&bytes[bom..end]).then_some(end)
}

/// Where the closing line begins and ends, looking from the start of a line on.
#[must_use]
pub fn closing(bytes: &[u8], from: usize) -> Option<(usize, usize)> {
    let mut start = from;
    while start < bytes.len() {
        let end = line_end(bytes, start);
        if is_dashes(&bytes[start..end]) {
            return Some((start, end));
        }
        start = end;
    }
    None
}

/// The index after the line's `\n`, or the end of the bytes.
fn line_end(bytes: &[u8], start: usize) -> usize {
    let rest = &bytes[start..];
    start + rest.iter().position(|&b| b == b'\n').map_or(rest.len(), |at| at + 1)
}

fn is_dashes(line: &[u8]) -> bool {
    line.strip_prefix(b"---").is_some_and(|rest| rest.iter().all(u8::is_ascii_whitespace))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn yaml(bytes: &[u8]) -> &[u8] {
        match split(bytes) {
            Split::Found { yaml, first_line: 2 } => yaml,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn front_matter_lies_between_two_lines_of_dashes() {
        assert_eq!(yaml(b"---\nname: a\n---\nbody"), b"name: a\n");
        assert_eq!(yaml(b"---\n---\n"), b"");
        assert_eq!(yaml(b"---\nname: a\n---"), b"name: a\n");
        assert_eq!(yaml(b"\xef\xbb\xbf--- \r\nname: a\r\n---\r\n\xff\xfe"), b"name: a\r\n");
        assert_eq!(yaml(b"---\n--- a\n----\n ---\n---\n"), b"--- a\n----\n ---\n");
    }

    #[test]
    fn other_files_have_none() {
        for bytes in
            [&b""[..], b"# Title\n---\n---\n", b"--", b"\n---\n---\n", b"----\n----\n", b"--- x\n---\n"]
        {
            assert_eq!(split(bytes), Split::Absent);
        }
        assert_eq!(split(b"---"), Split::Unclosed);
        assert_eq!(split(b"---\nname: a\n"), Split::Unclosed);
    }
}
