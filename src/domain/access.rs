//! Who may do what: the roles of tokens, and who a request comes from.

use std::fmt;

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::roster::Roster;
use super::time::Timestamp;

/// What a token lets its holder do. Each role may do what those before it may.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[schema(as = TokenRole)]
pub enum TokenRole {
    /// Reads.
    Viewer,
    /// Records metrics and events.
    Ingest,
    /// Answers approvals and edits agents.
    Operator,
    /// Does everything.
    Admin,
}

impl TokenRole {
    /// All roles, the least first.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Ingest, Self::Operator, Self::Admin];

    /// The role as clients write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Ingest => "ingest",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for TokenRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whoever does something, as the audit trail names them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The name of the token, or [`LOCAL`].
    pub name: String,
    /// What they may do.
    pub role: TokenRole,
}

/// Who acts without a token: the user of this machine, or the server itself.
pub const LOCAL: &str = "local";
/// Who was turned away without having said who they are.
pub const NOBODY: &str = "nobody";

impl Actor {
    /// Who was turned away without having said who they are.
    #[must_use]
    pub fn nobody() -> Self {
        Self { name: NOBODY.into(), role: TokenRole::Viewer }
    }

    /// What they may do, as the audit trail tells it; `None` of nobody.
    #[must_use]
    pub fn role(&self) -> Option<&'static str> {
        (self.name != NOBODY).then(|| self.role.as_str())
    }
}

impl Default for Actor {
    fn default() -> Self {
        Self { name: LOCAL.into(), role: TokenRole::Admin }
    }
}

/// What a caller showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// Nothing: the server is open to whoever reaches it.
    Nothing,
    /// The server's own credential of this run, which lies beside the data file.
    Local,
    /// A token.
    Token(Uuid),
    /// A session that a token opened.
    Session {
        /// The token.
        token_id: Uuid,
        /// The session.
        session_id: Uuid,
    },
}

/// Who a request comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// As whom they act.
    pub actor: Actor,
    /// The one agent that they may record for, by name, and read nothing of; `None` without such a bound.
    pub agent: Option<String>,
    /// What they showed.
    pub proof: Proof,
    /// When what they showed ends.
    pub expires_at: Option<Timestamp>,
}

impl Caller {
    /// Whoever reaches an open server.
    #[must_use]
    pub fn anyone() -> Self {
        Self { actor: Actor::default(), agent: None, proof: Proof::Nothing, expires_at: None }
    }

    /// Whether the role suffices. A token of one agent records, and nothing else.
    #[must_use]
    pub fn may(&self, needed: TokenRole) -> bool {
        match self.agent {
            Some(_) => needed == TokenRole::Ingest,
            None => self.actor.role >= needed,
        }
    }

    /// Whether they may record for the agent that all of these ids and names mean.
    #[must_use]
    pub fn may_record<'a>(&self, roster: &Roster, told: impl IntoIterator<Item = &'a str>) -> bool {
        let Some(bound) = &self.agent else { return true };
        told.into_iter().all(|id_or_name| match roster.resolve(id_or_name) {
            Some(agent) => agent.name == *bound,
            None => id_or_name == bound,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_what_those_before_it_may() {
        for (i, role) in TokenRole::ALL.into_iter().enumerate() {
            let caller = Caller { actor: Actor { name: "x".into(), role }, ..Caller::anyone() };
            for (j, needed) in TokenRole::ALL.into_iter().enumerate() {
                assert_eq!(caller.may(needed), i >= j, "{role} {needed}");
            }
        }
    }

    #[test]
    fn a_token_of_one_agent_records_for_it_and_reads_nothing() {
        let actor = Actor { name: "hook".into(), role: TokenRole::Ingest };
        let caller = Caller { actor, agent: Some("coder".into()), ..Caller::anyone() };
        assert_eq!(TokenRole::ALL.map(|needed| caller.may(needed)), [false, true, false, false]);
        let roster = Roster::default();
        assert!(caller.may_record(&roster, ["coder"]) && caller.may_record(&roster, ["coder", "coder"]));
        assert!(!caller.may_record(&roster, ["tester"]) && !caller.may_record(&roster, ["coder", "tester"]));
    }
}
