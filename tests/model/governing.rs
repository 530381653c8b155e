//! What agents ask, and what operators do about it, for random histories.

use agentmap::domain::approvals::Reach;
use agentmap::domain::budget_acts::BudgetChange;
use agentmap::domain::budgets::Scope;
use agentmap::domain::command::Action;
use agentmap::domain::decision::Asked;
use agentmap::domain::idempotency::hash_of;
use agentmap::domain::log_id::log_id;
use agentmap::domain::policy::{Check, Dimension};
use agentmap::domain::question::Question;
use agentmap::domain::time::Timestamp;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::history::{BASE, CATEGORIES, SPAN, amount, any_audit, ids, moment, text};

/// Until when something is held, or waits: mostly beyond the history's end.
fn deadline() -> impl Strategy<Value = Timestamp> {
    prop_oneof![1 => moment(), 3 => Just(Timestamp(BASE + 2 * SPAN))]
}

prop_compose! {
    fn any_asked()(
        agent_id in option::weighted(0.9, select(ids())),
        mut told in any_audit(),
        tool in text(&["Read", "Bash"]),
        command in option::of(text(&["git push", "ls"])),
        estimated_cost_usd in option::of(amount(2.0)),
        estimated_tokens in option::of(0..900_u64),
        asks in option::of(text(&["risk: push_to_main"])),
        allowed in prop::bool::weighted(0.9),
        hold_until in deadline(),
        answer_until in deadline(),
    ) -> Asked {
        told.operation_type = Some("tool_use".into());
        let session_id = told.session_id.clone();
        let check = if allowed { Check::allowed } else { Check::denied };
        let checks = vec![check(Dimension::Identity, "agent: one".to_owned())];
        let of = |text: &Option<String>| text.clone().unwrap_or_default();
        let same = hash_of(&[
            agent_id.unwrap_or_default().as_bytes(), tool.as_bytes(), of(&command).as_bytes(), of(&session_id).as_bytes(),
        ]);
        let question = Question {
            tool, command, session_id, estimated_cost_usd, estimated_tokens, ..Question::default()
        };
        Asked { agent_id, told, question, same, checks, asks, hold_until, answer_until }
    }
}

/// The nonces of most commands, by which answers find what was asked.
pub const NONCES: std::ops::Range<u64> = 0..2;

/// What operators do about what agents ask, mostly about something that was asked.
pub fn governing() -> impl Strategy<Value = Action> {
    let id = || (NONCES, 0..6_u64).prop_map(|(nonce, seq)| log_id(nonce, seq));
    let reach = select(vec![Reach::Once, Reach::Session, Reach::Always]);
    let scope = prop_oneof![
        1 => Just(Scope::Fleet),
        1 => text(&CATEGORIES).prop_map(Scope::Category),
        2 => select(ids()).prop_map(Scope::Agent),
    ];
    let nanos = || 0..8_000_000_000_u64;
    let change = prop_oneof![
        option::of(nanos()).prop_map(BudgetChange::Limit),
        nanos().prop_map(BudgetChange::Raise),
        Just(BudgetChange::Reset),
        prop::bool::weighted(0.3).prop_map(BudgetChange::Pause),
    ];
    prop_oneof![
        6 => any_asked().prop_map(|asked| Action::Decide(Box::new(asked))),
        4 => (id(), prop::bool::weighted(0.8), reach, option::of(text(&["so"]))).prop_map(
            |(id, approved, reach, reason)| Action::Answer { id, approved, reach, reason },
        ),
        1 => id().prop_map(Action::RevokeGrant),
        2 => (scope, change).prop_map(|(scope, change)| Action::ChangeBudget(scope, change)),
        1 => Just(Action::EndUnanswered),
    ]
}
