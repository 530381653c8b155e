//! What is decided about a question, before anything is written.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::agents::Agent;
use super::approvals::{Approval, ApprovalStatus};
use super::audit::{Decision, NewAudit};
use super::budgets::{BudgetState, Scope, Standing, Zone};
use super::grants::Grant;
use super::idempotency::hash_of;
use super::metric_sums::billionths;
use super::policy::{Check, Dimension, ruling};
use super::question::Question;
use super::time::Timestamp;
use crate::store::{Lookup, StoreError};

/// A question with what the agent's identity says of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// The registered agent; `None` where it is not known.
    pub agent_id: Option<Uuid>,
    /// The record to be, but for the decision.
    pub told: NewAudit,
    /// What is asked.
    pub question: Question,
    /// A hash of all that makes two questions the same.
    pub same: Uuid,
    /// What each dimension of the identity says.
    pub checks: Vec<Check>,
    /// The rule by which a person must be asked.
    pub asks: Option<String>,
    /// Until when what is allowed is held for.
    pub hold_until: Timestamp,
    /// Until when a person may answer.
    pub answer_until: Timestamp,
}

/// What a person said of an operation.
pub enum Said {
    /// It may be done, and the like of it.
    Granted(Grant),
    /// It may be done, once.
    Approved(Approval),
    /// Nothing yet.
    Asked(Approval),
}

impl Said {
    /// Whether it stands, and is not used up.
    #[must_use]
    pub fn is_grant(&self) -> bool {
        matches!(self, Self::Granted(_))
    }

    /// The rule that it is, where it allows.
    fn rule(&self) -> Option<String> {
        match self {
            Self::Granted(grant) => Some(format!("grant: {}", grant.id())),
            Self::Approved(approval) => Some(format!("approval: {}", approval.id())),
            Self::Asked(_) => None,
        }
    }
}

/// How an agent's budgets stand.
struct Budgets {
    cost: Vec<(Scope, Standing)>,
    session: Option<(Scope, Standing)>,
}

impl Budgets {
    fn of(tx: &mut impl Lookup, agent: &Agent, session: Option<&str>, day: i64) -> Result<Self, StoreError> {
        let mut cost = Vec::with_capacity(3);
        for scope in Scope::of_cost(agent) {
            let standing = scope.standing(tx, Some(agent), day)?;
            cost.push((scope, standing));
        }
        let session = match session.filter(|session| !session.is_empty()) {
            None => None,
            Some(session) => {
                let scope = Scope::Session(agent.agent_id, session.to_owned());
                let standing = scope.standing(tx, Some(agent), day)?;
                Some((scope, standing))
            }
        };
        Ok(Self { cost, session })
    }

    fn check(&self, cost: u128, tokens: u128) -> Check {
        for (scope, standing) in &self.cost {
            if standing.paused {
                return Check::denied(Dimension::Budget, format!("budget {}: paused", kind(scope)));
            }
            if !standing.bears(cost) {
                return Check::denied(Dimension::Budget, format!("budget {}: max_cost_per_day", kind(scope)));
            }
        }
        if let Some((_, standing)) = &self.session
            && !standing.bears(tokens)
        {
            return Check::denied(Dimension::Budget, "budget session: max_tokens_per_session");
        }
        Check::allowed(Dimension::Budget, "budget: enough is left")
    }

    fn state(&self, cost: u128, tokens: u128) -> Option<BudgetState> {
        let with = |standing: &Standing, more| Standing { held: standing.held + more, ..*standing };
        let of_agent = with(&self.cost.first()?.1, cost);
        let of_session = self.session.as_ref().map(|(_, standing)| with(standing, tokens));
        Some(BudgetState::of(&of_agent, of_session.as_ref()))
    }
}

/// What a scope is called in a rule.
fn kind(scope: &Scope) -> String {
    match scope {
        Scope::Agent(_) => "agent".into(),
        other => other.name(),
    }
}

/// What is decided, before anything is written.
pub struct Decided {
    /// Who asks; `None` where it is not registered, or was deleted since it asked.
    pub agent: Option<Agent>,
    /// All checks, those of budgets and approvals with them.
    pub checks: Vec<Check>,
    /// How the budgets stand, with what is allowed taken out.
    pub budget: Option<BudgetState>,
    /// What follows of it.
    pub decision: Decision,
    /// The rule that decided.
    pub rule: String,
    /// Why, in words.
    pub reason: String,
}

impl Decided {
    /// Decides, after what a person said.
    ///
    /// # Errors
    /// When storage fails.
    pub fn of(
        tx: &mut impl Lookup,
        asked: &Asked,
        said: Option<&Said>,
        at: Timestamp,
    ) -> Result<Self, StoreError> {
        let agent = match asked.agent_id {
            None => None,
            Some(id) => tx.lookup::<Agent>(&id)?,
        };
        let mut checks = asked.checks.clone();
        let (cost, tokens) = asked.estimates();
        let mut budgets = None;
        if let Some(agent) = &agent {
            // An operator may have stopped it since the identity was looked at.
            if agent.paused
                && checks
                    .iter()
                    .all(|check| check.dimension != Dimension::Identity || check.outcome == Decision::Allowed)
            {
                checks.retain(|check| check.dimension != Dimension::Identity);
                checks.insert(0, Check::denied(Dimension::Identity, "status: paused"));
            }
            let day = Zone::of(tx)?.day(at);
            let of_agent = Budgets::of(tx, agent, asked.told.session_id.as_deref(), day)?;
            checks.push(of_agent.check(cost, tokens));
            budgets = Some(of_agent);
        } else if asked.agent_id.is_some() {
            checks.insert(0, Check::denied(Dimension::Identity, "agent: deleted"));
        }
        if let Some(rule) = &asked.asks {
            checks.push(match said.and_then(Said::rule) {
                Some(rule) => Check::allowed(Dimension::Approval, rule),
                None => Check {
                    dimension: Dimension::Approval,
                    outcome: Decision::RequiresApproval,
                    rule: rule.clone(),
                },
            });
        }
        let decisive = ruling(&checks);
        let decision = decisive.map_or(Decision::Denied, |check| check.outcome);
        let rule = decisive.map_or_else(String::new, |check| check.rule.clone());
        let taken = if decision == Decision::Allowed { (cost, tokens) } else { (0, 0) };
        let budget = budgets.and_then(|budgets| budgets.state(taken.0, taken.1));
        let reason = decisive.map_or_else(String::new, |check| in_words(check, &asked.question));
        Ok(Self { agent, checks, budget, decision, rule, reason })
    }
}

/// Why, so that a person knows what to do about it.
fn in_words(check: &Check, question: &Question) -> String {
    let Question { tool, path, api, .. } = question;
    let quoted = |text: &Option<String>| text.as_deref().unwrap_or_default().escape_debug().to_string();
    let tool = tool.escape_debug();
    match (check.outcome, check.dimension) {
        (Decision::RequiresApproval, _) => format!("{tool} needs a person's approval ({})", check.rule),
        (Decision::Allowed, _) => format!("{tool} is allowed ({})", check.rule),
        (_, Dimension::Identity) => format!("the agent may do nothing ({})", check.rule),
        (_, Dimension::Tool) => format!("{tool} is not allowed ({})", check.rule),
        (_, Dimension::Path) => format!("path '{}' is not in scope ({})", quoted(path), check.rule),
        (_, Dimension::Api) => format!("service '{}' is not allowed ({})", quoted(api), check.rule),
        (_, Dimension::Budget) => format!("not enough is left of the budget ({})", check.rule),
        (_, Dimension::Approval) => format!("{tool} was not approved ({})", check.rule),
    }
}

impl Asked {
    pub(super) fn approval(&self, agent_id: Uuid, audit_seq: u64, at: Timestamp, nonce: u64) -> Approval {
        Approval {
            seq: 0,
            nonce,
            status: ApprovalStatus::Pending,
            used: false,
            agent_id,
            agent_name: self.told.agent_name.clone().unwrap_or_default(),
            agent_role: self.told.agent_role.clone().unwrap_or_default(),
            question: self.question.clone(),
            same: self.same,
            like: self.like(),
            rule: self.asks.clone().unwrap_or_default(),
            audit_seq,
            created_at: at,
            expires_at: self.answer_until,
            answer: None,
        }
    }

    /// What it may cost in billionths of a USD, and how many tokens it may take.
    pub(super) fn estimates(&self) -> (u128, u128) {
        let cost = billionths(self.question.estimated_cost_usd.unwrap_or(0.0));
        (cost.into(), self.question.estimated_tokens.unwrap_or(0).into())
    }

    /// What a person said of it, or is being asked.
    ///
    /// # Errors
    /// When storage fails.
    pub fn said(&self, tx: &mut impl Lookup, at: Timestamp) -> Result<Option<Said>, StoreError> {
        if self.asks.is_none() {
            return Ok(None);
        }
        if let Some(grant) = Grant::find(tx, self.like(), self.session(), self.question.estimated_cost_usd)? {
            return Ok(Some(Said::Granted(grant)));
        }
        Ok(Approval::open(tx, self.same, at)?.map(|approval| match approval.status {
            ApprovalStatus::Approved => Said::Approved(approval),
            _ => Said::Asked(approval),
        }))
    }

    fn session(&self) -> Option<&str> {
        self.told.session_id.as_deref()
    }

    /// A hash of what makes two questions alike, for grants: agent, tool and rule, and what is run or called.
    #[must_use]
    pub fn like(&self) -> Uuid {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let agent = self.agent_id.unwrap_or_default();
        let (rule, question) = (text(&self.asks), &self.question);
        // Of paths the scopes say enough; commands are too different from each other.
        let (command, long) = (text(&question.command), text(&question.command_sha256));
        let parts: [&[u8]; 6] = [
            agent.as_bytes(),
            question.tool.as_bytes(),
            rule.as_bytes(),
            command.as_bytes(),
            long.as_bytes(),
            question.api.as_deref().unwrap_or_default().as_bytes(),
        ];
        hash_of(&parts)
    }
}
