//! How other commands find the server that holds a data file: it leaves a note beside the file.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The note.
#[derive(Debug, Serialize, Deserialize)]
pub struct Note {
    /// Where the server listens.
    pub address: SocketAddr,
    /// Its process.
    pub pid: u32,
    /// Where it speaks TLS, the file of the certificate that it shows.
    pub certificate: Option<PathBuf>,
}

impl Note {
    /// The server's address as a URL.
    pub fn url(&self) -> String {
        format!("{}://{}", if self.certificate.is_some() { "https" } else { "http" }, self.address)
    }
}

fn path_of(data: &Path) -> PathBuf {
    let mut name = data.as_os_str().to_owned();
    name.push(".server.json");
    name.into()
}

/// A note that is removed when the server ends. One that a killed server left is harmless: who reads it asks whether
/// the server answers.
pub struct Left(PathBuf);

/// Leaves a note. Without one the server works all the same.
pub fn leave(data: &Path, address: SocketAddr, certificate: Option<&Path>) -> Option<Left> {
    let path = path_of(data);
    // Who reads the note may stand in another folder.
    let certificate = certificate.map(std::path::absolute).transpose().ok()?;
    let text = serde_json::to_string(&Note { address, pid: std::process::id(), certificate }).ok()?;
    match std::fs::write(&path, text) {
        Ok(()) => Some(Left(path)),
        Err(error) => {
            tracing::warn!(%error, "other commands will not find this server");
            None
        }
    }
}

impl Drop for Left {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// The note beside a data file.
pub fn find(data: &Path) -> Option<Note> {
    serde_json::from_str(&std::fs::read_to_string(path_of(data)).ok()?).ok()
}
