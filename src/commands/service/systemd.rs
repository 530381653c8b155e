//! Services of systemd: a unit of the machine, or of one user.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use directories::BaseDirs;

use super::{NAME, made_folder_of, program};
use crate::cli::{ServiceArgs, ServiceCommand, ServiceInstallArgs, WhoseService};
use crate::commands::partial::folder_of;
use crate::commands::{Fault, Ran, output};
use crate::config::Config;

/// The unit of the package, which every other is made of.
const UNIT: &str = include_str!("../../../assets/dist/agentmap.service");
/// Where a package puts it.
const OF_PACKAGE: [&str; 2] =
    ["/usr/lib/systemd/system/agentmap.service", "/lib/systemd/system/agentmap.service"];
/// Where the machine's service keeps its data: what `StateDirectory` in the unit makes.
const DATA: &str = "/var/lib/agentmap/agentmap.redb";
/// What a user's service manager cannot give, or what the user's own files and folders are closed by.
const OF_MACHINE: [&str; 16] = [
    "After",
    "DynamicUser",
    "StateDirectory",
    "StateDirectoryMode",
    "ProtectHome",
    "PrivateTmp",
    "PrivateDevices",
    "ProtectClock",
    "ProtectControlGroups",
    "ProtectHostname",
    "ProtectKernelLogs",
    "ProtectKernelModules",
    "ProtectKernelTunables",
    "ProtectProc",
    "ProcSubset",
    "CapabilityBoundingSet",
];

pub fn service(config: &Config, args: &ServiceArgs) -> Ran {
    match &args.command {
        ServiceCommand::Install(args) => install(config, args),
        ServiceCommand::Uninstall(whose) => uninstall(*whose),
        ServiceCommand::Start(whose) => {
            control(*whose, &["start", NAME])?;
            output::say("It serves.");
            Ok(ExitCode::SUCCESS)
        }
        ServiceCommand::Stop(whose) => {
            control(*whose, &["stop", NAME])?;
            output::say("It is stopped.");
            Ok(ExitCode::SUCCESS)
        }
        ServiceCommand::Status(whose) => {
            let status = systemctl(*whose, &["status", "--no-pager", NAME])?;
            Ok(ExitCode::from(status.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)))
        }
    }
}

fn install(config: &Config, args: &ServiceInstallArgs) -> Ran {
    let WhoseService { user } = args.whose;
    let file = file_of(args.whose)?;
    let text = if user { unit_of_user(config)? } else { unit_of_machine(config)? };
    if args.dry_run {
        output::print(&format!("# {}\n{}", file.display(), text.trim_end()))?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(package) = OF_PACKAGE.iter().find(|_| !user).filter(|unit| Path::new(unit).exists()) {
        return Err(Fault::new(format!(
            "a package brought the service already, as {package}: `systemctl enable --now {NAME}` starts it"
        )));
    }
    made_folder_of(&file)?;
    fs::write(&file, text).map_err(|e| unchanged(&file, user, &e))?;
    control(args.whose, &["daemon-reload"])?;
    control(args.whose, &["enable", NAME])?;
    let of_user = if user { " --user" } else { "" };
    output::say(&format!(
        "Registered as {}. `agentmap service start{of_user}` starts it now.",
        file.display()
    ));
    if user {
        output::say("It runs while you are logged in; `loginctl enable-linger` has it run always.");
    }
    Ok(ExitCode::SUCCESS)
}

fn uninstall(whose: WhoseService) -> Ran {
    let file = file_of(whose)?;
    if !file.exists() {
        return Err(Fault::new(format!("there is no {}: no service was installed so", file.display())));
    }
    control(whose, &["disable", "--now", NAME])?;
    fs::remove_file(&file).map_err(|e| unchanged(&file, whose.user, &e))?;
    control(whose, &["daemon-reload"])?;
    output::say(&format!("Removed {}. The data stays.", file.display()));
    Ok(ExitCode::SUCCESS)
}

fn unchanged(file: &Path, user: bool, e: &std::io::Error) -> Fault {
    let advice = if user { "" } else { "; use sudo, or --user for a service of your own" };
    Fault::new(format!("{} cannot be changed: {e}{advice}", file.display()))
}

fn file_of(whose: WhoseService) -> Result<PathBuf, Fault> {
    let folder = if whose.user {
        let dirs = BaseDirs::new().ok_or_else(|| Fault::new("the user's home folder is not known"))?;
        dirs.config_dir().join("systemd/user")
    } else {
        "/etc/systemd/system".into()
    };
    Ok(folder.join(NAME).with_extension("service"))
}

/// The unit of the package, with the settings of this command line.
fn unit_of_machine(config: &Config) -> Result<String, Fault> {
    if !config.is_default("data") && config.data != Path::new(DATA) {
        return Err(Fault::new(format!(
            "the machine's service keeps its data in {DATA}, and can write nowhere else: leave --data out, or use --user"
        )));
    }
    if let Some(archive) = config.archive.iter().find(|folder| !folder.starts_with(made_by_unit())) {
        return Err(Fault::new(format!(
            "the machine's service can write to {} alone: {} is not below it",
            made_by_unit().display(),
            archive.display()
        )));
    }
    let closed = ["/home", "/root", "/run/user", "/tmp", "/var/tmp"].map(PathBuf::from);
    let start = start(&program(&closed)?, &config.flags, Path::new(DATA))?;
    let lines = UNIT.lines().filter(|line| !line.starts_with('#'));
    let lines = lines.map(|line| if line.starts_with("ExecStart=") { &start } else { line });
    Ok(lines.collect::<Vec<_>>().join("\n") + "\n")
}

/// The unit of the package without what only the machine's manager can do, and with the user's own data.
fn unit_of_user(config: &Config) -> Result<String, Fault> {
    let data = std::path::absolute(&config.data).unwrap_or_else(|_| config.data.clone());
    let mut written = vec![quoted(made_folder_of(&data)?.as_os_str())?];
    if let Some(archive) = &config.archive {
        let archive = std::path::absolute(archive).unwrap_or_else(|_| archive.clone());
        fs::create_dir_all(&archive)
            .map_err(|e| Fault::new(format!("cannot make the folder {}: {e}", archive.display())))?;
        written.push(quoted(archive.as_os_str())?);
    }
    let start = start(&program(&[])?, &config.flags, &data)?;
    let written = format!("ReadWritePaths={}", written.join(" "));
    let mut unit = String::new();
    for line in UNIT.lines().filter(|line| !line.starts_with('#')) {
        let lines = match line.split_once('=') {
            Some((directive, _)) if OF_MACHINE.contains(&directive) => continue,
            Some(("ExecStart", _)) => [start.as_str(), ""],
            Some(("ProtectSystem", _)) => [line, &written],
            Some(("WantedBy", _)) => ["WantedBy=default.target", ""],
            _ => [line, ""],
        };
        unit.extend([lines[0], "\n"]);
        unit.extend([lines[1], "\n"].into_iter().take(2 * usize::from(!lines[1].is_empty())));
    }
    Ok(unit)
}

/// The folder that the unit of the machine makes.
fn made_by_unit() -> &'static Path {
    folder_of(Path::new(DATA))
}

/// The directive that starts the server.
fn start(program: &Path, flags: &[OsString], data: &Path) -> Result<String, Fault> {
    let mut line = format!("ExecStart={} serve", quoted(program.as_os_str())?);
    for flag in flags.iter().filter(|flag| !flag.to_string_lossy().starts_with("--data=")) {
        line += " ";
        // What begins with a dollar sign there is taken from the environment.
        line += &quoted(flag)?.replace('$', "$$");
    }
    let data = quoted(OsString::from_iter(["--data=".as_ref(), data.as_os_str()]).as_os_str())?;
    Ok(line + " " + &data.replace('$', "$$"))
}

/// A word of a directive.
fn quoted(word: &OsStr) -> Result<String, Fault> {
    let refused = || Fault::new(format!("a unit cannot hold {}", word.display()));
    let text = word.to_str().filter(|text| !text.chars().any(char::is_control)).ok_or_else(refused)?;
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%");
    Ok(if text.contains([' ', '"', '\'', '\\', ';']) { format!("\"{text}\"") } else { text })
}

/// Has the service manager do something, which must succeed.
fn control(whose: WhoseService, words: &[&str]) -> Result<(), Fault> {
    match systemctl(whose, words)? {
        Some(0) => Ok(()),
        _ => {
            let journal = if whose.user { "journalctl --user -u" } else { "journalctl -u" };
            Err(Fault::new(format!("systemctl {} failed; `{journal} {NAME}` may tell why", words.join(" "))))
        }
    }
}

/// Runs systemctl, which tells the user what is wrong, and gives its exit code.
fn systemctl(whose: WhoseService, words: &[&str]) -> Result<Option<i32>, Fault> {
    let mut command = Command::new("systemctl");
    let ran = command.args(whose.user.then_some("--user")).args(words).status();
    ran.map(|status| status.code()).map_err(|e| {
        Fault::new(format!(
            "systemctl cannot be run: {e}; without systemd, let the system run `agentmap serve`"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(data: &Path) -> Config {
        let flags = vec!["--port=9000".into(), "--webhook=http://me:100%$x@a/".into(), "--data=old".into()];
        Config { data: data.to_owned(), flags, ..Config::defaults() }
    }

    #[test]
    fn what_a_unit_starts_is_quoted() {
        let flags = ["--log=a b".into(), "--webhook=http://me:100%$x\"@a/".into(), "--data=old".into()];
        let line = start(Path::new("/opt/a b/agentmap"), &flags, Path::new("/d\\x")).unwrap();
        assert_eq!(
            line,
            r#"ExecStart="/opt/a b/agentmap" serve "--log=a b" "--webhook=http://me:100%%$$x\"@a/" "--data=/d\\x""#
        );
        assert!(quoted(OsStr::new("a\nExecStart=b")).is_err());
    }

    #[test]
    fn a_users_unit_keeps_the_rest_of_the_machine_closed() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("my data").join("a.redb");
        let unit = unit_of_user(&config(&data)).unwrap();
        let lines: Vec<_> = unit.lines().collect();
        let written = format!("ReadWritePaths=\"{}\"", data.parent().unwrap().display());
        for line in [
            "NoNewPrivileges=yes",
            "ProtectSystem=strict",
            "Type=notify",
            "WantedBy=default.target",
            &written,
        ] {
            assert!(lines.contains(&line), "{line}: {unit}");
        }
        for directive in OF_MACHINE {
            assert!(UNIT.contains(&format!("\n{directive}=")), "the unit has no {directive} any more");
            assert!(!unit.contains(&format!("\n{directive}=")), "{unit}");
        }
    }

    #[test]
    fn the_machines_service_writes_nowhere_else() {
        let mut config = config(Path::new(DATA));
        config.archive = Some("/srv/archive".into());
        assert!(unit_of_machine(&config).unwrap_err().0.contains("/srv/archive"));
        config.origins =
            vec![crate::config::Setting { name: "data", value: String::new(), source: "flag".into() }];
        config.data = "/srv/a.redb".into();
        assert!(unit_of_machine(&config).unwrap_err().0.contains("--user"));
    }
}
