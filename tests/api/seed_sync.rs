//! `/api/v1/agents/sync`: what `agentmap seed` sends when a server holds the data.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{HOUR, Server, each, kinds};
use crate::shape::assert_shape;

const SYNC: &str = "/api/v1/agents/sync";

/// An identity and the file that it is in.
fn identity(file: &str, name: &str, members: &Value) -> Value {
    let mut identity = json!({"name": name});
    identity.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    json!({"file": format!("/fleet/{file}"), "identity": identity})
}

async fn sync(server: &Server, body: &Value) -> Value {
    let report = server.post(SYNC, body).await.expect(200).json();
    let file = json!({"file": "string", "name": "string", "change": "string", "note": "string|null"});
    assert_shape(&report, &json!({"files": [file], "pruned": ["string"]}));
    report
}

fn changes(report: &Value) -> Vec<&Value> {
    each(&report["files"], "change")
}

#[tokio::test]
async fn identities_become_agents_once() {
    let server = Server::start().await;
    let id = Uuid::new_v4().to_string();
    let fleet = json!({"identities": [
        identity("a.yaml", "coder", &json!({"agent_id": id, "role": "developer", "tags": ["x"], "max_cost_per_day": 5.0})),
        identity("b.md", "writer", &json!({"category": "quality", "description": "Writes"})),
    ]});
    let report = sync(&server, &fleet).await;
    assert_eq!(changes(&report), ["created", "created"]);
    assert_eq!(kinds(&server.events_after(0).await), ["agent_created", "agent_created"]);
    let coder = server.json(&format!("/api/v1/agents/{id}")).await;
    assert_eq!(
        (&coder["metadata"]["tags"], &coder["budget"]["max_cost_per_day"]),
        (&json!(["x"]), &json!(5.0))
    );
    // Rights come from the role where the file gives none.
    assert_eq!(coder["rbac"]["path_scopes"], json!(["src/**", "tests/**", "scripts/**", "config/**"]));
    let writer = server.json("/api/v1/agents/name/writer").await;
    assert_eq!(Uuid::parse_str(writer["agent_id"].as_str().unwrap()).unwrap().get_version_num(), 5);

    // A second time nothing changes, and nobody is told anything.
    server.advance(HOUR);
    let before = server.last_seq();
    assert_eq!(changes(&sync(&server, &fleet).await), ["unchanged", "unchanged"]);
    assert_eq!(server.last_seq(), before);
    assert_eq!(server.json("/api/v1/agents/name/writer").await, writer);
}

#[tokio::test]
async fn a_changed_file_touches_the_identity_alone() {
    let server = Server::start().await;
    let fleet = |role: &str| json!({"identities": [identity("a.yaml", "coder", &json!({"role": role}))]});
    sync(&server, &fleet("developer")).await;
    server.metric("coder", &json!({"cost_usd": 1, "tokens_used": 2, "quality_score": 0.5})).await;
    let before = server.json("/api/v1/agents/name/coder").await;
    server.advance(HOUR);
    let seq = server.last_seq();
    assert_eq!(changes(&sync(&server, &fleet("tester")).await), ["updated"]);
    assert_eq!(kinds(&server.events_after(seq).await), ["agent_updated"]);
    let after = server.json("/api/v1/agents/name/coder").await;
    assert_eq!(after["role"], "tester");
    for kept in ["agent_id", "performance"] {
        assert_eq!(after[kept], before[kept]);
    }
    assert_eq!(after["budget"]["cost_used_today"], 1.0);
    assert_eq!(after["timestamps"]["created_at"], before["timestamps"]["created_at"]);
    assert_eq!(after["timestamps"]["updated_at"], server.at(0));
}

#[tokio::test]
async fn what_contradicts_itself_fails_alone() {
    let server = Server::start().await;
    let taken = server.create("taken").await;
    let id = Uuid::new_v4().to_string();
    let report = sync(
        &server,
        &json!({"identities": [
            identity("1.yaml", "one", &json!({"agent_id": id})),
            identity("2.yaml", "two", &json!({"agent_id": id})),
            identity("3.yaml", "three", &json!({})),
            identity("4.yaml", "three", &json!({})),
            identity("5.yaml", "taken", &json!({"agent_id": Uuid::new_v4()})),
        ]}),
    )
    .await;
    assert_eq!(changes(&report), ["created", "failed", "created", "failed", "failed"]);
    for (n, named) in [(1, "/fleet/1.yaml"), (3, "/fleet/3.yaml"), (4, &*taken)] {
        let note = report["files"][n]["note"].as_str().unwrap();
        assert!(note.contains(named), "{note}");
    }
    assert_eq!(each(&server.json("/api/v1/agents/").await, "name"), ["one", "taken", "three"]);
}

#[tokio::test]
async fn pruning_removes_what_came_from_files_below_a_folder() {
    let server = Server::start().await;
    server.create("by-hand").await;
    let all = [identity("a.yaml", "a", &json!({})), identity("sub/b.yaml", "b", &json!({}))];
    sync(&server, &json!({"identities": all})).await;
    let seq = server.last_seq();
    let rest = |dry_run: bool| json!({"identities": [all[0]], "prune_below": ["/fleet"], "dry_run": dry_run});
    let report = sync(&server, &rest(true)).await;
    assert_eq!(report["pruned"], json!(["b"]));
    assert_eq!(server.last_seq(), seq);
    assert_eq!(server.json("/api/v1/agents/").await.as_array().unwrap().len(), 3);
    assert_eq!(sync(&server, &rest(false)).await["pruned"], json!(["b"]));
    assert_eq!(kinds(&server.events_after(seq).await), ["agent_deleted"]);
    assert_eq!(each(&server.json("/api/v1/agents/").await, "name"), ["a", "by-hand"]);
}

#[tokio::test]
async fn what_no_file_may_say_is_refused() {
    let server = Server::start().await;
    let wrong = json!({"identities": [identity("a", "Not A Name", &json!({"max_cost_per_day": -1, "colour": 1}))], "x": 1});
    let errors = server.post(SYNC, &wrong).await.expect(422).errors();
    let places: Vec<_> = errors.iter().map(|e| &*e.0).collect();
    assert_eq!(
        places,
        [
            "body.identities.0.identity.colour",
            "body.identities.0.identity.max_cost_per_day",
            "body.identities.0.identity.name",
            "body.x",
        ]
    );
    assert_eq!(server.json("/api/v1/agents/").await, json!([]));
}
