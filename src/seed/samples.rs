//! The sample fleet, which is built in.

use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;

use super::IdentityFile;
use super::read::{self, Reading};

/// The files of `assets/identities`, packed by `assets/pack.rs`: of each its name, its length and its text.
const FLEET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/fleet.gz"));

/// The identities of the sample fleet.
///
/// # Errors
/// Names the file that cannot be read, which a test finds.
pub fn samples() -> Result<Vec<IdentityFile>, String> {
    let mut all = Vec::new();
    GzDecoder::new(FLEET).read_to_end(&mut all).map_err(|e| format!("the sample fleet: {e}"))?;
    let mut rest = all.as_slice();
    let mut identities = Vec::new();
    while !rest.is_empty() {
        let (name, bytes) = next(&mut rest).ok_or("the sample fleet is cut off")?;
        match read::read(Path::new(name), bytes) {
            Reading::Identity { identity, .. } => {
                identities.push(IdentityFile { file: name.to_owned(), identity: *identity });
            }
            Reading::Skipped(_) | Reading::Failed(_) => return Err(format!("{name} is no identity")),
        }
    }
    Ok(identities)
}

/// The next file's name and text.
fn next<'a>(rest: &mut &'a [u8]) -> Option<(&'a str, &'a [u8])> {
    let mut line = || {
        let (line, more) = rest.split_at_checked(rest.iter().position(|b| *b == b'\n')?)?;
        *rest = more.get(1..)?;
        std::str::from_utf8(line).ok()
    };
    let (name, length) = (line()?, line()?.parse().ok()?);
    let (text, more) = rest.split_at_checked(length)?;
    *rest = more;
    Some((name, text))
}
