//! The demo shows everything, and shows the same for the same seed.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use super::{Deed, Life, Told, open, play, register};
use crate::app::App;
use crate::config::Config;
use crate::domain::agent_view::{AgentView, Status};
use crate::domain::agents::Agent;
use crate::domain::alerts::{Alert, Severity};
use crate::domain::audit::Decision;
use crate::domain::command::Action;
use crate::domain::fleet_stats;
use crate::domain::grade::Grade;
use crate::domain::quality::quality;
use crate::domain::time::{DAY, HOUR, MINUTE, SECOND, Timestamp};
use crate::store::Location;

/// In the afternoon of a working day.
const OPENING: &str = "2026-11-20T15:30:00Z";

fn opening() -> Timestamp {
    Timestamp::parse(OPENING).unwrap()
}

async fn demo(seed: u64) -> (Arc<App>, Life) {
    open(Config::defaults(), seed, Arc::new(opening)).await.unwrap()
}

/// The sample fleet, without a history.
async fn fleet() -> Vec<Arc<Agent>> {
    let app = App::open(Config::defaults(), Location::Memory, Arc::new(opening)).unwrap();
    register(&app).await.unwrap();
    app.roster().iter().cloned().collect()
}

/// The life of the sample fleet from the opening on.
async fn live(seed: u64) -> Life {
    let mut life = Life::new(seed, opening(), fleet().await);
    life.history();
    life
}

#[tokio::test]
async fn the_history_follows_from_the_seed_and_lies_in_the_past_day() {
    let fleet = fleet().await;
    let told = |seed| Life::new(seed, opening(), fleet.iter().cloned()).history();
    let history = told(1);
    assert!(history == Life::new(1, opening(), fleet.iter().rev().cloned()).history());
    assert!(history != told(2));
    assert!((5_000..15_000).contains(&history.len()), "{}", history.len());
    assert!(history.is_sorted_by_key(|told| told.at));
    assert!(history.iter().all(|told| (opening().plus(-DAY)..opening()).contains(&told.at)));
    let ids: HashSet<_> = fleet.iter().map(|agent| agent.agent_id).collect();
    assert!(history.iter().all(|told| ids.contains(&told.agent)));
    let active: HashSet<_> = history.iter().map(|told| told.agent).collect();
    assert!(active.len() > 150, "{}", active.len());
}

#[tokio::test]
async fn decisions_of_all_kinds_fit_the_rights_of_the_agents() {
    let fleet = fleet().await;
    let mut life = Life::new(2, opening(), fleet.iter().cloned());
    let history = life.history();
    let mut decisions: HashMap<&str, usize> = HashMap::new();
    for told in &history {
        let Deed::Operate(audit) = &told.deed else { continue };
        *decisions.entry(audit.decision.as_str()).or_default() += 1;
        let rbac = &fleet.iter().find(|agent| agent.agent_id == told.agent).unwrap().rbac;
        let tool = audit.operation_detail.as_ref().unwrap();
        let is_tool = matches!(audit.operation_type.as_deref(), Some("tool_use" | "file_access"));
        assert!(audit.decision == Decision::Allowed || audit.reason.is_some(), "{audit:?}");
        if audit.decision == Decision::Allowed && is_tool {
            assert!(!rbac.denied_tools.contains(tool), "{audit:?}");
            assert!(rbac.allowed_tools.iter().any(|t| t == tool || t == "*"), "{audit:?}");
        }
        if audit.reason.as_ref().is_some_and(|why| why.ends_with("is denied to it")) {
            assert!(rbac.denied_tools.contains(tool), "{audit:?}");
        }
        if rbac.requires_approval && audit.decision == Decision::Allowed && is_tool {
            assert!(audit.reason.as_ref().is_some_and(|why| why.starts_with("approved by ")), "{audit:?}");
        }
    }
    for decision in ["allowed", "denied", "requires_approval"] {
        assert!(decisions.get(decision).is_some_and(|count| *count > 100), "{decisions:?}");
    }
    assert!(life.next().is_some_and(|told| told.at >= opening()), "what follows begins at the opening");
}

#[tokio::test]
async fn a_newcomer_sees_figures_of_every_kind() {
    let (app, _) = demo(3).await;
    let roster = app.roster();
    let now = opening();
    app.read(|tx| {
        let summary = fleet_stats::summary(tx, &roster, now)?;
        assert_eq!(summary.total_agents, 207);
        assert!(summary.budget_used > 100.0 && summary.budget_used < summary.budget_limit);
        assert!(summary.breakdown.len() >= 8);
        let quality = quality(tx, &roster, None, 7, now)?;
        assert!((60.0..95.0).contains(&quality.overall), "{}", quality.overall);
        assert!(quality.total_code_violations > 100 && !quality.violations.is_empty());
        let with_a = quality.distribution.iter().find(|share| share.grade == Grade::A);
        let with_f = quality.distribution.iter().find(|share| share.grade == Grade::F);
        assert!(with_a.is_some_and(|a| a.count > 10) && with_f.is_some_and(|f| f.count > 0));
        let alerts = Alert::newest(tx, None, 1_000)?;
        for severity in [Severity::Info, Severity::Warning, Severity::Error] {
            assert!(alerts.iter().any(|alert| alert.severity == severity), "{severity:?}");
        }
        assert!(alerts.iter().all(|alert| alert.timestamp > now.plus(-DAY)));
        let views = roster.iter().map(|agent| AgentView::load(&mut &*tx, agent, now));
        let views = views.collect::<Result<Vec<_>, _>>()?;
        for status in [Status::Active, Status::Idle, Status::Blocked] {
            assert!(views.iter().filter(|view| view.status == status).count() > 2, "{status:?}");
        }
        assert!(views.iter().all(|view| view.timestamps.created_at < now.plus(-DAY)));
        assert!(views.iter().any(|view| view.performance.success_rate < 0.7));
        Ok(())
    })
    .unwrap();
}

#[tokio::test]
async fn the_stream_tells_the_history_in_order_of_time() {
    let (app, _) = demo(4).await;
    let events = app.logged_events(0, usize::MAX).await.unwrap();
    assert!(events.is_sorted_by_key(|event| event.timestamp));
    assert!(events.first().unwrap().timestamp < opening().plus(-DAY));
}

#[tokio::test]
async fn live_many_agents_are_busy_at_a_watchable_pace() {
    let life = live(5).await;
    let minutes = 30;
    let told: Vec<Told> = life.take_while(|told| told.at < opening().plus(minutes * MINUTE)).collect();
    assert!(told.is_sorted_by_key(|t| t.at));
    let seconds = usize::try_from(minutes * MINUTE / SECOND).unwrap();
    // A turn's metric is two events of the stream.
    let events: usize = told.iter().map(|t| 1 + usize::from(matches!(t.deed, Deed::Measure(_)))).sum();
    assert!((5 * seconds..=10 * seconds).contains(&events), "{events} events in {seconds} s");
    for minute in 1..minutes {
        let within = opening().plus(minute * MINUTE)..opening().plus((minute + 1) * MINUTE);
        let busy: HashSet<_> = told.iter().filter(|t| within.contains(&t.at)).map(|t| t.agent).collect();
        assert!((25..=75).contains(&busy.len()), "{} in minute {minute}", busy.len());
    }
}

#[tokio::test]
async fn the_show_goes_on_for_hours_and_across_midnight() {
    let life = live(6).await;
    let mut hours: HashMap<i64, usize> = HashMap::new();
    for told in life.take_while(|told| told.at < opening().plus(16 * HOUR)) {
        *hours.entry((told.at.0 - opening().0) / HOUR).or_default() += 1;
    }
    assert!((0..16).all(|hour| hours[&hour] > 5_000), "{hours:?}");
}

#[tokio::test]
async fn agents_that_the_operator_paused_do_nothing() {
    let time = Arc::new(AtomicI64::new(opening().0));
    let hand = Arc::clone(&time);
    let clock = Arc::new(move || Timestamp(time.load(Ordering::Relaxed)));
    let (app, life) = open(Config::defaults(), 7, clock).await.unwrap();
    let live: Vec<_> = life.take_while(|told| told.at < opening().plus(5 * SECOND)).collect();
    // All of it is due.
    hand.store(opening().plus(5 * SECOND).0, Ordering::Relaxed);
    let paused = live[0].agent;
    app.submit(Action::PauseAgent(paused, true)).await.unwrap();
    let before = app.live().last_seq();
    play(Arc::clone(&app), live.into_iter()).await;
    let events = app.logged_events(before, usize::MAX).await.unwrap();
    assert!(!events.is_empty());
    let paused = paused.to_string();
    assert!(events.iter().all(|event| event.details.agent_id.as_deref() != Some(&paused)));
}
