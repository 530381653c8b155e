//! Any bytes, any pieces of YAML and any damage to real files: what must hold of them holds.

use std::sync::OnceLock;

use proptest::prelude::*;

use super::*;
use crate::fuzzing::identity::check;

/// Pieces of which broken files are made.
fn piece() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "name: a\n",
        "identity:\n",
        "rbac:\n",
        "  agent_id: x\n",
        "  path_scopes:\n",
        "    - **\n",
        "- *\n",
        "[*, !a, &b]\n",
        "  - \"a \"b\"\n",
        "x: |\n",
        "  text\n",
        "---\n",
        "...\n",
        "key: value: more\n",
        "\t",
        "  ",
        "'",
        "\"",
        "#",
        ": ",
        "- ",
        "{",
        "}",
        "[",
        "]",
        ",",
        "&a ",
        "*a",
        "!t",
        "!!str ",
        "%TAG",
        "<<: *a\n",
        "? ",
        "\r\n",
        "\r",
        "\u{feff}",
        "\u{85}",
        "\u{2028}",
        "undefined",
        "~",
        "1.0",
        "\\",
        "é",
        "😀",
        "\0",
        "tools: a, b\n",
        "budget: {max_cost_per_day: 1}\n",
    ]);
    prop_oneof![4 => known.prop_map(str::to_owned), 1 => ".{0,8}"]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..400), head in any::<bool>()) {
        let bytes = if head { [b"---\n".to_vec(), bytes, b"\n---\n".to_vec()].concat() } else { bytes };
        check(Path::new("a.md"), &bytes);
        check(Path::new("a.yaml"), &bytes);
    }

    #[test]
    fn any_pieces_are_read(pieces in prop::collection::vec(piece(), 0..40)) {
        let text = pieces.concat();
        check(Path::new("a.yaml"), text.as_bytes());
        check(Path::new("a.md"), format!("---\n{text}\n---\n").as_bytes());
    }

    #[test]
    fn any_damage_to_real_files_is_survived(
        which in any::<prop::sample::Index>(),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..30, piece()), 1..6),
    ) {
        let files = REAL.get_or_init(real_files);
        if !files.is_empty() {
            let (path, bytes) = which.get(files);
            let mut bytes = bytes.clone();
            for (at, length, insert) in cuts {
                let at = at.index(bytes.len());
                let end = (at + length).min(bytes.len());
                bytes.splice(at..end, insert.bytes());
                if bytes.is_empty() {
                    break;
                }
            }
            check(path, &bytes);
        }
    }
}

static REAL: OnceLock<Vec<(PathBuf, Vec<u8>)>> = OnceLock::new();
