//! How keys and values become bytes.
//!
//! Keys are order-preserving: comparing the bytes compares the values, so that a range of keys is a
//! range of values. Values are bincode behind one version byte, because bincode does not describe
//! itself. This is bincode's only user.

use bincode::config::{self, Configuration};
use bincode::{Decode, Encode};
use uuid::Uuid;

/// Bytes on disk that are not what their table holds.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct CodecError(pub String);

const CONFIG: Configuration = config::standard();

/// A value as its table stores it: the version byte, then bincode.
///
/// # Errors
/// When bincode refuses the value, which no type of this crate makes it do.
pub fn encode_value<T: Encode>(version: u8, value: &T) -> Result<Vec<u8>, CodecError> {
    // Most values fit: bincode writes byte by byte, and growing step by step showed in the profile.
    let mut bytes = Vec::with_capacity(512);
    bytes.push(version);
    bincode::encode_into_std_write(value, &mut bytes, CONFIG).map_err(|e| CodecError(e.to_string()))?;
    Ok(bytes)
}

/// The bincode part of a stored value, read as `T`.
///
/// # Errors
/// When the bytes are not a `T`, or are longer than one.
pub fn decode_body<T: Decode<()>>(body: &[u8]) -> Result<T, CodecError> {
    // bincode makes room for as many elements as a length says, and where a damaged one says petabytes that ends the
    // process. An element takes a byte at least, and none 256 bytes of memory for each of its bytes.
    let decoded = match body.len() {
        ..=0x1_0000 => bincode::decode_from_slice(body, CONFIG.with_limit::<0x100_0000>()),
        0x1_0001..=0x10_0000 => bincode::decode_from_slice(body, CONFIG.with_limit::<0x1000_0000>()),
        _ => bincode::decode_from_slice(body, CONFIG.with_limit::<0x4000_0000>()),
    };
    let (value, used) = decoded.map_err(|e| CodecError(e.to_string()))?;
    if used == body.len() {
        Ok(value)
    } else {
        Err(CodecError(format!("{} bytes left over after the value", body.len() - used)))
    }
}

/// A key, or a part of one, whose encoding preserves order.
pub trait Key: Sized {
    /// Appends the encoding.
    fn write(&self, out: &mut Vec<u8>);
    /// Reads the value from the front of `input`, which moves past it.
    ///
    /// # Errors
    /// When `input` does not begin with such a value.
    fn read(input: &mut &[u8]) -> Result<Self, CodecError>;

    /// The encoding alone.
    fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(24);
        self.write(&mut out);
        out
    }
}

fn take<'a>(input: &mut &'a [u8], count: usize) -> Result<&'a [u8], CodecError> {
    if input.len() < count {
        return Err(CodecError("key is too short".into()));
    }
    let (head, tail) = input.split_at(count);
    *input = tail;
    Ok(head)
}

macro_rules! unsigned_key {
    ($($t:ty),*) => {$(
        impl Key for $t {
            fn write(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_be_bytes());
            }
            fn read(input: &mut &[u8]) -> Result<Self, CodecError> {
                let bytes = take(input, size_of::<$t>())?;
                bytes.try_into().map(<$t>::from_be_bytes).map_err(|_| CodecError("bad integer".into()))
            }
        }
    )*};
}
unsigned_key!(u8, u32, u64, u128);

impl Key for i64 {
    /// Big-endian with the sign bit flipped, so that negative numbers come first.
    fn write(&self, out: &mut Vec<u8>) {
        (self.cast_unsigned() ^ (1 << 63)).write(out);
    }
    fn read(input: &mut &[u8]) -> Result<Self, CodecError> {
        Ok((u64::read(input)? ^ (1 << 63)).cast_signed())
    }
}

impl Key for Uuid {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_bytes());
    }
    fn read(input: &mut &[u8]) -> Result<Self, CodecError> {
        Uuid::from_slice(take(input, 16)?).map_err(|e| CodecError(e.to_string()))
    }
}

/// Text inside a longer key: NUL is written as `00 FF` and the end as `00 01`, so that a prefix
/// sorts before what it begins and no text can look like another's end.
fn write_text(text: &str, out: &mut Vec<u8>) {
    for &byte in text.as_bytes() {
        out.push(byte);
        if byte == 0 {
            out.push(0xFF);
        }
    }
    out.extend_from_slice(&[0, 1]);
}

impl Key for &str {
    fn write(&self, out: &mut Vec<u8>) {
        write_text(self, out);
    }
    fn read(_: &mut &[u8]) -> Result<Self, CodecError> {
        Err(CodecError("read text keys as String".into()))
    }
}

/// Written as what it refers to: for a part of a longer key that somebody else has.
impl<K: Key> Key for &K {
    fn write(&self, out: &mut Vec<u8>) {
        (**self).write(out);
    }
    fn read(_: &mut &[u8]) -> Result<Self, CodecError> {
        Err(CodecError("no key is read as a reference".into()))
    }
}

impl Key for String {
    fn write(&self, out: &mut Vec<u8>) {
        write_text(self, out);
    }
    fn read(input: &mut &[u8]) -> Result<Self, CodecError> {
        let mut text = Vec::new();
        loop {
            match take(input, 1)?[0] {
                0 => match take(input, 1)?[0] {
                    0xFF => text.push(0),
                    1 => break,
                    _ => return Err(CodecError("bad escape in a text key".into())),
                },
                byte => text.push(byte),
            }
        }
        String::from_utf8(text).map_err(|e| CodecError(e.to_string()))
    }
}

impl Key for () {
    fn write(&self, _: &mut Vec<u8>) {}
    fn read(_: &mut &[u8]) -> Result<Self, CodecError> {
        Ok(())
    }
}

macro_rules! tuple_key {
    ($($name:ident $index:tt),+) => {
        impl<$($name: Key),+> Key for ($($name,)+) {
            fn write(&self, out: &mut Vec<u8>) {
                $(self.$index.write(out);)+
            }
            fn read(input: &mut &[u8]) -> Result<Self, CodecError> {
                Ok(($($name::read(input)?,)+))
            }
        }
    };
}
tuple_key!(A 0, B 1);
tuple_key!(A 0, B 1, C 2);
tuple_key!(A 0, B 1, C 2, D 3);

/// The first key after every key that begins with `prefix`; `None` when there is none.
#[must_use]
pub fn prefix_end(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.last_mut() {
        if *last < 0xFF {
            *last += 1;
            return Some(end);
        }
        end.pop();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn order_of_bytes_is_order_of_values(a: (String, i64, u64), b: (String, i64, u64)) {
            prop_assert_eq!(a.to_bytes().cmp(&b.to_bytes()), a.cmp(&b));
        }

        #[test]
        fn keys_round_trip(key: (String, i64, u64, u8)) {
            let bytes = key.to_bytes();
            prop_assert_eq!(<(String, i64, u64, u8)>::read(&mut bytes.as_slice()).unwrap(), key);
        }

        #[test]
        fn prefix_end_is_just_past_the_prefix(prefix: Vec<u8>, tail: Vec<u8>) {
            let mut longer = prefix.clone();
            longer.extend(tail);
            if let Some(end) = prefix_end(&prefix) {
                prop_assert!(longer < end);
            }
        }
    }

    #[test]
    fn a_damaged_length_is_an_error() {
        // bincode allocated whatever a length said: a damaged one of petabytes ended the process.
        let length = |more: usize| {
            let bytes = encode_value(1, &(1_u64 << 50)).unwrap();
            [&bytes[1..], vec![0; more].as_slice()].concat()
        };
        for more in [0, 100, 0x1_0000, 0xF_0000] {
            assert!(decode_body::<String>(&length(more)).is_err());
            assert!(decode_body::<Vec<(u64, String)>>(&length(more)).is_err());
        }
    }

    #[test]
    fn what_is_much_larger_in_memory_is_read() {
        for count in [0, 1, 0xFFFF, 0x1_0001] {
            let many = vec![None::<[u64; 30]>; count];
            let body = &encode_value(1, &many).unwrap()[1..];
            assert_eq!(decode_body::<Vec<Option<[u64; 30]>>>(body).unwrap().len(), count);
        }
    }

    #[test]
    fn leftover_bytes_are_refused() {
        let mut bytes = encode_value(1, &7_u64).unwrap();
        bytes.push(0);
        assert!(decode_body::<u64>(&bytes[1..]).is_err());
    }
}
