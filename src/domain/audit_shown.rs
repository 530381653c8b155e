//! Audit records read back from the JSON that clients see, so that what left the program can be verified.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::audit::{AuditRecord, Decision, Hash, NewAudit};
use super::text::JsonText;
use super::time::Timestamp;

impl Hash {
    /// Reads hexadecimal.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut hash = [0; 32];
        if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            return None;
        }
        for (byte, pair) in hash.iter_mut().zip(text.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(hash))
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(d)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not a SHA-256 in hexadecimal"))
    }
}

// As `AuditView`, member for member; another member would say something that no hash covers.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shown<'a> {
    audit_id: String,
    seq: u64,
    agent: Agent,
    operation: Operation,
    target: Target,
    rbac: Ruling,
    #[serde(borrow)]
    cost: Cost<'a>,
    #[serde(borrow)]
    context: &'a RawValue,
    session_id: String,
    timestamp: String,
    hash: Hash,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Agent {
    agent_id: String,
    name: String,
    role: String,
    registered_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Operation {
    #[serde(rename = "type")]
    kind: String,
    detail: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Target {
    resource: String,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ruling {
    decision: Decision,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cost<'a> {
    // As it is written: the parser's fast reading may be off by the last bit.
    #[serde(borrow)]
    usd: &'a RawValue,
    tokens_used: u64,
}

impl AuditRecord {
    /// Reads a record as clients see it. Its hash is taken as stated; [`hash_after`](Self::hash_after) tells whether it
    /// is right.
    ///
    /// # Errors
    /// With a sentence, when it is no record.
    pub fn from_json(json: &[u8]) -> Result<Self, String> {
        let shown: Shown<'_> = serde_json::from_slice(json).map_err(|e| format!("it cannot be read: {e}"))?;
        let id = Uuid::parse_str(&shown.audit_id).map_err(|_| "its id is none".to_owned())?;
        let subject = shown.agent.registered_id.as_deref().map(Uuid::parse_str).transpose();
        let subject = subject.map_err(|_| "its agent's id is none".to_owned())?;
        let timestamp = Timestamp::parse(&shown.timestamp).ok_or("its time is none")?;
        let cost_usd = shown.cost.usd.get().parse().map_err(|_| "its cost is no number".to_owned())?;
        let told = NewAudit {
            agent_id: Some(shown.agent.agent_id),
            agent_name: Some(shown.agent.name),
            agent_role: Some(shown.agent.role),
            operation_type: Some(shown.operation.kind),
            operation_detail: Some(shown.operation.detail),
            target_resource: Some(shown.target.resource),
            target_type: Some(shown.target.kind),
            decision: shown.rbac.decision,
            reason: Some(shown.rbac.reason),
            cost_usd,
            tokens_used: shown.cost.tokens_used,
            session_id: Some(shown.session_id),
            context: JsonText(shown.context.get().to_owned()),
            timestamp,
            nonce: id.as_u64_pair().0,
        };
        let record = Self { seq: shown.seq, told, subject, hash: shown.hash };
        // There is one way of writing each: the program's.
        if record.id().to_string() != shown.audit_id {
            return Err("its id is not one of its number".into());
        }
        if subject.map(|id| id.to_string()) != shown.agent.registered_id
            || timestamp.to_string() != shown.timestamp
        {
            return Err("its time or its agent's id is not as this program writes it".into());
        }
        Ok(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_see_is_read_back_with_the_same_hash() {
        let told = NewAudit {
            agent_id: Some("a\"\u{0}".into()),
            agent_name: None,
            agent_role: None,
            operation_type: Some("unknown".into()),
            operation_detail: None,
            target_resource: Some("\u{1f600}".into()),
            target_type: None,
            decision: Decision::RequiresApproval,
            reason: None,
            cost_usd: 0.1 + 0.2,
            tokens_used: u64::MAX,
            session_id: None,
            context: JsonText(r#"{"a":1e300,"session_id":"x"}"#.into()),
            timestamp: Timestamp(-1),
            nonce: u64::MAX,
        };
        let record = AuditRecord::new(told, 77, Some(Uuid::nil()), Hash([3; 32]));
        let json = serde_json::to_string(&record).unwrap();
        let read = AuditRecord::from_json(json.as_bytes()).unwrap();
        assert_eq!(read.hash_after(Hash([3; 32])), record.hash);
        assert_eq!(serde_json::to_string(&read).unwrap(), json);
        for (from, to) in [
            ("\"seq\":77", "\"seq\":78"),
            ("{\"audit_id\"", "{\"more\":1,\"audit_id\""),
            ("\"usd\":", "\"usd\":\"\""),
        ] {
            assert!(AuditRecord::from_json(json.replacen(from, to, 1).as_bytes()).is_err(), "{to}");
        }
    }
}
