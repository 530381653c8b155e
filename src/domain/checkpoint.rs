//! Checkpoints: what the tree was, signed (<https://c2sp.org/tlog-checkpoint>).

use std::fmt;

use super::audit::Hash;
use super::note::{NoteError, PublicKey, Signer, base64, from_base64};

/// A tree of some size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log that it is of: the name of its key.
    pub origin: String,
    /// How many records there were.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

impl Checkpoint {
    /// The checkpoint as a note that is signed.
    #[must_use]
    pub fn sign(size: u64, root: Hash, signer: &Signer) -> String {
        let origin = signer.public().name().to_owned();
        signer.sign(&Self { origin, size, root }.to_string())
    }

    /// Reads a note that a key signed.
    ///
    /// # Errors
    /// When it is not signed by this key, or no checkpoint of its log.
    pub fn open(note: &str, key: &PublicKey) -> Result<Self, NoteError> {
        let checkpoint = Self::read(key.open(note)?).ok_or(NoteError("it is not a checkpoint"))?;
        if checkpoint.origin == key.name() {
            Ok(checkpoint)
        } else {
            Err(NoteError("it is the checkpoint of another log"))
        }
    }

    /// Reads the text of a checkpoint: three lines, and extensions that are left alone. The signature is not looked at.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let mut lines = text.split('\n');
        let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
        let number: u64 = size.parse().ok()?;
        // One way of writing a number alone.
        let root = from_base64(root).filter(|_| !origin.is_empty() && number.to_string() == size)?;
        Some(Self { origin: origin.to_owned(), size: number, root: Hash(root.try_into().ok()?) })
    }
}

impl fmt::Display for Checkpoint {
    /// The text that is signed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, base64(&self.root.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_read_as_it_was_signed() {
        let signer = Signer::from_seed(&[1; 32]);
        let note = Checkpoint::sign(20_852_163, Hash([9; 32]), &signer);
        let read = Checkpoint::open(&note, signer.public()).unwrap();
        assert_eq!((read.size, read.root), (20_852_163, Hash([9; 32])));
        assert_eq!(read.origin, signer.public().name());
        assert!(Checkpoint::open(&note, Signer::from_seed(&[2; 32]).public()).is_err());
    }

    #[test]
    fn what_is_signed_and_no_checkpoint_of_the_log_is_refused() {
        let signer = Signer::from_seed(&[1; 32]);
        let root = base64(&[0; 32]);
        let origin = signer.public().name();
        for text in [
            "hello\n".to_owned(),
            format!("elsewhere\n1\n{root}\n"),
            format!("{origin}\n01\n{root}\n"),
            format!("{origin}\n+1\n{root}\n"),
            format!("{origin}\n-1\n{root}\n"),
            format!("{origin}\n1\n{}\n", base64(&[0; 31])),
            format!("{origin}\n1\n"),
        ] {
            assert!(Checkpoint::open(&signer.sign(&text), signer.public()).is_err(), "{text}");
        }
        let extended = signer.sign(&format!("{origin}\n1\n{root}\nmore\n"));
        assert_eq!(Checkpoint::open(&extended, signer.public()).unwrap().size, 1);
    }
}
