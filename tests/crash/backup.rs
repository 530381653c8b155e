//! Copies of the data: made beside a server under load, proved, and put back.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use super::load::Load;
use super::process::{Server, assert_proved, assert_sound, data_file, run, signing, text};

/// Runs a command on a file.
fn ran(command: &str, file: &Path, options: &[&str], data: &Path) -> Output {
    run(&[&[command, file.to_str().unwrap()], options].concat(), data)
}

#[track_caller]
fn succeeded(ended: &Output) {
    assert!(ended.status.success(), "{}", text(&ended.stderr));
}

/// It fails with one sentence that holds `why`.
#[track_caller]
fn refused(ended: &Output, why: &str) {
    let complaint = text(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{complaint}");
    assert!(complaint.contains(why) && complaint.trim_end().lines().count() == 1, "{complaint}");
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "none.toml")
        .collect();
    names.sort();
    names
}

#[test]
fn a_backup_under_full_load_is_sound_and_restores() {
    let (folder, data) = data_file();
    let server = Server::start(&data);
    let load = Load::start(server.address);
    let mut records = 0;
    for n in 0..3 {
        load.wait_for(300 * (n + 1));
        let file = folder.path().join(format!("copy-{n}.redb"));
        let ended = ran("backup", &file, &["--json"], &data);
        succeeded(&ended);
        let told: Value = serde_json::from_slice(&ended.stdout).unwrap();
        let found = told["audit_records"].as_u64().unwrap();
        assert!(found > records, "{told}");
        records = found;
        assert_proved(&file);
    }
    server.kill();
    load.end().assert_kept(&data);

    let restored = folder.path().join("restored.redb");
    let copy = folder.path().join("copy-2.redb");
    succeeded(&ran("restore", &copy, &[], &restored));
    assert_proved(&restored);
    // A restored file gets a key and a checkpoint of its own.
    assert!(signing(&restored).iter().all(|file| !file.exists()));
    let server = Server::start(&restored);
    for (own, old) in signing(&restored).iter().zip(signing(&data)) {
        assert_ne!(std::fs::read(own).unwrap(), std::fs::read(old).unwrap());
    }
    let load = Load::start(server.address);
    load.wait_for(50);
    assert_proved(&restored);
    server.kill();
    load.end().assert_kept(&restored);
    assert_proved(&restored);
}

#[test]
fn a_backup_replaces_nothing_unasked_and_leaves_nothing_half_done() {
    let (folder, data) = data_file();
    let file = folder.path().join("copy.redb");
    refused(&ran("backup", &file, &[], &data), "there is no data file");
    assert!(!data.exists());
    Server::start(&data).kill();
    succeeded(&ran("backup", &file, &[], &data));
    let first = std::fs::read(&file).unwrap();
    refused(&ran("backup", &file, &[], &data), "--force");
    assert_eq!(std::fs::read(&file).unwrap(), first);
    succeeded(&ran("backup", &file, &["--force"], &data));
    refused(&ran("backup", &data, &["--force"], &data), "the data file itself");
    refused(&ran("backup", &folder.path().join("no/copy.redb"), &[], &data), "copy.redb");
    assert_eq!(
        names(folder.path()),
        ["copy.redb", "data.redb", "data.redb.checkpoint", "data.redb.key", "data.redb.server.json"]
    );
}

#[test]
fn a_restore_verifies_first_replaces_nothing_unasked_and_keeps_what_it_replaces() {
    let (folder, data) = data_file();
    let file = folder.path().join("copy.redb");
    let server = Server::start(&data);
    let load = Load::start(server.address);
    load.wait_for(20);
    succeeded(&ran("backup", &file, &[], &data));
    refused(&ran("restore", &file, &["--force"], &data), "in use by another");
    load.wait_for(40);
    server.kill();
    load.end();
    refused(&ran("restore", &file, &[], &data), "--force");

    let newest = std::fs::read(&data).unwrap();
    let broken = folder.path().join("broken.redb");
    std::fs::write(&broken, &newest[..newest.len() / 2]).unwrap();
    refused(&ran("restore", &broken, &["--force"], &data), "broken.redb");
    std::fs::write(&broken, "no data").unwrap();
    refused(&ran("restore", &broken, &["--force"], &data), "broken.redb");
    refused(&ran("restore", &folder.path().join("none"), &["--force"], &data), "none");
    std::fs::remove_file(&broken).unwrap();

    let checkpoint = folder.path().join("data.redb.checkpoint");
    std::fs::write(&checkpoint, "newer than the copy").unwrap();
    succeeded(&ran("restore", &file, &["--force"], &data));
    assert_sound(&data);
    let aside: Vec<_> =
        names(folder.path()).into_iter().filter(|name| name.contains(".before-restore-")).collect();
    let [old, old_checkpoint, old_key] = &aside[..] else { panic!("{aside:?}") };
    assert!(old.starts_with("data.redb.before-restore-2"), "{old}");
    assert!(old_checkpoint.starts_with("data.redb.checkpoint.before-restore-2"), "{old_checkpoint}");
    assert!(old_key.starts_with("data.redb.key.before-restore-2"), "{old_key}");
    assert!(signing(&data).iter().all(|file| !file.exists()));
    assert_sound(&folder.path().join(old));
    // A damaged file is replaced as well.
    std::fs::write(&data, &newest[..newest.len() / 2]).unwrap();
    succeeded(&ran("restore", &file, &["--force"], &data));
    assert_sound(&data);
    assert!(!names(folder.path()).iter().any(|name| name.contains("partial")));
}
