//! `agentmap service`: the server as a service of the system.

use std::path::{Path, PathBuf};

use super::{Fault, Ran};
use crate::cli::ServiceArgs;
use crate::config::Config;

#[cfg(target_os = "linux")]
#[path = "service/systemd.rs"]
mod system;
#[cfg(windows)]
#[path = "service/windows.rs"]
mod system;

/// What the system calls the service.
const NAME: &str = "agentmap";

#[cfg(any(target_os = "linux", windows))]
pub fn service(config: &Config, args: &ServiceArgs) -> Ran {
    system::service(config, args)
}

#[cfg(not(any(target_os = "linux", windows)))]
pub fn service(_config: &Config, _args: &ServiceArgs) -> Ran {
    Err(Fault::new(
        "services are made on Linux, by systemd, and on Windows: here, let the system run `agentmap serve`",
    ))
}

/// This program, which the service is to start. Where services are strangers to users' folders it must not lie in one.
fn program(closed: &[PathBuf]) -> Result<PathBuf, Fault> {
    let program = std::env::current_exe()
        .map_err(|e| Fault::new(format!("this program's own path is not known: {e}")))?;
    match closed.iter().find(|folder| program.starts_with(folder)) {
        Some(folder) => Err(Fault::new(format!(
            "the service may not read {}, where this program is: move it to {} first, and run it from there",
            folder.display(),
            if cfg!(windows) { "a folder below C:\\Program Files" } else { "/usr/local/bin" }
        ))),
        None => Ok(program),
    }
}

/// The folder that a file lies in, made where it is not there.
fn made_folder_of(file: &Path) -> Result<&Path, Fault> {
    let folder = super::partial::folder_of(file);
    std::fs::create_dir_all(folder)
        .map_err(|e| Fault::new(format!("cannot make the folder {}: {e}", folder.display())))?;
    Ok(folder)
}
