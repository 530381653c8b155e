//! Command lines of shells, taken apart into the simple commands that they run.
//!
//! After POSIX.1-2024, chapter 2, as far as it takes to see what is run: quotes, operators, substitutions, here
//! documents, and programs that run others (`sudo`, `env`, `sh -c`). Nothing is expanded. What cannot be taken apart is
//! said to be so: it must not pass for harmless.

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
        let mut reader =
            Reader { rest: text, words: Vec::new(), word: None, inner: Vec::new(), heredocs: Vec::new() };
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

/// Reads one command line.
struct Reader<'a> {
    rest: &'a str,
    words: Vec<String>,
    /// The word that is being read; an empty one in quotes is a word, too.
    word: Option<String>,
    /// The command lines in substitutions.
    inner: Vec<String>,
    /// The ends of here documents that begin at the end of this line, and whether they are expanded.
    heredocs: Vec<(String, bool)>,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let next = self.rest.chars().next()?;
        self.rest = &self.rest[next.len_utf8()..];
        Some(next)
    }

    fn take(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn push(&mut self, c: char) {
        self.word.get_or_insert_default().push(c);
    }

    fn end_word(&mut self) {
        self.words.extend(self.word.take());
    }

    fn end_command(&mut self, found: &mut Vec<Vec<String>>) {
        self.end_word();
        if !self.words.is_empty() {
            found.push(std::mem::take(&mut self.words));
        }
    }

    /// Reads all; `None` where something has no end.
    fn read(&mut self, found: &mut Vec<Vec<String>>) -> Option<()> {
        while let Some(c) = self.next() {
            match c {
                ' ' | '\t' | '\r' => self.end_word(),
                '\n' => {
                    self.end_command(found);
                    self.skip_heredocs()?;
                }
                // What is in brackets runs as if it were not.
                ';' | '&' | '|' | '(' | ')' => self.end_command(found),
                '#' if self.word.is_none() => {
                    let end = self.rest.find('\n').unwrap_or(self.rest.len());
                    self.rest = &self.rest[end..];
                }
                '\\' => {
                    if let Some(escaped) = self.next().filter(|c| *c != '\n') {
                        self.push(escaped);
                    }
                }
                '\'' => {
                    let end = self.rest.find('\'')?;
                    self.word.get_or_insert_default().push_str(&self.rest[..end]);
                    self.rest = &self.rest[end + 1..];
                }
                '"' => self.double_quoted()?,
                // Its escapes could spell anything.
                '$' if self.rest.starts_with('\'') => return None,
                '`' => self.backquoted()?,
                '<' if self.take("<<") => self.end_word(),
                '<' if self.take("<") => self.heredoc()?,
                '$' | '<' | '>' if self.take("(") => self.substitution()?,
                '<' | '>' => self.redirection(),
                c => self.push(c),
            }
        }
        self.end_command(found);
        self.skip_heredocs()
    }

    /// What a redirection names is a word, whatever file descriptor stands before it.
    fn redirection(&mut self) {
        if self.word.as_ref().is_some_and(|word| word.chars().all(|c| c.is_ascii_digit())) {
            self.word = None;
        }
        self.end_word();
        while self.take(">") || self.take("&") || self.take("|") {}
    }

    fn double_quoted(&mut self) -> Option<()> {
        self.word.get_or_insert_default();
        loop {
            match self.next()? {
                '"' => return Some(()),
                '\\' => match self.next()? {
                    '\n' => {}
                    c @ ('"' | '\\' | '$' | '`') => self.push(c),
                    c => {
                        self.push('\\');
                        self.push(c);
                    }
                },
                '$' if self.take("(") => self.substitution()?,
                '`' => self.backquoted()?,
                c => self.push(c),
            }
        }
    }

    /// Up to the bracket that closes what was opened before.
    fn substitution(&mut self) -> Option<()> {
        let text = self.rest;
        let (mut depth, mut quote) = (1_u32, None);
        let mut chars = text.char_indices();
        while let Some((at, c)) = chars.next() {
            match (c, quote) {
                ('\\', None | Some('"')) => {
                    chars.next();
                }
                (c, Some(open)) if c == open => quote = None,
                ('\'' | '"', None) => quote = Some(c),
                ('(', None) => depth += 1,
                (')', None) => {
                    depth -= 1;
                    if depth == 0 {
                        self.inner.push(text[..at].to_owned());
                        self.rest = &text[at + 1..];
                        // What comes of it is a part of the word, and is not known.
                        self.word.get_or_insert_default().push('$');
                        return Some(());
                    }
                }
                _ => {}
            }
        }
        None
    }

    fn backquoted(&mut self) -> Option<()> {
        let mut inner = String::new();
        loop {
            match self.next()? {
                '`' => break,
                '\\' => inner.extend(self.next()),
                c => inner.push(c),
            }
        }
        self.inner.push(inner);
        self.word.get_or_insert_default().push('$');
        Some(())
    }

    fn heredoc(&mut self) -> Option<()> {
        self.end_word();
        let _ = self.take("-");
        self.rest = self.rest.trim_start_matches([' ', '\t']);
        let end = self.rest.find([' ', '\t', '\n', ';', '|', '&', ')', '>', '<']).unwrap_or(self.rest.len());
        let told = &self.rest[..end];
        let delimiter: String = told.chars().filter(|c| !['\'', '"', '\\'].contains(c)).collect();
        if delimiter.is_empty() {
            return None;
        }
        self.heredocs.push((delimiter.clone(), delimiter == told));
        self.rest = &self.rest[end..];
        Some(())
    }

    /// Passes over the here documents that begin here. What is substituted in them runs.
    fn skip_heredocs(&mut self) -> Option<()> {
        for (delimiter, expanded) in std::mem::take(&mut self.heredocs) {
            loop {
                let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
                if line.is_empty() && rest.is_empty() {
                    return None;
                }
                self.rest = rest;
                if line.trim_start_matches('\t').trim_end_matches('\r') == delimiter {
                    break;
                }
                if expanded && (line.contains("$(") || line.contains('`')) {
                    let quoted = format!("\"{}\"", line.replace('"', ""));
                    let mut reader = Reader {
                        rest: &quoted,
                        words: Vec::new(),
                        word: None,
                        inner: Vec::new(),
                        heredocs: Vec::new(),
                    };
                    reader.read(&mut Vec::new())?;
                    self.inner.append(&mut reader.inner);
                }
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests;
