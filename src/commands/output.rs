//! What commands print. Output is plain ASCII but for what users wrote themselves, and that cannot move the
//! cursor: control characters are escaped.

use std::io::{self, Write};

use super::Fault;

/// Tells the user of a fault.
pub fn complain(text: &str) {
    // Where even this fails nobody listens.
    let _ = writeln!(io::stderr(), "agentmap: {text}");
}

/// Prints a line. A reader that has gone away, as `head` does, is no failure.
///
/// # Errors
/// When the output cannot be written.
pub fn print(text: &str) -> Result<(), Fault> {
    match writeln!(io::stdout(), "{text}") {
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(e) => Err(Fault::new(format!("cannot write the output: {e}"))),
        Ok(()) => Ok(()),
    }
}

/// Says something to whoever reads. A server goes on when nobody does.
pub fn say(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}

/// Prints a value as JSON.
///
/// # Errors
/// As [`print`].
pub fn print_json(value: &impl serde::Serialize) -> Result<(), Fault> {
    print(&serde_json::to_string_pretty(value).map_err(|e| Fault::new(e.to_string()))?)
}

/// Text of a client, fit for a terminal.
pub fn safe(text: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().flat_map(|c| if hidden(c) { c.escape_unicode().collect() } else { vec![c] }).collect()
}

/// Rows under a head, in columns as wide as they need to be. Text is made safe.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| safe(cell)).collect()).collect();
    let width = |i: usize| {
        let cells = rows.iter().filter_map(|row| row.get(i)).map(|cell| cell.chars().count());
        cells.chain([head[i].len()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cells: Vec<&str>| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| {
            let space = width.saturating_sub(cell.chars().count());
            format!("{cell}{}", " ".repeat(space))
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut lines = vec![line(head.to_vec())];
    lines.extend(rows.iter().map(|row| line(row.iter().map(String::as_str).collect())));
    lines.join("\n")
}
