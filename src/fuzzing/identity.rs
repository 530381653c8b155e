//! Identity files: any bytes are an identity, a file to skip, or an error that names its line.

use std::path::Path;

use super::http;
use crate::domain::sync::{IdentityFile, SyncRequest};
use crate::seed::read::{Reading, read};

/// The first byte chooses between the kinds of file.
pub fn identity(bytes: &[u8]) {
    if let Some((kind, bytes)) = super::kind(bytes, 2) {
        check(Path::new(["a.yaml", "a.md"][kind]), bytes);
    }
}

/// Reading is a function, each note names a line that the file has, and what was accepted a server takes.
pub fn check(path: &Path, bytes: &[u8]) {
    let reading = read(path, bytes);
    assert_eq!(reading, read(path, bytes));
    let lines = 2 + bytes.iter().filter(|b| matches!(b, b'\n' | b'\r')).count() as u64;
    let notes = match &reading {
        Reading::Identity { identity, repairs } => {
            let file = IdentityFile { file: "/a".into(), identity: (**identity).clone() };
            let request =
                SyncRequest { identities: vec![file], prune_below: vec![], dry_run: false, strict: false };
            let sent = serde_json::to_vec(&request).unwrap();
            assert_eq!(http().sync(&sent).map_err(|refused| refused.detail), Ok(request));
            repairs
        }
        Reading::Skipped(reason) => {
            assert!(!reason.is_empty());
            return;
        }
        Reading::Failed(notes) => {
            assert!(!notes.is_empty());
            notes
        }
    };
    for note in notes {
        assert!(note.line.is_none_or(|line| (1..=lines).contains(&line)), "{note} of {lines}");
        assert!(!note.reason.is_empty() && !note.reason.chars().any(char::is_control), "{note:?}");
    }
}
