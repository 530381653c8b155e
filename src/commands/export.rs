//! `agentmap export`: everything as lines of JSON, for another machine or a later version.
//!
//! The first line is the [`Head`]; then come the tables, each with its name and how many entries it has, followed by
//! its entries as `["key","value"]` in hexadecimal digits; the last line is the [`End`]. Keys and values are those of
//! the schema that the head names: an import into a later version raises them as it raises an older data file.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::agents::open_data;
use super::partial::Partial;
use super::{Fault, Ran, explain, output, record};
use crate::cli::ExportArgs;
use crate::config::Config;
use crate::domain::audit::Hash;
use crate::domain::copies::{Copied, CopyKind};
use crate::domain::recording::AuditHead;
use crate::store::{ReadTx, StoreError, Visited};

/// What an export is called in its first line.
pub const FORMAT: &str = "agentmap-export-1";

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
pub struct Head {
    /// Always [`FORMAT`].
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
    let head = tx.get::<AuditHead>(&()).map_err(|e| explain(&config.data, &e))?.unwrap_or_default();
    let copied = |file| Copied::new(CopyKind::Export, file, &head);
    let Some(target) = &args.output else {
        match write(&tx, io::stdout().lock()) {
            // A reader that has gone away, as `head` does, is no failure.
            Err(Trouble::Output(e)) if e.kind() == io::ErrorKind::BrokenPipe => {}
            Err(e) => return Err(e.fault(config)),
            Ok(_) => {}
        }
        drop((tx, store));
        record::copied(config, &copied(None));
        return Ok(ExitCode::SUCCESS);
    };
    let partial = Partial::of(target, args.force)?;
    let file = File::create_new(partial.path());
    let file = file.map_err(|e| Fault::new(format!("cannot write {}: {e}", target.display())))?;
    let entries = write(&tx, file).map_err(|e| e.fault(config))?;
    partial.arrive(args.force)?;
    drop((tx, store));
    record::copied(config, &copied(Some(record::place(target))));
    output::print(&format!("Wrote {}: {entries} entries.", target.display()))?;
    Ok(ExitCode::SUCCESS)
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
            Self::Data(e) => explain(&config.data, &e),
            Self::Output(e) => Fault::new(format!("cannot write the output: {e}")),
        }
    }
}

/// Writes everything and tells how many entries that is.
fn write(tx: &ReadTx, out: impl Write) -> Result<u64, Trouble> {
    let mut lines = Lines { out: BufWriter::with_capacity(1 << 16, out), hasher: Sha256::new() };
    let schema = tx.schema()?.unwrap_or_default();
    lines.write(&Head { format: FORMAT.into(), version: env!("CARGO_PKG_VERSION").into(), schema })?;
    let mut count = 0;
    let mut line = String::new();
    tx.visit_all(|table, visited| -> Result<(), Trouble> {
        match visited {
            Visited::Table(entries) => lines.write(&Table { table: table.to_owned(), entries })?,
            Visited::Entry(key, value) => {
                line.clear();
                line.push_str("[\"");
                push_hex(&mut line, key);
                line.push_str("\",\"");
                push_hex(&mut line, value);
                line.push_str("\"]\n");
                lines.put(line.as_bytes())?;
                count += 1;
            }
        }
        Ok(())
    })?;
    let sha256 = Hash(lines.hasher.clone().finalize().into()).to_string();
    lines.write(&End { entries: count, sha256 })?;
    lines.out.flush()?;
    Ok(count)
}

struct Lines<W: Write> {
    out: BufWriter<W>,
    hasher: Sha256,
}

impl<W: Write> Lines<W> {
    fn write(&mut self, value: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(value)?;
        line.push(b'\n');
        self.put(&line)
    }

    fn put(&mut self, line: &[u8]) -> io::Result<()> {
        self.hasher.update(line);
        self.out.write_all(line)
    }
}

fn push_hex(out: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
}
