//! `/api/v1/events/stream`: the stream's kept events, read without following it.

use std::sync::Arc;

use serde::Deserialize;
use utoipa::ToSchema;

use super::endpoint::Endpoint;
use super::error::Problem;
use super::reply::Ok200;
use super::request::Query;
use super::stream_filter::{EventTypes, Wanted};
use crate::App;
use crate::domain::event_page::{EventPage, Place};
use crate::domain::time::Timestamp;

/// The endpoints.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/events/stream", "Read the stream's kept events, oldest first", history)
            .describe(
                "One of since, before and at says where; without any it is the newest. Where what is wanted is rare, \
                 a page may be short: next_since and previous_before go on from there.",
            )
            .etag(),
    ]
}

/// Which events.
#[derive(Deserialize, ToSchema)]
struct HistoryQuery {
    /// Those after this event.
    #[schema(minimum = 0)]
    since: Option<u64>,
    /// Those just before this event.
    #[schema(minimum = 1)]
    before: Option<u64>,
    /// Those from the first one of this time or a later one on.
    at: Option<Timestamp>,
    /// How many to return.
    #[schema(minimum = 1, maximum = 1000, default = 200)]
    limit: Option<usize>,
    /// Only events of this agent: its id, or its id or name as told.
    agent_id: Option<String>,
    /// Only events of these types, separated by commas.
    #[serde(rename = "type")]
    kinds: Option<EventTypes>,
    /// Only events of this session.
    session_id: Option<String>,
}

async fn history(app: Arc<App>, Query(query): Query<HistoryQuery>) -> Result<Ok200<EventPage>, Problem> {
    let places = [
        ("since", query.since.map(Place::Since)),
        ("before", query.before.map(Place::Before)),
        ("at", query.at.map(Place::At)),
    ];
    let mut given = places.into_iter().filter_map(|(name, place)| Some((name, place?)));
    let place = given.next();
    if let (Some((first, _)), Some((second, _))) = (place, given.next()) {
        return Err(Problem::bad_parameter(second, "value", &format!("cannot be combined with {first}")));
    }
    let place = place.map_or(Place::Newest, |(_, place)| place);
    let limit = query.limit.unwrap_or(200);
    let wanted = Wanted::of(query.agent_id, query.kinds, query.session_id);
    let read = app.read_many(move |tx, _, _| EventPage::read(tx, place, limit, |event| wanted.holds(event)));
    Ok(Ok200(read.await?))
}
