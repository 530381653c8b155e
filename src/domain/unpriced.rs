//! Models whose price nobody knows: what they used is told, and not counted as nothing.

use bincode::{Decode, Encode};
use serde::Serialize;
use utoipa::ToSchema;

use super::time::Timestamp;
use crate::store::{ReadTx, StoreError, TableName, Value, WriteTx};

/// How many are told apart: whoever records may call a model anything.
const MOST: u64 = 1000;

/// What is known of one. The key is its name.
#[derive(Debug, Clone, Default, PartialEq, Encode, Decode)]
pub struct UnpricedModel {
    first_seen: Option<Timestamp>,
    last_seen: Option<Timestamp>,
    metrics: u64,
    tokens: u64,
}

impl Value for UnpricedModel {
    const TABLE: TableName = "unpriced_models";
    type Key = String;
}

/// A model without a price, as clients see it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UnpricedModel)]
pub struct UnpricedView {
    /// The model's name.
    pub model: String,
    /// When it was used first.
    pub first_seen: Option<Timestamp>,
    /// When it was used last.
    pub last_seen: Option<Timestamp>,
    /// How many metrics tell of it.
    pub metrics: u64,
    /// How many tokens they tell of.
    pub tokens: u64,
}

/// Notes that a model without a price was used. Tells whether that is news.
///
/// # Errors
/// When storage fails.
pub fn saw(tx: &mut WriteTx<'_>, model: &str, tokens: u64, at: Timestamp) -> Result<bool, StoreError> {
    let is_new = tx.get::<UnpricedModel>(&model.to_owned())?.is_none();
    if is_new && tx.len(UnpricedModel::TABLE)? >= MOST {
        return Ok(false);
    }
    tx.update(&model.to_owned(), |seen: &mut UnpricedModel| {
        seen.first_seen.get_or_insert(at);
        seen.last_seen = Some(at);
        seen.metrics += 1;
        seen.tokens = seen.tokens.saturating_add(tokens);
    })?;
    Ok(is_new)
}

/// All, by name.
///
/// # Errors
/// When storage fails.
pub fn all(tx: &ReadTx) -> Result<Vec<UnpricedView>, StoreError> {
    let view = |(model, seen): (String, UnpricedModel)| UnpricedView {
        model,
        first_seen: seen.first_seen,
        last_seen: seen.last_seen,
        metrics: seen.metrics,
        tokens: seen.tokens,
    };
    tx.all::<UnpricedModel>()?.map(|entry| entry.map(view)).collect()
}
