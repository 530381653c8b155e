//! What commands do to the data as a whole is in its audit trail, which stays what was signed.

use std::path::Path;

use agentmap::app::SCHEMA;
use agentmap::domain::admin::ADMIN;
use agentmap::domain::audit::AuditRecord;
use agentmap::domain::command::{Applied, Command};
use agentmap::store::Store;
use serde_json::Value;

use super::load::Load;
use super::process::{Server, agentmap, assert_proved, data_file, run, signing, text};
use super::program::as_said;

/// What the acts of a file's trail were, on what, and with which context.
fn acts(data: &Path) -> Vec<(String, String, Value)> {
    let store = Store::<Command, Applied>::open_read_only(data, 1 << 22, &SCHEMA).unwrap();
    let tx = store.begin_read().unwrap();
    let told = tx.all::<AuditRecord>().unwrap().map(|entry| entry.unwrap().1.told);
    let acts = told.filter(|told| told.operation_type.as_deref() == Some(ADMIN));
    let act = |told: agentmap::domain::audit::NewAudit| {
        assert_eq!(told.agent_id.as_deref(), Some("agentmap:local"));
        let context = serde_json::from_str(&told.context.0).unwrap();
        (told.operation_detail.unwrap(), told.target_resource.unwrap_or_default(), context)
    };
    // What the load did to agents.
    acts.map(act).filter(|(what, ..)| what.starts_with("data_")).collect()
}

fn whats(data: &Path) -> Vec<String> {
    acts(data).into_iter().map(|(what, ..)| what).collect()
}

#[track_caller]
fn succeeds(args: &[&str], data: &Path) {
    let ran = run(args, data);
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    assert_eq!(text(&ran.stderr), "");
}

#[test]
fn copies_restores_imports_and_compactions_are_recorded_with_and_without_a_server() {
    let (folder, data) = data_file();
    let path = |name: &str| folder.path().join(name);
    let name = |name: &str| path(name).to_str().unwrap().to_owned();
    let said = |name: &str| as_said(&path(name)).into_string().unwrap();
    let server = Server::start_with(&data, &["--require-token"]);
    let secret = run(&["token", "create", "--role", "viewer"], &data).stdout;
    // Who makes a copy owns the file, whatever token they show to servers.
    let mut backup = agentmap(&["backup", &name("a.redb")], &data);
    let ran = backup.env("AGENTMAP_TOKEN", text(&secret).trim()).output().unwrap();
    assert!(ran.status.success() && ran.stderr.is_empty(), "{}", text(&ran.stderr));
    succeeds(&["export"], &data);
    server.kill();
    assert_eq!(whats(&data), ["data_backed_up", "data_exported"]);
    succeeds(&["backup", &name("b.redb")], &data);
    succeeds(&["export", "--output", &name("b.ndjson")], &data);
    succeeds(&["compact"], &data);
    assert_proved(&data);
    let found = acts(&data);
    let told: Vec<_> = found.iter().map(|(what, on, _)| (what.as_str(), on.as_str())).collect();
    assert_eq!(
        told,
        [
            ("data_backed_up", &*said("a.redb")),
            ("data_exported", ""),
            ("data_backed_up", &*said("b.redb")),
            ("data_exported", &*said("b.ndjson")),
            ("data_compacted", ""),
        ]
    );
    // A copy is told by where its trail ends: that is before its own record.
    let ends: Vec<_> =
        found[..4].iter().map(|(.., context)| context["audit_size"].as_u64().unwrap()).collect();
    assert_eq!(ends, [1, 2, 3, 4]);
    assert!(found[4].2["bytes_after"].as_u64().unwrap() <= found[4].2["bytes_before"].as_u64().unwrap());

    assert_eq!(whats(&path("b.redb")), ["data_backed_up", "data_exported"]);
    let restored = path("restored.redb");
    succeeds(&["restore", &name("b.redb")], &restored);
    let last = acts(&restored).pop().unwrap();
    assert_eq!((last.0.as_str(), last.1.as_str()), ("data_restored", &*said("b.redb")));
    assert_eq!(last.2, found[2].2);
    let imported = path("imported.redb");
    succeeds(&["import", &name("b.ndjson")], &imported);
    let last = acts(&imported).pop().unwrap();
    assert_eq!((last.0.as_str(), last.1.as_str()), ("data_imported", &*said("b.ndjson")));
    // What was signed of the data is true of what is made of its copies.
    let [key, checkpoint] = signing(&data);
    for made in [&data, &restored, &imported] {
        assert_proved(made);
        Server::start(made).kill();
        assert_proved(made);
    }
    assert!(key.exists() && checkpoint.exists());
}

#[test]
fn a_checkpoint_that_was_kept_is_true_of_what_is_restored() {
    let (folder, data) = data_file();
    let server = Server::start(&data);
    let load = Load::start(server.address);
    load.wait_for(50);
    let mut client = super::client::Client::connect(server.address).unwrap();
    // As somebody keeps them elsewhere.
    let kept = |path: &str, file: &str| {
        let url = format!("http://{}/api/v1/events/audit/{path}", server.address);
        let got = std::process::Command::new("curl").args(["-sf", &url]).output().unwrap();
        std::fs::write(folder.path().join(file), got.stdout).unwrap();
        folder.path().join(file).to_str().unwrap().to_owned()
    };
    let (key, checkpoint) = (kept("public-key", "kept.vkey"), kept("checkpoint", "kept-checkpoint"));
    client.get("/health");
    let copy = folder.path().join("copy.redb");
    succeeds(&["backup", copy.to_str().unwrap()], &data);
    server.kill();
    load.end();
    let restored = folder.path().join("restored.redb");
    succeeds(&["restore", copy.to_str().unwrap()], &restored);
    let verified = run(&["audit", "verify", "--public-key", &key, "--checkpoint", &checkpoint], &restored);
    assert!(verified.status.success(), "{}{}", text(&verified.stdout), text(&verified.stderr));
}

#[cfg(unix)]
#[test]
fn a_backup_that_cannot_be_recorded_is_made_and_says_so() {
    use serde_json::json;

    let (folder, data) = data_file();
    Server::start(&data).signal("-INT");
    let kib = std::fs::metadata(&data).unwrap().len() / 1024 + 2048;
    let server = Server::start_limited(&data, kib);
    let mut client = super::client::Client::connect(server.address).unwrap();
    let event = json!({"agent_name": "hook", "context": {"text": "x".repeat(60_000)}});
    while client.request("POST", "/api/v1/events/ingest", Some(&event)).unwrap().0 == 201 {}
    let copy = folder.path().join("copy.redb");
    let ran = run(&["backup", copy.to_str().unwrap()], &data);
    let warning = text(&ran.stderr);
    assert!(ran.status.success(), "{warning}");
    assert!(warning.contains("warning") && warning.contains("is full"), "{warning}");
    assert_eq!(warning.trim_end().lines().count(), 1, "{warning}");
    assert_proved(&copy);
    server.kill();
    assert_eq!(whats(&data), Vec::<String>::new());
}

#[test]
fn status_tells_what_is_kept_and_what_the_server_is_set_to() {
    let (_folder, data) = data_file();
    let server = Server::start_with(&data, &["--retain-audit", "36h", "--retain-metrics", "0"]);
    let told = |options: &[&str]| text(&run(&[&["status"], options].concat(), &data).stdout);
    let document: Value = serde_json::from_str(&told(&["--json"])).unwrap();
    let of_server = serde_json::json!({"audit": "36h", "metrics": null, "activity": "7d"});
    assert_eq!(document["retention"], of_server);
    assert_eq!(document["server"]["health"]["retention"], of_server);
    assert_eq!(document["kept"]["first_audit_seq"], 0);
    assert!(told(&[]).contains("audit 36h, metrics for ever, activity 7d"), "{}", told(&[]));
    server.kill();
    succeeds(&["token", "create", "--role", "viewer", "--json"], &data);
    let now = told(&["--retain-audit", "4w"]);
    assert!(now.contains("audit records from number 0 (0 hours), metrics (none)"), "{now}");
    assert!(now.contains("audit 28d, metrics 30d, activity 7d; last run "), "{now}");
}
