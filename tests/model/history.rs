//! Random histories: few agents and names, so that they meet; times in and out of order, around the edges of
//! minutes, hours and days; and commands that must be refused among the others.

use agentmap::domain::access::Actor;
use agentmap::domain::agent_write::{AgentDraft, AgentPatch, ShortText};
use agentmap::domain::agents::Agent;
use agentmap::domain::audit::{Decision, NewAudit};
use agentmap::domain::command::{Action, Activation, Command};
use agentmap::domain::idempotency::{Once, Place};
use agentmap::domain::identity::Identity;
use agentmap::domain::log_id::log_id;
use agentmap::domain::metrics::{Measures, NewMetric};
use agentmap::domain::pruning::Prune;
use agentmap::domain::sync::{IdentityFile, SyncRequest};
use agentmap::domain::text::JsonText;
use agentmap::domain::time::{DAY, HOUR, MINUTE, SECOND, Timestamp};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use uuid::Uuid;

use super::governing::{NONCES, governing};

/// 2026-03-01T00:00:00Z.
pub const BASE: i64 = 1_772_323_200 * SECOND;
/// How long a history lasts.
pub const SPAN: i64 = 3 * DAY;

pub const ROLES: [&str; 3] = ["developer", "reviewer", "oracle"];
pub const CATEGORIES: [&str; 3] = ["delivery", "quality", "own"];
pub const TAGS: [&str; 3] = ["night", "day", "d"];
pub const TYPES: [&str; 3] = ["execution", "task_completed", "own"];
pub const SESSIONS: [&str; 3] = ["s-1", "s-2", "s"];
pub const OPERATIONS: [&str; 4] = ["tool_use", "quality_gate", "agent_spawn", "unknown"];
pub const DECISIONS: [Decision; 4] =
    [Decision::Allowed, Decision::Denied, Decision::RequiresApproval, Decision::Unknown];

pub fn ids() -> Vec<Uuid> {
    (1..=5).map(|n| Uuid::from_u128(0xA0 + n)).collect()
}

/// Names of agents. One looks like the id of another agent.
pub fn names() -> Vec<String> {
    let disguised = Uuid::from_u128(0xA2).simple().to_string();
    ["coder", "code", "tester", "ops", &disguised].map(str::to_owned).to_vec()
}

/// Whatever may stand for an agent: an id, a name, or something that nobody is called.
pub fn someone() -> impl Strategy<Value = String> {
    let ids = ids().into_iter().map(|id| id.to_string());
    select(ids.chain(names()).chain(["nobody".to_owned()]).collect::<Vec<_>>())
}

pub fn text(of: &'static [&'static str]) -> impl Strategy<Value = String> {
    select(of).prop_map(str::to_owned)
}

fn texts(of: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    vec(text(of), 0..3)
}

/// A time of the history, often just at the edge of something.
pub fn moment() -> impl Strategy<Value = Timestamp> {
    let grid = prop_oneof![Just(DAY), Just(HOUR), Just(MINUTE)];
    let off = prop_oneof![Just(-1), Just(0), Just(1), -90 * SECOND..90 * SECOND];
    let near_an_edge = (0..SPAN, grid, off).prop_map(|(at, grid, off)| at / grid * grid + off);
    prop_oneof![0..SPAN, near_an_edge].prop_map(|at| Timestamp(BASE + at))
}

/// As [`moment`], and seldom the end of time.
fn any_time() -> impl Strategy<Value = Timestamp> {
    prop_oneof![40 => moment(), 1 => Just(Timestamp::MIN), 1 => Just(Timestamp::MAX)]
}

pub fn amount(most: f64) -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), 0.0..most, Just(most)]
}

fn count() -> impl Strategy<Value = u64> {
    prop_oneof![20 => 0..900_u64, 1 => Just(1_000_000_000_000_000_u64)]
}

prop_compose! {
    fn any_agent()(
        agent_id in select(ids()),
        name in select(names()),
        role in text(&ROLES),
        category in text(&CATEGORIES),
        specialist in any::<bool>(),
        tags in texts(&TAGS),
        capabilities in texts(&TAGS),
        tokens in 1..3000_u64,
        cost in 0.01..6.0_f64,
        description in option::of(text(&["Writes CODE.", "Tests"])),
        at in moment(),
    ) -> Agent {
        let short = |list: Vec<String>| list.into_iter().map(ShortText).collect::<Vec<_>>();
        AgentDraft {
            name,
            role,
            role_confidence: None,
            role_reasoning: None,
            capabilities: short(capabilities),
            rbac_allowed_tools: Vec::new(),
            rbac_denied_tools: None,
            rbac_path_scopes: Vec::new(),
            rbac_api_access: None,
            rbac_requires_approval: None,
            rbac_approval_threshold: None,
            budget_max_tokens_per_session: tokens,
            budget_max_cost_per_day: cost,
            budget_currency: None,
            metadata_category: category,
            metadata_specialist: Some(specialist),
            metadata_version: None,
            metadata_tags: Some(short(tags)),
            description,
            display_name: None,
        }
        .into_agent(agent_id, at)
    }
}

prop_compose! {
    fn any_patch()(
        name in option::weighted(0.1, select(names())),
        role in option::of(text(&ROLES)),
        category in option::of(text(&CATEGORIES)),
        specialist in option::of(any::<bool>()),
        tags in option::of(texts(&TAGS)),
        cost in option::of(0.01..6.0_f64),
        description in option::of(option::of(text(&["other"]))),
    ) -> AgentPatch {
        AgentPatch {
            name,
            role,
            metadata_category: category,
            metadata_specialist: specialist,
            metadata_tags: tags.map(|tags| tags.into_iter().map(ShortText).collect()),
            budget_max_cost_per_day: cost,
            description,
            ..AgentPatch::default()
        }
    }
}

prop_compose! {
    fn any_file()(
        folder in text(&["/fleet", "/fleet/sub", "/other"]),
        file in 0..4_u8,
        agent_id in option::of(select(ids())),
        name in select(names()),
        role in option::of(text(&ROLES)),
        category in option::of(text(&CATEGORIES)),
        specialist in option::of(any::<bool>()),
        tags in option::of(texts(&TAGS)),
        cost in option::of(0.01..6.0_f64),
    ) -> IdentityFile {
        let identity = Identity {
            agent_id, name, role, category, specialist, tags, max_cost_per_day: cost, ..Identity::default()
        };
        IdentityFile { file: format!("{folder}/{file}.md"), identity }
    }
}

prop_compose! {
    fn any_measures()(
        execution_time_ms in option::of(prop_oneof![0.0..5000.0_f64, Just(0.0), Just(1e12), 0.0..1.0_f64]),
        success in option::of(any::<bool>()),
        tokens_used in option::of(count()),
        api_calls in option::of(count()),
        cost_usd in option::of(amount(2.0)),
        quality_score in option::of(amount(1.0)),
        code_violations in option::of(count()),
        tasks_completed in option::of(0..3_u64),
        tasks_failed in option::of(0..2_u64),
    ) -> Measures {
        Measures {
            execution_time_ms, success, tokens_used, api_calls, cost_usd, quality_score, code_violations,
            tasks_completed, tasks_failed,
        }
    }
}

prop_compose! {
    fn any_metric()(
        agent in someone(),
        metric_type in text(&TYPES),
        measures in any_measures(),
        context in option::of(Just(JsonText(r#"{"k":[1,"ä"]}"#.into()))),
        session_id in option::of(text(&SESSIONS)),
        recorded_at in prop_oneof![60 => moment(), 1 => Just(Timestamp::MIN)],
        decision in option::weighted(0.3, (0..40_u64).prop_map(|seq| log_id(0, seq))),
        unpriced in option::weighted(0.1, text(&["nobody-knows", "neither"])),
        nonce in any::<u64>(),
    ) -> NewMetric {
        NewMetric { agent, metric_type, measures, context, session_id, recorded_at, decision, unpriced, nonce }
    }
}

prop_compose! {
    pub fn any_audit()(
        who in (option::of(someone()), option::of(someone())),
        agent_role in option::of(text(&ROLES)),
        operation_type in option::of(text(&OPERATIONS)),
        operation_detail in option::of(text(&["Edit", "unknown", "Bash \u{130}"])),
        target_resource in option::of(text(&["src/main.rs"])),
        decision in select(DECISIONS.to_vec()),
        reason in option::of(text(&["out of scope"])),
        cost_usd in amount(1.0),
        tokens_used in count(),
        session_id in option::of(text(&SESSIONS)),
        context in text(&["{}", r#"{"file":"a\u0000b"}"#]),
        timestamp in any_time(),
        nonce in any::<u64>(),
    ) -> NewAudit {
        NewAudit {
            agent_id: who.0, agent_name: who.1, agent_role, operation_type, operation_detail, target_resource,
            target_type: None, decision, reason, cost_usd, tokens_used, session_id,
            context: JsonText(context), timestamp, nonce,
        }
    }
}

/// Any action, now and then one that is sent again with the key of another, or several as one.
fn any_action() -> impl Strategy<Value = Action> {
    let once = |place, key: u8, sent: u8, action| {
        Once::new(place, ["", "test"], &key.to_string(), [&[sent], &[]]).of(action)
    };
    let sent_once = (0..6_u8, 0..2_u8, plain_action())
        .prop_map(move |(key, sent, action)| once(Place::Header, key, sent, action));
    let part = (option::of((0..6_u8, 0..2_u8)), plain_action()).prop_map(move |(own, action)| match own {
        Some((key, sent)) => once(Place::EventId, key, sent, action),
        None => action,
    });
    prop_oneof![
        6 => plain_action(),
        2 => sent_once,
        1 => vec(part, 0..4).prop_map(Action::Each),
        1 => (0..4_u64).prop_map(|keep| Action::ForgetRequests { keep }),
    ]
}

fn plain_action() -> impl Strategy<Value = Action> {
    let id = || select(ids());
    let activation = (option::of(text(&SESSIONS)), option::of(text(&["fix"])))
        .prop_map(|(session_id, task)| Activation { session_id, task });
    let sync = (vec(any_file(), 0..5), texts(&["/fleet", "/other", "/fleet/sub"]), prop::bool::weighted(0.2))
        .prop_map(|(identities, prune_below, dry_run)| SyncRequest {
            identities,
            prune_below,
            dry_run,
            strict: false,
        });
    prop_oneof![
        4 => any_agent().prop_map(|agent| Action::CreateAgent(Box::new(agent))),
        2 => (id(), any_patch()).prop_map(|(id, patch)| Action::UpdateAgent(id, Box::new(patch))),
        1 => id().prop_map(Action::DeleteAgent),
        1 => (id(), activation).prop_map(|(id, activation)| Action::ActivateAgent(id, activation)),
        1 => (id(), any::<bool>()).prop_map(|(id, paused)| Action::PauseAgent(id, paused)),
        1 => sync.prop_map(|request| Action::Sync(Box::new(request))),
        6 => vec(any_metric(), 0..6).prop_map(Action::RecordMetrics),
        6 => vec(any_audit(), 0..6).prop_map(Action::AppendAudit),
        8 => governing(),
        1 => (0..40_u64).prop_map(|keep| Action::Prune(Prune::EventsBut(keep))),
        1 => Just(Action::NoteNumbers),
        1 => moment().prop_map(|before| Action::Prune(Prune::Events(before))),
        1 => Just(Action::Probe),
    ]
}

/// Gives what is recorded the time of its command, as records get that tell none.
fn time(action: &mut Action, at: Timestamp) {
    match action {
        Action::RecordMetrics(metrics) => metrics.iter_mut().for_each(|metric| metric.recorded_at = at),
        Action::AppendAudit(records) => records.iter_mut().for_each(|told| told.timestamp = at),
        Action::Once(_, action) => time(action, at),
        Action::Each(actions) => actions.iter_mut().for_each(|action| time(action, at)),
        _ => {}
    }
}

/// A history: some agents first, then anything.
pub fn history(commands: usize) -> impl Strategy<Value = Vec<Command>> {
    let command = |action| {
        (moment(), prop_oneof![3 => NONCES, 1 => any::<u64>()], action, any::<bool>()).prop_map(
            |(at, nonce, mut action, untimed)| {
                if untimed {
                    time(&mut action, at);
                }
                Command { at, nonce, by: Actor::default(), action }
            },
        )
    };
    let create = any_agent().prop_map(|agent| Action::CreateAgent(Box::new(agent)));
    (vec(command(create.boxed()), 3), vec(command(any_action().boxed()), 1..commands))
        .prop_map(|(first, rest)| [first, rest].concat())
}

/// Many operations at once, always the same: enough for the tree over the trail to have tiles.
pub fn long_trail(records: u32) -> Command {
    let told = |n: u32| NewAudit {
        agent_id: Some(format!("agent-{}", n % 7)),
        agent_name: None,
        agent_role: None,
        operation_type: Some("tool_use".into()),
        operation_detail: Some(format!("step {n}")),
        target_resource: None,
        target_type: None,
        decision: DECISIONS[n as usize % DECISIONS.len()],
        reason: None,
        cost_usd: f64::from(n) / 16.0,
        tokens_used: n.into(),
        session_id: None,
        context: JsonText("{}".into()),
        timestamp: Timestamp(i64::from(n) * 1_000_000),
        nonce: n.into(),
    };
    Command {
        at: Timestamp(0),
        nonce: 0,
        by: Actor::default(),
        action: Action::AppendAudit((0..records).map(told).collect()),
    }
}

/// A history as [`history`] gives, in which much is forgotten.
pub fn history_with_gaps(commands: usize) -> impl Strategy<Value = Vec<Command>> {
    let below = prop_oneof![1 => 0..20_u64, 3 => Just(u64::MAX)];
    let prune = prop_oneof![
        2 => (moment(), below).prop_map(|(before, below)| Prune::Metrics { before, below }),
        2 => (moment(), Just(u64::MAX)).prop_map(|(before, below)| Prune::Audit {
            before, below, checkpoint: "signed".into(),
        }),
        1 => moment().prop_map(Prune::Activity),
    ];
    let action = prop_oneof![Just(Action::NoteNumbers), prune.prop_map(Action::Prune)];
    let gap = (any::<prop::sample::Index>(), moment(), action);
    (history(commands), vec(gap, 4..16)).prop_map(|(mut history, mut gaps)| {
        // Time passes from one note to the next.
        gaps.sort_by_key(|(place, at, _)| (place.index(usize::MAX), *at));
        let mut times: Vec<_> = gaps.iter().map(|(_, at, _)| *at).collect();
        times.sort();
        let length = history.len();
        for ((place, _, action), at) in gaps.into_iter().zip(times).rev() {
            history.insert(place.index(length + 1), Command { at, nonce: 0, by: Actor::default(), action });
        }
        history
    })
}
