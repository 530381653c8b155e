//! Copies of everything, which commands make beside the server: the acts that tell of them.

use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::admin::Act;
use super::recording::AuditHead;

/// What a copy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CopyKind {
    /// A data file.
    Backup,
    /// Lines of JSON.
    Export,
}

/// A copy of everything that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DataCopy)]
pub struct Copied {
    /// What it is.
    pub kind: CopyKind,
    /// Where it is; nothing where it was printed.
    #[schema(max_length = 4096)]
    pub file: Option<String>,
    /// How many records its audit trail has, those that are no longer kept included.
    pub audit_size: u64,
    /// The hash of the last of them; zeros where there is none.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub audit_hash: String,
}

impl Copied {
    /// A copy of data whose audit trail ends like this.
    #[must_use]
    pub fn new(kind: CopyKind, file: Option<String>, head: &AuditHead) -> Self {
        Self { kind, file, audit_size: head.next, audit_hash: head.hash.to_string() }
    }

    /// The act.
    #[must_use]
    pub fn act(self) -> Act {
        let what = match self.kind {
            CopyKind::Backup => "data_backed_up",
            CopyKind::Export => "data_exported",
        };
        let act = Act::new(what).with(&json!({"audit_size": self.audit_size, "audit_hash": self.audit_hash}));
        match self.file {
            Some(file) => act.on("file", file),
            None => act,
        }
    }
}
