//! `agentmap hook install` and `uninstall`: what they do to the settings file of the runtime.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::process::{agentmap, data_file, text};
use crate::program::{as_said, path};

/// Runs it for a user whose settings lie in a folder, from within that folder.
fn run(args: &[&str], data: &Path) -> Output {
    let folder = data.parent().unwrap();
    let mut command = agentmap(&[&["hook"], args].concat(), data);
    command.env("CLAUDE_CONFIG_DIR", folder.join("user")).current_dir(folder).output().unwrap()
}

fn succeeds(args: &[&str], data: &Path) -> String {
    let ran = run(args, data);
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    text(&ran.stdout)
}

fn files(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

const OTHERS: &str = "{\n  \"model\": \"opus\",\n  \"permissions\": {\"deny\": [ \"Read(.env)\" ]},\n  \"hooks\": {\n    \
                      \"Stop\": [\n      {\"hooks\": [{\"type\": \"command\", \"command\": \"/bin/true\"}]}\n    ]\n  \
                      }\n}\n";

#[test]
fn it_is_put_in_beside_what_others_put_in_and_taken_out_again() {
    let (folder, data) = data_file();
    for (flag, place) in [("--user", "user"), ("--project", ".claude")] {
        let place = folder.path().join(place);
        let file = place.join("settings.json");
        let read = || std::fs::read_to_string(&file).unwrap();
        std::fs::create_dir_all(&place).unwrap();
        std::fs::write(&file, OTHERS).unwrap();
        // Shown, and not done.
        let shown = succeeds(&["install", flag, "--dry-run"], &data);
        assert!(shown.contains("\"PreToolUse\""), "{shown}");
        assert_eq!((read().as_str(), files(&place).len()), (OTHERS, 1));

        succeeds(&["install", flag, "--identity", "main", "--on-unreachable", "deny", "--wait", "5"], &data);
        let installed = read();
        let settings: Value = serde_json::from_str(&installed).unwrap();
        let hook = &settings["hooks"]["PreToolUse"][0];
        assert_eq!((&hook["matcher"], &hook["hooks"][0]["type"]), (&"*".into(), &"command".into()));
        assert_eq!(hook["hooks"][0]["command"].as_str(), as_said(&path()).to_str());
        let data_path = as_said(&data).into_string().unwrap();
        assert_eq!(
            hook["hooks"][0]["args"],
            serde_json::json!([
                "hook",
                "--data",
                data_path,
                "--identity",
                "main",
                "--on-unreachable",
                "deny",
                "--wait",
                "5",
            ])
        );
        assert_eq!(settings["hooks"]["Stop"].as_array().unwrap().len(), 2);
        assert_eq!(settings["model"], "opus");
        let kept = std::fs::read_to_string(place.join("settings.json.before-agentmap")).unwrap();
        assert_eq!(kept, OTHERS);

        // Once more changes nothing, other options take the place of those.
        let again = ["install", flag, "--identity", "main", "--on-unreachable", "deny", "--wait", "5"];
        assert!(succeeds(&again, &data).contains("is so already"));
        assert_eq!(read(), installed);
        succeeds(&["install", flag], &data);
        let settings: Value = serde_json::from_str(&read()).unwrap();
        assert_eq!(settings["hooks"]["PreToolUse"].as_array().unwrap().len(), 1);
        assert_eq!(settings["hooks"]["PreToolUse"][0]["hooks"][0]["args"].as_array().unwrap().len(), 3);

        let installed = read();
        succeeds(&["uninstall", flag, "--dry-run"], &data);
        assert_eq!(read(), installed);
        succeeds(&["uninstall", flag], &data);
        assert_eq!(read(), OTHERS);
        assert!(succeeds(&["uninstall", flag], &data).contains("is so already"));
        assert_eq!(files(&place), ["settings.json", "settings.json.before-agentmap"]);
    }
}

#[test]
fn settings_that_are_none_are_left_alone_and_said_to_be_so() {
    let (folder, data) = data_file();
    let place = folder.path().join("user");
    succeeds(&["uninstall"], &data);
    assert_eq!(files(&place), Vec::<String>::new());
    succeeds(&["install"], &data);
    assert_eq!(files(&place), ["settings.json"]);
    for broken in ["{", "[]", "{\"hooks\": {\"PreToolUse\": {}}}"] {
        std::fs::write(place.join("settings.json"), broken).unwrap();
        for act in ["install", "uninstall"] {
            let ran = run(&[act], &data);
            assert_eq!(ran.status.code(), Some(1), "{broken}");
            let complaint = text(&ran.stderr);
            assert!(
                complaint.contains("settings.json") && complaint.contains("nothing was changed"),
                "{complaint}"
            );
            assert_eq!(std::fs::read_to_string(place.join("settings.json")).unwrap(), broken);
        }
    }
}
