//! `agentmap import`: an export becomes a data file.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::process::ExitCode;

use sha2::{Digest, Sha256};

use super::export::{End, FORMAT, Head, Table};
use super::partial::{Partial, folder_of};
use super::{Fault, Ran, backup, output, record};
use crate::app::SCHEMA;
use crate::cli::ImportArgs;
use crate::config::Config;
use crate::domain::admin::Act;
use crate::domain::audit::Hash;
use crate::store::{NewFile, StoreError};

/// How long a line may be: no value of a data file comes near it.
const MAX_LINE: u64 = 64 * 1024 * 1024;

pub fn import(config: &Config, args: &ImportArgs) -> Ran {
    let data = config.data.clone();
    if data.exists() {
        return Err(Fault::new(format!(
            "{} is there already; an import makes a new data file: name one with --data",
            data.display()
        )));
    }
    std::fs::create_dir_all(folder_of(&data))
        .map_err(|e| Fault::new(format!("cannot make the folder {}: {e}", folder_of(&data).display())))?;
    let partial = Partial::of(&data, false)?;
    let shown = args.file.display().to_string();
    if args.file == Path::new("-") {
        read(io::stdin().lock(), "standard input", &partial, config)?;
    } else {
        let file = File::open(&args.file).map_err(|e| Fault::new(format!("cannot read {shown}: {e}")))?;
        read(BufReader::with_capacity(1 << 16, file), &shown, &partial, config)?;
    }
    // Opening it raises what an older version wrote.
    let from = if args.file == Path::new("-") { shown.clone() } else { record::place(&args.file) };
    record::origin(config, partial.path(), &args.file, Act::new("data_imported").on("file", from))?;
    let held = backup::checked(config, partial.path(), &data, &args.file)?;
    partial.arrive(false)?;
    output::print(&format!("Imported {shown} into {}, {}", data.display(), held.in_words()))?;
    Ok(ExitCode::SUCCESS)
}

/// Reads an export into a new file.
fn read(input: impl BufRead, name: &str, partial: &Partial, config: &Config) -> Result<(), Fault> {
    let mut lines = Lines { input, hasher: Sha256::new(), line: Vec::new(), number: 0 };
    take(&mut lines, partial, config).map_err(|trouble| match trouble {
        Trouble::Line(why) => Fault::new(format!("{name}, line {}: {why}", lines.number)),
        Trouble::Write(e) => Fault::new(format!("cannot write {}: {e}", partial.path().display())),
    })
}

enum Trouble {
    Line(String),
    Write(StoreError),
}

impl From<StoreError> for Trouble {
    fn from(e: StoreError) -> Self {
        Self::Write(e)
    }
}

fn wrong(why: impl Into<String>) -> Trouble {
    Trouble::Line(why.into())
}

fn take<R: BufRead>(lines: &mut Lines<R>, partial: &Partial, config: &Config) -> Result<(), Trouble> {
    let head = lines.next()?.and_then(|line| serde_json::from_slice::<Head>(line).ok());
    let head =
        head.filter(|head| head.format == FORMAT).ok_or_else(|| wrong("this is no export of agentmap"))?;
    if head.schema > SCHEMA.version() {
        return Err(wrong(format!(
            "it was written by agentmap {}, which is newer than this one; install that version",
            head.version.escape_debug()
        )));
    }
    let mut file = NewFile::create(partial.path(), config.cache_bytes)?;
    let (mut count, mut wanted) = (0_u64, 0_u64);
    loop {
        let before = lines.hasher.clone();
        let Some(line) = lines.next()? else {
            return Err(wrong("the export ends here, before its last line: it was cut off"));
        };
        if line.starts_with(b"[") {
            let (key, value) = entry(line).ok_or_else(|| wrong("this is no entry of a table"))?;
            file.put(key, value)?;
            count += 1;
        } else if let Ok(table) = serde_json::from_slice::<Table>(line) {
            if count != wanted {
                return Err(wrong(format!("there are {count} entries above this line, not {wanted}")));
            }
            wanted += table.entries;
            file.table(&table.table)?;
        } else if let Ok(end) = serde_json::from_slice::<End>(line) {
            let sha256 = Hash(before.finalize().into()).to_string();
            if end != (End { entries: count, sha256 }) || count != wanted {
                return Err(wrong("what is above this line is not what was written: it was changed or cut"));
            }
            break;
        } else {
            return Err(wrong("this is neither a table, nor an entry, nor the end"));
        }
    }
    if lines.next()?.is_some() {
        return Err(wrong("something follows the last line of the export"));
    }
    Ok(file.finish()?)
}

struct Lines<R> {
    input: R,
    hasher: Sha256,
    line: Vec<u8>,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    /// The next line, without its end; `None` after the last.
    fn next(&mut self) -> Result<Option<&[u8]>, Trouble> {
        self.number += 1;
        self.line.clear();
        let read = (&mut self.input).take(MAX_LINE).read_until(b'\n', &mut self.line);
        if read.map_err(|e| wrong(format!("cannot be read: {e}")))? == 0 {
            return Ok(None);
        }
        self.hasher.update(&self.line);
        match self.line.strip_suffix(b"\n") {
            Some(line) => Ok(Some(line)),
            None => Err(wrong("the line has no end: the export was cut off")),
        }
    }
}

fn entry(line: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (key, value) = serde_json::from_slice::<(&str, &str)>(line).ok()?;
    Some((unhex(key)?, unhex(value)?))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| Some(digit(pair[0])? << 4 | digit(*pair.get(1)?)?)).collect()
}
