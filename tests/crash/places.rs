//! Where data and identity files may lie, what they may be called, and how lines end in them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::client::Client;
use super::process::{Server, agentmap, assert_proved, data_file, run, text};
use super::program::{as_said, is_of_windows, program};

/// The ways in which a user may name a file of a folder in which they stand.
fn ways_to_say(folder: &Path, file: &str) -> Vec<OsString> {
    let whole = folder.join(file);
    let mut ways = vec![file.into(), format!("./{file}").into(), whole.clone().into(), as_said(&whole)];
    if is_of_windows() {
        let drive = as_said(&whole).into_string().unwrap();
        ways.extend([
            file.replace('/', "\\").into(),
            format!(".\\x\\..\\{file}").into(),
            drive.replace('\\', "/").into(),
            drive.replacen("Z:", "z:", 1).into(),
            format!("\\\\?\\{drive}").into(),
        ]);
    }
    ways
}

/// The program, where the user stands in the folder.
fn standing_in(folder: &Path, args: &[&str], data: &OsString) -> Command {
    let mut command = agentmap(args, Path::new(data));
    command.current_dir(folder).env("AGENTMAP_CONFIG", folder.join("none.toml"));
    command
}

#[test]
fn one_file_is_the_same_however_it_is_named() {
    let (folder, _) = data_file();
    let folder = folder.path().join("My Agents (2) \u{e4}\u{6771} & 100% 'new'");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("none.toml"), "").unwrap();
    let data = folder.join("some data/the file.redb");
    let ways = ways_to_say(&folder, "some data/the file.redb");
    for (n, way) in ways.iter().enumerate() {
        let server = Server::of(standing_in(&folder, &["serve", "--port", "0", "--log", "error"], way));
        let mut client = Client::connect(server.address).unwrap();
        let event = json!({"agent_name": "coder", "operation_detail": format!("step {n}")});
        assert_eq!(client.request("POST", "/api/v1/events/ingest", Some(&event)).unwrap().0, 201);
        // Whoever names it otherwise finds the server all the same.
        for other in &ways {
            let status = standing_in(&folder, &["status", "--json"], other).output().unwrap();
            let told: Value =
                serde_json::from_slice(&status.stdout).unwrap_or_else(|e| panic!("{e}: {status:?}"));
            assert_eq!(told["server"]["health"]["status"], "healthy", "{other:?}: {told}");
            assert_eq!(told["audit_records"], n + 1, "{other:?}");
        }
        server.kill();
    }
    assert_proved(&data);
}

#[test]
fn paths_may_be_longer_than_windows_once_took() {
    let (folder, _) = data_file();
    let deep: PathBuf = (0..5).map(|n| format!("{n} {}", "long ".repeat(12).trim_end())).collect();
    let deep = folder.path().join(deep);
    assert!(deep.as_os_str().len() > 300);
    let data = deep.join("data.redb");
    Server::start(&data).kill();
    let fleet = deep.join("fleet");
    std::fs::create_dir(&fleet).unwrap();
    std::fs::write(fleet.join("alpha.md"), "---\nname: alpha\ndescription: The first\n---\n").unwrap();
    for args in [
        &["seed", fleet.to_str().unwrap()][..],
        &["backup", deep.join("copy.redb").to_str().unwrap()],
        &["export", "--output", deep.join("all.ndjson").to_str().unwrap()],
        &["agents", "show", "alpha"],
    ] {
        let ran = run(args, &data);
        assert!(ran.status.success(), "{args:?}: {}", text(&ran.stderr));
    }
    assert_proved(&deep.join("copy.redb"));
}

#[test]
fn identity_files_may_end_their_lines_as_windows_does() {
    let (folder, data) = data_file();
    let unix = folder.path().join("unix");
    let dos = folder.path().join("dos");
    for (fleet, end) in [(&unix, "\n"), (&dos, "\r\n")] {
        std::fs::create_dir(fleet).unwrap();
        let files = [
            (
                "alpha.md",
                "---\nname: alpha\ndescription: The first: with a colon\ntools: Read, Bash(git *)\n---\n# Text\n",
            ),
            (
                "beta.yaml",
                "agent_id: 6f0e3c1a-5d55-4a3a-9d0e-0a5b8f1c2d3e\nname: beta\nrole: developer\ncapabilities:\n  - coding\nrbac:\n  path_scopes:\n    - \
                 src/**\nbudget:\n  max_cost_per_day: 3.5\nmetadata:\n  category: tooling\n",
            ),
        ];
        for (name, text) in files {
            std::fs::write(fleet.join(name), text.replace('\n', end)).unwrap();
        }
    }
    let seed = |fleet: &Path| {
        let ran = run(&["seed", fleet.to_str().unwrap(), "--json"], &data);
        serde_json::from_slice::<Value>(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {}", text(&ran.stderr)))
    };
    let shown = || text(&run(&["agents", "list", "--json"], &data).stdout);
    let told = seed(&unix);
    assert_eq!((&told["created"], &told["failed"]), (&json!(2), &json!(0)), "{told}");
    let before: Vec<Value> = serde_json::from_str(&shown()).unwrap();
    let again = seed(&dos);
    // Only where they lie has changed.
    assert_eq!(
        (&again["created"], &again["failed"], &again["repaired"]),
        (&json!(0), &json!(0), &told["repaired"])
    );
    let after: Vec<Value> = serde_json::from_str(&shown()).unwrap();
    for (before, after) in before.iter().zip(&after) {
        for member in ["name", "role", "description", "capabilities", "rbac", "budget"] {
            assert_eq!(before[member], after[member], "{member}");
        }
    }
    assert_eq!(after.len(), 2);
}

#[test]
fn without_a_word_data_lies_where_the_system_keeps_what_belongs_to_the_user_and_the_machine() {
    let (folder, _) = data_file();
    let mut command = program();
    command.args(["config", "--json"]).current_dir(folder.path());
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AGENTMAP_")) {
        command.env_remove(name);
    }
    let ran = command.env("HOME", folder.path()).env_remove("XDG_DATA_HOME").output().unwrap();
    let settings: Vec<Value> = serde_json::from_slice(&ran.stdout).unwrap();
    let data = settings.iter().find(|setting| setting["name"] == "data").unwrap()["value"].as_str().unwrap();
    if is_of_windows() {
        assert!(data.ends_with("\\AppData\\Local\\agentmap\\data\\agentmap.redb"), "{data}");
    } else if cfg!(target_os = "linux") {
        assert_eq!(Path::new(data), folder.path().join(".local/share/agentmap/agentmap.redb"));
    }
}
