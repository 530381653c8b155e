//! A damaged data file is told of in one sentence with a way out: no panic, no hang, no end by a signal.
//!
//! `AGENTMAP_SEED` and `AGENTMAP_DAMAGES` say where the damages begin and how many there are. What went wrong with one is
//! kept in `target/tmp/damages/`: `AGENTMAP_DAMAGED=FILE` tries that file alone.

use std::fs;
use std::path::{Path, PathBuf};

use super::load::Load;
use super::process::{Server, data_file, run, text};
use super::random::{Random, asked, seed};

/// A file as a server left it that ended in order.
fn whole(data: &Path) -> Vec<u8> {
    let server = Server::start(data);
    let load = Load::start(server.address);
    load.wait_for(100);
    #[cfg(unix)]
    server.signal("-INT");
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
                bytes[at] = random.next().to_le_bytes()[0];
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
            bytes[at] = random.next().to_le_bytes()[0];
            "a byte of the header"
        }
        _ => {
            bytes[at..].fill(0xFF);
            "ones to the end"
        }
    };
    (bytes, how)
}

/// A damaged file, which is kept when the test fails over it: the load that made it is another each time.
struct Damaged {
    bytes: Vec<u8>,
    name: String,
}

impl Drop for Damaged {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("damages");
        let file = folder.join(&self.name);
        match fs::create_dir_all(&folder).and_then(|()| fs::write(&file, &self.bytes)) {
            Ok(()) => eprintln!(
                "the damaged file is {0}; again: AGENTMAP_DAMAGED={0} cargo test --locked --test crash damage::",
                file.display()
            ),
            Err(e) => eprintln!("the damaged file could not be kept as {}: {e}", file.display()),
        }
    }
}

/// How many commands meet each damaged file.
const COMMANDS: usize = 5;

/// Lets each command that reads meet the file at `data`; tells how many of them told of a damage.
fn meet(damaged: &Damaged, data: &Path) -> u64 {
    let copy = data.with_file_name("copy.redb");
    let commands: [&[&str]; COMMANDS] = [
        &["check"],
        &["status"],
        &["backup", copy.to_str().unwrap(), "--force"],
        &["export"],
        &["export", "--salvage"],
    ];
    let mut told = 0;
    for args in commands {
        fs::write(data, &damaged.bytes).unwrap();
        let ended = run(args, data);
        let complaint = text(&ended.stderr);
        // A signal that ended it is told by its name.
        let context = format!("{}, {args:?}: {}: {complaint}", damaged.name, ended.status);
        assert!(matches!(ended.status.code(), Some(0 | 1)), "{context}");
        assert!(!complaint.contains("panicked") && complaint.lines().count() <= 1, "{context}");
        // `check` tells on the standard output what does not agree.
        assert!(ended.status.success() || !complaint.is_empty() || args == ["check"], "{context}");
        told += u64::from(!ended.status.success());
    }
    told
}

#[test]
fn random_damage_is_told_or_harms_nothing() {
    let (_folder, data) = data_file();
    if let Some(file) = std::env::var_os("AGENTMAP_DAMAGED").map(PathBuf::from) {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        println!(
            "{} of {COMMANDS} commands tell",
            meet(&Damaged { bytes: fs::read(&file).unwrap(), name }, &data)
        );
        return;
    }
    let (first, count) = (seed(), asked("AGENTMAP_DAMAGES").unwrap_or(60));
    let whole = whole(&data);
    let mut told = 0;
    for seed in first..first + count {
        let (bytes, how) = damaged(&whole, &mut Random::of(seed, 0));
        told +=
            meet(&Damaged { bytes, name: format!("{seed}-{}.redb", how.replace([' ', '\''], "-")) }, &data);
    }
    println!("seeds from {first}: {count} damages, told {told} times of {}", COMMANDS as u64 * count);
    assert!(told > count / 4, "only {told} of so many were noticed");
}
