//! What all lists share: how far `skip` may go, and cursors.

use std::fmt::Write as _;

use super::error::Problem;
use crate::domain::log_query::Cursor;

/// How far `skip` may go; beyond that a cursor costs less.
const MAX_SKIP: u64 = 100_000;

/// How many to leave out.
///
/// # Errors
/// When it is too many.
pub fn checked_skip(skip: Option<u64>, name: &str) -> Result<u64, Problem> {
    match skip.unwrap_or(0) {
        skip if skip <= MAX_SKIP => Ok(skip),
        _ => Err(Problem::bad_parameter(
            name,
            "range",
            "must be at most 100000; to go deeper follow the cursor in the Link header, rel=\"next\"",
        )),
    }
}

/// Where a page of a log begins.
///
/// # Errors
/// When the text is no cursor.
pub fn log_cursor(text: Option<&str>) -> Result<Option<Cursor>, Problem> {
    text.map(|text| Cursor::parse(text).ok_or_else(bad_cursor)).transpose()
}

/// The cursor is none of ours.
pub fn bad_cursor() -> Problem {
    Problem::bad_parameter(
        "cursor",
        "value",
        "is not a cursor; take it from the Link header of an earlier page",
    )
}

/// Bytes as text.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Bytes from text.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    // Of a number, a plus is a part; of bytes it is not.
    if !text.len().is_multiple_of(2) || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).ok()).collect()
}
