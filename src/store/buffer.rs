//! Values that many commands of one batch change, such as counters: held decoded, written once at its end.

use std::any::Any;
use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::codec::CodecError;
use super::record::{TableName, Value};

/// The held values of all tables.
#[derive(Default)]
pub(super) struct Buffer(Vec<(TableName, Box<dyn Held>)>);

/// Keys and their values; `None` where a value is empty.
type Encoded = Vec<(Vec<u8>, Option<Vec<u8>>)>;

/// The held values of one table.
trait Held {
    fn as_any(&self) -> &dyn Any;
    fn as_any_mut(&mut self) -> &mut dyn Any;
    /// What is to be written, in key order.
    fn encode(&self) -> Result<Encoded, CodecError>;
}

struct Values<V>(HashMap<Vec<u8>, V, RandomState>);

impl<V: Value> Held for Values<V> {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }

    fn encode(&self) -> Result<Encoded, CodecError> {
        let mut encoded = Vec::with_capacity(self.0.len());
        for (key, value) in &self.0 {
            let stored = if value.is_empty() { None } else { Some(value.to_stored()?) };
            encoded.push((key.clone(), stored));
        }
        encoded.sort_unstable();
        Ok(encoded)
    }
}

impl Buffer {
    /// What is held of a table. There are few of them.
    fn of(&self, table: TableName) -> Option<&dyn Held> {
        self.0.iter().find(|(held, _)| *held == table).map(|(_, held)| &**held)
    }

    /// A held value.
    pub fn get<V: Value>(&self, key: &[u8]) -> Option<&V> {
        self.of(V::TABLE)?.as_any().downcast_ref::<Values<V>>()?.0.get(key)
    }

    /// A held value, to be changed.
    pub fn get_mut<V: Value>(&mut self, key: &[u8]) -> Option<&mut V> {
        let held = self.0.iter_mut().find(|(table, _)| *table == V::TABLE);
        held?.1.as_any_mut().downcast_mut::<Values<V>>()?.0.get_mut(key)
    }

    /// Holds a value.
    pub fn hold<V: Value>(&mut self, key: Vec<u8>, value: V) {
        let at = self.0.iter().position(|(table, _)| *table == V::TABLE).unwrap_or_else(|| {
            self.0.push((V::TABLE, Box::new(Values::<V>(HashMap::default()))));
            self.0.len() - 1
        });
        let values = self.0[at].1.as_any_mut().downcast_mut::<Values<V>>();
        debug_assert!(values.is_some(), "{} holds values of one type", V::TABLE);
        if let Some(values) = values {
            values.0.insert(key, value);
        }
    }

    /// Everything that is held, by table and key.
    pub fn encode(&self) -> Result<Vec<(TableName, Encoded)>, CodecError> {
        let mut tables = Vec::with_capacity(self.0.len());
        for (table, held) in &self.0 {
            tables.push((*table, held.encode()?));
        }
        tables.sort_unstable();
        Ok(tables)
    }
}
