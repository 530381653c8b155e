//! The processes of a measurement: the server, the limits, the generators.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::wire::{self, Connection};

/// The program that is measured.
pub fn program() -> PathBuf {
    let named = std::env::var_os("AGENTMAP_PROGRAM");
    let program = named.unwrap_or_else(|| env!("CARGO_BIN_EXE_agentmap").into());
    std::fs::canonicalize(&program).expect("the program is there")
}

/// The program with these arguments, and without the settings of whoever measures.
pub fn command<const N: usize>(args: [&str; N]) -> Command {
    let mut command = Command::new(program());
    command.args(args).current_dir(std::env::temp_dir());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("AGENTMAP_") {
            command.env_remove(name);
        }
    }
    command
}

/// A process that serves, ended with this value at the latest.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
}

impl Server {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the program starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let address = loop {
            let line = lines.next().expect("it says where it listens").expect("text");
            if let Some((_, address)) = line.split_once("listens on http://") {
                break address.parse().expect("an address");
            }
        };
        // The rest of what it prints is read, so that it never waits for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address }
    }

    /// Starts agentmap on a data file; tells how long it took to its first answer.
    pub fn agentmap(data: &Path) -> (Self, Duration) {
        let started = Instant::now();
        let server = Self::start(
            command(["serve", "--port", "0", "--seed-if-empty", "sample", "--log", "warn", "--data"])
                .arg(data),
        );
        server.connect().ask(&wire::get("/health")).expect("healthy");
        (server, started.elapsed())
    }

    /// Starts a limit, with the file that it works on.
    pub fn limit(role: &str, file: Option<&Path>) -> Self {
        let file = file.map(|file| ["--file".as_ref(), file.as_os_str()]);
        Self::start(Command::new(this()).args(["--role", role]).args(file.into_iter().flatten()))
    }

    pub fn connect(&self) -> Connection {
        Connection::open(self.address).expect("connected")
    }

    /// What memory it holds now, and at most did, in bytes. Linux tells.
    pub fn memory(&self) -> Option<[u64; 2]> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = |name: &str| {
            let rest = status.lines().find_map(|line| line.strip_prefix(name))?;
            Some(rest.trim().trim_end_matches(" kB").parse::<u64>().ok()? * 1024)
        };
        Some([line("VmRSS:")?, line("VmHWM:")?])
    }

    /// Asks it to end, and waits until it has.
    #[cfg(unix)]
    pub fn stop(mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("told to end");
        assert!(self.child.wait().expect("ended").success(), "the server did not end well");
    }

    /// Ends it: elsewhere nothing asks a process politely.
    #[cfg(not(unix))]
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Server {
    /// As SIGKILL does.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn this() -> PathBuf {
    std::env::current_exe().expect("its own file")
}

/// A generator at work.
pub struct Generator(Child);

impl Generator {
    /// Starts a role of this program with what it is to do.
    pub fn start(role: &str, work: &impl Serialize) -> Self {
        let mut child = Command::new(this())
            .args(["--role", role])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the generator starts");
        let work = serde_json::to_vec(work).expect("JSON");
        child.stdin.take().expect("its input").write_all(&work).expect("told");
        Self(child)
    }

    /// What it measured, once it is done.
    pub fn end<T: DeserializeOwned>(self) -> T {
        let output = self.0.wait_with_output().expect("the generator ends");
        assert!(output.status.success(), "a generator failed");
        serde_json::from_slice(&output.stdout).expect("what it measured")
    }
}
