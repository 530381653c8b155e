//! The settings file of Claude Code, of which nothing changes but what is put in or taken out: other members stay as they
//! were written, and in their order.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// An object whose members keep their order and their text.
#[derive(Debug, Clone, Default)]
pub struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        d.deserialize_map(InOrder)
    }
}

impl Members {
    fn get(&self, name: &str) -> Option<&RawValue> {
        self.0.iter().find(|(member, _)| member == name).map(|(_, value)| &**value)
    }

    fn set(&mut self, name: &str, value: Option<Box<RawValue>>) {
        match (self.0.iter().position(|(member, _)| member == name), value) {
            (Some(at), Some(value)) => self.0[at].1 = value,
            (Some(at), None) => drop(self.0.remove(at)),
            (None, Some(value)) => self.0.push((name.to_owned(), value)),
            (None, None) => {}
        }
    }

    fn text(&self, indent: usize) -> String {
        if self.0.is_empty() {
            return "{}".into();
        }
        let pad = "  ".repeat(indent + 1);
        let members: Vec<_> = self
            .0
            .iter()
            .map(|(name, value)| format!("{pad}{}: {}", Value::from(name.as_str()), value.get()))
            .collect();
        format!("{{\n{}\n{}}}", members.join(",\n"), "  ".repeat(indent))
    }
}

/// The events that are hooked, each with whether it names tools to match.
pub const EVENTS: &[(&str, bool)] = &[
    ("PreToolUse", true),
    ("PermissionRequest", true),
    ("PostToolUse", true),
    ("PostToolUseFailure", true),
    ("SubagentStart", false),
    ("SubagentStop", false),
    ("Stop", false),
    ("SessionStart", false),
    ("SessionEnd", false),
    ("UserPromptSubmit", false),
    ("Notification", false),
    ("PreCompact", false),
];

/// Whether a group of hooks is one that was put in.
fn is_ours(group: &Value) -> bool {
    let Some([hook]) = group["hooks"].as_array().map(Vec::as_slice) else { return false };
    let command = hook["command"].as_str().unwrap_or_default();
    let name = command.rsplit(['/', '\\']).next().unwrap_or_default();
    name.trim_end_matches(".exe") == "agentmap" && hook["args"][0] == "hook"
}

/// The command that the settings run for an event, if one was put in: the program and its arguments.
#[must_use]
pub fn installed(text: &str, event: &str) -> Option<(String, Vec<String>)> {
    let settings: Value = serde_json::from_str(text).ok()?;
    let groups = settings["hooks"][event].as_array()?;
    groups.iter().filter(|group| is_ours(group)).find_map(|group| {
        let hook = &group["hooks"][0];
        let args =
            hook["args"].as_array()?.iter().filter_map(|arg| arg.as_str().map(str::to_owned)).collect();
        Some((hook["command"].as_str()?.to_owned(), args))
    })
}

/// Settings with the hook put in, in place of one that was put in before; without it where `hook` is `None`.
///
/// # Errors
/// When the text is no settings file.
pub fn changed(text: &str, hook: Option<(&str, &[String])>) -> Result<String, String> {
    let text = text.trim_start_matches('\u{feff}');
    let mut settings: Members = match text.trim() {
        "" => Members::default(),
        text => serde_json::from_str(text).map_err(|e| format!("it is no JSON object: {e}"))?,
    };
    let mut hooks: Members = match settings.get("hooks") {
        None => Members::default(),
        Some(hooks) => serde_json::from_str(hooks.get()).map_err(|e| format!("hooks is no object: {e}"))?,
    };
    let known: Vec<String> = hooks.0.iter().map(|(event, _)| event.clone()).collect();
    for event in known.iter().map(String::as_str).chain(EVENTS.iter().map(|(event, _)| *event)) {
        let mut groups: Vec<Box<RawValue>> = match hooks.get(event) {
            None => Vec::new(),
            Some(groups) => {
                serde_json::from_str(groups.get()).map_err(|e| format!("hooks.{event} is no array: {e}"))?
            }
        };
        let before = groups.len();
        groups.retain(|group| serde_json::from_str(group.get()).map_or(true, |group| !is_ours(&group)));
        let had_ours = groups.len() < before;
        if let (Some((command, args)), Some((_, matches))) =
            (hook, EVENTS.iter().find(|(name, _)| *name == event))
        {
            groups.push(group(command, args, *matches)?);
        } else if !had_ours {
            // Nothing of it is ours: it stays as it is written.
            continue;
        }
        let groups: Vec<_> = groups.iter().map(|group| format!("      {}", group.get())).collect();
        let array = format!("[\n{}\n    ]", groups.join(",\n"));
        hooks.set(event, (!groups.is_empty()).then(|| raw(array)).transpose()?);
    }
    let hooks = (!hooks.0.is_empty()).then(|| raw(hooks.text(1))).transpose()?;
    settings.set("hooks", hooks);
    Ok(settings.text(0) + "\n")
}

fn raw(text: String) -> Result<Box<RawValue>, String> {
    RawValue::from_string(text).map_err(|e| e.to_string())
}

fn group(command: &str, args: &[String], matches: bool) -> Result<Box<RawValue>, String> {
    let hook = json!({"type": "command", "command": command, "args": args, "timeout": 600});
    let group = if matches { json!({"matcher": "*", "hooks": [hook]}) } else { json!({"hooks": [hook]}) };
    raw(group.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARGS: &[String] = &[];
    const OTHERS: &str = "{\n  \"model\": \"x\",\n  \"z\": {\"b\": 1,   \"a\": 2},\n  \"hooks\": {\n    \"PreToolUse\": [\n      {\"matcher\": \"Bash\", \"hooks\": [{\"type\": \"command\", \"command\": \"/bin/true\"}]}\n    ],\n    \"Other\": []\n  },\n  \"a\": 1.50\n}\n";

    fn hook() -> (&'static str, Vec<String>) {
        ("/opt/agentmap", vec!["hook".into()])
    }

    #[test]
    fn what_is_put_in_twice_is_there_once_and_what_is_taken_out_leaves_the_rest() {
        let (command, args) = hook();
        for text in ["", "{}", "{\"a\":1}", OTHERS, "\u{feff}{}"] {
            let once = changed(text, Some((command, &args))).unwrap();
            assert_eq!(changed(&once, Some((command, &args))).unwrap(), once, "{text}");
            let settings: Value = serde_json::from_str(&once).unwrap();
            for (event, _) in EVENTS {
                let ours = settings["hooks"][event]
                    .as_array()
                    .unwrap()
                    .iter()
                    .filter(|g| g["hooks"][0]["command"] == command);
                assert_eq!(ours.count(), 1, "{event}");
            }
            assert_eq!(installed(&once, "PreToolUse"), Some((command.to_owned(), args.clone())));
            let before: Value =
                serde_json::from_str(text.trim_start_matches('\u{feff}')).unwrap_or(json!({}));
            let after: Value = serde_json::from_str(&changed(&once, None).unwrap()).unwrap();
            assert_eq!(after, before);
        }
        assert_eq!(changed(&changed(OTHERS, Some((command, &args))).unwrap(), None).unwrap(), OTHERS);
    }

    #[test]
    fn a_program_that_moved_takes_the_place_of_its_old_self() {
        let old = changed("{}", Some(("C:\\old\\agentmap.exe", &["hook".into()]))).unwrap();
        let new =
            changed(&old, Some(("/new/agentmap", &["hook".into(), "--data".into(), "x".into()]))).unwrap();
        assert!(!new.contains("old"), "{new}");
    }

    #[test]
    fn what_is_no_settings_file_is_told() {
        for text in ["[]", "{", "{\"hooks\": []}", "{\"hooks\": {\"Stop\": {}}}", "// a comment"] {
            assert!(changed(text, Some(("/opt/agentmap", ARGS))).is_err(), "{text}");
        }
    }
}
