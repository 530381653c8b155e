//! Answers that are kept ready: dashboards and hooks ask for the same ones again and again.
//!
//! An answer holds as long as nothing was committed and the second is the same, or the minute, as its endpoint says: what
//! is shown of the present, such as whether an agent is active, is then so late at most.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::PoisonError;

use bytes::Bytes;
use http_body_util::BodyExt;
use warp::http::StatusCode;
use warp::http::response::Parts;
use warp::reply::Response;

use super::error::Problem;
use crate::App;

/// How many bytes the answers have together.
const BYTES: usize = 8 * 1024 * 1024;
/// What an answer takes beside its body, roughly.
const HEAD: usize = 1024;

/// What an answer follows from beside the request: how often something was committed, and the time in whole periods.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    commits: u64,
    period: i64,
}

impl Moment {
    /// The present one, for a period of so many microseconds. What is read after this is not older.
    pub(super) fn of(app: &App, length: i64) -> Self {
        Self { commits: app.commits(), period: app.now().0.div_euclid(length) }
    }
}

/// An answer, whole.
#[derive(Clone)]
pub(super) struct Whole {
    pub parts: Parts,
    pub body: Bytes,
}

impl Whole {
    pub(super) async fn of(response: Response) -> Result<Self, Problem> {
        let (parts, body) = response.into_parts();
        match body.collect().await {
            Ok(body) => Ok(Self { parts, body: body.to_bytes() }),
            Err(_) => Err(Problem::internal()),
        }
    }

    pub(super) fn into_response(self) -> Response {
        Response::from_parts(self.parts, self.body.into())
    }
}

/// The answers, by path and query.
#[derive(Default)]
pub(super) struct Kept(Mutex<Answers>);

#[derive(Default)]
struct Answers {
    by_target: HashMap<String, (Moment, Whole)>,
    bytes: usize,
}

impl Kept {
    /// The answer to a request, where it was given in this moment.
    pub(super) fn find(&self, target: &str, moment: Moment) -> Option<Whole> {
        let answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        answers.by_target.get(target).filter(|(of, _)| *of == moment).map(|(_, whole)| whole.clone())
    }

    /// Keeps an answer that was worked out from what was there in a moment.
    pub(super) fn keep(&self, target: String, moment: Moment, whole: &Whole) {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let size = |target: &str, whole: &Whole| HEAD + target.len() + whole.body.len();
        let more = size(&target, whole);
        if whole.parts.status != StatusCode::OK || more > BYTES {
            return;
        }
        if let Some((_, gone)) = answers.by_target.remove(&target) {
            answers.bytes -= size(&target, &gone);
        }
        // Most are of the past: those that are not come again.
        if answers.bytes + more > BYTES {
            *answers = Answers::default();
        }
        answers.bytes += more;
        answers.by_target.insert(target, (moment, whole.clone()));
    }
}
