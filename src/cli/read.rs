//! Reading a command line.

use std::ffi::OsString;

use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};

use super::{Cli, Command, Common, HookArgs};

/// The part of the command line that the hook has.
#[derive(Debug, Parser)]
#[command(name = "agentmap")]
struct HookCli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: HookCommand,
}

#[derive(Debug, Subcommand)]
enum HookCommand {
    Hook(HookArgs),
}

impl Cli {
    /// Reads a command line. What is wrong with it ends the process, with a message.
    #[must_use]
    pub fn read(args: &[OsString]) -> (Self, ArgMatches) {
        // The hook runs before each call of a tool. To make ready what it does not have takes longer than to answer.
        if args.get(1).is_some_and(|command| command == "hook")
            && let Ok(matches) = HookCli::command().try_get_matches_from(args)
            && let Ok(HookCli { common, command: HookCommand::Hook(args) }) =
                HookCli::from_arg_matches(&matches)
        {
            return (Self { common, command: Command::Hook(args) }, matches);
        }
        let matches = Self::command().get_matches_from(args);
        let cli = Self::from_arg_matches(&matches).unwrap_or_else(|e| e.exit());
        (cli, matches)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_reads_what_the_hook_is_told_as_the_whole_does() {
        for told in [
            "hook",
            "hook --identity explorer --wait 20 --on-unreachable deny --root /p",
            "hook --port 9 --data d.redb --config c.toml --cors-origin=http://a,http://b",
            "hook install --project --identity explorer --dry-run --port 9",
            "hook uninstall --user",
        ] {
            let args: Vec<_> = ["agentmap"].into_iter().chain(told.split(' ')).map(OsString::from).collect();
            assert!(HookCli::command().try_get_matches_from(&args).is_ok(), "{told}");
            let whole = Cli::try_parse_from(&args).unwrap();
            assert_eq!(format!("{:?}", Cli::read(&args).0), format!("{whole:?}"), "{told}");
        }
    }
}
