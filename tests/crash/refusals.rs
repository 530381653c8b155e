//! What keeps the server from starting is told in one sentence.

use std::path::Path;

use agentmap::app::SCHEMA;
use agentmap::domain::command::{Applied, Command, apply};
use agentmap::store::{Location, Schema, Step, Store};

use super::process::{Server, data_file, run, run_with_room, text};

/// The server does not start, says why in one line that holds `why`, and nothing else.
fn assert_refused(args: &[&str], data: &Path, why: &str) {
    let ended = run(&[&["serve"], args].concat(), data);
    let complaint = text(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{complaint}");
    assert!(complaint.starts_with("agentmap: ") && complaint.contains(why), "{complaint}");
    assert_eq!(complaint.trim_end().lines().count(), 1, "{complaint}");
    assert!(!complaint.contains("panicked") && !complaint.contains("Error {"), "{complaint}");
    assert_eq!(text(&ended.stdout), "");
}

const FREE: [&str; 2] = ["--port", "0"];

#[test]
fn a_port_that_is_taken() {
    let (_folder, data) = data_file();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    assert_refused(&["--port", &port], &data, &port);
}

#[test]
fn data_that_another_process_has() {
    let (_folder, data) = data_file();
    let server = Server::start(&data);
    assert_refused(&FREE, &data, "in use by another");
    server.kill();
    // A process that was killed holds nothing any more.
    Server::start(&data).kill();
}

/// A step that changes nothing.
const NOTHING: Step = |_| Ok(());

#[test]
fn data_of_a_newer_version() {
    let (_folder, data) = data_file();
    let newer = Schema { steps: &[NOTHING; SCHEMA.steps.len() + 1] };
    let location = Location::File(data.clone());
    drop(Store::<Command, Applied>::open(location, 1 << 20, &newer, apply, Box::new(|_| Ok(()))).unwrap());
    assert_refused(&FREE, &data, "newer");
    // The newer program can still use it.
    Store::<Command, Applied>::open_read_only(&data, 1 << 20, &newer).unwrap();
}

#[test]
fn a_place_where_no_file_can_be() {
    let (folder, data) = data_file();
    std::fs::write(&data, "a file").unwrap();
    assert_refused(&FREE, &data.join("below").join("data.redb"), "below");
    assert_refused(&FREE, &data.join("data.redb"), "data.redb");
    assert_refused(&FREE, folder.path(), &folder.path().display().to_string());
}

#[test]
fn a_file_of_something_else() {
    let (_folder, data) = data_file();
    for garbage in [&b"x"[..], &b"no database ".repeat(10_000), &vec![0; 100_000]] {
        std::fs::write(&data, garbage).unwrap();
        assert_refused(&FREE, &data, "data.redb");
        assert_eq!(std::fs::read(&data).unwrap(), garbage);
    }
}

#[test]
fn a_data_file_that_was_cut_off() {
    let (_folder, data) = data_file();
    Server::start(&data).kill();
    let whole = std::fs::read(&data).unwrap();
    for part in [1, 2, 3, 5, 7] {
        std::fs::write(&data, &whole[..whole.len() * part / 8]).unwrap();
        assert_refused(&FREE, &data, "data.redb");
    }
}

#[cfg(unix)]
#[test]
fn a_new_file_for_which_there_is_no_room() {
    // It was left half made, and refused as damaged ever after.
    let (folder, data) = data_file();
    let ended = run_with_room(64, &["serve", "--port", "0"], &data);
    let complaint = text(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{complaint}");
    assert!(complaint.starts_with("agentmap: ") && complaint.contains("data.redb"), "{complaint}");
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|f| f.unwrap().file_name()).collect();
    assert_eq!(left, ["none.toml"]);
    Server::start(&data).kill();
}
