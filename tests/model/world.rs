//! A store of the domain that a test drives batch by batch, over memory that outlives it.

use std::collections::BTreeMap;
use std::io;
use std::ops::Bound;
use std::pin::Pin;
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Waker};

use agentmap::app::SCHEMA;
use agentmap::domain::command::{Applied, Command, Outcome, apply};
use agentmap::domain::events::Event;
use agentmap::domain::roster::Roster;
use agentmap::store::{Location, News, ReadTx, Store, StoreError, WriteTx};
use redb::StorageBackend;
use redb::backends::InMemoryBackend;

use super::closing::close_minutes;

/// Memory that stays when the database on it is closed.
#[derive(Debug, Clone, Default)]
pub struct Disk(Arc<InMemoryBackend>);

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, out)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }
    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write(offset, data)
    }
}

impl Disk {
    /// Another disk with the same content.
    pub fn copy(&self) -> Self {
        let copy = Self::default();
        let mut bytes = vec![0; usize::try_from(self.len().unwrap()).unwrap()];
        self.read(0, &mut bytes).unwrap();
        copy.set_len(bytes.len() as u64).unwrap();
        copy.write(0, &bytes).unwrap();
        copy
    }

    /// The database on it, for what no command does.
    pub fn database(&self) -> redb::Database {
        redb::Database::builder().create_with_backend(self.clone()).unwrap()
    }
}

enum Job {
    Command(Box<Command>),
    /// Closes the open minutes.
    Close,
    /// Says that it began, then waits, so that the next commands become one batch.
    Gate(mpsc::Sender<()>, mpsc::Receiver<()>),
}

fn carry_out(tx: &mut WriteTx<'_>, job: Job) -> Result<Applied, StoreError> {
    match job {
        Job::Command(command) => apply(tx, *command),
        Job::Close => {
            close_minutes(tx)?;
            Ok(done())
        }
        Job::Gate(entered, leave) => {
            entered.send(()).unwrap();
            leave.recv().unwrap();
            Ok(done())
        }
    }
}

fn done() -> Applied {
    Applied {
        outcome: Ok(Outcome::Done),
        events: Vec::new(),
        changes: Vec::new(),
        keys: Vec::new(),
        of_stream: false,
    }
}

/// An open store, all that it has published, and the roster that followed its changes.
pub struct World {
    pub disk: Disk,
    store: Option<Store<Job, Applied>>,
    published: Arc<Mutex<Vec<Event>>>,
    pub roster: Roster,
}

/// All tables, raw.
pub type Dump = BTreeMap<String, Vec<(Vec<u8>, Vec<u8>)>>;

impl World {
    pub fn new() -> Self {
        Self::on(Disk::default())
    }

    pub fn on(disk: Disk) -> Self {
        let mut world = Self { disk, store: None, published: Arc::default(), roster: Roster::default() };
        world.restart();
        world
    }

    /// A world in which a history has happened, in batches of a few sizes.
    pub fn after(history: &[Command]) -> (Self, Vec<Applied>) {
        let mut world = Self::new();
        let applied = world.apply_in(history, &[(7, false), (1, false), (30, false)]);
        (world, applied)
    }

    /// Closes the store, if it is open, and opens it again.
    pub fn restart(&mut self) {
        self.store = None;
        let (disk, published) = (self.disk.clone(), Arc::clone(&self.published));
        let location = Location::Custom(Box::new(move |b| b.create_with_backend(disk.clone())));
        let listener = Box::new(move |news: News<'_, '_, Applied>| {
            if let News::Committed(batch) = news {
                published.lock().unwrap().extend(batch.iter().flat_map(|applied| applied.events.clone()));
            }
            Ok(())
        });
        self.store = Some(Store::open(location, 1 << 20, &SCHEMA, carry_out, listener).unwrap());
        self.roster = Roster::load(&self.read()).unwrap();
    }

    /// Applies a history in batches of the given sizes, over and over, each followed by a restart or not.
    pub fn apply_in(&mut self, history: &[Command], batches: &[(usize, bool)]) -> Vec<Applied> {
        let mut applied = Vec::new();
        let mut batches = batches.iter().cycle();
        let mut rest = history;
        while !rest.is_empty() {
            let (size, restart) = *batches.next().unwrap();
            let (batch, later) = rest.split_at(size.min(rest.len()));
            applied.extend(self.batch(batch));
            if restart {
                self.restart();
            }
            rest = later;
        }
        applied
    }

    /// Applies commands in one group commit.
    pub fn batch(&mut self, commands: &[Command]) -> Vec<Applied> {
        let store = self.store.as_ref().unwrap();
        let (entered, begins) = mpsc::channel();
        let (open, leave) = mpsc::channel();
        let mut gate = Box::pin(store.submit(Job::Gate(entered, leave)));
        poll(gate.as_mut());
        begins.recv().unwrap();
        let mut answers: Vec<_> = commands
            .iter()
            .map(|command| Box::pin(store.submit(Job::Command(Box::new(command.clone())))))
            .collect();
        for answer in &mut answers {
            poll(answer.as_mut());
        }
        open.send(()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let applied: Vec<_> = answers.into_iter().map(|answer| runtime.block_on(answer).unwrap()).collect();
        self.roster = self.roster.with(applied.iter().flat_map(|applied| &applied.changes));
        applied
    }

    /// Closes the open minutes: no time lacks what is summed in a shorter one.
    pub fn close_minutes(&self) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(self.store.as_ref().unwrap().submit(Job::Close)).unwrap();
    }

    pub fn read(&self) -> ReadTx {
        self.store.as_ref().unwrap().begin_read().unwrap()
    }

    /// Everything that the store told after its commits, in order.
    pub fn published(&self) -> Vec<Event> {
        self.published.lock().unwrap().clone()
    }

    pub fn dump(&self) -> Dump {
        dump(&self.read())
    }

    /// The tables that hold something: to look into one makes it.
    pub fn full(&self) -> Dump {
        let mut dump = self.dump();
        dump.retain(|_, entries| !entries.is_empty());
        dump
    }
}

/// Puts a command into the queue.
fn poll<T>(future: Pin<&mut impl Future<Output = T>>) {
    let polled = future.poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(polled, Poll::Pending));
}

pub fn dump(tx: &ReadTx) -> Dump {
    let entries = |name: &str| {
        let all = tx.range_raw(name.to_owned().leak(), Bound::Unbounded, Bound::Unbounded);
        all.unwrap().map(Result::unwrap).collect()
    };
    tx.tables().unwrap().into_iter().map(|name| (name.clone(), entries(&name))).collect()
}
