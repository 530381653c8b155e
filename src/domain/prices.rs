//! Prices: what the tokens of a model cost.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::policy::tools::matches;

/// Tokens by class: each class has its price.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
#[schema(as = TokenCounts)]
pub struct Tokens {
    /// Read by the model.
    pub input_tokens: u64,
    /// Written by it.
    pub output_tokens: u64,
    /// Read from its cache.
    pub cache_read_tokens: u64,
    /// Written into its cache.
    pub cache_creation_tokens: u64,
}

impl Tokens {
    /// How many count against a session's budget: those that were new. What is read from the cache is the same text
    /// again at each call.
    #[must_use]
    pub fn counted(&self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens).saturating_add(self.cache_creation_tokens)
    }
}

/// What a million tokens cost, in USD.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ModelPrice)]
#[expect(missing_docs)]
pub struct Price {
    pub input: f64,
    pub output: f64,
    pub cache_read: f64,
    pub cache_write: f64,
}

/// The prices of models, by name; `*` in a name stands for anything, and the longest that matches counts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Prices(BTreeMap<String, Price>);

/// What something cost, as far as that is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Priced {
    /// In USD.
    pub cost_usd: Option<f64>,
    /// The model whose price nobody knows.
    pub unpriced: Option<String>,
}

/// The prices that the program knows.
const BUILT_IN: &str = include_str!("../../assets/prices.json");

impl Prices {
    /// The prices that the program knows.
    #[must_use]
    pub fn built_in() -> Self {
        // A test reads them.
        Self::read(BUILT_IN).unwrap_or_default()
    }

    /// Reads a table of prices.
    ///
    /// # Errors
    /// When it is none, or a price is no amount.
    pub fn read(text: &str) -> Result<Self, String> {
        let prices: Self = serde_json::from_str(text).map_err(|e| e.to_string())?;
        for (model, Price { input, output, cache_read, cache_write }) in &prices.0 {
            if [input, output, cache_read, cache_write].iter().any(|price| !(0.0..=1e6).contains(*price)) {
                return Err(format!(
                    "{}: a price is 0 to 1000000 USD for a million tokens",
                    model.escape_debug()
                ));
            }
        }
        Ok(prices)
    }

    /// The same with others in place of its own, and beside them.
    #[must_use]
    pub fn with(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// The price of a model.
    #[must_use]
    pub fn of(&self, model: &str) -> Option<Price> {
        let found = self.0.iter().filter(|(name, _)| matches(name, model)).max_by_key(|(name, _)| name.len());
        found.map(|(_, price)| *price)
    }

    /// What tokens of a model cost. A model without a price costs nobody knows what, and not nothing.
    #[must_use]
    pub fn price(&self, model: &str, tokens: &Tokens) -> Priced {
        let Some(price) = self.of(model) else {
            return Priced { cost_usd: None, unpriced: Some(model.to_owned()) };
        };
        #[expect(clippy::cast_precision_loss, reason = "tokens are fewer than 2^53")]
        let cost = |tokens: u64, price: f64| tokens as f64 * price / 1e6;
        let cost = cost(tokens.input_tokens, price.input)
            + cost(tokens.output_tokens, price.output)
            + cost(tokens.cache_read_tokens, price.cache_read)
            + cost(tokens.cache_creation_tokens, price.cache_write);
        Priced { cost_usd: Some(cost), unpriced: None }
    }

    /// All, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Price)> {
        self.0.iter().map(|(name, price)| (name.as_str(), price))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_cost_what_the_longest_name_that_matches_says() {
        let built_in = Prices::read(BUILT_IN).unwrap();
        let million = Tokens {
            input_tokens: 1_000_000,
            output_tokens: 100_000,
            cache_read_tokens: 1_000_000,
            cache_creation_tokens: 0,
        };
        assert_eq!(built_in.price("claude-opus-4-5-20251101", &million).cost_usd, Some(5.0 + 2.5 + 0.5));
        let other = Prices::read(
            r#"{"claude-opus-4-5-2025*":{"input":1,"output":0,"cache_read":0,"cache_write":0}}"#,
        )
        .unwrap();
        assert_eq!(built_in.with(other).price("claude-opus-4-5-20251101", &million).cost_usd, Some(1.0));
    }

    #[test]
    fn a_model_without_a_price_is_told_and_costs_not_nothing() {
        let priced =
            Prices::built_in().price("nobody-knows", &Tokens { input_tokens: 1, ..Tokens::default() });
        assert_eq!(priced, Priced { cost_usd: None, unpriced: Some("nobody-knows".into()) });
    }

    #[test]
    fn prices_are_amounts() {
        for text in
            [r#"{"a":{"input":-1,"output":0,"cache_read":0,"cache_write":0}}"#, r#"{"a":{"input":1}}"#, "[]"]
        {
            assert!(Prices::read(text).is_err(), "{text}");
        }
    }
}
