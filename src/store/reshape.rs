//! What the steps of a schema do to whole tables.

use redb::ReadableTable;

use super::error::StoreError;
use super::read::definition;
use super::record::TableName;
use super::write::WriteTx;

impl WriteTx<'_> {
    /// Removes a table with all that is in it.
    pub(super) fn drop_table(&mut self, name: TableName) -> Result<(), StoreError> {
        self.tables.retain(|(opened, _)| *opened != name);
        self.txn.delete_table(definition(name))?;
        Ok(())
    }

    /// Gives each row of a table another key.
    ///
    /// # Errors
    /// When storage fails.
    pub fn rekey(&mut self, name: TableName, key: fn(&[u8]) -> Vec<u8>) -> Result<(), StoreError> {
        const OLD: TableName = "rekeyed";
        self.flush()?;
        self.table(name)?;
        self.tables.retain(|(opened, _)| *opened != name);
        self.txn.rename_table(definition(name), definition(OLD))?;
        let old = self.txn.open_table(definition(OLD))?;
        let new = self.table(name)?;
        for row in old.iter()? {
            let (old_key, value) = row?;
            new.insert(key(old_key.value()).as_slice(), value.value())?;
        }
        drop(old);
        self.drop_table(OLD)
    }
}
