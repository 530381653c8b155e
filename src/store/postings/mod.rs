//! Posting lists: by what else than their numbers the records of a log are found.
//!
//! A table of `(value, place) -> ()` costs a descent and some 60 bytes for each entry of each index, and where there are
//! many values each commit rewrites a page for nearly every entry. A log grows at its end, so here the places under a
//! value lie in blocks, each as its distance to the one before it. The last block of each value is open, and lies with
//! those of all other values in one small table; whole ones are sealed and lie in the index's own.
//!
//! Which place begins a block follows from its number alone (`begins`), so that the same records make the same
//! tables however they were batched. (Content-defined chunking, as in Muthitacharoen et al., "A Low-bandwidth Network
//! File System", 2001, section 3.1.)

mod block;
mod change;
mod list;

use super::codec::{CodecError, Key};
use super::record::TableName;

#[cfg(test)]
pub(in crate::store) use block::begins;
pub(in crate::store) use block::{Block, read_sealed};
pub(in crate::store) use change::Pending;
pub use list::PostingList;

/// The open blocks of all posting lists. A key is the index's name and the value.
pub const OPEN: TableName = "postings";

/// Where a record stands: its time, in the order of [`Key`], over its number.
pub type Posting = u128;

/// The place of a record of a time, as [`Key`] orders times, and a number.
#[must_use]
pub fn posting_of(time: i64, number: u64) -> Posting {
    Posting::from(time.cast_unsigned() ^ (1 << 63)) << 64 | Posting::from(number)
}

/// The time and the number of a place.
#[must_use]
#[allow(clippy::cast_possible_truncation, reason = "time and number are the halves of a place")]
pub fn parts_of(place: Posting) -> (i64, u64) {
    (((place >> 64) as u64 ^ (1 << 63)).cast_signed(), place as u64)
}

/// The bytes that a place takes at the end of an entry.
const BYTES: usize = size_of::<Posting>();
fn damaged() -> CodecError {
    CodecError("a block of a posting list is damaged".into())
}

/// The key of the open block under a value.
fn open_key(table: TableName, value: &[u8]) -> Vec<u8> {
    let mut key = table.to_bytes();
    key.extend_from_slice(value);
    key
}

/// The key of a sealed block under a value.
fn sealed_key(value: &[u8], first: Posting) -> Vec<u8> {
    [value, &first.to_be_bytes()].concat()
}

/// Splits an entry, or the key of a sealed block, into value and place.
fn split(entry: &[u8]) -> Result<(&[u8], Posting), CodecError> {
    let (value, place) = entry.split_last_chunk().ok_or_else(damaged)?;
    Ok((value, Posting::from_be_bytes(*place)))
}
