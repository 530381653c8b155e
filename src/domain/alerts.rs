//! Alerts: what a person should look at.

use bincode::{Decode, Encode};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::agents::Agent;
use super::log_id::log_id;
use super::time::Timestamp;
use super::usage::Movement;
use crate::store::{Index, ReadTx, Record, StoreError, TableName, Value, WriteTx};

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

/// A share of a budget at which people want to know, and how bad that is.
struct Threshold {
    severity: Severity,
    title: &'static str,
    crossed: fn(before: f64, after: f64) -> bool,
}

/// The worst first. Reaching a limit is allowed; what goes beyond is exceeded.
const THRESHOLDS: [Threshold; 3] = [
    Threshold { severity: Severity::Error, title: "Budget exceeded", crossed: |b, a| b <= 1.0 && a > 1.0 },
    Threshold {
        severity: Severity::Warning,
        title: "Budget almost used",
        crossed: |b, a| b < 0.9 && a >= 0.9,
    },
    Threshold { severity: Severity::Info, title: "Budget mostly used", crossed: |b, a| b < 0.7 && a >= 0.7 },
];

/// The alerts that a movement of usage calls for: at most one a budget, the worst.
#[must_use]
pub fn for_movement(agent: &Agent, moved: &Movement, at: Timestamp, nonce: u64) -> Vec<Alert> {
    let limits = &agent.limits;
    let alert = |nonce: u64, before: f64, after: f64, message: String| {
        let threshold = THRESHOLDS.iter().find(|t| (t.crossed)(before, after))?;
        Some(Alert {
            seq: 0,
            nonce,
            severity: threshold.severity,
            title: threshold.title.into(),
            message,
            timestamp: at,
            agent_id: agent.agent_id,
            agent_name: agent.name.clone(),
        })
    };
    let day = &moved.day;
    let (cost, limit) = (day.after.cost_usd(), limits.max_cost_per_day);
    let of_day = alert(
        nonce,
        day.before.cost_usd() / limit,
        cost / limit,
        format!("{} used {cost:.2} of {limit:.2} {} today", agent.name, limits.currency),
    );
    let of_session = moved.session.and_then(|session| {
        let (tokens, limit) = (session.after.tokens(), limits.max_tokens_per_session);
        #[expect(clippy::cast_precision_loss)]
        let share = |tokens: u64| tokens as f64 / limit as f64;
        alert(
            nonce.rotate_left(32),
            share(session.before.tokens()),
            share(tokens),
            format!("{} used {tokens} of {limit} tokens in one session", agent.name),
        )
    });
    of_day.into_iter().chain(of_session).collect()
}
