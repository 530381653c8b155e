//! Globs of path scopes: what is accepted can be matched, in one way.

use std::path::Path;

use globset::{Glob, GlobSet, GlobSetBuilder};

use crate::domain::agent_write::PathScope;
use crate::seed::read::{Reading, read};

/// A glob, and in the next line a path.
pub fn glob(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (glob, path) = text.split_once('\n').unwrap_or((text, ""));
    let problem = PathScope::problem(glob);
    as_files_say(glob, problem.as_deref());
    if let Some(problem) = problem {
        assert!(problem.starts_with("is not a valid glob: ") && problem.len() > 21, "{problem}");
        return;
    }
    let set = compiled(glob).unwrap();
    assert_eq!(set.is_match(path), set.is_match(path));
    if !glob.contains(['[', ']', '{', '}', '\\']) && !glob.contains("**") {
        assert_eq!(set.is_match(path), plainly_matches(glob.as_bytes(), path), "{glob:?} {path:?}");
    }
    let literal = !glob.contains(['*', '?', '[', ']', '{', '}', '\\']);
    assert!(!literal || set.is_match(glob), "{glob:?}");
}

fn compiled(glob: &str) -> Result<GlobSet, globset::Error> {
    GlobSetBuilder::new().add(Glob::new(glob)?).build()
}

/// A second opinion on globs of `*` and `?`: which lengths of the path the glob so far matches.
fn plainly_matches(glob: &[u8], path: &str) -> bool {
    let path: Vec<char> = path.chars().collect();
    let glob: Vec<char> = std::str::from_utf8(glob).unwrap().chars().collect();
    let mut matched = vec![false; path.len() + 1];
    matched[0] = true;
    for token in glob {
        match token {
            '*' => {
                let first = matched.iter().position(|m| *m).unwrap_or(matched.len());
                matched[first..].fill(true);
            }
            token => {
                for at in (0..path.len()).rev() {
                    matched[at + 1] = matched[at] && (token == '?' || token == path[at]);
                }
                matched[0] = false;
            }
        }
    }
    matched[path.len()]
}

/// A scope is as good in an identity file as in a request.
fn as_files_say(glob: &str, problem: Option<&str>) {
    // JSON's text is YAML's, but for a few signs that YAML takes only escaped.
    let file = format!("name: a\npath_scopes: [{}]\n", serde_json::Value::from(glob));
    match read(Path::new("a.yaml"), file.as_bytes()) {
        Reading::Identity { identity, .. } if identity.path_scopes.as_ref().is_some_and(|s| *s == [glob]) => {
            assert_eq!(problem, None, "{glob:?}");
        }
        Reading::Failed(notes) => {
            let invalid = notes.iter().any(|note| note.reason.contains("invalid glob"));
            assert!(!invalid || problem.is_some(), "{glob:?}: {notes:?}");
        }
        Reading::Identity { .. } | Reading::Skipped(_) => {}
    }
}
