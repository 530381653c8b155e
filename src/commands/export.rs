//! `agentmap export`: everything as lines of JSON, for another machine, a later version, or other programs.
//!
//! The first line is the [`Head`]; then come the tables, each a [`Table`] followed by its entries; the last line is the
//! [`End`]. An entry is `{"of":TABLE,"key":KEY,"value":VALUE}` in hexadecimal digits, and where people know what it is
//! also `"record"`, as the API shows it. Keys and values are those of the schema that the head names, and all that an
//! import reads: into a later version it raises them as it raises an older data file.
//!
//! Of a damaged data file `--salvage` writes what can be read; what cannot is told by a [`Lost`] after its table.

mod shown;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use self::shown::Shown;
use super::agents::open_data;
use super::partial::Partial;
use super::{Fault, Ran, explain, output, record};
use crate::app::system_clock;
use crate::cli::ExportArgs;
use crate::config::Config;
use crate::domain::audit::Hash;
use crate::domain::copies::{Copied, CopyKind};
use crate::domain::recording::AuditHead;
use crate::store::{ReadTx, StoreError};

/// What an export is called in its first line.
pub const FORMAT: &str = "agentmap-export-2";

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
pub struct Head {
    /// [`FORMAT`].
    pub format: String,
    /// The program that wrote it.
    pub version: String,
    /// The schema of what follows.
    pub schema: u32,
}

/// A line before the entries of a table.
#[derive(Debug, Serialize, Deserialize)]
pub struct Table {
    pub table: String,
    pub entries: u64,
}

/// A line behind the entries of a table that are not all of it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// The table.
    pub lost: String,
    /// How many of its entries could not be read.
    pub entries: u64,
}

/// The last line.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// How many entries of all tables there are.
    pub entries: u64,
    /// SHA-256 over all lines before this one, their ends included.
    pub sha256: String,
}

pub fn export(config: &Config, args: &ExportArgs) -> Ran {
    let store = open_data(config, &config.data)?;
    let tx = store.begin_read().map_err(|e| explain(&config.data, &e))?;
    let head = match tx.get::<AuditHead>(&()) {
        Err(e) if !args.salvage => return Err(explain(&config.data, &e)),
        head => head.ok().flatten().unwrap_or_default(),
    };
    let record = |file| {
        // A file that is to be salvaged may be damaged, and is not written to.
        if !args.salvage {
            record::copied(config, &Copied::new(CopyKind::Export, file, &head));
        }
    };
    let Some(target) = &args.output else {
        let written = match write(&tx, args.salvage, io::stdout().lock()) {
            Ok(written) => Some(written),
            // A reader that has gone away, as `head` does, is no failure.
            Err(Trouble::Output(e)) if e.kind() == io::ErrorKind::BrokenPipe => None,
            Err(e) => return Err(e.fault(config)),
        };
        drop((tx, store));
        record(None);
        return written.map_or(Ok(ExitCode::SUCCESS), |written| written.verdict(config));
    };
    let partial = Partial::of(target, args.force)?;
    let file = File::create_new(partial.path());
    let file = file.map_err(|e| Fault::new(format!("cannot write {}: {e}", target.display())))?;
    let written = write(&tx, args.salvage, file).map_err(|e| e.fault(config))?;
    partial.arrive(args.force)?;
    drop((tx, store));
    record(Some(record::place(target)));
    output::print(&format!("Wrote {}: {} entries.", target.display(), written.entries))?;
    written.verdict(config)
}

enum Trouble {
    Data(StoreError),
    Output(io::Error),
}

impl From<StoreError> for Trouble {
    fn from(e: StoreError) -> Self {
        Self::Data(e)
    }
}

impl From<io::Error> for Trouble {
    fn from(e: io::Error) -> Self {
        Self::Output(e)
    }
}

impl Trouble {
    fn fault(self, config: &Config) -> Fault {
        match self {
            Self::Data(StoreError::Corrupt(why)) => Fault::new(format!(
                "the data file {} cannot be read to its end: {why}; restore a backup with `agentmap restore BACKUP \
                 --force`, or write what can be read with `agentmap export --salvage`",
                config.data.display()
            )),
            Self::Data(e) => explain(&config.data, &e),
            Self::Output(e) => Fault::new(format!("cannot write the output: {e}")),
        }
    }
}

/// What was written, and what could not be.
struct Written {
    entries: u64,
    lost: Vec<Lost>,
}

impl Written {
    fn verdict(&self, config: &Config) -> Ran {
        if self.lost.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        Err(Fault::new(format!(
            "the data file {} is damaged: {} could not be read; all else was written",
            config.data.display(),
            in_words(&self.lost)
        )))
    }
}

/// What is lost, by table. A table whose own count is damaged has lost nobody knows how many.
pub fn in_words(lost: &[Lost]) -> String {
    let each = lost.iter().map(|Lost { lost, entries }| match entries {
        0 => format!("some entries of {}", output::safe(lost)),
        _ => format!("{entries} entries of {}", output::safe(lost)),
    });
    each.collect::<Vec<_>>().join(", ")
}

/// Writes everything, or, to salvage it, what can be read.
fn write(tx: &ReadTx, salvage: bool, out: impl Write) -> Result<Written, Trouble> {
    let mut lines = Lines::to(out);
    let schema = tx.schema()?.unwrap_or_default();
    lines.write(&Head { format: FORMAT.into(), version: env!("CARGO_PKG_VERSION").into(), schema })?;
    let shown = Shown::new(tx, system_clock()());
    let mut written = Written { entries: 0, lost: Vec::new() };
    for table in tx.tables()? {
        let before = written.entries;
        if salvage {
            let entries = tx.count(&table).unwrap_or_default();
            lines.write(&Table { table: table.clone(), entries })?;
            let mut whole = tx.salvage(&table, |key, value| -> Result<(), Trouble> {
                // What an entry cannot be read as is lost like one that cannot be read.
                if let Ok(record) = shown.readable(&table, value) {
                    lines.entry(&table, key, value, record.as_deref())?;
                    written.entries += 1;
                }
                Ok(())
            })?;
            whole &= entries == written.entries - before;
            if !whole {
                let entries = entries.saturating_sub(written.entries - before);
                let lost = Lost { lost: table, entries };
                lines.write(&lost)?;
                written.lost.push(lost);
            }
        } else {
            let entries = tx.count(&table)?;
            lines.write(&Table { table: table.clone(), entries })?;
            tx.visit(&table, |key, value| -> Result<(), Trouble> {
                lines.entry(&table, key, value, shown.record(&table, value)?.as_deref())?;
                written.entries += 1;
                Ok(())
            })?;
            let found = written.entries - before;
            if found != entries {
                let why = format!("{table} has {found} entries, not {entries}");
                return Err(StoreError::Corrupt(why).into());
            }
        }
    }
    lines.end(written.entries)?;
    Ok(written)
}

struct Lines<W: Write> {
    out: BufWriter<W>,
    hasher: Sha256,
    line: String,
}

impl<W: Write> Lines<W> {
    fn to(out: W) -> Self {
        Self { out: BufWriter::with_capacity(1 << 16, out), hasher: Sha256::new(), line: String::new() }
    }

    fn write(&mut self, value: &impl Serialize) -> io::Result<()> {
        self.line = serde_json::to_string(value)?;
        self.put()
    }

    /// An entry of a table; the record is JSON.
    fn entry(&mut self, table: &str, key: &[u8], value: &[u8], record: Option<&str>) -> io::Result<()> {
        self.line.clear();
        self.line.push_str("{\"of\":");
        self.line.push_str(&serde_json::to_string(table)?);
        self.line.push_str(",\"key\":\"");
        push_hex(&mut self.line, key);
        self.line.push_str("\",\"value\":\"");
        push_hex(&mut self.line, value);
        self.line.push('"');
        if let Some(record) = record {
            self.line.push_str(",\"record\":");
            self.line.push_str(record);
        }
        self.line.push('}');
        self.put()
    }

    fn put(&mut self) -> io::Result<()> {
        self.line.push('\n');
        self.hasher.update(&self.line);
        self.out.write_all(self.line.as_bytes())
    }

    fn end(mut self, entries: u64) -> io::Result<()> {
        let sha256 = Hash(self.hasher.clone().finalize().into()).to_string();
        self.write(&End { entries, sha256 })?;
        self.out.flush()
    }
}

fn push_hex(out: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
}
