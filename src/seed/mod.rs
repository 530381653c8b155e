//! Identity files: found, read, repaired, and handed to the registry.

mod builder;
mod fields;
mod front_matter;
mod identity;
mod lexis;
mod load;
mod mapping;
mod mend;
mod name;
mod node;
mod note;
pub mod read;
mod recognise;
pub mod report;
mod samples;
mod scalar;
mod sections;
mod tree;
mod values;
pub mod walk;
mod yaml;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

pub use note::{Note, clean};
use read::Reading;
pub use report::{Line, Report};
pub use samples::samples;
use walk::{Missing, Step};

use crate::domain::identity::Identity;
use crate::domain::sync::IdentityFile;

/// What the files of some folders say, and what was wrong with them.
pub struct Collection {
    /// The identities, in path order.
    pub identities: Vec<IdentityFile>,
    /// Repairs, skipped files and errors so far.
    pub report: Report,
}

/// Reads the identity files below some folders. `strict` makes every repair an error. `progress` is told of each
/// file.
///
/// # Errors
/// When a folder does not exist.
pub fn collect(
    roots: &[PathBuf],
    strict: bool,
    mut progress: impl FnMut(usize, usize),
) -> Result<Collection, Missing> {
    let steps = walk::walk(roots)?;
    let mut collection = Collection { identities: Vec::new(), report: Report::default() };
    let total = steps.len();
    for (done, step) in steps.into_iter().enumerate() {
        progress(done, total);
        collection.take(step, strict);
    }
    progress(total, total);
    Ok(collection)
}

impl Collection {
    fn take(&mut self, Step { path, fault }: Step, strict: bool) {
        let file = shown(&path);
        let reading = match fault {
            Some(note) => Reading::Failed(vec![note]),
            None => match load::load(&path) {
                Ok(bytes) => read::read(&path, &bytes),
                Err(note) => Reading::Failed(vec![note]),
            },
        };
        match reading {
            Reading::Skipped(reason) => self.report.skip(&file, reason),
            Reading::Failed(notes) => self.report.fail(&file, notes),
            Reading::Identity { repairs, .. } if strict && !repairs.is_empty() => {
                self.report.fail(&file, repairs);
            }
            Reading::Identity { identity, repairs } => self.keep(file, *identity, repairs),
        }
    }

    fn keep(&mut self, file: String, identity: Identity, repairs: Vec<Note>) {
        self.report.repair(&file, repairs);
        self.identities.push(IdentityFile { file, identity });
    }
}

/// A file's real path as text that is fit to print.
pub(crate) fn shown(path: &Path) -> String {
    let path = std::fs::canonicalize(path)
        .or_else(|_| std::path::absolute(path))
        .unwrap_or_else(|_| path.to_owned());
    let text = path.to_string_lossy();
    // What Windows puts in front of a real path, nobody writes.
    let text = text.strip_prefix(r"\\?\").unwrap_or(&text);
    let safe = text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] });
    safe.collect()
}
