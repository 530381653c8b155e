//! A disk that is full, a data file that is taken away or may not be touched any more: writes are refused with the
//! reason, reads go on, and writes resume by themselves.

#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use serde_json::{Value, json};

use super::client::Client;
use super::process::{Bound, PATIENCE, Server, assert_proved, assert_sound, data_file, text};

fn event(detail: &str, bytes: usize) -> Value {
    json!({"agent_name": "hook", "operation_detail": detail, "context": {"text": "x".repeat(bytes)}})
}

fn ingest(client: &mut Client, event: &Value) -> (u16, Value) {
    client.request("POST", "/api/v1/events/ingest", Some(event)).unwrap()
}

/// Writes until that fails, and tells how many were answered.
fn fill(client: &mut Client, bytes: usize) -> (u64, Value) {
    for n in 0..10_000 {
        let (status, answer) = ingest(client, &event(&n.to_string(), bytes));
        if status != 201 {
            assert_eq!(status, 503, "{answer}");
            return (n, answer);
        }
    }
    panic!("the disk is never full");
}

/// The reason is told, and everything that was answered can be read: old and new, small and large.
#[track_caller]
fn assert_reads_go_on(client: &mut Client, records: u64, reason: &str) {
    let (status, health) = client.request("GET", "/health", None).unwrap();
    assert_eq!((status, &health["status"]), (503, &json!("unhealthy")), "{health}");
    assert!(health["error"].as_str().unwrap().contains(reason), "{health}");
    assert_reads(client, records);
}

/// Everything that was answered can be read.
#[track_caller]
fn assert_reads(client: &mut Client, records: u64) {
    for n in [0, records / 2, records - 1] {
        let record = client.get(&format!("/api/v1/events/audit/{n}"));
        assert_eq!(record["operation"]["detail"], n.to_string());
    }
    assert_eq!(
        client.get("/api/v1/events/audit?limit=1000").as_array().unwrap().len() as u64,
        records.min(1000)
    );
    assert_eq!(client.get("/api/v1/events/audit/stats")["total_operations"], records);
    client.get("/api/v1/agents/");
}

/// Writes until that works, which must be soon.
fn resume(client: &mut Client) {
    let deadline = Instant::now() + PATIENCE;
    while ingest(client, &event("resumed", 10)).0 != 201 {
        assert!(Instant::now() < deadline, "writes do not resume");
        std::thread::yield_now();
    }
    assert_eq!(client.get("/health")["status"], "healthy");
}

#[test]
fn a_file_that_may_not_grow_refuses_writes_until_it_may() {
    let (_folder, data) = data_file();
    Server::start(&data).signal("-TERM");
    let kib = fs::metadata(&data).unwrap().len() / 1024 + 4096;
    let server = Server::start_limited(&data, kib);
    let mut client = Client::connect(server.address).unwrap();
    let (records, answer) = fill(&mut client, 60_000);
    assert!(answer["detail"].as_str().unwrap().contains("is full"), "{answer}");
    // Over and over, as the server tries to open the file again.
    let until = Instant::now() + std::time::Duration::from_secs(3);
    while Instant::now() < until {
        assert_reads_go_on(&mut client, records, "is full");
        let (status, answer) = ingest(&mut client, &event("large", 60_000));
        assert_eq!(status, 503, "{answer}");
    }
    if server.lift() {
        resume(&mut client);
    } else {
        eprintln!("not tested that writes resume: there is no prlimit");
    }
    server.kill();
    assert_sound(&data);
}

/// A file system in memory of a few MiB.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path, size: &str) -> Option<Self> {
        let size = format!("size={size}");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "none"]).arg(at).output();
        mounted.ok().filter(|ended| ended.status.success()).map(|_| Self(at.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_refuses_writes_until_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(folder.path(), "24m") else {
        eprintln!("not tested on a full disk: this user may not mount one");
        return;
    };
    let data = disk.0.join("data.redb");
    let server = Server::start(&data);
    let filler = disk.0.join("filler");
    let mut client = Client::connect(server.address).unwrap();
    fs::write(&filler, vec![1; 12 << 20]).unwrap();
    let (records, answer) = fill(&mut client, 60_000);
    assert!(answer["detail"].as_str().unwrap().contains("is full"), "{answer}");
    assert_reads_go_on(&mut client, records, "is full");
    fs::remove_file(&filler).unwrap();
    resume(&mut client);
    server.kill();
    assert_sound(&data);
}

#[test]
fn a_file_that_was_taken_away_is_not_written_to_and_one_that_is_back_is() {
    let (folder, data) = data_file();
    let server = Server::start(&data);
    let mut client = Client::connect(server.address).unwrap();
    for n in 0..20 {
        assert_eq!(ingest(&mut client, &event(&n.to_string(), 1000)).0, 201);
    }
    let elsewhere = folder.path().join("elsewhere");
    fs::rename(&data, &elsewhere).unwrap();
    let (status, answer) = ingest(&mut client, &event("lost", 10));
    assert_eq!(status, 503, "what is written now is lost with the process");
    assert!(answer["detail"].as_str().unwrap().contains("was removed"), "{answer}");
    assert_reads_go_on(&mut client, 20, "was removed");
    assert!(!data.exists());
    // Another file in its place is not taken for it.
    fs::copy(&elsewhere, &data).unwrap();
    let (status, answer) = ingest(&mut client, &event("lost", 10));
    assert_eq!(status, 503);
    assert!(answer["detail"].as_str().unwrap().contains("another file"), "{answer}");
    assert_reads_go_on(&mut client, 20, "another file");
    fs::rename(&elsewhere, &data).unwrap();
    resume(&mut client);
    server.kill();
    assert_sound(&data);
}

fn permit(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// A folder with a data file, and who owns both; without one that is said.
fn owned() -> Option<(tempfile::TempDir, PathBuf, Bound)> {
    let (folder, data) = data_file();
    let Some(owner) = Bound::owning(folder.path()) else {
        eprintln!("not tested without permissions: nobody can be made the owner of a file");
        return None;
    };
    Some((folder, data, owner))
}

#[test]
fn a_file_that_may_not_be_opened_again_refuses_writes_until_it_may() {
    // What is open stays so. Only where storage fails the file is opened again.
    let Some((_folder, data, owner)) = owned() else { return };
    owner.start(&data, None).signal("-TERM");
    let kib = fs::metadata(&data).unwrap().len() / 1024 + 4096;
    let server = owner.start(&data, Some(kib));
    let mut client = Client::connect(server.address).unwrap();
    let (records, answer) = fill(&mut client, 60_000);
    assert!(answer["detail"].as_str().unwrap().contains("is full"), "{answer}");
    permit(&data, 0o000);
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (status, answer) = ingest(&mut client, &event("refused", 60_000));
        assert_eq!(status, 503, "{answer}");
        if answer["detail"].as_str().unwrap().contains("may not be read or written") {
            break;
        }
        assert!(Instant::now() < deadline, "{answer}");
        std::thread::yield_now();
    }
    assert_reads_go_on(&mut client, records, "may not be read or written");
    // Of the two, it is permission alone that is missing now.
    if !owner.lift(&server) {
        eprintln!("not tested that writes resume: there is no prlimit");
        return;
    }
    let (status, answer) = ingest(&mut client, &event("refused", 10));
    assert_eq!(status, 503, "{answer}");
    permit(&data, 0o600);
    resume(&mut client);
    server.kill();
    assert_sound(&data);
}

#[test]
fn permissions_that_are_taken_away_cost_an_open_file_nothing_but_its_checkpoint() {
    let Some((folder, data, owner)) = owned() else { return };
    let server = owner.start(&data, None);
    let mut client = Client::connect(server.address).unwrap();
    permit(&data, 0o000);
    permit(folder.path(), 0o500);
    let before = fs::metadata(&data).unwrap().len();
    // The file grows all the same.
    for n in 0..40 {
        assert_eq!(ingest(&mut client, &event(&n.to_string(), 60_000)).0, 201);
    }
    assert!(fs::metadata(&data).unwrap().len() > before);
    assert_eq!(client.get("/health")["status"], "healthy");
    // Where the file cannot even be looked for, it is still open.
    permit(folder.path(), 0o000);
    assert_eq!(ingest(&mut client, &event("40", 10)).0, 201);
    permit(folder.path(), 0o500);
    let (status, _, complaint) = server.signal("-TERM");
    assert!(status.success(), "{complaint}");
    let checkpoint = "data.redb.checkpoint";
    assert!(complaint.contains(checkpoint) && complaint.contains("ermission denied"), "{complaint}");
    // Who comes after it is told.
    for (mode, args) in
        [(0o000, &["check"][..]), (0o000, &["serve", "--port", "0"]), (0o400, &["serve", "--port", "0"])]
    {
        permit(&data, mode);
        let refused = owner.run(args, &data);
        let complaint = text(&refused.stderr);
        assert!(
            !refused.status.success() && complaint.trim_end().lines().count() == 1,
            "{args:?}: {complaint}"
        );
        assert!(
            complaint.contains("cannot be opened") && complaint.contains("ermission denied"),
            "{complaint}"
        );
    }
    permit(folder.path(), 0o700);
    permit(&data, 0o600);
    let server = owner.start(&data, None);
    assert_reads(&mut Client::connect(server.address).unwrap(), 41);
    assert!(server.signal("-TERM").0.success());
    assert_proved(&data);
    assert!(fs::read_to_string(folder.path().join(checkpoint)).unwrap().contains("\n41\n"));
}
