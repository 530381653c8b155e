//! Everything as lines of JSON, and back.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Bound;
use std::path::Path;

use agentmap::app::SCHEMA;
use agentmap::domain::access::Actor;
use agentmap::domain::admin::Act;
use agentmap::domain::audit::{AuditRecord, Hash};
use agentmap::domain::command::{Action, Applied, Command, apply};
use agentmap::store::{Location, Store, WriteTx};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::client::Client;
use super::closing::close_minutes;
use super::load::Load;
use super::process::{Server, assert_proved, assert_sound, data_file, run, signing, text};
use super::trail::{append, told};

/// All tables, raw.
type Dump = BTreeMap<String, Vec<(Vec<u8>, Vec<u8>)>>;

fn dump(data: &Path) -> Dump {
    let store = Store::<Command, Applied>::open_read_only(data, 1 << 22, &SCHEMA).unwrap();
    let tx = store.begin_read().unwrap();
    let entries = |name: &str| {
        let all = tx.range_raw(name.to_owned().leak(), Bound::Unbounded, Bound::Unbounded);
        all.unwrap().map(Result::unwrap).collect()
    };
    tx.tables().unwrap().into_iter().map(|name| (name.clone(), entries(&name))).collect()
}

/// Carries out on a data file the act that the trail of another one ends with.
fn do_what_was_done_last(done: &Path, data: &Path) {
    let store = Store::<Command, Applied>::open_read_only(done, 1 << 22, &SCHEMA).unwrap();
    let last = store.begin_read().unwrap().all::<AuditRecord>().unwrap().last().unwrap().unwrap().1.told;
    let act = Act {
        what: last.operation_detail.unwrap(),
        target: last.target_type.zip(last.target_resource),
        decision: last.decision,
        reason: last.reason,
        context: last.context,
    };
    assert_eq!(act.what, "data_imported");
    let action = Action::NoteAct(act);
    let command = Command { at: last.timestamp, nonce: last.nonce, by: Actor::default(), action };
    let location = Location::File(data.to_owned());
    let store = Store::open(location, 1 << 22, &SCHEMA, apply, Box::new(|_| Ok(()))).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(store.submit(command)).unwrap().outcome.unwrap();
}

#[test]
fn an_export_becomes_the_same_tables_byte_for_byte() {
    let (folder, data) = data_file();
    let export = folder.path().join("all.ndjson");
    let (file, other) = (export.to_str().unwrap(), folder.path().join("other/data.redb"));
    let server = Server::start(&data);
    let load = Load::start(server.address);
    load.wait_for(300);
    // Beside the server that writes.
    let ended = run(&["export", "--output", file], &data);
    assert!(ended.status.success(), "{}", text(&ended.stderr));
    server.kill();
    load.end();
    let ended = run(&["export", "--output", file], &data);
    assert!(text(&ended.stderr).contains("--force"));
    // Each export is recorded: the next one holds more.
    let (twin, wanted) = (folder.path().join("twin.redb"), folder.path().join("wanted.redb"));
    for copy in [&twin, &wanted] {
        fs::copy(&data, copy).unwrap();
    }
    let ended = run(&["export", "--output", file, "--force"], &data);
    assert!(ended.status.success(), "{}", text(&ended.stderr));
    let streamed = run(&["export"], &twin).stdout;
    let lines = fs::read(&export).unwrap();
    assert!(streamed == lines, "the standard output gets something else");

    let ended = run(&["import", file], &other);
    assert!(ended.status.success(), "{}", text(&ended.stderr));
    assert_sound(&other);
    do_what_was_done_last(&other, &wanted);
    let (wanted, found) = (dump(&wanted), dump(&other));
    assert_eq!(wanted.keys().collect::<Vec<_>>(), found.keys().collect::<Vec<_>>());
    for (table, entries) in wanted {
        assert!(entries == found[&table], "{table} differs");
    }
    let again = run(&["import", file], &other);
    assert!(text(&again.stderr).contains("is there already"));

    // It gets a key and a checkpoint of its own.
    let beside: Vec<_> =
        fs::read_dir(other.parent().unwrap()).unwrap().map(|f| f.unwrap().file_name()).collect();
    assert!(beside.iter().all(|name| name == "data.redb" || name == "none.toml"), "{beside:?}");
    Server::start(&other).kill();
    assert!(signing(&other).iter().all(|file| file.exists()));
    assert_proved(&other);
}

/// What is asked of a server and of one on what was exported from it.
const ASKED: [&str; 14] = [
    "/api/v1/agents/?limit=500",
    "/api/v1/agents/brief",
    "/api/v1/agents/stats/summary",
    "/api/v1/agents/activity",
    "/api/v1/agents/alerts",
    "/api/v1/metrics/?limit=1000",
    "/api/v1/metrics/aggregate?period=30d",
    "/api/v1/metrics/breakdown",
    "/api/v1/metrics/quality",
    "/api/v1/events/audit?limit=1000",
    "/api/v1/events/audit/stats",
    "/api/v1/events/audit/refusals",
    "/api/v1/events/stream?limit=1000",
    "/api/v1/tokens",
];

/// The lines of an export that are entries, by their table.
fn entries<'a>(export: &'a [Value], table: &'a str) -> impl Iterator<Item = &'a Value> {
    export.iter().filter(move |line| line["of"] == table)
}

#[test]
fn an_export_holds_the_records_as_the_api_shows_them_and_its_import_answers_the_same() {
    let (folder, data) = data_file();
    let made = run(&["token", "create", "--role", "viewer", "--name", "reader", "--json"], &data);
    let secret = serde_json::from_slice::<Value>(&made.stdout).unwrap()["secret"].clone();
    let server = Server::start(&data);
    let load = Load::start(server.address);
    load.wait_for(300);
    server.kill();
    load.end();
    let (file, other) = (folder.path().join("all.ndjson"), folder.path().join("other/data.redb"));
    let same = folder.path().join("same.redb");
    fs::copy(&data, &same).unwrap();
    for args in
        [["export", "--output", file.to_str().unwrap()], ["import", file.to_str().unwrap(), "--force"]]
    {
        let ended = run(&args, if args[0] == "export" { &data } else { &other });
        assert!(ended.status.success(), "{}", text(&ended.stderr));
    }
    let lines = fs::read_to_string(&file).unwrap();
    assert!(!lines.contains(secret.as_str().unwrap()));
    let export: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();

    // That it was exported came after, and that it was imported is of the other alone.
    do_what_was_done_last(&other, &same);
    let servers = [Server::start(&same), Server::start(&other)];
    let mut clients = servers.each_ref().map(|server| Client::connect(server.address).unwrap());
    for path in ASKED {
        let [one, other] = clients.each_mut().map(|client| client.get_bytes(path));
        assert_eq!(text(&one), text(&other), "{path}");
        assert!(one.len() > 2, "nothing is compared at {path}");
    }
    let mut get = |path: &str| clients[0].get(path);
    for record in entries(&export, "audit").map(|line| &line["record"]) {
        assert_eq!(*record, get(&format!("/api/v1/events/audit/{}", record["seq"])));
    }
    let listed = |path: &str, mut listed: Vec<Value>, table: &str, id: &str| {
        let mut exported: Vec<_> = entries(&export, table).map(|line| line["record"].clone()).collect();
        let by_id = |record: &Value| record[id].as_str().unwrap().to_owned();
        exported.sort_by_key(by_id);
        listed.sort_by_key(by_id);
        assert!(!listed.is_empty() && listed == exported, "{path}: {listed:?} {exported:?}");
    };
    for (path, table, id) in [
        ("/api/v1/agents/?limit=500", "agents", "agent_id"),
        ("/api/v1/tokens", "tokens", "token_id"),
        ("/api/v1/metrics/?limit=1000", "metrics", "metric_id"),
    ] {
        listed(path, get(path).as_array().unwrap().clone(), table, id);
    }
    // And the import's own.
    assert_eq!(
        entries(&export, "audit").count() as u64 + 1,
        get("/api/v1/events/audit/stats")["total_operations"]
    );
    for server in servers {
        server.kill();
    }
    assert_proved(&other);
}

/// An export of other lines, with a last line that is right.
fn ended(lines: &[String]) -> String {
    let above = lines.join("\n") + "\n";
    let entries = lines.iter().filter(|line| line.starts_with("{\"of\"") || line.starts_with('[')).count();
    let sha256 = Hash(Sha256::digest(&above).into()).to_string();
    format!("{above}{}\n", json!({"entries": entries, "sha256": sha256}))
}

#[test]
fn an_export_of_an_older_schema_and_form_is_raised_and_a_newer_one_is_refused() {
    let (folder, data) = data_file();
    let server = Server::start(&data);
    let load = Load::start(server.address);
    load.wait_for(300);
    server.kill();
    load.end();
    // Before version 6 no minute was open.
    let location = Location::File(data.clone());
    let close = |tx: &mut WriteTx<'_>, ()| close_minutes(tx);
    let store = Store::open(location, 1 << 22, &SCHEMA, close, Box::new(|_| Ok(()))).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(store.submit(())).unwrap();
    drop(store);
    let (file, before) = (folder.path().join("older.ndjson"), folder.path().join("before.redb"));
    fs::copy(&data, &before).unwrap();
    let exported = text(&run(&["export"], &data).stdout);
    let known = SCHEMA.version();
    // The tables that came with version 2, with version 3, and so on.
    let new: [&[&str]; 5] = [
        &["activity"],
        &["audit_frontier", "audit_tree"],
        &["spent_by_day"],
        &["postings", "audit_by_time", "audit_by_agent", "audit_by_session", "metrics_by_time"],
        &["open_minutes"],
    ];
    assert_eq!(known as usize, new.len() + 1, "a new version needs a test here");
    for older in 1..known {
        let absent: Vec<_> = new[older as usize - 1..].concat();
        let mut lines = Vec::new();
        for line in exported.lines() {
            let mut told: Value = serde_json::from_str(line).unwrap();
            let table = told["of"].as_str().or(told["table"].as_str()).unwrap_or_default().to_owned();
            if absent.contains(&table.as_str()) || told.get("sha256").is_some() {
                continue;
            }
            if told.get("format").is_some() {
                told["schema"] = older.into();
                told["format"] = "agentmap-export-1".into();
            } else if table == "schema" && told.get("of").is_some() {
                told["value"] = format!("01{older:02x}").into();
            }
            let sums = ["metric_sums", "audit_tallies"].contains(&table.as_str());
            if older < 5 && sums && told.get("of").is_some() {
                // Grain, scope, bucket before version 5; grain, bucket, scope since. In hexadecimal digits.
                let key = told["key"].as_str().unwrap();
                told["key"] = format!("{}{}{}", &key[..2], &key[18..], &key[2..18]).into();
            }
            lines.push(match told.get("of") {
                Some(_) => json!([told["key"], told["value"]]).to_string(),
                None => told.to_string(),
            });
        }
        fs::write(&file, ended(&lines)).unwrap();
        let other = folder.path().join(format!("{older}/data.redb"));
        let imported = run(&["import", file.to_str().unwrap()], &other);
        assert!(imported.status.success(), "{}", text(&imported.stderr));
        let same = folder.path().join(format!("{older}/same.redb"));
        fs::copy(&before, &same).unwrap();
        do_what_was_done_last(&other, &same);
        assert!(dump(&same) == dump(&other), "raised from {older} it differs");
        Server::start(&other).kill();
        assert_proved(&other);
    }
    // The head may be right and the data newer all the same.
    let newer: Vec<_> = exported
        .lines()
        .filter(|line| !line.contains("\"sha256\":"))
        .map(|line| {
            let schema = line.starts_with("{\"of\":\"schema\"");
            if schema { r#"{"of":"schema","key":"","value":"0109"}"# } else { line }.to_owned()
        })
        .collect();
    fs::write(&file, ended(&newer)).unwrap();
    let other = folder.path().join("newer/data.redb");
    let refused = run(&["import", file.to_str().unwrap()], &other);
    assert!(
        text(&refused.stderr).contains("written by a newer agentmap (schema 9"),
        "{}",
        text(&refused.stderr)
    );
    assert!(!other.exists());
}

#[test]
fn what_a_damage_leaves_is_exported_and_what_it_does_not_is_told() {
    const RECORDS: u64 = 3000;
    let (folder, data) = data_file();
    append(&data, (0..RECORDS).map(told));
    let whole = dump(&data);
    let sound = fs::read(&data).unwrap();
    // The pages that hold these records, wherever there are copies of them.
    let mut bytes = sound.clone();
    let marks = [0, 1, 700, 1500, 1501, RECORDS - 1].map(|seq| format!(r#"{{"n":{seq},"session_id""#));
    for page in bytes.chunks_mut(4096) {
        if marks.iter().any(|mark| page.windows(mark.len()).any(|bytes| bytes == mark.as_bytes())) {
            page.fill(0xFF);
        }
    }
    fs::write(&data, &bytes).unwrap();
    let refused = run(&["export"], &data);
    let complaint = text(&refused.stderr);
    assert!(refused.status.code() == Some(1) && complaint.lines().count() == 1, "{complaint}");
    assert!(complaint.contains("--salvage") || complaint.contains("restore a backup"), "{complaint}");

    let file = folder.path().join("salvaged.ndjson");
    let salvaged = run(&["export", "--salvage", "--output", file.to_str().unwrap()], &data);
    let complaint = text(&salvaged.stderr);
    assert!(salvaged.status.code() == Some(1) && complaint.lines().count() == 1, "{complaint}");
    let export: Vec<Value> =
        fs::read_to_string(&file).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (table, wanted) in &whole {
        let found: BTreeMap<_, _> =
            entries(&export, table).map(|line| (hex(&line["key"]), hex(&line["value"]))).collect();
        let count = entries(&export, table).count();
        assert_eq!(found.len(), count, "{table} has entries twice");
        assert!(found.iter().all(|(key, value)| wanted.contains(&(key.clone(), value.clone()))), "{table}");
        let lost = export
            .iter()
            .find(|line| line["lost"] == table.as_str())
            .map_or(0, |line| line["entries"].as_u64().unwrap());
        assert_eq!(found.len() as u64 + lost, wanted.len() as u64, "{table}");
        assert_eq!(lost > 0, table == "audit", "{table}: {lost}");
        if table == "audit" {
            // No more than what is on the pages beside those records.
            assert!(lost < 6 * 40, "{lost}");
            assert!(complaint.contains(&format!("{lost} entries of audit could not be read")), "{complaint}");
        }
    }
    // Such a file is no backup, and is told apart from one.
    let other = folder.path().join("other/data.redb");
    let import = ["import", file.to_str().unwrap(), "--force"];
    let refused = run(&import[..2], &other);
    let complaint = text(&refused.stderr);
    assert!(refused.status.code() == Some(1) && !other.exists(), "{complaint}");
    assert!(
        complaint.contains("--force") && complaint.contains("entries of audit are missing"),
        "{complaint}"
    );
    let forced = run(&import, &other);
    let complaint = text(&forced.stderr);
    assert!(forced.status.code() == Some(1) && other.exists(), "{complaint}");
    assert!(
        complaint.contains("does not agree") && complaint.contains("entries of audit are missing"),
        "{complaint}"
    );
    let server = Server::start(&other);
    let kept = entries(&export, "audit").last().unwrap()["record"].clone();
    let mut client = Client::connect(server.address).unwrap();
    assert_eq!(client.get(&format!("/api/v1/events/audit/{}", kept["seq"])), kept);
    server.kill();

    // Of a file that is whole nothing is told.
    fs::write(&data, &sound).unwrap();
    let whole = run(&["export", "--salvage"], &data);
    assert!(whole.status.success() && whole.stderr.is_empty(), "{}", text(&whole.stderr));
    assert_eq!(text(&whole.stdout), text(&run(&["export"], &data).stdout));
}

fn hex(text: &Value) -> Vec<u8> {
    let digits = text.as_str().unwrap();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn what_is_no_whole_export_is_refused_with_the_line_and_leaves_no_data_file() {
    let (folder, data) = data_file();
    append(&data, (0..20).map(told));
    let lines = run(&["export"], &data).stdout;

    let broken = folder.path().join("broken.ndjson");
    let fresh = folder.path().join("fresh/data.redb");
    let all = text(&lines);
    let last = all.trim_end().rfind('\n').unwrap();
    let middle = all[..all.len() / 2].rfind("\n{\"of\":").unwrap() + 1;
    let after = middle + all[middle..].find('\n').unwrap() + 1;
    let changed = {
        let mut bytes = lines.clone();
        let digit = middle + all[middle..].find("\"key\":\"").unwrap() + 7;
        bytes[digit] = if bytes[digit] == b'0' { b'1' } else { b'0' };
        bytes
    };
    for (bytes, why) in [
        (Vec::new(), "line 1: this is no export"),
        (b"{\"a\":1}\n".to_vec(), "line 1: this is no export"),
        (lines[..=last].to_vec(), "cut off"),
        (lines[..lines.len() / 2].to_vec(), "cut off"),
        ([&lines[..middle], &lines[after..]].concat(), "entries of a table above this line"),
        ([&lines[..middle], b"garbage\n", &lines[middle..]].concat(), "neither a table"),
        (
            [&lines[..middle], b"{\"key\":\"0\",\"value\":\"zz\"}\n", &lines[after..]].concat(),
            "no entry of a table",
        ),
        (
            [&lines[..middle], b"{\"of\":\"x\",\"key\":\"\",\"value\":\"\"}\n", &lines[after..]].concat(),
            "the table that it is in",
        ),
        ([&lines[..], b"{}\n"].concat(), "something follows"),
        (changed, "is not what was written"),
        (all.replacen("\"schema\":", "\"schema\":9", 1).into_bytes(), "newer than this one"),
        (all.replacen("agentmap-export-2", "agentmap-export-3", 1).into_bytes(), "newer than this one"),
    ] {
        fs::write(&broken, &bytes).unwrap();
        let ended = run(&["import", broken.to_str().unwrap()], &fresh);
        let complaint = text(&ended.stderr);
        assert_eq!(ended.status.code(), Some(1), "{why}");
        assert!(
            complaint.contains(why) && complaint.contains("line ") && complaint.lines().count() == 1,
            "{complaint}"
        );
        let left: Vec<_> =
            fs::read_dir(fresh.parent().unwrap()).unwrap().map(|f| f.unwrap().file_name()).collect();
        let left: Vec<_> = left.into_iter().filter(|name| name != "none.toml").collect();
        assert!(left.is_empty(), "{why}: {left:?}");
    }
}
