//! The command line of `agentmap service`.

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
#[expect(missing_docs)]
pub struct ServiceArgs {
    #[command(subcommand)]
    pub command: ServiceCommand,
}

/// What is to be done with the service.
#[derive(Debug, Subcommand)]
pub enum ServiceCommand {
    /// Register the service; it serves with the settings that are given here as flags
    Install(ServiceInstallArgs),
    /// Stop the service and remove it; the data stays
    Uninstall(WhoseService),
    /// Start it, and wait until it serves
    Start(WhoseService),
    /// Stop it, and wait until it ended
    Stop(WhoseService),
    /// Tell how it stands; the exit code is 0 when it runs
    Status(WhoseService),
    /// What the service manager of Windows starts
    #[cfg(windows)]
    #[command(hide = true)]
    Run,
}

#[derive(Debug, Args)]
#[expect(missing_docs)]
pub struct ServiceInstallArgs {
    #[command(flatten)]
    pub whose: WhoseService,
    /// Show what would be registered, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Whose service.
#[derive(Debug, Clone, Copy, Args)]
pub struct WhoseService {
    /// That of this user, with the user's own data, in place of the machine's
    #[cfg(unix)]
    #[arg(long)]
    pub user: bool,
}
