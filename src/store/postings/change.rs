//! Changing posting lists: what a batch changes is written at its end, list by list.

use redb::ReadableTable;

use super::{Block, OPEN, Posting, open_key, read_sealed, sealed_key, split};
use crate::store::codec::{Key, prefix_end};
use crate::store::error::StoreError;
use crate::store::record::{IndexEntries, Record, TableName};
use crate::store::write::WriteTx;

/// What a batch adds to posting lists and takes from them, until it is written at the end of it.
#[derive(Default)]
pub(in crate::store) struct Pending(Vec<(TableName, Changes)>);

#[derive(Default)]
pub(in crate::store) struct Changes {
    pub entries: IndexEntries,
    /// For each entry, whether it is added; else it is taken out.
    pub added: Vec<bool>,
}

impl Pending {
    /// The changes of an index.
    pub fn of(&mut self, table: TableName) -> &mut Changes {
        let at = self.0.iter().position(|(held, _)| *held == table).unwrap_or_else(|| {
            self.0.push((table, Changes::default()));
            self.0.len() - 1
        });
        &mut self.0[at].1
    }
}

/// A change of one list.
#[derive(Clone, Copy)]
struct Change {
    place: Posting,
    added: bool,
}

impl WriteTx<'_> {
    /// Writes what the batch changed in posting lists so far.
    pub(in crate::store) fn write_postings(&mut self) -> Result<(), StoreError> {
        for (table, Changes { entries, added }) in std::mem::take(&mut self.pending.0) {
            let mut ordered: Vec<_> = entries.iter().zip(added).collect();
            // In order and stable: of changes of one entry the last counts.
            ordered.sort_by_key(|(entry, _)| *entry);
            let mut rest = ordered.as_slice();
            while let Some((first, _)) = rest.first() {
                let (value, _) = split(first)?;
                let of_value = |entry: &[u8]| split(entry).is_ok_and(|(other, _)| other == value);
                let count = rest.iter().take_while(|(entry, _)| of_value(entry)).count();
                let mut changes: Vec<Change> = Vec::with_capacity(count);
                for (entry, added) in &rest[..count] {
                    let (_, place) = split(entry)?;
                    if changes.last().is_some_and(|last| last.place == place) {
                        changes.pop();
                    }
                    changes.push(Change { place, added: *added });
                }
                self.change_list(table, value, &changes)?;
                rest = &rest[count..];
            }
        }
        Ok(())
    }

    /// Changes the list of a value; `changes` are in order.
    fn change_list(&mut self, table: TableName, value: &[u8], changes: &[Change]) -> Result<(), StoreError> {
        let key = open_key(table, value);
        let mut open =
            self.table(OPEN)?.get(key.as_slice())?.map(|b| Block::read_open(b.value())).transpose()?;
        let end = open.as_ref().map(|block| block.last);
        if changes.iter().all(|change| change.added && end.is_none_or(|end| change.place > end)) {
            for Change { place, .. } in changes {
                match &mut open {
                    Some(block) if block.takes(*place) => block.push(*place),
                    _ => {
                        let before = open.as_ref().map_or(0, Block::total);
                        if let Some(whole) = open.replace(Block::of(*place, before)) {
                            self.seal(table, value, &whole)?;
                        }
                    }
                }
            }
        } else {
            open = self.rewrite(table, value, open, changes)?;
        }
        match open {
            Some(block) => self.table(OPEN)?.insert(key.as_slice(), block.write_open().as_slice())?,
            None => self.table(OPEN)?.remove(key.as_slice())?,
        };
        Ok(())
    }

    fn seal(&mut self, table: TableName, value: &[u8], block: &Block) -> Result<(), StoreError> {
        let key = sealed_key(value, block.first);
        self.table(table)?.insert(key.as_slice(), block.write_sealed().as_slice())?;
        Ok(())
    }

    /// Changes a list anywhere, and gives back what is its open block then.
    fn rewrite(
        &mut self,
        table: TableName,
        value: &[u8],
        mut open: Option<Block>,
        mut changes: &[Change],
    ) -> Result<Option<Block>, StoreError> {
        let mut total = open.as_ref().map_or(0, Block::total);
        while let Some(Change { place, added }) = changes.first().copied() {
            // The block in which the place lies, or would lie: the open one, a sealed one, or the first there is.
            let in_open = open.as_ref().is_some_and(|block| block.first <= place);
            let sealed = match self.sealed_to(table, value, place)? {
                _ if in_open => None,
                Some(found) => Some(found),
                None => self.sealed_from(table, value, place)?,
            };
            let mut places = Vec::new();
            // Without the place that begins it, a block goes on that before it.
            let first = sealed.as_ref().map(|block| block.0).or(open.as_ref().map(|block| block.first));
            if !added
                && first == Some(place)
                && let Some((before, its)) = self.sealed_to(table, value, place.saturating_sub(1))?
                && before != place
            {
                self.table(table)?.remove(sealed_key(value, before).as_slice())?;
                places.extend(its);
            }
            let is_open = sealed.is_none();
            let next = match sealed {
                Some((first, its)) => {
                    self.table(table)?.remove(sealed_key(value, first).as_slice())?;
                    places.extend(its);
                    let after = self.sealed_from(table, value, first)?.map(|block| block.0);
                    after.or(open.as_ref().map(|block| block.first))
                }
                None => {
                    places.extend(open.take().map(|block| block.places()).transpose()?.unwrap_or_default());
                    None
                }
            };
            let (here, later) = changes
                .split_at(changes.partition_point(|change| next.is_none_or(|next| change.place < next)));
            changes = later;
            let after = changed(&places, here);
            total = (total + after.len() as u64).saturating_sub(places.len() as u64);
            let mut blocks = Block::all_of(&after);
            if is_open {
                open = blocks.pop();
                if open.is_none()
                    && let Some((first, its)) = self.sealed_to(table, value, Posting::MAX)?
                {
                    self.table(table)?.remove(sealed_key(value, first).as_slice())?;
                    open = Block::all_of(&its).pop();
                }
            }
            for block in &blocks {
                self.seal(table, value, block)?;
            }
        }
        // What the open block has was not counted before it.
        if let Some(block) = &mut open {
            block.before = 0;
            block.before = total.saturating_sub(block.total());
        }
        Ok(open)
    }

    /// The last sealed block that begins at or before a place.
    fn sealed_to(
        &mut self,
        table: TableName,
        value: &[u8],
        place: Posting,
    ) -> Result<Option<(Posting, Vec<Posting>)>, StoreError> {
        let (from, to) = (sealed_key(value, 0), sealed_key(value, place));
        let last = self.table(table)?.range::<&[u8]>(from.as_slice()..=to.as_slice())?.next_back();
        sealed(last)
    }

    /// The first sealed block that begins at or after a place.
    fn sealed_from(
        &mut self,
        table: TableName,
        value: &[u8],
        place: Posting,
    ) -> Result<Option<(Posting, Vec<Posting>)>, StoreError> {
        let (from, to) = (sealed_key(value, place), sealed_key(value, Posting::MAX));
        let first = self.table(table)?.range::<&[u8]>(from.as_slice()..=to.as_slice())?.next();
        sealed(first)
    }

    /// Makes the posting lists of all records anew, in place of whatever there is under their names.
    ///
    /// # Errors
    /// When storage fails or a record is damaged.
    pub fn rebuild_postings<R: Record>(&mut self) -> Result<(), StoreError> {
        self.write_postings()?;
        for index in R::POSTINGS {
            self.drop_table(index.table)?;
            let names = index.table.to_bytes();
            let end = prefix_end(&names).unwrap_or_default();
            self.table(OPEN)?.retain_in::<&[u8], _>(names.as_slice()..end.as_slice(), |_, _| false)?;
        }
        self.walk(|tx, record: &R| {
            tx.post(record, true);
            Ok(())
        })
    }
}

type Row<'a> = (redb::AccessGuard<'a, &'static [u8]>, redb::AccessGuard<'a, &'static [u8]>);

fn sealed(
    row: Option<Result<Row<'_>, redb::StorageError>>,
) -> Result<Option<(Posting, Vec<Posting>)>, StoreError> {
    let Some((key, bytes)) = row.transpose()? else { return Ok(None) };
    let (_, first) = split(key.value())?;
    Ok(Some((first, read_sealed(first, bytes.value())?)))
}

/// Places with changes; both are in order.
fn changed(places: &[Posting], changes: &[Change]) -> Vec<Posting> {
    let mut result = Vec::with_capacity(places.len() + changes.len());
    let mut old = places.iter().copied().peekable();
    for Change { place, added } in changes {
        while let Some(before) = old.next_if(|old| old < place) {
            result.push(before);
        }
        old.next_if_eq(place);
        if *added {
            result.push(*place);
        }
    }
    result.extend(old);
    result
}
