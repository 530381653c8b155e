//! `agentmap restore`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::json;

use super::partial::{Partial, folder_of, sync_folder_of};
use super::{Fault, Ran, backup, explain, output, record};
use crate::app::system_clock;
use crate::cli::RestoreArgs;
use crate::config::Config;
use crate::domain::admin::Act;
use crate::notary::Files;
use crate::store::{StoreError, is_held};

pub fn restore(config: &Config, args: &RestoreArgs) -> Ran {
    let data = &config.data;
    let replaced = data.exists();
    // A data file that is there but cannot be opened may be what the backup is to replace.
    if replaced && is_held(data).map_err(|e| Fault::new(format!("cannot open {}: {e}", data.display())))? {
        return Err(explain(data, &StoreError::Locked));
    }
    fs::create_dir_all(folder_of(data))
        .map_err(|e| Fault::new(format!("cannot make the folder {}: {e}", folder_of(data).display())))?;
    let partial = Partial::of(data, args.force)?;
    backup::copy(config, &args.file, &partial)?;
    let held = backup::checked(config, partial.path(), data, &args.file)?;
    let context = json!({"audit_size": held.audit_size, "audit_hash": held.audit_hash});
    let act = Act::new("data_restored").on("file", record::place(&args.file)).with(&context);
    record::origin(config, partial.path(), data, act)?;
    let kept = set_aside(data)
        .map_err(|e| Fault::new(format!("cannot keep {} under another name: {e}", data.display())))?;
    partial.arrive(args.force)?;
    if args.json {
        output::print_json(&held)?;
    } else {
        let kept = kept.map(|path| format!(" What was there is kept as {}.", path.display()));
        let kept = kept.unwrap_or_default();
        output::print(&format!("Restored {}, {}{kept}", data.display(), held.in_words()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Keeps the data file that is to be replaced under another name. Its own name it loses only when the new file takes
/// it, so that there is no moment in which a server would begin anew.
fn set_aside(data: &Path) -> io::Result<Option<PathBuf>> {
    let mark: String = system_clock()().to_string().chars().filter(char::is_ascii_alphanumeric).collect();
    let suffix = format!(".before-restore-{mark}");
    // They tell of a state that the backup is older than, and one key signs one history: what is restored begins another.
    Files::beside(data).set_aside(&suffix)?;
    if !data.exists() {
        return Ok(None);
    }
    let mut kept = data.as_os_str().to_owned();
    kept.push(suffix);
    let kept = PathBuf::from(kept);
    // Some file systems know no links.
    if fs::hard_link(data, &kept).is_err() {
        fs::rename(data, &kept)?;
    }
    sync_folder_of(data)?;
    Ok(Some(kept))
}
