//! Command lines of shells, taken apart into the simple commands that they run.
//!
//! After POSIX.1-2024, chapter 2, as far as it takes to see what is run: quotes, operators, substitutions, here
//! documents, and programs that run others (`sudo`, `env`, `sh -c`). Nothing is expanded. What cannot be taken apart is
//! said to be so: it must not pass for harmless.

mod reader;

use reader::Reader;

/// How deep command lines within command lines are followed.
const DEPTH: u8 = 8;

/// What a command line runs.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Its simple commands, as their words without quotes.
    pub commands: Vec<Vec<String>>,
    /// Whether something of it could not be taken apart.
    pub opaque: bool,
}

impl Line {
    /// Takes a command line apart.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut line = Self::default();
        line.add(text, DEPTH);
        line
    }

    fn add(&mut self, text: &str, depth: u8) {
        let Some(depth) = depth.checked_sub(1) else {
            self.opaque = true;
            return;
        };
        let mut reader = Reader::new(text);
        let mut found = Vec::new();
        if reader.read(&mut found).is_none() {
            self.opaque = true;
        }
        for inner in std::mem::take(&mut reader.inner) {
            self.add(&inner, depth);
        }
        for words in found {
            self.add_command(&words, depth);
        }
    }

    /// Adds a command, and what it runs in its turn.
    fn add_command(&mut self, words: &[String], depth: u8) {
        let words = without_assignments(words);
        let Some(program) = words.first() else { return };
        let run = match base(program) {
            "sudo" | "doas" | "env" | "command" | "builtin" | "exec" | "nohup" | "time" | "nice"
            | "ionice" | "setsid" | "stdbuf" | "timeout" | "xargs" | "watch" | "busybox" => {
                Some(run_by(words))
            }
            "if" | "then" | "else" | "elif" | "while" | "until" | "do" | "!" | "{" | "(" => Some(&words[1..]),
            _ => None,
        };
        if let Some(inner) = run.filter(|inner| !inner.is_empty()) {
            match depth.checked_sub(1) {
                Some(depth) => self.add_command(inner, depth),
                None => self.opaque = true,
            }
            return;
        }
        if let Some(script) = script_of(words) {
            self.add(&script, depth);
        }
        let mut words = words.to_vec();
        let name = base(&words[0]).to_owned();
        words[0] = name;
        self.commands.push(words);
    }
}

/// The name of a program without the folder that it is in, and on Windows without the ending.
fn base(program: &str) -> &str {
    let name = program.rsplit(['/', '\\']).next().unwrap_or(program);
    match name.len().checked_sub(4).and_then(|end| name.split_at_checked(end)) {
        Some((stem, ending)) if ending.eq_ignore_ascii_case(".exe") && !stem.is_empty() => stem,
        _ => name,
    }
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        let name = name.strip_suffix('+').unwrap_or(name);
        !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

fn without_assignments(words: &[String]) -> &[String] {
    let first = words.iter().position(|word| !is_assignment(word)).unwrap_or(words.len());
    &words[first..]
}

/// What a program such as `sudo` runs: what follows its options. An option's value that is a word of its own is taken
/// for the program, and so the program for its argument: [`Line::add_command`] would miss it, so that every word from
/// there on that could be meant is found by looking for the first that is no option and no number.
fn run_by(words: &[String]) -> &[String] {
    let takes_value = |option: &str| {
        matches!(option, "-u" | "-g" | "-n" | "-I" | "-L" | "-P" | "-s" | "-k" | "-C" | "-S" | "-d" | "-E")
            && !matches!((base(&words[0]), option), ("sudo", "-n" | "-E" | "-k" | "-s" | "-S" | "-P"))
    };
    let mut at = 1;
    while let Some(word) = words.get(at) {
        if takes_value(word) {
            at += 2;
        } else if word.starts_with('-') || is_assignment(word) || is_duration(word) {
            at += 1;
        } else {
            break;
        }
    }
    words.get(at..).unwrap_or_default()
}

/// Such as `10` or `2.5m`: what `timeout` and `nice` take first.
fn is_duration(word: &str) -> bool {
    let number = word.strip_suffix(['s', 'm', 'h', 'd']).unwrap_or(word);
    !number.is_empty() && number.chars().all(|c| c.is_ascii_digit() || c == '.')
}

/// The command line that a shell is given to run.
fn script_of(words: &[String]) -> Option<String> {
    let name = base(&words[0]).to_ascii_lowercase();
    match name.as_str() {
        "eval" => Some(words[1..].join(" ")),
        "sh" | "bash" | "zsh" | "dash" | "ash" | "ksh" | "fish" => {
            let option =
                words.iter().position(|w| w.starts_with('-') && !w.starts_with("--") && w.ends_with('c'))?;
            words.get(option + 1).cloned()
        }
        "pwsh" | "powershell" => {
            let option = words.iter().position(|w| {
                let w = w.to_ascii_lowercase();
                w.len() > 1 && ("-command".starts_with(&w) || "/command".starts_with(&w))
            })?;
            Some(words[option + 1..].join(" "))
        }
        "cmd" => {
            let option =
                words.iter().position(|w| ["/c", "/k"].contains(&w.to_ascii_lowercase().as_str()))?;
            Some(words[option + 1..].join(" "))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
