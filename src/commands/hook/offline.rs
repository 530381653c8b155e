//! Deciding without a server, by the data file as it was left.

use serde_json::json;

use super::spool::Delivery;
use crate::app::{nonce, system_clock};
use crate::commands::agents::open_data;
use crate::config::{Config, UnknownAgent};
use crate::domain::agents::{Agent, BY_NAME};
use crate::domain::audit::Decision;
use crate::domain::decision::{Decided, Said};
use crate::domain::policy::Rights;
use crate::domain::policy::asking::{Terms, Wish};
use crate::hook::claude_code::Payload;
use crate::hook::{Answer, Happening};
use crate::store::Lookup;
use std::sync::Arc;
use uuid::Uuid;

/// What an agent that asks is answered, and what is to be recorded of it.
///
/// # Errors
/// When the data file cannot be read either.
pub fn decide(config: &Config, payload: &Payload, delivery: &Delivery) -> Result<(Answer, Delivery), String> {
    let store = open_data(config, &config.data).map_err(|fault| fault.0)?;
    let main = delivery.identity.as_deref().unwrap_or(&config.governance.default_identity);
    let Happening::Asks(wish) = payload.clone().happening(main, delivery.root.as_deref()) else {
        return Err("the event asks nothing".into());
    };
    let at = system_clock()();
    let decided = store.read(|mut tx| {
        let by_id = Uuid::parse_str(&wish.agent).ok();
        let mut agent = match by_id {
            Some(id) => tx.lookup::<Agent>(&id)?,
            None => None,
        };
        if agent.is_none() {
            let id = tx.first_of(&BY_NAME, &wish.agent.as_str())?;
            agent = id.map_or(Ok(None), |id| tx.lookup::<Agent>(&id))?;
        }
        let rights = agent.map(|agent| Rights::of(&Arc::new(agent)));
        // Nothing is held, nobody is asked: there is nobody who could.
        let unknown_may = config.governance.unknown_agent == UnknownAgent::Allow;
        let terms = Terms { unknown_may, at, hold_until: at, answer_until: at, nonce: nonce() };
        let asked = Wish::clone(&wish).asked(rights.as_ref(), terms);
        let said = asked.said(&mut tx, at)?.filter(Said::is_grant);
        Decided::of(&mut tx, &asked, said.as_ref(), at).map(|decided| (asked, decided))
    });
    let (asked, decided) = decided.map_err(|e| e.to_string())?;
    let reason = format!("agentmap: {} (no server runs)", decided.reason);
    let answer = match decided.decision {
        Decision::Allowed => Answer::Allow(reason),
        Decision::RequiresApproval => Answer::Ask(reason),
        Decision::Denied | Decision::Unknown => Answer::Deny(reason),
    };
    let told = asked.told;
    let record = json!({
        "agent_id": told.agent_id, "agent_name": told.agent_name, "agent_role": told.agent_role,
        "operation_type": told.operation_type, "operation_detail": told.operation_detail,
        "target_resource": told.target_resource, "target_type": told.target_type, "session_id": told.session_id,
        "rbac_decision": decided.decision, "rbac_reason": decided.reason, "timestamp": at,
        "context": {"rule": decided.rule, "checks": decided.checks, "asked": asked.question, "server": "none"},
    });
    Ok((answer, Delivery { decided: Some(record), ..delivery.clone() }))
}
