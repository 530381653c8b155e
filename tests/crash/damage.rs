//! A damaged data file is told of in one sentence with a way out: no panic, no hang.

use std::fs;
use std::path::Path;

use super::load::Load;
use super::process::{Server, data_file, run, text};

/// How many files are damaged.
fn damages() -> u64 {
    std::env::var("AGENTMAP_DAMAGES").ok().and_then(|n| n.parse().ok()).unwrap_or(60)
}

/// Random numbers from a seed (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % end as u64).unwrap()
    }
}

/// A file as a server left it that ended in order.
fn whole(data: &Path) -> Vec<u8> {
    let server = Server::start(data);
    let load = Load::start(server.address);
    load.wait_for(100);
    #[cfg(unix)]
    server.signal("-TERM");
    #[cfg(not(unix))]
    server.kill();
    load.end();
    fs::read(data).unwrap()
}

/// Damages a file in one of the ways that disks and people have.
fn damaged(whole: &[u8], random: &mut Random) -> (Vec<u8>, &'static str) {
    let mut bytes = whole.to_vec();
    let at = random.below(bytes.len());
    let page = at / 4096 * 4096;
    let end = (page + 4096).min(bytes.len());
    let how = match random.below(7) {
        0 => {
            bytes[at] ^= 1 << random.below(8);
            "a bit"
        }
        1 => {
            for _ in 0..100 {
                let at = random.below(bytes.len());
                bytes[at] = u8::try_from(random.below(256)).unwrap();
            }
            "100 bytes"
        }
        2 => {
            bytes.truncate(at);
            "cut off"
        }
        3 => {
            bytes[page..end].fill(0);
            "a page of zeros"
        }
        4 => {
            let other = random.below(bytes.len() / 4096) * 4096;
            bytes.copy_within(other..other + (end - page), page);
            "a page in another's place"
        }
        5 => {
            let at = random.below(320);
            bytes[at] = u8::try_from(random.below(256)).unwrap();
            "a byte of the header"
        }
        _ => {
            bytes[at..].fill(0xFF);
            "ones to the end"
        }
    };
    (bytes, how)
}

#[test]
fn random_damage_is_told_or_harms_nothing() {
    let (folder, data) = data_file();
    let whole = whole(&data);
    let copy = folder.path().join("copy.redb");
    let target = copy.to_str().unwrap();
    let mut told = 0;
    for seed in 0..damages() {
        let (bytes, how) = damaged(&whole, &mut Random(seed));
        for args in [&["check"][..], &["status"], &["backup", target, "--force"], &["export"]] {
            fs::write(&data, &bytes).unwrap();
            let ended = run(args, &data);
            let complaint = text(&ended.stderr);
            let context = format!("seed {seed}, {how}, {args:?}: {:?}: {complaint}", ended.status);
            assert!(matches!(ended.status.code(), Some(0 | 1)), "{context}");
            assert!(!complaint.contains("panicked") && complaint.lines().count() <= 1, "{context}");
            // `check` tells on the standard output what does not agree.
            assert!(ended.status.success() || !complaint.is_empty() || args == ["check"], "{context}");
            told += u64::from(!ended.status.success());
        }
    }
    assert!(told > damages() / 4, "only {told} of so many were noticed");
}
