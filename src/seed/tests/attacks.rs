//! Files made to hurt: each ends soon, and most as an error.

use std::time::{Duration, Instant};

use super::*;

/// A text's title and the text; each is near the limit of one megabyte.
type Attack = (&'static str, String);

const MILLION: usize = 1_000_000;

fn nested() -> Vec<Attack> {
    let levels =
        |open: &str, close: &str| format!("name: a\nx:\n {}{}", open.repeat(100_000), close.repeat(100_000));
    let steps: Vec<_> = (0..1_400).map(|level| " ".repeat(level) + "k:\n").collect();
    vec![
        ("lists in brackets", levels("[", "]")),
        ("lists in open brackets", levels("[", "")),
        ("mappings in braces", levels("{a: ", "}")),
        ("lists in a line", levels("- ", "")),
        ("explicit keys", levels("? ", "")),
        ("mappings in steps", format!("name: a\n{}", steps.concat())),
        ("colons", ": ".repeat(MILLION / 2)),
    ]
}

fn multiplied() -> Vec<Attack> {
    let mut laughs = vec!["name: a\na0: &a0 [x, x, x, x, x, x, x, x, x]".to_owned()];
    for level in 1..40 {
        let nine = vec![format!("*a{}", level - 1); 9].join(", ");
        laughs.push(format!("a{level}: &a{level} [{nine}]"));
    }
    let text = "y".repeat(MILLION / 2);
    let merges = "m:\n  <<: *x\n".repeat(50_000);
    let section = "k: [&x [y, y, y, y, y, y, y, y], *x, *x, *x, *x, *x, *x]\n";
    vec![
        ("aliases of aliases", laughs.join("\n")),
        ("aliases of text", format!("name: a\nx: &x {text}\ny: [{}]", "*x, ".repeat(100_000))),
        ("merges", format!("name: a\nx: &x {{{}}}\n{merges}", "k: v, ".repeat(100))),
        ("aliases in broken sections", format!("name: a\nb: [\n{}", section.repeat(16_000))),
        ("an alias of itself", "name: a\nx: &x [*x]\n".to_owned()),
        ("anchors", format!("name: a\nx: [{}]", "&a b, ".repeat(MILLION / 6))),
        ("anchors of nothing", format!("name: a\nx: {}", "&a ".repeat(MILLION / 3))),
        ("aliases of nothing", format!("name: a\nb: [\nx: [{}]", "*a, ".repeat(MILLION / 4))),
        ("tags", format!("name: a\nx: [{}]", "!a/b c, ".repeat(MILLION / 8))),
        ("tag directives", "%TAG !a! b\n".repeat(MILLION / 11)),
    ]
}

fn long() -> Vec<Attack> {
    let members: Vec<_> = (0..100_000).map(|n| format!("k{n}: 1\n")).collect();
    vec![
        ("one line", format!("name: a\ndescription: {}", "x".repeat(MILLION))),
        ("one line of stars", "*".repeat(MILLION)),
        ("one line of quotes", format!("name: a\nx: {}", "\"".repeat(MILLION))),
        ("stars", format!("name: a\nx:\n{}", "- *\n".repeat(MILLION / 4))),
        ("members", format!("name: a\nb: [\n{}", members.concat())),
        ("the same member", "name: a\n".repeat(MILLION / 8)),
        ("lines that are none", format!("name: a\nb: [\n{}", "y\n".repeat(MILLION / 2))),
        ("blanks", format!("name: a\n{}x: [", " \n".repeat(MILLION / 2))),
        ("comments", format!("name: a\n{}x: [", "# c\n".repeat(MILLION / 4))),
        ("documents", "--- a\n".repeat(MILLION / 6)),
        ("tabs", format!("name: a\nx:\n{}", "\t\t- a\n".repeat(MILLION / 7))),
        ("an open quote", format!("name: a\nx: \"{}", "y\n".repeat(MILLION / 2))),
        ("a folded text", format!("name: a\nx: >\n{}", "  y\n\n".repeat(MILLION / 5))),
        ("carriage returns", format!("name: a\nx: [\n{}", "y\r".repeat(MILLION / 2))),
    ]
}

fn globs() -> Vec<Attack> {
    let scopes = |glob: &str| format!("name: a\npath_scopes: [{}]", format!("'{glob}', ").repeat(200));
    let nested = format!("{}**{}", "{**/a*,".repeat(60), "}".repeat(60));
    vec![
        ("globs of choices", scopes(&"{a,*b,**/c,[d-z]}".repeat(28))),
        ("globs of nested choices", scopes(&nested)),
        ("globs of stars", scopes(&"**/*".repeat(127))),
        ("globs of classes", scopes(&"[!a-z]?".repeat(73))),
    ]
}

#[test]
fn attacks_end_soon() {
    for (what, text) in [nested(), multiplied(), long(), globs()].concat() {
        for (name, text) in [("a.yaml", text.clone()), ("a.md", format!("---\n{text}\n---\n"))] {
            let start = Instant::now();
            let reading = read_as(name, &text);
            let took = start.elapsed();
            let outcome = match &reading {
                Reading::Identity { repairs, .. } => {
                    format!("an identity, {} repairs", repairs.len())
                }
                Reading::Skipped(reason) => format!("skipped: {reason}"),
                Reading::Failed(notes) => {
                    format!("{} errors, the first: {}", notes.len(), notes[0])
                }
            };
            println!("{took:>12.3?}  {what}: {outcome}");
            assert!(took < Duration::from_secs(20), "{what}: {took:?}");
        }
    }
}

#[test]
fn attacks_on_limits_fail_the_file() {
    for (text, expected) in [
        (format!("name: a\nx: {}", "[".repeat(1_000)), "nested deeper than 64 levels"),
        (format!("name: a\nx:\n {}", "- ".repeat(1_000)), "nested deeper than 64 levels"),
        ("name: a\nx: &x [*x]\n".to_owned(), "an alias refers to the value it is part of"),
        (
            format!("name: a\nx: [{}]", "y, ".repeat(60_000)),
            "more than 50000 values, with aliases written out",
        ),
    ] {
        let notes = errors(&text);
        assert!(notes.len() == 1 && notes[0].ends_with(expected), "{notes:?}");
    }
    let deep = format!("name: a\ndeep: {}&x {}{}", "[".repeat(30), "[".repeat(30), "]".repeat(60));
    assert_eq!(document(&deep).1, [""; 0]);
    let bracket = "[".repeat(40);
    let notes = errors(&format!("{deep}\ny: {bracket}*x{}", "]".repeat(40)));
    assert_eq!(notes, ["line 3: nested deeper than 64 levels"], "an alias brings its own depth");
}
