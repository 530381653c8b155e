//! The examples of README.md work when they are pasted.
#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

const README: &str = include_str!("../README.md");
const USUAL: &str = "http://127.0.0.1:8000";
/// Prints the status of each request instead of its answer.
const CURL: &str = "set -euo pipefail\n\
    curl() { command curl --silent --show-error --max-time 30 --output /dev/null --write-out '%{http_code}\\n' \"$@\"; }\n";

/// The real program, serving.
struct Server {
    process: Child,
    url: String,
}

impl Server {
    fn start(data: &std::path::Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_agentmap"))
            .args(["serve", "--port", "0", "--log", "warn", "--data"])
            .arg(data)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines().map(Result::unwrap);
        let url = lines.into_iter().find_map(|line| Some(line.split_once("listens on ")?.1.to_owned()));
        Self { process, url: url.expect("the server says where it listens") }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The contents of the code blocks of a language.
fn blocks(language: &str) -> Vec<&'static str> {
    let start = format!("```{language}\n");
    README.split(start.as_str()).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

#[test]
fn curl_examples_succeed_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("agentmap.redb"));
    let script = CURL.to_owned() + &blocks("sh").concat().replace(USUAL, &server.url);
    let ran = Command::new("bash").arg("-c").arg(&script).output().unwrap();
    let statuses = String::from_utf8(ran.stdout).unwrap();
    assert!(ran.status.success(), "{statuses}{}", String::from_utf8_lossy(&ran.stderr));
    let examples = blocks("sh").concat().matches("curl ").count();
    assert_eq!(statuses.lines().count(), examples, "{statuses}");
    assert!(statuses.lines().all(|status| status.starts_with('2')), "{statuses}");
}

#[test]
fn the_settings_are_those_that_the_program_shows() {
    let ran = Command::new(env!("CARGO_BIN_EXE_agentmap"))
        .args(["config", "--json"])
        .current_dir(tempfile::tempdir().unwrap().path())
        .output()
        .unwrap();
    let settings: Vec<serde_json::Value> = serde_json::from_slice(&ran.stdout).unwrap();
    assert!(!settings.is_empty());
    for setting in settings {
        let name = setting["name"].as_str().unwrap().replace('_', "-");
        assert!(README.contains(&format!("\n| `{name}` | `AGENTMAP_")), "README.md does not tell of {name}");
    }
}

#[test]
fn the_configuration_example_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("agentmap.toml"), blocks("toml").concat()).unwrap();
    let ran = Command::new(env!("CARGO_BIN_EXE_agentmap"))
        .arg("config")
        .current_dir(folder.path())
        .output()
        .unwrap();
    let shown = String::from_utf8(ran.stdout).unwrap();
    assert!(
        ran.status.success() && shown.contains("9000"),
        "{shown}{}",
        String::from_utf8_lossy(&ran.stderr)
    );
}

#[test]
fn the_pictures_are_there() {
    let pictures: Vec<_> =
        README.split("](assets/").skip(1).map(|rest| rest.split(')').next().unwrap()).collect();
    assert!(pictures.len() >= 2, "{pictures:?}");
    for picture in pictures {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/assets").to_owned() + "/" + picture;
        assert!(std::path::Path::new(&path).is_file(), "there is no {path}");
    }
}
