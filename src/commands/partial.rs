//! A file that is written under a name of its own, and takes the wanted name once it is whole.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::Fault;

/// A file on its way. What is left of one that does not arrive is removed.
pub struct Partial {
    path: PathBuf,
    target: PathBuf,
}

impl Partial {
    /// A place for the file in the folder of `target`, so that taking its name is one step.
    ///
    /// # Errors
    /// When `target` is there and may not be replaced, or names no file.
    pub fn of(target: &Path, replace: bool) -> Result<Self, Fault> {
        if !replace && target.symlink_metadata().is_ok() {
            return Err(there(target));
        }
        let Some(name) = target.file_name() else {
            return Err(Fault::new(format!("{} names no file", target.display())));
        };
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}.partial", std::process::id()));
        let path = target.with_file_name(hidden);
        // Of a process of the same number, which is gone.
        let _ = fs::remove_file(&path);
        Ok(Self { path, target: target.to_owned() })
    }

    /// Where the file is meanwhile.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the file, which is whole, its name. It is on disk under it when this returns.
    ///
    /// # Errors
    /// When another file took the name meanwhile and may not be replaced, or the disk fails.
    pub fn arrive(self, replace: bool) -> Result<(), Fault> {
        // Windows syncs only what is open for writing; elsewhere who made the file may not be let to write it.
        let file = File::options().read(true).write(cfg!(windows)).open(&self.path);
        let synced = file.and_then(|file| file.sync_all());
        let arrived = synced.and_then(|()| {
            if replace { fs::rename(&self.path, &self.target) } else { self.take_free_name() }
        });
        arrived.and_then(|()| sync_folder_of(&self.target)).map_err(|e| match e.kind() {
            ErrorKind::AlreadyExists => there(&self.target),
            _ => Fault::new(format!("cannot write {}: {e}", self.target.display())),
        })
    }

    /// Renaming replaces what is there; linking does not. Some file systems know no links.
    fn take_free_name(&self) -> io::Result<()> {
        match fs::hard_link(&self.path, &self.target) {
            Err(e) if e.kind() != ErrorKind::AlreadyExists => fs::rename(&self.path, &self.target),
            linked => linked,
        }
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

fn there(target: &Path) -> Fault {
    Fault::new(format!(
        "{} is there already; name another file, or replace it with --force",
        target.display()
    ))
}

/// The folder that a path lies in.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes the names in a file's folder last.
///
/// # Errors
/// When the disk fails.
pub fn sync_folder_of(path: &Path) -> io::Result<()> {
    // Elsewhere folders cannot be opened, and need not be synced.
    if cfg!(unix) { File::open(folder_of(path))?.sync_all() } else { Ok(()) }
}
