//! Shapes of JSON documents: exact member sets and types.

use serde_json::Value;
use uuid::Uuid;

/// Asserts that a value has a shape. A shape is a JSON document whose strings name types:
/// `string`, `number`, `integer`, `boolean`, `object` (any), `array` (any), `uuid`, `time`, `hash`, or a choice
/// such as `string|null`. An object has exactly the members of its shape; each item of an array has the shape's one.
#[track_caller]
pub fn assert_shape(value: &Value, shape: &Value) {
    if let Err(why) = fits(value, shape, "$") {
        panic!("{why}\nin {value:#}");
    }
}

fn fits(value: &Value, shape: &Value, at: &str) -> Result<(), String> {
    match shape {
        Value::String(types) if types.split('|').any(|t| is(value, t)) => Ok(()),
        Value::Object(members) => {
            let object = value.as_object().ok_or_else(|| format!("{at} is no object: {value}"))?;
            let (told, wanted): (Vec<_>, Vec<_>) = (object.keys().collect(), members.keys().collect());
            if told != wanted {
                return Err(format!("{at} has the members {told:?}, not {wanted:?}"));
            }
            members.iter().try_for_each(|(name, shape)| fits(&object[name], shape, &format!("{at}.{name}")))
        }
        Value::Array(item) => {
            let items = value.as_array().ok_or_else(|| format!("{at} is no array: {value}"))?;
            items.iter().enumerate().try_for_each(|(i, v)| fits(v, &item[0], &format!("{at}[{i}]")))
        }
        _ => Err(format!("{at} is {value}, not {shape}")),
    }
}

fn is(value: &Value, wanted: &str) -> bool {
    let text = value.as_str().unwrap_or_default();
    match wanted {
        "null" => value.is_null(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_u64(),
        "boolean" => value.is_boolean(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        "uuid" => Uuid::parse_str(text).is_ok_and(|id| id.to_string() == text),
        "time" => is_time(text),
        "hash" => text.len() == 64 && text.bytes().all(|b| b"0123456789abcdef".contains(&b)),
        other => panic!("unknown type {other}"),
    }
}

/// RFC 3339 in UTC with `Z` and microseconds.
fn is_time(text: &str) -> bool {
    let form = "0000-00-00T00:00:00.000000Z";
    text.len() == form.len()
        && text.bytes().zip(form.bytes()).all(|(t, f)| if f == b'0' { t.is_ascii_digit() } else { t == f })
}
