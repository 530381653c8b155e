//! Keys and values on disk: bytes that are none are told, and what is read is written as it was.

use std::fmt::Debug;

use uuid::Uuid;

use crate::domain::activity::Activity;
use crate::domain::agents::Agent;
use crate::domain::alerts::{Alert, AlertHead};
use crate::domain::approvals::{Approval, ApprovalHead};
use crate::domain::audit::AuditRecord;
use crate::domain::audit_tree::{AuditAnchor, AuditFrontier, AuditNode};
use crate::domain::budgets::{self, Held, Spent, Terms, Zone};
use crate::domain::event_log::{StoredEvent, StreamHead};
use crate::domain::grants::Grant;
use crate::domain::idempotency::Remembered;
use crate::domain::metric_sums::{MetricSums, Scope};
use crate::domain::metrics::Metric;
use crate::domain::recording::{AuditHead, MetricHead};
use crate::domain::reservations::Reservation;
use crate::domain::retention::{Gone, GoneMetrics, Mark, Runs};
use crate::domain::rollup::OpenMinute;
use crate::domain::tally::{Counted, Tally};
use crate::domain::time::Timestamp;
use crate::domain::tokens::{Session, Token};
use crate::domain::unknown_agents::UnknownAgent;
use crate::domain::unpriced::UnpricedModel;
use crate::domain::usage::{DayUsage, Presence, SessionUsage};
use crate::domain::webhooks::{Delivery, Outbox, TargetRecord, Targets};
use crate::store::codec::prefix_end;
use crate::store::{Key, Value};

macro_rules! values {
    ($($value:ident),* $(,)?) => {
        /// What is kept in tables, by name.
        pub(super) const VALUES: &[(&str, fn(&[u8]))] = &[$((stringify!($value), value::<$value>)),*];
    };
}
values!(
    Agent,
    Metric,
    AuditRecord,
    StoredEvent,
    StreamHead,
    Alert,
    AlertHead,
    DayUsage,
    SessionUsage,
    Presence,
    MetricHead,
    AuditHead,
    AuditFrontier,
    AuditNode,
    AuditAnchor,
    Tally,
    Token,
    Session,
    MetricSums,
    OpenMinute,
    Mark,
    Gone,
    GoneMetrics,
    Activity,
    Remembered,
    Runs,
    Approval,
    ApprovalHead,
    Grant,
    Reservation,
    Terms,
    Zone,
    Spent,
    Held,
    UnknownAgent,
    UnpricedModel,
    Delivery,
    Outbox,
    Targets,
    TargetRecord,
);

/// The keys of tables and indexes.
const KEYS: [fn(&[u8]); 13] = [
    key::<u64>,
    key::<Timestamp>,
    key::<Uuid>,
    key::<Scope>,
    key::<(i64, Uuid)>,
    key::<(Uuid, String)>,
    key::<(String, Uuid)>,
    key::<(String, Timestamp, u64)>,
    key::<(u8, u64)>,
    key::<(u8, i64, Scope)>,
    key::<(u8, i64, Counted)>,
    key::<budgets::Scope>,
    key::<(i64, budgets::Scope)>,
];

/// The first byte chooses the type: of a value, or of two keys.
pub fn codec(bytes: &[u8]) {
    let Some((kind, bytes)) = super::kind(bytes, VALUES.len() + KEYS.len()) else { return };
    match VALUES.get(kind) {
        Some((_, check)) => check(bytes),
        None => KEYS[kind - VALUES.len()](bytes),
    }
}

/// A value says after writing what it said before, in one form.
pub(super) fn value<V: Value>(bytes: &[u8]) {
    match V::from_stored(bytes) {
        Ok(value) => {
            let stored = value.to_stored().unwrap();
            let again = V::from_stored(&stored).unwrap().to_stored().unwrap();
            assert_eq!(again, stored, "{}", V::TABLE);
            let longer = [stored.as_slice(), &[0]].concat();
            assert!(V::from_stored(&longer).is_err(), "{}: a byte too many was not seen", V::TABLE);
        }
        Err(error) => assert!(error.0.starts_with(V::TABLE), "{} is told as {error}", V::TABLE),
    }
}

/// A key has one form, and forms compare as keys do.
fn key<K: Key + Ord + Debug>(mut bytes: &[u8]) {
    let Some((first, first_form)) = read::<K>(&mut bytes) else { return };
    let Some((second, second_form)) = read::<K>(&mut bytes) else { return };
    assert_eq!(first_form.cmp(second_form), first.cmp(&second), "{first:?} {second:?}");
    if let Some(end) = prefix_end(first_form) {
        assert!(end.as_slice() > first_form && !end.starts_with(first_form));
    }
}

fn read<'a, K: Key + Debug>(bytes: &mut &'a [u8]) -> Option<(K, &'a [u8])> {
    let before = *bytes;
    match K::read(bytes) {
        Ok(key) => {
            let form = &before[..before.len() - bytes.len()];
            assert_eq!(key.to_bytes(), form, "{key:?}");
            Some((key, form))
        }
        Err(error) => {
            assert!(!error.0.is_empty());
            None
        }
    }
}
