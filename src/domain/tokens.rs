//! Tokens, and the sessions of browsers that they open. Of a secret only its hash is kept.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use utoipa::ToSchema;
use uuid::Uuid;

use super::access::{Actor, TokenRole};
use super::audit::Hash;
use super::time::{DAY, MINUTE, Timestamp};
use crate::store::{Record, TableName, Value};

/// How many characters of a secret may be seen.
const SEEN: usize = 14;
/// How often a token's use is written down, at most.
pub const NOTED_EVERY: i64 = MINUTE;
/// How long a session of a browser lasts.
pub const SESSION: i64 = 7 * DAY;
/// How many sessions a token may have open; beyond, the oldest ends.
pub const SESSIONS: usize = 32;

/// What is kept of a secret: enough to know it again. Secrets are 256 random bits, so that one fast hash is enough.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct Fingerprint {
    /// The secret's first characters.
    pub prefix: String,
    /// SHA-256 of the secret.
    #[serde(with = "bytes")]
    pub hash: Hash,
}

impl Fingerprint {
    /// The fingerprint of a secret.
    #[must_use]
    pub fn of(secret: &str) -> Self {
        let prefix = secret.chars().take(SEEN).collect();
        Self { prefix, hash: Hash(Sha256::digest(secret.as_bytes()).into()) }
    }

    /// Whether both are of one secret, in a time that does not tell how much of it agrees.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.hash.0.ct_eq(&other.hash.0).into()
    }
}

/// A hash as bytes in a command.
mod bytes {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Hash;

    pub fn serialize<S: Serializer>(hash: &Hash, s: S) -> Result<S::Ok, S::Error> {
        hash.0.serialize(s)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Hash, D::Error> {
        <[u8; 32]>::deserialize(d).map(Hash)
    }
}

/// A token.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct Token {
    /// Its id, unique and unchanging.
    #[bincode(with_serde)]
    pub token_id: Uuid,
    /// Its name: what the audit trail calls its holder.
    pub name: String,
    /// What it lets its holder do.
    pub role: TokenRole,
    /// The one agent that its holder may record for, by name.
    pub agent: Option<String>,
    /// What is kept of the secret.
    pub secret: Fingerprint,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// A token that is wanted.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"role": "ingest", "name": "hooks", "agent": "coder"}))]
pub struct NewToken {
    /// What it lets its holder do.
    pub role: TokenRole,
    /// What the audit trail is to call its holder; made of the role and the secret's beginning when missing.
    #[schema(min_length = 1, max_length = 128)]
    pub name: Option<String>,
    /// The one agent that its holder may record for, by name; with the role `ingest` alone.
    #[schema(min_length = 1, max_length = 128)]
    pub agent: Option<String>,
    /// When it ends; never when missing.
    pub expires_at: Option<Timestamp>,
}

impl NewToken {
    /// The token with this secret.
    #[must_use]
    pub fn into_token(self, token_id: Uuid, secret: &str, by: &Actor, at: Timestamp) -> Token {
        let seen = Fingerprint::of(secret);
        let end = seen.prefix.rsplit('_').next().unwrap_or_default();
        Token {
            token_id,
            name: self.name.unwrap_or_else(|| format!("{}-{end}", self.role)),
            role: self.role,
            agent: self.agent,
            created_by: by.name.clone(),
            secret: seen,
            created_at: at,
            expires_at: self.expires_at,
            last_used_at: None,
            revoked_at: None,
        }
    }
}

/// Whether a token still opens the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = TokenStatus)]
#[expect(missing_docs)]
pub enum Standing {
    Usable,
    Expired,
    Revoked,
}

impl Token {
    /// Whether it still opens the door.
    #[must_use]
    pub fn standing(&self, now: Timestamp) -> Standing {
        match (self.revoked_at, self.expires_at) {
            (Some(_), _) => Standing::Revoked,
            (None, Some(end)) if end <= now => Standing::Expired,
            _ => Standing::Usable,
        }
    }

    /// The token as clients see it.
    #[must_use]
    pub fn view(&self, now: Timestamp) -> TokenView {
        TokenView {
            token_id: self.token_id,
            name: self.name.clone(),
            role: self.role,
            agent: self.agent.clone(),
            prefix: self.secret.prefix.clone(),
            status: self.standing(now),
            created_by: self.created_by.clone(),
            created_at: self.created_at,
            expires_at: self.expires_at,
            last_used_at: self.last_used_at,
            revoked_at: self.revoked_at,
        }
    }
}

/// A token as clients see it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = Token)]
pub struct TokenView {
    /// Its id.
    pub token_id: Uuid,
    /// Its name: what the audit trail calls its holder.
    pub name: String,
    /// What it lets its holder do.
    pub role: TokenRole,
    /// The one agent that its holder may record for.
    pub agent: Option<String>,
    /// The first characters of the secret, to know it by.
    pub prefix: String,
    /// Whether it still opens the door.
    pub status: Standing,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends; never when missing.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl Value for Token {
    const TABLE: TableName = "tokens";
    type Key = Uuid;
}

impl Record for Token {
    fn key(&self) -> Uuid {
        self.token_id
    }
}

/// A browser that logged in with a token. It ends with the token.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct Session {
    /// Its id.
    #[bincode(with_serde)]
    pub session_id: Uuid,
    /// The token.
    #[bincode(with_serde)]
    pub token_id: Uuid,
    /// What is kept of the cookie.
    pub secret: Fingerprint,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl Value for Session {
    const TABLE: TableName = "sessions";
    type Key = Uuid;
}

impl Record for Session {
    fn key(&self) -> Uuid {
        self.session_id
    }
}
