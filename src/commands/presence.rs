//! How other commands find the server that holds a data file: it leaves a note beside the file.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
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
    /// What opens it to whoever may read the note, as long as it runs.
    #[serde(default)]
    pub credential: Option<String>,
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
pub fn leave(data: &Path, address: SocketAddr, certificate: Option<&Path>, credential: &str) -> Option<Left> {
    let path = path_of(data);
    // Who reads the note may stand in another folder.
    let certificate = certificate.map(std::path::absolute).transpose().ok()?;
    let credential = Some(credential.into());
    let note = Note { address: reachable(address), pid: std::process::id(), certificate, credential };
    let text = serde_json::to_string(&note).ok()?;
    match write_private(&path, &text) {
        Ok(()) => Some(Left(path)),
        Err(error) => {
            tracing::warn!(%error, "other commands will not find this server");
            None
        }
    }
}

/// Where this machine reaches a server: nobody connects to the address that means all.
pub fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// Writes a new file that its owner alone may read. One that is there keeps its permissions, so that it goes first.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
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
