//! A tree -> an identity, in any of the three formats.

use std::path::Path;

use globset::{GlobBuilder, GlobSetBuilder};
use uuid::Uuid;

use super::fields::{Field, Fields};
use super::name::{cut, name};
use super::node::Value;
use super::note::{Note, clean, quote};
use super::read::Kind;
use super::recognise::{recognise, refuse};
use super::values::Commas;
use super::yaml::Document;
use crate::domain::identity::Identity;

/// Longest role or category, in characters.
const MAX_WORD: usize = 64;
/// Longest currency, in characters.
const MAX_CURRENCY: usize = 16;
/// Most tokens and USD. These are the registry's limits: a server refuses what is beyond, and all files with it.
const MAX_TOKENS: f64 = 1e15;
const MAX_USD: f64 = 1e9;

/// Which of the three formats a file is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// An identity document: all members at the top, but for those of its sections.
    Document,
    /// Front matter with sections: `identity`, `rbac`, `budget`, `metadata`.
    FrontMatter,
    /// A Claude Code subagent: `name`, `description`, `tools`, and `x-` members.
    Subagent,
}

/// What a tree turned out to be.
#[derive(Debug)]
pub enum Outcome {
    /// An identity and the repairs to its members.
    Identity {
        /// What the file says.
        identity: Box<Identity>,
        /// What was bent.
        repairs: Vec<Note>,
    },
    /// No identity, and why.
    Skipped(String),
    /// All that is wrong.
    Failed(Vec<Note>),
}

const SECTIONS: [&str; 4] = ["identity", "rbac", "budget", "metadata"];

const fn field(section: &'static str, names: &'static [&'static str]) -> Field {
    Field { section, names, anywhere: true }
}

/// Reads an identity out of a document.
#[must_use]
pub fn identify(document: &Document, kind: Kind, path: &Path) -> Outcome {
    let Some(root) = document.root.entries() else {
        return Outcome::Skipped(match &document.root.value {
            Value::Null => "nothing in it".to_owned(),
            other => format!("{} at the top, no identity", other.kind()),
        });
    };
    if let Some(outcome) = refuse(document, root) {
        return outcome;
    }
    let format = recognise(root, kind);
    let mut fields = Fields::new(root, &SECTIONS);
    let identity = gather(&mut fields, format, path);
    match identity {
        Some(identity) if fields.errors.is_empty() => {
            Outcome::Identity { identity: Box::new(identity), repairs: fields.repairs }
        }
        _ => Outcome::Failed(fields.errors),
    }
}

fn gather(fields: &mut Fields<'_>, format: Format, path: &Path) -> Option<Identity> {
    let agent_id = agent_id(fields);
    let (name, original) = name(fields, agent_id.is_some(), path)?;
    let display_name = fields.text(field("identity", &["display_name"])).map(|(text, _)| text).or(original);
    let display_name = display_name.map(|text| cut(&text).to_owned());
    let allowed_tools = Field {
        section: "rbac",
        names: &["allowed_tools", "tools", "allowedTools"],
        // There the top-level ones are the tools of an older notation, which `rbac` replaced.
        anywhere: format != Format::FrontMatter,
    };
    Some(Identity {
        agent_id,
        name,
        display_name,
        description: text(fields, field("", &["description"])),
        role: word(fields, field("identity", &["role"]), MAX_WORD),
        role_confidence: number(fields, field("identity", &["role_confidence"]), |value| {
            if (0.0..=1.0).contains(&value) { Ok(()) } else { Err("must be between 0 and 1") }
        }),
        role_reasoning: text(fields, field("identity", &["role_reasoning"])),
        capabilities: list(fields, field("identity", &["capabilities"]), Commas::Keep),
        allowed_tools: list(fields, allowed_tools, Commas::Split),
        denied_tools: list(
            fields,
            field("rbac", &["denied_tools", "disallowed_tools", "disallowedTools"]),
            Commas::Split,
        ),
        path_scopes: path_scopes(fields),
        api_access: list(fields, field("rbac", &["api_access"]), Commas::Keep),
        requires_approval: fields.flag(Field {
            section: "rbac",
            names: &["requires_approval"],
            anywhere: true,
        }),
        approval_threshold: number(fields, field("rbac", &["approval_threshold"]), |value| match value {
            _ if value < 0.0 => Err("must not be negative"),
            _ if value > MAX_USD => Err("must be at most 1000000000"),
            _ => Ok(()),
        }),
        max_tokens_per_session: tokens(fields),
        max_cost_per_day: number(fields, field("budget", &["max_cost_per_day"]), |value| match value {
            _ if value <= 0.0 => Err("must be more than 0"),
            _ if value > MAX_USD => Err("must be at most 1000000000"),
            _ => Ok(()),
        }),
        currency: word(fields, field("budget", &["currency"]), MAX_CURRENCY),
        category: word(fields, field("metadata", &["category"]), MAX_WORD),
        specialist: fields.flag(field("metadata", &["specialist"])),
        version: text(fields, field("metadata", &["version"])),
        tags: list(fields, field("metadata", &["tags"]), Commas::Keep),
    })
}

fn agent_id(fields: &mut Fields<'_>) -> Option<Uuid> {
    let place = field("identity", &["agent_id"]);
    let said = fields.says(place);
    let given = fields.text(place);
    let id = given.as_ref().and_then(|(text, _)| Uuid::try_parse(text.trim()).ok());
    // Never a default here: an id that cannot be read may be an agent's that exists.
    if let (Some(line), None) = (said, id) {
        let shown = given.map_or(String::new(), |(text, _)| format!(": {}", quote(&text)));
        fields.error(line, format!("`agent_id` is no UUID{shown}"));
    }
    id
}

fn text(fields: &mut Fields<'_>, field: Field) -> Option<String> {
    fields.text(field).map(|(text, _)| text)
}

/// Text of which the registry takes so many characters.
fn word(fields: &mut Fields<'_>, field: Field, most: usize) -> Option<String> {
    let (text, line) = fields.text(field)?;
    if text.chars().count() > most {
        fields
            .error(line, format!("`{}` is longer than {most} characters: {}", field.names[0], quote(&text)));
    }
    Some(text)
}

fn number(fields: &mut Fields<'_>, field: Field, accept: fn(f64) -> Result<(), &'static str>) -> Option<f64> {
    fields.number(field, accept).map(|(number, _)| number)
}

fn list(fields: &mut Fields<'_>, field: Field, commas: Commas) -> Option<Vec<String>> {
    fields.list(field, commas).map(|(items, _)| items)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole and within 1..=10^15, checked"
)]
fn tokens(fields: &mut Fields<'_>) -> Option<u64> {
    let accept = |value: f64| match value {
        _ if value <= 0.0 => Err("must be more than 0"),
        _ if value.fract() != 0.0 => Err("must be a whole number"),
        _ if value > MAX_TOKENS => Err("must be at most 1000000000000000"),
        _ => Ok(()),
    };
    number(fields, field("budget", &["max_tokens_per_session"]), accept).map(|value| value as u64)
}

/// Each scope has to be a glob that compiles: what cannot be matched would deny, or allow, by accident.
fn path_scopes(fields: &mut Fields<'_>) -> Option<Vec<String>> {
    let (scopes, line) = fields.list(field("rbac", &["path_scopes"]), Commas::Keep)?;
    for scope in &scopes {
        let compiled = GlobBuilder::new(scope)
            .literal_separator(true)
            .build()
            .and_then(|glob| GlobSetBuilder::new().add(glob).build());
        if let Err(error) = compiled {
            fields.error(
                line,
                format!(
                    "`path_scopes` has an invalid glob {}: {}",
                    quote(scope),
                    clean(&error.kind().to_string())
                ),
            );
        }
    }
    Some(scopes)
}
