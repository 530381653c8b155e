//! The limits that figures are held against, each the least that could do the same.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use redb::{Database, TableDefinition};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

/// As much cache as agentmap has.
const CACHE: usize = 64 * 1024 * 1024;

const EVENTS: TableDefinition<u64, &[u8]> = TableDefinition::new("events");
const INDEXES: [(&str, TableDefinition<&[u8], ()>); 4] = [
    ("agent_id", TableDefinition::new("by_agent")),
    ("operation_type", TableDefinition::new("by_operation")),
    ("rbac_decision", TableDefinition::new("by_decision")),
    ("session_id", TableDefinition::new("by_session")),
];

/// Events, and who waits until they are written.
type Job = (Vec<Value>, oneshot::Sender<usize>);

/// The least that keeps events: one group commit after the other of the event as it came and four index entries, without
/// checks, hashes, counters or a stream.
pub fn keep(data: &Path) {
    let database = Database::builder().set_cache_size(CACHE).create(data).expect("created");
    let (jobs, queue) = mpsc::channel::<Job>(4096);
    std::thread::spawn(move || write(&database, queue));
    serve(move |request| {
        let jobs = jobs.clone();
        async move {
            let body = request.into_body().collect().await.expect("a body").to_bytes();
            let (answer, accepted) = oneshot::channel();
            jobs.send((events_in(&body), answer)).await.expect("the writer lives");
            let report = json!({ "accepted": accepted.await.expect("written") }).to_string();
            Response::builder().status(StatusCode::CREATED).body(Full::from(report)).expect("valid")
        }
    });
}

/// One event, one a line, or an array.
fn events_in(body: &[u8]) -> Vec<Value> {
    let values = serde_json::Deserializer::from_slice(body).into_iter().map(|value| value.expect("JSON"));
    values.flat_map(|value| if let Value::Array(events) = value { events } else { vec![value] }).collect()
}

fn write(database: &Database, mut queue: mpsc::Receiver<Job>) {
    let mut seq = 0;
    let mut batch = Vec::new();
    while queue.blocking_recv_many(&mut batch, 1024) > 0 {
        let mut answers = Vec::with_capacity(batch.len());
        let mut txn = database.begin_write().expect("begun");
        txn.set_quick_repair(true);
        {
            let mut events = txn.open_table(EVENTS).expect("opened");
            let mut indexes = INDEXES.map(|(name, table)| (name, txn.open_table(table).expect("opened")));
            for (told, answer) in batch.drain(..) {
                answers.push((answer, told.len()));
                for event in told {
                    events.insert(seq, event.to_string().as_bytes()).expect("inserted");
                    for (name, index) in &mut indexes {
                        let mut key = event[*name].as_str().unwrap_or_default().as_bytes().to_vec();
                        key.extend_from_slice(&seq.to_be_bytes());
                        index.insert(key.as_slice(), ()).expect("inserted");
                    }
                    seq += 1;
                }
            }
        }
        txn.commit().expect("committed");
        for (answer, accepted) in answers {
            let _ = answer.send(accepted);
        }
    }
}

/// The least that answers: always these bytes, from memory.
pub fn answer(body: Bytes) {
    serve(move |_| {
        let answer = Response::builder().header("content-type", "application/json");
        std::future::ready(answer.body(Full::new(body.clone())).expect("valid"))
    });
}

/// Serves over HTTP for ever, at an address that it prints.
fn serve<F>(handle: impl Fn(Request<Incoming>) -> F + Clone + Send + 'static)
where
    F: Future<Output = Response<Full<Bytes>>> + Send + 'static,
{
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        say(listener.local_addr().expect("an address"));
        loop {
            let (stream, _) = listener.accept().await.expect("accepted");
            stream.set_nodelay(true).expect("nodelay");
            let handle = handle.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request| {
                    let answer = handle(request);
                    async { Ok::<_, Infallible>(answer.await) }
                });
                let connection = hyper::server::conn::http1::Builder::new();
                let _ = connection.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
}

/// Tells the one who started this process where it listens.
pub fn say(address: SocketAddr) {
    println!("listens on http://{address}");
}
