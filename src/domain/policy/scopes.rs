//! Path scopes: globs that say where an agent may work.

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};

use super::paths::{Place, folded};

/// The scopes of an agent, made ready to be asked.
#[derive(Debug, Default)]
pub struct Scopes {
    relative: Globs,
    absolute: Globs,
}

impl Scopes {
    /// Scopes as an identity tells them. What is no glob allows nothing.
    #[must_use]
    pub fn new(scopes: &[String]) -> Self {
        let (absolute, relative): (Vec<_>, Vec<_>) = scopes
            .iter()
            .map(|scope| (scope.as_str(), plain(scope)))
            .partition(|(_, glob)| is_absolute(glob));
        Self { relative: Globs::new(&relative), absolute: Globs::new(&absolute) }
    }

    /// The scope that a place is in, as the identity tells it.
    #[must_use]
    pub fn holding(&self, place: &Place) -> Option<&str> {
        let in_one = |globs: &'_ Globs, path: &Option<String>| globs.first(path.as_deref()?, place.folded);
        let at = in_one(&self.relative, &place.relative).map(|at| &self.relative.told[at]);
        let at = at.or_else(|| in_one(&self.absolute, &place.absolute).map(|at| &self.absolute.told[at]));
        at.map(String::as_str)
    }
}

/// Globs, each in two forms: as told, and in upper case for systems where case makes no difference.
#[derive(Debug, Default)]
struct Globs {
    told: Vec<String>,
    exact: GlobSet,
    folded: GlobSet,
}

impl Globs {
    fn new(globs: &[(&str, String)]) -> Self {
        let (mut told, mut exact, mut upper) = (Vec::new(), GlobSetBuilder::new(), GlobSetBuilder::new());
        for (scope, glob) in globs {
            if let (Ok(one), Ok(other)) = (compiled(glob), compiled(&folded(glob))) {
                told.push((*scope).to_owned());
                exact.add(one);
                upper.add(other);
            }
        }
        match (exact.build(), upper.build()) {
            (Ok(exact), Ok(folded)) => Self { told, exact, folded },
            _ => Self::default(),
        }
    }

    fn first(&self, path: &str, folded: bool) -> Option<usize> {
        let globs = if folded { &self.folded } else { &self.exact };
        globs.matches(path).first().copied()
    }
}

fn compiled(glob: &str) -> Result<Glob, globset::Error> {
    GlobBuilder::new(glob).literal_separator(true).backslash_escape(true).build()
}

/// A scope with slashes, whichever way it was written: a folder means all that is in it. A backslash before a bracket
/// means that bracket.
fn plain(scope: &str) -> String {
    let mut glob = String::with_capacity(scope.len() + 2);
    let mut letters = scope.trim().chars().peekable();
    while let Some(letter) = letters.next() {
        let separates = letter == '\\' && !letters.peek().is_some_and(|next| "[]{}".contains(*next));
        glob.push(if separates { '/' } else { letter });
    }
    while let Some(rest) = glob.strip_prefix("./") {
        glob = rest.to_owned();
    }
    if glob.ends_with('/') {
        glob.push_str("**");
    }
    glob
}

fn is_absolute(glob: &str) -> bool {
    glob.starts_with('/') || matches!(glob.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::super::paths::places;
    use super::*;

    #[test]
    fn scopes_are_read_however_they_are_written() {
        for (scope, path, wanted) in [
            ("src/**", "src/a.rs", true),
            ("src\\**", "src/a/b.rs", true),
            ("./src/", "src/a/b.rs", true),
            ("src", "src/a.rs", false),
            ("src/*", "src/a/b.rs", false),
            ("**", "a/b", true),
            ("**", ".", true),
            ("**/*.test.*", "a/b.test.ts", true),
            ("pages/\\[id\\]/**", "pages/[id]/a", true),
            ("{src,lib}/**", "lib/a", true),
            ("[", "[", false),
            ("../x/**", "../x/a", false),
            ("/tmp/**", "/tmp/a", true),
            ("/tmp/**", "tmp/a", false),
        ] {
            let scopes = Scopes::new(&["docs/**".to_owned(), scope.to_owned()]);
            for place in places(path, None, None) {
                let wanted = wanted.then_some(scope);
                assert_eq!(scopes.holding(&place), wanted, "{scope} {path} {place:?}");
            }
        }
    }
}
