//! JSON bodies: one record, or a batch of them.

use std::fmt::{self, Write as _};

use bytes::Bytes;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use warp::http::StatusCode;

use super::document::OperationDoc;
use super::endpoint::Input;
use super::error::Problem;
use super::request::{Call, typed};
use super::schema::Checker;
use crate::App;
use crate::config::Limits;
use crate::domain::refusal::FieldError;

/// A JSON body.
pub struct Json<T>(pub T);

/// A JSON body that may be as large as a batch.
pub struct LargeJson<T>(pub T);

/// A JSON body, or none.
pub struct OptionalJson<T>(pub Option<T>);

/// A batch: a JSON array, or NDJSON. Each item is checked on its own.
pub struct Batch<T>(pub Vec<Result<T, Problem>>);

/// How many items a batch may have.
pub const MAX_BATCH: usize = 10_000;

/// How much memory the values of a JSON text may take while they are checked, in bytes. Their text may be short:
/// `{"":0},` is 7 bytes, and some 700 in memory.
const VALUES: usize = 8 * 1024 * 1024;
/// The same for a [`LargeJson`], and for the items of a batch together.
const LARGE_VALUES: usize = 48 * 1024 * 1024;

impl<T: DeserializeOwned + ToSchema + Send + 'static> Input for Json<T> {
    type Prepared = Checker;

    fn prepare(doc: &mut OperationDoc) -> Checker {
        doc.body::<T>(true);
        Checker::of::<T>()
    }

    async fn read(call: &mut Call, app: &App, checker: &Checker) -> Result<Self, Problem> {
        let limits = &app.config.limits;
        let body = json_body(call, limits.body_bytes, limits).await?;
        typed(checker, parse(&body, limits.json_depth, VALUES)?, "body").map(Self)
    }
}

impl<T: DeserializeOwned + ToSchema + Send + 'static> Input for LargeJson<T> {
    type Prepared = Checker;

    fn prepare(doc: &mut OperationDoc) -> Checker {
        Json::<T>::prepare(doc)
    }

    async fn read(call: &mut Call, app: &App, checker: &Checker) -> Result<Self, Problem> {
        let limits = &app.config.limits;
        let body = json_body(call, limits.batch_bytes, limits).await?;
        typed(checker, parse(&body, limits.json_depth, LARGE_VALUES)?, "body").map(Self)
    }
}

impl<T: DeserializeOwned + ToSchema + Send + 'static> Input for OptionalJson<T> {
    type Prepared = Checker;

    fn prepare(doc: &mut OperationDoc) -> Checker {
        doc.body::<T>(false);
        Checker::of::<T>()
    }

    async fn read(call: &mut Call, app: &App, checker: &Checker) -> Result<Self, Problem> {
        let limits = &app.config.limits;
        let body = json_body(call, limits.body_bytes, limits).await?;
        if body.is_empty() {
            return Ok(Self(None));
        }
        typed(checker, parse(&body, limits.json_depth, VALUES)?, "body").map(|value| Self(Some(value)))
    }
}

const NDJSON: [&str; 3] = ["application/x-ndjson", "application/ndjson", "application/jsonl"];

impl<T: DeserializeOwned + ToSchema + Send + 'static> Input for Batch<T> {
    type Prepared = Checker;

    fn prepare(doc: &mut OperationDoc) -> Checker {
        doc.batch_body::<T>();
        Checker::of::<T>()
    }

    async fn read(call: &mut Call, app: &App, checker: &Checker) -> Result<Self, Problem> {
        let content_type = call.content_type();
        let lines = content_type.as_deref().is_some_and(|t| NDJSON.contains(&t));
        if !lines {
            check_json(content_type.as_deref())?;
        }
        let limits = &app.config.limits;
        let body = call.body(limits.batch_bytes, limits).await?;
        let mut left = LARGE_VALUES;
        let mut read = |item| typed(checker, parse_item(item, limits, &mut left)?, "body");
        Ok(Self(items(&body, lines)?.into_iter().map(&mut read).collect()))
    }
}

/// The texts of a batch's items.
fn items(body: &[u8], lines: bool) -> Result<Vec<&[u8]>, Problem> {
    // An object at the start cannot begin an array: it is NDJSON under the wrong name.
    let (items, count) = if lines || body.trim_ascii_start().starts_with(b"{") {
        let mut lines = body.split(|b| *b == b'\n').filter(|line| !line.trim_ascii().is_empty());
        let items: Vec<_> = lines.by_ref().take(MAX_BATCH).collect();
        let count = items.len() + lines.count();
        (items, count)
    } else {
        let Items { items, count } = serde_json::from_slice(body).map_err(|error| no_array(body, &error))?;
        (items.into_iter().map(|item| item.get().as_bytes()).collect(), count)
    };
    if count > MAX_BATCH {
        let text = format!("The batch has {count} items; at most {MAX_BATCH} are taken.");
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, text));
    }
    Ok(items)
}

/// Reads an item, whose values may take what the items before it `left`.
fn parse_item(item: &[u8], limits: &Limits, left: &mut usize) -> Result<Value, Problem> {
    let limit = limits.body_bytes;
    if item.len() > limit {
        let text = format!("The item is {} bytes; at most {limit} are taken.", item.len());
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, text));
    }
    *left -= measure(item, limits.json_depth, VALUES.min(*left))?;
    read_value(item)
}

/// The first items of an array, and how many it has.
struct Items<'a> {
    items: Vec<&'a RawValue>,
    count: usize,
}

impl<'de> Deserialize<'de> for Items<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Items<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Items<'de>, A::Error> {
                let mut items = Vec::new();
                while items.len() < MAX_BATCH
                    && let Some(item) = array.next_element()?
                {
                    items.push(item);
                }
                let mut count = items.len();
                while count >= MAX_BATCH && array.next_element::<IgnoredAny>()?.is_some() {
                    count += 1;
                }
                Ok(Items { items, count })
            }
        }
        deserializer.deserialize_seq(Reader)
    }
}

/// Why a text is no array: it is other JSON, or none.
fn no_array(body: &[u8], error: &serde_json::Error) -> Problem {
    if !error.is_data() {
        return malformed(body, error);
    }
    if let Err(error) = serde_json::from_slice::<&RawValue>(body) {
        return malformed(body, &error);
    }
    let msg = "must be an array, or one JSON object a line (NDJSON)";
    Problem::invalid(vec![FieldError { loc: vec!["body".into()], msg: msg.into(), kind: "type".into() }])
}

async fn json_body(call: &mut Call, limit: usize, limits: &Limits) -> Result<Bytes, Problem> {
    check_json(call.content_type().as_deref())?;
    call.body(limit, limits).await
}

fn check_json(content_type: Option<&str>) -> Result<(), Problem> {
    match content_type {
        None | Some("application/json") => Ok(()),
        Some(other) if other.starts_with("application/") && other.ends_with("+json") => Ok(()),
        Some(other) => Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!(
                "The body is '{}'; send JSON with the header 'Content-Type: application/json'.",
                other.escape_debug()
            ),
        )),
    }
}

/// Reads a JSON text that nests at most `depth` deep and whose values take at most `memory` bytes.
///
/// # Errors
/// 400 where it is none or nests deeper, with line and column; 413 where its values take more.
pub fn parse(text: &[u8], depth: usize, memory: usize) -> Result<Value, Problem> {
    measure(text, depth, memory)?;
    read_value(text)
}

fn read_value(text: &[u8]) -> Result<Value, Problem> {
    serde_json::from_slice(text).map_err(|error| malformed(text, &error))
}

fn malformed(text: &[u8], error: &serde_json::Error) -> Problem {
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
fn measure(text: &[u8], depth: usize, memory: usize) -> Result<usize, Problem> {
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

    #[test]
    fn the_items_of_a_batch_are_counted_before_they_are_read() {
        let array = format!("[{}[]]", "[],".repeat(MAX_BATCH));
        let problem = items(array.as_bytes(), false).unwrap_err();
        assert_eq!(problem.status, 413);
        assert!(problem.detail.contains("10001 items"), "{}", problem.detail);
        let lines = "{}\n".repeat(MAX_BATCH + 5);
        assert!(items(lines.as_bytes(), true).unwrap_err().detail.contains("10005 items"));
        assert_eq!(items("[1, {\"a\": [2]}]".as_bytes(), false).unwrap(), [&b"1"[..], b"{\"a\": [2]}"]);
        assert_eq!(items(b"{}\n\n {}\n", false).unwrap().len(), 2);
        assert_eq!(items(b"3", false).unwrap_err().status, 422);
        assert_eq!(items(b"3]", false).unwrap_err().status, 400);
        assert_eq!(items(b"[1,", false).unwrap_err().status, 400);
        assert_eq!(items(b"", false).unwrap_err().status, 400);
    }
}
