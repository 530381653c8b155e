//! How large the head of a request may be.

use warp::http::{Request, StatusCode};

use super::error::Problem;
use crate::config::Limits;

/// How much more than a head may have is read of it, to be able to say so in words.
const MARGIN: usize = 8 * 1024;

/// How many bytes of a head are read at all. What is larger still is answered without a look at it.
#[must_use]
pub fn read_bytes(limits: &Limits) -> usize {
    limits.header_bytes + MARGIN
}

/// Refuses a head that is too large.
///
/// # Errors
/// 414 where the query is too long, 431 where line and headers are.
pub fn check<B>(request: &Request<B>, limits: &Limits) -> Result<(), Problem> {
    let uri = request.uri();
    let query = uri.query().map_or(0, str::len);
    if query > limits.query_bytes {
        let limit = limits.query_bytes;
        let text = format!("The query is {query} bytes; at most {limit} are taken (--max-query).");
        return Err(Problem::new(StatusCode::URI_TOO_LONG, text));
    }
    let line = uri.path().len() + query;
    // Each header is sent with `: ` and the end of its line.
    let headers = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
    let bytes = line + headers.sum::<usize>();
    if bytes > limits.header_bytes {
        return Err(too_large(limits));
    }
    Ok(())
}

/// What whoever sent too large a head is told.
#[must_use]
pub fn too_large(limits: &Limits) -> Problem {
    let limit = limits.header_bytes;
    let text = format!("The request's line and headers take more than {limit} bytes (--max-header).");
    Problem::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, text)
}
