//! Webhooks: alerts and approvals reach those who are to be told, signed, at least once, and nobody waits for them.

use std::path::Path;
use std::time::Duration;

use agentmap::config::{Config, Target, Webhooks};
use agentmap::domain::check::check;
use agentmap::domain::command::Action;
use agentmap::domain::webhooks::MOST;
use agentmap::store::Location;
use agentmap::webhooks::{self, Sender};
use serde_json::{Value, json};

use crate::harness::{DAY, MINUTE, SECOND, Server, draft_with, each};
use crate::receiver::{Receiver, SECRET, SILENCE};

const LETTERS: &str = "/api/v1/webhooks/dead-letters";

/// A server that tells webhooks, as often as it is asked to, and its secrets.
struct Told {
    server: Server,
    sender: Sender,
    folder: tempfile::TempDir,
}

fn settings(folder: &Path, urls: &[&str]) -> Config {
    let secret = folder.join("secret");
    std::fs::write(&secret, format!("{SECRET}\n")).unwrap();
    let targets = urls.iter().map(|url| Target::parse(url).unwrap()).collect();
    let webhooks = Webhooks { targets, secret: Some(secret), certificates: None };
    Config { webhooks, ..Config::defaults() }
}

impl Told {
    async fn start(urls: &[&str]) -> Self {
        let told = Self::start_in(tempfile::tempdir().unwrap(), urls, |_| Location::Memory).await;
        let draft = json!({"budget_max_cost_per_day": 10, "rbac_approval_threshold": 1});
        told.server.create_from(&draft_with("coder", &draft)).await;
        told
    }

    async fn start_in(
        folder: tempfile::TempDir,
        urls: &[&str],
        location: impl FnOnce(&Path) -> Location,
    ) -> Self {
        let config = settings(folder.path(), urls);
        let sender = Sender::load(&config).unwrap().unwrap();
        let server = Server::start_with(config, location(folder.path())).await;
        webhooks::adopt(&server.app).await.unwrap();
        Self { server, sender, folder }
    }

    /// Uses so much of 10 USD: one alert at 7 and at 9 and above 10.
    async fn spend(&self, cost: f64) {
        self.server.metric("coder", &json!({"cost_usd": cost})).await;
    }

    /// How many tries were due.
    async fn deliver(&self) -> usize {
        self.sender.deliver_due(&self.server.app).await.unwrap()
    }

    async fn stands(&self) -> Value {
        self.server.json("/api/v1/webhooks").await
    }

    fn assert_sound(&self) {
        assert_eq!(self.server.app.read(check).unwrap().problems, Vec::<String>::new());
    }
}

#[tokio::test]
async fn alerts_and_approvals_are_told_signed_and_in_order() {
    let receiver = Receiver::start();
    let url = receiver.url.replace("http://", "http://user:p%40ss@") + "?key=hidden";
    let told = Told::start(&[&url]).await;
    told.spend(7.0).await;
    let wish = json!({"agent": "coder", "tool": "Read", "path": "src/a.rs", "estimated_cost_usd": 2});
    let ruling = told.server.post("/api/v1/policy/decide", &wish).await.expect(200).json();
    let approval = format!("/api/v1/approvals/{}", ruling["approval_id"].as_str().unwrap());
    let asked = told.server.json(&approval).await;
    told.server.post(&format!("{approval}/approve"), &json!({"reason": "go"})).await.expect(200);
    told.server.metric("coder", &json!({"model": "nobody-knows", "input_tokens": 5})).await;
    assert_eq!(told.stands().await["waiting"], 4);
    assert_eq!(told.deliver().await, 4);

    let came = receiver.came();
    let kinds: Vec<_> = came.iter().map(|came| came.json()["type"].clone()).collect();
    assert_eq!(kinds, ["budget_alert", "approval_requested", "approval_resolved", "budget_alert"]);
    let alerts = told.server.json("/api/v1/agents/alerts").await["alerts"].clone();
    assert_eq!(
        came[0].json(),
        json!({"type": "budget_alert", "timestamp": told.server.at(0), "data": alerts[1]})
    );
    assert_eq!(came[1].json()["data"], asked);
    assert_eq!(came[2].json()["data"], told.server.json(&approval).await);
    assert_eq!(came[3].json()["data"]["title"], "A model without a price");
    for came in &came {
        came.assert_signed();
        assert_eq!(came.line, "POST /hook?key=hidden HTTP/1.1");
        assert_eq!(came.header("content-type"), "application/json");
        assert_eq!(came.header("authorization"), "Basic dXNlcjpwQHNz");
        assert_eq!(came.header("webhook-timestamp"), (told.server.now().0 / SECOND).to_string());
    }
    let stands = told.stands().await;
    assert_eq!(stands["targets"][0]["url"], receiver.url.replace("http://", "http://***@") + "?***");
    assert_eq!((&stands["waiting"], &stands["targets"][0]["delivered"]), (&json!(0), &json!(4)));
    assert_eq!(told.deliver().await, 0);
    told.assert_sound();
}

#[tokio::test]
async fn what_fails_is_tried_again_ever_later_and_no_longer_holds_up_the_others() {
    let receiver = Receiver::start();
    let told = Told::start(&[&receiver.url]).await;
    receiver.answers(&[500, 302, 429, 503, 500]);
    told.spend(7.0).await;
    told.server.advance(SECOND);
    told.spend(2.0).await;
    for pause in [1, 2, 4, 8] {
        let before = receiver.came().len();
        assert_eq!(told.deliver().await, if pause == 8 { 2 } else { 1 }, "{pause}");
        // Not before its time, and within it.
        if pause < 8 {
            told.server.advance(pause * SECOND * 3 / 4 - 1);
            assert_eq!(told.deliver().await, 0, "{pause}");
            told.server.advance(pause * SECOND / 4 + 1);
        }
        assert!(receiver.came().len() > before);
    }
    let came = receiver.came();
    let (first, second) = (came[0].id(), came[4].id());
    assert_ne!(first, second);
    assert!(
        came[..4].iter().all(|came| came.id() == first),
        "in their order, until the first failed four times"
    );
    assert!(came.iter().all(|again| again.id() != first || again.body == came[0].body));
    came.iter().for_each(crate::receiver::Came::assert_signed);
    assert_ne!(came[0].header("webhook-timestamp"), came[3].header("webhook-timestamp"));
    let stands = told.stands().await["targets"][0].clone();
    assert_eq!((&stands["failed"], &stands["last_failure"]), (&json!(5), &json!("it answered 500")));
    told.server.advance(8 * SECOND);
    assert_eq!(told.deliver().await, 2);
    let last: Vec<_> = receiver.came()[5..].iter().map(crate::receiver::Came::id).collect();
    assert!(last.contains(&first) && last.contains(&second));
    assert_eq!(told.stands().await["waiting"], 0);
    told.assert_sound();
}

#[tokio::test]
async fn nobody_there_is_tried_for_a_day() {
    let address = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().to_string()
    };
    let told = Told::start(&[&format!("http://{address}/hook")]).await;
    told.spend(7.0).await;
    assert_eq!(told.deliver().await, 1);
    let receiver = Receiver::at(&address);
    told.server.advance(SECOND);
    assert_eq!(told.deliver().await, 1);
    receiver.came()[0].assert_signed();

    receiver.answers(&[500; 99]);
    told.spend(2.0).await;
    let mut tries = 0;
    for _ in 0..25 * 60 {
        tries += told.deliver().await;
        told.server.advance(MINUTE);
    }
    assert!((28..40).contains(&tries), "{tries}");
    let letters = told.server.json(LETTERS).await;
    assert_eq!((&letters[0]["tries"], &letters[0]["reason"]), (&json!(tries), &json!("it answered 500")));
    assert_eq!(told.stands().await["waiting"], 0);
}

#[tokio::test]
async fn what_is_refused_is_a_dead_letter_that_can_be_retried_and_removed() {
    let receiver = Receiver::start();
    let told = Told::start(&[&receiver.url]).await;
    receiver.answers(&[400, 410, 404]);
    told.spend(7.0).await;
    told.spend(2.0).await;
    assert_eq!(told.deliver().await, 2);
    let letters = told.server.json(LETTERS).await;
    assert_eq!(each(&letters, "reason"), ["it answered 410", "it answered 400"]);
    assert_eq!(each(&letters, "tries"), [1, 1]);
    assert_eq!(letters[1]["id"], receiver.came()[0].id());
    assert_eq!(letters[1]["body"], receiver.came()[0].json());
    assert_eq!(letters[1]["url"], receiver.url);
    assert_eq!(told.server.json(&format!("{LETTERS}?limit=1")).await, json!([letters[0]]));

    let ids: Vec<_> = each(&letters, "id").iter().map(|id| id.as_str().unwrap().to_owned()).collect();
    let retry = |id: &str| format!("{LETTERS}/{id}/retry");
    told.server.advance(2 * DAY);
    told.server.post(&retry(&ids[1]), &json!({})).await.expect(204);
    told.server.post(&retry(&ids[1]), &json!({})).await.expect(404);
    assert_eq!(told.deliver().await, 1);
    // Refused again, as before.
    told.server.post(&retry(&ids[1]), &json!({})).await.expect(204);
    assert_eq!(told.deliver().await, 1);
    assert_eq!(receiver.came()[3].id(), ids[1]);
    assert_eq!(told.stands().await["targets"][0]["delivered"], 1);
    told.server.delete(&format!("{LETTERS}/{}", ids[0])).await.expect(204);
    for id in [ids[0].as_str(), &ids[1], "nothing"] {
        told.server.delete(&format!("{LETTERS}/{id}")).await.expect(404);
        told.server.post(&retry(id), &json!({})).await.expect(404);
    }
    assert_eq!(told.server.json(LETTERS).await, json!([]));
    let acts = told.server.json("/api/v1/events/audit?operation_type=admin").await;
    let acts: Vec<_> = each(&acts, "operation").iter().filter_map(|act| act["detail"].as_str()).collect();
    assert_eq!(acts.iter().filter(|act| act.starts_with("webhook_")).count(), 3, "{acts:?}");
    told.assert_sound();
}

#[tokio::test]
async fn a_restart_loses_nothing_and_repeats_what_was_not_acknowledged() {
    let receiver = Receiver::start();
    let file = |folder: &Path| Location::File(folder.join("data.redb"));
    let told = Told::start_in(tempfile::tempdir().unwrap(), &[&receiver.url], file).await;
    told.server.create_from(&draft_with("coder", &json!({"budget_max_cost_per_day": 10}))).await;
    told.spend(7.0).await;
    assert_eq!(told.deliver().await, 1);
    told.spend(2.0).await;
    told.spend(2.0).await;
    // It is told, and the server ends before that is acknowledged.
    receiver.answers(&[SILENCE]);
    tokio::select! {
        _ = told.deliver() => panic!("nobody answered"),
        () = async { while receiver.came().len() < 2 { tokio::time::sleep(Duration::from_millis(5)).await } } => (),
    }
    let Told { server, folder, .. } = told;
    server.app.close();
    let app = std::sync::Arc::downgrade(&server.app);
    server.stop().await;
    while app.strong_count() > 0 {
        tokio::task::yield_now().await;
    }
    let told = Told::start_in(folder, &[&receiver.url], file).await;
    assert_eq!(told.stands().await["waiting"], 2);
    assert_eq!(told.deliver().await, 2);
    let ids: Vec<_> = receiver.came().iter().map(crate::receiver::Came::id).collect();
    assert_eq!((ids.len(), &ids[1]), (4, &ids[2]), "{ids:?}");
    assert!(ids[0] != ids[1] && ids[3] != ids[2]);
    told.assert_sound();
}

#[tokio::test]
async fn without_webhooks_nothing_is_kept_for_them_and_targets_that_are_gone_are_given_up() {
    let server = Server::start().await;
    server.create_from(&draft_with("coder", &json!({"budget_max_cost_per_day": 10}))).await;
    server.metric("coder", &json!({"cost_usd": 11})).await;
    webhooks::adopt(&server.app).await.unwrap();
    let stands = server.json("/api/v1/webhooks").await;
    assert_eq!((&stands["targets"], &stands["waiting"]), (&json!([]), &json!(0)));

    let told = Told::start(&["http://127.0.0.1:1/a", "http://127.0.0.1:1/b"]).await;
    told.spend(7.0).await;
    let wanted = webhooks::targets(&told.server.app.config);
    let app = &told.server.app;
    app.submit(Action::SetWebhooks(vec![wanted[1].0])).await.unwrap();
    let letters = told.server.json(LETTERS).await;
    assert_eq!(each(&letters, "target_id"), [&json!(wanted[0].0)]);
    let id = letters[0]["id"].as_str().unwrap();
    told.server.post(&format!("{LETTERS}/{id}/retry"), &json!({})).await.expect(409);
    assert_eq!(told.stands().await["waiting"], 1);
}

#[tokio::test]
async fn when_too_many_wait_the_oldest_are_given_up() {
    let urls: Vec<_> = (0..16).map(|n| format!("http://127.0.0.1:1/{n}")).collect();
    let told = Told::start(&urls.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let mut metrics = Vec::new();
    // Each names a model that nobody knows.
    for n in 0..700_u64 {
        let model = format!("model-{n}");
        metrics.push(
            json!({"agent_id": "coder", "metric_type": "execution", "input_tokens": 1, "model": model}),
        );
    }
    told.server.post("/api/v1/metrics/batch", &Value::Array(metrics)).await.expect(201);
    let stands = told.stands().await;
    assert_eq!((&stands["waiting"], &stands["pushed_out"]), (&json!(MOST), &json!(700 * 16 - MOST)));
    assert_eq!(stands["dead_letters"], 700 * 16 - MOST);
    let letters = told.server.json(&format!("{LETTERS}?limit=500")).await;
    assert!(letters[0]["reason"].as_str().unwrap().contains("10000"), "{}", letters[0]);
    told.assert_sound();
}

#[tokio::test]
async fn a_target_that_does_not_answer_holds_up_nobody_else() {
    let (slow, quick) = (Receiver::start(), Receiver::start());
    slow.answers(&[SILENCE; 9]);
    let told = Told::start(&[&slow.url, &quick.url]).await;
    let loops = tokio::spawn(webhooks::deliver(std::sync::Arc::clone(&told.server.app)));
    told.spend(7.0).await;
    told.spend(2.0).await;
    while quick.came().len() < 2 || slow.came().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(slow.came().len(), 1);
    loops.abort();
}

#[tokio::test]
async fn targets_prove_themselves_by_the_certificates_that_are_trusted() {
    let fixture = |name| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tls").join(name);
    let config = Config {
        tls_cert: Some(fixture("first.pem")),
        tls_key: Some(fixture("first.key")),
        ..Config::defaults()
    };
    let target = Server::start_with(config, Location::Memory).await;
    let url = format!("https://{}/api/v1/agents/nobody/activate", target.address());
    for (certificate, why) in [("first.pem", "it answered 4"), ("second.pem", "invalid peer certificate")] {
        let folder = tempfile::tempdir().unwrap();
        let mut config = settings(folder.path(), &[&url]);
        config.webhooks.certificates = Some(fixture(certificate));
        let sender = Sender::load(&config).unwrap().unwrap();
        let server = Server::start_with(config, Location::Memory).await;
        webhooks::adopt(&server.app).await.unwrap();
        server.create_from(&draft_with("coder", &json!({"budget_max_cost_per_day": 10}))).await;
        server.metric("coder", &json!({"cost_usd": 7})).await;
        assert_eq!(sender.deliver_due(&server.app).await.unwrap(), 1);
        let failed = server.json("/api/v1/webhooks").await["targets"][0]["last_failure"].clone();
        assert!(failed.as_str().unwrap().contains(why), "{failed}");
    }
}
