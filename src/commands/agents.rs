//! `agentmap agents list` and `agentmap agents show`.

use std::path::Path;
use std::process::ExitCode;

use super::{Fault, Ran, explain, output};
use crate::app::{SCHEMA, system_clock};
use crate::cli::{AgentsArgs, AgentsCommand};
use crate::config::Config;
use crate::domain::agent_query::{self, AgentFilter, AgentPaging, Order};
use crate::domain::agent_view::AgentView;
use crate::domain::command::{Applied, Command};
use crate::domain::roster::Roster;
use crate::domain::time::Timestamp;
use crate::store::{ReadTx, Store, StoreError};

/// Reads the data file, also beside the server that writes it.
pub fn read_data<T>(
    config: &Config,
    read: impl FnOnce(&ReadTx, &Roster, Timestamp) -> Result<T, StoreError>,
) -> Result<T, Fault> {
    let path = &config.data;
    let store = open_data(config, path)?;
    let result = store.read(|tx| read(tx, &Roster::load(tx)?, system_clock()()));
    result.map_err(|e: StoreError| explain(path, &e))
}

/// Opens a data file for reading, also beside the server that writes it.
pub fn open_data(config: &Config, path: &Path) -> Result<Store<Command, Applied>, Fault> {
    if !path.exists() {
        return Err(Fault::new(format!(
            "there is no data file {}; `agentmap serve` or `agentmap seed DIR` makes it, --data names another",
            path.display()
        )));
    }
    Store::open_read_only(path, config.cache_bytes, &SCHEMA).map_err(|e| explain(path, &e))
}

pub fn agents(config: &Config, args: AgentsArgs) -> Ran {
    match args.command {
        AgentsCommand::List { role, category, tag, q, json } => {
            let filter = AgentFilter { role, category, tag, q, ..AgentFilter::default() };
            list(config, &filter, json)
        }
        AgentsCommand::Show { agent, json } => show(config, &agent, json),
    }
}

fn list(config: &Config, filter: &AgentFilter, json: bool) -> Ran {
    let paging = AgentPaging { limit: usize::MAX, ..AgentPaging::default() };
    let page = read_data(config, |tx, roster, now| {
        agent_query::page(tx, roster, filter, Order::default(), &paging, now)
    })?;
    if json {
        output::print_json(&page.items)?;
    } else if page.items.is_empty() {
        output::print("No agents match. `agentmap seed DIR` reads identity files into the registry.")?;
    } else {
        let head = ["NAME", "ROLE", "CATEGORY", "STATUS", "USD TODAY", "OF", "LAST ACTIVE"];
        let row = |a: &AgentView| {
            vec![
                a.name.clone(),
                a.role.clone(),
                a.metadata.category.clone(),
                status(a),
                format!("{:.2}", a.budget.cost_used_today),
                format!("{:.2}", a.budget.max_cost_per_day),
                a.timestamps.last_active_at.map_or_else(|| "-".into(), |at| at.to_string()),
            ]
        };
        output::print(&output::table(&head, &page.items.iter().map(row).collect::<Vec<_>>()))?;
        output::print(&format!("{} agents", page.items.len()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn status(agent: &AgentView) -> String {
    format!("{:?}", agent.status).to_lowercase()
}

fn show(config: &Config, wanted: &str, json: bool) -> Ran {
    let found = read_data(config, |mut tx, roster, now| {
        roster.resolve(wanted).map(|agent| AgentView::load(&mut tx, agent, now)).transpose()
    })?;
    let Some(a) = found else {
        return Err(Fault::new(format!(
            "there is no agent '{}'; `agentmap agents list` names them",
            output::safe(wanted)
        )));
    };
    if json {
        output::print_json(&a)?;
        return Ok(ExitCode::SUCCESS);
    }
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".into());
    let words = |list: &[String]| if list.is_empty() { "-".into() } else { list.join(" ") };
    let rows: Vec<(&str, String)> = vec![
        ("name", a.name.clone()),
        ("display name", a.display_name.clone()),
        ("id", a.agent_id.to_string()),
        ("status", status(&a)),
        ("description", or_dash(a.description.clone())),
        ("role", format!("{} (confidence {:.2})", a.role, a.role_confidence)),
        ("because", or_dash(a.role_reasoning.clone())),
        ("category", a.metadata.category.clone()),
        ("specialist", a.metadata.specialist.to_string()),
        ("version", a.metadata.version.clone()),
        ("tags", words(&a.metadata.tags)),
        ("capabilities", words(&a.capabilities)),
        ("may use", words(&a.rbac.allowed_tools)),
        ("may not use", words(&a.rbac.denied_tools)),
        ("in", words(&a.rbac.path_scopes)),
        ("may call", words(&a.rbac.api_access)),
        (
            "approval",
            if a.rbac.requires_approval {
                "always".into()
            } else {
                format!("from {:.2} USD an operation", a.rbac.approval_threshold)
            },
        ),
        (
            "spent today",
            format!(
                "{:.4} of {:.2} {}",
                a.budget.cost_used_today, a.budget.max_cost_per_day, a.budget.currency
            ),
        ),
        (
            "tokens today",
            format!("{} (a session: {})", a.budget.tokens_used_today, a.budget.max_tokens_per_session),
        ),
        ("success rate", format!("{:.3}", a.performance.success_rate)),
        ("quality", format!("{:.3}", a.performance.quality_score)),
        ("tasks done", a.performance.total_tasks_completed.to_string()),
        ("created", a.timestamps.created_at.to_string()),
        ("updated", a.timestamps.updated_at.to_string()),
        ("last active", or_dash(a.timestamps.last_active_at.map(|t| t.to_string()))),
    ];
    for (name, value) in rows {
        output::print(&format!("{name:<13} {}", output::safe(&value)))?;
    }
    Ok(ExitCode::SUCCESS)
}
