//! The three formats, and files that are in none.

use super::*;

const WHOLE: &str = "
role: developer
role_confidence: 0.7
role_reasoning: because
description: It codes
display_name: A
capabilities: [coding]
rbac:
  allowed_tools: [Read, '*']
  denied_tools: []
  path_scopes: ['src/**']
  api_access: [github]
  requires_approval: false
  approval_threshold: 10
budget: {max_tokens_per_session: 200000, max_cost_per_day: 30.5, currency: USD}
metadata: {category: foundry, specialist: true, version: '1.0', tags: [x], created_at: 2025-11-17T19:08:45.900Z}
performance: {success_rate: 0.5}
color: blue
hooks: {pre: x}
";

#[test]
fn a_whole_document_is_read_without_a_word() {
    let (a, repairs) = document(&format!("agent_id: {ID}\nname: a\n{WHOLE}"));
    assert_eq!(repairs, [""; 0]);
    assert_eq!(a.agent_id.unwrap().to_string(), ID);
    assert_eq!(
        (a.name.as_str(), a.display_name.as_deref(), a.role.as_deref()),
        ("a", Some("A"), Some("developer"))
    );
    assert_eq!((a.role_confidence, a.role_reasoning.as_deref()), (Some(0.7), Some("because")));
    assert_eq!((a.allowed_tools, a.denied_tools), (list!["Read", "*"], list![]));
    assert_eq!((a.path_scopes, a.api_access), (list!["src/**"], list!["github"]));
    assert_eq!((a.requires_approval, a.approval_threshold), (Some(false), Some(10.0)));
    assert_eq!((a.max_tokens_per_session, a.max_cost_per_day), (Some(200_000), Some(30.5)));
    assert_eq!((a.currency.as_deref(), a.category.as_deref()), (Some("USD"), Some("foundry")));
    assert_eq!((a.specialist, a.version.as_deref(), a.tags), (Some(true), Some("1.0"), list!["x"]));
}

#[test]
fn front_matter_takes_its_sections_before_the_top() {
    let text = format!(
        "name: a\ncategory: top\nversion: '2'\ntools: [Bash]\nallowed_tools: [Task]\nidentity: {{agent_id: {ID}, role: tester}}\n\
         rbac: {{denied_tools: [Write]}}\nmetadata: {{category: quality}}\n"
    );
    let (a, repairs) = markdown(&text);
    assert_eq!(repairs, [""; 0]);
    assert_eq!(a.role.as_deref(), Some("tester"));
    assert_eq!((a.category.as_deref(), a.version.as_deref()), (Some("quality"), Some("2")));
    assert_eq!((a.allowed_tools, a.denied_tools), (None, list!["Write"]));
}

#[test]
fn a_subagent_has_tools_and_x_members() {
    let text = "name: a\ndescription: d\ntools: Read, Bash(git add:*, git rm:*) , mcp__x__y\nmodel: inherit\npermissionMode: default\n\
                x-category: tooling\nx-version: 1.0.0\nx-role: tester\nx-tags: [t]\nx-capabilities: [c]\nx-display-name: A\n\
                x-agent-id: 2e4786ea-7419-47bb-8c58-44a7b50b6fc2\ndisallowedTools: Write\n";
    let (a, repairs) = markdown(text);
    assert_eq!(repairs, [""; 0]);
    assert_eq!(a.role.as_deref(), Some("tester"));
    assert_eq!(a.allowed_tools, list!["Read", "Bash(git add:*, git rm:*)", "mcp__x__y"]);
    assert_eq!(a.denied_tools, list!["Write"]);
    assert_eq!((a.category.as_deref(), a.version.as_deref()), (Some("tooling"), Some("1.0.0")));
    assert_eq!((a.tags, a.capabilities, a.display_name.as_deref()), (list!["t"], list!["c"], Some("A")));
    assert_eq!(a.agent_id.unwrap().to_string(), ID);
    assert_eq!(markdown("name: a\nallowed-tools: []\n").0.allowed_tools, list![]);
    assert_eq!(markdown("name: a\n").0.allowed_tools, None);
}

#[test]
fn other_files_are_skipped_with_the_reason() {
    assert_eq!(skipped("README.md", "# Title\n"), "no front matter");
    assert_eq!(skipped("a.yaml", "# nothing\n"), "nothing in it");
    assert_eq!(skipped("a.md", "---\n---\n"), "nothing in it");
    assert_eq!(skipped("a.yaml", "- name: a\n"), "a list at the top, no identity");
    assert_eq!(skipped("a.md", "---\njust text\n---\n"), "text at the top, no identity");
    assert_eq!(skipped("a.yaml", "title: x\nbudget: 3\n"), "no name, agent_id or identity in it");
    assert_eq!(skipped("ci.yml", "name: CI\non: push\njobs: {}\n"), "another kind of file: it has `jobs`");
    assert_eq!(
        skipped("s.yaml", "$schema: x\nname: agent\nproperties: {}\n"),
        "another kind of file: it has `$schema`"
    );
    let reason = skipped("chart.yaml", "{{- if x }}\nkind: a\nother: {{ y }}\n");
    assert!(reason.starts_with("no identity in it, and not valid YAML (line"), "{reason}");
    let prose = "---\nSome *text*: with: colons\n\nand \"quotes\" \"more\"\n---\n";
    let reason = skipped("README.md", prose);
    assert!(reason.starts_with("no identity in it"), "{reason}");
    assert_eq!(markdown("name: a\nidentity: {}\njobs: []\n").0.name, "a");
    // What was an identity before it broke is not skipped in silence.
    assert_eq!(errors("{\"agent_id\": \"x\", \"name\": \n").len(), 1);
}
