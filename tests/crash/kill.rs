//! Killed at any moment under many writers, the server has lost nothing that it answered, and what it did not answer can
//! be sent again.

use std::time::{Duration, Instant};

use super::answered::Answered;
use super::load::{Load, WRITERS};
use super::process::{Server, assert_sound, data_file, run, text};
use super::random::{Random, asked, seed};

/// After so many kills a new data file is begun: all of it is read after each.
const KILLS_A_FILE: u64 = 20;
/// After every so many, and after the last, what was left is also looked at beside a server that has repaired it.
const BESIDE: u64 = 4;

#[test]
fn what_was_answered_survives_any_number_of_kills() {
    let (began, seed, kills) = (Instant::now(), seed(), asked("AGENTMAP_KILLS").unwrap_or(3));
    println!("seed {seed}: {kills} kills");
    let mut writes = 0;
    let mut file = data_file();
    let mut answered = Answered::default();
    for kill in 0..kills {
        if kill > 0 && kill.is_multiple_of(KILLS_A_FILE) {
            writes += answered.len();
            println!("{kill} kills, {writes} writes answered and found, in {:?}", began.elapsed());
            (file, answered) = (data_file(), Answered::default());
        }
        let data = &file.1;
        let server = Server::start(data);
        answered.assert_served(server.address);
        answered.repeat_unanswered(server.address);
        let mut random = Random::of(seed, kill);
        let load = Load::start(server.address);
        load.wait_for(random.next() % 400);
        // Not only just after an answer.
        std::thread::sleep(Duration::from_micros(random.next() % 20_000));
        server.kill();
        answered.extend(load.end());
        assert_sound(data);
        answered.assert_kept(data);
        if (kill + 1).is_multiple_of(BESIDE) || kill + 1 == kills {
            let server = Server::start(data);
            answered.assert_kept(data);
            answered.repeat_unanswered(server.address);
            answered.assert_kept(data);
            assert_sound(data);
            server.kill();
        }
    }
    writes += answered.len();
    println!(
        "seed {seed}: {kills} kills under {WRITERS} writers, {writes} writes answered and found, in {:?}",
        began.elapsed()
    );
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
