//! What is not YAML, and read all the same.

use super::*;

#[test]
fn globs_that_yaml_takes_for_something_else_are_text() {
    let text = "name: a\nrbac:\n  path_scopes:\n    - **\n    - **/*.test.*\n    - !src/**\n    - !my docs/**\n    - &x\n    - !x/[ab]*\n";
    let (a, repairs) = document(text);
    assert_eq!(a.path_scopes, list!["**", "**/*.test.*", "!src/**", "!my docs/**", "&x", "!x/[ab]*"]);
    let lines: Vec<_> = (4..=9).map(|line| format!("line {line}")).collect();
    assert_eq!(repairs.iter().map(|note| note.split(':').next().unwrap()).collect::<Vec<_>>(), lines);
    let (a, repairs) = document("name: a\npath_scopes: [**, src/**, !x/**]\napi_access:\n- *\n");
    assert_eq!((a.path_scopes, a.api_access), (list!["**", "src/**", "!x/**"], list!["*"]));
    assert_eq!(repairs.len(), 3);
    let (a, repairs) = document("name: a\nrole: **\ntags: [*, @x, `y`, %z]\npath_scopes:\n- **/*.{ts,tsx}\n");
    assert_eq!((a.role.as_deref(), a.tags), (Some("**"), list!["*", "@x", "`y`", "%z"]));
    assert_eq!(a.path_scopes, list!["**/*.{ts,tsx}"]);
    assert_eq!(repairs.len(), 6);
}

#[test]
fn anchors_tags_and_merges_that_are_meant_so_work() {
    let text = "name: &n a\nrole: *n\nbase: &b {x: 1, category: c}\nmetadata:\n  <<: *b\n  version: !!str 1.0\ntags: [!!str 2, ! 3, !odd b]\n";
    let (a, repairs) = document(text);
    assert_eq!(
        (a.role.as_deref(), a.category.as_deref(), a.version.as_deref()),
        (Some("a"), Some("c"), Some("1.0"))
    );
    assert_eq!(a.tags, list!["2", "3", "b"]);
    assert_eq!(repairs, ["line 7: the tag `!odd` means nothing here; ignored"]);
}

#[test]
fn a_broken_section_costs_itself_alone() {
    let text = "name: a\nrole: tester\nhooks:\npre: \"|\"\necho \"x: \"$TASK\"\"\nweird: [a, b\nrole: admin\nrbac:\n  denied_tools: [Bash]\n  path_scopes: {{x}\n  api_access:\n  - *\n";
    let (a, repairs) = document(text);
    assert_eq!((a.role.as_deref(), a.denied_tools), (Some("tester"), list!["Bash"]));
    assert_eq!((a.path_scopes, a.api_access), (None, list!["*"]));
    assert_eq!(
        repairs.iter().map(|note| note.split(" (").next().unwrap()).collect::<Vec<_>>(),
        [
            "line 5: `echo \"x: \"$TASK\"\"` is no member; ignored",
            "line 6: `weird` is not valid YAML",
            "line 7: `role` stands here again; line 2 counts",
            "line 10: `path_scopes` is not valid YAML",
            "line 12: `*` begins an alias to YAML; read as text",
        ]
    );
    // The file was an identity before it broke: not skipped in silence.
    assert_eq!(errors("name: [a\nrole: b\n").len(), 1);
}

#[test]
fn text_that_only_lacks_quotes_is_kept() {
    let (a, repairs) = document(
        "name: a\ndescription: Use it: always, fixes #12 # really\nrole_reasoning: \"say \"x\" twice\"\nversion: \"C:\\q\"\n",
    );
    assert_eq!(a.description.as_deref(), Some("Use it: always, fixes #12"));
    assert_eq!(a.role_reasoning.as_deref(), Some("say \"x\" twice"));
    assert_eq!(a.version.as_deref(), Some("C:\\q"));
    assert_eq!(repairs.len(), 3);
}

#[test]
fn the_first_of_two_members_counts_at_every_level() {
    let (a, repairs) =
        document("name: a\nversion: '1'\nversion: '2'\nrbac: {denied_tools: [x], denied_tools: [y]}\n");
    assert_eq!((a.version.as_deref(), a.denied_tools), (Some("1"), list!["x"]));
    assert_eq!(
        repairs,
        [
            "line 3: `version` stands here again; line 2 counts",
            "line 4: `denied_tools` stands here again; line 4 counts"
        ]
    );
    let (_, repairs) = document("name: a\n---\nname: b\n");
    assert_eq!(repairs, ["line 2: a second YAML document begins here; only the first is read"]);
}
