//! `agentmap import`: an export becomes a data file. Of its lines only keys and values are read.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::process::ExitCode;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::export::{End, FORMAT, Head, Lost, Table, in_words};
use super::partial::{Partial, folder_of};
use super::{Fault, Ran, backup, output, record};
use crate::app::SCHEMA;
use crate::cli::ImportArgs;
use crate::config::Config;
use crate::domain::admin::Act;
use crate::domain::audit::Hash;
use crate::store::{NewFile, StoreError};

/// What exports were called whose entries are `["key","value"]`.
const OLDER_FORMAT: &str = "agentmap-export-1";

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
    let lost = if args.file == Path::new("-") {
        read(io::stdin().lock(), "standard input", args.force, &partial, config)?
    } else {
        let file = File::open(&args.file).map_err(|e| Fault::new(format!("cannot read {shown}: {e}")))?;
        read(BufReader::with_capacity(1 << 16, file), &shown, args.force, &partial, config)?
    };
    // Opening it raises what an older version wrote.
    let from = if args.file == Path::new("-") { shown.clone() } else { record::place(&args.file) };
    let told = record::origin(config, partial.path(), &args.file, Act::new("data_imported").on("file", from));
    match told {
        // Where the trail itself has lost something, nothing may fit behind it.
        Err(why) if !lost.is_empty() => {
            output::complain(&format!("warning: the trail does not tell of it: {why}"));
        }
        told => told?,
    }
    if !lost.is_empty() {
        partial.arrive(false)?;
        return Err(Fault::new(format!(
            "imported what there is in {shown} into {}: {} are missing, and what counts them or refers to them does not \
             agree; `agentmap check` tells what",
            data.display(),
            in_words(&lost)
        )));
    }
    let held = backup::checked(config, partial.path(), &data, &args.file)?;
    partial.arrive(false)?;
    output::print(&format!("Imported {shown} into {}, {}", data.display(), held.in_words()))?;
    Ok(ExitCode::SUCCESS)
}

/// Reads an export into a new file, and tells what is not in it; with `force` alone there may be such.
fn read(
    input: impl BufRead,
    name: &str,
    force: bool,
    partial: &Partial,
    config: &Config,
) -> Result<Vec<Lost>, Fault> {
    let mut lines = Lines { input, hasher: Sha256::new(), line: Vec::new(), number: 0 };
    take(&mut lines, force, partial, config).map_err(|trouble| match trouble {
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

fn take<R: BufRead>(
    lines: &mut Lines<R>,
    force: bool,
    partial: &Partial,
    config: &Config,
) -> Result<Vec<Lost>, Trouble> {
    let head = lines.next()?.and_then(|line| serde_json::from_slice::<Head>(line).ok());
    let head = head.filter(|head| head.format.starts_with("agentmap-export-"));
    let head = head.ok_or_else(|| wrong("this is no export of agentmap"))?;
    if head.schema > SCHEMA.version() || ![FORMAT, OLDER_FORMAT].contains(&head.format.as_str()) {
        return Err(wrong(format!(
            "it was written by agentmap {}, which is newer than this one; install that version",
            head.version.escape_debug()
        )));
    }
    let mut file = NewFile::create(partial.path(), config.cache_bytes)?;
    let mut table = Table { table: String::new(), entries: 0 };
    // Of all tables, and of the last.
    let (mut all, mut count) = (0_u64, 0_u64);
    let mut lost = Vec::new();
    loop {
        let before = lines.hasher.clone();
        let Some(line) = lines.next()? else {
            return Err(wrong("the export ends here, before its last line: it was cut off"));
        };
        let complete = |count: u64| {
            let wanted = table.entries;
            let here =
                || wrong(format!("there are {count} entries of a table above this line, not {wanted}"));
            (count == wanted).then_some(()).ok_or_else(here)
        };
        if let Some(entry) = Entry::read(line) {
            if entry.of.as_ref().is_some_and(|of| *of != table.table) {
                return Err(wrong(format!("this entry is not of {}, the table that it is in", table.table)));
            }
            let both = unhex(entry.key).zip(unhex(entry.value));
            let (key, value) = both.ok_or_else(|| wrong("this is no entry of a table"))?;
            file.put(key, value)?;
            (all, count) = (all + 1, count + 1);
        } else if let Ok(next) = serde_json::from_slice::<Table>(line) {
            complete(count)?;
            file.table(&next.table)?;
            (table, count) = (next, 0);
        } else if let Ok(gone) = serde_json::from_slice::<Lost>(line) {
            if !force {
                return Err(wrong(format!(
                    "this was salvaged of a damaged data file, and {} are missing; restore a backup, or import what \
                     there is with --force",
                    in_words(&[gone])
                )));
            }
            // What a damaged table counts is nothing to go by.
            table.entries = count;
            lost.push(gone);
        } else if let Ok(end) = serde_json::from_slice::<End>(line) {
            complete(count)?;
            let sha256 = Hash(before.finalize().into()).to_string();
            if end != (End { entries: all, sha256 }) {
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
    file.finish()?;
    Ok(lost)
}

/// An entry of a table. What else an export says of it is for others.
#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    of: Option<Cow<'a, str>>,
    key: &'a str,
    value: &'a str,
}

impl<'a> Entry<'a> {
    fn read(line: &'a [u8]) -> Option<Self> {
        if line.starts_with(b"[") {
            let (key, value) = serde_json::from_slice(line).ok()?;
            return Some(Self { of: None, key, value });
        }
        serde_json::from_slice(line).ok()
    }
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

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| Some(digit(pair[0])? << 4 | digit(*pair.get(1)?)?)).collect()
}
