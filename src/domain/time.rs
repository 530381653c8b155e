//! Points in time: microseconds since 1970 in UTC.

use std::borrow::Cow;
use std::fmt;

use bincode::{Decode, Encode};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use time::format_description::well_known::{Iso8601, Rfc3339};
use time::{Date, OffsetDateTime, PrimitiveDateTime, Time};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::store::codec::CodecError;
use crate::store::{Key, Posting, parts_of, posting_of};

/// Microseconds in a second, minute, hour and day.
pub const SECOND: i64 = 1_000_000;
/// See [`SECOND`].
pub const MINUTE: i64 = 60 * SECOND;
/// See [`SECOND`].
pub const HOUR: i64 = 60 * MINUTE;
/// See [`SECOND`].
pub const DAY: i64 = 24 * HOUR;

/// A point in time, in microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Default)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Where a record of this time and a number stands in posting lists.
    #[must_use]
    pub fn posting(self, seq: u64) -> Posting {
        posting_of(self.0, seq)
    }

    /// The time and the number of a place.
    #[must_use]
    pub fn of_posting(place: Posting) -> (Self, u64) {
        let (time, seq) = parts_of(place);
        (Self(time), seq)
    }

    /// The latest time that can be written: the end of the year 9999.
    pub const MAX: Self = Self(253_402_300_799_999_999);
    /// The earliest time that can be written: the start of the year 0.
    pub const MIN: Self = Self(-62_167_219_200_000_000);

    /// Reads RFC 3339, ISO 8601 without offset (taken as UTC), or a date (its first moment).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::parse_at(text, Time::MIDNIGHT)
    }

    /// As [`parse`](Self::parse), but a date alone is its last microsecond: for an inclusive end.
    #[must_use]
    pub fn parse_end(text: &str) -> Option<Self> {
        Self::parse_at(text, Time::from_hms_micro(23, 59, 59, 999_999).ok()?)
    }

    fn parse_at(text: &str, time_of_date: Time) -> Option<Self> {
        let text = text.trim();
        // An unescaped `+` in a query string arrives as a space; no other form holds one there.
        let text = match text.get(19..).and_then(|rest| rest.rfind(' ')) {
            Some(at) => Cow::Owned(format!("{}+{}", &text[..19 + at], &text[20 + at..])),
            None => Cow::Borrowed(text),
        };
        let moment = OffsetDateTime::parse(&text, &Rfc3339)
            .or_else(|_| OffsetDateTime::parse(&text, &Iso8601::DEFAULT))
            .ok()
            .or_else(|| {
                let local = PrimitiveDateTime::parse(&text.replacen(' ', "T", 1), &Iso8601::DEFAULT).ok()?;
                Some(local.assume_utc())
            })
            .or_else(|| {
                let date = Date::parse(&text, &Iso8601::DATE).ok()?;
                Some(PrimitiveDateTime::new(date, time_of_date).assume_utc())
            })?;
        let micros = i64::try_from(moment.unix_timestamp_nanos().div_euclid(1000)).ok()?;
        (Self::MIN.0..=Self::MAX.0).contains(&micros).then_some(Self(micros))
    }

    /// The start of the minute.
    #[must_use]
    pub fn minute_start(self) -> Self {
        Self(self.0.div_euclid(MINUTE) * MINUTE)
    }

    /// The start of the UTC day.
    #[must_use]
    pub fn day_start(self) -> Self {
        Self(self.day() * DAY)
    }

    /// Days since 1970-01-01, UTC.
    #[must_use]
    pub fn day(self) -> i64 {
        self.0.div_euclid(DAY)
    }

    /// This time moved by so many microseconds, within what can be written.
    #[must_use]
    pub fn plus(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros).clamp(Self::MIN.0, Self::MAX.0))
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with `Z` and microseconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.clamp(Self::MIN.0, Self::MAX.0);
        let Ok(moment) = OffsetDateTime::from_unix_timestamp(micros.div_euclid(SECOND)) else {
            return Err(fmt::Error);
        };
        let (year, month, day) = moment.to_calendar_date();
        let (hour, minute, second) = moment.to_hms();
        // Every record that is shown has a time or two: formatting showed in the profile.
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        digits(i64::from(year), &mut text[..4]);
        digits(i64::from(u8::from(month)), &mut text[5..7]);
        digits(i64::from(day), &mut text[8..10]);
        digits(i64::from(hour), &mut text[11..13]);
        digits(i64::from(minute), &mut text[14..16]);
        digits(i64::from(second), &mut text[17..19]);
        digits(micros.rem_euclid(SECOND), &mut text[20..26]);
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

/// Writes the last digits of a number that is not negative.
fn digits(mut number: i64, text: &mut [u8]) {
    for digit in text.iter_mut().rev() {
        *digit = b'0' + (number % 10).to_le_bytes()[0];
        number /= 10;
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(d)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom(NOT_A_TIME))
    }
}

/// What is wrong with a text that is no time.
pub const NOT_A_TIME: &str = "is not a time: RFC 3339 such as 2026-11-22T14:03:00Z, or a date";

impl PartialSchema for Timestamp {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .examples([serde_json::json!("2026-11-22T14:03:00.000000Z")])
            .into()
    }
}

impl ToSchema for Timestamp {
    fn name() -> Cow<'static, str> {
        "Timestamp".into()
    }
}

impl Key for Timestamp {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }
    fn read(input: &mut &[u8]) -> Result<Self, CodecError> {
        Ok(Self(i64::read(input)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_clients_send_and_writes_one_form() {
        for (text, written) in [
            ("2026-11-22T14:03:00Z", "2026-11-22T14:03:00.000000Z"),
            ("2026-11-22T14:03:00.123456789+02:00", "2026-11-22T12:03:00.123456Z"),
            ("2026-11-22T14:03:00.1 02:00", "2026-11-22T12:03:00.100000Z"),
            ("2026-11-22T14:03:00.5", "2026-11-22T14:03:00.500000Z"),
            ("2026-11-22 14:03:00", "2026-11-22T14:03:00.000000Z"),
            ("2026-11-22", "2026-11-22T00:00:00.000000Z"),
            ("1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z"),
        ] {
            assert_eq!(Timestamp::parse(text).map(|t| t.to_string()).as_deref(), Some(written), "{text}");
        }
        for text in [
            "",
            "yesterday",
            "2026-13-01",
            "2026-02-30T00:00:00Z",
            "1e9",
            "99999-01-01",
            "é026-11-22T14:03:00 é",
        ] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_date_as_the_end_means_all_of_it() {
        let end = Timestamp::parse_end("2026-11-22").unwrap();
        assert_eq!(end.to_string(), "2026-11-22T23:59:59.999999Z");
    }
}
