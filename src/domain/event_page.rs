//! Pages of the stream's kept events.

use std::ops::Bound::{Excluded, Included, Unbounded};

use serde::Serialize;
use utoipa::ToSchema;

use super::audit;
use super::event_log::{StoredEvent, StreamHead};
use super::events::{Event, Frame};
use super::live::LiveEvent;
use super::text::JsonText;
use super::time::{HOUR, Timestamp};
use crate::store::{Key, Posting, ReadTx, StoreError, Value};

/// How many events one page looks at: what is wanted may be rare.
const EXAMINED: usize = 5_000;
/// How many bytes of events end a page.
const BYTES: usize = 8 * 1024 * 1024;

/// Where a page begins or ends.
#[derive(Debug, Clone, Copy)]
pub enum Place {
    /// After this event.
    Since(u64),
    /// Just before this event.
    Before(u64),
    /// With the first event of this time or a later one.
    At(Timestamp),
    /// At the end.
    Newest,
}

/// A page of the stream's kept events.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventPage {
    /// The oldest event that is kept; the one to come, where none is.
    pub first_kept: u64,
    /// The newest event.
    pub last_seq: u64,
    /// Those that are wanted, oldest first.
    #[schema(value_type = Vec<Frame<'static>>)]
    pub events: Vec<JsonText>,
    /// The `since` of the page after this one, where there may be more.
    pub next_since: Option<u64>,
    /// The `before` of the page before this one, where there may be more.
    pub previous_before: Option<u64>,
}

impl EventPage {
    /// At most `limit` of the kept events that are `wanted`.
    ///
    /// # Errors
    /// When storage fails.
    pub fn read(
        tx: &ReadTx,
        place: Place,
        limit: usize,
        wanted: impl Fn(&LiveEvent) -> bool,
    ) -> Result<Self, StoreError> {
        let last_seq = tx.get::<StreamHead>(&())?.unwrap_or_default().0;
        let oldest = tx.range_raw(StoredEvent::TABLE, Unbounded, Unbounded)?.next().transpose()?;
        let first_kept = oldest.map_or(Ok(last_seq + 1), |(key, _)| u64::read(&mut key.as_slice()))?;
        // Numbers beyond both ends are of events that are gone or to come.
        let kept = |seq: u64| seq.clamp(first_kept, last_seq + 1);
        let (from, forward) = match place {
            Place::Since(since) => (kept(since.saturating_add(1)), true),
            Place::At(time) => (first_at(tx, time, first_kept, last_seq)?, true),
            Place::Before(before) => (kept(before), false),
            Place::Newest => (last_seq + 1, false),
        };
        // The events looked at are those of `low..high`.
        let (events, low, high);
        if forward {
            let entries = tx.range::<StoredEvent>(Excluded(&(from - 1).to_bytes()), Unbounded)?;
            let (found, last) = collect(tx, entries, limit, wanted)?;
            (events, low, high) = (found, from, last.map_or(from, |last| last + 1));
        } else {
            let entries = tx.range::<StoredEvent>(Unbounded, Excluded(&from.to_bytes()))?.rev();
            let (mut found, last) = collect(tx, entries, limit, wanted)?;
            found.reverse();
            (events, low, high) = (found, last.unwrap_or(from), from);
        }
        Ok(Self {
            first_kept,
            last_seq,
            events,
            next_since: (high <= last_seq).then(|| high - 1),
            previous_before: (low > first_kept).then_some(low),
        })
    }
}

/// What is wanted of some events, and the last that was looked at.
fn collect(
    tx: &ReadTx,
    entries: impl Iterator<Item = Result<(u64, StoredEvent), StoreError>>,
    limit: usize,
    wanted: impl Fn(&LiveEvent) -> bool,
) -> Result<(Vec<JsonText>, Option<u64>), StoreError> {
    let (mut found, mut bytes, mut last) = (Vec::new(), 0, None);
    for entry in entries.take(EXAMINED) {
        let (seq, stored) = entry?;
        last = Some(seq);
        let event = LiveEvent::new(Event::restore(tx, seq, stored)?);
        if wanted(&event) {
            bytes += event.frame().len();
            found.push(JsonText(event.frame().to_string()));
        }
        if found.len() == limit || bytes >= BYTES {
            break;
        }
    }
    Ok((found, last))
}

/// The first kept event of a time or a later one. Records are told late and out of order, so that times do not rise
/// along the stream; the numbers of its audit records do.
fn first_at(tx: &ReadTx, time: Timestamp, first_kept: u64, last_seq: u64) -> Result<u64, StoreError> {
    let first = first_record(tx, time)?;
    // Up to `low` operations are earlier records, `next` is the first that is not.
    let (mut low, mut high, mut next) = (first_kept, last_seq + 1, last_seq + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        let operation = first_operation(tx, middle, high)?;
        let earlier = match operation {
            Some((_, record)) => first.is_none_or(|first| record < first),
            // Where there is none far and wide, times must do.
            None => high - middle > EXAMINED as u64 && is_other_before(tx, middle, time)?,
        };
        if earlier {
            low = operation.map_or(middle, |(seq, _)| seq) + 1;
        } else {
            next = operation.map_or(next, |(seq, _)| seq);
            high = middle;
        }
    }
    // What lies between two operations goes by its time.
    high = next;
    while low < high {
        let middle = low + (high - low) / 2;
        if is_other_before(tx, middle, time)? {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// Whether an event is no operation, and of an earlier time.
fn is_other_before(tx: &ReadTx, seq: u64, time: Timestamp) -> Result<bool, StoreError> {
    let event = tx.get::<StoredEvent>(&seq)?;
    Ok(event.and_then(|event| event.time_of_other()).is_some_and(|at| at < time))
}

/// Records that are this much later than the first of a time say nothing of where it is: clocks may be wrong.
const NEAR: i64 = HOUR;

/// The audit record of a time, or shortly after, that was recorded first. The next one in time may be one of many that
/// were told late.
fn first_record(tx: &ReadTx, time: Timestamp) -> Result<Option<u64>, StoreError> {
    let mut found: Option<(Timestamp, u64)> = None;
    let places = tx.postings(audit::BY_TIME.table, Vec::new())?.between(time.posting(0), Posting::MAX)?;
    for place in places.take(EXAMINED) {
        let (at, record) = Timestamp::of_posting(place?);
        let (nearest, first) = found.unwrap_or((at, record));
        if at > nearest.plus(NEAR) {
            break;
        }
        found = Some((nearest, first.min(record)));
    }
    Ok(found.map(|(_, first)| first))
}

/// The first operation of the events `from..to`, and the number of its record; none where it is far from the start.
fn first_operation(tx: &ReadTx, from: u64, to: u64) -> Result<Option<(u64, u64)>, StoreError> {
    let entries = tx.range::<StoredEvent>(Included(&from.to_bytes()), Excluded(&to.to_bytes()))?;
    for entry in entries.take(EXAMINED) {
        if let (seq, StoredEvent::Operation(record)) = entry? {
            return Ok(Some((seq, record)));
        }
    }
    Ok(None)
}
