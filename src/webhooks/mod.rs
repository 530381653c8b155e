//! Webhooks: alerts and approvals go from the outbox to those that the settings name, by Standard Webhooks.
//!
//! Each is delivered at least once: it stays in the outbox until its target took it, and receivers know repeats by
//! `webhook-id`. Each target has a loop of its own, so that a slow one holds up nobody else, and nobody who writes.

mod post;
mod sign;
mod trust;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use uuid::Uuid;

use crate::app::{App, Failure, nonce};
use crate::config::{Config, Target};
use crate::domain::command::Action;
use crate::domain::time::SECOND;
use crate::domain::webhook_acts::Tried;
use crate::domain::webhooks::{Delivery, Outbox, Targets};
use post::{NotTaken, Post};
use sign::Keys;

/// How often it is looked for what is to be tried again.
const LOOK: Duration = Duration::from_secs(1);
/// How long what happens at once is gathered.
const GATHER: Duration = Duration::from_millis(50);

/// A target's id: it stays the same when the password in its URL changes.
#[must_use]
pub fn target_id(target: &Target) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_URL, target.identity.as_bytes())
}

/// The targets of the settings: their ids, and their URLs without what is secret.
#[must_use]
pub fn targets(config: &Config) -> Vec<(Uuid, String)> {
    config.webhooks.targets.iter().map(|target| (target_id(target), target.to_string())).collect()
}

/// What sends deliveries.
pub struct Sender {
    targets: Vec<(Uuid, Target)>,
    keys: Keys,
    tls: Option<TlsConnector>,
}

impl Sender {
    /// What the settings name, if they do.
    ///
    /// # Errors
    /// When the secret or the certificates cannot be read or used.
    pub fn load(config: &Config) -> Result<Option<Self>, String> {
        let webhooks = &config.webhooks;
        let Some(secret) = webhooks.secret.as_deref().filter(|_| !webhooks.targets.is_empty()) else {
            return Ok(None);
        };
        let keys = Keys::load(secret)?;
        let wants_tls = webhooks.targets.iter().any(|target| target.tls);
        let tls = wants_tls.then(|| trust::connector(webhooks.certificates.as_deref())).transpose()?;
        let targets = webhooks.targets.iter().map(|target| (target_id(target), target.clone())).collect();
        Ok(Some(Self { targets, keys, tls }))
    }

    /// Tries what is due for all targets, one after the other. Returns how many tries that were.
    ///
    /// # Errors
    /// When storage fails.
    pub async fn deliver_due(&self, app: &App) -> Result<usize, Failure> {
        let mut tries = 0;
        for (id, target) in &self.targets {
            while self.deliver_next(app, *id, target).await? {
                tries += 1;
            }
        }
        Ok(tries)
    }

    /// Tries what a target is to be told next, if that is due.
    async fn deliver_next(&self, app: &App, id: Uuid, target: &Target) -> Result<bool, Failure> {
        let now = app.now();
        let Some(mut delivery) = app.read(|tx| Delivery::next_for(tx, id, now))? else { return Ok(false) };
        let body = std::mem::take(&mut delivery.body);
        let (seconds, shown) = (now.0.div_euclid(SECOND), delivery.id().to_string());
        let signature = self.keys.sign(&shown, seconds, &body);
        let post = Post { id: &shown, seconds, signature: &signature, body };
        let tried = match post::send(target, self.tls.as_ref(), post).await {
            Ok(()) => Tried::Taken,
            Err(NotTaken { why, may_change, pause }) => {
                let again = may_change.then(|| delivery.again(app.now(), pause, nonce())).flatten();
                match again {
                    None => tracing::error!(webhook = %target, id = shown, why, "a delivery is given up"),
                    Some(again) if delivery.tries == 0 => {
                        tracing::warn!(webhook = %target, id = shown, why, %again, "a delivery failed");
                    }
                    Some(_) => (),
                }
                Tried::Failed { why, again }
            }
        };
        app.submit(Action::NoteDelivery(delivery.seq, tried)).await?;
        Ok(true)
    }

    /// Delivers to one target for as long as the server runs.
    async fn deliver_to(&self, app: &App, id: Uuid, target: &Target) {
        // Whatever webhooks are told of is an event of the stream, too.
        let mut events = app.live().changes();
        loop {
            events.mark_unchanged();
            // What became of a try has to be kept: else the target would be told of the same again and again.
            if app.storage_failure().is_none() {
                match self.deliver_next(app, id, target).await {
                    Ok(true) => continue,
                    Ok(false) => (),
                    // It stays in the outbox.
                    Err(error) => {
                        tracing::error!(webhook = %target, %error, "what became of a delivery is not known");
                    }
                }
            }
            let _ = tokio::time::timeout(LOOK, events.changed()).await;
            tokio::time::sleep(GATHER).await;
        }
    }
}

/// Notes in the data who is told, where that changed: from then on alerts and approvals are written with their
/// deliveries.
///
/// # Errors
/// When storage fails.
pub async fn adopt(app: &App) -> Result<(), Failure> {
    let wanted: Vec<_> = app.config.webhooks.targets.iter().map(target_id).collect();
    let Targets(known) = app.read(|tx| tx.get::<Targets>(&()))?.unwrap_or_default();
    if known != wanted {
        app.submit(Action::SetWebhooks(wanted)).await?;
    }
    Ok(())
}

/// Delivers to all targets for as long as the server runs.
pub async fn deliver(app: Arc<App>) {
    let sender = match Sender::load(&app.config) {
        Ok(None) => return,
        Ok(Some(sender)) => Arc::new(sender),
        Err(error) => {
            tracing::error!(error, "webhooks are not delivered");
            return;
        }
    };
    let mut loops = JoinSet::new();
    for (id, target) in sender.targets.clone() {
        let (sender, app) = (Arc::clone(&sender), Arc::clone(&app));
        loops.spawn(async move { sender.deliver_to(&app, id, &target).await });
    }
    loops.spawn(tell_of_losses(app));
    // None ends but by a panic: then all begin anew.
    if let Some(Err(ended)) = loops.join_next().await
        && ended.is_panic()
    {
        std::panic::resume_unwind(ended.into_panic());
    }
}

/// Tells the log when too many deliveries wait.
async fn tell_of_losses(app: Arc<App>) {
    let outbox = || app.read(|tx| tx.get::<Outbox>(&())).ok().flatten().unwrap_or_default();
    let mut told = outbox();
    loop {
        tokio::time::sleep(LOOK).await;
        let now = outbox();
        if now.pushed_out > told.pushed_out {
            let count = now.pushed_out - told.pushed_out;
            tracing::error!(count, "too many deliveries of webhooks waited: the oldest are dead letters");
        }
        if now.forgotten > told.forgotten {
            let count = now.forgotten - told.forgotten;
            tracing::error!(count, "there were too many dead letters of webhooks: the oldest are gone");
        }
        if now != told {
            told = now;
        }
    }
}
