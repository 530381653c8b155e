//! Records and their indexes: a type declares its table, its key and its indexes once, and every
//! write keeps them true inside the same transaction.

use bincode::{Decode, Encode};

use super::codec::{self, CodecError, Key};
use super::error::StoreError;

/// The name of a table. Keys and values are bytes; [`Record`] gives them meaning.
pub type TableName = &'static str;

/// A type that is kept in a table under a key of its own or one given with it.
pub trait Value: Sized + Clone + Encode + Decode<()> + 'static {
    /// Where it is kept.
    const TABLE: TableName;
    /// The version that this program writes.
    const VERSION: u8 = 1;
    /// The primary key.
    type Key: Key;

    /// Reads a value that an older release wrote. Override it together with `VERSION`.
    ///
    /// # Errors
    /// When no release ever wrote such a value.
    fn decode_older(version: u8, _body: &[u8]) -> Result<Self, CodecError> {
        Err(CodecError(format!("{} holds a value of unknown version {version}", Self::TABLE)))
    }

    /// Whether the value says no more than that there is none: then it is not stored.
    fn is_empty(&self) -> bool {
        false
    }

    /// The value as stored.
    ///
    /// # Errors
    /// See [`codec::encode_value`].
    fn to_stored(&self) -> Result<Vec<u8>, CodecError> {
        codec::encode_value(Self::VERSION, self)
    }

    /// Reads a stored value.
    ///
    /// # Errors
    /// When the bytes are no such value.
    fn from_stored(bytes: &[u8]) -> Result<Self, CodecError> {
        match bytes.split_first() {
            Some((&version, body)) if version == Self::VERSION => {
                codec::decode_body(body).map_err(|e| CodecError(format!("{}: {}", Self::TABLE, e.0)))
            }
            Some((&version, body)) => Self::decode_older(version, body),
            None => Err(CodecError(format!("{} holds an empty value", Self::TABLE))),
        }
    }
}

/// A value that knows its key and may be found by other things too.
pub trait Record: Value {
    /// What is found by anything else than the key.
    const INDEXES: &'static [Index<Self>] = &[];
    /// The same of a log, whose records are many: values that end in a time, over numbers as keys. They are kept as
    /// [posting lists](super::PostingList).
    const POSTINGS: &'static [Index<Self>] = &[];

    /// This record's primary key.
    fn key(&self) -> Self::Key;
}

/// Looks values up by key, in a snapshot or inside a write transaction.
pub trait Lookup {
    /// The value with this key.
    ///
    /// # Errors
    /// When storage fails or the value is damaged.
    fn lookup<V: Value>(&mut self, key: &V::Key) -> Result<Option<V>, StoreError>;

    /// The first primary key that an index holds under `value`.
    ///
    /// # Errors
    /// When storage fails.
    fn first_of<R: Record>(
        &mut self,
        index: &Index<R>,
        value: &impl Key,
    ) -> Result<Option<R::Key>, StoreError>;
}

impl<L: Lookup> Lookup for &mut L {
    fn lookup<V: Value>(&mut self, key: &V::Key) -> Result<Option<V>, StoreError> {
        (**self).lookup(key)
    }

    fn first_of<R: Record>(
        &mut self,
        index: &Index<R>,
        value: &impl Key,
    ) -> Result<Option<R::Key>, StoreError> {
        (**self).first_of(index, value)
    }
}

/// A secondary index: a table of `(value, primary key) -> ()`, or posting lists.
pub struct Index<R: Record> {
    /// The index table.
    pub table: TableName,
    /// Which values a record is found under.
    pub values: fn(&R, &mut IndexEntries),
}

/// Collects the entries of records in one index.
#[derive(Default)]
pub struct IndexEntries {
    /// The key of the record whose entries come.
    primary: Vec<u8>,
    /// The entries, one after the other, and where each ends.
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl IndexEntries {
    /// Adds an entry for `value`.
    pub fn push(&mut self, value: &impl Key) {
        value.write(&mut self.bytes);
        self.bytes.extend_from_slice(&self.primary);
        self.ends.push(self.bytes.len());
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The entries.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let begins = std::iter::once(0).chain(self.ends.iter().copied());
        begins.zip(&self.ends).map(|(begin, end)| &self.bytes[begin..*end])
    }
}

impl<R: Record> Index<R> {
    /// The index table's keys for `record`, in order, each once.
    #[must_use]
    pub fn entries(&self, record: &R) -> Vec<Vec<u8>> {
        let mut entries = IndexEntries::default();
        self.collect(record, &mut entries);
        let mut entries: Vec<_> = entries.iter().map(<[u8]>::to_vec).collect();
        if entries.len() > 1 {
            entries.sort_unstable();
            entries.dedup();
        }
        entries
    }

    /// Adds the entries of `record` to others, where one may come twice.
    pub fn collect(&self, record: &R, entries: &mut IndexEntries) {
        entries.primary.clear();
        record.key().write(&mut entries.primary);
        (self.values)(record, entries);
    }
}
