//! Whether a tree is an identity at all, and in which format.

use super::identity::{Format, Outcome};
use super::node::Entry;
use super::read::Kind;
use super::yaml::Document;

/// Members that tell another kind of file which happens to have a `name` too: a schema, a
/// manifest, a workflow, a compose file, an issue form.
const FOREIGN: [&str; 10] = [
    "$schema",
    "$id",
    "apiVersion",
    "openapi",
    "swagger",
    "jobs",
    "runs",
    "services",
    "properties",
    "assignees",
];

/// Members that only an agent has.
const OWN: [&str; 9] = [
    "agent_id",
    "identity",
    "rbac",
    "budget",
    "role",
    "capabilities",
    "tools",
    "allowed-tools",
    "allowed_tools",
];

/// What is no identity, or was one before it broke.
pub(super) fn refuse(document: &Document, root: &[Entry]) -> Option<Outcome> {
    let has = |key: &str| root.iter().any(|entry| entry.key == key);
    let is_section = |key: &str| root.iter().any(|entry| entry.key == key && entry.value.entries().is_some());
    if !(has("name") || has("agent_id") || ["identity", "rbac", "budget"].into_iter().any(is_section)) {
        let lost =
            document.lost.iter().find(|key| ["name", "agent_id", "identity", "rbac"].contains(&key.as_str()));
        return Some(match (lost, &document.complaint) {
            (Some(_), Some(complaint)) => Outcome::Failed(vec![complaint.clone()]),
            (None, Some(complaint)) => {
                Outcome::Skipped(format!("no identity in it, and not valid YAML ({complaint})"))
            }
            _ => Outcome::Skipped("no name, agent_id or identity in it".to_owned()),
        });
    }
    let foreign = FOREIGN.into_iter().find(|key| has(key)).filter(|_| !OWN.into_iter().any(has))?;
    Some(Outcome::Skipped(format!("another kind of file: it has `{foreign}`")))
}

/// The format, by the members that only it has.
pub(super) fn recognise(root: &[Entry], kind: Kind) -> Format {
    let has = |key: &str| root.iter().any(|entry| entry.key == key);
    let any = |keys: &[&str]| keys.iter().any(|key| has(key));
    if has("identity") || kind == Kind::Markdown && has("rbac") {
        Format::FrontMatter
    } else if any(&["agent_id", "role", "rbac", "budget", "performance"]) {
        Format::Document
    } else if kind == Kind::Markdown || any(&["tools", "allowed-tools", "model", "permissionMode"]) {
        Format::Subagent
    } else {
        Format::Document
    }
}
