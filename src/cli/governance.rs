//! The command line of approvals and policy.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
#[expect(missing_docs)]
pub struct ApprovalsArgs {
    #[command(subcommand)]
    pub command: ApprovalsCommand,
}

/// What is to be done about approvals.
#[derive(Debug, Subcommand)]
pub enum ApprovalsCommand {
    /// List what waits for an answer
    List {
        /// Also what was answered
        #[arg(long)]
        all: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Let it be done
    Approve(AnswerArgs),
    /// Do not let it be done
    Deny(AnswerArgs),
}

#[derive(Debug, Args)]
#[expect(missing_docs)]
pub struct AnswerArgs {
    /// The approval's id, or its beginning
    #[arg(value_name = "ID")]
    pub approval: String,
    /// Why; the agent is told
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Approve the like of it for as long as the session lasts
    #[arg(long, conflicts_with = "always")]
    pub session: bool,
    /// Approve the like of it until the grant is revoked
    #[arg(long)]
    pub always: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[expect(missing_docs)]
pub struct PolicyArgs {
    #[command(subcommand)]
    pub command: PolicyCommand,
}

/// What is to be found out.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Ask again what was asked before, of identities that changed, and show what would be decided otherwise; exits 1
    /// where something would
    Test(PolicyTestArgs),
}

#[derive(Debug, Args)]
#[expect(missing_docs)]
pub struct PolicyTestArgs {
    /// The changed identity files, or folders of them
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// How many of the newest audit records are looked through
    #[arg(long, value_name = "COUNT", default_value_t = 100_000)]
    pub last: usize,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}
