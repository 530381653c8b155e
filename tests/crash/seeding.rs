//! `agentmap seed`: exit codes, the report, and what is written.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite;

use super::client::Client;
use super::process::{PATIENCE, Server, assert_sound, data_file, run, text};

const ALPHA: &str = "---\nname: alpha\ndescription: The first\n---\nText\n";
const BETA: &str = "---\nname: beta\ndescription: The second\ntools: Read, Grep\n---\n";
/// Needs two repairs.
const GAMMA: &str = "---\nname: Gamma Ray\ndescription: The third: with a colon\n---\n";

/// A folder of files beside the data.
fn fleet(folder: &Path, files: &[(&str, &str)]) -> PathBuf {
    let fleet = folder.join("fleet");
    fs::create_dir_all(&fleet).unwrap();
    for (name, text) in files {
        fs::write(fleet.join(name), text).unwrap();
    }
    fleet
}

/// Seeds and reads the report.
fn seed(fleet: &Path, more: &[&str], data: &Path) -> (Option<i32>, Value) {
    let fleet = fleet.to_str().unwrap();
    let ended = run(&[&["seed", fleet, "--json"], more].concat(), data);
    let report = serde_json::from_slice(&ended.stdout);
    (ended.status.code(), report.unwrap_or_else(|e| panic!("{e}: {}", text(&ended.stderr))))
}

fn counts(report: &Value) -> Vec<u64> {
    let members = ["created", "updated", "unchanged", "repaired", "skipped", "failed"];
    members.iter().map(|member| report[member].as_u64().unwrap()).collect()
}

fn names(data: &Path) -> BTreeSet<String> {
    let listed = run(&["agents", "list", "--json"], data);
    let agents: Vec<Value> = serde_json::from_slice(&listed.stdout).unwrap();
    agents.iter().map(|agent| agent["name"].as_str().unwrap().to_owned()).collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

#[test]
fn the_report_has_its_members_and_a_second_run_changes_nothing() {
    let (folder, data) = data_file();
    let fleet = fleet(
        folder.path(),
        &[("alpha.md", ALPHA), ("beta.md", BETA), ("gamma.md", GAMMA), ("README.md", "# No identity\n")],
    );
    let (code, report) = seed(&fleet, &[], &data);
    assert_eq!(code, Some(0));
    let members: BTreeSet<_> = report.as_object().unwrap().keys().map(String::as_str).collect();
    let wanted = "created updated unchanged repaired skipped failed pruned warnings errors";
    assert_eq!(members, wanted.split(' ').collect());
    assert_eq!(counts(&report), [3, 0, 0, 1, 1, 0]);
    assert_eq!(report["pruned"], json!([]));
    assert_eq!(report["errors"], json!([]));
    for warning in report["warnings"].as_array().unwrap() {
        let members: Vec<_> = warning.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members, ["file", "line", "reason"]);
        assert!(warning["file"].as_str().unwrap().ends_with("gamma.md"));
        assert!([2, 3].contains(&warning["line"].as_u64().unwrap()));
        assert!(!warning["reason"].as_str().unwrap().is_empty());
    }
    assert_eq!(names(&data), set(&["alpha", "beta", "gamma-ray"]));

    let before = run(&["agents", "list", "--json"], &data).stdout;
    let (code, report) = seed(&fleet, &[], &data);
    assert_eq!((code, counts(&report)), (Some(0), vec![0, 0, 3, 1, 1, 0]));
    assert_eq!(run(&["agents", "list", "--json"], &data).stdout, before);

    fs::write(fleet.join("beta.md"), BETA.replace("second", "other")).unwrap();
    let (code, report) = seed(&fleet, &[], &data);
    assert_eq!((code, counts(&report)), (Some(0), vec![0, 1, 2, 1, 1, 0]));
    assert_sound(&data);
}

#[test]
fn a_file_that_fails_is_exit_code_1_and_the_others_are_kept() {
    let (folder, data) = data_file();
    let fleet = fleet(folder.path(), &[("alpha.md", ALPHA), ("beta.md", BETA), ("zz.md", ALPHA)]);
    let (code, report) = seed(&fleet, &[], &data);
    assert_eq!((code, counts(&report)), (Some(1), vec![2, 0, 0, 0, 0, 1]));
    let error = &report["errors"][0];
    assert!(error["file"].as_str().unwrap().ends_with("zz.md"));
    assert!(error["reason"].as_str().unwrap().contains("alpha.md"), "{error}");
    assert_eq!(names(&data), set(&["alpha", "beta"]));
}

#[test]
fn wrong_use_is_exit_code_2_and_writes_nothing() {
    let (folder, data) = data_file();
    let missing = folder.path().join("missing");
    for args in [&["seed", missing.to_str().unwrap()][..], &["seed"], &["seed", ".", "--nonsense"]] {
        let ended = run(args, &data);
        let complaint = text(&ended.stderr);
        assert_eq!(ended.status.code(), Some(2), "{complaint}");
        assert!(!complaint.is_empty() && !complaint.contains("panicked"), "{complaint}");
        assert!(!data.exists());
    }
}

#[test]
fn strict_makes_a_repair_a_failure() {
    let (folder, data) = data_file();
    let fleet = fleet(folder.path(), &[("alpha.md", ALPHA), ("gamma.md", GAMMA)]);
    let (code, report) = seed(&fleet, &["--strict"], &data);
    assert_eq!((code, counts(&report)), (Some(1), vec![1, 0, 0, 0, 0, 1]));
    assert!(report["errors"][0]["file"].as_str().unwrap().ends_with("gamma.md"));
    assert_eq!(names(&data), set(&["alpha"]));
}

#[test]
fn pruning_removes_agents_whose_file_is_gone_and_no_others() {
    let (folder, data) = data_file();
    let below = fleet(folder.path(), &[("alpha.md", ALPHA), ("beta.md", BETA)]);
    let beside = folder.path().join("fleet-two");
    fs::create_dir(&beside).unwrap();
    fs::write(beside.join("gamma.md"), GAMMA).unwrap();
    seed(&below, &[], &data);
    seed(&beside, &[], &data);
    fs::remove_file(below.join("beta.md")).unwrap();
    fs::remove_file(beside.join("gamma.md")).unwrap();

    let (_, report) = seed(&below, &[], &data);
    assert_eq!(report["pruned"], json!([]), "without --prune nothing goes");
    let (_, report) = seed(&below, &["--prune", "--dry-run"], &data);
    assert_eq!(report["pruned"], json!(["beta"]));
    assert_eq!(names(&data), set(&["alpha", "beta", "gamma-ray"]), "a dry run removed something");
    let (code, report) = seed(&below, &["--prune"], &data);
    assert_eq!((code, &report["pruned"]), (Some(0), &json!(["beta"])));
    assert_eq!(names(&data), set(&["alpha", "gamma-ray"]));
}

#[test]
fn a_dry_run_tells_what_would_be_and_writes_nothing() {
    let (folder, data) = data_file();
    let fleet = fleet(folder.path(), &[("alpha.md", ALPHA)]);
    // An empty data file was made by a dry run.
    let (code, report) = seed(&fleet, &["--dry-run"], &data);
    assert_eq!((code, counts(&report)), (Some(0), vec![1, 0, 0, 0, 0, 0]));
    assert!(!data.exists());
    seed(&fleet, &[], &data);
    fs::write(fleet.join("alpha.md"), ALPHA.replace("first", "changed")).unwrap();
    fs::write(fleet.join("beta.md"), BETA).unwrap();
    let (code, report) = seed(&fleet, &["--dry-run"], &data);
    assert_eq!((code, counts(&report)), (Some(0), vec![1, 1, 0, 0, 0, 0]));
    assert_eq!(names(&data), set(&["alpha"]));
    let shown = run(&["agents", "show", "alpha", "--json"], &data);
    assert!(text(&shown.stdout).contains("The first"));
}

#[test]
fn seeding_while_the_server_runs_changes_its_list_and_tells_its_stream_at_once() {
    let (folder, data) = data_file();
    let fleet = fleet(folder.path(), &[("alpha.md", ALPHA), ("beta.md", BETA)]);
    let server = Server::start(&data);
    let (mut stream, _) = tungstenite::connect(format!("ws://{}/ws", server.address)).unwrap();
    if let tungstenite::stream::MaybeTlsStream::Plain(socket) = stream.get_ref() {
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
    }
    let (code, report) = seed(&fleet, &[], &data);
    assert_eq!((code, counts(&report)), (Some(0), vec![2, 0, 0, 0, 0, 0]));
    let listed = Client::connect(server.address).unwrap().get("/api/v1/agents/");
    let listed: Vec<_> = listed.as_array().unwrap().iter().map(|a| a["name"].clone()).collect();
    assert_eq!(listed, ["alpha", "beta"]);
    let mut told = Vec::new();
    let deadline = Instant::now() + PATIENCE;
    while told.len() < 2 {
        assert!(Instant::now() < deadline, "the stream tells only {told:?}");
        if let tungstenite::Message::Text(frame) = stream.read().unwrap() {
            let frame: Value = serde_json::from_str(&frame).unwrap();
            if frame["type"] == "agent_created" {
                told.push(frame["agentName"].as_str().unwrap().to_owned());
            }
        }
    }
    assert_eq!(told, ["alpha", "beta"]);
    let (code, report) = seed(&fleet, &["--dry-run", "--prune"], &data);
    assert_eq!((code, counts(&report)), (Some(0), vec![0, 0, 2, 0, 0, 0]));
    server.kill();
    assert_sound(&data);
}

/// The real files that lie beside the project, where they are there.
#[test]
fn every_real_file_is_registered_but_for_one_of_two_with_the_same_name() {
    let real = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/identities");
    if !real.is_dir() {
        return;
    }
    let (_folder, data) = data_file();
    let (code, report) = seed(&real, &[], &data);
    let [created, updated, unchanged, _, skipped, failed] = counts(&report)[..] else { panic!() };
    assert_eq!(created + updated + unchanged + failed, 65);
    assert_eq!((code, skipped, failed), (Some(1), 0, 1), "{report:#}");
    assert!(report["errors"][0]["reason"].as_str().unwrap().contains("same name"), "{report:#}");
    assert_eq!(names(&data).len(), 60);
    let (_, again) = seed(&real, &[], &data);
    assert_eq!(counts(&again)[..3], [0, 0, 64]);
}
