//! The checkpoint beside the data file: data that is lost, cut or exchanged does not start anew.

use std::path::Path;

use super::process::{Server, agentmap, assert_sound, data_file, run, text};
use super::program::is_of_windows;
use super::trail::{append, beside, copy, told};

/// The server does not start, and says why in one sentence that names both files; no record comes or goes.
#[track_caller]
fn assert_refused(data: &Path, why: &str) {
    let records = || run(&["audit", "verify", "--json"], data).stdout;
    let count =
        |report: Vec<u8>| text(&report).lines().find(|line| line.contains("\"records\"")).map(str::to_owned);
    let before = (data.exists(), count(records()));
    for args in [&["serve", "--port", "0"][..], &["seed", "assets/identities/quality"]] {
        let ended = run(args, data);
        let complaint = text(&ended.stderr);
        assert_eq!(ended.status.code(), Some(1), "{args:?}: {complaint}");
        assert!(complaint.contains(why) && complaint.contains(".checkpoint"), "{complaint}");
        assert!(complaint.contains(data.to_str().unwrap()), "{complaint}");
        assert_eq!(complaint.trim_end().lines().count(), 1, "{complaint}");
    }
    assert_eq!((data.exists(), count(records())), before);
}

#[test]
fn data_that_is_gone_or_empty_does_not_start_anew() {
    let (_folder, data) = data_file();
    append(&data, (0..300).map(told));
    std::fs::remove_file(&data).unwrap();
    assert_refused(&data, "missing or empty");
    std::fs::write(&data, "").unwrap();
    assert_refused(&data, "missing or empty");
    // Who accepts the loss begins a new log, with a new key.
    let key = std::fs::read(beside(&data, ".key")).unwrap();
    for suffix in [".checkpoint", ".key"] {
        std::fs::rename(beside(&data, suffix), beside(&data, &format!("{suffix}.lost"))).unwrap();
    }
    Server::start(&data).kill();
    assert_ne!(std::fs::read(beside(&data, ".key")).unwrap(), key);
}

#[test]
fn data_that_is_older_or_other_than_its_checkpoint_is_refused() {
    let (folder, data) = data_file();
    append(&data, (0..300).map(told));
    let older = copy(&data, folder.path());
    append(&data, (300..600).map(told));
    let newest = beside(&data, ".checkpoint");
    std::fs::copy(&newest, beside(&older, ".checkpoint")).unwrap();
    assert_refused(&older, "300 audit records");
    // The older copy went on with other records.
    std::fs::remove_file(beside(&older, ".checkpoint")).unwrap();
    append(&older, (0..400).map(told));
    std::fs::copy(&newest, beside(&older, ".checkpoint")).unwrap();
    assert_refused(&older, "other audit records");
    // The right one goes on.
    Server::start(&data).kill();
    assert_sound(&data);
}

#[test]
fn files_beside_the_data_that_cannot_be_used_are_told() {
    let (_folder, data) = data_file();
    append(&data, (0..3).map(told));
    let (checkpoint, key) = (beside(&data, ".checkpoint"), beside(&data, ".key"));
    let note = std::fs::read_to_string(&checkpoint).unwrap();
    for torn in ["", &note[..note.len() / 2], &note.replacen('3', "2", 1), "garbage\n\ngarbage\n"] {
        std::fs::write(&checkpoint, torn).unwrap();
        let ended = run(&["serve", "--port", "0"], &data);
        assert_eq!(ended.status.code(), Some(1), "{torn}");
        assert!(
            text(&ended.stderr).contains("data.redb.checkpoint cannot be used"),
            "{}",
            text(&ended.stderr)
        );
    }
    std::fs::write(&checkpoint, &note).unwrap();
    let secret = std::fs::read(&key).unwrap();
    std::fs::remove_file(&key).unwrap();
    assert!(text(&run(&["serve", "--port", "0"], &data).stderr).contains("no key"));
    std::fs::write(&key, "garbage").unwrap();
    #[cfg(unix)]
    if !is_of_windows() {
        use std::os::unix::fs::PermissionsExt;
        let set = |mode| std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
        set(0o644);
        assert!(text(&run(&["serve", "--port", "0"], &data).stderr).contains("chmod 600"));
        set(0o600);
    }
    assert!(text(&run(&["serve", "--port", "0"], &data).stderr).contains("data.redb.key cannot be used"));
    std::fs::write(&key, secret).unwrap();
    Server::start(&data).kill();
}

#[cfg(unix)]
#[test]
fn the_key_is_its_owners_alone_and_nowhere_else() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, data) = data_file();
    let server = Server::start(&data);
    let mode = std::fs::metadata(beside(&data, ".key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    server.kill();
    let mut names: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.retain(|name| !name.ends_with(".server.json") && name != "none.toml");
    names.sort();
    assert_eq!(names, ["data.redb", "data.redb.checkpoint", "data.redb.key"]);
    let shown = agentmap(&["config"], &data).output().unwrap();
    assert!(!text(&shown.stdout).contains("PRIVATE"));
}

#[test]
fn a_server_that_ends_leaves_a_checkpoint_of_all_it_recorded() {
    let (_folder, data) = data_file();
    append(&data, (0..5).map(told));
    let note = std::fs::read_to_string(beside(&data, ".checkpoint")).unwrap();
    assert_eq!(note.lines().nth(1), Some("5"));
}
