//! `agentmap audit verify` finds every kind of tampering, at random positions. `AGENTMAP_SEED` repeats a run;
//! `AGENTMAP_TAMPERINGS` makes it longer.

use std::io::Write;
use std::path::{Path, PathBuf};

use agentmap::domain::audit::AuditRecord;
use agentmap::domain::audit_tree::AuditAnchor;
use agentmap::store::Value as _;
use redb::ReadableTable as _;
use serde_json::Value;

use super::process::{data_file, run, text};
use super::trail::{Random, append, append_and_prune, beside, copy, damage, damage_in, stored, told};
use super::verifier;

const RECORDS: u64 = 700;

fn rounds() -> u64 {
    std::env::var("AGENTMAP_TAMPERINGS").ok().and_then(|n| n.parse().ok()).unwrap_or(6)
}

/// What `agentmap audit verify` answers, as JSON, and whether it says that all is right.
fn verify(args: &[&str], data: &Path) -> Value {
    let ended = run(&[&["audit", "verify", "--json"], args].concat(), data);
    let report: Value = serde_json::from_slice(&ended.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}{}", text(&ended.stdout), text(&ended.stderr)));
    assert_eq!(ended.status.code(), Some(i32::from(report["ok"] != true)), "{report}");
    assert_eq!(report["problem"].is_null(), report["ok"] == true, "{report}");
    report
}

#[track_caller]
fn assert_bad(report: &Value, seq: Option<u64>, why: &str) {
    assert_eq!(report["ok"], false, "{report}");
    assert_eq!(report["problem"]["seq"].as_u64(), seq, "{report}");
    assert!(report["problem"]["why"].as_str().unwrap().contains(why), "{why}: {report}");
}

/// A data file with a trail, and one with the first part of it, with its own key.
fn trail() -> (tempfile::TempDir, PathBuf) {
    let (folder, data) = data_file();
    append(&data, (0..RECORDS).map(told));
    (folder, data)
}

#[test]
fn what_nobody_touched_is_right() {
    let (folder, data) = trail();
    let report = verify(&[], &data);
    assert_eq!(report["ok"], true, "{report}");
    assert_eq!((&report["records"], &report["checkpoint"]["size"]), (&RECORDS.into(), &RECORDS.into()));
    assert_eq!(report["notes"], serde_json::json!([]));
    // A checkpoint of before is of the same trail.
    let early = folder.path().join("early.checkpoint");
    std::fs::copy(beside(&data, ".checkpoint"), &early).unwrap();
    append(&data, (RECORDS..RECORDS + 50).map(told));
    let report = verify(&["--checkpoint", early.to_str().unwrap()], &data);
    assert_eq!((&report["ok"], &report["records"]), (&true.into(), &(RECORDS + 50).into()), "{report}");
    // Without key and checkpoint, the chain alone is verified, and that is said.
    std::fs::remove_file(beside(&data, ".key")).unwrap();
    assert!(verify(&[], &data)["notes"][0].as_str().unwrap().contains("no key"));
    std::fs::remove_file(beside(&data, ".checkpoint")).unwrap();
    assert!(verify(&[], &data)["notes"][0].as_str().unwrap().contains("no checkpoint"));
}

#[test]
fn a_data_file_that_was_tampered_with_is_found_out() {
    let (_folder, data) = trail();
    tamper(&data, 0, RECORDS);
}

#[test]
fn a_data_file_whose_trail_was_pruned_is_no_less_protected() {
    let (_folder, data) = data_file();
    let first = append_and_prune(&data, 600, 400);
    assert_eq!((first, verify(&[], &data)["records"].as_u64()), (512, Some(489)));
    tamper(&data, first, 1001);
    // What the records that are kept continue.
    let folder = tempfile::tempdir().unwrap();
    let moved = copy(&data, folder.path());
    damage_in(redb::TableDefinition::new(AuditAnchor::TABLE), &moved, |table| {
        let mut anchor =
            AuditAnchor::from_stored(table.get([].as_slice()).unwrap().unwrap().value()).unwrap();
        anchor.previous.0[Random::seeded().index(32)] ^= 1;
        table.insert([].as_slice(), anchor.to_stored().unwrap().as_slice()).unwrap();
    });
    assert_bad(&verify(&[], &moved), Some(first), "");
    // All data as it was before retention, or some records ago, and the checkpoint that somebody kept since.
    let kept = folder.path().join("kept.checkpoint");
    let before = copy(&data, folder.path());
    append(&data, (1000..1001).map(told));
    std::fs::copy(beside(&data, ".checkpoint"), &kept).unwrap();
    assert_bad(&verify(&["--checkpoint", kept.to_str().unwrap()], &before), None, "older copy");
}

/// Tampers in each way with copies of a data file that holds the records from one number to another.
fn tamper(data: &Path, first: u64, end: u64) {
    let mut random = Random::seeded();
    let any = |random: &mut Random, below: u64| first + random.below(below - first);
    for _ in 0..rounds() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (any(&mut random, end), any(&mut random, end));
        // One byte.
        let changed = copy(data, folder.path());
        damage(&changed, |table| {
            let before = stored(table, one);
            let told = |bytes: &[u8]| {
                AuditRecord::from_stored(bytes).ok().and_then(|r| serde_json::to_string(&r).ok())
            };
            let after = loop {
                let mut after = before.clone();
                let at = random.index(after.len());
                after[at] ^= u8::try_from(1 + random.below(255)).unwrap();
                // A few bits of what makes an id unguessable are not part of it.
                if told(&after) != told(&before) {
                    break after;
                }
            };
            table.insert(one.to_be_bytes().as_slice(), after.as_slice()).unwrap();
        });
        assert_bad(&verify(&[], &changed), Some(one), "");
        // Two that change places.
        if one != other {
            let swapped = copy(data, folder.path());
            damage(&swapped, |table| {
                let (a, b) = (stored(table, one), stored(table, other));
                table.insert(one.to_be_bytes().as_slice(), b.as_slice()).unwrap();
                table.insert(other.to_be_bytes().as_slice(), a.as_slice()).unwrap();
            });
            assert_bad(&verify(&[], &swapped), Some(one.min(other)), "lies under its number");
        }
        // One that is gone.
        let gone = any(&mut random, end - 1);
        let dropped = copy(data, folder.path());
        damage(&dropped, |table| assert!(table.remove(gone.to_be_bytes().as_slice()).unwrap().is_some()));
        assert_bad(&verify(&[], &dropped), Some(gone + 1), "missing");
        // The end.
        let kept = any(&mut random, end);
        let cut = copy(data, folder.path());
        damage(&cut, |table| {
            for seq in kept..end {
                table.remove(seq.to_be_bytes().as_slice()).unwrap();
            }
        });
        assert_bad(&verify(&[], &cut), None, "cut off");
    }
}

#[test]
fn an_attacker_who_makes_every_hash_anew_is_found_out_by_the_checkpoint() {
    let (_folder, data) = trail();
    let mut random = Random::seeded();
    for _ in 0..rounds().min(10) {
        let folder = tempfile::tempdir().unwrap();
        let (one, kept) = (random.below(RECORDS), random.below(RECORDS));
        let forged = |name: &str, records: &mut dyn Iterator<Item = agentmap::domain::audit::NewAudit>| {
            let (_own, made) = data_file();
            append(&made, records);
            let target = copy(&data, &{
                let below = folder.path().join(name);
                std::fs::create_dir(&below).unwrap();
                below
            });
            std::fs::copy(&made, &target).unwrap();
            target
        };
        let mut records: Vec<_> = (0..RECORDS).map(told).collect();
        records[usize::try_from(one).unwrap()].reason = Some("was always so".into());
        let changed = forged("changed", &mut records.clone().into_iter());
        assert_bad(&verify(&[], &changed), None, "not the one of the checkpoint");
        let swapped = forged("swapped", &mut (0..RECORDS).rev().map(told));
        assert_bad(&verify(&[], &swapped), None, "not the one of the checkpoint");
        let dropped = forged("dropped", &mut (0..RECORDS).filter(|n| *n != one).map(told));
        assert_bad(&verify(&[], &dropped), None, "cut off");
        let cut = forged("cut", &mut (0..kept).map(told));
        assert_bad(&verify(&[], &cut), None, "cut off");
        // With another key, a checkpoint of their own helps nobody who kept the public key.
        let (_own, made) = data_file();
        append(&made, records.into_iter());
        let key = public_key(&data, folder.path());
        assert_eq!(verify(&[], &made)["ok"], true);
        assert_bad(&verify(&["--public-key", key.to_str().unwrap()], &made), None, "not signed by this key");
        // All data as it was once, and the checkpoint that somebody kept since.
        let kept = folder.path().join("kept.checkpoint");
        let (_older, older) = data_file();
        append(&older, (0..100).map(told));
        let before = copy(&older, folder.path());
        append(&older, (100..101).map(told));
        std::fs::copy(beside(&older, ".checkpoint"), &kept).unwrap();
        assert_bad(&verify(&["--checkpoint", kept.to_str().unwrap()], &before), None, "older copy");
    }
}

/// The public key of a data file, in a file of its own.
fn public_key(data: &Path, folder: &Path) -> PathBuf {
    let secret = std::fs::read_to_string(beside(data, ".key")).unwrap();
    let signer = agentmap::domain::note::Signer::read(&secret).unwrap();
    let path = folder.join("public.key");
    std::fs::write(&path, format!("{}\n", signer.public())).unwrap();
    path
}

fn export(args: &[&str], data: &Path) -> String {
    let ended = run(&[&["audit", "export"], args].concat(), data);
    assert!(ended.status.success(), "{}", text(&ended.stderr));
    text(&ended.stdout)
}

/// What the program says of an export, and what a stranger says. They agree.
fn verify_export(export: &[u8], key: &Path, data: &Path) -> Value {
    let path = key.with_file_name("export.ndjson");
    std::fs::write(&path, export).unwrap();
    let args = ["--export", path.to_str().unwrap(), "--public-key", key.to_str().unwrap()];
    let report = verify(&args, data);
    if let Ok(export) = std::str::from_utf8(export) {
        let vkey = std::fs::read_to_string(key).unwrap();
        let proved = verifier::check_export(export, &vkey);
        assert_eq!(report["ok"] == true, proved.is_ok(), "{report} {proved:?}");
    }
    report
}

#[test]
fn any_range_is_exported_with_its_proof() {
    let (folder, data) = trail();
    let key = public_key(&data, folder.path());
    let mut random = Random::seeded();
    let mut ranges = vec![(0, 0), (0, RECORDS - 1), (RECORDS - 1, RECORDS - 1), (255, 256), (256, 511)];
    ranges.extend((0..rounds()).map(|_| {
        let (a, b) = (random.below(RECORDS), random.below(RECORDS));
        (a.min(b), a.max(b))
    }));
    for (first, last) in ranges {
        let exported = export(&["--from", &first.to_string(), "--to", &last.to_string()], &data);
        let report = verify_export(exported.as_bytes(), &key, &data);
        assert_eq!(report["ok"], true, "{first} {last}: {report}");
        assert_eq!((&report["first"], &report["records"]), (&first.into(), &(last - first + 1).into()));
    }
    // All of it, into a file, compressed on its way.
    let path = folder.path().join("all.ndjson");
    assert_eq!(export(&["--output", path.to_str().unwrap()], &data), "");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&std::fs::read(&path).unwrap()).unwrap();
    let compressed = folder.path().join("all.ndjson.gz");
    std::fs::write(&compressed, gzip.finish().unwrap()).unwrap();
    let report = verify(&["--export", compressed.to_str().unwrap()], &data);
    assert_eq!((&report["ok"], &report["records"]), (&true.into(), &RECORDS.into()), "{report}");
    // What is there already stays, and what is not there is not exported.
    for (args, code) in [
        (&["--output", path.to_str().unwrap()][..], 1),
        (&["--to", "700"], 2),
        (&["--from", "5", "--to", "4"], 2),
    ] {
        let ended = run(&[&["audit", "export"], args].concat(), &data);
        assert_eq!(ended.status.code(), Some(code), "{args:?}: {}", text(&ended.stderr));
        assert_eq!(text(&ended.stderr).trim_end().lines().count(), 1);
    }
}

#[test]
fn an_export_that_was_tampered_with_is_found_out() {
    let (folder, data) = trail();
    let key = public_key(&data, folder.path());
    let mut random = Random::seeded();
    let (first, last) = (100, 399);
    let whole = export(&["--from", "100", "--to", "399"], &data);
    let lines: Vec<&str> = whole.lines().collect();
    let joined = |lines: &[&str]| format!("{}\n", lines.join("\n")).into_bytes();
    assert_eq!(verify_export(&joined(&lines), &key, &data)["ok"], true);
    let records = usize::try_from(last - first + 1).unwrap();
    for _ in 0..rounds() {
        let (one, other) = (random.index(records), random.index(records));
        let (seq, line) = (first + one as u64, 1 + one);
        // One byte, of the head or of a record.
        for line in [0, line] {
            let changed = loop {
                let mut bytes = lines[line].as_bytes().to_vec();
                let at = random.index(bytes.len());
                bytes[at] ^= u8::try_from(1 + random.below(255)).unwrap();
                let said = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).ok();
                let own_key = |v: &Option<Value>| v.as_ref().map(|v| v["public_key"].clone());
                let (before, after) = (said(lines[line].as_bytes()), said(&bytes));
                // What says the same in other words is the same; the key in the head is nobody's proof.
                if before != after
                    && (line > 0 || own_key(&before) == own_key(&after))
                    && !bytes.contains(&b'\n')
                {
                    break bytes;
                }
            };
            let mut all: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
            all[line] = &changed;
            let report = verify_export(&[all.join(&b'\n'), b"\n".to_vec()].concat(), &key, &data);
            // A head that says another hash before the first record is that record's fault.
            let named = if line == 0 { report["problem"]["seq"].as_u64().map(|_| first) } else { Some(seq) };
            assert_bad(&report, named, "");
        }
        if one != other {
            let mut swapped = lines.clone();
            swapped.swap(1 + one, 1 + other);
            let at = first + one.max(other) as u64;
            assert_bad(&verify_export(&joined(&swapped), &key, &data), Some(at), "should be here");
        }
        let mut dropped = lines.clone();
        dropped.remove(1 + random.index(records - 1));
        assert_eq!(verify_export(&joined(&dropped), &key, &data)["ok"], false);
        let cut = &lines[..=random.index(records)];
        assert_bad(&verify_export(&joined(cut), &key, &data), None, "its head says");
        let torn = &whole.as_bytes()[..whole.len() - 2 - random.index(300)];
        assert_eq!(verify_export(torn, &key, &data)["ok"], false);
    }
}

#[test]
fn what_is_left_of_a_pruned_trail_is_verified_and_exported() {
    let (folder, data) = data_file();
    assert_eq!(append_and_prune(&data, 300, RECORDS - 300), 256);
    let key = public_key(&data, folder.path());
    let report = verify(&[], &data);
    assert_eq!(
        (&report["ok"], &report["first"], &report["records"]),
        (&true.into(), &256.into(), &445.into())
    );
    let exported = export(&[], &data);
    assert_eq!(verify_export(exported.as_bytes(), &key, &data)["ok"], true);
    let ended = run(&["audit", "export", "--from", "255"], &data);
    assert_eq!(ended.status.code(), Some(2), "{}", text(&ended.stderr));
    // The server goes on with it.
    append(&data, (RECORDS..=RECORDS).map(told));
    assert_eq!(verify(&[], &data)["records"], 446);
    // What is gone is still part of what was signed.
    let mut random = Random::seeded();
    damage(&data, |table| {
        let seq = 256 + random.below(444);
        let mut value = stored(table, seq);
        let at = value.len() - 1 - random.index(32);
        value[at] ^= 1;
        table.insert(seq.to_be_bytes().as_slice(), value.as_slice()).unwrap();
    });
    assert_eq!(verify(&[], &data)["ok"], false);
}

#[test]
fn an_export_without_proofs_is_verified_as_far_as_it_goes() {
    let (folder, data) = trail();
    let path = folder.path().join("plain.ndjson");
    let exported = export(&["--to", "99"], &data);
    // As the API exports: the records alone, newest first.
    let mut newest_first: Vec<&str> = exported.lines().skip(1).collect();
    newest_first.reverse();
    let verified = |lines: &[&str]| {
        std::fs::write(&path, lines.join("\n")).unwrap();
        verify(&["--export", path.to_str().unwrap()], &data)
    };
    let whole = verified(&newest_first);
    assert_eq!((&whole["ok"], &whole["records"]), (&true.into(), &100.into()));
    assert!(whole["notes"][0].as_str().unwrap().contains("100 of its 100"), "{whole}");
    let at = Random::seeded().index(100);
    let mut changed = newest_first.clone();
    let other = changed[at].replacen("step", "stop", 1);
    changed[at] = &other;
    assert_bad(&verified(&changed), Some(99 - at as u64), "does not cover it");
    let mut twice = newest_first.clone();
    twice.insert(at, newest_first[at]);
    assert_bad(&verified(&twice), Some(99 - at as u64), "twice");
    // With a choice of records, nothing is between them to compare with.
    let some: Vec<&str> = newest_first.iter().copied().step_by(2).collect();
    assert!(verified(&some)["notes"][0].as_str().unwrap().contains("0 of its 50"));
}
