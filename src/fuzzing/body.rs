//! Bodies of requests: what is refused is told with its place, and what is accepted keeps the rules of its fields.

use std::collections::HashMap;
use std::fmt::Debug;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{NOW, http};
use crate::domain::agent_write::PathScope;
use crate::domain::agents::Agent;
use crate::domain::audit::{AuditRecord, Hash, NewAudit};
use crate::domain::metrics::{Metric, NewMetric};
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use crate::http::fuzzing::{Http, Items, JSON, NDJSON, Problem};
use crate::store;

/// What a body may be sent as.
const CHECKS: [fn(&Http, &[u8]); 12] = [
    draft,
    patch,
    |http, body| metric(body, http.metric(body)),
    |http, body| event(body, http.event(body)),
    |http, body| metric(body, http.deduction(body)),
    |http, body| batch(body, JSON, http.metrics(JSON, body), |item| http.metric(item)),
    |http, body| batch(body, NDJSON, http.metrics(NDJSON, body), |item| http.metric(item)),
    |http, body| batch(body, JSON, http.events(JSON, body), |item| http.event(item)),
    |http, body| batch(body, NDJSON, http.events(NDJSON, body), |item| http.event(item)),
    |http, body| _ = same(body, |body| http.sync(body)),
    |http, body| _ = same(body, |body| http.token(body)),
    |http, body| match body {
        [] => assert_eq!(http.activation(body).unwrap(), None),
        body => _ = same(body, |body| http.activation(body)),
    },
];

/// The first byte chooses what the body is sent as.
pub fn body(bytes: &[u8]) {
    if let Some((kind, body)) = super::kind(bytes, CHECKS.len()) {
        CHECKS[kind](http(), body);
    }
}

/// What was accepted is accepted as it was understood, and understood the same.
fn same<T: Serialize>(body: &[u8], read: impl Fn(&[u8]) -> Result<T, Problem>) -> Option<T> {
    let value = read(body).inspect_err(|problem| refused(problem, body)).ok()?;
    let text = serde_json::to_string(&value).unwrap();
    let again = read(text.as_bytes()).unwrap_or_else(|problem| panic!("{}: {text}", problem.detail));
    assert_eq!(serde_json::to_string(&again).unwrap(), text);
    Some(value)
}

fn draft(http: &Http, body: &[u8]) {
    let Some(draft) = same(body, |body| http.draft(body)) else { return };
    let agent = draft.into_agent(Uuid::nil(), NOW);
    keeps_the_rules(&agent);
    is_stored(&agent);
}

/// Changes make an agent that keeps the rules, and change nothing more when they are made again.
fn patch(http: &Http, body: &[u8]) {
    let patch = match http.patch(body) {
        Ok(patch) => patch,
        Err(problem) => return refused(&problem, body),
    };
    let before = http.app().roster().get(Uuid::nil()).cloned().unwrap();
    match patch.clone().apply_to(&before, NOW) {
        Ok(after) => {
            keeps_the_rules(&after);
            is_stored(&after);
            assert_eq!(patch.apply_to(&after, NOW.plus(1)).unwrap(), after);
        }
        Err(refusal) => {
            assert!(patch.name.is_some_and(|name| name != before.name), "{refusal}");
            assert!(matches!(refusal, Refusal::Invalid(_)));
        }
    }
}

fn keeps_the_rules(agent: &Agent) {
    let chars = |text: &str| text.chars().count();
    let Agent { name, role, rbac, limits, metadata, .. } = agent;
    assert!((1..=128).contains(&name.len()));
    assert!(name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-')), "{name:?}");
    assert!((1..=64).contains(&chars(role)) && (1..=64).contains(&chars(&metadata.category)));
    assert!(chars(&agent.display_name) <= 256 && chars(&metadata.version) <= 64);
    for text in [&agent.description, &agent.role_reasoning].into_iter().flatten() {
        assert!(chars(text) <= 4096);
    }
    assert!((0.0..=1.0).contains(&agent.role_confidence));
    assert!((0.0..=1e9).contains(&rbac.approval_threshold));
    assert!(limits.max_cost_per_day > 0.0 && limits.max_cost_per_day <= 1e9);
    assert!((1..=1_000_000_000_000_000).contains(&limits.max_tokens_per_session));
    assert!(limits.currency.len() == 3 && limits.currency.bytes().all(|b| b.is_ascii_uppercase()));
    assert!(rbac.path_scopes.iter().all(|scope| PathScope::problem(scope).is_none()));
    for list in [
        &agent.capabilities,
        &rbac.allowed_tools,
        &rbac.denied_tools,
        &rbac.path_scopes,
        &rbac.api_access,
        &metadata.tags,
    ] {
        assert!(list.len() <= 1000 && list.iter().all(|item| (1..=512).contains(&chars(item))));
    }
}

/// A metric keeps the rules, and its cost is the number that was sent.
fn metric(body: &[u8], read: Result<NewMetric, Problem>) {
    let new = match read {
        Ok(new) => new,
        Err(problem) => return refused(&problem, body),
    };
    let m = &new.measures;
    assert!((1..=128).contains(&new.agent.chars().count()));
    assert!((1..=64).contains(&new.metric_type.chars().count()));
    assert!(m.execution_time_ms.is_none_or(|ms| (0.0..=1e12).contains(&ms)));
    assert!(m.quality_score.is_none_or(|score| (0.0..=1.0).contains(&score)));
    assert!(m.cost_usd.is_none_or(|cost| (0.0..=1e9).contains(&cost)));
    for count in [m.tokens_used, m.api_calls, m.code_violations, m.tasks_completed, m.tasks_failed] {
        assert!(count.is_none_or(|count| count <= 1_000_000_000_000_000));
    }
    assert!((Timestamp::MIN..=Timestamp::MAX).contains(&new.recorded_at));
    if let Some(context) = &new.context {
        is_object(&context.0);
    }
    assert_eq!(m.cost_usd, number(body, "cost_usd"));
    let stored = Metric {
        seq: 1,
        nonce: new.nonce,
        agent_id: Uuid::nil(),
        metric_type: new.metric_type,
        measures: new.measures,
        context: new.context,
        session_id: new.session_id,
        recorded_at: new.recorded_at,
    };
    is_stored(&stored);
    is_object(&serde_json::to_string(&stored).unwrap());
}

/// An operation says whose it is, and its record can be proved by what clients see of it.
fn event(body: &[u8], read: Result<NewAudit, Problem>) {
    let new = match read {
        Ok(new) => new,
        Err(problem) => return refused(&problem, body),
    };
    assert!(new.agent_id.is_some() || new.agent_name.is_some());
    assert!((0.0..=1e9).contains(&new.cost_usd) && new.tokens_used <= 1_000_000_000_000_000);
    assert!((Timestamp::MIN..=Timestamp::MAX).contains(&new.timestamp));
    is_object(&new.context.0);
    assert_eq!(Some(new.cost_usd), number(body, "cost_usd").or(Some(0.0)));
    let record = AuditRecord::new(new, 1, None, Hash::default());
    is_stored(&record);
    let shown = AuditRecord::from_json(&serde_json::to_vec(&record).unwrap()).unwrap();
    assert_eq!(shown.hash_after(Hash::default()), record.hash);
}

/// A number as it was written, read by another parser.
fn number(body: &[u8], member: &str) -> Option<f64> {
    let members: HashMap<String, &RawValue> = serde_json::from_slice(body).ok()?;
    members.get(member)?.get().parse().ok()
}

fn is_object(text: &str) {
    assert!(matches!(serde_json::from_str(text), Ok(Value::Object(_))), "{text}");
}

fn is_stored<V: store::Value + PartialEq + Debug>(value: &V) {
    assert_eq!(&V::from_stored(&value.to_stored().unwrap()).unwrap(), value);
}

/// What becomes of an item does not depend on its neighbours, nor on how it is sent.
fn batch<T: PartialEq + Debug>(
    body: &[u8],
    form: &str,
    items: Items<T>,
    alone: impl Fn(&[u8]) -> Result<T, Problem>,
) {
    let items = match items {
        Ok(items) => items,
        Err(problem) => return refused(&problem, body),
    };
    let texts: Vec<&[u8]> = if form == NDJSON || body.trim_ascii_start().starts_with(b"{") {
        body.split(|b| *b == b'\n').filter(|line| !line.trim_ascii().is_empty()).collect()
    } else {
        let values: Vec<&RawValue> = serde_json::from_slice(body).unwrap();
        values.into_iter().map(|value| value.get().as_bytes()).collect()
    };
    assert_eq!(items.len(), texts.len());
    for (item, text) in items.into_iter().zip(texts) {
        let told = |problem: Problem| {
            refused(&problem, text);
            (problem.status, problem.detail)
        };
        assert_eq!(item.map_err(told), alone(text).map_err(told));
    }
}

/// A refusal says what is wrong, and where.
fn refused(problem: &Problem, body: &[u8]) {
    assert!(!problem.detail.is_empty());
    assert!(matches!(problem.status.as_u16(), 400 | 413 | 422), "{problem:?}");
    assert_eq!(problem.status.as_u16() == 422, !problem.errors.is_empty(), "{problem:?}");
    if problem.errors.is_empty() {
        return;
    }
    let sent: Value = serde_json::from_slice(body).unwrap();
    for error in &problem.errors {
        let kinds = ["missing", "unknown_member", "type", "range", "pattern", "value"];
        assert!(kinds.contains(&error.kind.as_str()) && !error.msg.is_empty(), "{error:?}");
        assert_eq!(error.loc[0], "body");
        let mut place = Some(&sent);
        for (depth, part) in error.loc.iter().enumerate().skip(1) {
            place = place.and_then(|value| match value {
                Value::Object(members) => members.get(part),
                Value::Array(items) => items.get(part.parse::<usize>().ok()?),
                _ => None,
            });
            let may_be_missing = depth + 1 == error.loc.len() && error.kind == "missing";
            assert!(place.is_some() || may_be_missing, "{error:?} of {sent}");
        }
    }
}
