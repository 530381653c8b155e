//! What handlers answer with.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::Stream;
use serde::Serialize;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use warp::Reply as _;
use warp::http::header::{CONTENT_TYPE, HeaderName, HeaderValue, LINK, LOCATION};
use warp::http::{HeaderMap, StatusCode};
use warp::reply::Response;

use super::document::OperationDoc;
use super::endpoint::Output;
use crate::domain::log_query::Total;

/// How many matches there are.
pub const X_TOTAL_COUNT: HeaderName = HeaderName::from_static("x-total-count");
/// How many matches there are at least.
pub const X_TOTAL_AT_LEAST: HeaderName = HeaderName::from_static("x-total-at-least");

/// 200 with a JSON document.
pub struct Ok200<T>(pub T);

/// 201 with the new thing.
pub struct Created<T> {
    /// Where it is now.
    pub location: Option<String>,
    /// What it is.
    pub value: T,
}

/// A record that the stream holds too, shown as itself.
#[derive(Serialize)]
#[serde(transparent)]
pub struct Shared<T>(pub Arc<T>);

impl<T: ToSchema> PartialSchema for Shared<T> {
    fn schema() -> RefOr<Schema> {
        T::schema()
    }
}

impl<T: ToSchema> ToSchema for Shared<T> {
    fn name() -> Cow<'static, str> {
        T::name()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        T::schemas(schemas);
    }
}

/// 204.
pub struct NoContent;

/// A page of a list: an array, with the total and the next page in headers.
pub struct Listing<T> {
    /// The page.
    pub items: Vec<T>,
    /// How many there are in all.
    pub total: Total,
    /// The cursor of the next page.
    pub next: Option<String>,
}

fn json(status: StatusCode, value: &impl Serialize) -> Response {
    let Ok(body) = serde_json::to_vec(value) else {
        // Not reached: the crate's own types serialize.
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

impl<T: Serialize + ToSchema + Send + 'static> Output for Ok200<T> {
    fn describe(doc: &mut OperationDoc) {
        doc.json::<T>(200, "The document");
    }

    fn into_response(self, _: &str) -> Response {
        json(StatusCode::OK, &self.0)
    }
}

impl<T: Serialize + ToSchema + Send + 'static> Output for Created<T> {
    fn describe(doc: &mut OperationDoc) {
        doc.json::<T>(201, "Created");
    }

    fn into_response(self, _: &str) -> Response {
        let mut response = json(StatusCode::CREATED, &self.value);
        if let Some(location) = &self.location {
            set(response.headers_mut(), LOCATION, location);
        }
        response
    }
}

impl Output for NoContent {
    fn describe(doc: &mut OperationDoc) {
        doc.status(204, "Done");
    }

    fn into_response(self, _: &str) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

impl<T: Serialize + ToSchema + Send + 'static> Output for Listing<T> {
    fn describe(doc: &mut OperationDoc) {
        doc.list::<T>();
    }

    fn into_response(self, target: &str) -> Response {
        let mut response = json(StatusCode::OK, &self.items);
        let headers = response.headers_mut();
        match self.total {
            Total::Exact(total) => set(headers, X_TOTAL_COUNT, &total.to_string()),
            Total::AtLeast(total) => set(headers, X_TOTAL_AT_LEAST, &total.to_string()),
        }
        if let Some(cursor) = self.next {
            set(headers, LINK, &format!("<{}>; rel=\"next\"", next_page(target, &cursor)));
        }
        response
    }
}

/// The same request from a cursor on.
fn next_page(target: &str, cursor: &str) -> String {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let position = ["cursor", "skip", "offset"];
    let kept = query
        .split('&')
        .filter(|pair| !pair.is_empty() && !position.contains(&pair.split('=').next().unwrap_or_default()));
    let mut pairs: Vec<_> = kept.map(str::to_owned).collect();
    pairs.push(format!("cursor={cursor}"));
    format!("{path}?{}", pairs.join("&"))
}

/// A document that is not JSON.
pub struct Document {
    /// Its media type.
    pub content_type: &'static str,
    /// Its bytes.
    pub body: Bytes,
    /// More headers.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

impl Output for Document {
    fn describe(doc: &mut OperationDoc) {
        doc.text(200, &["text/*"], "The document");
    }

    fn into_response(self, _: &str) -> Response {
        let mut response = Response::new(self.body.into());
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        headers.extend(self.headers);
        response
    }
}

/// A document that is made while it is sent.
pub struct Streamed<S> {
    /// Its media type.
    pub content_type: &'static str,
    /// The name under which a browser saves it.
    pub file_name: &'static str,
    /// Its pieces.
    pub pieces: S,
}

impl<S: Stream<Item = Result<Bytes, std::io::Error>> + Send + Sync + 'static> Output for Streamed<S> {
    fn describe(doc: &mut OperationDoc) {
        doc.text(200, &["text/csv", "application/x-ndjson"], "The document, streamed");
    }

    fn into_response(self, _: &str) -> Response {
        let mut response = warp::reply::stream(self.pieces).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        let disposition = format!("attachment; filename=\"{}\"", self.file_name);
        set(headers, warp::http::header::CONTENT_DISPOSITION, &disposition);
        response
    }
}

/// Any response, where the endpoint says itself what it answers.
pub struct Raw(pub Response);

impl Output for Raw {
    fn describe(_: &mut OperationDoc) {}

    fn into_response(self, _: &str) -> Response {
        self.0
    }
}
