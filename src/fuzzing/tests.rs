//! Each target with its corpus, and with thousands of changes to it that follow from a seed.

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;
use std::time::{Duration, Instant};

use super::Target;

#[path = "../../tests/support/random.rs"]
mod random;

use random::Random;

/// How many changed inputs each target gets.
const CHANGED: u64 = 4000;
/// What one input may take; that of a fuzzer is shorter, for it is not compiled for debugging.
const DEADLINE: Duration = Duration::from_secs(20);

#[test]
fn identity() {
    hold("identity", super::identity);
}

#[test]
fn body() {
    hold("body", super::body);
}

#[test]
fn cursor() {
    hold("cursor", super::cursor);
}

#[test]
fn glob() {
    hold("glob", super::glob);
}

#[test]
fn codec() {
    hold("codec", super::codec);
}

fn hold(name: &str, target: Target) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let corpus: Vec<_> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    assert!(corpus.len() > 10, "{} holds too little", folder.display());
    for (file, bytes) in files.iter().zip(&corpus) {
        attempt(target, bytes, &file.display().to_string());
    }
    let seed = random::seed();
    println!("AGENTMAP_SEED={seed}: {} inputs and {CHANGED} changed ones", corpus.len());
    for case in 0..CHANGED {
        let bytes = changed(&corpus, &mut Random::of(seed, case));
        attempt(target, &bytes, &format!("AGENTMAP_SEED={seed}, case {case}"));
    }
}

fn attempt(target: Target, bytes: &[u8], what: &str) {
    let started = Instant::now();
    let end = catch_unwind(|| target(bytes));
    assert!(end.is_ok(), "{what}: \"{}\"", bytes.escape_ascii());
    assert!(started.elapsed() < DEADLINE, "{what} took {:?}", started.elapsed());
}

/// What means something in one format or another.
const SIGNS: &[u8] = b"\0\x01\xff\x80\n\"'{}[]()*?:,.-+%&#\\/e09 ";

/// An input of the corpus after some changes.
fn changed(corpus: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut bytes = corpus[random.below(corpus.len())].clone();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() + 1);
        let power = 1 + random.below(6);
        let length = random.below(1 << power);
        let end = (at + length).min(bytes.len());
        match random.below(6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let again = bytes[at..end].to_vec();
                drop(bytes.splice(at..at, again));
            }
            3 => bytes.insert(at, SIGNS[random.below(SIGNS.len())]),
            4 => drop(bytes.splice(at..end, random.next().to_le_bytes().into_iter().take(length))),
            _ => {
                let other = &corpus[random.below(corpus.len())];
                let from = random.below(other.len() + 1);
                let piece = other[from..other.len().min(from + length)].to_vec();
                drop(bytes.splice(at..end, piece));
            }
        }
    }
    bytes
}

/// A value that no target reads would be read by nobody but the program.
#[test]
fn every_value_is_fuzzed() {
    fn walk(folder: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && path.file_name().is_none_or(|name| name != "tests") {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let names = text.lines().filter_map(|line| line.strip_prefix("impl Value for "));
                found.extend(names.filter_map(|name| name.split_whitespace().next()).map(str::to_owned));
            }
        }
    }
    let mut kept = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut kept);
    kept.sort();
    let mut fuzzed: Vec<_> = super::codec::VALUES.iter().map(|(name, _)| *name).collect();
    // The version of the schema is the store's own.
    fuzzed.push("SchemaVersion");
    fuzzed.sort_unstable();
    assert_eq!(kept, fuzzed);
}
