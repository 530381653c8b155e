//! The command line of `agentmap token`.

use clap::{Args, Subcommand};

use super::JsonArg;

#[derive(Debug, Args)]
#[expect(missing_docs)]
pub struct TokenArgs {
    #[command(subcommand)]
    pub command: TokenCommand,
}

#[derive(Debug, Subcommand)]
#[expect(missing_docs)]
pub enum TokenCommand {
    /// Make a token; it is shown once
    Create(TokenCreateArgs),
    /// List tokens, also those that ended
    List(JsonArg),
    /// End a token at once
    Revoke {
        /// Its name or id
        token: String,
    },
}

#[derive(Debug, Args)]
#[expect(missing_docs)]
pub struct TokenCreateArgs {
    /// What it allows: viewer, ingest, operator or admin
    #[arg(long)]
    pub role: String,
    /// What the audit trail calls its holder [default: the role and the token's beginning]
    #[arg(long)]
    pub name: Option<String>,
    /// Bind it to the one agent of this name; with --role ingest
    #[arg(long, value_name = "NAME")]
    pub agent: Option<String>,
    /// When it ends: 30d, 12h, 90m [default: never]
    #[arg(long, value_name = "TIME")]
    pub expires: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}
