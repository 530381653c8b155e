//! The parser's events, put together to a tree within the limits.

use std::collections::{HashMap, HashSet};

use serde_saphyr::granit_parser::{Event, ScalarStyle, Span};

use super::mapping::Members;
use super::node::{Node, Value};
use super::note::{Note, quote};
use super::scalar::{Scalar, remark_on_tag};
use super::tree::{Fault, MAX_DEPTH, Spent, Tree, too_deep};

/// A tree that grows event by event.
pub(super) struct Builder<'t, 's> {
    text: &'t str,
    first_line: u64,
    /// The anchors that some alias refers to: only those are kept.
    referenced: HashSet<usize>,
    anchors: HashMap<usize, Node>,
    stack: Vec<Frame>,
    root: Option<Node>,
    spent: &'s mut Spent,
    repairs: Vec<Note>,
}

/// A collection that is still open.
struct Frame {
    line: u64,
    anchor: usize,
    kind: Kind,
}

enum Kind {
    Sequence(Vec<Node>),
    Mapping(Members),
}

impl<'t, 's> Builder<'t, 's> {
    pub(super) fn new(
        text: &'t str,
        first_line: u64,
        referenced: HashSet<usize>,
        spent: &'s mut Spent,
    ) -> Self {
        Self {
            text,
            first_line,
            referenced,
            anchors: HashMap::new(),
            stack: Vec::new(),
            root: None,
            spent,
            repairs: Vec::new(),
        }
    }

    /// Takes the next event, with the name of its anchor if it has one.
    pub(super) fn take(
        &mut self,
        event: Event<'_>,
        span: &Span,
        anchor_name: Option<&str>,
    ) -> Result<(), Fault> {
        let line = self.line(span.start.line());
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let merge = style == ScalarStyle::Plain && tag.is_none() && text == "<<";
                let idle_anchor = anchor_name.filter(|_| !self.referenced.contains(&anchor));
                let tag = tag.as_deref();
                let scalar = Scalar { text: &text, style, tag, idle_anchor, span };
                let (value, remark) = scalar.meaning(self.text);
                self.remark(remark);
                self.add(Node { line, value }, anchor, merge)
            }
            Event::UnresolvedAlias(name) => {
                let written = span.slice(self.text);
                let text = written.map_or_else(|| format!("*{name}"), str::to_owned);
                self.note(line, format!("{} begins an alias to YAML; read as text", quote(&text)));
                self.add(Node { line, value: Value::String(text) }, 0, false)
            }
            Event::Alias(id) => self.copy(id, line),
            Event::SequenceStart(_, anchor, tag) => {
                let remark = tag.filter(|tag| tag.is_custom()).and_then(|_| remark_on_tag(span, self.text));
                self.remark(remark);
                self.open(Frame { line, anchor, kind: Kind::Sequence(Vec::new()) })
            }
            Event::MappingStart(_, anchor, tag) => {
                let remark = tag.filter(|tag| tag.is_custom()).and_then(|_| remark_on_tag(span, self.text));
                self.remark(remark);
                self.open(Frame { line, anchor, kind: Kind::Mapping(Members::default()) })
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            // A second document may follow; this one's caller reads only the first.
            Event::DocumentStart(..) if self.root.is_some() => {
                self.note(line, "a second YAML document begins here; only the first is read");
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The tree, once all events were taken.
    pub(super) fn finish(self) -> Tree {
        let root = self.root.unwrap_or(Node { line: self.first_line, value: Value::Null });
        Tree { root, repairs: self.repairs }
    }

    /// An alias: what it refers to, written out.
    fn copy(&mut self, id: usize, line: u64) -> Result<(), Fault> {
        let Some(node) = self.anchors.get(&id) else {
            // Its anchor is known and not finished: the alias stands inside of it.
            return Err(Fault::Limit(Note::at(line, "an alias refers to the value it is part of")));
        };
        let size = node.size();
        if self.stack.len() + size.depth > MAX_DEPTH {
            return Err(too_deep(line));
        }
        // Before the copy is made.
        self.spent.charge(line, size.nodes, size.bytes)?;
        let node = node.clone();
        self.add(node, 0, false)
    }

    fn open(&mut self, frame: Frame) -> Result<(), Fault> {
        if self.stack.len() >= MAX_DEPTH {
            return Err(too_deep(frame.line));
        }
        self.stack.push(frame);
        Ok(())
    }

    fn close(&mut self) -> Result<(), Fault> {
        let Some(Frame { line, anchor, kind }) = self.stack.pop() else {
            return Ok(());
        };
        let value = match kind {
            Kind::Sequence(items) => Value::Sequence(items),
            Kind::Mapping(members) => Value::Mapping(members.merged()),
        };
        self.add(Node { line, value }, anchor, false)
    }

    /// Puts a finished node into the collection that is open.
    fn add(&mut self, mut node: Node, anchor: usize, merge: bool) -> Result<(), Fault> {
        let bytes = match &node.value {
            Value::Number(text) | Value::String(text) => text.len(),
            _ => 0,
        };
        self.spent.charge(node.line, 1, bytes)?;
        let Some(frame) = self.stack.last_mut() else {
            self.root.get_or_insert(node);
            return Ok(());
        };
        if let (Kind::Mapping(members), Value::Null) = (&frame.kind, &node.value) {
            // Nothing has no place of its own; the parser puts it where the next token stands.
            node.line = members.line_of_key().unwrap_or(node.line);
        }
        let kept = (anchor != 0 && self.referenced.contains(&anchor)).then(|| node.clone());
        let remark = match &mut frame.kind {
            Kind::Sequence(items) => {
                items.push(node);
                None
            }
            Kind::Mapping(members) => members.add(node, merge),
        };
        if let Some((line, reason)) = remark {
            self.note(line, reason);
        }
        if let Some(node) = kept {
            let size = node.size();
            self.spent.charge(node.line, size.nodes, size.bytes)?;
            self.anchors.insert(anchor, node);
        }
        Ok(())
    }

    fn line(&self, line_in_text: usize) -> u64 {
        self.first_line + (line_in_text as u64).saturating_sub(1)
    }

    fn remark(&mut self, remark: Option<(usize, String)>) {
        if let Some((line, reason)) = remark {
            self.note(self.line(line), reason);
        }
    }

    fn note(&mut self, line: u64, reason: impl Into<String>) {
        self.repairs.push(Note::at(line, reason));
    }
}
