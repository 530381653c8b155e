//! A verifier of the audit trail as a stranger would write it from assets/audit-format.md: it shares nothing with the
//! program. It answers with why something is not proved.
#![allow(dead_code, reason = "each test uses a part of it")]

use base64::prelude::{BASE64_STANDARD, Engine};
use ed25519_dalek::{Signature, VerifyingKey};
use serde_json::Value;
use sha2::{Digest, Sha256};

pub type Hash = [u8; 32];
pub type Proved<T> = Result<T, String>;

fn sha256(parts: &[&[u8]]) -> Hash {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

pub fn unbase64(text: &str) -> Proved<Vec<u8>> {
    BASE64_STANDARD.decode(text).map_err(|e| format!("{e}: {text}"))
}

pub fn hash_of_base64(text: &str) -> Proved<Hash> {
    unbase64(text)?.try_into().map_err(|_| format!("no hash: {text}"))
}

pub fn hashes_of(list: &Value) -> Proved<Vec<Hash>> {
    let texts = list.as_array().ok_or("no list of hashes")?;
    texts.iter().map(|text| hash_of_base64(text.as_str().ok_or("no text")?)).collect()
}

pub fn unhex(text: &str) -> Proved<Vec<u8>> {
    if !text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)) {
        return Err(format!("not hexadecimal: {text}"));
    }
    let digit = |at: usize| text.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    (0..text.len()).step_by(2).map(|at| digit(at).ok_or_else(|| format!("not hexadecimal: {text}"))).collect()
}

fn hash_of_hex(text: &str) -> Proved<Hash> {
    unhex(text)?.try_into().map_err(|_| format!("no hash: {text}"))
}

// Records.

/// What lies between two markers of a line.
fn between<'a>(line: &'a str, from: &str, to: &str) -> Proved<&'a str> {
    let start = line.find(from).ok_or_else(|| format!("no {from}"))? + from.len();
    let end = line.rfind(to).filter(|end| *end >= start).ok_or_else(|| format!("no {to}"))?;
    Ok(&line[start..end])
}

/// Microseconds since 1970 of `2026-11-23T03:00:00.000000Z`.
fn micros(text: &str) -> Proved<i64> {
    let form: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    if form != "0000-00-00T00:00:00.000000Z" {
        return Err(format!("no time: {text}"));
    }
    let part = |range: std::ops::Range<usize>| -> Proved<i64> {
        text.get(range).and_then(|digits| digits.parse().ok()).ok_or_else(|| format!("no time: {text}"))
    };
    let (year, month, day) = (part(0..4)?, part(5..7)?, part(8..10)?);
    // Days of the years before, with March as the first month, so that the leap day comes last.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * y + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400) + (153 * m + 2) / 5 + day
        - 1
        - 719_468;
    let seconds = ((days * 24 + part(11..13)?) * 60 + part(14..16)?) * 60 + part(17..19)?;
    Ok(seconds * 1_000_000 + part(20..26)?)
}

/// The hash of a record, from one line of JSON as the API shows it.
pub fn record_hash(line: &str, previous: &Hash) -> Proved<Hash> {
    let record: Value = serde_json::from_str(line).map_err(|e| e.to_string())?;
    let mut bytes = previous.to_vec();
    bytes.extend(b"agentmap-audit-1");
    let id = record["audit_id"].as_str().ok_or("no audit_id")?;
    let parts: Vec<&str> = id.split('-').collect();
    if parts.iter().map(|part| part.len()).ne([8, 4, 4, 4, 12]) {
        return Err(format!("no id: {id}"));
    }
    bytes.extend(unhex(&parts.concat())?);
    bytes.extend(record["seq"].as_u64().ok_or("no seq")?.to_be_bytes());
    let text = |bytes: &mut Vec<u8>, text: &str| {
        bytes.extend(u32::try_from(text.len()).unwrap().to_be_bytes());
        bytes.extend(text.as_bytes());
    };
    for member in [
        "/agent/agent_id",
        "/agent/name",
        "/agent/role",
        "/agent/registered_id",
        "/operation/type",
        "/operation/detail",
        "/target/resource",
        "/target/type",
        "/rbac/decision",
        "/rbac/reason",
    ] {
        text(&mut bytes, record.pointer(member).and_then(Value::as_str).unwrap_or(""));
    }
    // Numbers and the context as they are written: what a parser makes of them may be written otherwise.
    let rest = &line[line.find(",\"cost\":{\"usd\":").ok_or("no cost")? + 15..];
    let usd: f64 = rest.split(',').next().unwrap().parse().map_err(|_| "no usd")?;
    bytes.extend(usd.to_be_bytes());
    bytes.extend(record["cost"]["tokens_used"].as_u64().ok_or("no tokens_used")?.to_be_bytes());
    text(&mut bytes, between(line, ",\"context\":", ",\"session_id\":\"")?);
    text(&mut bytes, record["session_id"].as_str().ok_or("no session_id")?);
    bytes.extend(micros(record["timestamp"].as_str().ok_or("no timestamp")?)?.to_be_bytes());
    Ok(sha256(&[&bytes]))
}

/// The hash that a record states, once it is proved to cover it.
pub fn check_record(line: &str, previous: &Hash) -> Proved<Hash> {
    let record: Value = serde_json::from_str(line).map_err(|e| e.to_string())?;
    let stated = hash_of_hex(record["hash"].as_str().ok_or("no hash")?)?;
    if record_hash(line, previous)? == stated {
        Ok(stated)
    } else {
        Err(format!("hash of record {}", record["seq"]))
    }
}

// The tree: RFC 9162, section 2.1.

pub fn leaf(entry: &[u8]) -> Hash {
    sha256(&[&[0], entry])
}

pub fn parent(left: &Hash, right: &Hash) -> Hash {
    sha256(&[&[1], left, right])
}

/// The root over leaves' hashes.
pub fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => sha256(&[]),
        [one] => *one,
        many => {
            let half = many.len().next_power_of_two() / 2;
            parent(&root(&many[..half]), &root(&many[half..]))
        }
    }
}

/// RFC 9162, section 2.1.3.2.
pub fn check_inclusion(leaf: &Hash, index: u64, size: u64, proof: &[Hash], root: &Hash) -> Proved<()> {
    if index >= size {
        return Err("the index is outside of the tree".into());
    }
    let (mut fn_, mut sn, mut r) = (index, size - 1, *leaf);
    for p in proof {
        if sn == 0 {
            return Err("the proof is too long".into());
        }
        if fn_ & 1 == 1 || fn_ == sn {
            r = parent(p, &r);
            if fn_ & 1 == 0 {
                while fn_ != 0 && fn_ & 1 == 0 {
                    fn_ >>= 1;
                    sn >>= 1;
                }
            }
        } else {
            r = parent(&r, p);
        }
        fn_ >>= 1;
        sn >>= 1;
    }
    if sn == 0 && r == *root { Ok(()) } else { Err("the proof does not lead to the root".into()) }
}

/// RFC 9162, section 2.1.4.2.
pub fn check_consistency(from: (u64, &Hash), to: (u64, &Hash), proof: &[Hash]) -> Proved<()> {
    let ((first, first_root), (second, second_root)) = (from, to);
    if first == 0 || first == second {
        let same = first == 0 || first_root == second_root;
        return if same && proof.is_empty() {
            Ok(())
        } else {
            Err("equal sizes with different roots".into())
        };
    }
    let mut path = proof.to_vec();
    if first.is_power_of_two() {
        path.insert(0, *first_root);
    }
    let (mut fn_, mut sn) = (first - 1, second - 1);
    while fn_ & 1 == 1 {
        fn_ >>= 1;
        sn >>= 1;
    }
    let (head, rest) = path.split_first().ok_or("the proof is empty")?;
    let (mut fr, mut sr) = (*head, *head);
    for c in rest {
        if sn == 0 {
            return Err("the proof is too long".into());
        }
        if fn_ & 1 == 1 || fn_ == sn {
            fr = parent(c, &fr);
            sr = parent(c, &sr);
            while fn_ != 0 && fn_ & 1 == 0 {
                fn_ >>= 1;
                sn >>= 1;
            }
        } else {
            sr = parent(&sr, c);
        }
        fn_ >>= 1;
        sn >>= 1;
    }
    if fr == *first_root && sr == *second_root && sn == 0 {
        Ok(())
    } else {
        Err("the roots are not consistent".into())
    }
}

// Checkpoints: c2sp.org/signed-note and c2sp.org/tlog-checkpoint.

/// A checkpoint whose signature was verified.
#[derive(Debug, PartialEq, Eq)]
pub struct Head {
    pub size: u64,
    pub root: Hash,
}

pub fn check_checkpoint(note: &str, vkey: &str) -> Proved<Head> {
    let [name, id, key] = vkey.trim_end().splitn(3, '+').collect::<Vec<_>>()[..] else {
        return Err("no key".into());
    };
    let key = unbase64(key)?;
    let hash = sha256(&[name.as_bytes(), b"\n", &key]);
    if key[0] != 1 || unhex(id)? != hash[..4] {
        return Err("the key is not what its id says".into());
    }
    let verifying =
        VerifyingKey::from_bytes(key[1..].try_into().map_err(|_| "no key")?).map_err(|e| e.to_string())?;
    let (text, signatures) = note.rsplit_once("\n\n").ok_or("no signatures")?;
    let text = format!("{text}\n");
    let own = signatures
        .lines()
        .find_map(|line| line.strip_prefix("\u{2014} ")?.strip_prefix(name)?.strip_prefix(' '));
    let signature = unbase64(own.ok_or("not signed by this key")?)?;
    if signature[..4] != hash[..4] {
        return Err("not signed by this key".into());
    }
    let signature = Signature::from_slice(&signature[4..]).map_err(|e| e.to_string())?;
    verifying.verify_strict(text.as_bytes(), &signature).map_err(|e| e.to_string())?;
    let [origin, size, root] = text.lines().take(3).collect::<Vec<_>>()[..] else {
        return Err("no checkpoint".into());
    };
    if origin != name {
        return Err("the checkpoint of another log".into());
    }
    Ok(Head { size: size.parse().map_err(|_| "no size")?, root: hash_of_base64(root)? })
}

// What the endpoints answer.

/// The answer of `/audit/{record}/proof`, as text: its members are checked as they are written.
pub fn check_proof(answer: &str, vkey: &str) -> Proved<Head> {
    let proof: Value = serde_json::from_str(answer).map_err(|e| e.to_string())?;
    let head = check_checkpoint(proof["checkpoint"].as_str().ok_or("no checkpoint")?, vkey)?;
    let record = between(answer, "{\"record\":", ",\"previous_hash\":\"")?;
    let previous = hash_of_hex(proof["previous_hash"].as_str().ok_or("no previous_hash")?)?;
    let leaf = leaf(&check_record(record, &previous)?);
    let index = proof["record"]["seq"].as_u64().ok_or("no seq")?;
    if proof["leaf_index"].as_u64() != Some(index) || proof["tree_size"].as_u64() != Some(head.size) {
        return Err("the proof is of another leaf or tree".into());
    }
    if hash_of_base64(proof["leaf_hash"].as_str().ok_or("no leaf_hash")?)? != leaf {
        return Err("the leaf is not that of the record".into());
    }
    check_inclusion(&leaf, index, head.size, &hashes_of(&proof["inclusion_proof"])?, &head.root)?;
    Ok(head)
}

/// The answer of `/audit/consistency`, against a checkpoint that was kept.
pub fn check_growth(answer: &Value, kept: &Head, vkey: &str) -> Proved<Head> {
    let head = check_checkpoint(answer["checkpoint"].as_str().ok_or("no checkpoint")?, vkey)?;
    if answer["from"].as_u64() != Some(kept.size) || answer["to"].as_u64() != Some(head.size) {
        return Err("the proof is of other trees".into());
    }
    let proof = hashes_of(&answer["consistency_proof"])?;
    check_consistency((kept.size, &kept.root), (head.size, &head.root), &proof)?;
    Ok(head)
}

/// An export, with the key that its reader trusts. Answers with the numbers of its first record and the one after its
/// last, and with the checkpoint.
pub fn check_export(export: &str, vkey: &str) -> Proved<(u64, u64, Head)> {
    let (head, records) = export.split_once('\n').ok_or("no head line")?;
    let head: Value = serde_json::from_str(head).map_err(|e| e.to_string())?;
    if head["format"] != "agentmap-audit-export-1" {
        return Err("another format".into());
    }
    let checkpoint = check_checkpoint(head["checkpoint"].as_str().ok_or("no checkpoint")?, vkey)?;
    let (first, count) =
        (head["first"].as_u64().ok_or("no first")?, head["records"].as_u64().ok_or("no records")?);
    let mut previous = hash_of_hex(head["previous_hash"].as_str().ok_or("no previous_hash")?)?;
    // Complete subtrees, by their levels: those before the range, then the range, then those behind it.
    let mut peaks: Vec<(u32, Hash)> = Vec::new();
    let mut size = 0_u64;
    let mut push = |level: u32, hash: Hash, size: &mut u64| {
        *size += 1 << level;
        let (mut level, mut hash) = (level, hash);
        while peaks.last().is_some_and(|(other, _)| *other == level) {
            hash = parent(&peaks.pop().unwrap().1, &hash);
            level += 1;
        }
        peaks.push((level, hash));
        peaks.clone()
    };
    let largest = |size: u64, end: u64| (end - size).ilog2().min(size.trailing_zeros());
    for hash in hashes_of(&head["left"])? {
        if size >= first {
            return Err("too much on the left".into());
        }
        push(largest(size, first), hash, &mut size);
    }
    if size != first {
        return Err("too little on the left".into());
    }
    for line in records.lines() {
        let record: Value = serde_json::from_str(line).map_err(|e| e.to_string())?;
        if record["seq"].as_u64() != Some(size) {
            return Err(format!("record {} is not at its place", record["seq"]));
        }
        previous = check_record(line, &previous)?;
        push(0, leaf(&previous), &mut size);
    }
    let end = size;
    if end - first != count {
        return Err("records are missing at the end".into());
    }
    for hash in hashes_of(&head["right"])? {
        if size >= checkpoint.size {
            return Err("too much on the right".into());
        }
        push(largest(size, checkpoint.size), hash, &mut size);
    }
    let root = peaks.iter().rev().map(|(_, hash)| *hash).reduce(|right, left| parent(&left, &right));
    if size != checkpoint.size || root.unwrap_or_else(|| sha256(&[])) != checkpoint.root {
        return Err("the range is not that of the checkpoint".into());
    }
    Ok((first, end, checkpoint))
}
