//! JSON texts: how deep they may nest, how much memory their values may take, and what is wrong with them.

use std::fmt::Write as _;

use serde_json::Value;
use warp::http::StatusCode;

use super::error::Problem;

/// Reads a JSON text that nests at most `depth` deep and whose values take at most `memory` bytes.
///
/// # Errors
/// 400 where it is none or nests deeper, with line and column; 413 where its values take more.
pub(super) fn parse(text: &[u8], depth: usize, memory: usize) -> Result<Value, Problem> {
    measure(text, depth, memory)?;
    read_value(text)
}

pub(super) fn read_value(text: &[u8]) -> Result<Value, Problem> {
    serde_json::from_slice(text).map_err(|error| malformed(text, &error))
}

pub(super) fn malformed(text: &[u8], error: &serde_json::Error) -> Problem {
    let mut told = error.to_string();
    if text.is_empty() {
        told = "it is empty".into();
    } else if std::str::from_utf8(text).is_err() {
        // Writing to a String cannot fail.
        let _ = write!(told, " (it is not UTF-8)");
    }
    Problem::new(StatusCode::BAD_REQUEST, format!("The body is not valid JSON: {told}."))
}

/// What a value takes in memory, and what an object or an array takes besides: the least that their allocations have.
const VALUE: usize = size_of::<Value>();
const OBJECT: usize = 11 * (size_of::<String>() + VALUE) + 16;
const ARRAY: usize = 4 * VALUE;

/// How much memory the values of a JSON text take, in bytes. Looks at its marks alone, so that what is too much is
/// refused before any is spent; whether it is JSON at all is for others to say.
pub(super) fn measure(text: &[u8], depth: usize, memory: usize) -> Result<usize, Problem> {
    let (mut level, mut taken, mut rest) = (0, VALUE, text.iter().enumerate());
    while let Some((at, byte)) = rest.next() {
        match byte {
            b'"' => {
                while let Some((_, byte)) = rest.next()
                    && *byte != b'"'
                {
                    if *byte == b'\\' {
                        rest.next();
                    }
                }
            }
            b'{' | b'[' => {
                level += 1;
                taken += if *byte == b'{' { OBJECT } else { ARRAY };
                if level > depth {
                    let before = text.get(..at).unwrap_or_default();
                    let mut lines = before.split(|b| *b == b'\n');
                    let (line, column) =
                        (lines.clone().count(), lines.next_back().map_or(0, <[u8]>::len) + 1);
                    let text = format!(
                        "The JSON nests deeper than {depth} levels, at line {line} column {column} \
                         (--max-json-depth)."
                    );
                    return Err(Problem::new(StatusCode::BAD_REQUEST, text));
                }
            }
            b'}' | b']' => level = level.saturating_sub(1),
            b',' => taken += VALUE,
            _ => {}
        }
        if taken > memory {
            let text = "The JSON holds more values than are taken at once; send it in parts.";
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, text));
        }
    }
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::super::json::VALUES;
    use super::*;

    fn status(text: &str, depth: usize) -> Option<(u16, String)> {
        parse(text.as_bytes(), depth, VALUES).err().map(|problem| (problem.status.as_u16(), problem.detail))
    }

    #[test]
    fn nesting_is_bounded_and_told_where() {
        assert_eq!(status("[[{}]]", 3), None);
        assert_eq!(status(r#"["[[[[", "\"[[[", "\\"]"#, 1), None, "brackets in texts are no nesting");
        assert_eq!(status("[[],[],[]]", 2), None, "what is closed is over");
        let (status, told) = status("[\n [[1]]]", 2).unwrap();
        assert_eq!(status, 400);
        assert!(told.contains("deeper than 2 levels, at line 2 column 3"), "{told}");
    }

    #[test]
    fn values_are_bounded_by_the_memory_that_they_take() {
        let many = |item: &str, count: usize| format!("[{}0]", format!("{item},").repeat(count));
        for (item, fits, too_many) in [
            ("0", 200_000, VALUES / VALUE),
            ("{\"\":0}", 10_000, VALUES / OBJECT),
            ("[0]", 40_000, VALUES / ARRAY),
        ] {
            assert_eq!(status(&many(item, fits), 9), None, "{item}");
            assert_eq!(status(&many(item, too_many), 9).unwrap().0, 413, "{item}");
        }
    }
}
