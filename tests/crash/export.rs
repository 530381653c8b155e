//! Everything as lines of JSON, and back.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Bound;
use std::path::Path;

use agentmap::app::SCHEMA;
use agentmap::domain::access::Actor;
use agentmap::domain::admin::Act;
use agentmap::domain::audit::AuditRecord;
use agentmap::domain::command::{Action, Applied, Command, apply};
use agentmap::store::{Location, Store};

use super::load::Load;
use super::process::{Server, assert_proved, assert_sound, data_file, run, signing, text};

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
fn an_export_becomes_the_same_tables_byte_for_byte_and_anything_else_is_refused() {
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

    // Each is refused with the line, and leaves no data file.
    let broken = folder.path().join("broken.ndjson");
    let fresh = folder.path().join("fresh/data.redb");
    let all = text(&lines);
    let last = all.trim_end().rfind('\n').unwrap();
    let middle = all[..all.len() / 2].rfind("\n[").unwrap() + 1;
    let after = middle + all[middle..].find('\n').unwrap() + 1;
    let changed = {
        let mut bytes = lines.clone();
        let digit = middle + 3;
        bytes[digit] = if bytes[digit] == b'0' { b'1' } else { b'0' };
        bytes
    };
    for (bytes, why) in [
        (Vec::new(), "line 1: this is no export"),
        (b"{\"a\":1}\n".to_vec(), "line 1: this is no export"),
        (lines[..=last].to_vec(), "cut off"),
        (lines[..lines.len() / 2].to_vec(), "cut off"),
        ([&lines[..middle], &lines[after..]].concat(), "entries above this line"),
        ([&lines[..middle], b"garbage\n", &lines[middle..]].concat(), "neither a table"),
        ([&lines[..middle], b"[\"0\",\"zz\"]\n", &lines[after..]].concat(), "no entry of a table"),
        ([&lines[..], b"{}\n"].concat(), "something follows"),
        (changed, "is not what was written"),
        (all.replacen("\"schema\":", "\"schema\":9", 1).into_bytes(), "newer than this one"),
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
