//! Each rule about what a member may say.

use super::*;

#[test]
fn nothing_is_the_default_and_said() {
    for (rest, expected) in [
        ("rbac:\n  denied_tools:\n", "line 4: `rbac.denied_tools` is empty; its default applies"),
        ("metadata: {tags: ~}", "line 3: `metadata.tags` is empty; its default applies"),
        (
            "rbac: {requires_approval: undefined}",
            "line 3: `rbac.requires_approval` is `undefined`; its default applies",
        ),
        ("role: \"null\"", "line 3: `role` is `null`; its default applies"),
        ("description: ''", "line 3: `description` is empty; its default applies"),
        ("budget:\n", "line 3: `budget` is empty; its members' defaults apply"),
        ("rbac: none", "line 3: `rbac` is text and not a mapping; ignored"),
        ("tags:\n- x\n-\n- y", "line 5: `tags` has an empty item; left out"),
    ] {
        assert_eq!(repair(rest).1, expected);
    }
}

#[test]
fn values_of_the_wrong_kind_are_bent_or_named() {
    for (rest, expected) in [
        ("version: 1.0", "line 3: `version` is the number `1.0`; read as text"),
        ("version: true", "line 3: `version` is a truth value; read as the text `true`"),
        ("role: [x]", "line 3: `role` is a list where text belongs; its default applies"),
        ("tags: x, y", "line 3: `tags` is text and not a list; read as its one item"),
        (
            "rbac: {allowed_tools: 'Read, Bash'}",
            "line 3: `rbac.allowed_tools` is text and not a list; split at its commas",
        ),
        ("tags: {a: b}", "line 3: `tags` is a mapping where a list belongs; its default applies"),
        ("tags: [1]", "line 3: `tags` has the number `1` as an item; read as text"),
        ("tags: [{a: b}, c]", "line 3: `tags` has a mapping as an item; left out"),
        ("requires_approval: 'Yes'", "line 3: `requires_approval` is `yes`; read as true"),
        (
            "rbac: {requires_approval: [deploy]}",
            "line 3: `rbac.requires_approval` is a list where true or false belongs; its default applies",
        ),
        ("max_cost_per_day: '30'", "line 3: `max_cost_per_day` is the text `30`; read as a number"),
        (
            "max_cost_per_day: much",
            "line 3: `max_cost_per_day` is `much` where a number belongs; its default applies",
        ),
        (
            "tools: Read\nallowed-tools: Bash",
            "line 3: `tools` is another name for `allowed-tools`, which counts",
        ),
    ] {
        assert_eq!(repair(rest).1, expected);
    }
    assert_eq!(repair("version: 1.0").0.version.as_deref(), Some("1.0"));
    assert_eq!(repair("tags: x, y").0.tags, list!["x, y"]);
    assert_eq!(repair("rbac: {allowed_tools: 'Read, Bash'}").0.allowed_tools, list!["Read", "Bash"]);
    assert_eq!(repair("max_tokens_per_session: '200_000'").0.max_tokens_per_session, Some(200_000));
}

#[test]
fn names_become_what_the_registry_takes() {
    for (name, expected, display) in [
        ("Benchmark Suite 1", "benchmark-suite-1", Some("Benchmark Suite 1")),
        ("a_b.c", "a-b-c", Some("a_b.c")),
        ("(Ä) x!", "x", Some("(Ä) x!")),
        ("coder-2", "coder-2", None),
    ] {
        let (a, repairs) = document(&format!("name: {name}\n"));
        assert_eq!((a.name.as_str(), a.display_name.as_deref()), (expected, display));
        assert_eq!(repairs.len(), usize::from(display.is_some()));
    }
    let (a, repairs) = document(&format!("name: {}\n", "x".repeat(200)));
    assert_eq!((a.name.len(), a.display_name.unwrap().len(), repairs.len()), (128, 128, 1));
    let (a, _) = document("name: A B\ndisplay_name: Other\n");
    assert_eq!(a.display_name.as_deref(), Some("Other"));
    let (a, repairs) = accept(read_as("dir/Some File.yaml", &format!("agent_id: {ID}\n")));
    assert_eq!(
        (a.name.as_str(), repairs),
        ("some-file", vec!["no name; taken from the file's: `some-file`".to_owned()])
    );
}

#[test]
fn what_cannot_be_repaired_is_an_error_with_its_line() {
    for (text, expected) in [
        ("rbac: {denied_tools: [x]}", "neither a name nor an agent_id"),
        ("identity: {role: x}\nname:", "neither a name nor an agent_id"),
        ("name: '!!!'", "line 1: the name `!!!` has no letter or digit of a-z, 0-9"),
        ("name: a\nagent_id: 12", "line 2: `agent_id` is no UUID: `12`"),
        ("name: a\nagent_id: [x]", "line 2: `agent_id` is no UUID"),
        (
            "name: a\nbudget:\n  max_cost_per_day: -1",
            "line 3: `budget.max_cost_per_day` must be more than 0: `-1`",
        ),
        ("name: a\nmax_cost_per_day: 0", "line 2: `max_cost_per_day` must be more than 0: `0`"),
        ("name: a\nmax_cost_per_day: .inf", "line 2: `max_cost_per_day` must be finite: `.inf`"),
        ("name: a\nmax_cost_per_day: 1e999", "line 2: `max_cost_per_day` must be finite: `1e999`"),
        ("name: a\nmax_cost_per_day: NaN", "line 2: `max_cost_per_day` must be finite: `NaN`"),
        ("name: a\nmax_tokens_per_session: 0", "line 2: `max_tokens_per_session` must be more than 0: `0`"),
        (
            "name: a\nmax_tokens_per_session: 1.5",
            "line 2: `max_tokens_per_session` must be a whole number: `1.5`",
        ),
        (
            "name: a\nmax_tokens_per_session: 1e30",
            "line 2: `max_tokens_per_session` must be at most 1000000000000000: `1e30`",
        ),
        ("name: a\nrole_confidence: 1.1", "line 2: `role_confidence` must be between 0 and 1: `1.1`"),
        ("name: a\napproval_threshold: -0.5", "line 2: `approval_threshold` must not be negative: `-0.5`"),
    ] {
        assert_eq!(errors(text), [expected], "{text}");
    }
    // What the registry does not take was no error here: a server then refused all files of a run for one.
    for text in [
        "name: a\napproval_threshold: 1e10",
        "name: a\nmax_cost_per_day: 1e10",
        "name: a\nmax_tokens_per_session: 1000000000000001",
        "name: a\ncurrency: a-currency-too-long",
    ] {
        let errors = errors(text);
        assert!(errors.len() == 1 && errors[0].starts_with("line 2: "), "{errors:?}");
    }
    assert_eq!(errors("name: a\npath_scopes: ['a', '[', '{a']").len(), 2);
    assert_eq!(
        errors("name: a\nagent_id: x\nrole_confidence: 2\nmax_cost_per_day: -1").len(),
        3,
        "all of them at once"
    );
    for text in [
        format!("name: a\ndescription: {}", "x".repeat(4097)),
        format!("name: a\ntags: [{}]", "x".repeat(513)),
        format!("name: a\ntags: [{}]", "x, ".repeat(1001)),
        format!("name: a\nrole: {}", "x".repeat(65)),
    ] {
        assert_eq!(errors(&text).len(), 1);
    }
}
