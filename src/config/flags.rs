//! The flags of this command line, for another process that is to have the same settings.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use clap::parser::ValueSource;

use super::Setting;
use super::picker::flag;

/// Those of the settings, and of the file that more are read from. Paths are whole: the other process may stand in
/// another folder.
pub(super) fn given(matches: &ArgMatches, settings: &[Setting]) -> Vec<OsString> {
    let names = settings.iter().map(|setting| setting.name).chain(["config"]);
    let on_command_line = names.filter(|name| matches.value_source(name) == Some(ValueSource::CommandLine));
    let flags = on_command_line.flat_map(|name| {
        let is_path = matches.try_get_one::<PathBuf>(name).is_ok();
        matches.get_raw(name).into_iter().flatten().map(move |value| {
            let whole = Some(Path::new(value)).filter(|_| is_path);
            let whole = whole.and_then(|path| std::path::absolute(path).ok());
            let mut text = OsString::from(format!("--{}=", flag(name)));
            text.push(whole.as_ref().map_or(value, |path| path.as_os_str()));
            text
        })
    });
    flags.collect()
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, FromArgMatches};

    use super::super::Config;
    use crate::cli::Cli;

    #[test]
    fn flags_say_the_same_again_in_another_folder() {
        let told = [
            "agentmap",
            "service",
            "install",
            "--port",
            "9000",
            "--require-token",
            "--cors-origin=http://a,http://b",
            "--tls-cert",
            "cert file.pem",
            "--tls-key",
            "key.pem",
            "--data=d.redb",
        ];
        let matches = Cli::command().get_matches_from(told);
        let cli = Cli::from_arg_matches(&matches).unwrap();
        let config = Config::resolve(cli.common.settings, &matches, None, false).unwrap();
        let here = |name: &str| std::path::absolute(name).unwrap().display().to_string();
        let mut flags: Vec<_> = config.flags.iter().map(|flag| flag.to_str().unwrap().to_owned()).collect();
        flags.sort();
        assert_eq!(
            flags,
            [
                "--cors-origin=http://a".to_owned(),
                "--cors-origin=http://b".into(),
                format!("--data={}", here("d.redb")),
                "--port=9000".into(),
                "--require-token=true".into(),
                format!("--tls-cert={}", here("cert file.pem")),
                format!("--tls-key={}", here("key.pem")),
            ]
        );
    }
}
