//! Why a command or a query is refused. The domain knows no status codes.

use bincode::{Decode, Encode};
use serde::Serialize;
use utoipa::ToSchema;

/// One thing that is wrong with what a client sent.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, ToSchema)]
pub struct FieldError {
    /// The way to the member: `body`, `query` or `path`, then names and positions.
    #[schema(example = json!(["body", "name"]))]
    pub loc: Vec<String>,
    /// What is wrong, for people.
    pub msg: String,
    /// What is wrong, for programs: `missing`, `unknown_member`, `type`, `range`, `pattern`, `value`.
    #[serde(rename = "type")]
    pub kind: String,
}

impl FieldError {
    /// An error at a member of the body.
    #[must_use]
    pub fn body(member: &str, kind: &str, msg: impl Into<String>) -> Self {
        Self { loc: vec!["body".into(), member.into()], msg: msg.into(), kind: kind.into() }
    }
}

/// Why nothing was done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such thing. Text a client sent is escaped.
    #[error("There is no {what} '{}'.", id.escape_debug())]
    NotFound {
        /// The kind of thing.
        what: &'static str,
        /// What it was asked for by.
        id: String,
    },
    /// It would contradict what is there.
    #[error("{0}")]
    Conflict(String),
    /// What was sent is not usable.
    #[error("{}", summary(.0))]
    Invalid(Vec<FieldError>),
    /// A part of what was sent is longer than it may be.
    #[error("{0}")]
    TooLarge(String),
    /// It was there, and has been removed since.
    #[error("{0}")]
    Gone(String),
}

/// The way to a member in short: what it is in goes without saying, but for the whole of it.
fn at(loc: &[String]) -> String {
    loc.get(1..).filter(|rest| !rest.is_empty()).unwrap_or(loc).join(".")
}

fn summary(errors: &[FieldError]) -> String {
    let lines: Vec<_> = errors.iter().map(|e| format!("{}: {}", at(&e.loc), e.msg)).collect();
    lines.join("; ")
}
