//! The other commands find a server that speaks TLS, and trust it by its own certificate alone.

use serde_json::Value;

use super::process::{Server, agentmap, data_file, run, text};

const CERTIFICATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tls/first.pem");
const OTHER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tls/second.pem");
const KEY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tls/first.key");
const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/identities/tooling");

#[test]
fn commands_reach_a_server_that_speaks_tls() {
    let (_folder, data) = data_file();
    let server = Server::start_with(&data, &["--tls-cert", CERTIFICATE, "--tls-key", KEY]);
    let status: Value = serde_json::from_slice(&run(&["status", "--json"], &data).stdout).unwrap();
    assert_eq!(status["server"]["url"], format!("https://{}", server.address));
    assert_eq!(status["server"]["health"]["status"], "healthy");

    let seeded = run(&["seed", SAMPLE, "--json"], &data);
    assert!(seeded.status.success(), "{}", text(&seeded.stderr));
    let watched = run(&["watch", "--since", "0", "--count", "1", "--json"], &data);
    assert!(watched.status.success(), "{}", text(&watched.stderr));
    let event: Value = serde_json::from_slice(&watched.stdout).unwrap();
    assert_eq!(event["seq"], 1);

    let url = format!("https://{}", server.address);
    let watch = ["watch", "--url", &url, "--since", "0", "--count", "1"];
    let watched = run(&[&watch[..], &["--certificate", CERTIFICATE]].concat(), &data);
    assert!(watched.status.success(), "{}", text(&watched.stderr));
    // A certificate that it does not show, and none.
    for (with, why) in
        [(&["--certificate", OTHER][..], "does not prove itself"), (&[], "needs --certificate")]
    {
        let refused = run(&[&watch[..], with].concat(), &data);
        assert_eq!(refused.status.code(), Some(1));
        assert!(text(&refused.stderr).contains(why), "{}", text(&refused.stderr));
    }
}

#[test]
fn a_server_does_not_start_without_a_whole_pair() {
    let (folder, data) = data_file();
    for (given, code, why) in [
        (&["--tls-cert", CERTIFICATE][..], 2, "tls-cert and tls-key need each other"),
        (&["--tls-key", KEY], 2, "tls-cert and tls-key need each other"),
        (&["--tls-cert", OTHER, "--tls-key", KEY], 1, "is not the key of the certificate"),
    ] {
        let ran = agentmap(&[&["serve", "--port", "0"], given].concat(), &data).output().unwrap();
        assert_eq!(ran.status.code(), Some(code), "{}", text(&ran.stderr));
        assert!(text(&ran.stderr).contains(why), "{}", text(&ran.stderr));
        assert!(!data.exists(), "nothing is made for a server that does not start");
    }
    drop(folder);
}
