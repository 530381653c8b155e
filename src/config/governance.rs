//! How agents are governed.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ConfigError;
use super::picker::Picker;

/// What becomes of an agent that asks and is not registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnknownAgent {
    /// It may do nothing.
    Deny,
    /// It may do anything.
    Allow,
    /// It is registered with the least rights.
    Register,
}

impl fmt::Display for UnknownAgent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Deny => "deny",
            Self::Allow => "allow",
            Self::Register => "register",
        })
    }
}

/// How decisions are made.
#[derive(Debug, Clone)]
pub struct Governance {
    /// What becomes of agents that are not registered.
    pub unknown_agent: UnknownAgent,
    /// How far the zone whose days budgets are for is ahead of UTC, in minutes.
    pub budget_zone: i32,
    /// The agent that acts in a runtime's main session, where nobody says which.
    pub default_identity: String,
    /// The file of prices beside the built-in ones.
    pub prices: Option<PathBuf>,
    /// How long what an allowed operation may cost is held, unless a metric tells before what it did cost.
    pub reservation_time: Duration,
    /// How long a person may take to answer.
    pub approval_time: Duration,
}

impl Default for Governance {
    fn default() -> Self {
        Self {
            unknown_agent: UnknownAgent::Deny,
            budget_zone: 0,
            default_identity: "claude-code".into(),
            prices: None,
            reservation_time: Duration::from_mins(10),
            approval_time: Duration::from_mins(10),
        }
    }
}

/// Reads how far a zone is ahead of UTC, in minutes.
fn zone(text: &str) -> Result<i32, ConfigError> {
    let read = || {
        let (sign, rest) = match text.split_at_checked(1)? {
            ("+", rest) => (1, rest),
            ("-", rest) => (-1, rest),
            _ => return (text.eq_ignore_ascii_case("utc") || text == "Z").then_some(0),
        };
        let (hours, minutes) = rest.split_once(':').filter(|(h, m)| (h.len(), m.len()) == (2, 2))?;
        let (hours, minutes) = (hours.parse::<u8>().ok()?, minutes.parse::<u8>().ok()?);
        (hours <= 14 && minutes < 60).then(|| sign * (i32::from(hours) * 60 + i32::from(minutes)))
    };
    read().ok_or_else(|| {
        ConfigError(format!("budget-zone: '{}' is no offset from UTC such as +02:00", text.escape_debug()))
    })
}

const MOST_TIME: Duration = Duration::from_hours(24);

impl Governance {
    pub(super) fn pick(pick: &mut Picker<'_>) -> Result<Self, ConfigError> {
        let default = Self::default();
        Ok(Self {
            unknown_agent: pick.value("unknown_agent", |s| s.unknown_agent.take(), || default.unknown_agent),
            budget_zone: zone(&pick.value("budget_zone", |s| s.budget_zone.take(), || "+00:00".into()))?,
            default_identity: pick.value(
                "default_identity",
                |s| s.default_identity.take(),
                || default.default_identity,
            ),
            prices: pick.file("prices", |s| s.prices.take(), "built in"),
            reservation_time: pick.time(
                "reservation_timeout",
                |s| s.reservation_timeout.take(),
                default.reservation_time,
                MOST_TIME,
            )?,
            approval_time: pick.time(
                "approval_timeout",
                |s| s.approval_timeout.take(),
                default.approval_time,
                MOST_TIME,
            )?,
        })
    }
}
