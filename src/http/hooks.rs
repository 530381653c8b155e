//! `/api/v1/hooks`: what agents' runtimes tell, in the runtime's own words.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::time::Instant;
use utoipa::ToSchema;
use warp::http::StatusCode;
use warp::reply::Response;

use super::access::check_agent;
use super::approvals::answered;
use super::document::OperationDoc;
use super::endpoint::{Endpoint, Input, Output};
use super::error::Problem;
use super::idempotency::Retry;
use super::policy::{Ruling, one};
use super::reply::Document;
use super::request::{Call, Query};
use crate::App;
use crate::app::nonce;
use crate::domain::access::{Caller, TokenRole};
use crate::domain::approvals::ApprovalStatus;
use crate::domain::audit::Decision;
use crate::domain::command::Action;
use crate::domain::policy::asking::Wish;
use crate::hook::claude_code::{self, Payload, Seems};
use crate::hook::{Answer, Happening};

/// The endpoints.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post("/api/v1/hooks/claude-code", "An event of Claude Code", claude_code_event)
            .describe(
                "Takes the event as a hook of type http sends it, decides about what an agent asks to do, and records \
                 what it did. Answers what the runtime understands: an event that asks and cannot be read is denied, for \
                 anything but 2xx would let it pass.",
            )
            .needs(TokenRole::Ingest),
    ]
}

/// What a hook adds to the event.
#[derive(Deserialize, ToSchema)]
struct HookQuery {
    /// The agent that acts where the event names none.
    #[schema(max_length = 128)]
    identity: Option<String>,
    /// The project's folder; without it, the event's `cwd`.
    #[schema(max_length = 2000)]
    root: Option<String>,
    /// How long to wait for a person's answer, in seconds.
    #[schema(minimum = 0, maximum = 580, default = 50)]
    wait: Option<u64>,
}

/// An event, as it was sent.
struct Event(Result<Bytes, Problem>);

/// An event of Claude Code: `hook_event_name` and what belongs to it.
#[derive(Deserialize, ToSchema)]
#[schema(as = ClaudeCodeEvent, example = json!({
    "hook_event_name": "PreToolUse", "session_id": "s-1", "cwd": "/home/me/project", "agent_type": "coder",
    "tool_name": "Write", "tool_input": {"file_path": "/home/me/project/src/main.rs"}, "tool_use_id": "toolu_1"
}))]
#[expect(dead_code, reason = "for the document")]
struct Described {
    /// Such as `PreToolUse`.
    hook_event_name: String,
}

impl Input for Event {
    type Prepared = ();

    fn prepare(doc: &mut OperationDoc) {
        doc.body::<Described>(true);
    }

    async fn read(call: &mut Call, app: &App, (): &()) -> Result<Self, Problem> {
        let limits = &app.config.limits;
        // What a tool is given may be a whole file.
        Ok(Self(call.body(limits.batch_bytes, limits).await))
    }
}

/// What the runtime is told; empty where there is nothing to tell.
#[derive(Serialize, ToSchema)]
struct HookAnswer {
    /// As the runtime documents it.
    #[serde(rename = "hookSpecificOutput", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object)]
    output: Option<Map<String, Value>>,
}

/// What the runtime is told: an object, which is empty where there is nothing to tell.
struct Said(String);

impl Output for Said {
    fn describe(doc: &mut OperationDoc) {
        doc.json::<HookAnswer>(200, "What the runtime is told");
    }

    fn into_response(self, target: &str) -> Response {
        Document { content_type: "application/json", body: self.0.into(), headers: Vec::new() }
            .into_response(target)
    }
}

/// An event that cannot be read. Whatever it was, it must not pass for one that was allowed.
fn unreadable(bytes: &[u8], why: &str) -> Said {
    tracing::warn!(why = %why.escape_debug(), "a hook's event could not be read");
    let deny = Answer::Deny(format!("agentmap: {why}"));
    match Seems::of(bytes) {
        Seems::Telling => said("PreToolUse", &Answer::Nothing),
        Seems::Asking(event) => said(event, &deny),
        Seems::Unknown => said("PreToolUse", &deny),
    }
}

fn said(event: &str, answer: &Answer) -> Said {
    Said(claude_code::output(event, answer).unwrap_or_else(|| "{}".into()))
}

async fn claude_code_event(
    app: Arc<App>,
    Query(query): Query<HookQuery>,
    event: Event,
    retry: Retry,
) -> Result<Said, Problem> {
    let bytes = match event.0 {
        Ok(bytes) => bytes,
        Err(problem) if problem.status == StatusCode::PAYLOAD_TOO_LARGE => {
            return Ok(unreadable(b"", &problem.detail));
        }
        Err(problem) => return Err(problem),
    };
    let payload = match Payload::read(&bytes) {
        Ok(payload) => payload,
        Err(why) => return Ok(unreadable(&bytes, &why)),
    };
    drop(bytes);
    let name = payload.hook_event_name.clone();
    let main = query.identity.unwrap_or_else(|| app.config.governance.default_identity.clone());
    match payload.happening(&main, query.root.as_deref()) {
        Happening::Asks(wish) => {
            let wait = Duration::from_secs(query.wait.unwrap_or(50));
            // Whatever stands in the way of a decision must not pass for one.
            let answer = decided(&app, &retry.caller, *wish, wait).await;
            let answer =
                answer.unwrap_or_else(|problem| Answer::Deny(format!("agentmap: {}", problem.detail)));
            // Who asks the person anyway need not be told that one is asked.
            Ok(said(&name, &answer))
        }
        Happening::Told(told) => {
            check_agent(&app, &retry.caller, [told.agent.as_str()])?;
            let registered = app.roster().resolve(&told.agent).map(|agent| agent.agent_id);
            let actions = told.actions(registered, &app.prices(), app.now(), nonce);
            retry.submit(&app, Action::Each(actions)).await?;
            Ok(said(&name, &Answer::Nothing))
        }
    }
}

/// What an agent that asks is answered, once a person had their time where one has to be asked.
async fn decided(app: &Arc<App>, caller: &Caller, wish: Wish, wait: Duration) -> Result<Answer, Problem> {
    check_agent(app, caller, [wish.agent.as_str()])?;
    let deadline = Instant::now() + wait;
    loop {
        let asked = app.question(wish.clone()).await?;
        let outcome = app.submit_by(caller.actor.clone(), Action::Decide(Box::new(asked))).await?;
        let ruling = Ruling::of(&*one(outcome)?)?;
        let reason = format!("agentmap: {}", ruling.reason);
        let id = match (ruling.decision, ruling.approval_id) {
            (Decision::Allowed, _) => return Ok(Answer::Allow(reason)),
            (Decision::RequiresApproval, Some(id)) => id,
            _ => return Ok(Answer::Deny(reason)),
        };
        let approval = answered(app, id, deadline.saturating_duration_since(Instant::now())).await?;
        let why = approval.answer.as_ref().and_then(|answer| answer.reason.as_deref());
        let why = why.map(|why| format!(": {why}")).unwrap_or_default();
        match approval.status {
            // Decided once more: that makes use of it.
            ApprovalStatus::Approved => {}
            ApprovalStatus::Denied => return Ok(Answer::Deny(format!("agentmap: a person denied it{why}"))),
            ApprovalStatus::Expired => return Ok(Answer::Deny("agentmap: nobody answered in time".into())),
            ApprovalStatus::Pending => {
                return Ok(Answer::Deny(format!(
                    "{reason}; nobody answered yet: ask again when approval {id} is answered"
                )));
            }
        }
    }
}
