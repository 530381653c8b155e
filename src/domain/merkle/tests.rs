//! The tree against its definition.

use super::*;
use proptest::prelude::*;

/// The definitions of RFC 9162, word for word.
mod naive {
    use super::super::{Hash, leaf_hash, node_hash};
    use sha2::{Digest, Sha256};

    fn k(n: usize) -> usize {
        let mut k = 1;
        while k * 2 < n {
            k *= 2;
        }
        k
    }

    pub fn mth(d: &[Vec<u8>]) -> Hash {
        match d {
            [] => Hash(Sha256::digest([]).into()),
            [one] => leaf_hash(one),
            d => node_hash(mth(&d[..k(d.len())]), mth(&d[k(d.len())..])),
        }
    }

    pub fn path(m: usize, d: &[Vec<u8>]) -> Vec<Hash> {
        if d.len() == 1 {
            return Vec::new();
        }
        let k = k(d.len());
        let (mut path, last) =
            if m < k { (path(m, &d[..k]), mth(&d[k..])) } else { (path(m - k, &d[k..]), mth(&d[..k])) };
        path.push(last);
        path
    }

    pub fn subproof(m: usize, d: &[Vec<u8>], whole: bool) -> Vec<Hash> {
        if m == d.len() {
            return if whole { Vec::new() } else { vec![mth(d)] };
        }
        let k = k(d.len());
        let (mut proof, last) = if m <= k {
            (subproof(m, &d[..k], whole), mth(&d[k..]))
        } else {
            (subproof(m - k, &d[k..], false), mth(&d[..k]))
        };
        proof.push(last);
        proof
    }
}

/// A tree over entries in memory.
struct Entries(Vec<Vec<u8>>);

impl Tree for Entries {
    type Error = std::convert::Infallible;

    fn node(&mut self, node: Node) -> Result<Hash, Self::Error> {
        let leaves = usize::try_from(node.leaves().start).unwrap()..usize::try_from(node.end()).unwrap();
        Ok(naive::mth(&self.0[leaves]))
    }
}

fn entries(count: usize) -> Entries {
    Entries((0..count).map(|n| n.to_string().into_bytes()).collect())
}

fn frontier(entries: &[Vec<u8>]) -> Frontier {
    let mut frontier = Frontier::default();
    for entry in entries {
        frontier.push(leaf_hash(entry), |_, _| ());
    }
    frontier
}

proptest! {
    #[test]
    fn roots_paths_and_proofs_are_those_of_the_definition(size in 1_usize..300, m: prop::sample::Index) {
        let mut tree = entries(size);
        let (m, n) = (m.index(size), size as u64);
        prop_assert_eq!(tree.root(n).unwrap(), naive::mth(&tree.0));
        prop_assert_eq!(frontier(&tree.0).root(), naive::mth(&tree.0));
        prop_assert_eq!(tree.inclusion(m as u64, n).unwrap(), naive::path(m, &tree.0));
        let from = m as u64 + 1;
        prop_assert_eq!(tree.consistency(from, n).unwrap(), naive::subproof(m + 1, &tree.0, true));
    }

    #[test]
    fn a_range_and_what_covers_the_rest_give_the_root(size in 0_u64..300, a: u64, b: u64) {
        let mut tree = entries(usize::try_from(size).unwrap());
        let (a, b) = (a % (size + 1), b % (size + 1));
        let (first, end) = (a.min(b), a.max(b));
        let mut frontier = Frontier::of(first, tree.covering(0, first).unwrap()).unwrap();
        for n in first..end {
            let leaf = tree.node(Node { level: 0, index: n }).unwrap();
            frontier.push(leaf, |_, _| ());
        }
        for node in cover(end, size) {
            frontier.push_node(node.level, tree.node(node).unwrap(), |_, _| ());
        }
        prop_assert_eq!(frontier.size(), size);
        prop_assert_eq!(frontier.root(), tree.root(size).unwrap());
    }

    #[test]
    fn each_complete_subtree_is_told_once(size in 0_usize..600) {
        let mut tree = entries(size);
        let mut told = Vec::new();
        let mut frontier = Frontier::default();
        for entry in tree.0.clone() {
            frontier.push(leaf_hash(&entry), |node, hash| told.push((node, hash)));
        }
        // As many as there are leaves, and half of them, and so on.
        let wanted: usize = (0..10).map(|level| size >> level).sum();
        prop_assert_eq!(told.len(), wanted);
        for (node, hash) in told.into_iter().filter(|(node, _)| node.level > 3) {
            prop_assert_eq!(tree.node(node).unwrap(), hash);
        }
    }
}

#[test]
fn the_known_vectors_of_certificate_transparency_hold() {
    // The leaves and roots that the reference implementations of RFC 6962 test with.
    let hex = |text: &str| -> Vec<u8> {
        let digits = text.as_bytes().chunks(2).map(|d| std::str::from_utf8(d).unwrap());
        digits.map(|d| u8::from_str_radix(d, 16).unwrap()).collect()
    };
    let leaves =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    let roots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let leaves = leaves.map(hex);
    for (size, root) in roots.iter().enumerate() {
        assert_eq!(frontier(&leaves[..size]).root().to_string(), *root, "{size}");
    }
}

#[test]
fn a_frontier_has_as_many_peaks_as_its_size_says() {
    assert!(Frontier::of(5, vec![Hash::default(); 2]).is_some());
    assert!(Frontier::of(5, vec![Hash::default(); 3]).is_none());
    assert_eq!(cover(0, 0).count(), 0);
    assert_eq!(cover(5, 3).count(), 0);
}
