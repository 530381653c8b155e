//! `agentmap backup`.

use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;

use super::partial::Partial;
use super::{Fault, Ran, explain, output, record};
use crate::app::SCHEMA;
use crate::cli::BackupArgs;
use crate::config::Config;
use crate::domain::check::check;
use crate::domain::command::{Applied, Command};
use crate::domain::copies::{Copied, CopyKind};
use crate::domain::recording::AuditHead;
use crate::store::{Store, StoreError};

/// What a copy that was checked holds.
#[derive(Debug, Serialize)]
pub struct Held {
    pub file: String,
    pub bytes: u64,
    pub agents: u64,
    pub metrics: u64,
    pub audit_records: u64,
    pub events: u64,
    /// How many audit records there have been, those that are no longer kept included.
    #[serde(skip)]
    pub audit_size: u64,
    /// The hash of the last audit record.
    pub audit_hash: String,
}

impl Held {
    fn copied(&self, target: &Path) -> Copied {
        Copied {
            kind: CopyKind::Backup,
            file: Some(record::place(target)),
            audit_size: self.audit_size,
            audit_hash: self.audit_hash.clone(),
        }
    }

    pub fn in_words(&self) -> String {
        format!(
            "{} bytes: {} agents, {} metrics, {} audit records, {} events; the last audit record's hash is {}. All of \
             it agrees.",
            self.bytes, self.agents, self.metrics, self.audit_records, self.events, self.audit_hash
        )
    }
}

pub fn backup(config: &Config, args: &BackupArgs) -> Ran {
    let (data, target) = (&config.data, &args.file);
    let partial = Partial::of(target, args.force)?;
    if is_same(data, target) {
        return Err(Fault::new(format!("{} is the data file itself", target.display())));
    }
    copy(config, data, &partial)?;
    let held = checked(config, partial.path(), target, data)?;
    partial.arrive(args.force)?;
    record::copied(config, &held.copied(target));
    if args.json {
        output::print_json(&held)?;
    } else {
        output::print(&format!("Wrote {}, {}", target.display(), held.in_words()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn is_same(one: &Path, other: &Path) -> bool {
    one.canonicalize().ok().is_some_and(|one| other.canonicalize().is_ok_and(|other| one == other))
}

/// Copies a data file, also beside the server that writes it.
///
/// # Errors
/// When it cannot be read, or the copy not be written.
pub fn copy(config: &Config, data: &Path, partial: &Partial) -> Result<(), Fault> {
    let store = super::agents::open_data(config, data)?;
    let copied = store.begin_read().and_then(|tx| tx.copy_to(partial.path(), config.cache_bytes));
    copied.map_err(|e| match e {
        StoreError::Corrupt(_) => explain(data, &e),
        e => Fault::new(format!("cannot copy {} to {}: {e}", data.display(), partial.path().display())),
    })?;
    // Who may read the data may read the copy, and nobody else.
    let rights = std::fs::metadata(data).map(|found| found.permissions());
    let set = rights.and_then(|rights| std::fs::set_permissions(partial.path(), rights));
    set.map_err(|e| Fault::new(format!("cannot set who may read {}: {e}", partial.path().display())))
}

/// Proves that a copy is whole, and tells what is in it: every index, number and counter, and of the audit trail the
/// chain, its end and the tree. What was signed is compared by `agentmap audit verify`: a copy has no checkpoint beside
/// it. `source` is what it is a copy of.
///
/// # Errors
/// When it is not.
pub fn checked(config: &Config, copy: &Path, shown_as: &Path, source: &Path) -> Result<Held, Fault> {
    let store = Store::<Command, Applied>::open_read_only(copy, config.cache_bytes, &SCHEMA);
    let found = store.and_then(|store| {
        let tx = store.begin_read()?;
        Ok((check(&tx)?, tx.get::<AuditHead>(&())?.unwrap_or_default()))
    });
    let (report, head) = found.map_err(|e| explain(source, &e))?;
    if let Some(problem) = report.problems.first() {
        return Err(Fault::new(format!(
            "the data in {} does not agree with itself, and was not copied: {problem}; `agentmap check` tells more",
            source.display()
        )));
    }
    Ok(Held {
        file: shown_as.display().to_string(),
        bytes: std::fs::metadata(copy).map_or(0, |found| found.len()),
        agents: report.agents,
        metrics: report.metrics,
        audit_records: report.audit_records,
        events: report.events,
        audit_size: head.next,
        audit_hash: head.hash.to_string(),
    })
}
