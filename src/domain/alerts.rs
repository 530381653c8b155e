//! Alerts: what a person should look at.

use bincode::{Decode, Encode};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::agents::Agent;
use super::budgets::{Scope, Zone};
use super::log_id::log_id;
use super::metric_sums::from_billionths;
use super::time::Timestamp;
use super::usage::Movement;
use crate::store::{Index, Lookup, ReadTx, Record, StoreError, TableName, Value, WriteTx};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs)]
pub enum Severity {
    Info,
    Warning,
    Error,
}

/// Something that a person should look at.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct Alert {
    /// Its place in the log, from 0.
    pub seq: u64,
    /// Makes the id unguessable.
    pub nonce: u64,
    /// How bad it is.
    pub severity: Severity,
    /// What it is about.
    pub title: String,
    /// What happened.
    pub message: String,
    /// When.
    pub timestamp: Timestamp,
    /// To whom.
    #[bincode(with_serde)]
    pub agent_id: Uuid,
    /// The agent's name then.
    pub agent_name: String,
}

/// An alert as clients see it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Alert)]
#[expect(missing_docs)]
pub struct AlertView {
    pub id: Uuid,
    pub severity: Severity,
    pub title: String,
    pub message: String,
    pub timestamp: Timestamp,
    pub agent_id: Uuid,
    pub agent_name: String,
    pub dismissible: bool,
}

impl Value for Alert {
    const TABLE: TableName = "alerts";
    type Key = u64;
}

impl Record for Alert {
    const INDEXES: &'static [Index<Self>] = &[];
    fn key(&self) -> u64 {
        self.seq
    }
}

/// The number of the next alert.
#[derive(Clone, Debug, Default, Encode, Decode)]
pub struct AlertHead(u64);

impl AlertHead {
    /// The number.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.0
    }
}

impl Value for AlertHead {
    const TABLE: TableName = "alert_head";
    type Key = ();
}

/// How many alerts are looked at for those that are wanted.
const LOOKED_AT: usize = 5000;

impl Alert {
    /// An alert about an agent, but for its number.
    #[must_use]
    pub fn of_agent(
        agent: &Agent,
        severity: Severity,
        title: &str,
        message: String,
        timestamp: Timestamp,
        nonce: u64,
    ) -> Self {
        let (agent_id, agent_name) = (agent.agent_id, agent.name.clone());
        Self { seq: 0, nonce, severity, title: title.into(), message, timestamp, agent_id, agent_name }
    }

    /// What clients see.
    #[must_use]
    pub fn view(&self) -> AlertView {
        AlertView {
            id: log_id(self.nonce, self.seq),
            severity: self.severity,
            title: self.title.clone(),
            message: self.message.clone(),
            timestamp: self.timestamp,
            agent_id: self.agent_id,
            agent_name: self.agent_name.clone(),
            dismissible: true,
        }
    }

    /// The newest alerts, `limit` at most; with `since` those of a later time among the newest few thousand.
    ///
    /// # Errors
    /// When storage fails.
    pub fn newest(tx: &ReadTx, since: Option<Timestamp>, limit: usize) -> Result<Vec<AlertView>, StoreError> {
        // A metric that is told late alerts late, so that times are in no order.
        let later = |alert: &Self| since.is_none_or(|since| alert.timestamp > since);
        let newest = tx.all::<Self>()?.rev().take(LOOKED_AT);
        newest
            .filter(|entry| entry.as_ref().map_or(true, |(_, alert)| later(alert)))
            .take(limit)
            .map(|entry| Ok(entry?.1.view()))
            .collect()
    }

    /// Gives the alert its number and stores it.
    ///
    /// # Errors
    /// When storage fails.
    pub fn append(mut self, tx: &mut WriteTx<'_>) -> Result<Self, StoreError> {
        self.seq = tx.update(&(), |head: &mut AlertHead| {
            head.0 += 1;
            head.0 - 1
        })?;
        tx.put(&self)?;
        Ok(self)
    }
}

/// A share of a budget at which people want to know, in percent, and how bad that is.
struct Threshold {
    percent: u128,
    severity: Severity,
    title: &'static str,
}

const THRESHOLDS: [Threshold; 3] = [
    Threshold { percent: 70, severity: Severity::Info, title: "Budget mostly used" },
    Threshold { percent: 90, severity: Severity::Warning, title: "Budget almost used" },
    Threshold { percent: 100, severity: Severity::Error, title: "Budget used up" },
];

/// The thresholds that a usage crosses on its way: each is told once.
fn crossed(before: u128, after: u128, limit: u128) -> impl Iterator<Item = &'static Threshold> {
    let reached = move |used: u128, threshold: &Threshold| used * 100 >= limit * threshold.percent;
    THRESHOLDS.iter().filter(move |threshold| !reached(before, threshold) && reached(after, threshold))
}

/// The alerts that a metric calls for, of all budgets that it is part of.
///
/// # Errors
/// When storage fails.
pub fn for_movement(
    tx: &mut impl Lookup,
    agent: &Agent,
    moved: &Movement,
    at: Timestamp,
    nonce: u64,
) -> Result<Vec<Alert>, StoreError> {
    let mut alerts = Vec::new();
    let mut tell = |before, after, limit, message: &dyn Fn() -> String| {
        alerts.extend(crossed(before, after, limit).map(|threshold| {
            Alert::of_agent(agent, threshold.severity, threshold.title, message(), at, nonce)
        }));
    };
    let cost = moved.day.after.cost_nanos() - moved.day.before.cost_nanos();
    let day = Zone::of(tx)?.day(at);
    for scope in Scope::of_cost(agent) {
        if cost == 0 {
            break;
        }
        let standing = scope.standing(tx, Some(agent), day)?;
        let Some(limit) = standing.limit else { continue };
        let message = || {
            let whose = match &scope {
                Scope::Category(name) => format!("the category {name}"),
                Scope::Fleet => "the fleet".into(),
                _ => agent.name.clone(),
            };
            let (used, of) = (from_billionths(standing.used), from_billionths(limit));
            format!("{whose} used {used:.2} of {of:.2} {} today", agent.limits.currency)
        };
        tell(standing.used.saturating_sub(cost), standing.used, limit, &message);
    }
    if let Some(session) = &moved.session {
        let (before, after) = (session.before.tokens(), session.after.tokens());
        let limit = agent.limits.max_tokens_per_session;
        let message = || format!("{} used {after} of {limit} tokens in one session", agent.name);
        tell(before.into(), after.into(), limit.into(), &message);
    }
    Ok(alerts)
}
