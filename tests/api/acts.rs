//! What is done to the server and to who is in it: each act is a record of the audit trail.

use agentmap::app::Snapshot;
use agentmap::config::Config;
use agentmap::domain::audit::AuditRecord;
use agentmap::domain::check::check;
use agentmap::retention::{Removed, retain};
use agentmap::store::Location;
use reqwest::Method;
use serde_json::{Value, json};

use crate::authorization::{locked, token, with};
use crate::harness::{DAY, DEADLINE, HOUR, MINUTE, SECOND, Server, draft};

const ACTS: &str = "/api/v1/events/audit?operation_type=admin";

/// Who did what to what, and whether they might, the newest first.
async fn acts(server: &Server) -> Vec<Value> {
    let local = server.app.local_credential().to_owned();
    let records = with(server, &local, Method::GET, ACTS, None).await.expect(200).json();
    records.as_array().unwrap().clone()
}

fn brief(record: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (who, what, on) =
        (&record["agent"]["agent_id"], &record["operation"]["detail"], &record["target"]["resource"]);
    format!("{} {} {}", text(who), text(what), text(on))
}

/// Waits until so many acts are recorded, which happens beside the requests.
async fn wait_for(server: &Server, count: usize) -> Vec<Value> {
    let began = std::time::Instant::now();
    loop {
        let found = acts(server).await;
        if found.len() >= count {
            assert_eq!(found.len(), count, "{found:?}");
            return found;
        }
        assert!(began.elapsed() < DEADLINE, "{} of {count} acts are recorded", found.len());
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_the_user_of_this_machine_does_to_agents_is_recorded() {
    let server = Server::start().await;
    let id = server.create("coder").await;
    let path = format!("/api/v1/agents/{id}");
    for _ in 0..2 {
        server.put(&path, &json!({"budget_max_cost_per_day": 45.0})).await.expect(200);
        server.post(&format!("{path}/pause"), &json!({})).await.expect(200);
    }
    server.post(&format!("{path}/activate"), &json!({})).await.expect(200);
    server.post(&format!("{path}/resume"), &json!({})).await.expect(200);
    server.delete(&path).await.expect(204);
    let file = |name: &str| json!({"file": format!("/fleet/{name}.md"), "identity": {"name": name}});
    let request = json!({"identities": [file("a"), file("b"), file("c")]});
    for _ in 0..2 {
        server.post("/api/v1/agents/sync", &request).await.expect(200);
    }
    let request = json!({"identities": [file("a")], "prune_below": ["/fleet"]});
    server.post("/api/v1/agents/sync", &request).await.expect(200);
    let found = acts(&server).await;
    // What changed nothing is no act, and a sync is one.
    assert_eq!(
        found.iter().map(brief).collect::<Vec<_>>(),
        [
            "agentmap:local agents_synced unknown",
            "agentmap:local agents_synced unknown",
            "agentmap:local agent_deleted coder",
            "agentmap:local agent_resumed coder",
            "agentmap:local agent_paused coder",
            "agentmap:local agent_updated coder",
            "agentmap:local agent_created coder",
        ]
    );
    assert_eq!(found[0]["context"], json!({"created": 0, "updated": 0, "removed": 2}));
    assert_eq!(found[1]["context"], json!({"created": 3, "updated": 0, "removed": 0}));
    let changed = &found[5]["context"]["changed"]["limits"];
    assert_eq!(
        (&changed["before"]["max_cost_per_day"], &changed["after"]["max_cost_per_day"]),
        (&json!(30.0), &json!(45.0))
    );
}

#[tokio::test]
async fn copies_that_commands_make_are_recorded() {
    let server = Server::start().await;
    let hash = "0".repeat(64);
    let copy = json!({"kind": "backup", "file": "/backups/a.redb", "audit_size": 7, "audit_hash": hash});
    server.post("/api/v1/copies", &copy).await.expect(204);
    server
        .post("/api/v1/copies", &json!({"kind": "export", "audit_size": 7, "audit_hash": hash}))
        .await
        .expect(204);
    for (member, value) in
        [("kind", json!("theft")), ("audit_hash", json!("0")), ("file", json!("x".repeat(4097)))]
    {
        let mut bad = copy.clone();
        bad[member] = value;
        assert_eq!(
            server.post("/api/v1/copies", &bad).await.expect(422).errors()[0].0,
            format!("body.{member}")
        );
    }
    let found = acts(&server).await;
    assert_eq!(
        found.iter().map(brief).collect::<Vec<_>>(),
        ["agentmap:local data_exported unknown", "agentmap:local data_backed_up /backups/a.redb"]
    );
    assert_eq!(found[1]["context"], json!({"audit_size": 7, "audit_hash": hash}));
    // Who follows the stream hears of it.
    assert_eq!(server.last_seq(), 2);
}

#[tokio::test]
async fn who_is_turned_away_from_administration_is_recorded_once_a_minute() {
    let server = locked().await;
    let (eyes, _) = token(&server, json!({"role": "viewer", "name": "eyes"})).await;
    let made = 1;
    for _ in 0..5 {
        with(&server, &eyes, Method::POST, "/api/v1/agents/", Some(&draft("coder"))).await.expect(403);
        with(&server, "", Method::GET, "/api/v1/tokens", None).await.expect(401);
        with(&server, "", Method::GET, "/api/v1/agents/", None).await.expect(401);
    }
    let found = wait_for(&server, made + 2).await;
    let [nobody, viewer] =
        ["nobody", "eyes"].map(|name| found.iter().find(|r| r["agent"]["name"] == name).unwrap());
    assert_eq!(brief(viewer), "agentmap:eyes request_refused POST /api/v1/agents/");
    assert_eq!(brief(nobody), "agentmap:nobody request_refused GET /api/v1/tokens");
    assert_eq!(viewer["context"], json!({"from": "127.0.0.1", "status": 403, "count": 1}));
    assert_eq!(nobody["context"], json!({"from": "127.0.0.1", "status": 401, "count": 1}));
    assert_eq!((&viewer["rbac"]["decision"], &viewer["agent"]["role"]), (&json!("denied"), &json!("viewer")));
    assert_eq!(nobody["agent"]["role"], "unknown");
    assert!(viewer["rbac"]["reason"].as_str().unwrap().contains("'operator'"), "{viewer}");

    // The next one after the minute tells of those before it.
    server.advance(MINUTE);
    with(&server, &eyes, Method::DELETE, "/api/v1/tokens/x", None).await.expect(403);
    let found = wait_for(&server, made + 3).await;
    assert_eq!(brief(&found[0]), "agentmap:eyes request_refused DELETE /api/v1/tokens/{token_id}");
    assert_eq!(found[0]["context"]["count"], 5);

    // A log-in that fails is one, too; of the limit nobody is told apart.
    server.advance(MINUTE);
    for status in [401; 10].into_iter().chain([429; 3]) {
        server.post("/api/v1/session", &json!({"token": "agentmap_wrong"})).await.expect(status);
    }
    let found = wait_for(&server, made + 4).await;
    assert_eq!(brief(&found[0]), "agentmap:nobody request_refused POST /api/v1/session");
    assert_eq!(found[0]["context"]["count"], 5);
}

#[tokio::test]
async fn what_is_left_of_a_minute_is_recorded_when_it_is_over() {
    let server = locked().await;
    let refused = async || with(&server, "", Method::GET, "/api/v1/tokens", None).await.expect(401);
    for _ in 0..4 {
        refused().await;
    }
    wait_for(&server, 1).await;
    tokio::time::pause();
    server.advance(MINUTE);
    tokio::time::advance(std::time::Duration::from_mins(1)).await;
    tokio::time::resume();
    // The connections so far have ended with the minute.
    let counts = || -> Vec<Value> {
        let told =
            |tx: &Snapshot| tx.all::<AuditRecord>()?.map(|entry| Ok(entry?.1.told.context.0)).collect();
        let told: Vec<String> = server.app.read(told).unwrap();
        told.iter().map(|told| serde_json::from_str::<Value>(told).unwrap()["count"].take()).collect()
    };
    let began = std::time::Instant::now();
    while counts().len() < 2 {
        assert!(began.elapsed() < DEADLINE, "the rest is not recorded");
        tokio::task::yield_now().await;
    }
    assert_eq!(counts(), [1, 3]);
}

#[tokio::test]
async fn a_run_of_retention_that_removed_something_is_one_record_and_leaves_nothing_to_the_next() {
    let config = Config { retain_audit: Some(std::time::Duration::from_hours(24)), ..Config::defaults() };
    let server = Server::start_with(config, Location::Memory).await;
    let agent = server.create("coder").await;
    for _ in 0..3 {
        server.metric(&agent, &json!({"tokens_used": 1})).await;
    }
    let events: Vec<_> = (0..600).map(|_| json!({"agent_name": "coder"})).collect();
    server.post("/api/v1/events/ingest/batch", &events.into()).await.expect(201);
    assert_eq!(retain(&server.app).await.unwrap(), Removed::default());
    let told = server.last_seq();
    server.advance(31 * DAY);
    assert_eq!(retain(&server.app).await.unwrap(), Removed { audit: 512, metrics: 3, events: told });
    // What agents did was before the first that is kept.
    let found = acts(&server).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(brief(&found[0]), "agentmap:local retention_ran unknown");
    assert_eq!(
        found[0]["context"],
        json!({
            "audit": {"removed": 512, "first_kept": 512},
            "metrics": {"removed": 3, "first_kept": 3},
            "events": {"removed": told, "first_kept": told + 1},
        })
    );
    // Its record would be removed by a later run, which would be recorded, and so on.
    for _ in 0..40 {
        server.advance(DAY + HOUR);
        assert_eq!(retain(&server.app).await.unwrap(), Removed::default());
    }
    assert_eq!(acts(&server).await.len(), 1);
    let health = server.json("/health").await;
    assert_eq!(health["kept"]["last_retention_at"], json!(server.at(0)));
    assert_eq!(server.app.read(check).unwrap().problems, Vec::<String>::new());
}

#[tokio::test]
async fn a_run_of_retention_that_was_cut_off_is_told_of_by_the_next() {
    use agentmap::domain::command::Action;
    use agentmap::domain::pruning::Prune;

    let server = Server::start().await;
    let agent = server.create("coder").await;
    for _ in 0..3 {
        server.metric(&agent, &json!({"tokens_used": 1})).await;
    }
    retain(&server.app).await.unwrap();
    server.advance(31 * DAY + SECOND);
    // As the process that ends here.
    let step = Prune::Metrics { before: server.now(), below: 2 };
    server.app.submit(Action::Prune(step)).await.unwrap();
    assert_eq!(retain(&server.app).await.unwrap().metrics, 1);
    assert_eq!(acts(&server).await[0]["context"]["metrics"], json!({"removed": 3, "first_kept": 3}));
}
