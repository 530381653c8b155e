//! `agentmap audit verify`: recomputes every hash of the trail and the tree over it, and compares that with what was
//! signed.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Instant, SystemTime};

use super::super::agents::read_data;
use super::super::{Fault, Ran, WRONG_USE, output};
use super::report::{Compared, Report};
use super::{data, range, read};
use crate::cli::AuditVerifyArgs;
use crate::config::Config;
use crate::domain::audit_verify::Bad;
use crate::domain::checkpoint::Checkpoint;
use crate::domain::note::PublicKey;
use crate::domain::time::Timestamp;
use crate::notary::{Files, public_key};

/// How it came out.
pub type Verified = Result<(), Bad>;

/// What the trail is compared with.
pub struct Reference {
    /// The key that signs.
    pub key: Option<PublicKey>,
    /// The checkpoint, the note that it was read from, and when that was written.
    pub note: Option<(String, Option<Timestamp>)>,
}

pub fn verify(config: &Config, args: &AuditVerifyArgs) -> Ran {
    let started = Instant::now();
    let reference = match gather(config, args) {
        Ok(reference) => reference,
        Err(fault) => {
            output::complain(&fault.0);
            return Ok(ExitCode::from(WRONG_USE));
        }
    };
    let mut report = Report::default();
    let verified = match &args.export {
        Some(path) => range::verify(path, &reference, &mut report)?,
        None => read_data(config, |tx, _, _| data::verify(tx, &reference, &mut report))?,
    };
    report.problem = verified.err();
    report.ok = report.problem.is_none();
    report.seconds = started.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    {
        report.records_per_second = (report.records as f64 / report.seconds.max(1e-9)) as u64;
    }
    if args.json {
        output::print_json(&report)?;
    } else {
        output::print(&report.told())?;
    }
    Ok(if report.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The key and the checkpoint: those that were named, else those beside the data.
fn gather(config: &Config, args: &AuditVerifyArgs) -> Result<Reference, Fault> {
    let beside = args.export.is_none().then(|| Files::beside(&config.data));
    let key = match (&args.public_key, &beside) {
        (Some(path), _) => Some(
            PublicKey::read(&read(path)?)
                .map_err(|why| Fault::new(format!("{} cannot be used: {why}", path.display())))?,
        ),
        (None, Some(files)) => public_key(files).map_err(|e| Fault::new(e.to_string()))?,
        (None, None) => None,
    };
    let path = args.checkpoint.clone().or_else(|| {
        let path = beside?.checkpoint;
        path.exists().then_some(path)
    });
    let note = path.map(|path| Ok((read(&path)?, written_at(&path)))).transpose()?;
    Ok(Reference { key, note })
}

fn written_at(path: &Path) -> Option<Timestamp> {
    let age = std::fs::metadata(path).ok()?.modified().ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(Timestamp(i64::try_from(age.as_micros()).ok()?))
}

impl Reference {
    /// The checkpoint, once its signature is verified, where there is a key.
    ///
    /// # Errors
    /// When it is not what it should be.
    pub fn checkpoint(&self, report: &mut Report) -> Result<Option<Checkpoint>, Bad> {
        let Some((note, written_at)) = &self.note else { return Ok(None) };
        let refused =
            |why: &dyn std::fmt::Display| Bad::whole(format!("the checkpoint cannot be used: {why}"));
        let checkpoint = match &self.key {
            Some(key) => Checkpoint::open(note, key).map_err(|why| refused(&why))?,
            None => {
                report.notes.push("there is no key: the checkpoint's signature was not verified".into());
                Checkpoint::read(note).ok_or_else(|| refused(&"it is no checkpoint"))?
            }
        };
        report.checkpoint = Some(Compared {
            origin: checkpoint.origin.clone(),
            size: checkpoint.size,
            written_at: *written_at,
        });
        Ok(Some(checkpoint))
    }
}
