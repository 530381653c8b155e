//! `agentmap approvals`: through the server that holds the data, or on the data file where none runs.

use std::process::ExitCode;

use serde_json::{Value, json};
use uuid::Uuid;

use super::holder::{self, Holder, submit};
use super::{Fault, Ran, client, output, presence};
use crate::cli::{AnswerArgs, ApprovalsArgs, ApprovalsCommand};
use crate::config::Config;
use crate::domain::approvals::{Approval, ApprovalStatus, Reach};
use crate::domain::command::{Action, Outcome};

const APPROVALS: &str = "/api/v1/approvals";

pub async fn approvals(config: Config, args: ApprovalsArgs) -> Ran {
    let holder = Holder::find(&config)?;
    let ran = match args.command {
        ApprovalsCommand::List { all, json } => list(&holder, all, json).await,
        ApprovalsCommand::Approve(args) => answer(&holder, &args, true).await,
        ApprovalsCommand::Deny(args) => answer(&holder, &args, false).await,
    };
    holder.close();
    ran
}

async fn list(holder: &Holder, all: bool, as_json: bool) -> Ran {
    let found = holder.approvals(all).await?;
    if as_json {
        output::print_json(&found)?;
        return Ok(ExitCode::SUCCESS);
    }
    let rows = found.as_array().cloned().unwrap_or_default();
    if rows.is_empty() {
        output::print(if all { "Nothing was ever asked." } else { "Nothing waits for an answer." })?;
        return Ok(ExitCode::SUCCESS);
    }
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let row = |approval: &Value| {
        let asked = &approval["question"];
        let on = ["command", "path", "api", "target"].iter().find_map(|name| asked[*name].as_str());
        vec![
            text(&approval["approval_id"]),
            text(&approval["agent_name"]),
            text(&asked["tool"]),
            short(on.unwrap_or("-")),
            text(&approval["rule"]),
            text(&approval["status"]),
            text(&approval["expires_at"]),
        ]
    };
    let rows: Vec<_> = rows.iter().map(row).collect();
    let head = ["ID", "AGENT", "TOOL", "ON", "RULE", "STATUS", "UNTIL"];
    output::print(output::table(&head, &rows).trim_end())?;
    Ok(ExitCode::SUCCESS)
}

/// How much of a command a table shows.
const SHOWN: usize = 60;

fn short(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() {
        shown.push_str("...");
    }
    shown
}

async fn answer(holder: &Holder, args: &AnswerArgs, approved: bool) -> Ran {
    let id = holder.named(&args.approval).await?;
    let reach = if args.always {
        Reach::Always
    } else if args.session {
        Reach::Session
    } else {
        Reach::Once
    };
    let said = holder.answer(id, approved, reach, args.reason.clone()).await?;
    if args.json {
        output::print_json(&said)?;
    } else {
        let what = if approved { "Approved" } else { "Denied" };
        let name = output::safe(said["agent_name"].as_str().unwrap_or_default());
        let tool = output::safe(said["question"]["tool"].as_str().unwrap_or_default());
        output::print(&format!("{what}: {name} asked for {tool}."))?;
    }
    Ok(ExitCode::SUCCESS)
}

impl Holder {
    async fn approvals(&self, all: bool) -> Result<Value, Fault> {
        match self {
            Self::Data(app) => {
                let status = (!all).then_some(ApprovalStatus::Pending);
                let found = app
                    .read(|tx| Approval::newest(tx, status, 500))
                    .map_err(|e| Fault::new(e.to_string()))?;
                Ok(json!(found.iter().map(Approval::view).collect::<Vec<_>>()))
            }
            Self::Server(note) => {
                let status = if all { "" } else { "&status=pending" };
                self.asked(note, "GET", &format!("{APPROVALS}?limit=500{status}"), None).await
            }
        }
    }

    /// The id of an approval that is meant by its beginning.
    async fn named(&self, text: &str) -> Result<Uuid, Fault> {
        if let Ok(id) = Uuid::parse_str(text) {
            return Ok(id);
        }
        let pending = self.approvals(false).await?;
        let ids =
            pending.as_array().into_iter().flatten().filter_map(|approval| approval["approval_id"].as_str());
        let found: Vec<&str> = ids.filter(|id| !text.is_empty() && id.starts_with(text)).collect();
        match found[..] {
            [id] => Uuid::parse_str(id).map_err(|e| Fault::new(e.to_string())),
            [] => Err(Fault::new(format!(
                "nothing that waits for an answer begins with '{}'; `agentmap approvals list` lists it",
                text.escape_debug()
            ))),
            _ => Err(Fault::new(format!(
                "'{}' begins more than one id; write more of it",
                text.escape_debug()
            ))),
        }
    }

    async fn answer(
        &self,
        id: Uuid,
        approved: bool,
        reach: Reach,
        reason: Option<String>,
    ) -> Result<Value, Fault> {
        match self {
            Self::Data(app) => match submit(app, Action::Answer { id, approved, reach, reason }).await? {
                Outcome::Approval(approval) => Ok(json!(approval.view())),
                _ => Err(Fault::new("the answer gave no approval back")),
            },
            Self::Server(note) => {
                let verb = if approved { "approve" } else { "deny" };
                let mut body = json!({"reason": reason});
                if approved {
                    body["scope"] = json!(reach);
                }
                let path = format!("{APPROVALS}/{id}/{verb}");
                self.asked(note, "POST", &path, Some(body.to_string().into_bytes())).await
            }
        }
    }

    async fn asked(
        &self,
        note: &presence::Note,
        method: &str,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> Result<Value, Fault> {
        holder::ask(note, client::credential(Some(note)), method, path, body).await
    }
}
