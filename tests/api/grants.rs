//! `/api/v1/grants`: what was approved for a session or for always, and taken back.

use serde_json::{Value, json};

use crate::approvals::{APPROVALS, GRANTS, approve, ask, push};
use crate::harness::each;
use crate::policy::{decide, governed, governed_draft};
use crate::shape::assert_shape;

/// What a decision is, and by which kind of rule.
fn brief(ruling: &Value) -> String {
    let rule = ruling["rule"].as_str().unwrap();
    format!("{} by {}", ruling["decision"].as_str().unwrap(), rule.split(':').next().unwrap())
}

#[tokio::test]
async fn a_grant_holds_for_its_session_or_until_it_is_revoked() {
    // A command's likeness held the session in which it was asked: always was never more than that session.
    let (server, agent) = governed().await;
    let of = |session: &str| {
        let mut members = push();
        members["session_id"] = json!(session);
        members
    };
    let id = ask(&server, &of("s-1")).await;
    approve(&server, &id, &json!({"scope": "session", "reason": "for now"})).await;
    let grants = server.json(GRANTS).await;
    assert_shape(
        &grants[0],
        &json!({
            "grant_id": "uuid", "agent_id": "uuid", "agent_name": "string", "scope": "string", "session_id": "string",
            "question": "object", "rule": "string", "granted_by": "string", "granted_at": "time",
        }),
    );
    assert_eq!((&grants[0]["scope"], &grants[0]["session_id"]), (&json!("session"), &json!("s-1")));
    assert_eq!((&grants[0]["agent_id"], &grants[0]["granted_by"]), (&json!(agent), &json!("local")));
    for _ in 0..3 {
        assert_eq!(brief(&decide(&server, &of("s-1")).await), "allowed by grant");
    }
    let id = ask(&server, &of("s-2")).await;
    approve(&server, &id, &json!({"scope": "always"})).await;
    for session in ["s-1", "s-2", "s-3", ""] {
        assert_eq!(brief(&decide(&server, &of(session)).await), "allowed by grant", "{session}");
    }
    // The like of it is no other command, tool or agent.
    server.create_from(&governed_draft("tester")).await;
    ask(&server, &json!({"tool": "Bash", "command": "git push origin main --force"})).await;
    let mut of_other = of("s-2");
    of_other["agent"] = json!("tester");
    ask(&server, &of_other).await;

    let grants = server.json(GRANTS).await;
    assert_eq!(each(&grants, "scope"), ["always", "session"]);
    let always = grants[0]["grant_id"].as_str().unwrap();
    server.delete(&format!("{GRANTS}/{always}")).await.expect(204);
    server.delete(&format!("{GRANTS}/{always}")).await.expect(404);
    ask(&server, &of("s-3")).await;
    assert_eq!(brief(&decide(&server, &of("s-1")).await), "allowed by grant");
}

#[tokio::test]
async fn a_grant_covers_what_costs_no_more_and_a_greater_one_takes_its_place() {
    // The lesser grant was found first, and the greater one never.
    let (server, _) = governed().await;
    let cost = |usd: f64| json!({"path": "src/a.rs", "estimated_cost_usd": usd});
    let spend = async || server.post("/api/v1/budgets/agent:coder/raise", &json!({"cost_usd": 50})).await;
    spend().await.expect(200);
    let id = ask(&server, &cost(6.0)).await;
    approve(&server, &id, &json!({"scope": "always"})).await;
    assert_eq!(brief(&decide(&server, &cost(6.0)).await), "allowed by grant");
    assert_eq!(brief(&decide(&server, &cost(5.5)).await), "allowed by grant");
    let id = ask(&server, &cost(6.01)).await;
    approve(&server, &id, &json!({"scope": "always"})).await;
    assert_eq!(brief(&decide(&server, &cost(6.01)).await), "allowed by grant");
    assert_eq!(brief(&decide(&server, &cost(6.0)).await), "allowed by grant");
    assert_eq!(each(&server.json(GRANTS).await, "grant_id"), [&id]);
}

#[tokio::test]
async fn a_session_without_a_name_is_none() {
    // A grant for the session without a name was one for all sessions.
    let (server, _) = governed().await;
    let mut unnamed = push();
    unnamed["session_id"] = json!("");
    let id = ask(&server, &unnamed).await;
    let path = format!("{APPROVALS}/{id}/approve");
    server.post(&path, &json!({"scope": "session"})).await.expect(409);
    assert_eq!(server.json(&format!("{APPROVALS}/{id}")).await["status"], "pending");
    ask(&server, &push()).await;
}
