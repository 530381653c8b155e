//! `agentmap hook install` and `uninstall`: the hook's place in the settings of Claude Code.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::settings_file::{EVENTS, changed};
use crate::cli::{HookInstallArgs, HookUninstallArgs, WhichSettings};
use crate::commands::{Fault, Ran, output};
use crate::config::Config;

/// The settings files that there are: of the user, and of the project that this folder is.
pub fn settings_files() -> Vec<PathBuf> {
    [WhichSettings { user: true, project: false }, WhichSettings { user: false, project: true }]
        .into_iter()
        .filter_map(|which| file_of(which).ok())
        .collect()
}

fn file_of(which: WhichSettings) -> Result<PathBuf, Fault> {
    if which.project {
        return Ok(Path::new(".claude").join("settings.json"));
    }
    let set = std::env::var_os("CLAUDE_CONFIG_DIR").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let home = || directories::BaseDirs::new().map(|dirs| dirs.home_dir().join(".claude"));
    let folder =
        set.or_else(home).ok_or_else(|| Fault::new("the user's home folder is not known: use --project"))?;
    Ok(folder.join("settings.json"))
}

/// Puts the hook in.
pub fn install(config: &Config, args: &HookInstallArgs) -> Ran {
    let program = std::env::current_exe()
        .map_err(|e| Fault::new(format!("this program's own path is not known: {e}")))?;
    let mut words = vec!["hook".to_owned()];
    // What was set on this command line is what the hook is to use.
    if !config.is_default("data") {
        words.extend([
            "--data".into(),
            std::path::absolute(&config.data).unwrap_or(config.data.clone()).display().to_string(),
        ]);
    }
    for (name, value) in [
        ("--identity", args.identity.clone()),
        ("--on-unreachable", args.on_unreachable.map(|on| on.to_string())),
        ("--wait", args.wait.map(|wait| wait.to_string())),
    ] {
        words.extend(value.map(|value| [name.to_owned(), value]).into_iter().flatten());
    }
    let file = file_of(args.which)?;
    let program = program.display().to_string();
    if write(&file, Some((&program, &words)), args.dry_run)? {
        output::say(&format!(
            "Claude Code asks agentmap from its next session on: {} events in {}.",
            EVENTS.len(),
            file.display()
        ));
        let main = args.identity.as_deref().unwrap_or(&config.governance.default_identity);
        output::say(&format!(
            "The main session acts as the agent '{main}'; register it, or say --identity NAME. `agentmap doctor` tries \
             it out."
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// Takes the hook out.
pub fn uninstall(args: &HookUninstallArgs) -> Ran {
    let file = file_of(args.which)?;
    if write(&file, None, args.dry_run)? {
        output::say(&format!("Claude Code asks agentmap no longer: {}.", file.display()));
    }
    Ok(ExitCode::SUCCESS)
}

/// Changes a settings file, which is kept beside it. Tells whether it did.
fn write(file: &Path, hook: Option<(&str, &[String])>, dry_run: bool) -> Result<bool, Fault> {
    let fault = |what: &str, e: io::Error| Fault::new(format!("{} cannot be {what}: {e}", file.display()));
    let before = match fs::read_to_string(file) {
        Ok(text) => Some(text),
        Err(e) if e.kind() == io::ErrorKind::NotFound => None,
        Err(e) => return Err(fault("read", e)),
    };
    let text = before.clone().unwrap_or_default();
    let after = changed(&text, hook)
        .map_err(|why| Fault::new(format!("{}: {why}; nothing was changed", file.display())))?;
    if before.as_deref() == Some(after.as_str()) || (before.is_none() && hook.is_none()) {
        output::say(&format!("{} is so already.", file.display()));
        return Ok(false);
    }
    if dry_run {
        output::say(&format!("{} would be:\n{after}", file.display()));
        return Ok(false);
    }
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).map_err(|e| fault("made", e))?;
    }
    if before.is_some() {
        let kept = file.with_extension("json.before-agentmap");
        fs::copy(file, &kept).map_err(|e| fault("kept beside itself", e))?;
    }
    // Whole or not at all: a runtime may read it at any time.
    let unfinished = file.with_extension("json.part");
    let mut written = fs::File::create(&unfinished).map_err(|e| fault("written", e))?;
    written.write_all(after.as_bytes()).and_then(|()| written.sync_all()).map_err(|e| fault("written", e))?;
    if let Ok(known) = fs::metadata(file) {
        let _ = fs::set_permissions(&unfinished, known.permissions());
    }
    fs::rename(&unfinished, file).map_err(|e| fault("written", e))?;
    Ok(true)
}
