//! What the API exports as NDJSON: newest first, often a choice of records. Each record whose neighbour is there too is
//! verified against that.

use std::io::{BufRead, Read};

use super::range::LINE_BYTES;
use super::report::Report;
use crate::domain::audit::{AuditRecord, Hash};
use crate::domain::audit_verify::Bad;

pub fn verify(first: Vec<u8>, mut input: impl BufRead, report: &mut Report) -> Result<(), Bad> {
    let mut line = first;
    let (mut before, mut covered): (Option<AuditRecord>, u64) = (None, 0);
    while !line.is_empty() {
        let at = |why: String| Bad {
            seq: before.as_ref().map(|before| before.seq),
            audit_id: before.as_ref().map(AuditRecord::id),
            why: format!("the line behind it: {why}"),
        };
        let record = AuditRecord::from_json(line.strip_suffix(b"\n").unwrap_or(&line)).map_err(at)?;
        report.records += 1;
        report.first = before.as_ref().map_or(record.seq, |_| report.first.min(record.seq));
        // Of two neighbours the later covers the earlier, whichever comes first.
        let pair = match &before {
            Some(other) if other.seq == record.seq.wrapping_add(1) => Some((other, record.hash)),
            Some(other) if other.seq.wrapping_add(1) == record.seq => Some((&record, other.hash)),
            Some(other) if other.seq == record.seq => return Err(bad(&record, "it is there twice")),
            _ => None,
        };
        let start = (record.seq == 0).then_some((&record, Hash::default()));
        for (later, previous) in pair.into_iter().chain(start) {
            if later.hash_after(previous) != later.hash {
                return Err(bad(
                    later,
                    "its hash does not cover it and the record before it: one of the two was changed",
                ));
            }
            covered += 1;
        }
        before = Some(record);
        line.clear();
        let read = input.by_ref().take(LINE_BYTES).read_until(b'\n', &mut line);
        read.map_err(|e| Bad::whole(format!("the export cannot be read: {e}")))?;
    }
    report.notes.push(format!(
        "this is an export without proofs: {covered} of its {} records were verified against the record before them, and \
         nothing shows that none are missing; `agentmap audit export` writes one that proves itself",
        report.records
    ));
    Ok(())
}

fn bad(record: &AuditRecord, why: &str) -> Bad {
    Bad { seq: Some(record.seq), audit_id: Some(record.id()), why: why.into() }
}
