//! What the commands of the command line do.

mod agents;
mod audit;
mod backup;
mod check;
mod client;
mod completions;
mod demo;
mod logging;
mod output;
mod partial;
mod presence;
mod restore;
mod seed;
mod serve;
mod settings;
mod status;
mod watch;

use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory, FromArgMatches};

use crate::app::{App, Clock, system_clock};
use crate::cli::{Cli, Command};
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

/// How many reads of many rows run at once: more would only hold more memory.
const READERS: usize = 64;

/// Wrong use, or nothing there to work on.
pub const WRONG_USE: u8 = 2;

/// Parses the command line and does what it says.
#[must_use]
pub fn main() -> ExitCode {
    let matches = Cli::command().get_matches();
    let ran = match Cli::from_arg_matches(&matches) {
        Err(e) => e.exit(),
        Ok(cli) => match Config::resolve(cli.settings, &matches, cli.config.as_deref()) {
            Err(e) => {
                output::complain(&e.to_string());
                return ExitCode::from(WRONG_USE);
            }
            Ok(config) => run(cli.command, config),
        },
    };
    ran.unwrap_or_else(|fault| {
        output::complain(&fault.0);
        ExitCode::FAILURE
    })
}

fn run(command: Command, config: Config) -> Ran {
    match command {
        Command::Serve(args) => block_on(serve::serve(config, args)),
        Command::Seed(args) => block_on(seed::seed(config, args)),
        Command::Demo => block_on(demo::demo(config)),
        Command::Watch(args) => block_on(watch::watch(config, args)),
        Command::Agents(args) => agents::agents(&config, args),
        Command::Status(args) => block_on(status::status(config, args)),
        Command::Audit(args) => audit::audit(&config, &args),
        Command::Check(args) => check::check(&config, &args),
        Command::Backup(args) => backup::backup(&config, &args),
        Command::Restore(args) => restore::restore(&config, &args),
        Command::Config(args) => settings::show(&config, &args),
        Command::Completions { shell } => completions::print(shell),
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
    let opened = App::open(config, Location::File(path.clone()), clock.unwrap_or_else(system_clock));
    opened.map_err(|e| explain(&path, &e))
}

/// Why a data file cannot be used, and what to do about it.
fn explain(path: &std::path::Path, error: &StoreError) -> Fault {
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
        StoreError::Corrupt(why) => format!("the data file {path} cannot be read: {why}"),
        StoreError::Io(why) => format!("the data file {path} cannot be opened: {why}"),
        StoreError::Refused(why) => why.clone(),
        StoreError::Unavailable(why) => format!("the data file {path} cannot be used: {why}"),
        StoreError::Panicked | StoreError::Broke => format!("the data file {path} cannot be used: {error}"),
    })
}
