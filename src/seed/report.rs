//! What came of a seeding run.

use std::collections::BTreeSet;

use serde::Serialize;

use super::note::Note;
use crate::domain::sync::{SyncChange, SyncReport};

/// Something to tell about a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The file.
    pub file: String,
    /// The line in it, from 1; `None` where it concerns the file as a whole.
    pub line: Option<u64>,
    /// What was found and what was made of it.
    pub reason: String,
}

/// How many files came to what, and what is to be told of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Files whose agent is new.
    pub created: usize,
    /// Files whose agent changed.
    pub updated: usize,
    /// Files whose agent is as they say already.
    pub unchanged: usize,
    /// Files that were read in spite of errors; they count above too.
    pub repaired: usize,
    /// Files that hold no identity.
    pub skipped: usize,
    /// Files that could not be used.
    pub failed: usize,
    /// Agents that were removed because their file is gone.
    pub pruned: Vec<String>,
    /// Every repair.
    pub warnings: Vec<Line>,
    /// Every failure.
    pub errors: Vec<Line>,
    /// Why files were skipped.
    #[serde(skip)]
    pub skips: Vec<Line>,
}

impl Report {
    pub(super) fn skip(&mut self, file: &str, reason: String) {
        self.skipped += 1;
        self.skips.push(Line { file: file.to_owned(), line: None, reason });
    }

    pub(super) fn fail(&mut self, file: &str, notes: Vec<Note>) {
        self.failed += 1;
        self.errors.extend(lines(file, notes));
    }

    pub(super) fn repair(&mut self, file: &str, notes: Vec<Note>) {
        self.repaired += usize::from(!notes.is_empty());
        self.warnings.extend(lines(file, notes));
    }

    /// Adds what the registry made of the identities.
    #[must_use]
    pub fn with(mut self, synced: SyncReport) -> Self {
        let mut failed = BTreeSet::new();
        for file in synced.files {
            let line = file.note.map(|reason| Line { file: file.file.clone(), line: None, reason });
            match file.change {
                SyncChange::Created => self.created += 1,
                SyncChange::Updated => self.updated += 1,
                SyncChange::Unchanged => self.unchanged += 1,
                SyncChange::Failed => {
                    self.failed += 1;
                    failed.insert(file.file);
                    self.errors.extend(line);
                    continue;
                }
            }
            if let Some(line) = line {
                // A file is repaired once, however much there was to repair.
                self.repaired += usize::from(self.warnings.iter().all(|known| known.file != line.file));
                self.warnings.push(line);
            }
        }
        // A file that failed was not repaired, whatever could have been.
        let repaired: BTreeSet<_> =
            self.warnings.iter().map(|w| &w.file).filter(|f| failed.contains(*f)).collect();
        self.repaired -= repaired.len().min(self.repaired);
        self.pruned = synced.pruned;
        self
    }
}

fn lines(file: &str, notes: Vec<Note>) -> impl Iterator<Item = Line> {
    notes.into_iter().map(|note| Line { file: file.to_owned(), line: note.line, reason: note.reason })
}
