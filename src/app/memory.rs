//! What is held in memory of the data, and how it follows what the writer does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;

use crate::domain::command::Applied;
use crate::domain::event_log::StreamHead;
use crate::domain::keyring::Keyring;
use crate::domain::live::Live;
use crate::domain::roster::Roster;
use crate::notary::Notary;
use crate::store::{News, StoreError};

/// What is held in memory of the data.
pub(super) struct Memory {
    pub(super) live: Live,
    pub(super) roster: ArcSwap<Roster>,
    pub(super) keyring: ArcSwap<Keyring>,
    pub(super) notary: Notary,
    /// How often something was committed that answers show, or the data opened.
    pub(super) commits: AtomicU64,
}

impl Memory {
    pub(super) fn hear(&self, news: News<'_, '_, Applied>) -> Result<(), StoreError> {
        match news {
            News::Opening(tx) => self.notary.examine(tx)?,
            News::Opened(tx) => {
                self.roster.store(Arc::new(Roster::load(tx)?));
                self.keyring.store(Arc::new(Keyring::load(tx)?));
                self.live.resume(tx.get::<StreamHead>(&())?.unwrap_or_default().0);
            }
            News::Committed(batch) => {
                if batch.iter().any(|applied| !applied.changes.is_empty()) {
                    let roster = self.roster.load().with(batch.iter().flat_map(|applied| &applied.changes));
                    self.roster.store(Arc::new(roster));
                }
                if batch.iter().any(|applied| !applied.keys.is_empty()) {
                    let keyring = self.keyring.load().with(batch.iter().flat_map(|applied| &applied.keys));
                    self.keyring.store(Arc::new(keyring));
                }
                // While much of the stream is forgotten, in many steps, kept answers are as good as before.
                let shown = batch.iter().any(|applied| !applied.of_stream);
                self.live.publish(batch.iter_mut().flat_map(|applied| std::mem::take(&mut applied.events)));
                if !shown {
                    return Ok(());
                }
            }
            News::Answered => {
                self.live.announce();
                return Ok(());
            }
        }
        // At last: who sees this number sees all of the above.
        self.commits.fetch_add(1, Ordering::Release);
        Ok(())
    }
}
