//! The live stream: `/api/v1/agents/activity/stream` and `/ws`.

use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;
use warp::http::StatusCode;
use warp::http::header::{HeaderValue, UPGRADE};

use super::access::By;
use super::document::OperationDoc;
use super::endpoint::{Endpoint, Input};
use super::error::Problem;
use super::follower::{Client, MAX_FRAME};
use super::reply::{Ok200, Raw};
use super::request::{Call, Query};
use super::stream_filter::Wanted;
use super::websocket::Handshake;
use crate::App;
use crate::domain::events::Frame;

/// Where the stream is.
const STREAM: &str = "/api/v1/agents/activity/stream";

/// The endpoints.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        stream_at(STREAM, "Follow the live stream (WebSocket)"),
        stream_at("/ws", "Follow the live stream (WebSocket; short name)"),
        Endpoint::get("/api/v1/websocket/health", "Whether the stream works", health),
    ]
}

fn stream_at(path: &'static str, summary: &'static str) -> Endpoint {
    Endpoint::get(path, summary, stream).describe(
        "After the upgrade the server sends {\"type\":\"connection\"}, {\"type\":\"stats\"}, then one text frame an \
         event (the schema Event). With since=SEQ first what came after SEQ; what is no longer kept is told as \
         {\"type\":\"gap\",\"from\":…,\"to\":…}. Clients that read slowly get {\"type\":\"batch\",\"events\":[…]}.",
    )
}

/// The upgrade to a WebSocket.
struct Upgrade(Handshake);

impl Input for Upgrade {
    type Prepared = ();

    fn prepare(doc: &mut OperationDoc) {
        doc.status(101, "The stream begins");
        doc.problem(403, "A page of another origin may not follow the stream");
        doc.problem(426, "The request does not ask for a WebSocket");
        doc.problem(503, "Too many clients follow the stream");
        doc.schema::<Frame<'_>>();
    }

    async fn read(call: &mut Call, _: &App, (): &()) -> Result<Self, Problem> {
        let upgrade = call.upgrade.take().ok_or_else(|| {
            let mut problem =
                Problem::new(StatusCode::UPGRADE_REQUIRED, "This is a WebSocket: connect with ws://.");
            problem.headers.push((UPGRADE, HeaderValue::from_static("websocket")));
            problem
        })?;
        Ok(Self(upgrade))
    }
}

async fn stream(
    app: Arc<App>,
    Query(wanted): Query<Wanted>,
    Upgrade(upgrade): Upgrade,
    By(caller): By,
) -> Result<Raw, Problem> {
    let limit = app.config.limits.streams;
    let Some(subscriber) = app.subscribe(limit) else {
        let text = format!("{limit} clients follow the stream; no more are taken (--max-streams).");
        return Err(Problem::unavailable(text));
    };
    Ok(Raw(upgrade
        .accept(MAX_FRAME, move |socket| Client::new(app, wanted, socket, caller, subscriber).follow())))
}

/// How the stream is doing.
#[derive(Serialize, ToSchema)]
struct StreamHealth {
    status: &'static str,
    active_connections: usize,
    endpoint: &'static str,
    last_seq: u64,
}

async fn health(app: Arc<App>) -> Result<Ok200<StreamHealth>, Problem> {
    Ok(Ok200(StreamHealth {
        status: "operational",
        active_connections: app.subscribers(),
        endpoint: STREAM,
        last_seq: app.live().last_seq(),
    }))
}
