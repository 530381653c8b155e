//! Paths in one form, by their text alone: whether a path is in a project, and where.
//!
//! The server need not run where the agent does, so that nothing is looked up in a file system: symbolic links are not
//! followed. What a path could mean in more than one way is outside. For Windows, after "File path formats on Windows
//! systems" and "Naming files, paths, and namespaces" (Microsoft Learn).

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The way to it from the project's root, in components joined by `/`; `None` where it is not in the project.
    pub relative: Option<String>,
    /// The whole path in its one form; `None` where there is none, or it cannot be told.
    pub absolute: Option<String>,
    /// Whether case makes no difference: then both are in upper case.
    pub folded: bool,
}

impl Place {
    const OUTSIDE: Self = Self { relative: None, absolute: None, folded: false };
}

/// All that a path could mean, seen from `cwd` in the project at `root`. It is where a rule says only if each of them is.
#[must_use]
pub fn places(path: &str, root: Option<&str>, cwd: Option<&str>) -> Vec<Place> {
    let root = root.or(cwd);
    let cwd = cwd.or(root);
    if path.chars().any(char::is_control) || path.is_empty() {
        return vec![Place::OUTSIDE];
    }
    let is_windows = |text: &str| has_drive(text) || text.starts_with("\\\\");
    if [Some(path), root, cwd].into_iter().flatten().any(is_windows) {
        return vec![place(&Windows, path, root, cwd)];
    }
    let posix = place(&Posix, path, root, cwd);
    // A backslash is a letter here and separates there, and nobody tells which of the two this is.
    if path.contains('\\') { vec![posix, place(&Either, path, root, cwd)] } else { vec![posix] }
}

fn place(system: &impl System, path: &str, root: Option<&str>, cwd: Option<&str>) -> Place {
    let whole = |text: &str| system.read(text).filter(|read| read.prefix.is_some());
    let (root, cwd) = (root.map(whole), cwd.map(whole));
    // A root that is none leaves nothing that a path could be in.
    if matches!(root, Some(None)) || matches!(cwd, Some(None)) {
        return Place::OUTSIDE;
    }
    let Some(path) = system.read(path) else { return Place::OUTSIDE };
    let at = match (path.prefix, cwd.flatten()) {
        (Some(prefix), _) => Walk { prefix: Some(prefix), parts: path.parts }.settled(),
        (None, Some(cwd)) if path.rooted => Walk { prefix: cwd.prefix, parts: path.parts }.settled(),
        (None, Some(cwd)) => {
            let parts = cwd.parts.into_iter().chain(path.parts).collect();
            Walk { prefix: cwd.prefix, parts }.settled()
        }
        // Where the project lies is not told: what is relative is relative to its root.
        (None, None) if path.rooted => None,
        (None, None) => Walk { prefix: None, parts: path.parts }.settled(),
    };
    let Some(at) = at else { return Place { folded: system.folds(), ..Place::OUTSIDE } };
    let fold = |text: String| if system.folds() { folded(&text) } else { text };
    let relative = match root.flatten() {
        None => at.prefix.is_none().then(|| at.parts.join("/")),
        Some(root) => root.settled().and_then(|root| {
            let same = |a: &str, b: &str| if system.folds() { folded(a) == folded(b) } else { a == b };
            let inside = at.prefix.as_deref().zip(root.prefix.as_deref()).is_some_and(|(a, b)| same(a, b))
                && at.parts.len() >= root.parts.len()
                && root.parts.iter().zip(&at.parts).all(|(a, b)| same(a, b));
            inside.then(|| at.parts[root.parts.len()..].join("/"))
        }),
    };
    let absolute = at.prefix.map(|prefix| prefix + &at.parts.join("/"));
    Place { relative: relative.map(fold), absolute: absolute.map(fold), folded: system.folds() }
}

/// A way, step by step.
struct Walk {
    /// What it starts from, such as `/`, `C:/` or `//server/share/`.
    prefix: Option<String>,
    parts: Vec<String>,
}

impl Walk {
    /// Without `.` and `..`; `None` where it leaves what it starts from, which is beyond what can be told.
    fn settled(self) -> Option<Self> {
        let mut parts: Vec<String> = Vec::with_capacity(self.parts.len());
        for part in self.parts {
            match part.as_str() {
                "" | "." => {}
                // Above the top there is the top, but a way that goes there is no way into a project.
                ".." => drop(parts.pop()?),
                _ => parts.push(part),
            }
        }
        Some(Self { prefix: self.prefix, parts })
    }
}

/// A path as it was written.
struct Written {
    prefix: Option<String>,
    /// Whether it starts at the top of a drive that is not told.
    rooted: bool,
    parts: Vec<String>,
}

impl From<Written> for Walk {
    fn from(written: Written) -> Self {
        Self { prefix: written.prefix, parts: written.parts }
    }
}

impl Written {
    fn settled(self) -> Option<Walk> {
        Walk::from(self).settled()
    }
}

/// How a system reads paths.
trait System {
    /// The parts of a path; `None` where it could mean anything.
    fn read(&self, path: &str) -> Option<Written>;
    /// Whether case makes no difference.
    fn folds(&self) -> bool {
        false
    }
}

struct Posix;

impl System for Posix {
    fn read(&self, path: &str) -> Option<Written> {
        // What a shell makes of it is somebody's home.
        if path == "~" || path.starts_with("~/") {
            return None;
        }
        let prefix = path.starts_with('/').then(|| "/".to_owned());
        Some(Written { prefix, rooted: false, parts: path.split('/').map(str::to_owned).collect() })
    }
}

/// A system of which it is not known whether backslashes separate.
struct Either;

impl System for Either {
    fn read(&self, path: &str) -> Option<Written> {
        Posix.read(&path.replace('\\', "/"))
    }
}

struct Windows;

fn has_drive(path: &str) -> bool {
    matches!(path.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic())
}

impl System for Windows {
    fn folds(&self) -> bool {
        true
    }

    fn read(&self, path: &str) -> Option<Written> {
        let path = path.replace('/', "\\");
        let (path, unc) = match path.strip_prefix("\\\\?\\") {
            Some(rest) => match rest.get(..4) {
                Some(unc) if unc.eq_ignore_ascii_case("UNC\\") => (&rest[4..], true),
                _ if has_drive(rest) => (rest, false),
                _ => return None,
            },
            // The devices are no files.
            None if path.starts_with("\\\\.\\") => return None,
            None => path.strip_prefix("\\\\").map_or((path.as_str(), false), |rest| (rest, true)),
        };
        if path == "~" || path.starts_with("~\\") {
            return None;
        }
        let (prefix, rooted, rest) = if unc {
            let mut parts = path.splitn(3, '\\');
            let (server, share) = (parts.next()?, parts.next()?);
            if [server, share].iter().any(|part| part.is_empty() || [".", ".."].contains(part)) {
                return None;
            }
            (Some(format!("//{server}/{share}/")), false, parts.next().unwrap_or_default())
        } else if has_drive(path) {
            let (drive, rest) = path.split_at(2);
            // `C:x` is relative to wherever that drive was left.
            (Some(format!("{drive}/")), false, rest.strip_prefix('\\')?)
        } else {
            (None, path.starts_with('\\'), path)
        };
        let parts: Option<Vec<String>> = rest.split('\\').map(component).collect();
        Some(Written { prefix, rooted, parts: parts? })
    }
}

/// A component as Windows takes it: dots and spaces at the end are not there. `None` where it is more than a name: the
/// stream of a file, a device.
fn component(part: &str) -> Option<String> {
    if [".", "..", ""].contains(&part) {
        return Some(part.to_owned());
    }
    let name = part.trim_end_matches(['.', ' ']);
    if name.is_empty() || name.contains([':', '*', '?', '"', '<', '>', '|']) {
        return None;
    }
    let stem = name.split('.').next().unwrap_or(name).trim_end().to_ascii_uppercase();
    let numbered = |of: &str| {
        let number =
            stem.strip_prefix(of).and_then(|rest| rest.chars().next().filter(|_| rest.chars().count() == 1));
        number.is_some_and(|c| matches!(c, '0'..='9' | '¹' | '²' | '³'))
    };
    let device = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"].contains(&stem.as_str());
    if device || numbered("COM") || numbered("LPT") {
        return None;
    }
    // What `PROGRA~1` is short for is known to the file system alone.
    let short = name.rsplit_once('~').is_some_and(|(_, tail)| tail.starts_with(|c: char| c.is_ascii_digit()));
    if short && name.len() <= 12 {
        return None;
    }
    Some(name.to_owned())
}

/// In upper case, letter by letter, as NTFS compares names: where that would change more than case it stays.
#[must_use]
pub fn folded(text: &str) -> String {
    let upper = |c: char| {
        let mut one = c.to_uppercase();
        match (one.next(), one.next()) {
            (Some(upper), None) if upper.to_lowercase().eq([c]) => upper,
            _ => c,
        }
    };
    text.chars().map(upper).collect()
}
