//! Reading posting lists.

use std::ops::Bound;

use super::{Block, OPEN, Posting, damaged, open_key, read_sealed, sealed_key, split};
use crate::store::codec::{Key, prefix_end};
use crate::store::error::StoreError;
use crate::store::read::ReadTx;
use crate::store::record::TableName;

/// The places under one value of an index, in a snapshot.
pub struct PostingList<'t> {
    tx: &'t ReadTx,
    table: TableName,
    value: Vec<u8>,
    open: Vec<Posting>,
    count: u64,
    /// The sealed block that was looked into last, and the place up to which there is no later one.
    near: (Vec<Posting>, Posting),
}

impl<'t> PostingList<'t> {
    fn of(tx: &'t ReadTx, table: TableName, value: Vec<u8>) -> Result<Self, StoreError> {
        let open = tx.get_raw(OPEN, &open_key(table, &value))?;
        let open = open.map(|bytes| Block::read_open(&bytes)).transpose()?;
        let count = open.as_ref().map_or(0, Block::total);
        let open = open.map(|block| block.places()).transpose()?.unwrap_or_default();
        Ok(Self { tx, table, value, open, count, near: (Vec::new(), 0) })
    }

    /// How many places it has. Nothing is counted for this.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The last place at or before `at`.
    ///
    /// # Errors
    /// When storage fails, or the list is damaged.
    pub fn last_to(&mut self, at: Bound<Posting>) -> Result<Option<Posting>, StoreError> {
        let at = match at {
            Bound::Included(at) => at,
            Bound::Excluded(0) => return Ok(None),
            Bound::Excluded(at) => at - 1,
            Bound::Unbounded => Posting::MAX,
        };
        if self.open.first().is_some_and(|first| *first <= at) {
            return Ok(last_of(&self.open, at));
        }
        let (places, end) = &self.near;
        if !(at <= *end && places.first().is_some_and(|first| *first <= at)) {
            let (from, to) = (sealed_key(&self.value, 0), sealed_key(&self.value, at));
            let mut range = self.tx.range_raw(self.table, Bound::Included(&from), Bound::Included(&to))?;
            let Some((key, bytes)) = range.next_back().transpose()? else { return Ok(None) };
            self.near = (read_sealed(split(&key)?.1, &bytes)?, at);
        }
        Ok(last_of(&self.near.0, at))
    }

    /// The places from `from` up to (not including) `to`, in order.
    ///
    /// # Errors
    /// When storage fails; each item, when the list is damaged.
    pub fn between(
        mut self,
        from: Posting,
        to: Posting,
    ) -> Result<impl Iterator<Item = Result<Posting, StoreError>> + use<>, StoreError> {
        // The block in which the first of them lies may begin before it.
        let begin = match self.last_to(Bound::Included(from))? {
            Some(_) => self.near.0.first().copied().unwrap_or(from).min(from),
            None => from,
        };
        let (low, high) = (sealed_key(&self.value, begin), sealed_key(&self.value, to.max(begin)));
        let sealed = self.tx.range_raw(self.table, Bound::Included(&low), Bound::Excluded(&high))?;
        let sealed = sealed.map(|row| {
            let (key, bytes) = row?;
            Ok(read_sealed(split(&key)?.1, &bytes)?)
        });
        let places = sealed.chain([Ok(self.open)]).flat_map(|block: Result<Vec<Posting>, StoreError>| {
            let (places, error) = match block {
                Ok(places) => (places, None),
                Err(e) => (Vec::new(), Some(Err(e))),
            };
            places.into_iter().map(Ok).chain(error)
        });
        Ok(places.filter(move |place| place.as_ref().map_or(true, |place| (from..to).contains(place))))
    }
}

fn last_of(places: &[Posting], at: Posting) -> Option<Posting> {
    places[..places.partition_point(|place| *place <= at)].last().copied()
}

impl ReadTx {
    /// The places that an index of a log holds under a value.
    ///
    /// # Errors
    /// When storage fails.
    pub fn postings(&self, table: TableName, value: Vec<u8>) -> Result<PostingList<'_>, StoreError> {
        PostingList::of(self, table, value)
    }

    /// How many posting lists there are: each has one open block.
    ///
    /// # Errors
    /// When storage fails.
    pub fn open_postings(&self) -> Result<u64, StoreError> {
        self.len(OPEN)
    }

    /// Visits all entries of an index of a log, value and place: the sealed ones, then the open ones. Returns how many
    /// lists it has.
    ///
    /// # Errors
    /// When storage fails, or a list is damaged.
    pub fn each_posting(
        &self,
        table: TableName,
        mut visit: impl FnMut(&[u8], Posting),
    ) -> Result<u64, StoreError> {
        let (mut sealed, mut told) = (0, 0);
        for row in self.range_raw(table, Bound::Unbounded, Bound::Unbounded)? {
            let (key, bytes) = row?;
            let (value, first) = split(&key)?;
            let places = read_sealed(first, &bytes)?;
            sealed += places.len() as u64;
            for place in places {
                visit(value, place);
            }
        }
        let mut lists = 0;
        let names = table.to_bytes();
        let end = prefix_end(&names);
        let to = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        for row in self.range_raw(OPEN, Bound::Included(&names), to)? {
            let (key, bytes) = row?;
            let block = Block::read_open(&bytes)?;
            if !block.is_sound()? {
                return Err(damaged().into());
            }
            told += block.before;
            for place in block.places()? {
                visit(&key[names.len()..], place);
            }
            lists += 1;
        }
        if told != sealed {
            return Err(damaged().into());
        }
        Ok(lists)
    }
}
