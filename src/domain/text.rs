//! Small text types that are stored and shown as they are.

use bincode::{Decode, Encode};
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// What a missing string of an audit event becomes.
pub const UNKNOWN: &str = "unknown";

/// A JSON value as compact text with sorted members, ready to be put into an answer.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct JsonText(pub String);

impl JsonText {
    /// The text of a value.
    #[must_use]
    pub fn of<T: Serialize>(value: &T) -> Self {
        // Through a value, whose members are sorted. Serializing the crate's own types cannot fail; `null` keeps the
        // record readable if it ever does.
        let sorted = serde_json::to_value(value).and_then(|value| serde_json::to_string(&value));
        Self(sorted.unwrap_or_else(|_| "null".into()))
    }

    /// The text of a value that is serialized with its members in the order of their names: as [`of`](Self::of), and
    /// sooner.
    #[must_use]
    pub fn sorted<T: Serialize>(value: &T) -> Self {
        let sorted = Self(serde_json::to_string(value).unwrap_or_else(|_| "null".into()));
        debug_assert_eq!(sorted, Self::of(value), "members are in the order of their names");
        sorted
    }
}

impl Default for JsonText {
    /// The empty object.
    fn default() -> Self {
        Self("{}".into())
    }
}

impl Serialize for JsonText {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(S::Error::custom)?;
        raw.serialize(s)
    }
}

impl<'de> Deserialize<'de> for JsonText {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        // Through a value, so that the text is compact and its members sorted.
        let value = serde_json::Value::deserialize(d)?;
        serde_json::to_string(&value).map(Self).map_err(D::Error::custom)
    }
}
