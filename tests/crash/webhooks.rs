//! What webhooks are to be told outlives the server, and their secrets are shown nowhere.

use std::path::Path;

use serde_json::{Value, json};

use super::client::Client;
use super::process::{Server, agentmap, assert_sound, data_file, run, text};
use super::receiver::{Receiver, SECRET, SILENCE};

fn secret(folder: &Path) -> String {
    let file = folder.join("webhook.secret");
    std::fs::write(&file, SECRET).unwrap();
    file.display().to_string()
}

#[test]
fn what_was_not_delivered_before_a_kill_is_delivered_after_it() {
    let (folder, data) = data_file();
    let (receiver, secret) = (Receiver::start(), secret(folder.path()));
    let settings = ["--webhook", &receiver.url, "--webhook-secret", &secret];
    receiver.answers(&[200, SILENCE]);
    let server = Server::start_with(&data, &settings);
    let mut client = Client::connect(server.address).unwrap();
    let agent = json!({
        "name": "coder", "role": "developer", "capabilities": ["coding"], "rbac_allowed_tools": ["Read"],
        "rbac_path_scopes": ["src/**"], "budget_max_tokens_per_session": 200_000, "budget_max_cost_per_day": 10.0,
        "metadata_category": "foundry",
    });
    let mut post = |path: &str, body: &Value| {
        let (status, told) = client.request("POST", path, Some(body)).unwrap();
        assert_eq!(status, 201, "{told}");
    };
    post("/api/v1/agents/", &agent);
    for cost in [7.0, 2.0, 2.0] {
        post("/api/v1/metrics/", &json!({"agent_id": "coder", "metric_type": "cost", "cost_usd": cost}));
    }
    receiver.wait_for(2);
    server.kill();
    assert_sound(&data);
    let server = Server::start_with(&data, &settings);
    let came = receiver.wait_for(4);
    came.iter().for_each(super::receiver::Came::assert_signed);
    let ids: Vec<_> = came.iter().map(super::receiver::Came::id).collect();
    assert_eq!((&ids[1], ids.len()), (&ids[2], 4), "{ids:?}");
    assert!(ids[0] != ids[1] && ids[2] != ids[3], "{ids:?}");
    let titles: Vec<_> = came.iter().map(|came| came.json()["data"]["title"].clone()).collect();
    assert_eq!(titles[2..], ["Budget almost used", "Budget used up"]);
    server.kill();
    assert_sound(&data);
}

#[test]
fn secrets_are_not_shown_and_what_cannot_be_told_is_said_at_once() {
    let (folder, data) = data_file();
    let secret = secret(folder.path());
    let url = "https://me:hunter2@hooks.example/a?token=hunter3";
    let shown = run(&["config", "--json", "--webhook", url, "--webhook-secret", &secret], &data);
    let shown = text(&shown.stdout);
    assert!(!shown.contains("hunter") && !shown.contains(SECRET), "{shown}");
    let settings: Vec<Value> = serde_json::from_str(&shown).unwrap();
    let value =
        |name: &str| settings.iter().find(|setting| setting["name"] == name).unwrap()["value"].clone();
    assert_eq!(value("webhook"), "https://***@hooks.example/a?***");
    assert_eq!(value("webhook_secret"), secret);
    let help =
        text(&agentmap(&["config", "--help"], &data).env("AGENTMAP_WEBHOOK", url).output().unwrap().stdout);
    assert!(!help.contains("hunter"), "{help}");

    let weak = folder.path().join("weak");
    std::fs::write(&weak, "hunter2").unwrap();
    let weak = weak.display().to_string();
    for (settings, why) in [
        (&["--webhook", "https://h"][..], "webhook needs webhook-secret"),
        (&["--webhook", "gopher://h", "--webhook-secret", &secret], "number 1: it begins with http"),
        (
            &[
                "--webhook",
                "http://h",
                "--webhook",
                "http://x:y@h/",
                "--webhook",
                "http://x@h/",
                "--webhook-secret",
                &secret,
            ],
            "is there twice",
        ),
        (&["--webhook", "http://h", "--webhook-secret", &weak], "whsec_ and 24 to 64 bytes"),
        (&["--webhook", "http://h", "--webhook-secret", "/nowhere"], "webhook-secret: /nowhere"),
        (&["--webhook", "https://h", "--webhook-secret", &secret, "--webhook-cert", &weak], "webhook-cert: "),
    ] {
        let ran = run(&[&["serve", "--port", "0"], settings].concat(), &data);
        let told = text(&ran.stderr);
        assert!(
            !ran.status.success() && told.contains(why) && !told.contains("hunter2"),
            "{settings:?}: {told}"
        );
        assert!(!data.exists(), "nothing is made for a server that does not start");
    }
}
