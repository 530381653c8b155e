//! `agentmap policy test`: what changed identities would have decided about what was asked before.

use std::process::ExitCode;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::agents::read_data;
use super::{Fault, Ran, output};
use crate::app::{App, system_clock};
use crate::cli::PolicyTestArgs;
use crate::config::Config;
use crate::domain::agents::Agent;
use crate::domain::audit::{AuditRecord, Decision};
use crate::domain::command::{Action, Outcome};
use crate::domain::decision::Asked;
use crate::domain::policy::asking::Wish;
use crate::domain::policy::{Check, Dimension, ruling};
use crate::domain::question::Question;
use crate::domain::sync::{SyncChange, SyncRequest};
use crate::seed;
use crate::store::Location;

/// What the record of a decision holds.
#[derive(Deserialize)]
struct Recorded {
    asked: Question,
    checks: Vec<Check>,
}

/// Something that was asked, and what was decided.
struct Past {
    seq: u64,
    wish: Wish,
    decision: Decision,
}

/// A decision that would be another.
#[derive(Serialize)]
struct Differs {
    seq: u64,
    agent: String,
    tool: String,
    on: Option<String>,
    was: Decision,
    would_be: Decision,
    rule: String,
}

#[derive(Serialize)]
struct Report {
    replayed: usize,
    /// Records that do not tell all that was asked.
    skipped: usize,
    differs: Vec<Differs>,
}

pub async fn test(config: Config, args: PolicyTestArgs) -> Ran {
    let collected = seed::collect(&args.files, false, |_, _| ()).map_err(|e| Fault::new(e.to_string()))?;
    if collected.identities.is_empty() {
        return Err(Fault::new("there is no identity in these files"));
    }
    let limit = args.last;
    let (agents, past, skipped) = read_data(&config, |tx, roster, _| {
        let agents: Vec<Arc<Agent>> = roster.iter().cloned().collect();
        let (mut past, mut skipped) = (Vec::new(), 0);
        for entry in tx.all::<AuditRecord>()?.rev().take(limit) {
            match asked_in(&entry?.1) {
                Some(Ok(asked)) => past.push(asked),
                Some(Err(())) => skipped += 1,
                None => {}
            }
        }
        Ok((agents, past, skipped))
    })?;
    let app = changed(config, agents, collected.identities).await?;
    let mut report = Report { replayed: past.len(), skipped, differs: Vec::new() };
    for Past { seq, wish, decision } in past.into_iter().rev() {
        let (agent, tool) = (wish.agent.clone(), wish.tool.clone());
        let on = [&wish.command, &wish.path, &wish.api, &wish.target].into_iter().flatten().next().cloned();
        let (would_be, rule) = would_be(&app.simulated(wish));
        if would_be != decision {
            let agent = app.roster().resolve(&agent).map_or(agent, |agent| agent.name.clone());
            report.differs.push(Differs { seq, agent, tool, on, was: decision, would_be, rule });
        }
    }
    app.close();
    tell(&report, args.json)
}

/// What a record tells that can be asked again: `None` where it is of no decision, an error where not all is told.
fn asked_in(record: &AuditRecord) -> Option<Result<Past, ()>> {
    let told = &record.told;
    let (kind, seq) = (told.operation_type.as_deref(), record.seq);
    if told.decision == Decision::Unknown || !matches!(kind, Some("tool_use" | "api_call" | "file_access")) {
        return None;
    }
    let agent = record.subject.map(|id| id.to_string());
    let agent = agent.or_else(|| told.agent_name.clone()).or_else(|| told.agent_id.clone())?;
    let Ok(Recorded { asked, checks }) = serde_json::from_str(&told.context.0) else {
        // Decided elsewhere: what was asked is what the record is of.
        let is_file = told.target_type.as_deref() == Some("file");
        let wish = Wish {
            agent,
            tool: told.operation_detail.clone()?,
            path: told.target_resource.clone().filter(|_| is_file),
            session_id: told.session_id.clone(),
            ..Wish::default()
        };
        return Some(Ok(Past { seq, wish, decision: told.decision }));
    };
    if asked.command_sha256.is_some() {
        return Some(Err(()));
    }
    let wish = Wish {
        agent,
        tool: asked.tool,
        path: asked.path,
        command: asked.command,
        api: asked.api,
        target: asked.target,
        estimated_cost_usd: asked.estimated_cost_usd,
        estimated_tokens: asked.estimated_tokens,
        session_id: asked.session_id,
        cwd: asked.cwd,
        project_root: asked.project_root,
        context: None,
    };
    // What was spent, and what a person approved, says nothing of identities.
    let of_identity =
        checks.iter().filter(|check| check.dimension != Dimension::Budget).cloned().map(|mut check| {
            if check.dimension == Dimension::Approval {
                check.outcome = Decision::RequiresApproval;
            }
            check
        });
    let checks: Vec<_> = of_identity.collect();
    let decision = ruling(&checks)?.outcome;
    Some(Ok(Past { seq, wish, decision }))
}

fn would_be(asked: &Asked) -> (Decision, String) {
    let mut checks = asked.checks.clone();
    checks.extend(asked.asks.clone().map(|rule| Check {
        dimension: Dimension::Approval,
        outcome: Decision::RequiresApproval,
        rule,
    }));
    ruling(&checks).map_or((Decision::Denied, String::new()), |check| (check.outcome, check.rule.clone()))
}

/// The registry as it would be, in memory.
async fn changed(
    config: Config,
    agents: Vec<Arc<Agent>>,
    identities: Vec<crate::domain::sync::IdentityFile>,
) -> Result<Arc<App>, Fault> {
    let app = App::open(config, Location::Memory, system_clock()).map_err(|e| Fault::new(e.to_string()))?;
    let create =
        agents.into_iter().map(|agent| Action::CreateAgent(Box::new(Agent::clone(&agent)))).collect();
    let sync = SyncRequest { identities, prune_below: Vec::new(), dry_run: false, strict: false };
    for action in [Action::Each(create), Action::Sync(Box::new(sync))] {
        let outcome = app.submit(action).await.map_err(|e| Fault::new(e.to_string()))?;
        if let Outcome::Synced(report) = outcome {
            for file in report.files.iter().filter(|file| file.change == SyncChange::Failed) {
                let why = file.note.as_deref().unwrap_or("it cannot be taken");
                output::complain(&format!("{} is left out: {}", output::safe(&file.file), output::safe(why)));
            }
        }
    }
    Ok(app)
}

fn tell(report: &Report, as_json: bool) -> Ran {
    let code = ExitCode::from(u8::from(!report.differs.is_empty()));
    if as_json {
        output::print_json(report)?;
        return Ok(code);
    }
    if !report.differs.is_empty() {
        let row = |one: &Differs| {
            vec![
                one.seq.to_string(),
                one.agent.clone(),
                one.tool.clone(),
                one.on.clone().unwrap_or_else(|| "-".into()),
                one.was.as_str().into(),
                one.would_be.as_str().into(),
                one.rule.clone(),
            ]
        };
        let rows: Vec<_> = report.differs.iter().map(row).collect();
        let head = ["RECORD", "AGENT", "TOOL", "ON", "WAS", "WOULD BE", "BY"];
        output::print(output::table(&head, &rows).trim_end())?;
    }
    output::print(&format!("{} of {} decisions would differ", report.differs.len(), report.replayed))?;
    if report.skipped > 0 {
        output::print(&format!(
            "{} were left out: their commands are too long to be kept whole",
            report.skipped
        ))?;
    }
    Ok(code)
}
