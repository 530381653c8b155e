//! `/api/v1/approvals`: what a person is asked, and answers.

use agentmap::domain::command::Action;
use reqwest::Method;
use serde_json::{Value, json};

use crate::authorization::{locked, token, with};
use crate::harness::{DEADLINE, MINUTE, SECOND, Server, each, kinds};
use crate::policy::{decide, governed, governed_draft, wish};
use crate::shape::assert_shape;

pub const APPROVALS: &str = "/api/v1/approvals";
pub const GRANTS: &str = "/api/v1/grants";
/// How long a person may take.
const TIME: i64 = 10 * MINUTE;

/// A push, of which a person is asked.
pub fn push() -> Value {
    json!({"tool": "Bash", "command": "git push origin main"})
}

/// Asks, and gives back which approval that opened.
pub async fn ask(server: &Server, members: &Value) -> String {
    let ruling = decide(server, members).await;
    assert_eq!(ruling["decision"], "requires_approval", "{ruling}");
    ruling["approval_id"].as_str().unwrap().to_owned()
}

pub async fn approve(server: &Server, id: &str, answer: &Value) -> Value {
    server.post(&format!("{APPROVALS}/{id}/approve"), answer).await.expect(200).json()
}

#[tokio::test]
async fn a_question_is_asked_once_however_often_it_comes() {
    let (server, agent) = governed().await;
    let before = server.last_seq();
    let id = ask(&server, &push()).await;
    assert_eq!(ask(&server, &push()).await, id);
    let events = server.events_after(before).await;
    let requires = "operation_requires_approval";
    assert_eq!(kinds(&events), ["approval_requested", requires, requires]);

    let approval = server.json(&format!("{APPROVALS}/{id}")).await;
    assert_shape(
        &approval,
        &json!({
            "approval_id": "uuid", "status": "string", "agent_id": "uuid", "agent_name": "string",
            "agent_role": "string", "rule": "string", "audit_seq": "integer", "created_at": "time",
            "expires_at": "time", "resolved_at": "null", "resolved_by": "null", "reason": "null", "scope": "null",
            "question": {"tool": "string", "command": "string", "cwd": "string", "session_id": "string"},
        }),
    );
    assert_eq!((&approval["status"], &approval["agent_id"]), (&json!("pending"), &json!(agent)));
    assert_eq!(
        (&approval["rule"], &approval["expires_at"]),
        (&json!("risk: push_to_main"), &json!(server.at(TIME)))
    );
    assert_eq!(events[0]["data"], approval);
    assert_eq!(server.json(&format!("{APPROVALS}?status=pending")).await, json!([approval]));
    // Whatever makes another operation of it is another question.
    for other in [
        json!({"tool": "Bash", "command": "git push origin main", "session_id": "s-2"}),
        json!({"tool": "Bash", "command": "git push origin master"}),
        json!({"tool": "Bash", "command": "git push origin main", "estimated_cost_usd": 1}),
    ] {
        assert_ne!(ask(&server, &other).await, id, "{other}");
    }
    let all = server.json(APPROVALS).await;
    assert_eq!(each(&all, "approval_id").last().unwrap(), &&json!(id));
    assert_eq!(server.json(&format!("{APPROVALS}?limit=2")).await, json!(all.as_array().unwrap()[..2]));
    for bad in ["limit=0", "limit=501", "status=open"] {
        server.get(&format!("{APPROVALS}?{bad}")).await.expect(422);
    }
}

#[tokio::test]
async fn an_approval_for_once_is_used_up_by_one_decision() {
    let (server, _) = governed().await;
    let id = ask(&server, &push()).await;
    let before = server.last_seq();
    let approval = approve(&server, &id, &json!({"reason": "it is ready"})).await;
    assert_eq!(
        [&approval["status"], &approval["reason"], &approval["scope"], &approval["resolved_by"]],
        ["approved", "it is ready", "once", "local"]
    );
    assert_eq!(approval["resolved_at"], server.at(0));
    let events = server.events_after(before).await;
    assert_eq!(kinds(&events), ["approval_resolved"]);
    assert_eq!(events[0]["data"], approval);

    let ruling = decide(&server, &push()).await;
    assert_eq!(
        (&ruling["decision"], &ruling["rule"]),
        (&json!("allowed"), &json!(format!("approval: {id}")))
    );
    assert_eq!(ruling["approval_id"], id);
    assert_ne!(ask(&server, &push()).await, id);
    assert_eq!(server.json(GRANTS).await, json!([]));
    assert_eq!(each(&server.json(&format!("{APPROVALS}?status=approved")).await, "approval_id"), [&id]);
}

#[tokio::test]
async fn an_approval_that_was_not_used_in_time_stands_in_nobodys_way() {
    // The question's index led to the old approval for ever: each further question opened another, and no answer counted.
    let (server, _) = governed().await;
    let old = ask(&server, &push()).await;
    approve(&server, &old, &json!({})).await;
    server.advance(TIME);
    let new = ask(&server, &push()).await;
    assert_ne!(new, old);
    assert_eq!(ask(&server, &push()).await, new);
    approve(&server, &new, &json!({})).await;
    assert_eq!(decide(&server, &push()).await["rule"], format!("approval: {new}"));
}

#[tokio::test]
async fn whoever_approved_so_much_did_not_approve_more() {
    // What a question may cost was no part of what made it the same one.
    let (server, _) = governed().await;
    let cost = |usd: f64| json!({"path": "src/a.rs", "estimated_cost_usd": usd});
    let id = ask(&server, &cost(5.0)).await;
    approve(&server, &id, &json!({})).await;
    assert_ne!(ask(&server, &cost(9.0)).await, id);
    assert_eq!(decide(&server, &cost(5.0)).await["rule"], format!("approval: {id}"));
}

#[tokio::test]
async fn whoever_waits_is_answered_once_somebody_answered() {
    let (server, _) = governed().await;
    for (act, status) in [("approve", "approved"), ("deny", "denied")] {
        let id = ask(&server, &json!({"tool": "Bash", "command": format!("rm -r {act}")})).await;
        let path = format!("{APPROVALS}/{id}");
        // Nobody answers: as it is, after the time that was asked for.
        assert_eq!(server.json(&format!("{path}?wait=0")).await["status"], "pending");
        let waiting = format!("{path}?wait=55");
        let answer = async {
            // What happens otherwise is no answer.
            for _ in 0..5 {
                server.metric("coder", &json!({"tokens_used": 1})).await;
            }
            server.post(&format!("{path}/{act}"), &json!({"reason": "so"})).await.expect(200);
        };
        let (answered, ()) = tokio::join!(server.get(&waiting), answer);
        let answered = answered.expect(200).json();
        assert_eq!((&answered["status"], &answered["reason"]), (&json!(status), &json!("so")));
    }
    let some = each(&server.json(APPROVALS).await, "approval_id")[0].as_str().unwrap().to_owned();
    for bad in ["wait=61", "wait=-1", "wait=x"] {
        server.get(&format!("{APPROVALS}/{some}?{bad}")).await.expect(422);
    }
}

#[tokio::test]
async fn a_server_that_ends_does_not_wait_for_those_who_wait() {
    let (server, _) = governed().await;
    let id = ask(&server, &push()).await;
    let request = server.request(Method::GET, &format!("{APPROVALS}/{id}?wait=60"));
    let poll = tokio::spawn(async move { request.send().await.map(|answer| answer.status().as_u16()) });
    server.metric("coder", &json!({})).await;
    let began = std::time::Instant::now();
    server.stop().await;
    // Either it was answered, or it had not arrived.
    if let Ok(status) = poll.await.unwrap() {
        assert_eq!(status, 200);
    }
    assert!(began.elapsed() < DEADLINE);
}

#[tokio::test]
async fn what_is_denied_tells_why_and_may_be_asked_again() {
    let (server, _) = governed().await;
    let id = ask(&server, &push()).await;
    let path = format!("{APPROVALS}/{id}");
    let denied = server.post(&format!("{path}/deny"), &json!({"reason": "not on a Friday"})).await;
    let denied = denied.expect(200).json();
    assert_eq!((&denied["status"], &denied["reason"]), (&json!("denied"), &json!("not on a Friday")));
    for act in ["approve", "deny"] {
        let refused = server.post(&format!("{path}/{act}"), &json!({})).await.expect(409).json();
        assert!(refused["detail"].as_str().unwrap().contains("answered before, by local"), "{refused}");
    }
    assert_eq!(server.json(&path).await, denied);
    assert_ne!(ask(&server, &push()).await, id);
}

#[tokio::test]
async fn what_nobody_answers_in_time_is_denied() {
    let (server, _) = governed().await;
    for by_decision in [true, false] {
        let id = ask(&server, &push()).await;
        let path = format!("{APPROVALS}/{id}");
        server.advance(TIME - SECOND);
        assert_eq!(ask(&server, &push()).await, id);
        server.advance(SECOND);
        // It is too late from the moment on, whoever notes it.
        let before = server.last_seq();
        let refused = server.post(&format!("{path}/approve"), &json!({})).await.expect(409).json();
        assert!(refused["detail"].as_str().unwrap().contains("in time"), "{refused}");
        assert_eq!(server.last_seq(), before, "a refusal leaves no trace");
        if by_decision {
            decide(&server, &json!({})).await;
        } else {
            server.app.submit(Action::EndUnanswered).await.unwrap();
        }
        let told = server.events_after(before).await;
        assert_eq!(
            (&told[0]["type"], &told[0]["data"]["status"]),
            (&json!("approval_resolved"), &json!("expired"))
        );
        assert_eq!(server.json(&path).await["status"], "expired");
        assert_eq!(server.json(&format!("{APPROVALS}?status=pending")).await, json!([]));
        server.post(&format!("{path}/approve"), &json!({})).await.expect(409);
    }
}

#[tokio::test]
async fn answers_and_revocations_are_records_of_who_gave_them() {
    let server = locked().await;
    let local = server.app.local_credential().to_owned();
    let (ops, _) = token(&server, json!({"role": "operator", "name": "ops"})).await;
    let (viewer, _) = token(&server, json!({"role": "viewer", "name": "eyes"})).await;
    let (ingest, _) = token(&server, json!({"role": "ingest", "name": "hook"})).await;
    let send = async |secret: &str, method: Method, path: &str, body: Value| {
        with(&server, secret, method, path, Some(&body)).await
    };
    send(&local, Method::POST, "/api/v1/agents/", governed_draft("coder")).await.expect(201);
    let mut ids = Vec::new();
    for command in ["git push origin main", "rm -rf src"] {
        let asked = wish(&json!({"tool": "Bash", "command": command}));
        let ruling = send(&ingest, Method::POST, "/api/v1/policy/decide", asked).await.expect(200).json();
        ids.push(ruling["approval_id"].as_str().unwrap().to_owned());
    }
    for (secret, status) in [(&viewer, 403), (&ingest, 403)] {
        for act in ["approve", "deny"] {
            let path = format!("{APPROVALS}/{}/{act}", ids[0]);
            send(secret, Method::POST, &path, json!({})).await.expect(status);
        }
        send(secret, Method::DELETE, &format!("{GRANTS}/{}", ids[0]), json!({})).await.expect(403);
    }
    with(&server, &viewer, Method::GET, APPROVALS, None).await.expect(200);
    with(&server, &ingest, Method::GET, &format!("{APPROVALS}/{}", ids[0]), None).await.expect(200);
    let answer = json!({"scope": "always", "reason": "trusted"});
    send(&ops, Method::POST, &format!("{APPROVALS}/{}/approve", ids[0]), answer).await.expect(200);
    send(&ops, Method::POST, &format!("{APPROVALS}/{}/deny", ids[1]), json!({"reason": "no"}))
        .await
        .expect(200);
    with(&server, &ops, Method::DELETE, &format!("{GRANTS}/{}", ids[0]), None).await.expect(204);
    let path = "/api/v1/events/audit?operation_type=admin&limit=3";
    let acts = with(&server, &local, Method::GET, path, None).await.expect(200).json();
    for (act, (what, on, id, reason)) in acts.as_array().unwrap().iter().zip([
        ("grant_revoked", "grant", &ids[0], "unknown"),
        ("approval_denied", "approval", &ids[1], "no"),
        ("approval_given", "approval", &ids[0], "trusted"),
    ]) {
        assert_eq!((&act["operation"]["detail"], &act["agent"]["name"]), (&json!(what), &json!("ops")));
        assert_eq!(act["target"], json!({"type": on, "resource": id}), "{what}");
        assert_eq!(act["rbac"]["reason"], reason, "{what}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_found_and_what_is_no_answer_refused() {
    let (server, _) = governed().await;
    let id = ask(&server, &push()).await;
    let stranger = uuid::Uuid::new_v4().to_string();
    // The number of one that is there, under another id.
    let guessed = id.replacen(|c: char| c.is_ascii_hexdigit(), "0", 8);
    for other in ["nothing", &stranger, &guessed] {
        server.get(&format!("{APPROVALS}/{other}")).await.expect(404);
        server.post(&format!("{APPROVALS}/{other}/approve"), &json!({})).await.expect(404);
        server.post(&format!("{APPROVALS}/{other}/deny"), &json!({})).await.expect(404);
        server.delete(&format!("{GRANTS}/{other}")).await.expect(404);
    }
    let path = format!("{APPROVALS}/{id}/approve");
    for bad in [json!({"scope": "ever"}), json!({"why": "x"}), json!({"reason": 5}), json!([])] {
        server.post(&path, &bad).await.expect(422);
    }
    server.post_text(&path, "application/json", "").await.expect(200);
}
