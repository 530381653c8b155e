//! What a verification found, as it is told.

use serde::Serialize;

use super::super::output;
use crate::domain::audit::Hash;
use crate::domain::audit_verify::{Bad, Trail};
use crate::domain::time::Timestamp;

/// What was verified, and how it came out.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Whether all is right.
    pub ok: bool,
    /// What is wrong.
    pub problem: Option<Bad>,
    /// How many records were read.
    pub records: u64,
    /// The number of the first.
    pub first: u64,
    /// How many records the tree covers, with those before and behind.
    pub size: u64,
    /// Its root.
    pub root: Option<Hash>,
    /// The checkpoint that it was compared with.
    pub checkpoint: Option<Compared>,
    /// What was not verified, and why.
    pub notes: Vec<String>,
    /// How long it took.
    pub seconds: f64,
    /// How fast that was.
    pub records_per_second: u64,
}

/// A checkpoint that something was compared with.
#[derive(Debug, Clone, Serialize)]
pub struct Compared {
    /// Its log.
    pub origin: String,
    /// How many records it covers.
    pub size: u64,
    /// When its file was written.
    pub written_at: Option<Timestamp>,
}

impl Report {
    /// Notes how far a trail went.
    pub fn note_end(&mut self, trail: &Trail) {
        self.size = trail.frontier().size();
        self.records = self.size.saturating_sub(self.first);
        self.root = Some(trail.frontier().root());
    }

    /// For people.
    pub fn told(&self) -> String {
        let mut lines = Vec::new();
        let last = (self.first + self.records).saturating_sub(1);
        let range = if self.records == 0 { String::new() } else { format!(" ({} to {last})", self.first) };
        lines.push(format!(
            "{:<11} {}{range}, {:.2} s, {} a second",
            "records", self.records, self.seconds, self.records_per_second
        ));
        if let Some(root) = self.root {
            lines.push(format!("{:<11} {} records, root {root}", "tree", self.size));
        }
        if let Some(checkpoint) = &self.checkpoint {
            let at = checkpoint.written_at.map_or_else(String::new, |at| format!(", written {at}"));
            let origin = output::safe(&checkpoint.origin);
            lines.push(format!("{:<11} {} records{at}, of {origin}", "checkpoint", checkpoint.size));
        }
        lines.extend(self.notes.iter().map(|note| format!("{:<11} {}", "note", output::safe(note))));
        lines.push(match &self.problem {
            None => "Every record is as it was recorded.".into(),
            Some(Bad { seq, audit_id, why }) => {
                let id = audit_id.map_or_else(String::new, |id| format!(" ({id})"));
                let at = seq.map_or_else(String::new, |seq| format!("record {seq}{id}: "));
                format!("Not as it was recorded: {at}{}.", output::safe(why))
            }
        });
        lines.join("\n")
    }
}
