//! `/api/v1/copies`: that somebody copied everything.

use std::sync::Arc;

use super::access::By;
use super::endpoint::Endpoint;
use super::error::Problem;
use super::json::Json;
use super::reply::NoContent;
use crate::App;
use crate::domain::access::TokenRole;
use crate::domain::command::Action;
use crate::domain::copies::Copied;

/// The endpoints.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post("/api/v1/copies", "Record that everything was copied", note)
            .describe("What `agentmap backup` and `agentmap export` send: the audit trail tells of the copy.")
            .needs(TokenRole::Admin),
    ]
}

async fn note(app: Arc<App>, Json(copied): Json<Copied>, By(caller): By) -> Result<NoContent, Problem> {
    app.submit_by(caller.actor, Action::NoteAct(copied.act())).await?;
    Ok(NoContent)
}
