//! What the commands of the command line do.

mod agents;
mod approvals;
mod audit;
mod backup;
mod check;
mod client;
mod compact;
mod completions;
mod connection;
mod demo;
mod descriptors;
mod doctor;
mod export;
mod holder;
mod hook;
mod import;
mod logging;
mod man;
mod output;
mod partial;
mod policy;
mod presence;
mod record;
mod restore;
mod seed;
mod serve;
mod service;
mod settings;
mod status;
mod supervisor;
mod token;
mod watch;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use crate::app::{App, Clock, system_clock};
use crate::cli::{Cli, Command, HookAction, HookArgs, PolicyArgs, PolicyCommand};
use crate::config::Config;
use crate::store::{Location, StoreError};

/// Why a command failed, in a sentence for the user.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Fault(pub String);

impl Fault {
    /// A fault that a sentence explains.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

type Ran = Result<ExitCode, Fault>;

/// How many reads of many rows run at once, eight of which may be exports: more would only hold more memory.
const READERS: usize = 16;

/// Wrong use, or nothing there to work on.
pub const WRONG_USE: u8 = 2;

/// Parses the command line and does what it says.
#[must_use]
pub fn main() -> ExitCode {
    let (Cli { common, command }, matches) = Cli::read(&std::env::args_os().collect::<Vec<_>>());
    let config = Config::resolve(common.settings, &matches, common.config.as_deref(), !answers(&command));
    let ran = match config {
        Err(e) if answers(&command) => return hook::misconfigured(&e.to_string()),
        Err(e) => {
            output::complain(&e.to_string());
            return ExitCode::from(WRONG_USE);
        }
        Ok(config) => run(command, config),
    };
    ran.unwrap_or_else(|fault| {
        output::complain(&fault.0);
        ExitCode::FAILURE
    })
}

/// Whether it is the hook that is run: in any folder, by a runtime that takes exit codes for answers.
fn answers(command: &Command) -> bool {
    matches!(command, Command::Hook(HookArgs { action: None, .. }))
}

fn run(command: Command, config: Config) -> Ran {
    let data = config.data.clone();
    match command {
        Command::Serve(args) => block_on(serve::serve(config, args)),
        Command::Seed(args) => block_on(seed::seed(config, args)),
        Command::Demo => block_on(demo::demo(config)),
        Command::Watch(args) => block_on(watch::watch(config, args)),
        Command::Agents(args) => unbroken(&data, || agents::agents(&config, args)),
        Command::Status(args) => unbroken(&data, || block_on(status::status(config, args))),
        Command::Audit(args) => unbroken(&data, || audit::audit(&config, &args)),
        Command::Check(args) => unbroken(&data, || check::check(&config, &args)),
        Command::Compact(args) => unbroken(&data, || compact::compact(&config, &args)),
        Command::Backup(args) => unbroken(&data, || backup::backup(&config, &args)),
        Command::Restore(args) => unbroken(&args.file, || restore::restore(&config, &args)),
        Command::Export(args) => unbroken(&data, || export::export(&config, &args)),
        Command::Import(args) => unbroken(&args.file, || import::import(&config, &args)),
        Command::Approvals(args) => block_on(approvals::approvals(config, args)),
        Command::Policy(PolicyArgs { command: PolicyCommand::Test(args) }) => {
            block_on(policy::test(config, args))
        }
        Command::Hook(args) => match &args.action {
            None => Ok(hook::hook(&config, &args)),
            Some(HookAction::Install(args)) => hook::install::install(&config, args),
            Some(HookAction::Uninstall(args)) => hook::install::uninstall(args),
        },
        Command::Doctor => block_on(doctor::doctor(config)),
        Command::Service(args) => service::service(&config, &args),
        Command::Token(args) => block_on(token::token(config, args)),
        Command::Config(args) => settings::show(&config, &args),
        Command::Completions { shell } => completions::print(shell),
        Command::Man { dir } => man::write(&dir),
    }
}

fn block_on(future: impl Future<Output = Ran>) -> Ran {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().max_blocking_threads(READERS).enable_all().build();
    let runtime = runtime.map_err(|e| Fault::new(format!("cannot start: {e}")))?;
    let ran = runtime.block_on(future);
    // Reads that clients no longer wait for do not keep the program alive.
    runtime.shutdown_timeout(std::time::Duration::from_millis(100));
    ran
}

/// Opens the data file for writing, making its folder where there is none.
fn open(config: Config, clock: Option<Clock>) -> Result<Arc<App>, Fault> {
    let path = config.data.clone();
    if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)
            .map_err(|e| Fault::new(format!("cannot make the folder {}: {e}", folder.display())))?;
    }
    let clock = clock.unwrap_or_else(system_clock);
    unbroken(&path, || App::open(config, Location::File(path.clone()), clock).map_err(|e| explain(&path, &e)))
}

/// Does what reads a data file. redb trusts the pages of a file and panics over some that were damaged: that is told as
/// any other damage.
fn unbroken<T>(path: &Path, read: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    let told = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let ended = catch_unwind(AssertUnwindSafe(read));
    std::panic::set_hook(told);
    ended.unwrap_or_else(|_| {
        Err(explain(path, &StoreError::Corrupt("its pages contradict each other".into())))
    })
}

/// Why a data file cannot be used, and what to do about it.
fn explain(path: &Path, error: &StoreError) -> Fault {
    let path = path.display();
    Fault::new(match error {
        StoreError::Locked => format!(
            "the data file {path} is in use by another agentmap process; stop that one, or give this one another file \
             with --data"
        ),
        StoreError::TooNew { found, known } => format!(
            "the data file {path} was written by a newer agentmap (schema {found}, this one knows {known}); \
             install the newer version"
        ),
        StoreError::TooOld { found, known } => format!(
            "the data file {path} was written by an older agentmap (schema {found}, this one reads {known}); start \
             `agentmap serve` on it once, which raises it"
        ),
        StoreError::Corrupt(why) => format!(
            "the data file {path} cannot be read: {why}; restore a backup with `agentmap restore BACKUP --force`, or \
             name another file with --data"
        ),
        StoreError::Io(why) | StoreError::Full(why) | StoreError::Denied(why) => {
            format!("the data file {path} cannot be opened: {why}")
        }
        StoreError::Refused(why) => why.clone(),
        StoreError::Removed | StoreError::Replaced => format!("{path}: {error}"),
        StoreError::Unavailable(why) => format!("the data file {path} cannot be used: {why}"),
        StoreError::Panicked | StoreError::Broke => format!("the data file {path} cannot be used: {error}"),
    })
}
