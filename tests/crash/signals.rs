//! Asked to end, the server finishes what it accepted and is gone within two seconds.

#![cfg(unix)]

use std::time::Duration;

use super::client::Client;
use super::load::Load;
use super::process::{Server, assert_sound, data_file};
use super::program::is_of_windows;

/// Windows knows Ctrl-C alone, which Wine makes of the one.
fn signals() -> &'static [&'static str] {
    if is_of_windows() { &["-INT"] } else { &["-TERM", "-INT"] }
}

#[test]
fn a_signal_under_load_ends_the_server_soon_and_loses_nothing() {
    for signal in signals() {
        let (folder, data) = data_file();
        let server = Server::start(&data);
        // One that has nothing to say, one that is silent, and one that follows the stream but does not read.
        let mut idle = Client::connect(server.address).unwrap();
        idle.get("/health");
        let silent = std::net::TcpStream::connect(server.address).unwrap();
        let stream = tokio_tungstenite::tungstenite::connect(format!("ws://{}/ws", server.address)).unwrap();
        let load = Load::start(server.address);
        load.wait_for(100);
        let (status, took, complaints) = server.signal(signal);
        assert_eq!(status.code(), Some(0), "{signal}: {complaints}");
        assert!(took < Duration::from_secs(2), "{signal} took {took:?}");
        assert!(!complaints.contains("panicked"), "{complaints}");
        load.end().assert_kept(&data);
        assert_sound(&data);
        drop((idle, silent, stream));
        let left: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|f| f.unwrap().file_name()).collect();
        assert!(!left.iter().any(|name| name.to_string_lossy().contains("server")), "{left:?}");
    }
}

#[test]
fn a_signal_right_after_the_server_says_where_it_listens_ends_it_as_any_other() {
    // Signals were listened for only once the first connection could be accepted: one that came before killed it.
    for signal in signals().repeat(5) {
        let (folder, data) = data_file();
        let (status, _, complaints) = Server::start(&data).signal(signal);
        assert_eq!(status.code(), Some(0), "{signal}: {complaints}");
        assert!(!folder.path().join("data.redb.server.json").exists());
    }
}
