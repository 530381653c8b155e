//! `agentmap service`: on Windows with the service manager that is there; on Linux as far as it goes without one, and
//! with one in `tests/dist.sh`.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use serde_json::Value;

use super::client::Client;
use super::process::{PATIENCE, agentmap, assert_proved, data_file, run, text};
use super::program::is_of_windows;

/// The installed service, which does not outlive the test.
struct Installed<'a>(&'a Path);

impl Drop for Installed<'_> {
    fn drop(&mut self) {
        run(&["service", "uninstall"], self.0);
    }
}

#[track_caller]
fn service(args: &[&str], data: &Path) -> String {
    let ran = run(&[&["service"], args].concat(), data);
    assert!(ran.status.success(), "{args:?}: {}{}", text(&ran.stdout), text(&ran.stderr));
    text(&ran.stdout)
}

#[test]
fn windows_starts_and_stops_the_server() {
    if !is_of_windows() {
        return;
    }
    let (_folder, data) = data_file();
    let absent = run(&["service", "status"], &data);
    assert!(
        !absent.status.success() && text(&absent.stderr).contains("agentmap service install"),
        "{absent:?}"
    );
    let by_hand = run(&["service", "run"], &data);
    assert!(!by_hand.status.success() && text(&by_hand.stderr).contains("service start"), "{by_hand:?}");

    service(&["install", "--port", "0", "--log", "info"], &data);
    let installed = Installed(&data);
    assert_eq!(run(&["service", "status"], &data).status.code(), Some(3));
    let again = run(&["service", "install"], &data);
    assert!(!again.status.success() && text(&again.stderr).contains("installed already"), "{again:?}");
    let note = data.with_file_name("data.redb.server.json");
    for start in 1..3 {
        service(&["start"], &data);
        service(&["status"], &data);
        // It says that it runs once it serves.
        let told: Value = serde_json::from_str(&std::fs::read_to_string(&note).unwrap()).unwrap();
        let mut client = Client::connect(told["address"].as_str().unwrap().parse().unwrap()).unwrap();
        let event = serde_json::json!({"agent_name": "coder", "operation_detail": "Read"});
        assert_eq!(client.request("POST", "/api/v1/events/ingest", Some(&event)).unwrap().0, 201);
        assert_eq!(client.get("/api/v1/events/audit").as_array().unwrap().len(), start);
        drop(client);
        service(&["stop"], &data);
        // It ended as asked, and was not killed: the note is gone and the trail is signed to its end.
        assert!(!note.exists());
        let signed = std::fs::read_to_string(data.with_file_name("data.redb.checkpoint")).unwrap();
        assert_eq!(signed.lines().nth(1), Some(start.to_string().as_str()));
        assert_proved(&data);
    }
    assert!(data.with_file_name("data.redb.log").is_file());
    // What keeps it from serving is in its log.
    std::fs::write(&data, "no data file").unwrap();
    assert!(!run(&["service", "start"], &data).status.success());
    let log = std::fs::read_to_string(data.with_file_name("data.redb.log")).unwrap();
    assert!(log.contains("cannot be read") || log.contains("cannot be opened"), "{log}");
    drop(installed);
    let began = Instant::now();
    while run(&["service", "status"], &data).status.code() == Some(3) {
        assert!(began.elapsed() < PATIENCE, "the service does not go");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn systemd_takes_the_unit_of_a_user() {
    if is_of_windows() {
        return;
    }
    let (folder, data) = data_file();
    let shown = service(&["install", "--user", "--dry-run", "--port=9000", "--log=info,a=b c"], &data);
    let unit = folder.path().join("agentmap.service");
    std::fs::write(&unit, &shown).unwrap();
    assert!(
        shown.contains(&format!("serve --port=9000 \"--log=info,a=b c\" --data={}", data.display())),
        "{shown}"
    );
    assert!(!folder.path().join("systemd").exists());
    let mut analyze = Command::new("systemd-analyze");
    // Manual pages need not be installed here.
    let Ok(verified) = analyze.args(["verify", "--user", "--man=no"]).arg(&unit).output() else { return };
    let complaints = text(&verified.stderr);
    assert!(!complaints.contains("agentmap.service"), "{complaints}");
}

/// The datagrams that systemd would get, by a socket that stands where it listens.
#[cfg(target_os = "linux")]
#[test]
fn systemd_is_told_that_the_server_serves_lives_and_ends() {
    use std::os::unix::net::UnixDatagram;

    if is_of_windows() {
        return;
    }
    let (folder, data) = data_file();
    let socket = folder.path().join("notify");
    let manager = UnixDatagram::bind(&socket).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    let heard = || {
        let mut bytes = [0; 100];
        let length = manager.recv(&mut bytes).unwrap();
        text(&bytes[..length])
    };
    let mut command = agentmap(&["serve", "--port", "0", "--log", "error"], &data);
    command.env("NOTIFY_SOCKET", &socket).env("WATCHDOG_USEC", "30000");
    let server = super::process::Server::of(command);
    let mut told = vec![heard(), heard(), heard(), heard()];
    assert!(told.contains(&"READY=1\n".to_owned()), "{told:?}");
    told.retain(|state| state != "READY=1\n");
    assert_eq!(told, ["WATCHDOG=1\n"; 3]);
    let ended = std::thread::spawn(move || server.signal("-TERM"));
    while heard() != "STOPPING=1\n" {}
    assert_eq!(ended.join().unwrap().0.code(), Some(0));
}
