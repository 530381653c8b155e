//! Writes from several connections, and what of them was answered.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;

use agentmap::app::SCHEMA;
use agentmap::domain::agents::Agent;
use agentmap::domain::audit::AuditRecord;
use agentmap::domain::command::{Applied, Command};
use agentmap::domain::log_id::seq_of;
use agentmap::domain::metrics::Metric;
use agentmap::store::Store;
use serde_json::{Value, json};
use uuid::Uuid;

use super::client::Client;
use super::process::PATIENCE;

/// Everything that was answered with success, each with the text by which it is known again.
#[derive(Default)]
pub struct Answered {
    events: BTreeMap<Uuid, String>,
    metrics: BTreeMap<Uuid, String>,
    /// Batches answer with a count only: how many records carry the text.
    batches: BTreeMap<String, usize>,
    /// The description, or `None` where the agent was deleted.
    agents: BTreeMap<Uuid, Option<String>>,
    /// Agents of which something was asked and not answered.
    unsure: Vec<Uuid>,
}

#[derive(Default)]
struct Shared {
    answered: Mutex<Answered>,
    count: Mutex<u64>,
    more: Condvar,
}

impl Shared {
    fn note(&self, what: impl FnOnce(&mut Answered)) {
        what(&mut self.answered.lock().unwrap());
        *self.count.lock().unwrap() += 1;
        self.more.notify_all();
    }
}

/// Clients at work until their server is gone.
pub struct Load {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

/// Texts that no two writes share.
fn marker() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("m-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

type Work = fn(&mut Client, &Shared) -> std::io::Result<()>;

impl Load {
    pub fn start(address: SocketAddr) -> Self {
        let shared = Arc::new(Shared::default());
        let work: [Work; 5] = [write_event, write_event, write_batch, write_metric, write_agent];
        let threads = work.map(|work| {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || {
                let mut client = Client::connect(address).unwrap();
                while work(&mut client, &shared).is_ok() {}
            })
        });
        Self { shared, threads: threads.into() }
    }

    /// Waits until so many writes were answered.
    pub fn wait_for(&self, count: u64) {
        let lock = self.shared.count.lock().unwrap();
        let (lock, timeout) =
            self.shared.more.wait_timeout_while(lock, PATIENCE, |done| *done < count).unwrap();
        assert!(!timeout.timed_out(), "only {lock} writes were answered");
    }

    /// What was answered, once the server is gone.
    pub fn end(self) -> Answered {
        for thread in self.threads {
            thread.join().unwrap();
        }
        std::mem::take(&mut self.shared.answered.lock().unwrap())
    }
}

fn id(answer: &Value, member: &str) -> Uuid {
    answer[member].as_str().unwrap().parse().unwrap()
}

fn expect(status: u16, wanted: u16, answer: &Value) {
    assert_eq!(status, wanted, "{answer}");
}

fn event(marker: &str) -> Value {
    json!({"agent_name": "hook", "operation_type": "tool_use", "rbac_decision": "allowed", "operation_detail": marker})
}

fn write_event(client: &mut Client, shared: &Shared) -> std::io::Result<()> {
    let marker = marker();
    let (status, answer) = client.request("POST", "/api/v1/events/ingest", Some(&event(&marker)))?;
    expect(status, 201, &answer);
    shared.note(|a| drop(a.events.insert(id(&answer, "audit_id"), marker)));
    Ok(())
}

fn write_batch(client: &mut Client, shared: &Shared) -> std::io::Result<()> {
    let marker = marker();
    let batch: Vec<_> = (0..7).map(|_| event(&marker)).collect();
    let (status, answer) = client.request("POST", "/api/v1/events/ingest/batch", Some(&batch.into()))?;
    expect(status, 201, &answer);
    assert_eq!(answer["accepted"], 7);
    shared.note(|a| {
        a.batches.insert(marker, 7);
    });
    Ok(())
}

fn draft(name: &str) -> Value {
    json!({
        "name": name, "role": "developer", "capabilities": [], "rbac_allowed_tools": ["Read"],
        "rbac_path_scopes": ["src/**"], "budget_max_tokens_per_session": 1000, "budget_max_cost_per_day": 0.5,
        "metadata_category": "delivery", "metadata_tags": ["load"]
    })
}

fn write_metric(client: &mut Client, shared: &Shared) -> std::io::Result<()> {
    let marker = marker();
    let agent = format!("metered-{marker}");
    let (status, answer) = client.request("POST", "/api/v1/agents/", Some(&draft(&agent)))?;
    expect(status, 201, &answer);
    for n in 0..20 {
        let metric = json!({
            "agent_id": agent, "metric_type": "execution", "execution_time_ms": n, "success": n % 3 > 0,
            "tokens_used": 70, "cost_usd": 0.03, "quality_score": 0.9, "session_id": marker
        });
        let (status, answer) = client.request("POST", "/api/v1/metrics/", Some(&metric))?;
        expect(status, 201, &answer);
        shared.note(|a| drop(a.metrics.insert(id(&answer, "metric_id"), marker.clone())));
    }
    Ok(())
}

/// Creates an agent, changes it, and deletes every other.
fn write_agent(client: &mut Client, shared: &Shared) -> std::io::Result<()> {
    let marker = marker();
    let (status, answer) = client.request("POST", "/api/v1/agents/", Some(&draft(&marker)))?;
    expect(status, 201, &answer);
    let id = id(&answer, "agent_id");
    let path = format!("/api/v1/agents/{id}");
    let change = json!({"description": marker});
    let unsure = |error| {
        shared.note(|a| a.unsure.push(id));
        Err(error)
    };
    match client.request("PUT", &path, Some(&change)) {
        Ok((status, answer)) => expect(status, 200, &answer),
        Err(error) => return unsure(error),
    }
    shared.note(|a| drop(a.agents.insert(id, Some(marker))));
    if id.as_u128().is_multiple_of(2) {
        match client.request("DELETE", &path, None) {
            Ok((status, answer)) => expect(status, 204, &answer),
            Err(error) => return unsure(error),
        }
        shared.note(|a| drop(a.agents.insert(id, None)));
    }
    Ok(())
}

impl Answered {
    pub fn extend(&mut self, more: Self) {
        self.events.extend(more.events);
        self.metrics.extend(more.metrics);
        self.batches.extend(more.batches);
        self.agents.extend(more.agents);
        self.unsure.extend(more.unsure);
    }

    /// All of it is in the data file, which a server may have open.
    pub fn assert_kept(&self, data: &Path) {
        let store = Store::<Command, Applied>::open_read_only(data, 1 << 22, &SCHEMA).unwrap();
        let tx = store.begin_read().unwrap();
        for (id, marker) in &self.events {
            let record = tx.get::<AuditRecord>(&seq_of(*id)).unwrap().expect("an event was lost");
            assert_eq!((record.id(), record.told.operation_detail.as_ref()), (*id, Some(marker)));
        }
        for (id, marker) in &self.metrics {
            let metric = tx.get::<Metric>(&seq_of(*id)).unwrap().expect("a metric was lost");
            assert_eq!((metric.id(), metric.session_id.as_ref()), (*id, Some(marker)));
        }
        let mut batches: BTreeMap<String, usize> = BTreeMap::new();
        for entry in tx.all::<AuditRecord>().unwrap() {
            *batches.entry(entry.unwrap().1.told.operation_detail.unwrap()).or_default() += 1;
        }
        for (marker, count) in &self.batches {
            assert_eq!(batches.get(marker), Some(count), "a batch was lost");
        }
        // Also what was not answered is there as a whole or not at all.
        assert!(batches.values().all(|count| [1, 7].contains(count)), "a batch is half there");
        for (id, description) in self.agents.iter().filter(|(id, _)| !self.unsure.contains(id)) {
            let agent = tx.get::<Agent>(id).unwrap();
            assert_eq!(agent.map(|agent| agent.description), description.clone().map(Some), "{id}");
        }
    }

    /// The server that has the data tells of some of it.
    pub fn assert_served(&self, address: SocketAddr) {
        let mut client = Client::connect(address).unwrap();
        for (id, marker) in self.events.iter().rev().take(3) {
            let record = client.get(&format!("/api/v1/events/audit/{id}"));
            assert_eq!(record["operation"]["detail"], marker.as_str());
        }
        for (id, description) in self.agents.iter().filter(|(id, _)| !self.unsure.contains(id)).take(3) {
            let (status, agent) = client.request("GET", &format!("/api/v1/agents/{id}"), None).unwrap();
            match description {
                Some(text) => assert_eq!((status, agent["description"].as_str()), (200, Some(text.as_str()))),
                None => assert_eq!(status, 404),
            }
        }
    }
}
