//! The Merkle tree of RFC 9162, section 2.1: its arithmetic, whoever keeps the hashes.

use bincode::{Decode, Encode};
use sha2::{Digest, Sha256};

use super::audit::Hash;

/// A complete subtree: the one over the `2^level` leaves from `index * 2^level` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// How many levels it has below it; that of a leaf is 0.
    pub level: u8,
    /// Its place among those of its level.
    pub index: u64,
}

impl Node {
    /// The first leaf after it.
    #[must_use]
    pub fn end(self) -> u64 {
        (self.index + 1) << self.level
    }

    /// The leaves below it.
    #[must_use]
    pub fn leaves(self) -> std::ops::Range<u64> {
        self.index << self.level..self.end()
    }
}

/// The hash of a leaf over an entry.
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> Hash {
    Hash(Sha256::new().chain_update([0]).chain_update(entry).finalize().into())
}

/// The hash of a node over its children's.
#[must_use]
pub fn node_hash(left: Hash, right: Hash) -> Hash {
    Hash(Sha256::new().chain_update([1]).chain_update(left.0).chain_update(right.0).finalize().into())
}

/// The complete subtrees that cover the leaves from `from` up to (not including) `to`: the fewest, from the left.
pub fn cover(from: u64, to: u64) -> impl Iterator<Item = Node> {
    let mut at = from;
    std::iter::from_fn(move || {
        let largest = to.checked_sub(at)?.checked_ilog2()?;
        let level = largest.min(at.trailing_zeros());
        let node = Node { level: u8::try_from(level).ok()?, index: at >> level };
        at = node.end();
        Some(node)
    })
}

/// The hash over neighbours from the left, each the top of a tree.
fn join(hashes: impl DoubleEndedIterator<Item = Hash>) -> Option<Hash> {
    hashes.rev().reduce(|right, left| node_hash(left, right))
}

/// A tree that grows at its right end and remembers no more than that takes: the tops of its complete subtrees, from
/// the left, as many as its size has one bits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Hash>,
}

impl Frontier {
    /// The frontier of so many leaves; `None` when there are not as many peaks as it has.
    #[must_use]
    pub fn of(size: u64, peaks: Vec<Hash>) -> Option<Self> {
        (peaks.len() == size.count_ones() as usize).then_some(Self { size, peaks })
    }

    /// How many leaves there are.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf.
    pub fn push(&mut self, leaf: Hash, completed: impl FnMut(Node, Hash)) {
        self.push_node(0, leaf, completed);
    }

    /// Adds a complete subtree, whose level's multiple the size must be, and tells of it and of those that it completes.
    pub fn push_node(&mut self, level: u8, hash: Hash, mut completed: impl FnMut(Node, Hash)) {
        debug_assert!(
            self.size.trailing_zeros() >= u32::from(level),
            "a subtree begins at a multiple of itself"
        );
        let mut node = Node { level, index: self.size >> level };
        let mut hash = hash;
        self.size += 1 << level;
        completed(node, hash);
        while node.index % 2 == 1 {
            let Some(left) = self.peaks.pop() else { break };
            hash = node_hash(left, hash);
            node = Node { level: node.level + 1, index: node.index / 2 };
            completed(node, hash);
        }
        self.peaks.push(hash);
    }

    /// The root; that of an empty tree is the hash of nothing.
    #[must_use]
    pub fn root(&self) -> Hash {
        join(self.peaks.iter().copied()).unwrap_or_else(|| Hash(Sha256::digest([]).into()))
    }
}

/// A tree of which each complete subtree's hash can be asked for.
pub trait Tree {
    /// Why it cannot be told.
    type Error;

    /// The hash of a complete subtree.
    ///
    /// # Errors
    /// When it cannot be told.
    fn node(&mut self, node: Node) -> Result<Hash, Self::Error>;

    /// The hashes of the fewest complete subtrees that cover a range of leaves, from the left.
    ///
    /// # Errors
    /// As [`node`](Self::node).
    fn covering(&mut self, from: u64, to: u64) -> Result<Vec<Hash>, Self::Error> {
        cover(from, to).map(|node| self.node(node)).collect()
    }

    /// The root of the tree over the first `size` leaves.
    ///
    /// # Errors
    /// As [`node`](Self::node).
    fn root(&mut self, size: u64) -> Result<Hash, Self::Error> {
        Ok(Frontier { size, peaks: self.covering(0, size)? }.root())
    }

    /// The path from a leaf to the root of the first `size` leaves, from the bottom (RFC 9162, section 2.1.3).
    /// Empty where there is no such leaf.
    ///
    /// # Errors
    /// As [`node`](Self::node).
    fn inclusion(&mut self, leaf: u64, size: u64) -> Result<Vec<Hash>, Self::Error> {
        let (mut start, mut end, mut path) = (0, size, Vec::new());
        while leaf < size && end - start > 1 {
            let middle = split(start, end);
            let sibling = if leaf < middle { (middle, end) } else { (start, middle) };
            path.extend(join(self.covering(sibling.0, sibling.1)?.into_iter()));
            (start, end) = if leaf < middle { (start, middle) } else { (middle, end) };
        }
        path.reverse();
        Ok(path)
    }

    /// What shows that the tree of `from` leaves is the beginning of the one of `to` (RFC 9162, section 2.1.4).
    /// Empty where there is nothing to show: for equal sizes, and from an empty tree.
    ///
    /// # Errors
    /// As [`node`](Self::node).
    fn consistency(&mut self, from: u64, to: u64) -> Result<Vec<Hash>, Self::Error> {
        let (mut start, mut end, mut proof) = (0, to, Vec::new());
        if from == 0 {
            return Ok(proof);
        }
        while from < end {
            let middle = split(start, end);
            let other = if from <= middle { (middle, end) } else { (start, middle) };
            proof.extend(join(self.covering(other.0, other.1)?.into_iter()));
            (start, end) = if from <= middle { (start, middle) } else { (middle, end) };
        }
        if start > 0 {
            // The old tree's root is not the whole of what is below: it must be told.
            proof.extend(join(self.covering(start, end)?.into_iter()));
        }
        proof.reverse();
        Ok(proof)
    }
}

/// Where a range of more than one leaf is split: after the largest power of two that is smaller than it.
fn split(start: u64, end: u64) -> u64 {
    start + (1 << (end - start - 1).ilog2())
}

#[cfg(test)]
mod tests;
