//! `/api/v1/prices`: what the tokens of models cost, and of which models nobody knows.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;

use super::endpoint::Endpoint;
use super::error::Problem;
use super::reply::Ok200;
use crate::App;
use crate::domain::prices::Price;
use crate::domain::unpriced::{self, UnpricedView};

/// The endpoints.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/prices", "What the tokens of models cost", get).describe(
            "In USD for a million tokens, by the model's name, in which * stands for anything: the longest that matches \
             counts. Beside them the models that were used and have no price: what they cost is counted nowhere.",
        ),
    ]
}

/// Prices, and what has none.
#[derive(Serialize, ToSchema)]
#[schema(as = PriceList)]
struct Known {
    /// By the model's name.
    prices: BTreeMap<String, Price>,
    /// Models that were used and have no price.
    unpriced: Vec<UnpricedView>,
}

async fn get(app: Arc<App>) -> Result<Ok200<Known>, Problem> {
    let table = app.prices();
    let prices = table.iter().map(|(model, price)| (model.to_owned(), *price)).collect();
    // A model may have been given its price since.
    let unpriced = app.read(unpriced::all)?.into_iter().filter(|seen| table.of(&seen.model).is_none());
    Ok(Ok200(Known { prices, unpriced: unpriced.collect() }))
}
