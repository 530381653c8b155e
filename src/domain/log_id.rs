//! Ids of log records: a UUID that holds the record's sequence number, so that no index from id to
//! record is needed.
//!
//! Version 8 (RFC 9562, section 5.8): the first 64 bits are random but for the version, the last 64
//! are the sequence number but for the two bits of the variant.

use uuid::{Builder, Uuid};

const SEQ_BITS: u64 = (1 << 62) - 1;

/// The id of record `seq`, made unguessable by `nonce`.
#[must_use]
pub fn log_id(nonce: u64, seq: u64) -> Uuid {
    let bytes = (u128::from(nonce) << 64) | u128::from(seq & SEQ_BITS);
    Builder::from_custom_bytes(bytes.to_be_bytes()).into_uuid()
}

/// The sequence number in an id.
#[must_use]
pub fn seq_of(id: Uuid) -> u64 {
    id.as_u64_pair().1 & SEQ_BITS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_gives_its_sequence_number_back() {
        for seq in [0, 1, 77, SEQ_BITS] {
            let id = log_id(u64::MAX, seq);
            assert_eq!(seq_of(id), seq);
            assert_eq!(id.get_version_num(), 8);
        }
    }
}
