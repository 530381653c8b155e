//! Webhooks and dead letters as clients see them.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::text::JsonText;
use super::time::Timestamp;
use super::webhooks::{DEAD, Delivery, Outbox, Standing, TargetRecord, Topic, WAITING};
use crate::store::codec::Key;
use crate::store::{ReadTx, StoreError};

/// How webhooks stand.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Webhooks)]
pub struct WebhooksView {
    /// Who is told.
    pub targets: Vec<TargetView>,
    /// How many deliveries wait, for all targets together.
    pub waiting: u64,
    /// How many dead letters there are.
    pub dead_letters: u64,
    /// How many deliveries became dead letters because too many waited.
    pub pushed_out: u64,
    /// How many dead letters were removed because there were too many.
    pub forgotten: u64,
}

/// A target.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookTarget)]
pub struct TargetView {
    /// Its id, which follows from the URL.
    pub target_id: Uuid,
    /// Its URL, without what is secret about it.
    #[schema(example = "https://hooks.example/agentmap")]
    pub url: String,
    /// How many deliveries wait for it.
    pub waiting: u64,
    /// Since when the first of them does.
    pub waiting_since: Option<Timestamp>,
    /// When it is to be tried.
    pub next_try_at: Option<Timestamp>,
    /// How many it took.
    pub delivered: u64,
    /// When it took the last.
    pub last_delivered_at: Option<Timestamp>,
    /// How many tries failed.
    pub failed: u64,
    /// When the last failed.
    pub last_failed_at: Option<Timestamp>,
    /// Why it did.
    pub last_failure: Option<String>,
}

/// A delivery that was given up.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeadLetter)]
pub struct DeadLetterView {
    /// Its id: what the target is shown as `webhook-id`.
    pub id: Uuid,
    /// For whom it is.
    pub target_id: Uuid,
    /// The URL of the target; missing when the settings no longer name it.
    pub url: Option<String>,
    /// What it tells of.
    #[serde(rename = "type")]
    pub topic: Topic,
    /// When that happened.
    pub created_at: Timestamp,
    /// When it was given up.
    pub failed_at: Timestamp,
    /// How often it was tried.
    pub tries: u32,
    /// Why it was given up.
    pub reason: Option<String>,
    /// What is to be sent.
    #[schema(value_type = Object)]
    pub body: JsonText,
}

impl WebhooksView {
    /// How the targets stand, each with its URL.
    ///
    /// # Errors
    /// When storage fails.
    pub fn load(tx: &ReadTx, targets: &[(Uuid, String)]) -> Result<Self, StoreError> {
        let Outbox { pushed_out, forgotten, .. } = tx.get::<Outbox>(&())?.unwrap_or_default();
        Ok(Self {
            targets: targets
                .iter()
                .map(|(id, url)| TargetView::load(tx, *id, url))
                .collect::<Result<_, _>>()?,
            waiting: tx.len(WAITING.table)?,
            dead_letters: tx.len(DEAD.table)?,
            pushed_out,
            forgotten,
        })
    }
}

impl TargetView {
    fn load(tx: &ReadTx, id: Uuid, url: &str) -> Result<Self, StoreError> {
        let (mut waiting, mut first) = (0, None);
        for seq in tx.find(&WAITING, &id)? {
            let seq = seq?;
            first.get_or_insert(seq);
            waiting += 1;
        }
        let first = first.map(|seq| tx.get::<Delivery>(&seq)).transpose()?.flatten();
        let record = tx.get::<TargetRecord>(&id)?.unwrap_or_default();
        let (last_failed_at, last_failure) = record.last_failure.unzip();
        Ok(Self {
            target_id: id,
            url: url.to_owned(),
            waiting,
            waiting_since: first.as_ref().map(|first| first.since),
            next_try_at: first.and_then(|first| match first.standing {
                Standing::Waits(due) => Some(due),
                Standing::Dead(_) => None,
            }),
            delivered: record.delivered,
            last_delivered_at: record.last_delivered,
            failed: record.failed,
            last_failed_at,
            last_failure,
        })
    }
}

impl DeadLetterView {
    /// The dead letters, those given up last first, `limit` at most.
    ///
    /// # Errors
    /// When storage fails.
    pub fn newest(tx: &ReadTx, targets: &[(Uuid, String)], limit: usize) -> Result<Vec<Self>, StoreError> {
        let mut views = Vec::new();
        for entry in tx.prefix(DEAD.table, &[])?.rev().take(limit) {
            let (failed_at, seq) = <(Timestamp, u64)>::read(&mut entry?.0.as_slice())?;
            let Some(found) = tx.get::<Delivery>(&seq)? else { continue };
            views.push(Self {
                id: found.id(),
                target_id: found.target,
                url: targets.iter().find(|(id, _)| *id == found.target).map(|(_, url)| url.clone()),
                topic: found.topic,
                created_at: found.created_at,
                failed_at,
                tries: found.tries,
                reason: found.why,
                body: JsonText(found.body),
            });
        }
        Ok(views)
    }
}
