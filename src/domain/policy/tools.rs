//! Tool patterns: which calls of tools a rule of an identity means.
//!
//! `Read`, `*`, `mcp__github__*` name tools. `Bash(git push:*)` means the commands that begin with those words,
//! `Edit(src/**)` the paths that a glob matches, `WebFetch(domain:example.com)` the addresses of a host.

use super::scopes::Scopes;
use super::{Call, shell};

/// A pattern.
#[derive(Debug)]
pub struct ToolPattern {
    /// As the identity tells it.
    pub told: String,
    name: String,
    what: What,
}

/// Which calls of the tool.
#[derive(Debug)]
enum What {
    All,
    /// The commands that begin with these words, or are no more than them.
    Command {
        words: Vec<String>,
        prefix: bool,
    },
    Path(Scopes),
    Host(String),
    /// A text with `*` for anything.
    Text(String),
    /// It cannot be read.
    Broken,
}

impl ToolPattern {
    /// Reads a pattern.
    #[must_use]
    pub fn new(told: &str) -> Self {
        let text = told.trim();
        let (name, what) = match text.split_once('(') {
            None => (text, What::All),
            Some((name, spec)) => (
                name.trim_end(),
                spec.strip_suffix(')').map_or(What::Broken, |spec| What::of(name, spec.trim())),
            ),
        };
        Self { told: told.to_owned(), name: name.to_owned(), what }
    }

    /// Whether a rule that allows means the whole of a call: each command of a command line.
    #[must_use]
    pub fn allows(patterns: &[Self], call: &Call<'_>) -> Option<String> {
        let named: Vec<&Self> = patterns.iter().filter(|pattern| pattern.names(call.tool)).collect();
        if let Some(all) = named.iter().find(|pattern| matches!(pattern.what, What::All)) {
            return Some(all.told.clone());
        }
        if let Some(line) = &call.line {
            // What cannot be taken apart could be anything.
            if line.opaque || line.commands.is_empty() {
                return None;
            }
            let mut first = None;
            for command in &line.commands {
                let rule = named.iter().find(|pattern| pattern.means_command(command))?;
                first.get_or_insert(&rule.told);
            }
            return first.cloned();
        }
        named.iter().find(|pattern| pattern.means_target(call, true)).map(|pattern| pattern.told.clone())
    }

    /// Whether a rule that denies means any part of a call.
    #[must_use]
    pub fn denies(&self, call: &Call<'_>) -> bool {
        if !self.names(call.tool) {
            return false;
        }
        match (&self.what, &call.line) {
            (What::All | What::Broken, _) => true,
            (What::Command { words, .. }, Some(line)) => {
                line.commands.iter().any(|command| self.means_command(command))
                    || (line.opaque && could_hold(call.command.unwrap_or_default(), words))
            }
            _ => self.means_target(call, false),
        }
    }

    fn names(&self, tool: &str) -> bool {
        matches(&self.name, tool)
    }

    fn means_command(&self, command: &[String]) -> bool {
        let What::Command { words, prefix } = &self.what else { return false };
        let same = |(word, wanted): (&String, &String)| matches(wanted, word);
        let long_enough = if *prefix { command.len() >= words.len() } else { command.len() == words.len() };
        long_enough && command.iter().zip(words).all(same)
    }

    /// Whether it means what a call is on. A call that could be on several places is on all of them where it is to be
    /// allowed, and on each where it is to be denied.
    fn means_target(&self, call: &Call<'_>, every: bool) -> bool {
        match &self.what {
            What::All => true,
            What::Path(scopes) => {
                let is_in = |place| scopes.holding(place).is_some();
                !call.places.is_empty()
                    && if every { call.places.iter().all(is_in) } else { call.places.iter().any(is_in) }
            }
            What::Host(host) => call.target.and_then(host_of).is_some_and(|of| {
                let of = of.to_ascii_lowercase();
                of == *host || of.strip_suffix(host.as_str()).is_some_and(|rest| rest.ends_with('.'))
            }),
            What::Text(text) => call.target.is_some_and(|target| matches(text, target)),
            What::Command { .. } | What::Broken => false,
        }
    }
}

impl What {
    fn of(tool: &str, spec: &str) -> Self {
        if spec.is_empty() || spec == "*" {
            return Self::All;
        }
        match tool {
            "Bash" | "PowerShell" | "Shell" => {
                let (text, prefix) = match spec.strip_suffix(":*").or_else(|| spec.strip_suffix(" *")) {
                    Some(text) => (text, true),
                    None => (spec, false),
                };
                // In the one form in which commands are compared.
                let line = shell::Line::parse(text);
                match line.commands.as_slice() {
                    [words] if !line.opaque => Self::Command { words: words.clone(), prefix },
                    _ => Self::Broken,
                }
            }
            "WebFetch" | "WebSearch" => match spec.strip_prefix("domain:") {
                Some(host) => Self::Host(host.trim_start_matches("*.").to_ascii_lowercase()),
                None => Self::Text(spec.to_owned()),
            },
            "Task" | "Agent" | "Skill" => Self::Text(spec.to_owned()),
            name if name.starts_with("mcp__") => Self::Text(spec.to_owned()),
            // `//` begins an absolute path there where `/` does not.
            _ => Self::Path(Scopes::new(&[spec
                .strip_prefix('/')
                .filter(|s| s.starts_with('/'))
                .unwrap_or(spec)
                .to_owned()])),
        }
    }
}

/// Whether a text that cannot be taken apart could hold a command: its words are all in it.
fn could_hold(text: &str, words: &[String]) -> bool {
    let bare: String = text.chars().filter(|c| !['\'', '"', '\\', '$', '`'].contains(c)).collect();
    words.iter().all(|word| bare.contains(word.as_str()))
}

/// The host of an address.
fn host_of(url: &str) -> Option<&str> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let host = authority.rsplit('@').next()?;
    Some(
        host.rsplit_once(':').map_or(host, |(host, port)| {
            if port.bytes().all(|b| b.is_ascii_digit()) { host } else { authority }
        }),
    )
}

/// Whether a pattern in which `*` stands for anything matches the whole of a text.
#[must_use]
pub fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    true
}
