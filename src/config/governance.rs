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
            default_identity: "claude-code".into(),
            prices: None,
            reservation_time: Duration::from_mins(10),
            approval_time: Duration::from_mins(10),
        }
    }
}

const MOST_TIME: Duration = Duration::from_hours(24);

impl Governance {
    pub(super) fn pick(pick: &mut Picker<'_>) -> Result<Self, ConfigError> {
        let default = Self::default();
        Ok(Self {
            unknown_agent: pick.value("unknown_agent", |s| s.unknown_agent.take(), || default.unknown_agent),
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
