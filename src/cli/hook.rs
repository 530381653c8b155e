//! The command line of `agentmap hook`.

use std::fmt;
use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[expect(missing_docs)]
pub struct HookArgs {
    #[command(subcommand)]
    pub action: Option<HookAction>,
    /// The agent that acts where the event names none [default: the setting default-identity]
    #[arg(long, env = "AGENTMAP_IDENTITY", value_name = "NAME")]
    pub identity: Option<String>,
    /// The folder of the project, to which path scopes are relative [default: what the runtime says]
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// How long to wait for a person's answer, in seconds, at most 580
    #[arg(long, env = "AGENTMAP_HOOK_WAIT", value_name = "SECONDS", default_value_t = 300)]
    pub wait: u64,
    /// What becomes of an agent that asks when neither server nor data can be asked
    #[arg(long, env = "AGENTMAP_ON_UNREACHABLE", value_name = "RULE", default_value_t = OnUnreachable::Ask)]
    pub on_unreachable: OnUnreachable,
}

/// What is to be done with the hook.
#[derive(Debug, Subcommand)]
pub enum HookAction {
    /// Put the hook into the settings of Claude Code; what else they hold stays
    Install(HookInstallArgs),
    /// Take out what install put in
    Uninstall(HookUninstallArgs),
}

#[derive(Debug, Args)]
#[expect(missing_docs)]
pub struct HookInstallArgs {
    #[command(flatten)]
    pub which: WhichSettings,
    /// The agent that acts in the main session
    #[arg(long, value_name = "NAME")]
    pub identity: Option<String>,
    /// How long to wait for a person's answer, in seconds
    #[arg(long, value_name = "SECONDS")]
    pub wait: Option<u64>,
    /// What becomes of an agent that asks when neither server nor data can be asked
    #[arg(long, value_name = "RULE")]
    pub on_unreachable: Option<OnUnreachable>,
    /// Show what would be written, and write nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
#[expect(missing_docs)]
pub struct HookUninstallArgs {
    #[command(flatten)]
    pub which: WhichSettings,
    /// Show what would be written, and write nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Which settings file.
#[derive(Debug, Clone, Copy, Args)]
#[group(multiple = false)]
pub struct WhichSettings {
    /// That of the user, for all projects [default]
    #[arg(long)]
    pub user: bool,
    /// That of the project in this folder
    #[arg(long)]
    pub project: bool,
}

/// What becomes of an agent that asks when nobody can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum OnUnreachable {
    /// It may not.
    Deny,
    /// It goes on as it would without a hook.
    Allow,
    /// The person before it is asked.
    Ask,
}

impl fmt::Display for OnUnreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Deny => "deny",
            Self::Allow => "allow",
            Self::Ask => "ask",
        })
    }
}
