//! Intersection of several posting lists.
//!
//! The records of a log that carry all wanted values are the places that their lists have in common. They are found
//! by leapfrogging from the newest down: each list in turn seeks the last place at or before the
//! candidate and, when that is an older one, it becomes the candidate.
//! (Veldhuizen, "Leapfrog Triejoin", 2012, section 3.1.)

use std::ops::Bound;

use super::error::StoreError;
use super::postings::{Posting, PostingList};

/// The places that some lists have in common, newest first.
pub struct Intersection<'t> {
    lists: Vec<PostingList<'t>>,
    /// Where to go on: the next place is here or below.
    below: Bound<Posting>,
    /// The oldest place that counts.
    oldest: Posting,
    steps: u64,
}

/// What a step of the search found.
pub enum Found {
    /// The next place.
    Posting(Posting),
    /// Nothing within the allowed number of steps; the search can go on from here.
    Unfinished(Bound<Posting>),
    /// There is nothing more.
    End,
}

impl<'t> Intersection<'t> {
    /// The places that all of `lists` hold, from `newest` down to `oldest` (inclusive).
    /// At least one list must be given.
    #[must_use]
    pub fn new(lists: Vec<PostingList<'t>>, newest: Bound<Posting>, oldest: Posting) -> Self {
        Self { lists, below: newest, oldest, steps: 0 }
    }

    /// How many seeks were made so far.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Seeks the next common place, giving up once `limit` steps were made in all.
    ///
    /// # Errors
    /// When storage fails.
    pub fn next(&mut self, limit: u64) -> Result<Found, StoreError> {
        let mut agreed = 0;
        let mut turn = 0;
        while agreed < self.lists.len() {
            if self.steps >= limit {
                return Ok(Found::Unfinished(self.below));
            }
            self.steps += 1;
            let Some(place) = self.lists[turn].last_to(self.below)? else { return Ok(Found::End) };
            if place < self.oldest {
                return Ok(Found::End);
            }
            agreed = if self.below == Bound::Included(place) { agreed + 1 } else { 1 };
            self.below = Bound::Included(place);
            turn = (turn + 1) % self.lists.len();
        }
        let Bound::Included(found) = self.below else { return Ok(Found::End) };
        self.below = Bound::Excluded(found);
        Ok(Found::Posting(found))
    }
}
