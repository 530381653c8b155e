//! YAML events -> a tree, in bounded time and memory.
//!
//! Works on the parser's events and not on serde's model: only the events still know that a
//! value was written `!src/**` or `**`, which to serde are an empty value and an error.

use std::collections::HashSet;

use serde_saphyr::granit_parser::{self, ErrorKind, Event, Parser, ScanError};

use super::builder::Builder;
use super::node::Node;
use super::note::{Note, clean};

/// Deepest nesting. Real files have three levels; what recurses over a tree relies on it.
pub const MAX_DEPTH: usize = 64;
/// Most values read from one file, the copies that aliases make included. Real files have under 500.
const MAX_NODES: usize = 50_000;
/// Most text read from one file, copies included.
const MAX_BYTES: usize = 4 << 20;

/// What was built so far; shared by all the pieces of a file that is read in pieces.
#[derive(Debug, Default)]
pub struct Spent {
    nodes: usize,
    bytes: usize,
}

/// A tree and what was done to get it.
#[derive(Debug)]
pub struct Tree {
    /// The text's first document.
    pub root: Node,
    /// What a strict reader would have read differently, or not at all.
    pub repairs: Vec<Note>,
}

/// Why there is no tree.
#[derive(Debug)]
pub enum Fault {
    /// Not YAML; a part of it may be.
    Syntax(Note),
    /// A limit was reached; the file is hostile, and is not tried again in parts.
    Limit(Note),
}

/// Reads one YAML text, whose first line has this number in its file.
///
/// # Errors
/// When it is not YAML, or reaches a limit.
pub fn build(text: &str, first_line: u64, spent: &mut Spent) -> Result<Tree, Fault> {
    let referenced = referenced(text, first_line)?;
    let mut builder = Builder::new(text, first_line, referenced, spent);
    let mut parser = Parser::new_from_str_with_options(text, options());
    while let Some(next) = parser.next_event() {
        let (event, span) = next.map_err(|error| fault(&error, first_line))?;
        if matches!(event, Event::DocumentEnd) {
            break;
        }
        // The anchor's name comes as an event of its own, right behind its node.
        let anchor = match event.anchor_id() {
            Some(_) => match parser.next_event() {
                Some(Ok((Event::Anchor(_, name), _))) => Some(name.into_owned()),
                Some(Err(error)) => return Err(fault(&error, first_line)),
                _ => None,
            },
            None => None,
        };
        builder.take(event, &span, anchor.as_deref())?;
    }
    // What follows is not read, but it is not passed over in silence.
    if let Some(next) = parser.next_event() {
        let (event, span) = next.map_err(|error| fault(&error, first_line))?;
        builder.take(event, &span, None)?;
    }
    Ok(builder.finish())
}

impl Spent {
    /// Counts what is about to be kept.
    pub(super) fn charge(&mut self, line: u64, nodes: usize, bytes: usize) -> Result<(), Fault> {
        self.nodes = self.nodes.saturating_add(nodes);
        self.bytes = self.bytes.saturating_add(bytes);
        let limit = |limit: usize, what: &str| {
            let reason = format!("more than {limit} {what}, with aliases written out");
            Err(Fault::Limit(Note::at(line, reason)))
        };
        match () {
            () if self.nodes > MAX_NODES => limit(MAX_NODES, "values"),
            () if self.bytes > MAX_BYTES => limit(MAX_BYTES, "bytes of text"),
            () => Ok(()),
        }
    }
}

/// The fault of a value in too many others.
pub(super) fn too_deep(line: u64) -> Fault {
    Fault::Limit(Note::at(line, format!("nested deeper than {MAX_DEPTH} levels")))
}

fn options() -> granit_parser::Options {
    granit_parser::options! {
        emit_unresolved_aliases: true,
        emit_anchor_events: true,
        emit_comments: false,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    }
}

fn fault(error: &ScanError, first_line: u64) -> Fault {
    let line = first_line + (error.marker().line() as u64).saturating_sub(1);
    match error.kind() {
        ErrorKind::RecursionLimitExceeded => too_deep(line),
        _ => Fault::Syntax(Note::at(line, clean(&error.info()))),
    }
}

/// The anchors that some alias refers to. The others need no copy, and an empty one was
/// never meant as an anchor.
fn referenced(text: &str, first_line: u64) -> Result<HashSet<usize>, Fault> {
    let mut ids = HashSet::new();
    if text.contains('&') {
        for next in Parser::new_from_str_with_options(text, options()) {
            match next.map_err(|error| fault(&error, first_line))? {
                (Event::Alias(id), _) => _ = ids.insert(id),
                (Event::DocumentEnd, _) => break,
                _ => {}
            }
        }
    }
    Ok(ids)
}
