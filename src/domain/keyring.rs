//! The keyring: an immutable snapshot of all tokens and sessions, by which requests are let in.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use uuid::Uuid;

use super::access::{Actor, Caller, Proof};
use super::time::Timestamp;
use super::tokens::{Fingerprint, NOTED_EVERY, Session, Standing, Token};
use crate::store::{ReadTx, StoreError};

/// What a command did to the keyring.
#[derive(Debug, Clone, PartialEq)]
pub enum KeyChange {
    /// The token is new or different.
    Token(Arc<Token>),
    /// The session is new.
    Opened(Arc<Session>),
    /// The session is gone.
    Closed(Uuid),
}

/// A token with what is known of it in memory alone.
struct Held {
    token: Arc<Token>,
    /// The use that was last written down, or is about to be.
    noted: AtomicI64,
}

/// All tokens and sessions as of one commit.
#[derive(Default, Clone)]
pub struct Keyring {
    tokens: HashMap<Uuid, Arc<Held>>,
    sessions: HashMap<Uuid, Arc<Session>>,
    /// What each is found by: the part of the secret that may be seen.
    by_prefix: HashMap<String, Vec<Found>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Found {
    Token(Uuid),
    Session(Uuid),
}

impl Keyring {
    /// Reads all tokens and sessions.
    ///
    /// # Errors
    /// When storage fails.
    pub fn load(tx: &ReadTx) -> Result<Self, StoreError> {
        let mut keyring = Self::default();
        for entry in tx.all::<Token>()? {
            keyring.apply(&KeyChange::Token(Arc::new(entry?.1)));
        }
        for entry in tx.all::<Session>()? {
            keyring.apply(&KeyChange::Opened(Arc::new(entry?.1)));
        }
        Ok(keyring)
    }

    /// This keyring with some changes.
    #[must_use]
    pub fn with<'a>(&self, changes: impl IntoIterator<Item = &'a KeyChange>) -> Self {
        let mut keyring = self.clone();
        changes.into_iter().for_each(|change| keyring.apply(change));
        keyring
    }

    fn apply(&mut self, change: &KeyChange) {
        match change {
            KeyChange::Token(token) => {
                let noted = AtomicI64::new(token.last_used_at.map_or(i64::MIN, |at| at.0));
                let held = Arc::new(Held { token: Arc::clone(token), noted });
                if self.tokens.insert(token.token_id, held).is_none() {
                    let found = self.by_prefix.entry(token.secret.prefix.clone()).or_default();
                    found.push(Found::Token(token.token_id));
                }
            }
            KeyChange::Opened(session) => {
                self.sessions.insert(session.session_id, Arc::clone(session));
                let found = self.by_prefix.entry(session.secret.prefix.clone()).or_default();
                found.push(Found::Session(session.session_id));
            }
            KeyChange::Closed(id) => {
                let Some(gone) = self.sessions.remove(id) else { return };
                if let Some(found) = self.by_prefix.get_mut(&gone.secret.prefix) {
                    found.retain(|found| *found != Found::Session(*id));
                    if found.is_empty() {
                        self.by_prefix.remove(&gone.secret.prefix);
                    }
                }
            }
        }
    }

    /// The token with this secret, usable or not.
    #[must_use]
    pub fn token_of(&self, secret: &str) -> Option<&Arc<Token>> {
        let shown = Fingerprint::of(secret);
        let found = self.by_prefix.get(&shown.prefix)?.iter().filter_map(|found| match found {
            Found::Token(id) => self.tokens.get(id).map(|held| &held.token),
            Found::Session(_) => None,
        });
        // All are compared, whichever fits: how long it takes tells nothing.
        found.filter(|token| token.secret.is(&shown)).fold(None, |_, token| Some(token))
    }

    /// The session with this secret, of a token that is still usable.
    #[must_use]
    pub fn session_of(&self, secret: &str, now: Timestamp) -> Option<(&Arc<Session>, &Arc<Token>)> {
        let shown = Fingerprint::of(secret);
        let found = self.by_prefix.get(&shown.prefix)?.iter().filter_map(|found| match found {
            Found::Session(id) => self.sessions.get(id),
            Found::Token(_) => None,
        });
        let session =
            found.filter(|session| session.secret.is(&shown)).fold(None, |_, session| Some(session))?;
        let token = self.token(session.token_id)?;
        let open = session.expires_at > now && token.standing(now) == Standing::Usable;
        open.then_some((session, token))
    }

    /// The token with this id.
    #[must_use]
    pub fn token(&self, id: Uuid) -> Option<&Arc<Token>> {
        self.tokens.get(&id).map(|held| &held.token)
    }

    /// All tokens, in no order.
    pub fn tokens(&self) -> impl Iterator<Item = &Arc<Token>> {
        self.tokens.values().map(|held| &held.token)
    }

    /// Whether any token still opens the door.
    #[must_use]
    pub fn has_usable(&self, now: Timestamp) -> bool {
        self.tokens().any(|token| token.standing(now) == Standing::Usable)
    }

    /// Whether what a caller showed still opens the door.
    #[must_use]
    pub fn still_admits(&self, caller: &Caller, now: Timestamp) -> bool {
        let usable = |id| self.token(id).is_some_and(|token| token.standing(now) == Standing::Usable);
        match &caller.proof {
            Proof::Nothing | Proof::Local => true,
            Proof::Token(id) => usable(*id),
            Proof::Session { session_id, token_id } => {
                let session = self.sessions.get(session_id);
                usable(*token_id) && session.is_some_and(|session| session.expires_at > now)
            }
        }
    }

    /// Whether the use of a token at this time is to be written down. It says so once: what it is asked for again
    /// meanwhile is under way.
    #[must_use]
    pub fn is_news(&self, id: Uuid, now: Timestamp) -> bool {
        let Some(held) = self.tokens.get(&id) else { return false };
        let before = held.noted.load(Ordering::Relaxed);
        now.0.saturating_sub(before) >= NOTED_EVERY
            && held.noted.compare_exchange(before, now.0, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

impl Caller {
    /// Whoever holds a token.
    #[must_use]
    pub fn of_token(token: &Token) -> Self {
        Self {
            actor: Actor { name: token.name.clone(), role: token.role },
            agent: token.agent.clone(),
            proof: Proof::Token(token.token_id),
            expires_at: token.expires_at,
        }
    }

    /// Whoever logged in with a token.
    #[must_use]
    pub fn of_session(session: &Session, token: &Token) -> Self {
        let proof = Proof::Session { token_id: token.token_id, session_id: session.session_id };
        Self { proof, expires_at: Some(session.expires_at), ..Self::of_token(token) }
    }
}
