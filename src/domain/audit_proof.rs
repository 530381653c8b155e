//! Proofs of the audit trail: that a record is in it, and that it has only grown.

use serde::Serialize;
use utoipa::ToSchema;

use super::audit::{AuditRecord, Hash};
use super::audit_tree::{AuditTree, TILE};
use super::merkle::{Node, Tree, leaf_hash};
use super::note::base64;
use crate::store::{Lookup, StoreError};

/// That a record is in the trail.
#[derive(Debug, Serialize, ToSchema)]
pub struct InclusionProof {
    /// The record.
    pub record: AuditRecord,
    /// The hash of the record before it; zeros before the first.
    #[schema(value_type = String)]
    pub previous_hash: Hash,
    /// Its place among the leaves: its number.
    pub leaf_index: u64,
    /// The hash of its leaf.
    pub leaf_hash: String,
    /// The size of the tree.
    pub tree_size: u64,
    /// Of the tree.
    pub root_hash: String,
    /// The hashes beside the way from the leaf to the root, from the bottom (RFC 9162, section 2.1.3).
    pub inclusion_proof: Vec<String>,
    /// The signed checkpoint of that size (<https://c2sp.org/tlog-checkpoint>).
    pub checkpoint: String,
}

/// That the trail of one size is the beginning of the trail of another.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConsistencyProof {
    /// The smaller size.
    pub from: u64,
    /// The larger size.
    pub to: u64,
    /// The root of the smaller tree.
    pub from_root_hash: String,
    /// The root of the larger tree.
    pub to_root_hash: String,
    /// The hashes that lead from the one to the other (RFC 9162, section 2.1.4).
    pub consistency_proof: Vec<String>,
    /// The signed checkpoint of the larger size.
    pub checkpoint: String,
}

fn texts(hashes: &[Hash]) -> Vec<String> {
    hashes.iter().map(|hash| base64(&hash.0)).collect()
}

impl<L: Lookup> AuditTree<L> {
    /// Proves that a record that is kept is in the tree of a size; `sign` makes the checkpoint.
    ///
    /// # Errors
    /// When storage fails, or what it takes is not there.
    pub fn prove_inclusion(
        &mut self,
        seq: u64,
        size: u64,
        sign: impl FnOnce(u64, Hash) -> String,
    ) -> Result<InclusionProof, StoreError> {
        let (record, root) = (self.record(seq)?, self.root(size)?);
        Ok(InclusionProof {
            previous_hash: self.previous(seq)?,
            leaf_index: seq,
            leaf_hash: base64(&leaf_hash(&record.hash.0).0),
            tree_size: size,
            root_hash: base64(&root.0),
            inclusion_proof: texts(&self.inclusion(seq, size)?),
            checkpoint: sign(size, root),
            record,
        })
    }

    /// Proves that the tree of size `from` is the beginning of that of size `to`; `sign` makes the checkpoint.
    ///
    /// # Errors
    /// As [`prove_inclusion`](Self::prove_inclusion).
    pub fn prove_consistency(
        &mut self,
        from: u64,
        to: u64,
        sign: impl FnOnce(u64, Hash) -> String,
    ) -> Result<ConsistencyProof, StoreError> {
        let (old, new) = (self.root(from)?, self.root(to)?);
        Ok(ConsistencyProof {
            from,
            to,
            from_root_hash: base64(&old.0),
            to_root_hash: base64(&new.0),
            consistency_proof: texts(&self.consistency(from, to)?),
            checkpoint: sign(to, new),
        })
    }

    /// The first `width` hashes of a tile at a level of tiles.
    ///
    /// # Errors
    /// As [`prove_inclusion`](Self::prove_inclusion).
    pub fn tile(&mut self, tile: Tile) -> Result<Vec<u8>, StoreError> {
        let mut bytes = Vec::with_capacity(32 * 256);
        for index in tile.nodes() {
            match tile.level {
                // The records' hashes, each behind its length.
                None => {
                    bytes.extend(32_u16.to_be_bytes());
                    bytes.extend(self.hash(index)?.0);
                }
                Some(level) => bytes.extend(self.node(Node { level: level * 8, index })?.0),
            }
        }
        Ok(bytes)
    }
}

/// A tile, or a bundle of entries (<https://c2sp.org/tlog-tiles>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tile {
    /// Its level among tiles; `None` for a bundle of entries, which lie below level 0.
    pub level: Option<u8>,
    /// Its place among those of its level.
    pub index: u64,
    /// How many hashes it has, [`TILE`] at most.
    pub width: u64,
}

impl Tile {
    /// Reads `<L>/<N>[.p/<W>]` or `entries/<N>[.p/<W>]`, with `<N>` such as `x001/x234/067`.
    #[must_use]
    pub fn read(path: &str) -> Option<Self> {
        let (level, place) = path.split_once('/')?;
        let (place, width) = match place.split_once(".p/") {
            None => (place, TILE),
            Some((place, width)) => (place, plain(width).filter(|width| (1..TILE).contains(width))?),
        };
        let level = match level {
            "entries" => None,
            level => Some(u8::try_from(plain(level)?).ok().filter(|level| *level < 64)?),
        };
        let mut groups = place.split('/').rev();
        let last = groups.next()?;
        // From the last group on: each counts a thousand times the one behind it.
        let (mut index, mut unit) = (group(last)?, 1_u64);
        let mut first = last;
        for text in groups {
            first = text.strip_prefix('x')?;
            unit = unit.checked_mul(1000)?;
            index = group(first)?.checked_mul(unit)?.checked_add(index)?;
        }
        // One way of writing a number alone.
        (unit == 1 || first != "000").then_some(Self { level, index, width })
    }

    /// The level of its hashes in the tree.
    fn height(self) -> u32 {
        8 * u32::from(self.level.unwrap_or(0))
    }

    fn nodes(self) -> std::ops::Range<u64> {
        let start = self.index * TILE;
        start..start + self.width
    }

    /// Whether a tree of some size has it.
    #[must_use]
    pub fn is_in(self, size: u64) -> bool {
        let complete = size.checked_shr(self.height()).unwrap_or(0);
        let end = self.index.checked_mul(TILE).and_then(|start| start.checked_add(self.width));
        end.is_some_and(|end| end <= complete)
    }

    /// Whether records that are gone would be needed for it.
    #[must_use]
    pub fn is_pruned(self, first: u64) -> bool {
        self.level.unwrap_or(0) == 0 && self.index < first / TILE
    }
}

/// A number without signs and leading zeros.
fn plain(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

/// Three digits.
fn group(text: &str) -> Option<u64> {
    let digits = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_tiles_are_read_in_their_one_form() {
        let tile = |level, index, width| Some(Tile { level, index, width });
        for (path, wanted) in [
            ("0/000", tile(Some(0), 0, 256)),
            ("0/067.p/1", tile(Some(0), 67, 1)),
            ("3/x001/x234/067.p/255", tile(Some(3), 1_234_067, 255)),
            ("entries/x001/000", tile(None, 1000, 256)),
            ("63/x018/x446/x744/x073/x709/x551/615", tile(Some(63), u64::MAX, 256)),
            ("0/x000/001", None),
            ("0/1", None),
            ("0/0001", None),
            ("0/+01", None),
            ("00/001", None),
            ("64/001", None),
            ("-1/001", None),
            ("0/001/002", None),
            ("0/x001/x002", None),
            ("0/001.p/0", None),
            ("0/001.p/256", None),
            ("0/001.p/01", None),
            ("0/001.p/", None),
            ("0/001.p/1.p/1", None),
            ("0/x018/x446/x744/x073/x709/x551/616", None),
            ("0", None),
            ("entries", None),
            ("data/000", None),
        ] {
            assert_eq!(Tile::read(path), wanted, "{path}");
        }
    }

    #[test]
    fn a_tree_has_the_tiles_that_the_specification_counts() {
        // Its example: 273 full tiles, one of width 112; one full above, one of width 17; one of width 1 at the top.
        let has = |path: &str| Tile::read(path).is_some_and(|tile| tile.is_in(70_000));
        for path in ["0/272", "0/273.p/112", "entries/273.p/112", "1/000", "1/001.p/17", "2/000.p/1"] {
            assert!(has(path), "{path}");
        }
        for path in
            ["0/273", "0/273.p/113", "0/274.p/1", "1/001", "1/001.p/18", "2/000.p/2", "3/000.p/1", "63/000"]
        {
            assert!(!has(path), "{path}");
        }
        assert!(!Tile::read("0/x018/x446/x744/x073/x709/x551/615").unwrap().is_in(u64::MAX));
    }
}
