//! The program that is tested: the one that cargo built, or another, which a runner such as Wine may run.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A command that runs it.
pub fn program() -> Command {
    match (std::env::var_os("AGENTMAP_TEST_RUNNER"), path()) {
        (Some(runner), path) => {
            let mut command = Command::new(runner);
            command.arg(path);
            command
        }
        (None, path) => Command::new(path),
    }
}

/// Where it is.
pub fn path() -> PathBuf {
    let other = std::env::var_os("AGENTMAP_TEST_PROGRAM").map(PathBuf::from);
    other.unwrap_or_else(|| env!("CARGO_BIN_EXE_agentmap").into())
}

/// Whether it is one of Windows.
pub fn is_of_windows() -> bool {
    path().extension().is_some_and(|extension| extension == "exe")
}

/// Whether it is one of Windows that runs on another system.
pub fn is_foreign() -> bool {
    is_of_windows() && !cfg!(windows)
}

/// A whole path as the program says it: Wine's drive Z is this system's root.
pub fn as_said(path: &Path) -> OsString {
    if is_foreign() { format!("Z:{}", path.display()).replace('/', "\\").into() } else { path.into() }
}
