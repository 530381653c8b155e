//! The house's rules, read from the sources: which layer may use which, and how long a file may be.

use std::fs;
use std::path::{Path, PathBuf};

/// A file is split by concept before it grows beyond this.
const LINES: usize = 330;

/// A layer: the files it consists of, and what they never name.
struct Layer {
    files: &'static [&'static str],
    never: &'static [&'static str],
}

const LAYERS: &[Layer] = &[
    Layer {
        files: &["main.rs"],
        never: &["crate::", "redb::", "agentmap::store", "agentmap::domain", "agentmap::http"],
    },
    Layer {
        files: &["cli.rs", "config.rs", "config"],
        never: &[
            "crate::app",
            "crate::App",
            "crate::commands",
            "crate::domain",
            "crate::http",
            "crate::seed",
            "crate::store",
            "redb::",
            "warp::",
            "tokio::",
        ],
    },
    Layer { files: &["commands"], never: &["redb::"] },
    Layer {
        files: &["notary.rs"],
        never: &[
            "crate::app",
            "crate::App",
            "crate::commands",
            "crate::cli",
            "crate::config",
            "crate::http",
            "crate::seed",
            "redb::",
            "warp::",
        ],
    },
    Layer {
        files: &["seed"],
        never: &[
            "crate::http",
            "crate::store",
            "crate::commands",
            "crate::cli",
            "crate::config",
            "redb::",
            "warp::",
            "hyper::",
        ],
    },
    Layer {
        files: &["http"],
        never: &["crate::store", "crate::seed", "crate::commands", "crate::cli", "redb::", "bincode::"],
    },
    Layer {
        files: &["domain"],
        never: &[
            "crate::http",
            "crate::App",
            "crate::app",
            "crate::seed",
            "crate::commands",
            "crate::cli",
            "crate::config",
            "warp::",
            "hyper::",
            "redb::",
            "SystemTime",
            "Instant",
            "now_utc",
            "now_local",
            "new_v4",
            "std::env",
        ],
    },
    Layer {
        files: &["store"],
        never: &[
            "crate::domain",
            "crate::http",
            "crate::app",
            "crate::App",
            "crate::seed",
            "crate::commands",
            "crate::cli",
            "crate::config",
            "warp::",
            "hyper::",
        ],
    },
];

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every source file, by its path below `src`, with its text.
fn files() -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(sources()).unwrap().to_str().unwrap().replace('\\', "/");
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let mut found = Vec::new();
    walk(&sources(), &mut found);
    found.sort();
    found
}

/// Whether a file belongs to a part such as `http` or `cli.rs`, with the folder of a file that has one.
fn is_in(name: &str, part: &str) -> bool {
    let folder = part.trim_end_matches(".rs");
    name == part || name == format!("{folder}.rs") || name.starts_with(&format!("{folder}/"))
}

/// The lines of code of a file: without comments and without its tests.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let code = text.lines().enumerate().map(|(n, line)| (n + 1, line.split("//").next().unwrap_or_default()));
    code.take_while(|(_, line)| !line.starts_with("#[cfg(test)]"))
}

/// Whether a line names something as a whole word or path.
fn names(line: &str, wanted: &str) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(wanted).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + wanted.len()..].chars().next();
        !before.is_some_and(part_of_word) && (wanted.ends_with(':') || !after.is_some_and(part_of_word))
    })
}

/// Grouped imports such as `use crate::{app, store::Key}` as one path a line.
fn spread(line: &str) -> String {
    let Some((head, group)) = line.split_once("crate::{") else { return line.to_owned() };
    let members = group.split([',', '{', '}', ';']).map(str::trim).filter(|m| !m.is_empty());
    members.fold(head.to_owned(), |text, member| format!("{text} crate::{member}"))
}

#[test]
fn layers_use_only_what_they_may() {
    let files = files();
    let mut broken = Vec::new();
    for layer in LAYERS {
        let mut members = 0;
        for (name, text) in files.iter().filter(|(name, _)| layer.files.iter().any(|part| is_in(name, part)))
        {
            members += 1;
            if name.contains("/tests/") || name.ends_with("/tests.rs") {
                continue;
            }
            for (number, line) in code(text) {
                let line = spread(line);
                let named = layer.never.iter().filter(|wanted| names(&line, wanted));
                broken.extend(named.map(|wanted| format!("src/{name}:{number} uses {wanted}")));
            }
        }
        assert!(members > 0, "no file is in {:?}", layer.files);
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn files_are_short() {
    let mut long = Vec::new();
    for (name, text) in files() {
        let lines = text.lines().count();
        if lines > LINES {
            long.push(format!("src/{name} has {lines} lines"));
        }
    }
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn forbidden_names_are_found_however_they_are_written() {
    for (line, wanted, found) in [
        ("use crate::store::ReadTx;", "crate::store", true),
        ("use crate::{app, store::ReadTx};", "crate::store", true),
        ("fn f(tx: &crate::store::ReadTx) {}", "crate::store", true),
        ("use crate::stored::Thing;", "crate::store", false),
        ("use redb::Database;", "redb::", true),
        ("let file = \"agentmap.redb\";", "redb::", false),
        ("use crate::application::X;", "crate::app", false),
    ] {
        assert_eq!(names(&spread(line), wanted), found, "{line}");
    }
    assert_eq!(code("use redb; // redb\n// warp\n#[cfg(test)]\nuse warp;\n").count(), 2);
}
