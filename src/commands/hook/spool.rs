//! The spool: events that no server took, each a file beside the data file, until one does.
//!
//! A file is complete when it has its name, and has its name on disk before the hook ends. Its id makes a second delivery
//! an answer to the first.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::hook::claude_code::Payload;

/// How many events wait at most: an agent at work tells some thousand an hour.
const MOST: usize = 20_000;

/// An event on its way.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Delivery {
    /// Tells a repeat.
    pub id: String,
    /// What happened, in the runtime's words.
    pub event: Payload,
    /// The agent that acts where the event names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// The project's folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<String>,
    /// What was decided while no server answered: then it is recorded, and not decided again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided: Option<serde_json::Value>,
}

impl Delivery {
    /// An event that happened now.
    pub fn new(event: &Payload, identity: Option<String>, root: Option<String>) -> Self {
        Self { id: Uuid::new_v4().to_string(), event: event.clone(), identity, root, decided: None }
    }

    /// Where it is sent; `wait` is how long a person may take to answer, in seconds. The same for each delivery of what
    /// asks nothing: a repeat is known by it, too.
    pub fn path(&self, wait: u64) -> String {
        if self.decided.is_some() {
            return "/api/v1/events/ingest".into();
        }
        let wait = self.event.asks().then(|| wait.to_string());
        let members =
            [("wait", wait.as_ref()), ("identity", self.identity.as_ref()), ("root", self.root.as_ref())];
        let query: Vec<_> = members
            .iter()
            .filter_map(|(name, value)| Some(format!("{name}={}", escaped(value.as_ref()?))))
            .collect();
        format!("/api/v1/hooks/claude-code?{}", query.join("&"))
    }

    /// What is sent.
    pub fn body(&self) -> Vec<u8> {
        match &self.decided {
            Some(decided) => serde_json::to_vec(decided),
            None => serde_json::to_vec(&self.event),
        }
        .unwrap_or_default()
    }
}

fn escaped(text: &str) -> String {
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|b| if safe(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// The events that wait.
pub struct Spool(PathBuf);

impl Spool {
    /// Those of a data file.
    pub fn beside(data: &Path) -> Self {
        let mut name = data.as_os_str().to_owned();
        name.push(".spool");
        Self(name.into())
    }

    /// Where they are.
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// Keeps one.
    ///
    /// # Errors
    /// When it cannot be written, or too many wait.
    pub fn keep(&self, delivery: &Delivery) -> io::Result<()> {
        make_private(&self.0)?;
        if self.names()?.len() >= MOST {
            return Err(io::Error::other(format!(
                "{MOST} events wait in {} for a server already",
                self.0.display()
            )));
        }
        let now = time::OffsetDateTime::now_utc().unix_timestamp_nanos() / 1000;
        let name = format!("{now:020}-{}", delivery.id);
        let unfinished = self.0.join(format!("{name}.part"));
        let mut file = File::create_new(&unfinished)?;
        file.write_all(&serde_json::to_vec(delivery)?)?;
        file.sync_all()?;
        fs::rename(&unfinished, self.0.join(format!("{name}.json")))?;
        #[cfg(unix)]
        File::open(&self.0)?.sync_all()?;
        Ok(())
    }

    fn names(&self) -> io::Result<Vec<PathBuf>> {
        let mut names = Vec::new();
        let folder = match fs::read_dir(&self.0) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(names),
            folder => folder?,
        };
        for entry in folder {
            let path = entry?.path();
            if path.extension().is_some_and(|kind| kind == "json") {
                names.push(path);
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// The oldest that wait, with their files. What is no event is put aside.
    pub fn oldest(&self, count: usize) -> Vec<(PathBuf, Delivery)> {
        let names = self.names().unwrap_or_default();
        let mut found = Vec::new();
        for file in names.into_iter().take(count) {
            match fs::read(&file).ok().map(|bytes| serde_json::from_slice(&bytes)) {
                Some(Ok(delivery)) => found.push((file, delivery)),
                Some(Err(_)) => Self::set_aside(&file),
                None => {}
            }
        }
        found
    }

    /// Forgets one that was taken.
    pub fn done(file: &Path) {
        let _ = fs::remove_file(file);
    }

    /// Puts one aside that nobody will take; it stays for people to look at.
    pub fn set_aside(file: &Path) {
        let _ = fs::rename(file, file.with_extension("refused"));
    }
}

/// Makes a folder that its owner alone may read: commands may hold what others must not.
fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
