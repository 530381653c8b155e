//! The application: the store, the roster and the live bus, tied together.

mod memory;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use arc_swap::ArcSwap;
use tokio::sync::watch;
use uuid::Uuid;

use crate::config::Config;
use crate::domain::access::Actor;
use crate::domain::activity;
use crate::domain::audit_tree;
use crate::domain::budgets;
use crate::domain::command::{Action, Applied, Command, Outcome, apply};
use crate::domain::events::Event;
use crate::domain::keyring::Keyring;
use crate::domain::live::Live;
use crate::domain::policy::rulebook::Rulebook;
use crate::domain::prices::Prices;
use crate::domain::recording;
use crate::domain::refusal::Refusal;
use crate::domain::rollup;
use crate::domain::roster::Roster;
use crate::domain::time::Timestamp;
use crate::notary::Notary;
use crate::secret;
use crate::store::{Location, News, ReadTx, Schema, Store, StoreError};
use memory::Memory;

/// The schema of the data files that this program writes.
pub const SCHEMA: Schema =
    Schema { steps: &[activity::fill, audit_tree::fill, budgets::fill, recording::post, rollup::open_none] };

/// A snapshot of the data, for those who read and must not know the store.
pub type Snapshot = ReadTx;

/// Tells the time. Tests bring their own.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The clock of the machine.
#[must_use]
pub fn system_clock() -> Clock {
    Arc::new(|| {
        let nanos = time::OffsetDateTime::now_utc().unix_timestamp_nanos();
        Timestamp(i64::try_from(nanos / 1000).unwrap_or(i64::MAX))
    })
}

/// A random number that makes ids unguessable.
#[must_use]
pub fn nonce() -> u64 {
    Uuid::new_v4().as_u64_pair().1
}

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// It may not be done, or cannot.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Storage failed, or is shut down. It may work later.
    #[error("{cause}")]
    Unavailable {
        /// What a client may know of it.
        reason: &'static str,
        /// All that is known.
        cause: String,
    },
    /// The data contradicts itself.
    #[error("{0}")]
    Broken(String),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Corrupt(_) | StoreError::Panicked => Self::Broken(error.to_string()),
            _ => Self::Unavailable { reason: error.reason(), cause: error.to_string() },
        }
    }
}

/// The application.
pub struct App {
    /// The effective settings.
    pub config: Config,
    store: Store<Command, Applied>,
    local_credential: String,
    memory: Arc<Memory>,
    pub(crate) rulebook: Rulebook,
    pub(crate) prices: ArcSwap<Prices>,
    clock: Clock,
    started: Instant,
    stopping: watch::Sender<bool>,
    subscribers: watch::Sender<usize>,
}

impl App {
    /// Opens the data and gets ready to serve.
    ///
    /// # Errors
    /// When the data is locked, too new, damaged, not reachable, or not what was signed.
    pub fn open(config: Config, location: Location, clock: Clock) -> Result<Arc<Self>, StoreError> {
        let notary = match &location {
            Location::File(path) => Notary::beside(path)?,
            _ => Notary::in_memory()?,
        };
        let (roster, keyring) = (ArcSwap::default(), ArcSwap::default());
        let memory =
            Arc::new(Memory { live: Live::new(0), roster, keyring, notary, commits: AtomicU64::new(0) });
        let listener = Arc::clone(&memory);
        let listener = Box::new(move |news: News<'_, '_, Applied>| listener.hear(news));
        let store = Store::open(location, config.cache_bytes, &SCHEMA, apply, listener)?;
        memory.notary.keep_key()?;
        let local_credential = secret::new("").map_err(StoreError::Io)?;
        let app = Arc::new(Self {
            config,
            store,
            local_credential,
            memory,
            rulebook: Rulebook::default(),
            prices: ArcSwap::from_pointee(Prices::built_in()),
            clock,
            started: Instant::now(),
            stopping: watch::Sender::new(false),
            subscribers: watch::Sender::new(0),
        });
        app.bring_checkpoint_up_to_date();
        Ok(app)
    }

    /// The present time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Carries out an action of the user of this machine, or of the server itself; it is on disk when this returns.
    ///
    /// # Errors
    /// When it is refused, or storage fails.
    pub async fn submit(&self, action: Action) -> Result<Outcome, Failure> {
        self.submit_by(Actor::default(), action).await
    }

    /// Carries out an action of `by`; it is on disk when this returns.
    ///
    /// # Errors
    /// When it is refused, or storage fails.
    pub async fn submit_by(&self, by: Actor, action: Action) -> Result<Outcome, Failure> {
        let command = Command { at: self.now(), nonce: nonce(), by, action };
        Ok(self.store.submit(command).await?.outcome?)
    }

    /// Reads a few rows, in place.
    ///
    /// # Errors
    /// When storage fails.
    pub fn read<T>(&self, f: impl FnOnce(&ReadTx) -> Result<T, StoreError>) -> Result<T, Failure> {
        Ok(self.store.read(f)?)
    }

    /// Reads what may be many rows, away from the threads that serve requests.
    ///
    /// # Errors
    /// When storage fails.
    pub async fn read_many<T: Send + 'static>(
        self: &Arc<Self>,
        f: impl FnOnce(&ReadTx, &Roster, Timestamp) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Failure> {
        let app = Arc::clone(self);
        let read = tokio::task::spawn_blocking(move || {
            let now = app.now();
            app.store.read(|tx| f(tx, &app.roster(), now))
        });
        read.await.map_err(|e| Failure::Broken(e.to_string()))?.map_err(Failure::from)
    }

    /// A snapshot of the data, for reading in several steps.
    ///
    /// # Errors
    /// When storage fails.
    pub fn snapshot(&self) -> Result<Snapshot, Failure> {
        Ok(self.store.begin_read()?)
    }

    /// A number that grows with each commit that answers show, before what was committed is answered.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.memory.commits.load(Ordering::Acquire)
    }

    /// All agents as of the last commit.
    #[must_use]
    pub fn roster(&self) -> Arc<Roster> {
        self.memory.roster.load_full()
    }

    /// All tokens and sessions as of the last commit.
    #[must_use]
    pub fn keyring(&self) -> Arc<Keyring> {
        self.memory.keyring.load_full()
    }

    /// What commands of this machine's user show to a running server.
    #[must_use]
    pub fn local_credential(&self) -> &str {
        &self.local_credential
    }

    /// Who signs what the audit trail is.
    #[must_use]
    pub fn notary(&self) -> &Notary {
        &self.memory.notary
    }

    /// Keeps a checkpoint of the audit trail beside the data file, and returns how many records it covers.
    ///
    /// # Errors
    /// When it cannot be written, or storage fails.
    pub fn keep_checkpoint(&self) -> Result<u64, Failure> {
        Ok(self.store.read(|tx| self.memory.notary.keep(tx))?)
    }

    /// A disk that is full costs the checkpoint, and not the server.
    fn bring_checkpoint_up_to_date(&self) {
        if let Err(error) = self.keep_checkpoint() {
            tracing::error!(%error, "the checkpoint beside the data file could not be written");
        }
    }

    /// The live bus.
    #[must_use]
    pub fn live(&self) -> &Live {
        &self.memory.live
    }

    /// The logged events after `since`, `limit` at most.
    ///
    /// # Errors
    /// When storage fails.
    pub async fn logged_events(self: &Arc<Self>, since: u64, limit: usize) -> Result<Vec<Event>, Failure> {
        self.read_many(move |tx, _, _| Event::after(tx, since, limit)).await
    }

    /// Why the last write failed; `None` when it did not.
    #[must_use]
    pub fn storage_failure(&self) -> Option<&'static str> {
        self.store.failure()
    }

    /// How long the application has been running.
    #[must_use]
    pub fn uptime(&self) -> std::time::Duration {
        self.started.elapsed()
    }

    /// Begins to stop: streams close, and connections end with the answer they are at.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Tells when the application stops.
    #[must_use]
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.subscribe()
    }

    /// Writes what was submitted and closes the store for writing.
    pub fn close(&self) {
        self.store.shut_down();
        self.bring_checkpoint_up_to_date();
    }

    /// How many clients follow the stream.
    #[must_use]
    pub fn subscribers(&self) -> usize {
        *self.subscribers.borrow()
    }

    /// Counts a client of the stream until the guard is dropped; `None` where `limit` of them are counted.
    pub fn subscribe(self: &Arc<Self>, limit: usize) -> Option<Subscriber> {
        // Counted from here on, so that the client finds itself in the figures.
        let counted = self.subscribers.send_if_modified(|count| {
            let fits = *count < limit;
            *count += usize::from(fits);
            fits
        });
        counted.then(|| Subscriber(Arc::clone(self)))
    }
}

/// A counted client of the stream.
pub struct Subscriber(Arc<App>);

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.0.subscribers.send_modify(|count| *count -= 1);
    }
}
