//! Paging through a log, newest first, by any combination of its indexes.

use std::ops::Bound;

use super::time::Timestamp;
use crate::store::{Found, Index, Intersection, Key, Posting, ReadTx, Record, StoreError, TableName};

/// How many steps counting the matches may take.
const COUNT_STEPS: u64 = 10_000;
/// How many steps finding one page may take, beside those that skip.
const PAGE_STEPS: u64 = 20_000;

/// A place in a log: everything older follows on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The time of the last record before the place.
    pub time: Timestamp,
    /// Its number.
    pub seq: u64,
}

impl Cursor {
    /// Reads what [`Display`](std::fmt::Display) wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (time, seq) = text.rsplit_once('.')?;
        let cursor = Self { time: Timestamp(time.parse().ok()?), seq: seq.parse().ok()? };
        // Numbers have other forms too, with a plus or zeros, which nobody wrote here.
        (cursor.to_string() == text).then_some(cursor)
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.time.0, self.seq)
    }
}

/// How many records match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Total {
    /// So many.
    Exact(u64),
    /// So many or more: counting on would take too long.
    AtLeast(u64),
}

/// Which part of the matches is wanted.
#[derive(Debug, Clone, Copy, Default)]
pub struct Paging {
    /// How many of the newest to leave out.
    pub skip: u64,
    /// How many to return at most.
    pub limit: usize,
    /// Where to begin, in place of the newest.
    pub cursor: Option<Cursor>,
}

/// Some of the matches.
#[derive(Debug)]
pub struct Page<T> {
    /// The records, newest first.
    pub items: Vec<T>,
    /// Where the next page begins, if there is more.
    pub next: Option<Cursor>,
    /// How many there are in all.
    pub total: Total,
}

/// A record of a log: it is known by its number.
pub trait Logged: Record<Key = u64> {}

impl<R: Record<Key = u64>> Logged for R {}

/// Tells whether a record is wanted.
type Matches<R> = Box<dyn Fn(&R) -> bool>;

/// Which records of a log are wanted.
pub struct LogQuery<R: Logged> {
    by_time: Index<R>,
    /// Posting lists: the index and the value.
    wanted: Vec<(TableName, Vec<u8>)>,
    matches: Vec<Matches<R>>,
    total: Option<u64>,
    from: Timestamp,
    to: Timestamp,
}

impl<R: Logged> LogQuery<R> {
    /// All records between two times, both inclusive.
    #[must_use]
    pub fn between(by_time: Index<R>, from: Option<Timestamp>, to: Option<Timestamp>) -> Self {
        Self {
            by_time,
            wanted: Vec::new(),
            matches: Vec::new(),
            total: None,
            from: from.unwrap_or(Timestamp::MIN),
            to: to.unwrap_or(Timestamp::MAX),
        }
    }

    /// Only those that an index of `(value, time)` holds under `value`.
    #[must_use]
    pub fn with(mut self, index: &Index<R>, value: Option<&impl Key>) -> Self {
        self.wanted.extend(value.map(|value| (index.table, value.to_bytes())));
        self
    }

    /// Only those that `matches`, which needs the record itself.
    #[must_use]
    pub fn matching(mut self, matches: Option<Matches<R>>) -> Self {
        self.matches.extend(matches);
        self
    }

    /// Says how many records there are in all, where something has counted them already.
    #[must_use]
    pub fn counted(mut self, total: Option<u64>) -> Self {
        self.total = total;
        self
    }

    fn search<'t>(&self, tx: &'t ReadTx, cursor: Option<Cursor>) -> Result<Intersection<'t>, StoreError> {
        let mut lists: Vec<_> = self
            .wanted
            .iter()
            .map(|(index, value)| tx.postings(index, value.clone()))
            .collect::<Result<_, _>>()?;
        if lists.is_empty() {
            lists.push(tx.postings(self.by_time.table, Vec::new())?);
        }
        let newest = match cursor {
            Some(Cursor { time, seq }) if time <= self.to => Bound::Excluded(time.posting(seq)),
            _ => Bound::Included(self.to.posting(u64::MAX)),
        };
        Ok(Intersection::new(lists, newest, self.from.posting(0)))
    }

    fn accepts(&self, tx: &ReadTx, seq: u64) -> Result<bool, StoreError> {
        if self.matches.is_empty() {
            return Ok(true);
        }
        Ok(tx.get::<R>(&seq)?.is_some_and(|record| self.matches.iter().all(|matches| matches(&record))))
    }

    /// Counts the matches.
    fn count(&self, tx: &ReadTx) -> Result<Total, StoreError> {
        if let Some(total) = self.total {
            return Ok(Total::Exact(total));
        }
        let whole = self.matches.is_empty() && self.from == Timestamp::MIN && self.to == Timestamp::MAX;
        if let [(index, value)] = self.wanted.as_slice()
            && whole
        {
            return Ok(Total::Exact(tx.postings(index, value.clone())?.count()));
        }
        let mut search = self.search(tx, None)?;
        let mut count = 0;
        loop {
            match search.next(COUNT_STEPS)? {
                Found::Posting(place) => {
                    let (_, seq) = Timestamp::of_posting(place);
                    count += u64::from(self.accepts(tx, seq)?);
                }
                Found::Unfinished(_) => return Ok(Total::AtLeast(count)),
                Found::End => return Ok(Total::Exact(count)),
            }
        }
    }

    /// One page of the matches.
    ///
    /// # Errors
    /// When storage fails.
    pub fn page(&self, tx: &ReadTx, paging: Paging) -> Result<Page<R>, StoreError> {
        let mut search = self.search(tx, paging.cursor)?;
        let steps = PAGE_STEPS + paging.skip * self.wanted.len().max(1) as u64;
        let mut skip = paging.skip;
        let mut items = Vec::new();
        let mut last = None;
        let next = loop {
            let (time, seq) = match search.next(steps)? {
                Found::Posting(place) => Timestamp::of_posting(place),
                Found::End => break None,
                Found::Unfinished(from) => break continue_at(from),
            };
            if !self.accepts(tx, seq)? {
                continue;
            }
            if skip > 0 {
                skip -= 1;
                continue;
            }
            if items.len() == paging.limit {
                break last;
            }
            items.extend(tx.get::<R>(&seq)?);
            last = Some(Cursor { time, seq });
        };
        Ok(Page { items, next, total: self.count(tx)? })
    }
}

/// The cursor from which an unfinished search goes on.
fn continue_at(from: Bound<Posting>) -> Option<Cursor> {
    let (place, after) = match from {
        Bound::Excluded(place) => (place, 0),
        // A cursor stands behind its record.
        Bound::Included(place) => (place, 1),
        Bound::Unbounded => return None,
    };
    let (time, seq) = Timestamp::of_posting(place);
    Some(Cursor { time, seq: seq.saturating_add(after) })
}
