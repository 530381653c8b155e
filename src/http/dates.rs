//! Dates in queries.

use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use crate::domain::time::Timestamp;

/// A last moment: a date alone means all of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct EndDate(pub Timestamp);

impl<'de> Deserialize<'de> for EndDate {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(d)?;
        let end = Timestamp::parse_end(&text);
        end.map(Self).ok_or_else(|| serde::de::Error::custom(crate::domain::time::NOT_A_TIME))
    }
}

impl utoipa::PartialSchema for EndDate {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        Timestamp::schema()
    }
}

impl ToSchema for EndDate {
    fn name() -> std::borrow::Cow<'static, str> {
        Timestamp::name()
    }
}
