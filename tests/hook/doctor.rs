//! `agentmap doctor` tries the hook out, and says in plain words what is wrong.

use std::path::Path;

use serde_json::Value;

use crate::harness::{governed, spooled};
use crate::process::{Server, agentmap, data_file, text};
use crate::program::{as_said, path};

/// Whether it found nothing wrong, and what it said.
fn doctor(data: &Path) -> (bool, String) {
    let folder = data.parent().unwrap();
    let mut command = agentmap(&["doctor"], data);
    let ran = command.env("CLAUDE_CONFIG_DIR", folder.join("user")).current_dir(folder).output().unwrap();
    assert!([Some(0), Some(1)].contains(&ran.status.code()), "{:?}", ran.status);
    (ran.status.success(), text(&ran.stdout))
}

fn install(data: &Path, args: &[&str]) {
    let mut command = agentmap(&[&["hook", "install"], args].concat(), data);
    let ran = command.env("CLAUDE_CONFIG_DIR", data.with_file_name("user")).output().unwrap();
    assert!(ran.status.success(), "{}", text(&ran.stderr));
}

/// What it says is wrong.
fn wrong(said: &str) -> Vec<&str> {
    said.lines().filter_map(|line| line.strip_prefix("WRONG ")).collect()
}

#[test]
fn a_hook_that_works_is_found_to_and_one_that_does_not_is_told_why() {
    let (_folder, data) = data_file();
    let (works, said) = doctor(&data);
    let complaints = wrong(&said);
    assert!(!works && complaints.len() == 2, "{said}");
    assert!(complaints[0].contains("no server runs"), "{said}");
    assert!(complaints[1].contains("run `agentmap hook install`"), "{said}");

    let server = governed(&data);
    install(&data, &[]);
    let (works, said) = doctor(&data);
    assert!(works && wrong(&said).is_empty(), "{said}");
    assert_eq!(said.lines().filter(|line| line.starts_with("ok ")).count(), 3, "{said}");

    let settings = data.with_file_name("user").join("settings.json");
    let installed = std::fs::read_to_string(&settings).unwrap();
    // As it stands in JSON.
    let program = Value::from(as_said(&path()).to_str().unwrap()).to_string();
    assert!(installed.contains(&program), "{installed}");
    std::fs::write(&settings, installed.replace(&program, "\"/nothing/is/here/agentmap\"")).unwrap();
    let (works, said) = doctor(&data);
    assert!(!works, "{said}");
    let complaints = wrong(&said);
    assert!(complaints.len() == 1 && complaints[0].contains("/nothing/is/here/agentmap"), "{said}");
    assert!(complaints[0].contains("cannot be started"), "{said}");

    // It tells another server of it.
    let other = data.with_file_name("other.redb");
    std::fs::write(&settings, installed.replace("data.redb", "other.redb")).unwrap();
    Server::start(&other).kill();
    let (works, said) = doctor(&data);
    assert!(!works && wrong(&said)[0].contains("another file"), "{said}");
    assert_eq!(spooled(&other).len(), 1);
    server.kill();
}

#[test]
fn a_server_that_is_gone_or_lets_everyone_do_anything_is_told() {
    let (_folder, data) = data_file();
    let server = Server::start_with(&data, &["--unknown-agent", "allow"]);
    install(&data, &[]);
    let (works, said) = doctor(&data);
    assert!(!works && wrong(&said)[0].contains("unknown-agent = allow"), "{said}");
    server.kill();
    let (works, said) = doctor(&data);
    assert!(!works && wrong(&said)[0].contains("does not answer: start `agentmap serve`"), "{said}");
}
