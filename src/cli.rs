//! The command line.

mod governance;
mod hook;
mod read;
mod service;
mod token;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::config::Settings;

pub use governance::{
    AnswerArgs, ApprovalsArgs, ApprovalsCommand, PolicyArgs, PolicyCommand, PolicyTestArgs,
};
pub use hook::{HookAction, HookArgs, HookInstallArgs, HookUninstallArgs, OnUnreachable, WhichSettings};
pub use service::{ServiceArgs, ServiceCommand, ServiceInstallArgs, WhoseService};
pub use token::{TokenArgs, TokenCommand, TokenCreateArgs};

/// Every AI agent you run: who it is, what it may do, what it did, what it cost.
#[derive(Debug, Parser)]
#[command(name = "agentmap", version = crate::VERSION, about, long_about = None, max_term_width = 100)]
pub struct Cli {
    #[expect(missing_docs)]
    #[command(flatten)]
    pub common: Common,
    #[expect(missing_docs)]
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
pub struct Common {
    /// Read settings from this file [default: agentmap.toml, where it is there]
    #[arg(long, global = true, env = "AGENTMAP_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[expect(missing_docs)]
    #[command(flatten)]
    pub settings: Settings,
}

/// What is to be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the API, the live stream and the dashboard
    Serve(ServeArgs),
    /// Read identity files into the registry, also while the server runs
    Seed(SeedArgs),
    /// Show everything at work: a throw-away server with a sample fleet and believable activity
    Demo,
    /// Follow the live stream in the terminal
    Watch(WatchArgs),
    /// List agents, or show one
    Agents(AgentsArgs),
    /// Tell whether a server runs and what the data holds
    Status(JsonArg),
    /// Prove that the data agrees with itself: indexes, counters, rollups, audit hashes
    Check(JsonArg),
    /// Verify the audit trail against what was signed, or export a part of it with its proof
    Audit(AuditArgs),
    /// List and answer what agents want a person to approve
    Approvals(ApprovalsArgs),
    /// Find out what changed identities would decide
    Policy(PolicyArgs),
    /// Answer one event of an agent's runtime (Claude Code), read from the standard input
    Hook(HookArgs),
    /// Try the installed hook out, and tell in plain words what is wrong
    Doctor,
    /// Have the system run the server: from its start on, in the background
    Service(ServiceArgs),
    /// Make, list and revoke the tokens that let others in
    Token(TokenArgs),
    /// Write a copy of the data to a file, also while the server runs, and prove that it is whole
    Backup(BackupArgs),
    /// Put a backup in the place of the data file, which is kept beside it
    Restore(RestoreArgs),
    /// Write everything as lines of JSON, for another machine or a later version
    Export(ExportArgs),
    /// Make a new data file of an export
    Import(ImportArgs),
    /// Give the space that removed records left free back to the file system, while no server runs
    Compact(JsonArg),
    /// Show the effective settings and where each came from
    Config(JsonArg),
    /// Print the completion script of a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write the manual pages into a folder
    Man {
        /// The folder; made where it is not there
        #[arg(value_name = "DIR")]
        dir: PathBuf,
    },
}

#[derive(Debug, Args)]
#[expect(missing_docs)]
pub struct ServeArgs {
    /// First seed the identity files below this folder, when there are no agents yet; `sample` is the built-in fleet
    #[arg(long, value_name = "DIR")]
    pub seed_if_empty: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[expect(missing_docs)]
pub struct JsonArg {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[expect(missing_docs)]
pub struct BackupArgs {
    /// Where to write the copy
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Replace the file if it is there
    #[arg(long)]
    pub force: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[expect(missing_docs)]
pub struct ExportArgs {
    /// Write to this file in place of the standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Replace the file if it is there
    #[arg(long, requires = "output")]
    pub force: bool,
    /// Write what can be read of a damaged data file, and tell what cannot
    #[arg(long)]
    pub salvage: bool,
}

#[derive(Debug, Args)]
#[expect(missing_docs)]
pub struct ImportArgs {
    /// The export; - is the standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Also import what was salvaged of a damaged data file
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, Args)]
#[expect(missing_docs)]
pub struct RestoreArgs {
    /// The backup
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Replace the data file if it is there; it is kept beside the new one
    #[arg(long)]
    pub force: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[expect(missing_docs, clippy::struct_excessive_bools)]
pub struct SeedArgs {
    /// Folders of identity files, or single files
    #[arg(required = true, value_name = "DIR")]
    pub dirs: Vec<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Make every repair an error
    #[arg(long)]
    pub strict: bool,
    /// Remove agents that came from below these folders and whose file is gone
    #[arg(long)]
    pub prune: bool,
    /// Show what would change and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Keep on syncing until interrupted
    #[arg(long, conflicts_with = "dry_run")]
    pub watch: bool,
    /// Also tell every repair and why files were skipped
    #[arg(short, long)]
    pub verbose: bool,
}

#[derive(Debug, Args)]
#[expect(missing_docs)]
pub struct WatchArgs {
    /// The server [default: the one that holds the data, else http://127.0.0.1:8000]
    #[expect(clippy::doc_markdown, reason = "shown as plain text by --help")]
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// The certificate that the server of an https:// address must show (PEM); no other is trusted
    #[arg(long, value_name = "FILE", requires = "url")]
    pub certificate: Option<PathBuf>,
    /// Begin after this event; without it, with the next one
    #[arg(long, value_name = "SEQ")]
    pub since: Option<u64>,
    /// Only events of this agent, by id or name
    #[arg(long, value_name = "AGENT")]
    pub agent: Option<String>,
    /// Only events of these types
    #[arg(long = "type", value_delimiter = ',', value_name = "TYPE")]
    pub kinds: Vec<String>,
    /// Only events of this session
    #[arg(long, value_name = "SESSION")]
    pub session: Option<String>,
    /// Print each event as JSON
    #[arg(long)]
    pub json: bool,
    /// End after so many events
    #[arg(long, value_name = "COUNT")]
    pub count: Option<u64>,
}

#[derive(Debug, Args)]
#[expect(missing_docs)]
pub struct AgentsArgs {
    #[command(subcommand)]
    pub command: AgentsCommand,
}

#[derive(Debug, Subcommand)]
#[expect(missing_docs)]
pub enum AgentsCommand {
    /// List agents
    List {
        /// Only those with this role
        #[arg(long)]
        role: Option<String>,
        /// Only those in this category
        #[arg(long)]
        category: Option<String>,
        /// Only those with this tag
        #[arg(long)]
        tag: Option<String>,
        /// Only those whose name, description, capabilities or tags hold this text
        #[arg(short)]
        q: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show one agent
    Show {
        /// Its id or name
        agent: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
#[expect(missing_docs)]
pub struct AuditArgs {
    #[command(subcommand)]
    pub command: AuditCommand,
}

#[derive(Debug, Subcommand)]
#[expect(missing_docs)]
pub enum AuditCommand {
    /// Recompute every hash and compare the trail with a signed checkpoint; beside a running server, too
    Verify(AuditVerifyArgs),
    /// Write records as NDJSON, behind a line with what proves them
    Export(AuditExportArgs),
}

#[derive(Debug, Args)]
#[expect(missing_docs)]
pub struct AuditVerifyArgs {
    /// Verify this export instead of the data file
    #[arg(long, value_name = "FILE")]
    pub export: Option<PathBuf>,
    /// The key that signs checkpoints [default: that beside the data file, or in the export]
    #[arg(long, value_name = "FILE")]
    pub public_key: Option<PathBuf>,
    /// A checkpoint that you kept [default: that beside the data file]
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[expect(missing_docs)]
pub struct AuditExportArgs {
    /// The number of the first record [default: the first that is kept]
    #[arg(long, value_name = "SEQ")]
    pub from: Option<u64>,
    /// The number of the last record [default: the last that is signed]
    #[arg(long, value_name = "SEQ")]
    pub to: Option<u64>,
    /// Write to this file, which must be new [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}
