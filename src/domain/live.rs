//! The live bus: the newest events in memory, read by each subscriber at its own pace.
//!
//! There is one ring and no queue for each subscriber. A subscriber keeps the number of the last event it
//! has seen and asks for what follows; what the ring no longer holds is in the log. So a slow subscriber costs
//! nothing, and the seam between replay and live can have neither gap nor repeat: both are the same question.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use tokio::sync::watch;

use super::events::Event;

/// How many events the ring holds at most.
const RING: usize = 16_384;
/// How many bytes the records behind them may have.
const RING_BYTES: usize = 8 * 1024 * 1024;

/// An event with its frame, which is made when somebody first wants it.
pub struct LiveEvent {
    /// The event.
    pub event: Event,
    frame: OnceLock<Arc<str>>,
}

impl LiveEvent {
    /// An event without a frame yet.
    #[must_use]
    pub fn new(event: Event) -> Self {
        Self { event, frame: OnceLock::new() }
    }

    /// The text frame.
    pub fn frame(&self) -> &Arc<str> {
        self.frame.get_or_init(|| self.event.to_json().into())
    }
}

/// The newest events, and the bytes behind them.
#[derive(Default)]
struct Ring {
    events: VecDeque<Arc<LiveEvent>>,
    bytes: usize,
}

impl Ring {
    fn push(&mut self, event: LiveEvent) {
        self.bytes += event.event.weight();
        self.events.push_back(Arc::new(event));
        while self.events.len() > RING || (self.bytes > RING_BYTES && self.events.len() > 1) {
            if let Some(oldest) = self.events.pop_front() {
                self.bytes -= oldest.event.weight();
            }
        }
    }
}

/// The newest events.
pub struct Live {
    ring: RwLock<Ring>,
    last_seq: watch::Sender<u64>,
    /// The last event that subscribers were woken for.
    announced: AtomicU64,
}

impl Live {
    /// A bus that goes on after event `last_seq`.
    #[must_use]
    pub fn new(last_seq: u64) -> Self {
        let announced = AtomicU64::new(last_seq);
        Self { ring: RwLock::default(), last_seq: watch::Sender::new(last_seq), announced }
    }

    /// Goes on after event `last_seq`, which an earlier run published. What the ring holds is of that run, too: the
    /// log may know more.
    pub fn resume(&self, last_seq: u64) {
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = Ring::default();
        self.last_seq.send_replace(last_seq);
    }

    /// Adds committed events, in order. Whoever asks from now on gets them; [`announce`](Self::announce) wakes those who
    /// wait, which takes a while when they are many.
    pub fn publish(&self, events: impl IntoIterator<Item = Event>) {
        let mut ring = self.ring.write().unwrap_or_else(PoisonError::into_inner);
        let mut last = None;
        for event in events {
            last = Some(event.seq);
            ring.push(LiveEvent::new(event));
        }
        drop(ring);
        if let Some(last) = last {
            self.last_seq.send_if_modified(|seq| {
                *seq = last;
                false
            });
        }
    }

    /// Wakes the subscribers, where there is something that they were not woken for.
    pub fn announce(&self) {
        let last = self.last_seq();
        if self.announced.swap(last, Ordering::Relaxed) != last {
            self.last_seq.send_modify(|_| ());
        }
    }

    /// The number of the last event.
    #[must_use]
    pub fn last_seq(&self) -> u64 {
        *self.last_seq.borrow()
    }

    /// Tells when there is more.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.last_seq.subscribe()
    }

    /// The events after `since`, oldest first, `limit` at most; `None` when the ring no longer holds the first of them.
    #[must_use]
    pub fn after(&self, since: u64, limit: usize) -> Option<Vec<Arc<LiveEvent>>> {
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        if since >= self.last_seq() {
            return Some(Vec::new());
        }
        let events = &ring.events;
        let first = events.front()?.event.seq;
        // Numbers have no holes, so that a position follows from a number.
        let skip = usize::try_from((since + 1).checked_sub(first)?).ok()?;
        Some(events.range(skip.min(events.len())..).take(limit).cloned().collect())
    }
}
