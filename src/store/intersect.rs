//! Intersection of several indexes that order their entries alike.
//!
//! Index tables hold `(value, rest)`. Where `rest` is the same for all, as `(time, seq)` is for the
//! indexes of a log, the records that carry all wanted values are the common `rest`s. They are found
//! by leapfrogging from the newest down: each index in turn seeks the last entry at or before the
//! candidate and, when it holds an older one, that becomes the candidate.
//! (Veldhuizen, "Leapfrog Triejoin", 2012, section 3.1.)

use std::ops::Bound;

use super::error::StoreError;
use super::read::ReadTx;
use super::record::TableName;

/// One index table and the value that is wanted in it, as the prefix of its keys.
pub struct Wanted {
    /// The index table.
    pub table: TableName,
    /// The encoding of the wanted value.
    pub prefix: Vec<u8>,
}

/// The common entries of some indexes, newest first.
pub struct Intersection<'t> {
    tx: &'t ReadTx,
    wanted: Vec<Wanted>,
    /// Where to go on: the next entry lies here or below.
    below: Bound<Vec<u8>>,
    /// The oldest entry that counts.
    oldest: Vec<u8>,
    steps: u64,
}

/// What a step of the search found.
pub enum Found {
    /// The next common entry, without the wanted value in front.
    Entry(Vec<u8>),
    /// Nothing within the allowed number of steps; the search can go on from here.
    Unfinished(Bound<Vec<u8>>),
    /// There is nothing more.
    End,
}

impl<'t> Intersection<'t> {
    /// The entries that all of `wanted` hold, from `newest` down to `oldest` (inclusive).
    /// At least one index must be given.
    #[must_use]
    pub fn new(tx: &'t ReadTx, wanted: Vec<Wanted>, newest: Bound<Vec<u8>>, oldest: Vec<u8>) -> Self {
        Self { tx, wanted, below: newest, oldest, steps: 0 }
    }

    /// How many seeks were made so far.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Seeks the next common entry, giving up once `limit` steps were made in all.
    ///
    /// # Errors
    /// When storage fails.
    pub fn next(&mut self, limit: u64) -> Result<Found, StoreError> {
        let mut agreed = 0;
        let mut turn = 0;
        while agreed < self.wanted.len() {
            if self.steps >= limit {
                return Ok(Found::Unfinished(self.below.clone()));
            }
            self.steps += 1;
            let Some(rest) = self.seek(turn)? else { return Ok(Found::End) };
            if rest < self.oldest {
                return Ok(Found::End);
            }
            agreed = match &self.below {
                Bound::Included(candidate) if *candidate == rest => agreed + 1,
                _ => 1,
            };
            self.below = Bound::Included(rest);
            turn = (turn + 1) % self.wanted.len();
        }
        let Bound::Included(found) = std::mem::replace(&mut self.below, Bound::Unbounded) else {
            return Ok(Found::End);
        };
        self.below = Bound::Excluded(found.clone());
        Ok(Found::Entry(found))
    }

    /// The last entry of one index at or before the candidate.
    fn seek(&self, turn: usize) -> Result<Option<Vec<u8>>, StoreError> {
        let Wanted { table, prefix } = &self.wanted[turn];
        let full = |rest: &[u8]| [prefix.as_slice(), rest].concat();
        let at = match &self.below {
            Bound::Included(rest) => Bound::Included(full(rest)),
            Bound::Excluded(rest) => Bound::Excluded(full(rest)),
            // No `rest` has more 0xFF in front than there are bytes in it.
            Bound::Unbounded => Bound::Included(full(&vec![0xFF; self.oldest.len() + 1])),
        };
        let at = at.as_ref().map(Vec::as_slice);
        let key = self.tx.last_key_to(table, at)?;
        Ok(key.filter(|k| k.starts_with(prefix)).map(|mut k| k.split_off(prefix.len())))
    }
}
