//! Writes from several connections, and what of them was answered.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;

use serde_json::{Value, json};
use uuid::Uuid;

use super::answered::{Answered, EVENT_BATCHES, EVENTS, Known, METRIC_BATCHES, METRICS, Sent, id};
use super::client::Client;
use super::process::PATIENCE;

/// How many write at once.
pub const WRITERS: usize = 32;
/// How many records a batch has.
pub const BATCH: usize = 7;

#[derive(Default)]
struct Shared {
    answered: Mutex<Answered>,
    count: Mutex<u64>,
    more: Condvar,
}

impl Shared {
    fn note<T>(&self, what: impl FnOnce(&mut Answered) -> T) {
        let _ = what(&mut self.answered.lock().unwrap());
        *self.count.lock().unwrap() += 1;
        self.more.notify_all();
    }

    /// Sends a write with its marker as its key, and notes what was answered, or that nothing was.
    fn post(
        &self,
        client: &mut Client,
        path: &'static str,
        marker: String,
        body: Value,
    ) -> std::io::Result<()> {
        let sent = Sent { path, marker, body };
        match sent.send(client) {
            Ok(answer) => self.note(|a| a.take(sent, &answer)),
            Err(error) => {
                self.answered.lock().unwrap().unanswered.push(sent);
                return Err(error);
            }
        }
        Ok(())
    }
}

/// Clients at work until their server is gone.
pub struct Load {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

/// Texts that no two writes share, by which they are known again.
fn marker(kind: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{kind}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

type Work = fn(&mut Client, &Shared) -> std::io::Result<()>;

impl Load {
    pub fn start(address: SocketAddr) -> Self {
        let shared = Arc::new(Shared::default());
        let work: [Work; 5] = [write_event, write_event_batch, write_metrics, write_metric_batch, edit_agent];
        let threads = work.into_iter().cycle().take(WRITERS).map(|work| {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || {
                let mut client = Client::connect(address).unwrap();
                while work(&mut client, &shared).is_ok() {}
            })
        });
        let threads = threads.collect();
        Self { shared, threads }
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

/// Sends a write and expects its answer, if there is one.
fn send(client: &mut Client, method: &str, path: &str, body: &Value, wanted: u16) -> std::io::Result<Value> {
    let (status, answer) = client.request(method, path, (!body.is_null()).then_some(body))?;
    assert_eq!(status, wanted, "{answer}");
    Ok(answer)
}

fn event(marker: &str) -> Value {
    json!({"agent_name": "hook", "operation_type": "tool_use", "rbac_decision": "allowed", "operation_detail": marker})
}

fn write_event(client: &mut Client, shared: &Shared) -> std::io::Result<()> {
    let marker = marker("event");
    let event = event(&marker);
    shared.post(client, EVENTS, marker, event)
}

fn write_event_batch(client: &mut Client, shared: &Shared) -> std::io::Result<()> {
    let marker = marker("events");
    let batch: Vec<_> = (0..BATCH).map(|_| event(&marker)).collect();
    shared.post(client, EVENT_BATCHES, marker, batch.into())
}

fn draft(name: &str) -> Value {
    json!({
        "name": name, "role": "developer", "capabilities": [], "rbac_allowed_tools": ["Read"],
        "rbac_path_scopes": ["src/**"], "budget_max_tokens_per_session": 1000, "budget_max_cost_per_day": 0.5,
        "metadata_category": "delivery", "metadata_tags": ["load"]
    })
}

fn create(client: &mut Client, name: &str) -> std::io::Result<Uuid> {
    Ok(id(&send(client, "POST", "/api/v1/agents/", &draft(name), 201)?, "agent_id"))
}

fn metric(agent: &str, marker: &str) -> Value {
    json!({
        "agent_id": agent, "metric_type": "execution", "execution_time_ms": 3, "success": true, "tokens_used": 70,
        "cost_usd": 0.03, "quality_score": 0.9, "session_id": marker
    })
}

fn write_metrics(client: &mut Client, shared: &Shared) -> std::io::Result<()> {
    let agent = marker("metered");
    create(client, &agent)?;
    for _ in 0..20 {
        let marker = marker("metric");
        let metric = metric(&agent, &marker);
        shared.post(client, METRICS, marker, metric)?;
    }
    Ok(())
}

fn write_metric_batch(client: &mut Client, shared: &Shared) -> std::io::Result<()> {
    let agent = marker("metered");
    create(client, &agent)?;
    for _ in 0..20 {
        let marker = marker("metrics");
        let batch: Vec<_> = (0..BATCH).map(|_| metric(&agent, &marker)).collect();
        shared.post(client, METRIC_BATCHES, marker, batch.into())?;
    }
    Ok(())
}

/// Creates an agent, changes it some times, and deletes every other.
fn edit_agent(client: &mut Client, shared: &Shared) -> std::io::Result<()> {
    let name = marker("edited");
    let id = create(client, &name)?;
    shared.note(|a| a.agents.insert(id, Known { name, ..Known::default() }));
    let path = format!("/api/v1/agents/{id}");
    let known = |what: &dyn Fn(&mut Known)| shared.note(|a| what(a.agents.get_mut(&id).unwrap()));
    for edit in 1..=3 {
        known(&|agent| agent.asked = edit);
        send(client, "PUT", &path, &json!({"description": edit.to_string()}), 200)?;
        known(&|agent| agent.edits = edit);
    }
    if id.as_u128().is_multiple_of(2) {
        known(&|agent| agent.deletion = Some(false));
        send(client, "DELETE", &path, &Value::Null, 204)?;
        known(&|agent| agent.deletion = Some(true));
    }
    Ok(())
}
