//! Killed at any moment, the server has lost nothing that it answered.

use super::load::{Answered, Load};
use super::process::{Server, assert_sound, data_file, run, text};

/// How often the server is killed.
fn kills() -> u64 {
    std::env::var("AGENTMAP_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(5)
}

/// Numbers that look random and are the same each time (splitmix64).
fn mixed(n: u64) -> u64 {
    let z = (n + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[test]
fn what_was_answered_survives_any_number_of_kills() {
    let (_folder, data) = data_file();
    let mut answered = Answered::default();
    for n in 0..kills() {
        let server = Server::start(&data);
        answered.assert_served(server.address);
        let load = Load::start(server.address);
        // The moment between two answers is the scheduler's choice.
        load.wait_for(1 + mixed(n) % 300);
        server.kill();
        answered.extend(load.end());
        // Before anything else opens it, and beside the server that has repaired it.
        assert_sound(&data);
        let server = Server::start(&data);
        answered.assert_kept(&data);
        assert_sound(&data);
        server.kill();
    }
}

#[test]
fn what_reads_the_data_works_after_a_kill_without_a_server() {
    // Opening for reading repairs nothing: after a kill `check`, `status` and `agents` said that the file
    // could not be opened until a server had been started on it.
    let (_folder, data) = data_file();
    let server = Server::start(&data);
    let load = Load::start(server.address);
    load.wait_for(10);
    server.kill();
    load.end();
    for args in [&["status", "--json"][..], &["agents", "list"], &["check"]] {
        let ended = run(args, &data);
        assert!(ended.status.success(), "{args:?}: {}", text(&ended.stderr));
    }
}
