//! The Merkle tree over the audit trail: a leaf's entry is its record's hash.
//!
//! Kept are the frontier, which grows with each record, and the complete subtrees from a tile's height on. What is
//! below a tile follows from its 256 records.

use bincode::{Decode, Encode};

use super::audit::{AuditRecord, Hash};
use super::merkle::{Frontier, Node, Tree, cover, leaf_hash};
use crate::store::codec::{CodecError, decode_body};
use crate::store::{Lookup, StoreError, TableName, Value, WriteTx};

/// The height of a tile (<https://c2sp.org/tlog-tiles>), and the lowest level whose nodes are kept.
pub const TILE_HEIGHT: u8 = 8;
/// How many leaves a tile has.
pub const TILE: u64 = 1 << TILE_HEIGHT;

/// The tree as of the last record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct AuditFrontier(pub Frontier);

impl Value for AuditFrontier {
    const TABLE: TableName = "audit_frontier";
    type Key = ();
}

/// A complete subtree's hash. The key is `(level, index)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct AuditNode(pub Hash);

impl Value for AuditNode {
    const TABLE: TableName = "audit_tree";
    type Key = (u8, u64);
}

/// Where the records that are kept begin. Nothing is stored as long as nothing was pruned.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct AuditAnchor {
    /// The first record that is kept.
    pub first: u64,
    /// The hash of the record before it; zeros where there is none.
    pub previous: Hash,
    /// The signed checkpoint that covered all that was pruned.
    pub checkpoint: Option<String>,
    /// The hashes of the records before it that are of its tile: while one of a tile is kept, the tile is.
    pub tile: Vec<Hash>,
}

impl AuditAnchor {
    /// Moves behind a record.
    pub fn pass(&mut self, record: &AuditRecord) {
        self.first = record.seq + 1;
        self.previous = record.hash;
        self.tile.push(record.hash);
        if self.first.is_multiple_of(TILE) {
            self.tile.clear();
        }
    }

    /// The hash of a record before it, where it is of its tile.
    fn hash(&self, seq: u64) -> Option<Hash> {
        let place = seq.checked_sub(self.first / TILE * TILE)?;
        self.tile.get(usize::try_from(place).ok()?).copied()
    }
}

impl Value for AuditAnchor {
    const TABLE: TableName = "audit_anchor";
    const VERSION: u8 = 2;
    type Key = ();

    fn decode_older(version: u8, body: &[u8]) -> Result<Self, CodecError> {
        // It lay at the edge of a tile.
        match version {
            1 => {
                let older = decode_body(body).map_err(|e| CodecError(format!("audit_anchor: {}", e.0)));
                let (first, previous, checkpoint) = older?;
                Ok(Self { first, previous, checkpoint, tile: Vec::new() })
            }
            _ => Err(CodecError(format!("audit_anchor holds a value of unknown version {version}"))),
        }
    }
}

/// Adds a record to the tree.
///
/// # Errors
/// When storage fails.
pub fn grow(tx: &mut WriteTx<'_>, record: &AuditRecord) -> Result<(), StoreError> {
    let leaf = leaf_hash(&record.hash.0);
    let completed = tx.update(&(), |frontier: &mut AuditFrontier| {
        let mut kept = Vec::new();
        frontier.0.push(leaf, |node, hash| {
            if node.level >= TILE_HEIGHT {
                kept.push((node, hash));
            }
        });
        kept
    })?;
    keep(tx, completed)
}

fn keep(tx: &mut WriteTx<'_>, nodes: Vec<(Node, Hash)>) -> Result<(), StoreError> {
    for (node, hash) in nodes {
        tx.set(&(node.level, node.index), &AuditNode(hash))?;
    }
    Ok(())
}

/// Makes the tree of the records that are there: the step of a data file that is older than the table.
///
/// # Errors
/// When storage fails.
pub fn fill(tx: &mut WriteTx<'_>) -> Result<(), StoreError> {
    tx.walk(grow)
}

/// Makes the part of the tree whose records were pruned, from the tiles' roots of another and from its anchor.
///
/// # Errors
/// When storage fails, or a root is missing.
pub fn regrow(tx: &mut WriteTx<'_>, from: &mut AuditTree<impl Lookup>) -> Result<(), StoreError> {
    for index in 0..from.anchor.first / TILE {
        let hash = from.node(Node { level: TILE_HEIGHT, index })?;
        let completed = tx.update(&(), |frontier: &mut AuditFrontier| {
            let mut completed = Vec::new();
            frontier.0.push_node(TILE_HEIGHT, hash, |node, hash| completed.push((node, hash)));
            completed
        })?;
        keep(tx, completed)?;
    }
    let tile = std::mem::take(&mut from.anchor.tile);
    tx.update(&(), |frontier: &mut AuditFrontier| {
        for hash in tile {
            frontier.0.push(leaf_hash(&hash.0), |_, _| ());
        }
    })
}

/// The tree, for reading.
pub struct AuditTree<L> {
    tx: L,
    frontier: Frontier,
    /// Where the records begin.
    pub anchor: AuditAnchor,
}

impl<L: Lookup> AuditTree<L> {
    /// The tree as of a snapshot, or inside a write transaction.
    ///
    /// # Errors
    /// When storage fails.
    pub fn open(mut tx: L) -> Result<Self, StoreError> {
        let frontier = tx.lookup::<AuditFrontier>(&())?.unwrap_or_default().0;
        let anchor = tx.lookup::<AuditAnchor>(&())?.unwrap_or_default();
        Ok(Self { tx, frontier, anchor })
    }

    /// How many records there were so far.
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The root over all of them.
    pub fn head(&self) -> Hash {
        self.frontier.root()
    }

    /// Whether the root of the first `size` records can be told: those of pruned ones are, at the edges of tiles.
    pub fn knows(&self, size: u64) -> bool {
        size <= self.size() && (size >= self.anchor.first || size.is_multiple_of(TILE))
    }

    /// A record of the trail.
    ///
    /// # Errors
    /// When storage fails, or it is not there.
    pub fn record(&mut self, seq: u64) -> Result<AuditRecord, StoreError> {
        let record = self.tx.lookup::<AuditRecord>(&seq)?;
        record.ok_or_else(|| StoreError::Corrupt(format!("audit: record {seq} is missing")))
    }

    /// A record's hash: of one that is kept, or of the tile of one.
    ///
    /// # Errors
    /// As [`record`](Self::record).
    pub fn hash(&mut self, seq: u64) -> Result<Hash, StoreError> {
        match self.anchor.hash(seq) {
            Some(hash) => Ok(hash),
            None => Ok(self.record(seq)?.hash),
        }
    }

    /// The hash of the record before one that is kept.
    ///
    /// # Errors
    /// As [`record`](Self::record).
    pub fn previous(&mut self, seq: u64) -> Result<Hash, StoreError> {
        if seq <= self.anchor.first {
            return Ok(self.anchor.previous);
        }
        Ok(self.record(seq - 1)?.hash)
    }

    /// The frontier over the pruned records, on which those that are kept follow.
    ///
    /// # Errors
    /// When storage fails, or a node is missing.
    pub fn pruned(&mut self) -> Result<Frontier, StoreError> {
        let mut frontier = Frontier::default();
        for node in cover(0, self.anchor.first) {
            let hash = self.node(node)?;
            frontier.push_node(node.level, hash, |_, _| ());
        }
        Ok(frontier)
    }
}

impl<L: Lookup> Tree for AuditTree<L> {
    type Error = StoreError;

    fn node(&mut self, node: Node) -> Result<Hash, StoreError> {
        if node.level >= TILE_HEIGHT {
            let kept = self.tx.lookup::<AuditNode>(&(node.level, node.index))?;
            let missing =
                || StoreError::Corrupt(format!("audit_tree: node {} {} is missing", node.level, node.index));
            return kept.map(|kept| kept.0).ok_or_else(missing);
        }
        let mut below = Frontier::default();
        for seq in node.leaves() {
            below.push(leaf_hash(&self.hash(seq)?.0), |_, _| ());
        }
        Ok(below.root())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::codec::encode_value;

    #[test]
    fn an_anchor_of_the_first_version_is_read() {
        let (first, previous, checkpoint) = (512_u64, Hash([7; 32]), Some("signed".to_owned()));
        let stored = encode_value(1, &(first, previous, checkpoint.clone())).unwrap();
        let anchor = AuditAnchor { first, previous, checkpoint, tile: Vec::new() };
        assert_eq!(AuditAnchor::from_stored(&stored).unwrap(), anchor);
    }
}
