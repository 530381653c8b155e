//! Policy: whether an agent may do what it asks to do, and which rule says so.
//!
//! What an identity alone decides is decided here, from the snapshot of the roster: each dimension by itself. What was
//! spent and what a person has approved is known to the transaction that records the decision, and
//! [decided there](super::deciding). Nothing is allowed but what a rule allows, and one rule that denies beats all that
//! allow, as in Cedar (<https://docs.cedarpolicy.com/auth/authorization.html>).

pub mod asking;
pub mod paths;
pub mod risks;
pub mod rulebook;
pub mod scopes;
pub mod shell;
pub mod tools;

use std::sync::Arc;

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::agents::Agent;
use super::audit::Decision;
use super::role::RoleDefaults;
use paths::{Place, places};
use risks::{RISKS, Risk};
use scopes::Scopes;
use tools::ToolPattern;

/// What a check looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// Whether the agent is known and not stopped.
    Identity,
    /// Whether it may use the tool.
    Tool,
    /// Whether it may touch the path.
    Path,
    /// Whether it may call the service.
    Api,
    /// Whether there is money and are tokens left.
    Budget,
    /// Whether a person must be asked.
    Approval,
}

/// What one dimension says, and by which rule.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize, ToSchema)]
pub struct Check {
    /// What was looked at.
    pub dimension: Dimension,
    /// `allowed`, `denied` or `requires_approval`.
    pub outcome: Decision,
    /// The rule that says so, as whoever can change it would find it.
    #[schema(example = "path_scopes: src/**")]
    pub rule: String,
}

impl Check {
    /// A dimension that allows.
    #[must_use]
    pub fn allowed(dimension: Dimension, rule: impl Into<String>) -> Self {
        Self { dimension, outcome: Decision::Allowed, rule: rule.into() }
    }

    /// A dimension that denies.
    #[must_use]
    pub fn denied(dimension: Dimension, rule: impl Into<String>) -> Self {
        Self { dimension, outcome: Decision::Denied, rule: rule.into() }
    }
}

/// The call of a tool that an agent asks about.
#[derive(Debug, Default)]
pub struct Call<'a> {
    /// The tool's name.
    pub tool: &'a str,
    /// The path that it is on.
    pub path: Option<&'a str>,
    /// All that the path could mean.
    pub places: Vec<Place>,
    /// The command line that it runs.
    pub command: Option<&'a str>,
    /// The same, taken apart.
    pub line: Option<shell::Line>,
    /// The service that it calls.
    pub api: Option<&'a str>,
    /// What it is on otherwise, such as an address.
    pub target: Option<&'a str>,
    /// What it may cost, in USD.
    pub cost_usd: Option<f64>,
}

impl<'a> Call<'a> {
    /// A call of a tool on nothing.
    #[must_use]
    pub fn of(tool: &'a str) -> Self {
        Self { tool, ..Self::default() }
    }

    /// On a path, seen from `cwd` in the project at `root`.
    #[must_use]
    pub fn on_path(mut self, path: Option<&'a str>, root: Option<&str>, cwd: Option<&str>) -> Self {
        self.path = path;
        self.places = path.map(|path| places(path, root, cwd)).unwrap_or_default();
        self
    }

    /// Running a command.
    #[must_use]
    pub fn running(mut self, command: Option<&'a str>) -> Self {
        self.command = command;
        self.line = command.map(shell::Line::parse);
        self
    }
}

/// The rights of an agent, made ready to be asked.
pub struct Rights {
    /// Whose they are.
    pub agent: Arc<Agent>,
    allowed: Vec<ToolPattern>,
    denied: Vec<ToolPattern>,
    scopes: Scopes,
    /// Operations that its role lists and that are no known kind: their names.
    listed: Vec<&'static str>,
    risks: Vec<(&'static Risk, bool)>,
}

impl Rights {
    /// What an identity says.
    #[must_use]
    pub fn of(agent: &Arc<Agent>) -> Self {
        let patterns = |told: &[String]| told.iter().map(|told| ToolPattern::new(told)).collect();
        let listed: Vec<&'static str> = RoleDefaults::of(&agent.role)
            .map_or("", |role| role.approvals)
            .split([' ', ','])
            .filter(|w| !w.is_empty())
            .collect();
        let risks = RISKS.iter().map(|risk| (risk, listed.contains(&risk.name)));
        Self {
            allowed: patterns(&agent.rbac.allowed_tools),
            denied: patterns(&agent.rbac.denied_tools),
            scopes: Scopes::new(&agent.rbac.path_scopes),
            risks: risks.filter(|(risk, of_role)| risk.for_all || *of_role).collect(),
            listed: listed.into_iter().filter(|name| Risk::named(name).is_none()).collect(),
            agent: Arc::clone(agent),
        }
    }

    /// What the identity says of a call, dimension by dimension; of money and approvals given it says nothing.
    #[must_use]
    pub fn examine(&self, call: &Call<'_>) -> Vec<Check> {
        let mut checks = vec![self.identity(), self.tool(call)];
        checks.extend(self.path(call));
        checks.extend(self.api(call));
        checks
    }

    fn identity(&self) -> Check {
        if self.agent.paused {
            return Check::denied(Dimension::Identity, "status: paused");
        }
        Check::allowed(Dimension::Identity, format!("agent: {}", self.agent.name))
    }

    fn tool(&self, call: &Call<'_>) -> Check {
        if let Some(rule) = self.denied.iter().find(|rule| rule.denies(call)) {
            return Check::denied(Dimension::Tool, format!("denied_tools: {}", rule.told));
        }
        match ToolPattern::allows(&self.allowed, call) {
            Some(rule) => Check::allowed(Dimension::Tool, format!("allowed_tools: {rule}")),
            None => Check::denied(Dimension::Tool, none_of("allowed_tools", &self.agent.rbac.allowed_tools)),
        }
    }

    fn path(&self, call: &Call<'_>) -> Option<Check> {
        call.path?;
        let scopes: Vec<_> = call.places.iter().map(|place| self.scopes.holding(place)).collect();
        let outside =
            call.places.iter().zip(&scopes).any(|(place, scope)| scope.is_none() && place.relative.is_none());
        Some(match scopes.first() {
            _ if outside => Check::denied(Dimension::Path, "path_scopes: it is outside the project"),
            Some(Some(scope)) if scopes.iter().all(Option::is_some) => {
                Check::allowed(Dimension::Path, format!("path_scopes: {scope}"))
            }
            _ => Check::denied(Dimension::Path, none_of("path_scopes", &self.agent.rbac.path_scopes)),
        })
    }

    fn api(&self, call: &Call<'_>) -> Option<Check> {
        let api = call.api?;
        let rule = self.agent.rbac.api_access.iter().find(|rule| tools::matches(rule, api));
        Some(match rule {
            Some(rule) => Check::allowed(Dimension::Api, format!("api_access: {rule}")),
            None => Check::denied(Dimension::Api, none_of("api_access", &self.agent.rbac.api_access)),
        })
    }

    /// The rule by which a person must be asked about a call, if there is one.
    #[must_use]
    pub fn asks(&self, call: &Call<'_>) -> Option<String> {
        let rbac = &self.agent.rbac;
        if rbac.requires_approval {
            return Some("requires_approval: true".into());
        }
        if let Some((risk, of_role)) = self.risks.iter().find(|(risk, _)| risk.holds(call)) {
            return Some(if *of_role {
                format!("role {}: {}", self.agent.role, risk.name)
            } else {
                format!("risk: {}", risk.name)
            });
        }
        // It could be anything.
        if call.line.as_ref().is_some_and(|line| line.opaque) {
            return Some("risk: unreadable_command".into());
        }
        if let Some(name) = self.listed.iter().find(|name| **name == call.tool) {
            return Some(format!("role {}: {name}", self.agent.role));
        }
        let dear = call.cost_usd.is_some_and(|cost| cost > 0.0 && cost >= rbac.approval_threshold);
        dear.then(|| format!("approval_threshold: {} USD", rbac.approval_threshold))
    }
}

/// The rule that no rule allows it, with those that there are.
fn none_of(list: &str, rules: &[String]) -> String {
    let shown: Vec<&str> = rules.iter().take(SHOWN).map(String::as_str).collect();
    match rules.len().saturating_sub(SHOWN) {
        0 if rules.is_empty() => format!("{list}: there is none"),
        0 => format!("{list}: none of {}", shown.join(", ")),
        more => format!("{list}: none of {} and {more} more", shown.join(", ")),
    }
}

/// How many rules an answer names.
const SHOWN: usize = 12;

/// What checks come to: one that denies beats all others, one that asks beats those that allow. What is allowed is so by
/// the rule that says most: what a person approved, else where it is, else what it is done with.
#[must_use]
pub fn ruling(checks: &[Check]) -> Option<&Check> {
    let with = |outcome| checks.iter().find(|check| check.outcome == outcome);
    let of = |dimension| checks.iter().find(|check| check.dimension == dimension);
    with(Decision::Denied)
        .or_else(|| with(Decision::RequiresApproval))
        .or_else(|| of(Dimension::Approval))
        .or_else(|| of(Dimension::Path))
        .or_else(|| of(Dimension::Api))
        .or_else(|| of(Dimension::Tool))
        .or_else(|| checks.first())
}
