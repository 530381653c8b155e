//! A block of a posting list, as it is stored.

use super::{BYTES, Posting, damaged};
use crate::store::codec::CodecError;

/// A place in so many begins a block.
const MEAN: u64 = 32;
/// A block of so many places is whole however its places came about: clients may try to keep one open.
const MOST: usize = 512;

/// Whether a place begins a block: the end of its number's hash says so. (The mixer of Steele et al., "Fast Splittable
/// Pseudorandom Number Generators", 2014, figure 16: clients cannot choose a number, and no stride misses all.)
#[allow(clippy::cast_possible_truncation, reason = "the number is the lower half")]
pub(in crate::store) fn begins(place: Posting) -> bool {
    let mut z = (place as u64).wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (z ^ (z >> 31)).is_multiple_of(MEAN)
}

/// Some places of a list, in order, as they are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct Block {
    pub(super) first: Posting,
    pub(super) last: Posting,
    count: usize,
    /// How many places the blocks before it have; told of the open block alone.
    pub(super) before: u64,
    /// For each place but the first, how much later its time is than that of the one before, and how far its number is
    /// from that one's: two numbers of 7 bits a byte, the lowest first, the second with its sign in the lowest bit.
    steps: Vec<u8>,
}

/// The version of stored blocks.
const VERSION: u8 = 1;

impl Block {
    /// A block of one place, behind so many others.
    pub(super) fn of(place: Posting, before: u64) -> Self {
        Self { first: place, last: place, count: 1, before, steps: Vec::new() }
    }

    /// Adds a later place.
    #[allow(clippy::cast_possible_truncation, reason = "time and number are the halves of a place")]
    pub(super) fn push(&mut self, place: Posting) {
        write_number(((place >> 64) as u64) - ((self.last >> 64) as u64), &mut self.steps);
        let step = (place as u64).wrapping_sub(self.last as u64).cast_signed();
        write_number(((step << 1) ^ (step >> 63)).cast_unsigned(), &mut self.steps);
        self.last = place;
        self.count += 1;
    }

    /// How many places the list has up to its end.
    pub(super) fn total(&self) -> u64 {
        self.before + self.count as u64
    }

    /// Its places, in order.
    pub(super) fn places(&self) -> Result<Vec<Posting>, CodecError> {
        read_places(self.first, &self.steps)
    }

    /// An open block as it is stored: version, count, places before it, first and last place, steps.
    pub(super) fn write_open(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(11 + 2 * BYTES + self.steps.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(&u16::try_from(self.count).unwrap_or(u16::MAX).to_be_bytes());
        bytes.extend_from_slice(&self.before.to_be_bytes());
        bytes.extend_from_slice(&self.first.to_be_bytes());
        bytes.extend_from_slice(&self.last.to_be_bytes());
        bytes.extend_from_slice(&self.steps);
        bytes
    }

    /// Reads what [`write_open`](Self::write_open) wrote.
    pub(in crate::store) fn read_open(mut bytes: &[u8]) -> Result<Self, CodecError> {
        fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], CodecError> {
            let (head, rest) = bytes.split_first_chunk().ok_or_else(damaged)?;
            *bytes = rest;
            Ok(*head)
        }
        if take::<1>(&mut bytes)? != [VERSION] {
            return Err(damaged());
        }
        let count = usize::from(u16::from_be_bytes(take(&mut bytes)?));
        let before = u64::from_be_bytes(take(&mut bytes)?);
        let first = Posting::from_be_bytes(take(&mut bytes)?);
        let last = Posting::from_be_bytes(take(&mut bytes)?);
        Ok(Self { first, last, count, before, steps: bytes.to_vec() })
    }

    /// A sealed block as it is stored: its first place is in its key.
    pub(super) fn write_sealed(&self) -> Vec<u8> {
        [&[VERSION], self.steps.as_slice()].concat()
    }

    /// Whether what an open block says of itself is what its places are.
    pub(in crate::store) fn is_sound(&self) -> Result<bool, CodecError> {
        let places = self.places()?;
        Ok(places.len() == self.count && places.last() == Some(&self.last) && places.is_sorted())
    }

    /// The blocks that places in order make.
    pub(super) fn all_of(places: &[Posting]) -> Vec<Self> {
        let mut blocks: Vec<Self> = Vec::new();
        for place in places {
            match blocks.last_mut() {
                Some(block) if block.takes(*place) => block.push(*place),
                _ => blocks.push(Self::of(*place, 0)),
            }
        }
        blocks
    }

    pub(super) fn takes(&self, place: Posting) -> bool {
        self.count < MOST && !begins(place)
    }
}

/// The places of a sealed block.
pub(in crate::store) fn read_sealed(first: Posting, bytes: &[u8]) -> Result<Vec<Posting>, CodecError> {
    match bytes.split_first() {
        Some((&VERSION, steps)) => read_places(first, steps),
        _ => Err(damaged()),
    }
}

#[allow(clippy::cast_possible_truncation, reason = "time and number are the halves of a place")]
fn read_places(first: Posting, mut steps: &[u8]) -> Result<Vec<Posting>, CodecError> {
    let mut places = vec![first];
    let (mut time, mut number) = ((first >> 64) as u64, first as u64);
    while !steps.is_empty() {
        time = time.checked_add(read_number(&mut steps)?).ok_or_else(damaged)?;
        let step = read_number(&mut steps)?;
        number = number.wrapping_add((step >> 1) ^ (step & 1).wrapping_neg());
        places.push(Posting::from(time) << 64 | Posting::from(number));
    }
    Ok(places)
}

fn write_number(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

fn read_number(bytes: &mut &[u8]) -> Result<u64, CodecError> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first().ok_or_else(damaged)?;
        *bytes = rest;
        number |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return Ok(number);
        }
    }
    Err(damaged())
}
