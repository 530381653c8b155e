//! Bytes that are no text, and text that is no reason.

use super::*;

#[test]
fn bytes_are_text_or_an_error_with_its_line() {
    let failed = |name: &str, bytes: &[u8]| match read(Path::new(name), bytes) {
        Reading::Failed(notes) => notes[0].to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(failed("a.yaml", b"name: a\nx: \xff\n"), "line 2: not valid UTF-8");
    assert_eq!(failed("a.md", b"---\nname: a\nx: \xff\n---\n"), "line 3: not valid UTF-8");
    assert_eq!(failed("a.yaml", b"name: a\n\n\0"), "line 3: holds a NUL byte");
    assert_eq!(
        failed("a.yaml", &vec![b' '; (1 << 20) + 1]),
        "1048577 bytes of YAML; at most 1048576 are read"
    );
    assert_eq!(
        failed("a.md", b"---\nname: a\n"),
        "line 1: the front matter that begins here has no closing `---`"
    );
    let (a, repairs) =
        accept(read(Path::new("A.MD"), b"\xef\xbb\xbf---\r\nname: a\r\ntags:\r\n- *\r\n---\r\n\xff\0"));
    assert_eq!(
        (a.tags, repairs),
        (list!["*"], vec!["line 4: `*` begins an alias to YAML; read as text".to_owned()])
    );
}

#[test]
fn reasons_cannot_move_the_cursor() {
    let errors = errors("name: a\nagent_id: \"\\e[2J\\u202e\\n\"\n");
    assert_eq!(errors, ["line 2: `agent_id` is no UUID: `\\u{1b}[2J\\u{202e}\\n`"]);
    let (_, repairs) = document("name: a\n\"x\\e\": 1\n\"x\\e\": 2\n\"tags\": \"\\e\"\n");
    assert!(repairs.iter().all(|note| !note.contains('\u{1b}')), "{repairs:?}");
}
