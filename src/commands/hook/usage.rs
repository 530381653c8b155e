//! What an agent used, as its transcript tells: of each transcript it is remembered how far it was read.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;

use super::spool::Spool;
use crate::config::Config;
use crate::domain::idempotency::hash_of;
use crate::hook::claude_code::Payload;
use crate::hook::{Usage, transcript};

/// How much of a transcript is read at once.
const MOST: u64 = 32 * 1024 * 1024;

/// What was read.
pub struct Reading {
    /// The calls that were paid for.
    pub calls: Vec<Usage>,
    /// Where it is remembered how far was read.
    note: PathBuf,
    to: u64,
}

impl Reading {
    /// Notes that what was read was told. Where that is lost it is told again, and counted once by the calls' ids.
    pub fn passed(&self) {
        if let Some(folder) = self.note.parent() {
            let _ = fs::create_dir_all(folder);
        }
        let _ = fs::write(&self.note, self.to.to_string());
    }
}

/// What the transcript of an event's agent tells since it was last read.
pub fn of(config: &Config, payload: &Payload) -> Option<Reading> {
    let path = payload.transcript()?;
    let id = hash_of(&[path.as_bytes()]);
    let note = Spool::beside(&config.data).folder().join(format!("{id}.read"));
    let from = fs::read_to_string(&note).ok().and_then(|text| text.trim().parse::<u64>().ok()).unwrap_or(0);
    let mut file = File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    // One that is shorter than it was is another one.
    let from = if from > length { 0 } else { from };
    file.seek(SeekFrom::Start(from)).ok()?;
    let mut part = Vec::new();
    file.take(MOST).read_to_end(&mut part).ok()?;
    // The last line may not be finished.
    let end = part.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let calls = transcript::usage(&String::from_utf8_lossy(&part[..end]));
    Some(Reading { calls, note, to: from + end as u64 })
}
