//! Folders -> the files in them that may hold identities, in an order that never changes.

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use super::note::{Note, clean};
use super::read::Kind;

/// A place the walk came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The file, as reached from its root.
    pub path: PathBuf,
    /// Why it cannot be read: a link that leads nowhere or in a circle, a folder that is closed.
    pub fault: Option<Note>,
}

/// A root that is not there: the caller was called wrongly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The root.
    pub path: PathBuf,
    /// What the system says about it.
    pub cause: String,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no such folder or file: {} ({})", clean(&self.path.to_string_lossy()), self.cause)
    }
}

impl std::error::Error for Missing {}

/// Walks folders, or takes single files, in the order given. Inside a root the order is that of
/// the bytes of the path relative to it. A file that is reached twice comes once, and a folder
/// that is reached twice is entered once: links cannot multiply the work.
///
/// # Errors
/// When a root does not exist.
pub fn walk(roots: &[PathBuf]) -> Result<Vec<Step>, Missing> {
    for root in roots {
        if let Err(error) = std::fs::metadata(root) {
            return Err(Missing { path: root.clone(), cause: error.to_string() });
        }
    }
    let mut folders = HashSet::new();
    let mut files = HashSet::new();
    let mut steps = Vec::new();
    for root in roots {
        let mut found: Vec<(Vec<u8>, Step)> =
            walk_root(root, &mut folders).into_iter().map(|step| (order(root, &step.path), step)).collect();
        found.sort_by(|(a, _), (b, _)| a.cmp(b));
        for (_, step) in found {
            let canonical = step.path.canonicalize().unwrap_or_else(|_| step.path.clone());
            // A link that closes a circle is its own fault, wherever it leads.
            if step.fault.is_some() || files.insert(canonical) {
                steps.push(step);
            }
        }
    }
    Ok(steps)
}

fn walk_root(root: &Path, folders: &mut HashSet<PathBuf>) -> Vec<Step> {
    let mut steps = Vec::new();
    let entries = WalkDir::new(root).follow_links(true).sort_by_file_name().into_iter();
    for entry in entries.filter_entry(|entry| is_new(entry, folders)) {
        match entry {
            Ok(entry) if entry.file_type().is_dir() => {}
            Ok(entry) => {
                let known = Kind::of(entry.path()).is_some();
                // A file that was named is meant; one that lies in a folder may be anything.
                let named = entry.depth() == 0;
                if known || named {
                    let fault = (!known).then(|| Note::whole("no .yaml, .yml or .md file"));
                    steps.push(Step { path: entry.into_path(), fault });
                }
            }
            Err(error) => {
                let path = error.path().unwrap_or(root).to_owned();
                let other = path.extension().is_some() && Kind::of(&path).is_none();
                let is_broken_link = error.loop_ancestor().is_none() && path.is_symlink();
                // A broken link that is named like some other file would not have been read anyway.
                if !(other && is_broken_link) {
                    steps.push(Step { path, fault: Some(Note::whole(reason(&error))) });
                }
            }
        }
    }
    steps
}

fn is_new(entry: &DirEntry, folders: &mut HashSet<PathBuf>) -> bool {
    !entry.file_type().is_dir() || entry.path().canonicalize().map_or(true, |path| folders.insert(path))
}

fn reason(error: &walkdir::Error) -> String {
    match (error.loop_ancestor(), error.io_error()) {
        (Some(ancestor), _) => format!("a link back to {}, a circle", clean(&ancestor.to_string_lossy())),
        (None, Some(cause)) if error.path().is_some_and(Path::is_symlink) => {
            format!("a link that cannot be followed: {cause}")
        }
        (None, Some(cause)) => format!("cannot be read: {cause}"),
        (None, None) => "cannot be read".to_owned(),
    }
}

/// The bytes that a path is ordered by.
fn order(root: &Path, path: &Path) -> Vec<u8> {
    let relative = path.strip_prefix(root).unwrap_or(path);
    let mut bytes = Vec::new();
    for part in relative {
        if !bytes.is_empty() {
            bytes.push(b'/');
        }
        bytes.extend_from_slice(part.as_encoded_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for file in files {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "name: a\n").unwrap();
        }
        dir
    }

    fn names(root: &Path, steps: &[Step]) -> Vec<String> {
        steps
            .iter()
            .map(|step| {
                let name = step.path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
                if step.fault.is_some() { format!("!{name}") } else { name }
            })
            .collect()
    }

    #[test]
    fn files_come_in_byte_order_of_their_paths() {
        let dir = tree(&[
            "b.md",
            "a/z.yaml",
            "a.md",
            "a/b/c.YML",
            "a-b/x.Md",
            "B.yml",
            "a/readme.txt",
            "no",
            "é.md",
        ]);
        let steps = walk(&[dir.path().to_owned()]).unwrap();
        assert_eq!(
            names(dir.path(), &steps),
            ["B.yml", "a-b/x.Md", "a.md", "a/b/c.YML", "a/z.yaml", "b.md", "é.md"]
        );
    }

    #[test]
    fn roots_keep_their_order_and_files_come_once() {
        let dir = tree(&["a/x.md", "b/y.md", "b/z.txt"]);
        let at = |name: &str| dir.path().join(name);
        let steps = walk(&[at("b/y.md"), at("b"), at("a"), dir.path().to_owned(), at("b/z.txt")]).unwrap();
        assert_eq!(names(dir.path(), &steps), ["b/y.md", "a/x.md", "!b/z.txt"]);
    }

    #[test]
    fn a_missing_root_is_refused() {
        let dir = tree(&["a.md"]);
        let missing = walk(&[dir.path().to_owned(), dir.path().join("no\u{1b}")]).unwrap_err();
        assert!(missing.to_string().contains("no\\u{1b}"), "{missing}");
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_circles_end() {
        use std::os::unix::fs::symlink;
        let dir = tree(&["real/a.md", "real/deep/b.md"]);
        let at = |name: &str| dir.path().join(name);
        symlink("..", at("real/deep/up")).unwrap();
        symlink("nowhere", at("broken.md")).unwrap();
        symlink("nowhere", at("broken.lock")).unwrap();
        symlink("self.yaml", at("self.yaml")).unwrap();
        symlink("real", at("alias")).unwrap();
        symlink("real/a.md", at("second.md")).unwrap();
        let steps = walk(&[dir.path().to_owned()]).unwrap();
        assert_eq!(
            names(dir.path(), &steps),
            ["alias/a.md", "alias/deep/b.md", "!alias/deep/up", "!broken.md", "!self.yaml"]
        );
    }

    #[cfg(unix)]
    #[test]
    fn links_do_not_multiply_the_work() {
        use std::os::unix::fs::symlink;
        // Each folder links twice to the next: 2^40 paths without a circle.
        let dir = tree(&[]);
        for level in 0..40 {
            let folder = dir.path().join(format!("{level:02}"));
            fs::create_dir(&folder).unwrap();
            let next = format!("../{:02}", (level + 1).min(39));
            for name in ["x", "y"].iter().take(if level < 39 { 2 } else { 0 }) {
                symlink(&next, folder.join(name)).unwrap();
            }
        }
        fs::write(dir.path().join("39/a.md"), "").unwrap();
        assert_eq!(walk(&[dir.path().to_owned()]).unwrap().len(), 1);
    }
}
