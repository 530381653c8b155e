//! `agentmap token` on a data file and through the server that holds it.

use serde_json::Value;

use super::process::{Server, agentmap, assert_sound, data_file, run, text};
use super::program::is_of_windows;

fn created(args: &[&str], data: &std::path::Path) -> Value {
    let ran = run(&[&["token", "create", "--json"], args].concat(), data);
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    serde_json::from_slice(&ran.stdout).unwrap()
}

#[test]
fn tokens_are_made_with_and_without_a_server() {
    let (_folder, data) = data_file();
    let first = created(&["--role", "viewer", "--name", "first", "--expires", "30d"], &data);
    assert!(first["secret"].as_str().unwrap().starts_with("agentmap_"));
    let server = Server::start_with(&data, &["--require-token"]);
    let note = data.with_file_name("data.redb.server.json");
    #[cfg(unix)]
    if !is_of_windows() {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&note).unwrap().permissions().mode() & 0o777, 0o600);
    }
    // What lies beside the data file lets its owner in; a token of the user's comes before it.
    created(&["--role", "ingest", "--name", "second", "--agent", "coder"], &data);
    let mut refused = agentmap(&["token", "list"], &data);
    let refused = refused.env("AGENTMAP_TOKEN", first["secret"].as_str().unwrap()).output().unwrap();
    assert!(
        !refused.status.success() && text(&refused.stderr).contains("'admin'"),
        "{}",
        text(&refused.stderr)
    );
    let revoked = run(&["token", "revoke", "first"], &data);
    assert!(revoked.status.success(), "{}", text(&revoked.stderr));
    server.kill();
    let listed = text(&run(&["token", "list"], &data).stdout);
    let rows: Vec<_> = listed.lines().skip(1).collect();
    assert!(rows.len() == 2 && rows[0].contains("revoked") && rows[1].contains("usable"), "{listed}");
    assert!(!listed.contains(first["secret"].as_str().unwrap()));
    assert_sound(&data);
}

#[test]
fn others_are_not_served_without_a_token() {
    let (_folder, data) = data_file();
    let ran = run(&["serve", "--host", "0.0.0.0", "--port", "0"], &data);
    let complaint = text(&ran.stderr);
    assert!(!ran.status.success() && complaint.contains("agentmap token create"), "{complaint}");
    assert_eq!(complaint.trim_end().lines().count(), 1, "{complaint}");
    for args in [["token", "create", "--role", "root"], ["token", "create", "--role", "viewer"]] {
        assert_eq!(run(&args, &data).status.success(), args[3] == "viewer", "{args:?}");
    }
    Server::start_with(&data, &["--host", "0.0.0.0"]).kill();
    Server::start_with(&data, &["--host", "0.0.0.0", "--insecure"]).kill();
}

#[test]
fn others_are_not_served_the_demo_and_its_advice_helps() {
    // It told to make a token, which no command can for data that is in memory.
    let (_folder, data) = data_file();
    let ran = run(&["demo", "--host", "0.0.0.0", "--port", "0"], &data);
    let complaint = text(&ran.stderr);
    assert!(!ran.status.success() && !complaint.contains("token create"), "{complaint}");
    assert!(complaint.contains("without --host") && complaint.contains("--insecure"), "{complaint}");
    assert_eq!(complaint.trim_end().lines().count(), 1, "{complaint}");
    Server::of(agentmap(&["demo", "--host", "0.0.0.0", "--port", "0", "--insecure"], &data)).kill();
}
