//! Plausible things for agents to work on: files inside and outside their scopes, commands, pages, tickets.

use super::random::Random;
use super::rights::Rights;
use crate::domain::agents::Agent;

const FOLDERS: [&str; 12] = [
    "src/orders",
    "src/api",
    "src/services/billing",
    "tests/orders",
    "docs",
    "frontend/cart",
    "infra/modules",
    "config",
    "src/models",
    "scripts",
    "database/orders",
    "src/components",
];
const PARTS: [&str; 10] =
    ["core", "common", "orders", "accounts", "payments", "export", "intake", "shared", "v2", "nightly"];
const NAMES: [&str; 16] = [
    "index", "client", "handler", "schema", "retry", "limits", "report", "parser", "totals", "session",
    "queue", "policy", "cache", "routes", "summary", "worker",
];
/// What most agents have no business with.
const PRIVATE: [&str; 10] = [
    ".env.production",
    "infra/prod/main.tf",
    "config/secrets.yaml",
    ".github/workflows/release.yml",
    "billing/ledger/2026.csv",
    "/etc/passwd",
    "/home/dev/.ssh/id_ed25519",
    "deploy/production/values.yaml",
    "backups/customers.sql",
    "src/auth/keys.ts",
];
const COMMANDS: [&str; 12] = [
    "make test",
    "cargo test --workspace",
    "npm run build",
    "pytest -q",
    "git diff --stat main",
    "git log -5 --oneline",
    "npm run lint",
    "docker compose up -d db",
    "go vet ./...",
    "terraform plan",
    "du -sh build",
    "rg TODO src",
];
const SEARCHES: [&str; 8] = [
    "TODO",
    "fn retry",
    "deprecated",
    "import .*legacy",
    "unwrap\\(\\)",
    "SELECT \\*",
    "timeout",
    "class .*Handler",
];
const PAGES: [&str; 6] = [
    "https://docs.example.com/api/v2/errors",
    "https://status.example.com",
    "https://www.rfc-editor.org/rfc/rfc9457",
    "https://example.com/blog/release-notes",
    "https://developer.mozilla.org/en-US/docs/Web/HTTP",
    "https://semver.org",
];
const SERVICES: [(&str, &[&str]); 6] = [
    ("github", &["pull request", "issue", "check run", "review comment"]),
    ("gitlab", &["merge request", "pipeline", "job log"]),
    ("memory-mcp", &["note", "decision", "context pack"]),
    ("connascence-analyzer", &["module", "package"]),
    ("flow-nexus", &["workflow", "queue"]),
    ("ruv-swarm", &["swarm", "worker"]),
];
const VERBS: [&str; 8] =
    ["work on", "finish", "check", "repair", "extend", "look into", "tidy up", "write up"];

/// A service that some agents call.
pub fn service(random: &mut Random) -> &'static str {
    SERVICES[random.below(SERVICES.len())].0
}

/// A file in one of an agent's scopes.
pub fn file_within(agent: &Agent, random: &mut Random) -> String {
    let scopes = &agent.rbac.path_scopes;
    let Some(scope) = scopes.get(random.below(scopes.len())) else { return "README.md".into() };
    let mut parts: Vec<String> = Vec::new();
    let pieces: Vec<_> = scope.split('/').collect();
    for (i, piece) in pieces.iter().enumerate() {
        let last = i + 1 == pieces.len();
        match *piece {
            "**" => {
                if parts.is_empty() {
                    parts.push(random.pick(&FOLDERS).into());
                } else if random.chance(0.4) {
                    parts.push(random.pick(&PARTS).into());
                }
                if last {
                    parts.push(format!("{}.{}", random.pick(&NAMES), extension(&parts)));
                }
            }
            piece => parts.push(piece.replacen('*', random.pick(&NAMES), 1).replace('*', "ts")),
        }
    }
    parts.join("/")
}

/// A file that lies outside an agent's scopes, where there is one.
pub fn file_beyond(rights: &Rights, random: &mut Random) -> Option<String> {
    let tries = (0..4).map(|_| random.pick(&PRIVATE)).find(|path| !rights.reach(path));
    tries.map(str::to_owned)
}

/// What a tool that works on no file is given.
pub fn argument(tool: &str, random: &mut Random) -> (&'static str, String) {
    match tool {
        "Bash" => ("command", random.pick(&COMMANDS).into()),
        "KillShell" => ("process", format!("shell {}", 1 + random.below(9))),
        "Grep" => ("pattern", random.pick(&SEARCHES).into()),
        "Glob" => {
            ("pattern", format!("{}/**/*.{}", random.pick(&FOLDERS), random.pick(&["ts", "rs", "md", "sql"])))
        }
        "WebFetch" | "WebSearch" => ("url", random.pick(&PAGES).into()),
        "Task" => ("agent", format!("{} {}", random.pick(&VERBS), random.pick(&NAMES))),
        _ => ("list", format!("{} steps left", 1 + random.below(7))),
    }
}

/// Something that a service holds.
pub fn resource(service: &str, random: &mut Random) -> String {
    let kinds = SERVICES.iter().find(|(name, _)| *name == service).map_or(&["item"][..], |(_, kinds)| kinds);
    format!("{} {}", random.pick(kinds), 100 + random.below(2_900))
}

/// What an agent is to do, in the words of its capabilities.
pub fn task(agent: &Agent, random: &mut Random) -> String {
    let capability = agent.capabilities.get(random.below(agent.capabilities.len()));
    let what = capability.map_or_else(|| "the backlog".to_owned(), |c| c.replace(['-', '_'], " "));
    format!("{} {what}", random.pick(&VERBS))
}

fn extension(parts: &[String]) -> &'static str {
    let top = parts.first().and_then(|part| part.split('/').next()).unwrap_or_default();
    match top {
        "docs" | "research" | "reports" | "playbooks" | "skills" | "memory" | "runbooks" => "md",
        "infra" => "tf",
        "config" | "monitoring" | "charts" | "templates" => "yaml",
        "schemas" | "traces" | "evals" => "json",
        "database" | "migrations" | "warehouse" => "sql",
        "scripts" => "sh",
        "ml" | "notebooks" => "py",
        "proto" => "proto",
        "legacy" => "cbl",
        "ios" => "swift",
        "logs" => "log",
        "wasm" => "rs",
        _ => "ts",
    }
}
