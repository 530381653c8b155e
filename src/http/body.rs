//! Reading the bodies of requests: how large one may be, how long it may take, and how much of all is held at once.

use std::sync::Arc;

use bytes::{Buf, Bytes};
use futures_util::{Stream, StreamExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};
use warp::http::header::CONTENT_LENGTH;
use warp::http::{HeaderMap, StatusCode};

use super::error::Problem;
use crate::config::Limits;

/// How many bytes are set aside for a body before any arrives: what is announced may never come.
const RESERVED: usize = 64 * 1024;

/// The body of a request, until it is read.
pub struct Body {
    pieces: std::pin::Pin<Box<dyn Stream<Item = Result<Bytes, warp::Error>> + Send>>,
    room: Room,
}

/// The memory for the bodies of all requests together, in bytes. What is read of a body takes its place there until the
/// request is answered; a record is about as large as the text that it was read from.
#[derive(Clone)]
pub struct Room(Arc<Semaphore>);

/// A place that is taken in a [`Room`].
#[derive(Default)]
pub struct Held(Option<OwnedSemaphorePermit>);

impl Room {
    /// Room as the limits say.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self(Arc::new(Semaphore::new(limits.bodies_bytes)))
    }

    fn take(&self, bytes: usize, held: &mut Held) -> Result<(), Problem> {
        let taken =
            u32::try_from(bytes).ok().and_then(|n| Arc::clone(&self.0).try_acquire_many_owned(n).ok());
        let more = taken.ok_or_else(|| {
            Problem::unavailable("The server is reading as much as it can hold; send it again in a moment.")
        })?;
        match &mut held.0 {
            Some(permit) => permit.merge(more),
            none => *none = Some(more),
        }
        Ok(())
    }
}

fn too_large(limit: usize) -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("The body is larger than {limit} bytes."))
}

/// Makes room for `more` bytes: for twice as many as there are, yet for no more than were announced.
fn grow(body: &mut Vec<u8>, more: usize, announced: usize) {
    let needed = body.len() + more;
    if needed > body.capacity() {
        let room = (2 * needed).min(announced.max(needed));
        body.reserve_exact(room - body.len());
    }
}

impl Body {
    /// A body of which nothing has been read.
    pub fn new<B: Buf>(
        pieces: impl Stream<Item = Result<B, warp::Error>> + Send + 'static,
        room: Room,
    ) -> Self {
        let pieces = pieces.map(|piece| piece.map(|mut p| p.copy_to_bytes(p.remaining())));
        Self { pieces: Box::pin(pieces), room }
    }

    /// The whole body, of `limit` bytes at most, and the room that it takes.
    ///
    /// # Errors
    /// 413 where it is larger, 408 where it takes too long, 400 where it breaks off, 503 where there is no room for it.
    pub async fn read(
        mut self,
        headers: &HeaderMap,
        limit: usize,
        limits: &Limits,
    ) -> Result<(Bytes, Held), Problem> {
        let announced = headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
        if announced.is_some_and(|length| length > limit) {
            return Err(too_large(limit));
        }
        let mut held = Held::default();
        let announced = announced.unwrap_or(0);
        let mut body = Vec::with_capacity(announced.min(RESERVED));
        let deadline = Instant::now() + limits.body_time;
        loop {
            let piece = timeout_at(deadline, self.pieces.next()).await.map_err(|_| {
                let seconds = limits.body_time.as_secs();
                Problem::new(
                    StatusCode::REQUEST_TIMEOUT,
                    format!("The body did not arrive within {seconds} s."),
                )
            })?;
            let Some(piece) = piece else { return Ok((body.into(), held)) };
            let piece = piece
                .map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "The body broke off before its end."))?;
            if body.len() + piece.len() > limit {
                return Err(too_large(limit));
            }
            self.room.take(piece.len(), &mut held)?;
            grow(&mut body, piece.len(), announced);
            body.extend_from_slice(&piece);
        }
    }
}
