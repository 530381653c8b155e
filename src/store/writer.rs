//! The writer thread: group commit.
//!
//! redb has one writer and syncs at each commit, so requests never open write transactions. They
//! queue commands; the thread takes all that wait, applies them in one transaction, commits once,
//! and then answers each.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use super::database::Database;
use super::error::StoreError;
use super::read::ReadTx;
use super::write::WriteTx;

/// Applies one command. It checks first and writes after: an outcome that refuses the command has
/// written nothing. An error here fails the whole batch.
pub type Apply<C, O> = fn(&mut WriteTx<'_>, C) -> Result<O, StoreError>;

/// What the store's owner is told.
pub enum News<'a, 't, O> {
    /// The data is about to be opened, for the first time or again. An error leaves it as it is.
    Opening(&'a mut WriteTx<'t>),
    /// The data is open, for the first time or again: what is held in memory of it must be read anew.
    Opened(&'a ReadTx),
    /// A batch is committed and not answered yet: its outcomes, in order.
    Committed(&'a mut [O]),
    /// The batch is answered. What takes long, and nobody who waits for an answer waits for, is done now.
    Answered,
}

/// Who is told. An error at the opening fails it.
pub type Listener<O> = Box<dyn FnMut(News<'_, '_, O>) -> Result<(), StoreError> + Send>;

/// One command and where its answer goes.
pub(super) struct Job<C, O> {
    pub command: C,
    pub answer: oneshot::Sender<Result<O, StoreError>>,
}

/// How many commands may wait; beyond that, submitters wait for a place.
pub(super) const QUEUE: usize = 4096;
/// How many commands one transaction takes at most, so that the first is not kept waiting.
const BATCH: usize = 1024;
/// How long the thread waits between two tries to reopen a file that failed.
const REOPEN_EVERY: Duration = Duration::from_secs(1);

pub(super) struct Writer<C, O> {
    pub database: Arc<Database>,
    pub apply: Apply<C, O>,
    pub listener: Listener<O>,
    pub jobs: mpsc::Receiver<Job<C, O>>,
}

impl<C: Send + 'static, O: Send + 'static> Writer<C, O> {
    pub(super) fn spawn(self) -> std::io::Result<JoinHandle<()>> {
        std::thread::Builder::new().name("writer".into()).spawn(move || self.run())
    }

    /// Serves until every sender is gone and the queue is empty.
    fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH);
        let mut failed_at: Option<Instant> = None;
        while self.jobs.blocking_recv_many(&mut batch, BATCH) > 0 {
            let (commands, answers): (Vec<_>, Vec<_>) =
                batch.drain(..).map(|job| (job.command, job.answer)).unzip();
            // A failed file is not hammered: commands within the pause get the failure at once.
            if failed_at.is_some_and(|at| at.elapsed() < REOPEN_EVERY) {
                let failure = self.database.failure();
                Self::fail(answers, &failure.unwrap_or(StoreError::Unavailable("it failed a moment ago")));
                continue;
            }
            // A panic outside of `apply` leaves nobody knows what behind, here and in what is held in memory: all of it
            // is read anew, as after a failure of the file.
            let carried_out = catch_unwind(AssertUnwindSafe(|| {
                if failed_at.is_some() {
                    self.reopen()?;
                    failed_at = None;
                }
                self.commit(commands)
            }));
            match carried_out.unwrap_or(Err(StoreError::Broke)) {
                Ok(outcomes) => {
                    self.database.note_success();
                    for (answer, outcome) in answers.into_iter().zip(outcomes) {
                        // A submitter that went away is no failure: its write stands.
                        let _ = answer.send(Ok(outcome));
                    }
                }
                Err(e) => {
                    // A command that broke says nothing of the storage: the next batch may go on at once.
                    if failed_at.is_some() || e.is_of_storage() {
                        self.database.note_failure(&e);
                        failed_at = Some(Instant::now());
                    } else if matches!(e, StoreError::Removed | StoreError::Replaced) {
                        // The handle is whole, and the last that has what was written: it is kept.
                        self.database.note_failure(&e);
                    }
                    Self::fail(answers, &e);
                }
            }
            if let Err(error) = (self.listener)(News::Answered) {
                tracing::error!(%error, "what follows an answer failed");
            }
        }
    }

    fn reopen(&mut self) -> Result<(), StoreError> {
        self.database.reopen()?;
        let txn = self.database.begin_write()?;
        (self.listener)(News::Opening(&mut WriteTx::new(&txn)))?;
        txn.abort().map_err(StoreError::from)?;
        // A commit whose sync failed may have reached the disk all the same.
        (self.listener)(News::Opened(&self.database.begin_read()?))
    }

    fn commit(&mut self, commands: Vec<C>) -> Result<Vec<O>, StoreError> {
        let txn = self.database.begin_write()?;
        let mut tx = WriteTx::new(&txn);
        let mut outcomes = Vec::with_capacity(commands.len());
        for command in commands {
            // A panic in `apply` is a bug; it costs its batch, not the server.
            let applied = catch_unwind(AssertUnwindSafe(|| (self.apply)(&mut tx, command)));
            outcomes.push(applied.map_err(|_| StoreError::Panicked)??);
        }
        tx.finish()?;
        txn.commit()?;
        (self.listener)(News::Committed(&mut outcomes))?;
        Ok(outcomes)
    }

    fn fail(answers: Vec<oneshot::Sender<Result<O, StoreError>>>, error: &StoreError) {
        for answer in answers {
            let _ = answer.send(Err(error.clone()));
        }
    }
}
