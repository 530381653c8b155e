//! Roles and the rights and budget that each starts from: least privilege.

use super::agent_write::{DEFAULT_APPROVAL_THRESHOLD, DEFAULT_CURRENCY};
use super::agents::{Limits, Rbac};

/// What a role gives an agent whose identity says nothing else.
pub struct RoleDefaults {
    /// The role's name.
    pub name: &'static str,
    /// How much it may, 1-10; for display.
    pub level: u8,
    tools: &'static str,
    scopes: &'static str,
    apis: &'static str,
    /// Operations that need a person's approval.
    pub approvals: &'static str,
    tokens_per_session: u64,
    usd_per_day: f64,
}

const CODING_TOOLS: &str = "Read Write Edit MultiEdit Bash Grep Glob Task";

/// The known roles. Words are separated by spaces; `*` means all.
pub const ROLES: [RoleDefaults; 10] = [
    RoleDefaults {
        name: "admin",
        level: 10,
        tools: "*",
        scopes: "**",
        apis: "*",
        approvals: "KillShell file_delete production_deploy",
        tokens_per_session: 500_000,
        usd_per_day: 100.0,
    },
    RoleDefaults {
        name: "developer",
        level: 8,
        tools: "Read Write Edit MultiEdit Bash Grep Glob Task TodoWrite",
        scopes: "src/** tests/** scripts/** config/**",
        apis: "github gitlab memory-mcp",
        approvals: "production_deploy",
        tokens_per_session: 200_000,
        usd_per_day: 30.0,
    },
    RoleDefaults {
        name: "reviewer",
        level: 6,
        tools: "Read Grep Glob Task",
        scopes: "**",
        apis: "github memory-mcp connascence-analyzer",
        approvals: "",
        tokens_per_session: 150_000,
        usd_per_day: 20.0,
    },
    RoleDefaults {
        name: "security",
        level: 7,
        tools: "Read Grep Glob Task WebFetch",
        scopes: "**",
        apis: "github memory-mcp connascence-analyzer",
        approvals: "penetration_test",
        tokens_per_session: 180_000,
        usd_per_day: 25.0,
    },
    RoleDefaults {
        name: "database",
        level: 7,
        tools: "Read Write Edit Bash Task",
        scopes: "backend/** database/** migrations/** schemas/**",
        apis: "memory-mcp",
        approvals: "production_migration",
        tokens_per_session: 150_000,
        usd_per_day: 20.0,
    },
    RoleDefaults {
        name: "frontend",
        level: 6,
        tools: CODING_TOOLS,
        scopes: "frontend/** src/components/** src/pages/** public/** styles/**",
        apis: "github memory-mcp",
        approvals: "",
        tokens_per_session: 150_000,
        usd_per_day: 20.0,
    },
    RoleDefaults {
        name: "backend",
        level: 7,
        tools: CODING_TOOLS,
        scopes: "backend/** src/api/** src/services/** src/models/** tests/**",
        apis: "github gitlab memory-mcp",
        approvals: "",
        tokens_per_session: 180_000,
        usd_per_day: 25.0,
    },
    RoleDefaults {
        name: "tester",
        level: 6,
        tools: "Read Write Edit Bash Grep Glob Task",
        scopes: "tests/** e2e/** **/*.test.* **/*.spec.*",
        apis: "github memory-mcp",
        approvals: "",
        tokens_per_session: 150_000,
        usd_per_day: 20.0,
    },
    RoleDefaults {
        name: "analyst",
        level: 5,
        tools: "Read Grep Glob WebSearch WebFetch",
        scopes: "**",
        apis: "github memory-mcp",
        approvals: "",
        tokens_per_session: 100_000,
        usd_per_day: 15.0,
    },
    RoleDefaults {
        name: "coordinator",
        level: 8,
        tools: "Read Grep Glob Task TodoWrite",
        scopes: "**",
        apis: "memory-mcp flow-nexus ruv-swarm",
        approvals: "",
        tokens_per_session: 250_000,
        usd_per_day: 40.0,
    },
];

/// The known categories, each with the role that its agents mostly have.
pub const CATEGORIES: [(&str, &str); 10] = [
    ("delivery", "developer"),
    ("foundry", "developer"),
    ("operations", "backend"),
    ("orchestration", "coordinator"),
    ("platforms", "backend"),
    ("quality", "tester"),
    ("research", "analyst"),
    ("security", "security"),
    ("specialists", "developer"),
    ("tooling", "developer"),
];

/// The role whose rights an agent gets when nothing tells its role.
pub const DEFAULT_ROLE: &str = "reviewer";
/// The category of an agent when nothing tells it.
pub const DEFAULT_CATEGORY: &str = "specialists";

impl RoleDefaults {
    /// What is known of a role.
    #[must_use]
    pub fn of(role: &str) -> Option<&'static Self> {
        ROLES.iter().find(|r| r.name == role)
    }

    /// The rights that the role starts from.
    #[must_use]
    pub fn rights(&self) -> Rbac {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect();
        Rbac {
            allowed_tools: words(self.tools),
            denied_tools: Vec::new(),
            path_scopes: words(self.scopes),
            api_access: words(self.apis),
            requires_approval: false,
            approval_threshold: DEFAULT_APPROVAL_THRESHOLD,
        }
    }

    /// The budget that the role starts from.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits {
            max_tokens_per_session: self.tokens_per_session,
            max_cost_per_day: self.usd_per_day,
            currency: DEFAULT_CURRENCY.into(),
        }
    }
}

/// The rights and budget of a role; those of [`DEFAULT_ROLE`] where it is not known.
#[must_use]
pub fn defaults_or_least(role: &str) -> &'static RoleDefaults {
    RoleDefaults::of(role).or_else(|| RoleDefaults::of(DEFAULT_ROLE)).unwrap_or(&ROLES[2])
}

/// The role of an agent that names none, with the confidence and the reason for it.
#[must_use]
pub fn infer(category: Option<&str>) -> (&'static str, f64, String) {
    match CATEGORIES.iter().find(|(name, _)| Some(*name) == category) {
        Some((name, role)) => (role, 0.7, format!("Category mapping: {name}")),
        None => (DEFAULT_ROLE, 0.5, "No role or known category given: the least rights".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_category_maps_to_a_known_role_and_the_default_is_known() {
        assert!(CATEGORIES.iter().all(|(_, role)| RoleDefaults::of(role).is_some()));
        assert_eq!(defaults_or_least("no such role").name, DEFAULT_ROLE);
        assert!(CATEGORIES.iter().any(|(name, _)| *name == DEFAULT_CATEGORY));
    }
}
