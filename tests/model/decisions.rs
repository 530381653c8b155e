//! Decisions: tables of what is decided in which case, and what holds in every case.

use std::path::Path;
use std::sync::Arc;

use agentmap::App;
use agentmap::app::system_clock;
use agentmap::config::Config;
use agentmap::domain::agents::{Agent, Limits, Metadata, Origin};
use agentmap::domain::approvals::Reach;
use agentmap::domain::audit::Decision;
use agentmap::domain::budget_acts::BudgetChange;
use agentmap::domain::budgets::Scope;
use agentmap::domain::command::{Action, Outcome};
use agentmap::domain::decision::Decided;
use agentmap::domain::metrics::{Measures, NewMetric};
use agentmap::domain::policy::asking::Wish;
use agentmap::domain::policy::paths::{folded, places};
use agentmap::domain::policy::scopes::Scopes;
use agentmap::domain::policy::{Call, Rights, ruling};
use agentmap::domain::role::defaults_or_least;
use agentmap::domain::time::Timestamp;
use agentmap::store::Location;
use proptest::prelude::*;
use uuid::Uuid;

/// A line of a table.
struct Case {
    place: String,
    agent: Option<Agent>,
    wish: Wish,
    money: String,
    decision: String,
    rule: String,
}

impl Case {
    fn read(place: String, line: &str) -> Self {
        let columns: Vec<_> = line.split('|').map(str::trim).collect();
        let [role, identity, tool, on, place_of, money, decision, rule] = columns[..] else {
            panic!("{place}: {} columns", columns.len());
        };
        let (cwd, root) = match place_of.split_once(" in ") {
            Some((cwd, root)) => (Some(cwd), Some(root)),
            None => (Some(place_of).filter(|cwd| !cwd.is_empty()), None),
        };
        let on = on
            .replace("{NUL}", "\0")
            .replace("{NL}", "\n")
            .replace("{PIPE}", "|")
            .replace("{U+212A}", "\u{212a}")
            .replace("{U+301}", "\u{301}");
        let of =
            |name: &str| on.strip_prefix(name).and_then(|rest| rest.strip_prefix('=')).map(str::to_owned);
        let amount = |name: &str| {
            let word = money.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
            word.map(|word| word.parse::<f64>().unwrap())
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole numbers of a table"
        )]
        let wish = Wish {
            agent: "one".into(),
            tool: tool.replace("{NUL}", "\0"),
            path: of("path"),
            command: of("command"),
            api: of("api"),
            target: of("target"),
            estimated_cost_usd: amount("cost"),
            estimated_tokens: amount("tokens").map(|tokens| tokens as u64),
            session_id: Some("s".into()),
            cwd: cwd.map(str::to_owned),
            project_root: root.map(str::to_owned),
            context: None,
        };
        let agent = (identity != "unknown").then(|| agent(role, identity));
        Self { place, agent, wish, money: money.into(), decision: decision.into(), rule: rule.into() }
    }

    async fn holds(&self) -> Result<(), String> {
        let app = App::open(Config::defaults(), Location::Memory, system_clock()).unwrap();
        if let Some(agent) = &self.agent {
            app.submit(Action::CreateAgent(Box::new(agent.clone()))).await.unwrap();
            for word in self.money.split(' ') {
                prepare(&app, agent, word, &self.wish).await;
            }
        }
        let asked = app.simulated(self.wish.clone());
        let at = app.now();
        let simulated = app
            .read(|mut tx| {
                let said = asked.said(&mut tx, at)?;
                Decided::of(&mut tx, &asked, said.as_ref(), at)
            })
            .unwrap();
        let asked = app.question(self.wish.clone()).await.unwrap();
        let Ok(Outcome::Audit(records)) = app.submit(Action::Decide(Box::new(asked))).await else {
            return Err(format!("{}: no record", self.place));
        };
        let (decision, rule) = (simulated.decision.as_str(), simulated.rule.as_str());
        if records[0].told.decision != simulated.decision {
            return Err(format!(
                "{}: decided is {:?}, simulated {decision}",
                self.place, records[0].told.decision
            ));
        }
        let rule = rule
            .split_once(": ")
            .filter(|(kind, _)| ["approval", "grant"].contains(kind))
            .map_or(rule, |(kind, _)| kind);
        // The rule of what is allowed without a question is that of the last check.
        if (decision, rule) == (self.decision.as_str(), self.rule.as_str()) {
            return Ok(());
        }
        Err(format!("{}: {decision} by '{rule}', not {} by '{}'", self.place, self.decision, self.rule))
    }
}

fn agent(role: &str, identity: &str) -> Agent {
    let least = defaults_or_least(role);
    let mut agent = Agent {
        agent_id: Uuid::from_u128(1),
        name: "one".into(),
        display_name: "One".into(),
        description: None,
        role: role.into(),
        role_confidence: 1.0,
        role_reasoning: None,
        capabilities: Vec::new(),
        rbac: least.rights(),
        limits: Limits { ..least.limits() },
        metadata: Metadata {
            category: "delivery".into(),
            specialist: false,
            version: "1".into(),
            tags: Vec::new(),
        },
        paused: false,
        origin: Origin::Api,
        created_at: Timestamp::default(),
        updated_at: Timestamp::default(),
    };
    for part in identity.split(';').map(str::trim).filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let list = || split(value);
        match name {
            "allow" => agent.rbac.allowed_tools = list(),
            "deny" => agent.rbac.denied_tools = list(),
            "scope" => agent.rbac.path_scopes = list(),
            "api" => agent.rbac.api_access = list(),
            "ask" => agent.rbac.requires_approval = true,
            "threshold" => agent.rbac.approval_threshold = value.parse().unwrap(),
            "paused" => agent.paused = true,
            other => panic!("{other} is nothing of an identity"),
        }
    }
    agent
}

/// A list whose commas stand outside of braces.
fn split(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut depth = 0;
    for c in text.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if c == ',' && depth == 0 {
            parts.push(String::new());
        } else {
            parts.last_mut().unwrap().push(c);
        }
    }
    parts.into_iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

/// Does to the budgets, or answers, what a word of a table says.
async fn prepare(app: &Arc<App>, agent: &Agent, word: &str, wish: &Wish) {
    let (name, value) = word.split_once('=').unwrap_or((word, ""));
    let number = || value.parse::<f64>().unwrap();
    let nanos = || format!("{:.0}", number() * 1e9).parse::<u64>().unwrap();
    let of_agent = Scope::Agent(agent.agent_id);
    let change = match name {
        "spent" | "used" => {
            let mut measures = Measures::default();
            if name == "spent" {
                measures.cost_usd = Some(number());
            } else {
                measures.tokens_used = Some(value.parse().unwrap());
            }
            let metric = NewMetric {
                agent: agent.name.clone(),
                metric_type: "cost".into(),
                measures,
                context: None,
                session_id: Some("s".into()),
                recorded_at: app.now(),
                decision: None,
                unpriced: None,
                nonce: 1,
            };
            app.submit(Action::RecordMetrics(vec![metric])).await.unwrap();
            return;
        }
        "held" => {
            // Of an agent's own, whatever it asks for otherwise.
            let wish = Wish {
                agent: "one".into(),
                tool: "Read".into(),
                estimated_cost_usd: Some(number()),
                ..Wish::default()
            };
            let mut asked = app.question(wish).await.unwrap();
            asked.asks = None;
            let Ok(Outcome::Audit(records)) = app.submit(Action::Decide(Box::new(asked))).await else {
                panic!()
            };
            assert_eq!(records[0].told.decision, Decision::Allowed);
            return;
        }
        "approved" => {
            let asked = app.question(wish.clone()).await.unwrap();
            app.submit(Action::Decide(Box::new(asked))).await.unwrap();
            let pending = app.read(|tx| agentmap::domain::approvals::Approval::newest(tx, None, 1)).unwrap();
            let Some(approval) = pending.first() else { return };
            let reach = match value {
                "session" => Reach::Session,
                "always" => Reach::Always,
                _ => Reach::Once,
            };
            let answer = Action::Answer { id: approval.id(), approved: value != "no", reach, reason: None };
            app.submit(answer).await.unwrap();
            return;
        }
        "raised" => (of_agent, BudgetChange::Raise(nanos())),
        "reset" => (of_agent, BudgetChange::Reset),
        "stopped" => (of_agent, BudgetChange::Pause(true)),
        "fleet" => (Scope::Fleet, BudgetChange::Limit(Some(nanos()))),
        "category" => (Scope::Category(agent.metadata.category.clone()), BudgetChange::Limit(Some(nanos()))),
        _ => return,
    };
    app.submit(Action::ChangeBudget(change.0, change.1)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_case_of_the_tables_is_decided_as_they_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/policy");
    let (mut cases, mut wrong) = (0, Vec::new());
    for table in std::fs::read_dir(folder).unwrap() {
        let path = table.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        for (n, line) in std::fs::read_to_string(&path).unwrap().lines().enumerate() {
            if line.starts_with('#') || line.is_empty() {
                continue;
            }
            cases += 1;
            wrong.extend(Case::read(format!("{name}:{}", n + 1), line).holds().await.err());
        }
    }
    assert!(wrong.is_empty(), "{} of {cases}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(cases >= 300, "{cases} cases");
}

/// What paths are made of: what leads up and down, what separates, what a system could take for something else.
fn path() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "src", "SRC", "a.rs", "..", ".", "", "...", ".. ", "src.", "p", "C:", "c:", "~", "\\\\?", "?", "UNC",
        "é", "con", "x:y",
    ]);
    let separator = prop::sample::select(vec!["/", "\\", "//"]);
    (
        prop::sample::select(vec![
            "",
            "/",
            "\\",
            "C:\\",
            "C:/",
            "/p/",
            "C:\\p\\",
            "\\\\?\\C:\\p\\",
            "\\\\h\\s\\",
        ]),
        prop::collection::vec((part, separator), 0..7),
    )
        .prop_map(|(start, parts)| {
            parts.into_iter().fold(start.to_owned(), |path, (part, separator)| path + part + separator)
        })
}

/// Where projects lie.
fn root() -> impl Strategy<Value = Option<&'static str>> {
    prop::sample::select(vec![None, Some("/p"), Some("/p/src"), Some("C:\\p"), Some("\\\\h\\s\\p")])
}

/// A second opinion on whether a path can lie in a project at all: counted, and not resolved.
fn climbs_out(path: &str) -> bool {
    let mut depth = 0_i32;
    for part in path.split(['/', '\\']) {
        match part {
            "" | "." => {}
            ".." => depth -= 1,
            _ => depth += 1,
        }
        if depth < 0 {
            return true;
        }
    }
    false
}

proptest! {
    #[test]
    fn a_path_in_its_one_form_leads_where_it_led(path in path(), root in root()) {
        for place in places(&path, root, None) {
            if let (Some(relative), Some(_)) = (&place.relative, root) {
                // A path of Linux that holds backslashes has more than one form.
                let again = places(&format!("./{relative}"), root, None);
                prop_assert!(again.iter().any(|again| again.relative == place.relative), "{:?} {:?}", place, again);
            }
            // Without a project nobody tells which system `//a/b/` is of.
            if let (Some(absolute), Some(_)) = (&place.absolute, root) {
                let again = places(absolute, root, None);
                prop_assert!(again.iter().any(|again| again.absolute == place.absolute), "{:?} {:?}", place, again);
            }
        }
    }

    #[test]
    fn what_leaves_the_project_is_in_no_relative_scope(path in path(), root in root()) {
        let scopes = Scopes::new(&["**".to_owned(), "*".to_owned(), "../**".to_owned(), "**/..".to_owned()]);
        let found = places(&path, root, None);
        let allowed = found.iter().all(|place| scopes.holding(place).is_some());
        let is_relative = !path.starts_with(['/', '\\']) && !path.contains(':');
        if is_relative && climbs_out(&path) && root.is_none() {
            prop_assert!(!allowed, "{:?}", found);
        }
        for place in found {
            let Some(relative) = &place.relative else {
                prop_assert!(scopes.holding(&place).is_none());
                continue;
            };
            prop_assert!(!relative.split('/').any(|part| part == ".." || part == "."), "{relative}");
            if let (Some(root), Some(absolute)) = (root, &place.absolute) {
                let root = root.replace('\\', "/");
                let root = if place.folded { folded(&root) } else { root };
                let inside = *absolute == root || absolute.starts_with(&format!("{root}/")) || absolute.starts_with(&format!("/{root}/"));
                prop_assert!(inside, "{absolute} is not in {root}");
            }
        }
    }

    #[test]
    fn a_rule_that_denies_never_allows_more(
        path in path(),
        root in root(),
        command in prop::option::of(prop::sample::select(vec!["git push origin main", "ls; rm -r x", "echo 'a", "ls"])),
        tool in prop::sample::select(vec!["Bash", "Edit", "Read", "mcp__a__b"]),
        denied in prop::collection::vec(
            prop::sample::select(vec!["*", "Bash", "Bash(git push:*)", "Bash(rm:*)", "Edit(src/**)", "mcp__*", "Read(", "Nothing"]), 0..3),
        more in prop::sample::select(vec!["*", "Bash(ls:*)", "Bash(ls)", "Edit", "Edit(**)", "mcp__a__*", "Read()", "(", ""]),
    ) {
        let call = Call::of(tool).on_path(Some(&path), root, None).running(command);
        let decide = |denied: Vec<&str>| {
            let mut agent = agent("developer", "allow=Bash, Edit, Read, mcp__*; scope=**");
            agent.rbac.denied_tools = denied.into_iter().map(str::to_owned).collect();
            let checks = Rights::of(&Arc::new(agent)).examine(&call);
            ruling(&checks).unwrap().outcome
        };
        let before = decide(denied.clone());
        let after = decide([denied, vec![more]].concat());
        prop_assert!(before == Decision::Allowed || after == before);
    }
}
