//! What an agent may do, as its identity says: the rule behind the decisions that the demo records.

use globset::{Glob, GlobSet, GlobSetBuilder};

use super::deed::Ruling;
use crate::domain::agents::{Agent, Rbac};
use crate::domain::audit::Decision;

/// Something that an agent is about to do.
#[derive(Debug)]
pub struct Intent {
    /// What it is done with.
    pub means: Means,
    /// What it is done to.
    pub target: String,
    /// What it may cost in USD, where that is known before.
    pub estimate: Option<f64>,
}

/// What something is done with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Means {
    /// A tool that works on a file.
    FileTool(String),
    /// A tool that does not.
    Tool(String),
    /// A service.
    Service(String),
}

impl Means {
    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::FileTool(name) | Self::Tool(name) | Self::Service(name) => name,
        }
    }
}

/// An agent's rights.
pub struct Rights {
    rbac: Rbac,
    scopes: GlobSet,
}

impl Rights {
    /// The rights of an agent.
    pub fn of(agent: &Agent) -> Self {
        let mut scopes = GlobSetBuilder::new();
        for scope in agent.rbac.path_scopes.iter().filter_map(|scope| Glob::new(scope).ok()) {
            scopes.add(scope);
        }
        Self { rbac: agent.rbac.clone(), scopes: scopes.build().unwrap_or_default() }
    }

    /// Whether a path lies in the agent's scopes.
    pub fn reach(&self, path: &str) -> bool {
        self.scopes.is_match(path)
    }

    /// What is decided about an intent, and why.
    pub fn decide(&self, intent: &Intent) -> Ruling {
        let rbac = &self.rbac;
        let name = intent.means.name();
        let on = |list: &[String]| list.iter().any(|entry| entry == "*" || entry == name);
        let denied = |why: String| (Decision::Denied, Some(why));
        let is_service = matches!(intent.means, Means::Service(_));
        if is_service && !on(&rbac.api_access) {
            return denied(format!("{name} is not among its services"));
        }
        if !is_service && on(&rbac.denied_tools) {
            return denied(format!("{name} is denied to it"));
        }
        if !is_service && !on(&rbac.allowed_tools) {
            return denied(format!("{name} is not among its tools"));
        }
        if matches!(intent.means, Means::FileTool(_)) && !self.reach(&intent.target) {
            return denied(format!("{} is outside {}", intent.target, rbac.path_scopes.join(", ")));
        }
        let limit = rbac.approval_threshold;
        match intent.estimate {
            _ if rbac.requires_approval => {
                (Decision::RequiresApproval, Some("whatever it does needs approval".into()))
            }
            Some(cost) if cost >= limit => {
                let why = format!("about {cost:.2} USD; approval is needed from {limit:.2}");
                (Decision::RequiresApproval, Some(why))
            }
            _ => (Decision::Allowed, None),
        }
    }
}
