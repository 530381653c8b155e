//! Reads a command line into the words of its commands, and the command lines in its substitutions.

/// Reads one command line.
pub(super) struct Reader<'a> {
    rest: &'a str,
    words: Vec<String>,
    /// The word that is being read; an empty one in quotes is a word, too.
    word: Option<String>,
    /// The command lines in substitutions.
    pub(super) inner: Vec<String>,
    /// The ends of here documents that begin at the end of this line, and whether they are expanded.
    heredocs: Vec<(String, bool)>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text, words: Vec::new(), word: None, inner: Vec::new(), heredocs: Vec::new() }
    }

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
    pub(super) fn read(&mut self, found: &mut Vec<Vec<String>>) -> Option<()> {
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
                    let mut reader = Reader::new(&quoted);
                    reader.read(&mut Vec::new())?;
                    self.inner.append(&mut reader.inner);
                }
            }
        }
        Some(())
    }
}
