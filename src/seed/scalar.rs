//! What one scalar of YAML means, literal globs that look like tags and anchors included.

use serde_saphyr::granit_parser::{ScalarStyle, Span, Tag};

use super::node::Value;
use super::note::quote;

/// A scalar as the parser hands it over.
pub(super) struct Scalar<'a> {
    pub text: &'a str,
    pub style: ScalarStyle,
    pub tag: Option<&'a Tag>,
    /// Its anchor's name, if nothing refers to the anchor.
    pub idle_anchor: Option<&'a str>,
    pub span: &'a Span,
}

/// A scalar's value, and what there is to say about it: the line in the text, from 1, and why.
pub(super) type Meaning = (Value, Option<(usize, String)>);

impl Scalar<'_> {
    /// Reads the scalar, which stands in this text.
    pub(super) fn meaning(&self, source: &str) -> Meaning {
        let plain = self.style == ScalarStyle::Plain;
        let Some(tag) = self.tag else {
            return match self.idle_anchor {
                Some(name) if plain && self.text.is_empty() => {
                    let literal = format!("&{name}");
                    let why = format!("{} begins an anchor to YAML; read as text", quote(&literal));
                    (Value::String(literal), Some((self.span.start.line(), why)))
                }
                _ if plain => (Value::from_plain(self.text), None),
                _ => (self.as_text(), None),
            };
        };
        match tag.core_suffix() {
            Some("str") => return (self.as_text(), None),
            Some(_) => return (Value::from_plain(self.text), None),
            None => {}
        }
        let written = tag_text(self.span, source);
        // `!src/**`, or `!my docs/**`: a glob, and to YAML a tag with or without a value.
        let is_glob = self.text.is_empty() || written.contains(['*', '/', '.', '?']);
        if plain && is_glob && !written.starts_with("!!") {
            let start = self.span.tag_span().and_then(|tag| tag.byte_range());
            let end = self.span.byte_range().filter(|_| !self.text.is_empty());
            let whole = start.zip(end).and_then(|(tag, value)| source.get(tag.start..value.end));
            let literal = whole.unwrap_or(written).to_owned();
            let line = self.span.tag_start().map_or(self.span.start.line(), |mark| mark.line());
            let why = format!("{} begins a tag to YAML; read as text", quote(&literal));
            return (Value::String(literal), Some((line, why)));
        }
        (self.as_text(), remark_on_tag(self.span, source))
    }

    fn as_text(&self) -> Value {
        Value::String(self.text.to_owned())
    }
}

/// What to say about a tag that no one here knows. A bare `!` only asks for text.
pub(super) fn remark_on_tag(span: &Span, source: &str) -> Option<(usize, String)> {
    let written = tag_text(span, source);
    let line = span.tag_start().map_or(span.start.line(), |mark| mark.line());
    let why = || format!("the tag {} means nothing here; ignored", quote(written));
    (written != "!").then(|| (line, why()))
}

fn tag_text<'s>(span: &Span, source: &'s str) -> &'s str {
    span.tag_span().and_then(|tag| tag.slice(source)).unwrap_or("!")
}
