//! What a record takes on disk: by the tables of the data file, and what is left of a metric once its row is removed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use redb::{Database, ReadableDatabase, ReadableTableMetadata, TableHandle};

use crate::bench::Bench;
use crate::report::{Figure, Target, Unit};

/// What the stream keeps, which is bounded.
const STREAM: &str = "stream";

/// Whether a table is of the audit trail: its records, their indexes, the tree over them and the counts of them.
fn is_audit(name: &str) -> bool {
    name.starts_with("audit")
}

/// Whether a table has the rows of metrics, indexes of them or the stream's events of them: what retention removes, while
/// sums, usage and counts stay.
fn is_removed(name: &str) -> bool {
    name.starts_with("metrics") && name != "metrics_gone" || name == STREAM
}

/// The bytes of each table's pages.
type Tables = BTreeMap<String, f64>;

fn tables(database: &Database) -> Tables {
    let txn = database.begin_read().expect("begun");
    let bytes = |handle: redb::UntypedTableHandle| {
        let name = handle.name().to_owned();
        let stats = txn.open_untyped_table(handle).expect("opened").stats().expect("counted");
        let bytes = stats.stored_bytes() + stats.metadata_bytes() + stats.fragmented_bytes();
        (name, bytes as f64)
    };
    txn.list_tables().expect("listed").map(bytes).collect()
}

/// A data file that is filled, and what was in it before.
pub struct Disk {
    seeded: Tables,
    /// The length of the file with nothing but the fleet, once it is compact.
    least: f64,
    metrics: Tables,
    pruned: f64,
}

impl Disk {
    /// Looks at a file with nothing but the fleet.
    pub fn seeded(bench: &Bench, data: &Path) -> Self {
        let copy = Copy::of(bench, data);
        let seeded = tables(&copy.0);
        Self { seeded, least: copy.compact(), metrics: Tables::new(), pruned: 0.0 }
    }

    /// Looks at it with its metrics.
    pub fn filled_with_metrics(&mut self, bench: &Bench, data: &Path) {
        let copy = Copy::of(bench, data);
        self.metrics = tables(&copy.0);
        copy.remove(is_removed);
        self.pruned = copy.compact();
    }

    /// Looks at it with metrics and events, and tells.
    pub fn filled(self, bench: &mut Bench, data: &Path, size: u64) {
        let all = tables(&Database::open(data).expect("opened"));
        let records = size as f64;
        let grown = |from: &Tables, to: &Tables, which: fn(&str) -> bool| {
            let sum = |tables: &Tables| {
                tables.iter().filter(|(name, _)| which(name)).map(|(_, bytes)| *bytes).sum::<f64>()
            };
            (sum(to) - sum(from)) / records
        };
        let mut figures = vec![
            ("an audit record with its indexes".to_owned(), grown(&self.metrics, &all, is_audit), 400.0),
            (
                "an event but for the stream's".to_owned(),
                grown(&self.metrics, &all, |name| name != STREAM),
                0.0,
            ),
            (
                "a metric but for the stream's".to_owned(),
                grown(&self.seeded, &self.metrics, |name| name != STREAM),
                0.0,
            ),
            ("a metric whose row is removed".to_owned(), (self.pruned - self.least) / records, 150.0),
            (
                "a metric and an event, of the file".to_owned(),
                fs::metadata(data).expect("the file").len() as f64 / records,
                0.0,
            ),
        ];
        for (from, to, of) in [(&self.seeded, &self.metrics, "a metric"), (&self.metrics, &all, "an event")] {
            for (name, bytes) in to {
                let more = (bytes - from.get(name).copied().unwrap_or_default()) / records;
                if more >= 1.0 {
                    figures.push((format!("{of} in the table {name}"), more, 0.0));
                }
            }
        }
        for (name, bytes, bound) in figures {
            let target = if bound > 0.0 { Target::Under(bound) } else { Target::None };
            let (row, unit, values) = ("disk", Unit::Bytes, vec![bytes]);
            bench.report.add(Figure { row, name, size, unit, values, limit: None, target });
        }
    }
}

/// A copy of a data file, to take apart.
struct Copy(Database, std::path::PathBuf);

impl Copy {
    fn of(bench: &Bench, data: &Path) -> Self {
        let copy = bench.file("copy.redb");
        fs::copy(data, &copy).expect("copied");
        Self(Database::open(&copy).expect("opened"), copy)
    }

    fn remove(&self, which: fn(&str) -> bool) {
        let txn = self.0.begin_write().expect("begun");
        let tables: Vec<_> = txn.list_tables().expect("listed").collect();
        for table in tables {
            if which(table.name()) {
                txn.delete_table(table).expect("deleted");
            }
        }
        txn.commit().expect("committed");
    }

    /// Its length, once it is as short as can be.
    fn compact(mut self) -> f64 {
        while self.0.compact().expect("compacted") {}
        drop(self.0);
        let length = fs::metadata(&self.1).expect("the file").len();
        fs::remove_file(self.1).expect("removed");
        length as f64
    }
}
