//! Signed notes, and the texts of their keys (<https://c2sp.org/signed-note>), with Ed25519.

use std::fmt;

use base64::prelude::{BASE64_STANDARD, Engine};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

use super::audit::Hash;

/// The type of signature that this is, among those that notes know.
const ED25519: u8 = 1;
/// What the text of a private key begins with, as Go's `sumdb/note` writes it.
const PRIVATE: &str = "PRIVATE+KEY+";
/// What a line with a signature begins with.
const LEAD: &str = "\u{2014} ";
/// What the names of the keys that this program makes begin with.
const ORIGIN: &str = "agentmap.local/audit/";

/// Why a note or a key cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoteError(pub &'static str);

/// Bytes as notes write them.
#[must_use]
pub fn base64(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}

/// Reads [`base64`].
#[must_use]
pub fn from_base64(text: &str) -> Option<Vec<u8>> {
    BASE64_STANDARD.decode(text).ok()
}

/// A key that verifies, with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    name: String,
    key: VerifyingKey,
}

impl PublicKey {
    /// The key's name: the origin of what it signs.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key's id among those of its name.
    fn id(&self) -> [u8; 4] {
        let mut hasher = Sha256::new();
        hasher.update(&self.name);
        hasher.update([b'\n', ED25519]);
        hasher.update(self.key.as_bytes());
        let hash: [u8; 32] = hasher.finalize().into();
        [hash[0], hash[1], hash[2], hash[3]]
    }

    /// Reads `<name>+<id>+<key>`.
    ///
    /// # Errors
    /// When it is no such text, or another type of key.
    pub fn read(text: &str) -> Result<Self, NoteError> {
        let (name, id, bytes) = read_key(text.trim_end())?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| NoteError("it is not an Ed25519 key"))?;
        let key = Self { name: name.to_owned(), key };
        if hex(key.id()) == id { Ok(key) } else { Err(NoteError("its id is not that of its name and key")) }
    }

    /// The text of a note that this key signed.
    ///
    /// # Errors
    /// When it is no signed note, or not signed by this key.
    pub fn open<'a>(&self, note: &'a str) -> Result<&'a str, NoteError> {
        const MALFORMED: NoteError = NoteError("it is not a signed note");
        let end = note.rfind("\n\n").ok_or(MALFORMED)? + 1;
        let (text, signatures) = (&note[..end], &note[end + 1..]);
        if !signatures.ends_with('\n') || note.chars().any(|c| c < ' ' && c != '\n') {
            return Err(MALFORMED);
        }
        for line in signatures.lines() {
            let (name, signature) =
                line.strip_prefix(LEAD).and_then(|line| line.split_once(' ')).ok_or(MALFORMED)?;
            let signature = from_base64(signature).ok_or(MALFORMED)?;
            let Some((id, signature)) = signature.split_first_chunk() else { return Err(MALFORMED) };
            if name == self.name && *id == self.id() {
                let signature = Signature::from_slice(signature)
                    .map_err(|_| NoteError("its signature is not one of Ed25519"))?;
                let verified = self.key.verify_strict(text.as_bytes(), &signature);
                return verified.map(|()| text).map_err(|_| NoteError("its signature is not of its text"));
            }
        }
        Err(NoteError("it is not signed by this key"))
    }
}

impl fmt::Display for PublicKey {
    /// `<name>+<id>+<key>`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![ED25519];
        bytes.extend(self.key.as_bytes());
        write!(f, "{}+{}+{}", self.name, hex(self.id()), base64(&bytes))
    }
}

/// A key that signs. It is not shown by accident: only [`secret`](Self::secret) tells it.
pub struct Signer {
    key: SigningKey,
    public: PublicKey,
}

impl Signer {
    /// The key that follows from 32 random bytes, named after its public part.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let key = SigningKey::from_bytes(seed);
        let hash = Hash(Sha256::digest(key.verifying_key().as_bytes()).into()).to_string();
        Self::named(format!("{ORIGIN}{}", &hash[..16]), key)
    }

    fn named(name: String, key: SigningKey) -> Self {
        let public = PublicKey { name, key: key.verifying_key() };
        Self { key, public }
    }

    /// What others verify with.
    #[must_use]
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The private key as text: `PRIVATE+KEY+<name>+<id>+<seed>`.
    #[must_use]
    pub fn secret(&self) -> String {
        let mut bytes = vec![ED25519];
        bytes.extend(self.key.as_bytes());
        format!("{PRIVATE}{}+{}+{}", self.public.name, hex(self.public.id()), base64(&bytes))
    }

    /// Reads [`secret`](Self::secret).
    ///
    /// # Errors
    /// When it is no such text, or another type of key.
    pub fn read(text: &str) -> Result<Self, NoteError> {
        let text = text.trim_end().strip_prefix(PRIVATE).ok_or(NoteError("it is not a private key"))?;
        let (name, id, seed) = read_key(text)?;
        let signer = Self::named(name.to_owned(), SigningKey::from_bytes(&seed));
        if hex(signer.public.id()) == id {
            Ok(signer)
        } else {
            Err(NoteError("its id is not that of its name and key"))
        }
    }

    /// Signs a text, which ends in a newline.
    #[must_use]
    pub fn sign(&self, text: &str) -> String {
        let mut bytes = self.public.id().to_vec();
        bytes.extend(self.key.sign(text.as_bytes()).to_bytes());
        format!("{text}\n{LEAD}{} {}\n", self.public.name, base64(&bytes))
    }
}

/// The name, the id and the 32 bytes of `<name>+<id>+<type and bytes>`.
fn read_key(text: &str) -> Result<(&str, &str, [u8; 32]), NoteError> {
    const MALFORMED: NoteError = NoteError("it is not a key of a signed note");
    let (name, rest) = text.split_once('+').ok_or(MALFORMED)?;
    let (id, bytes) = rest.split_once('+').ok_or(MALFORMED)?;
    if name.is_empty() || name.contains(char::is_whitespace) {
        return Err(MALFORMED);
    }
    match from_base64(bytes).ok_or(MALFORMED)?.split_first() {
        Some((&ED25519, key)) => key.try_into().map(|key| (name, id, key)).map_err(|_| MALFORMED),
        _ => Err(NoteError("it is not an Ed25519 key")),
    }
}

fn hex(id: [u8; 4]) -> String {
    format!("{:08x}", u32::from_be_bytes(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of Go's `sumdb/note`.
    const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const SECRET: &str = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
    const TEXT: &str = "If you think cryptography is the answer to your problem,\n\
                        then you don't know what your problem is.\n";
    const SIGNED: &str = "\n\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    #[test]
    fn what_go_signs_is_what_this_signs() {
        let signer = Signer::read(SECRET).unwrap();
        assert_eq!(signer.public().to_string(), PETER);
        assert_eq!(signer.secret(), SECRET);
        let note = signer.sign(TEXT);
        assert_eq!(note, format!("{TEXT}{SIGNED}"));
        assert_eq!(PublicKey::read(PETER).unwrap().open(&note), Ok(TEXT));
    }

    #[test]
    fn a_note_is_refused_when_anything_about_it_changes() {
        let key = PublicKey::read(PETER).unwrap();
        let note = format!("{TEXT}{SIGNED}");
        for at in 0..note.len() {
            let mut other = note.clone().into_bytes();
            other[at] ^= 1;
            let Ok(other) = String::from_utf8(other) else { continue };
            assert!(key.open(&other).is_err(), "{at}: {other}");
        }
        let stranger = Signer::from_seed(&[7; 32]);
        assert_eq!(key.open(&stranger.sign(TEXT)), Err(NoteError("it is not signed by this key")));
        // Signatures of others are left alone.
        let both = note.clone() + stranger.sign(TEXT).rsplit_once("\n\n").unwrap().1;
        assert_eq!(key.open(&both), Ok(TEXT));
        assert_eq!(stranger.public().open(&both), Ok(TEXT));
    }

    #[test]
    fn keys_that_are_none_are_refused() {
        for text in ["", "a", "a+b", "a+b+c", &PETER.replace("c74f", "c74e"), &PETER.replace("Peter", "Paul")]
        {
            assert!(PublicKey::read(text).is_err(), "{text}");
            assert!(Signer::read(&format!("PRIVATE+KEY+{text}")).is_err(), "{text}");
        }
        assert!(Signer::read(PETER).is_err());
    }
}
