//! JSON bodies: one record, or a batch of them.

use std::fmt;

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
use super::json_text::{malformed, measure, parse, read_value};
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
pub(super) const VALUES: usize = 8 * 1024 * 1024;
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

#[cfg(test)]
mod tests {
    use super::*;

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
