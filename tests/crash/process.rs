//! The binary as a child process.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::program::program;

/// How long anything may take on a busy machine before a test gives up.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// A folder of its own for a data file, and the file's path.
pub fn data_file() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data.redb");
    (folder, data)
}

/// The program, away from whatever settings the user has.
pub fn agentmap(args: &[&str], data: &Path) -> Command {
    let mut command = program();
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("AGENTMAP_") {
            command.env_remove(name);
        }
    }
    let config = data.with_file_name("none.toml");
    if data.parent().is_some_and(Path::is_dir) {
        std::fs::write(&config, "").unwrap();
        command.env("AGENTMAP_CONFIG", config);
    }
    command.args(args).arg("--data").arg(data).stdin(Stdio::null());
    command
}

/// Runs the program to its end.
pub fn run(args: &[&str], data: &Path) -> Output {
    output_of(agentmap(args, data))
}

/// Runs the program to its end, where no file may grow beyond so many KiB.
#[cfg(unix)]
pub fn run_with_room(kib: u32, args: &[&str], data: &Path) -> Output {
    output_of(with_room(u64::from(kib), &agentmap(args, data)))
}

/// A command that runs where no file may grow beyond so many KiB.
#[cfg(unix)]
fn with_room(kib: u64, inner: &Command) -> Command {
    // Without the trap the signal would end it, and not the error be told.
    run_by(&["bash", "-c", "trap '' XFSZ; ulimit -S -f \"$0\"; exec \"$@\"", &kib.to_string()], inner)
}

/// A command that another program runs in its place.
#[cfg(unix)]
fn run_by(outer: &[&str], inner: &Command) -> Command {
    let mut command = Command::new(outer[0]);
    command.args(&outer[1..]).arg(inner.get_program()).args(inner.get_args()).stdin(Stdio::null());
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

/// Somebody whom permissions bind: this user, or where that is root, nobody.
#[cfg(unix)]
pub struct Bound(Vec<String>);

#[cfg(unix)]
impl Bound {
    /// Gives them the folder. `None` where there is no such user, or nothing to become one with.
    pub fn owning(folder: &Path) -> Option<Self> {
        use std::os::unix::fs::{MetadataExt, chown};
        const NOBODY: u32 = 65534;
        if std::fs::metadata(folder).unwrap().uid() != 0 {
            return Some(Self(Vec::new()));
        }
        chown(folder, Some(NOBODY), Some(NOBODY)).ok()?;
        let become_nobody = [
            "setpriv",
            &format!("--reuid={NOBODY}"),
            &format!("--regid={NOBODY}"),
            "--clear-groups",
            "--inh-caps=-all",
        ];
        let version = run_by(&become_nobody, &program()).arg("--version").output();
        version.ok().filter(|ended| ended.status.success())?;
        Some(Self(become_nobody.map(str::to_owned).to_vec()))
    }

    fn command(&self, inner: Command) -> Command {
        let outer: Vec<_> = self.0.iter().map(String::as_str).collect();
        if outer.is_empty() { inner } else { run_by(&outer, &inner) }
    }

    /// Runs the program to its end.
    pub fn run(&self, args: &[&str], data: &Path) -> Output {
        output_of(self.command(agentmap(args, data)))
    }

    /// Lifts a server's limit, which nobody else may.
    pub fn lift(&self, server: &Server) -> bool {
        let mut lift = Command::new("prlimit");
        lift.arg(format!("--pid={}", server.process.0.id())).arg("--fsize=unlimited:");
        self.command(lift).status().is_ok_and(|status| status.success())
    }

    /// Starts a server, which may make files of so many KiB.
    pub fn start(&self, data: &Path, kib: Option<u64>) -> Server {
        let command = self.command(serve(data));
        Server::of(match kib {
            None => command,
            Some(kib) => with_room(kib, &command),
        })
    }
}

fn output_of(mut command: Command) -> Output {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    Process(child).output()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Proves that the data agrees with itself.
pub fn assert_sound(data: &Path) {
    let checked = run(&["check"], data);
    assert!(checked.status.success(), "{}{}", text(&checked.stdout), text(&checked.stderr));
}

/// Proves the audit trail as well, against the checkpoint that is beside the data, if there is one.
pub fn assert_proved(data: &Path) {
    assert_sound(data);
    let verified = run(&["audit", "verify"], data);
    assert!(verified.status.success(), "{}{}", text(&verified.stdout), text(&verified.stderr));
}

/// The files beside the data with which the trail is signed: the key, and the newest checkpoint.
pub fn signing(data: &Path) -> [PathBuf; 2] {
    [".key", ".checkpoint"].map(|suffix| PathBuf::from(format!("{}{suffix}", data.display())))
}

/// A child that does not outlive the test.
struct Process(Child);

impl Process {
    fn output(mut self) -> Output {
        let (out, err) = (drain(self.0.stdout.take()), drain(self.0.stderr.take()));
        let status = self.ended();
        Output { status, stdout: out.join().unwrap(), stderr: err.join().unwrap() }
    }

    /// Waits for the end, which must come.
    fn ended(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "the program does not end");
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn drain(stream: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            let _ = stream.read_to_end(&mut bytes);
        }
        bytes
    })
}

fn serve(data: &Path) -> Command {
    agentmap(&["serve", "--port", "0", "--log", "error"], data)
}

/// A serving process.
pub struct Server {
    process: Process,
    stderr: Option<JoinHandle<Vec<u8>>>,
    pub address: SocketAddr,
}

impl Server {
    /// Starts a server and waits until it says where it listens.
    pub fn start(data: &Path) -> Self {
        Self::of(serve(data))
    }

    /// As [`start`](Self::start), with more arguments.
    pub fn start_with(data: &Path, args: &[impl AsRef<OsStr>]) -> Self {
        let mut command = serve(data);
        command.args(args);
        Self::of(command)
    }

    /// Starts a server that may not make files larger than so many KiB, until [`lift`](Self::lift).
    #[cfg(unix)]
    pub fn start_limited(data: &Path, kib: u64) -> Self {
        Self::of(with_room(kib, &serve(data)))
    }

    /// Lifts the limit. Tells whether there is a program for it.
    #[cfg(unix)]
    pub fn lift(&self) -> bool {
        Bound(Vec::new()).lift(self)
    }

    /// As [`start`](Self::start), by any command that serves.
    pub fn of(mut command: Command) -> Self {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut process = Process(child);
        let stderr = drain(process.0.stderr.take());
        let mut stdout = BufReader::new(process.0.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let Some((_, address)) = line.trim_end().split_once("://").filter(|_| line.contains(" listens on "))
        else {
            drop(process);
            panic!("no address in {line:?}: {}", text(&stderr.join().unwrap()));
        };
        let address = address.parse().unwrap();
        drop(drain(Some(stdout)));
        Self { process, stderr: Some(stderr), address }
    }

    /// The process's id.
    pub fn id(&self) -> u32 {
        self.process.0.id()
    }

    /// Ends it at once, without a chance to do anything about it.
    pub fn kill(mut self) {
        self.process.0.kill().unwrap();
        self.process.0.wait().unwrap();
    }

    /// Asks it to end. Returns how it ended, how long that took, and what it complained of.
    #[cfg(unix)]
    pub fn signal(mut self, signal: &str) -> (ExitStatus, Duration, String) {
        let asked = Instant::now();
        let pid = self.process.0.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
        let status = self.process.ended();
        let took = asked.elapsed();
        (status, took, text(&self.stderr.take().unwrap().join().unwrap()))
    }
}
