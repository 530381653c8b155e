//! The reader as a whole: by example, on real files, under attack.

use std::path::{Path, PathBuf};

use super::load::load;
use super::read::{Reading, read};
use super::walk::walk;
use crate::domain::identity::Identity;

mod attacks;
mod bytes;
mod formats;
mod fuzz;
mod members;
mod real;
mod syntax;

const ID: &str = "2e4786ea-7419-47bb-8c58-44a7b50b6fc2";

/// A list as a file says it.
macro_rules! list {
    ($($item:expr),* $(,)?) => { Some(Vec::<String>::from([$($item.to_owned()),*])) };
}
use list;

fn read_as(name: &str, text: &str) -> Reading {
    read(Path::new(name), text.as_bytes())
}

/// An identity and its repairs, from YAML.
fn document(text: &str) -> (Identity, Vec<String>) {
    accept(read_as("dir/a.yaml", text))
}

/// The same, from front matter.
fn markdown(text: &str) -> (Identity, Vec<String>) {
    accept(read_as("dir/a.md", &format!("---\n{text}---\nbody\n")))
}

fn accept(reading: Reading) -> (Identity, Vec<String>) {
    match reading {
        Reading::Identity { identity, repairs } => {
            (*identity, repairs.iter().map(ToString::to_string).collect())
        }
        other => panic!("{other:?}"),
    }
}

fn errors(text: &str) -> Vec<String> {
    match read_as("dir/a.yaml", text) {
        Reading::Failed(notes) => notes.iter().map(ToString::to_string).collect(),
        other => panic!("{text}: {other:?}"),
    }
}

fn skipped(name: &str, text: &str) -> String {
    match read_as(name, text) {
        Reading::Skipped(reason) => reason,
        other => panic!("{text}: {other:?}"),
    }
}

/// The one repair of a document that has an id and a name, and this below.
fn repair(rest: &str) -> (Identity, String) {
    let (identity, repairs) = document(&format!("agent_id: {ID}\nname: a\n{rest}"));
    assert_eq!(repairs.len(), 1, "{rest}: {repairs:?}");
    (identity, repairs[0].clone())
}

/// Real files lie beside the project, or where the environment says; without them there is
/// nothing to check.
fn real_files() -> Vec<(PathBuf, Vec<u8>)> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/identities");
    let root = std::env::var_os("AGENTMAP_REAL_IDENTITIES").map_or(beside, PathBuf::from);
    let steps = walk(&[root]).unwrap_or_default();
    steps.into_iter().map(|step| (step.path.clone(), load(&step.path).unwrap())).collect()
}
