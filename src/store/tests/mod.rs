//! The store against plain models: what is put is there, what is indexed is found, and what failed has
//! left nothing.

#[path = "../../../tests/support/disk.rs"]
#[allow(dead_code, reason = "each of those who share it needs a part of it")]
mod disk;
mod faults;
mod intersect;
mod model;
mod opening;
mod postings;
mod walk;
mod writing;

use std::pin::Pin;
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};

use bincode::{Decode, Encode};

use super::*;

/// A record with an index of each shape: one text, one number; and posting lists: under one value, under several, under
/// none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
struct Toy {
    key: u64,
    name: String,
    rank: i64,
    tags: Vec<String>,
}

const BY_NAME: Index<Toy> = Index { table: "toys_by_name", values: |t, e| e.push(&t.name) };
const BY_RANK: Index<Toy> = Index { table: "toys_by_rank", values: |t, e| e.push(&t.rank) };
const BY_NAME_RANK: Index<Toy> =
    Index { table: "toys_by_name_rank", values: |t, e| e.push(&(t.name.as_str(), t.rank)) };
const BY_TAG_RANK: Index<Toy> = Index {
    table: "toys_by_tag_rank",
    values: |t, e| t.tags.iter().for_each(|tag| e.push(&(tag.as_str(), t.rank))),
};

const POSTED: Index<Toy> = Index { table: "toys_posted", values: |t, e| e.push(&t.rank) };

impl Value for Toy {
    const TABLE: TableName = "toys";
    type Key = u64;
}

impl Record for Toy {
    const INDEXES: &'static [Index<Self>] = &[BY_NAME, BY_RANK];
    const POSTINGS: &'static [Index<Self>] = &[BY_NAME_RANK, BY_TAG_RANK, POSTED];

    fn key(&self) -> u64 {
        self.key
    }
}

/// A counter, changed by `update`.
#[derive(Debug, Clone, Default, Encode, Decode)]
struct Count(u64);

impl Value for Count {
    const TABLE: TableName = "counts";
    type Key = String;
}

/// A line of a log, written by `set`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
struct Line(u64);

impl Value for Line {
    const TABLE: TableName = "lines";
    type Key = u64;
}

/// Everything that a command may do with a transaction.
#[derive(Debug)]
enum Op {
    Put(Toy),
    Remove(u64),
    Get(u64),
    FindFirst(String),
    FirstKey,
    All,
    Bump(String, u64),
    Count(String),
    Log(u64, u64),
    Forget(u64, u64),
    /// Writes, then breaks.
    Panic,
    /// Writes, then says that it failed.
    Fail,
    /// Says that it began, then waits.
    Gate(mpsc::Sender<()>, mpsc::Receiver<()>),
}

/// What a command saw.
#[derive(Debug, PartialEq)]
enum Seen {
    Toy(Option<Toy>),
    Toys(Vec<Toy>),
    Key(Option<u64>),
    Number(u64),
    Nothing,
}

fn apply(tx: &mut WriteTx<'_>, op: Op) -> Result<Seen, StoreError> {
    Ok(match op {
        Op::Put(toy) => {
            tx.put(&toy)?;
            Seen::Nothing
        }
        Op::Remove(key) => Seen::Toy(tx.remove(&key)?),
        Op::Get(key) => Seen::Toy(tx.get(&key)?),
        Op::FindFirst(name) => Seen::Key(tx.find_first(&BY_NAME, &name)?),
        Op::FirstKey => Seen::Key(tx.first_key::<Toy>()?),
        Op::All => Seen::Toys(tx.all()?),
        Op::Bump(name, by) => Seen::Number(tx.update(&name, |count: &mut Count| {
            count.0 += by;
            count.0
        })?),
        Op::Count(name) => Seen::Number(tx.get::<Count>(&name)?.unwrap_or_default().0),
        Op::Log(at, line) => {
            tx.set(&at, &Line(line))?;
            Seen::Nothing
        }
        Op::Forget(before, limit) => Seen::Number(tx.remove_before::<Line>(&before, limit)?),
        Op::Panic => {
            spoil(tx)?;
            panic!("a test wants this panic")
        }
        Op::Fail => {
            spoil(tx)?;
            return Err(StoreError::Corrupt("a test wants this failure".into()));
        }
        Op::Gate(entered, leave) => {
            entered.send(()).unwrap();
            leave.recv().unwrap();
            Seen::Nothing
        }
    })
}

/// Writes to every kind of table, also to what is held back until the end of the batch.
fn spoil(tx: &mut WriteTx<'_>) -> Result<(), StoreError> {
    tx.put(&toy(0, "spoiled", 0, &["spoiled"]))?;
    tx.update(&"spoiled".to_owned(), |count: &mut Count| count.0 += 1)?;
    tx.set(&0, &Line(0))
}

fn toy(key: u64, name: &str, rank: i64, tags: &[&str]) -> Toy {
    Toy { key, name: name.into(), rank, tags: tags.iter().map(|&t| t.to_owned()).collect() }
}

const PLAIN: Schema = Schema { steps: &[] };
const CACHE: usize = 1 << 20;

type Toys = Store<Op, Seen>;

fn on(disk: &disk::Disk) -> Location {
    let disk = disk.clone();
    Location::Custom(Box::new(move |builder| disk.open(builder)))
}

fn open(location: Location) -> Result<Toys, StoreError> {
    Store::open(location, CACHE, &PLAIN, apply, Box::new(|_| Ok(())))
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn submit(store: &Toys, op: Op) -> Result<Seen, StoreError> {
    block_on(store.submit(op))
}

type Answer<'s> = Pin<Box<dyn Future<Output = Result<Seen, StoreError>> + 's>>;

/// Submits a command without waiting for its answer.
fn submit_only(store: &Toys, op: Op) -> Answer<'_> {
    let mut answer: Answer<'_> = Box::pin(store.submit(op));
    let polled = answer.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    match polled {
        Poll::Pending => answer,
        Poll::Ready(early) => Box::pin(std::future::ready(early)),
    }
}

/// Submits commands that wait behind a gate, so that one group commit takes all of them once it opens.
fn behind_gate(store: &Toys, ops: Vec<Op>) -> (mpsc::Sender<()>, Vec<Answer<'_>>) {
    let (entered, begins) = mpsc::channel();
    let (open, leave) = mpsc::channel();
    drop(submit_only(store, Op::Gate(entered, leave)));
    begins.recv().unwrap();
    (open, ops.into_iter().map(|op| submit_only(store, op)).collect())
}

/// Applies commands in one group commit.
fn batch(store: &Toys, ops: Vec<Op>) -> Vec<Result<Seen, StoreError>> {
    let (gate, answers) = behind_gate(store, ops);
    gate.send(()).unwrap();
    answers.into_iter().map(block_on).collect()
}
