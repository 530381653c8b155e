//! What was answered, against what is in the data file: nothing lost, nothing doubled, nothing half there.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;

use agentmap::app::SCHEMA;
use agentmap::domain::admin::ADMIN;
use agentmap::domain::agents::Agent;
use agentmap::domain::audit::AuditRecord;
use agentmap::domain::command::{Applied, Command};
use agentmap::domain::events::{Event, EventKind};
use agentmap::domain::log_id::seq_of;
use agentmap::domain::metrics::Metric;
use agentmap::store::{ReadTx, Store};
use serde_json::Value;
use uuid::Uuid;

use super::client::Client;
use super::load::BATCH;

pub const EVENTS: &str = "/api/v1/events/ingest";
pub const EVENT_BATCHES: &str = "/api/v1/events/ingest/batch";
pub const METRICS: &str = "/api/v1/metrics/";
pub const METRIC_BATCHES: &str = "/api/v1/metrics/batch";

/// A write of records, by whose marker they are known again; it is the idempotency key too.
pub struct Sent {
    pub path: &'static str,
    pub marker: String,
    pub body: Value,
}

impl Sent {
    /// The answer, if there is one.
    pub fn send(&self, client: &mut Client) -> std::io::Result<Value> {
        let (status, answer) = client.post_once(self.path, &self.marker, &self.body)?;
        assert_eq!(status, 201, "{answer}");
        Ok(answer)
    }
}

pub fn id(answer: &Value, member: &str) -> Uuid {
    answer[member].as_str().unwrap().parse().unwrap()
}

/// Everything that was answered with success, by the text by which it is known again.
#[derive(Default)]
pub struct Answered {
    pub events: BTreeMap<String, Uuid>,
    /// Batches answer with a count only.
    pub event_batches: BTreeSet<String>,
    pub metrics: BTreeMap<String, Uuid>,
    pub metric_batches: BTreeSet<String>,
    pub agents: BTreeMap<Uuid, Known>,
    /// Writes that were not answered: they are there as a whole, or not at all.
    pub unanswered: Vec<Sent>,
}

/// What is known of an agent.
#[derive(Debug, Default)]
pub struct Known {
    pub name: String,
    /// How many edits were asked for, and how many of them answered.
    pub asked: u64,
    pub edits: u64,
    /// Whether its deletion was answered; `None` where it was not asked for.
    pub deletion: Option<bool>,
}

/// How often the stream told of an agent's creation, edits and deletion.
#[derive(Debug, Default, PartialEq)]
struct Told {
    created: u64,
    edited: u64,
    deleted: u64,
}

/// How often each text is there, of records that stand alone and of batches.
type Counts = BTreeMap<String, usize>;

fn count(counts: &mut Counts, marker: Option<String>) {
    *counts.entry(marker.expect("every record has a marker")).or_default() += 1;
}

/// Each single record is there once and each batch as a whole, whether or not they were answered.
fn assert_whole(counts: &Counts, single: &str) {
    for (marker, count) in counts {
        let wanted = if marker.starts_with(single) { 1 } else { BATCH };
        assert_eq!(*count, wanted, "{marker} is doubled, or half there");
    }
}

impl Answered {
    pub fn extend(&mut self, more: Self) {
        self.events.extend(more.events);
        self.event_batches.extend(more.event_batches);
        self.metrics.extend(more.metrics);
        self.metric_batches.extend(more.metric_batches);
        self.agents.extend(more.agents);
        self.unanswered.extend(more.unanswered);
    }

    /// Takes in what a write was answered with.
    pub fn take(&mut self, sent: Sent, answer: &Value) {
        let Sent { path, marker, .. } = sent;
        match path {
            EVENTS => drop(self.events.insert(marker, id(answer, "audit_id"))),
            METRICS => drop(self.metrics.insert(marker, id(answer, "metric_id"))),
            _ => {
                assert_eq!(answer["accepted"], BATCH);
                let batches =
                    if path == EVENT_BATCHES { &mut self.event_batches } else { &mut self.metric_batches };
                batches.insert(marker);
            }
        }
    }

    /// Sends again what was not answered, each twice: both answers tell of the same, and now it was answered.
    pub fn repeat_unanswered(&mut self, address: SocketAddr) {
        let mut client = Client::connect(address).unwrap();
        for sent in std::mem::take(&mut self.unanswered) {
            let answer = sent.send(&mut client).unwrap();
            assert_eq!(sent.send(&mut client).unwrap(), answer, "{}", sent.marker);
            self.take(sent, &answer);
        }
    }

    /// How many writes these are.
    pub fn len(&self) -> u64 {
        let records =
            self.events.len() + self.event_batches.len() + self.metrics.len() + self.metric_batches.len();
        let agents =
            self.agents.values().map(|agent| 1 + agent.edits + u64::from(agent.deletion == Some(true)));
        records as u64 + agents.sum::<u64>()
    }

    /// All of it is in the data file, which a server may have open, and nothing is there twice.
    pub fn assert_kept(&self, data: &Path) {
        let store = Store::<Command, Applied>::open_read_only(data, 1 << 22, &SCHEMA).unwrap();
        let tx = store.begin_read().unwrap();
        self.assert_events(&tx);
        self.assert_metrics(&tx);
        self.assert_agents(&tx);
    }

    fn assert_events(&self, tx: &ReadTx) {
        let mut counts = Counts::new();
        for entry in tx.all::<AuditRecord>().unwrap() {
            let told = entry.unwrap().1.told;
            // What was done to agents, which the stream tells as well.
            if told.operation_type.as_deref() != Some(ADMIN) {
                count(&mut counts, told.operation_detail);
            }
        }
        assert_whole(&counts, "event-");
        for (marker, id) in &self.events {
            let record = tx.get::<AuditRecord>(&seq_of(*id)).unwrap().expect("an event was lost");
            assert_eq!((record.id(), record.told.operation_detail.as_ref()), (*id, Some(marker)));
        }
        for marker in &self.event_batches {
            assert!(counts.contains_key(marker), "the batch {marker} was lost");
        }
    }

    fn assert_metrics(&self, tx: &ReadTx) {
        let mut counts = Counts::new();
        for entry in tx.all::<Metric>().unwrap() {
            count(&mut counts, entry.unwrap().1.session_id);
        }
        assert_whole(&counts, "metric-");
        for (marker, id) in &self.metrics {
            let metric = tx.get::<Metric>(&seq_of(*id)).unwrap().expect("a metric was lost");
            assert_eq!((metric.id(), metric.session_id.as_ref()), (*id, Some(marker)));
        }
        for marker in &self.metric_batches {
            assert!(counts.contains_key(marker), "the batch {marker} was lost");
        }
    }

    fn assert_agents(&self, tx: &ReadTx) {
        let mut told: BTreeMap<String, Told> = BTreeMap::new();
        for event in Event::after(tx, 0, usize::MAX).unwrap() {
            let told = told.entry(event.agent_name).or_default();
            match event.kind {
                EventKind::AgentCreated => told.created += 1,
                EventKind::AgentUpdated => told.edited += 1,
                EventKind::AgentDeleted => told.deleted += 1,
                _ => {}
            }
        }
        for told in told.values() {
            assert!(told.created <= 1 && told.deleted <= told.created, "{told:?}");
        }
        for (id, known) in &self.agents {
            let told = &told[&known.name];
            let agent = tx.get::<Agent>(id).unwrap();
            assert_eq!(told.created, 1, "{known:?}: {told:?}");
            assert!((known.edits..=known.asked).contains(&told.edited), "{known:?}: {told:?}");
            assert_eq!(told.deleted, u64::from(agent.is_none()), "{known:?}: {told:?}");
            match (known.deletion, &agent) {
                (None, None) => panic!("{known:?} was lost"),
                (Some(true), Some(_)) => panic!("{known:?} was deleted and is there"),
                _ => {}
            }
            if let Some(agent) = agent {
                let described = agent.description.as_deref().map_or(0, |text| text.parse().unwrap());
                assert_eq!(told.edited, described, "{known:?}");
            }
        }
    }

    /// The server that has the data tells of some of it.
    pub fn assert_served(&self, address: SocketAddr) {
        let mut client = Client::connect(address).unwrap();
        for (marker, id) in self.events.iter().rev().take(3) {
            let record = client.get(&format!("/api/v1/events/audit/{id}"));
            assert_eq!(record["operation"]["detail"], marker.as_str());
        }
        for (id, known) in self.agents.iter().filter(|(_, known)| known.deletion != Some(false)).take(3) {
            let (status, agent) = client.request("GET", &format!("/api/v1/agents/{id}"), None).unwrap();
            match known.deletion {
                None => assert_eq!((status, agent["name"].as_str()), (200, Some(known.name.as_str()))),
                Some(_) => assert_eq!(status, 404),
            }
        }
    }
}
