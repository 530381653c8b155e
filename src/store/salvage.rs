//! What can be read of a damaged table: the entries before a damage and behind it, wherever there is one.
//!
//! redb finds an entry by its key without reading those before it. So where reading on from one end of a table fails, it
//! is read from the other, and then from keys in between, as long as the tries last.

use std::collections::VecDeque;
use std::ops::{Bound, RangeBounds};

use redb::ReadOnlyTable;

use super::database::contained;
use super::error::StoreError;
use super::read::ReadTx;

type Bytes = &'static [u8];
type Entry = (Vec<u8>, Vec<u8>);

/// How many gaps are halved: what a damaged page held begins and ends at keys that nobody knows.
const TRIES: usize = 2000;

/// The keys between two, where something could not be read; `None` is the end of the table.
type Gap = (Option<Vec<u8>>, Option<Vec<u8>>);

impl ReadTx {
    /// Visits the entries of a table that can be read, each once, but not in order. Tells whether there was nothing that
    /// could not be.
    ///
    /// # Errors
    /// When `visit` fails.
    pub fn salvage<E>(
        &self,
        table: &str,
        visit: impl FnMut(&[u8], &[u8]) -> Result<(), E>,
    ) -> Result<bool, E> {
        let Ok(table) = contained(|| self.open(table)) else { return Ok(false) };
        let mut walk = Walk { table, visit };
        let Reached::BrokeOff(mut lower) = walk.on(None, None)? else { return Ok(true) };
        let Reached::BrokeOff(upper) = walk.back(lower.as_deref(), None)? else { return Ok(false) };
        let mut gaps = VecDeque::new();
        for key in ahead(lower.as_deref()) {
            let unread = lower.as_ref().is_none_or(|lower| *lower < key);
            if unread && upper.as_ref().is_none_or(|upper| key < *upper) {
                let reached = walk.on(Some(&key), upper.as_deref())?;
                if let Reached::BrokeOff(from) = walk.back(lower.as_deref(), Some(&key))? {
                    gaps.push_back((lower, from.or_else(|| Some(key.clone()))));
                }
                lower = match reached {
                    Reached::BrokeOff(last) => last.or(Some(key)),
                    Reached::End => upper.clone(),
                };
            }
        }
        gaps.push_back((lower, upper));
        for _ in 0..TRIES {
            let Some(gap) = gaps.pop_front() else { break };
            let Some(middle) = between(&gap) else { continue };
            let (lower, upper) = gap;
            if let Reached::BrokeOff(reached) = walk.on(Some(&middle), upper.as_deref())? {
                gaps.push_back((reached.or_else(|| Some(middle.clone())), upper));
            }
            if let Reached::BrokeOff(reached) = walk.back(lower.as_deref(), Some(&middle))? {
                gaps.push_back((lower, reached.or(Some(middle))));
            }
        }
        Ok(false)
    }
}

/// How long keys are, where none is known.
const KEY: usize = 16;

/// Keys behind another, or the start of a table, in order and each about twice as far away as the one before it.
fn ahead(key: Option<&[u8]>) -> impl Iterator<Item = Vec<u8>> + use<> {
    let key = key.unwrap_or(&[0; KEY]).to_vec();
    (0..key.len()).rev().flat_map(move |place| {
        let key = key[..=place].to_vec();
        (0..8).filter_map(move |bit| {
            let mut ahead = key.clone();
            ahead[place] = ahead[place].checked_add(1 << bit)?;
            Some(ahead)
        })
    })
}

struct Walk<F> {
    table: ReadOnlyTable<Bytes, Bytes>,
    visit: F,
}

/// How far reading came.
enum Reached {
    /// To its end.
    End,
    /// To this key, if to any.
    BrokeOff(Option<Vec<u8>>),
}

impl<E, F: FnMut(&[u8], &[u8]) -> Result<(), E>> Walk<F> {
    /// Reads from a key on, up to another, that one not included.
    fn on(&mut self, from: Option<&[u8]>, to: Option<&[u8]>) -> Result<Reached, E> {
        let from = from.map_or(Bound::Unbounded, Bound::Included);
        self.read((from, to.map_or(Bound::Unbounded, Bound::Excluded)), Iterator::next, |next, last| {
            next > last
        })
    }

    /// As [`on`](Self::on), from the end. Neither key is included.
    fn back(&mut self, from: Option<&[u8]>, to: Option<&[u8]>) -> Result<Reached, E> {
        let from = from.map_or(Bound::Unbounded, Bound::Excluded);
        self.read(
            (from, to.map_or(Bound::Unbounded, Bound::Excluded)),
            DoubleEndedIterator::next_back,
            |next, last| next < last,
        )
    }

    fn read(
        &mut self,
        bounds: (Bound<&[u8]>, Bound<&[u8]>),
        step: fn(&mut redb::Range<'static, Bytes, Bytes>) -> Option<Read>,
        is_behind: fn(&[u8], &[u8]) -> bool,
    ) -> Result<Reached, E> {
        let mut last: Option<Vec<u8>> = None;
        let Ok(mut range) = contained(|| Ok(self.table.range::<&[u8]>(bounds)?)) else {
            return Ok(Reached::BrokeOff(None));
        };
        loop {
            let entry = contained(|| -> Result<Option<Entry>, StoreError> {
                let Some(entry) = step(&mut range) else { return Ok(None) };
                let (key, value) = entry?;
                Ok(Some((key.value().to_vec(), value.value().to_vec())))
            });
            match entry {
                Ok(None) => return Ok(Reached::End),
                // A page in another's place leads anywhere.
                Ok(Some((key, value)))
                    if RangeBounds::<[u8]>::contains(&bounds, key.as_slice())
                        && last.as_ref().is_none_or(|last| is_behind(&key, last)) =>
                {
                    (self.visit)(&key, &value)?;
                    last = Some(key);
                }
                _ => return Ok(Reached::BrokeOff(last)),
            }
        }
    }
}

/// What a range gives.
type Read =
    Result<(redb::AccessGuard<'static, Bytes>, redb::AccessGuard<'static, Bytes>), redb::StorageError>;

/// A key in the middle of a gap, as far as keys of about that length tell; `None` where there is none.
fn between((lower, upper): &Gap) -> Option<Vec<u8>> {
    let (low, high) = (lower.as_deref().unwrap_or_default(), upper.as_deref());
    let digits = low.len().max(high.map_or(0, <[u8]>::len)) + 1;
    let at = |key: &[u8], place: usize| u16::from(key.get(place).copied().unwrap_or_default());
    // Their sum, halved, as of two fractions with the bytes as digits; what is behind all keys is 1.
    let mut rest = u16::from(high.is_none());
    let mut carried = vec![0_u16; digits + 1];
    for place in (0..digits).rev() {
        let sum = at(low, place) + high.map_or(0, |high| at(high, place)) + carried[place + 1];
        (carried[place], carried[place + 1]) = (sum >> 8, sum & 0xFF);
    }
    rest += carried[0];
    let mut middle = Vec::with_capacity(digits);
    for sum in &carried[1..] {
        let digit = (rest << 8) + sum;
        middle.push(u8::try_from(digit >> 1).unwrap_or(u8::MAX));
        rest = digit & 1;
    }
    let inside = middle.as_slice() > low && high.is_none_or(|high| middle.as_slice() < high);
    inside.then_some(middle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_between_two_keys_is(mut keys: [Vec<u8>; 2]) {
            keys.sort();
            let [low, high] = keys;
            for gap in [
                (None, None),
                (Some(low.clone()), None),
                (None, Some(high.clone())),
                (Some(low.clone()), Some(high.clone())),
            ] {
                let Some(middle) = between(&gap) else {
                    // There is no key, or none that is not much longer.
                    let (low, high) = (gap.0.unwrap_or_default(), gap.1.unwrap_or_default());
                    prop_assert!(high.strip_prefix(low.as_slice()).is_some_and(|rest| rest.iter().all(|b| *b < 2)));
                    continue;
                };
                prop_assert!(gap.0.is_none_or(|low| low < middle) && gap.1.is_none_or(|high| middle < high));
            }
        }

        #[test]
        fn what_is_ahead_is_in_order(key: Vec<u8>) {
            for key in [Some(key.as_slice()), None] {
                let ahead: Vec<_> = ahead(key).collect();
                prop_assert!(ahead.is_sorted() && ahead.iter().all(|ahead| Some(ahead.as_slice()) > key));
            }
        }

        #[test]
        fn halving_leads_to_every_key(mut keys: [u64; 3]) {
            keys.sort_unstable();
            let [mut low, key, mut high] = keys;
            prop_assume!(low < key && key < high);
            let mut steps = 0;
            while steps < 80 {
                let bytes = |n: u64| Some(n.to_be_bytes().to_vec());
                let middle = between(&(bytes(low), bytes(high))).unwrap();
                let mut first = [0; 8];
                first.copy_from_slice(&middle[..8]);
                let middle = u64::from_be_bytes(first);
                if middle == key {
                    return Ok(());
                }
                if middle < key { low = middle } else { high = middle }
                steps += 1;
            }
            prop_assert!(high - low <= 2, "{low} {high}");
        }
    }
}
