//! A data file of an older schema becomes what it would be had this program written it.

use agentmap::domain::check::check;
use agentmap::store::Key;
use proptest::prelude::*;
use redb::TableDefinition;

use super::history::{history, long_trail};
use super::world::{Dump, World};

/// A table as the store keeps it.
const fn table(name: &str) -> TableDefinition<'_, &'static [u8], &'static [u8]> {
    TableDefinition::new(name)
}

/// A schema version as the store keeps it: the version of the value, then the number.
fn version(number: u8) -> Vec<u8> {
    vec![1, number]
}

/// The tables that came with version 2, with version 3, and so on.
const NEW: [&[&str]; 5] = [
    &["activity"],
    &["audit_frontier", "audit_tree"],
    &["spent_by_day"],
    &["postings", "audit_by_time", "audit_by_agent", "metrics_by_time", "metrics_by_type"],
    &["open_minutes"],
];

/// All but what categories spent: that counts where agents were then, which nothing tells any more.
fn without_categories(mut tables: Dump) -> Dump {
    const CATEGORY: u8 = 1;
    if let Some(spent) = tables.get_mut("spent_by_day") {
        spent.retain(|(key, _)| key[8] != CATEGORY);
    }
    tables
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn what_an_older_version_did_not_keep_follows_from_its_logs(
        history in history(40),
        records in 0_u32..300,
        older in 1_u8..6,
    ) {
        let (mut world, _) = World::after(&history);
        world.batch(&[long_trail(records)]);
        // Before version 6 no minute was open.
        world.close_minutes();
        let (disk, wanted) = (world.disk.copy(), world.full());
        drop(world);
        prop_assert_eq!(&wanted["schema"], &[(().to_bytes(), version(6))]);
        let database = disk.database();
        let write = database.begin_write().unwrap();
        for new in NEW.iter().skip(usize::from(older) - 1).copied().flatten() {
            prop_assert!(write.delete_table(table(new)).unwrap() || !wanted.contains_key(*new));
        }
        if older < 5 {
            // Sums lay together by scope before version 5.
            for sums in ["metric_sums", "audit_tallies"] {
                let rows = wanted.get(sums).cloned().unwrap_or_default();
                let mut table = write.open_table(table(sums)).unwrap();
                for (key, _) in &rows {
                    table.remove(key.as_slice()).unwrap();
                }
                for (key, value) in rows {
                    let old = [&key[..1], &key[9..], &key[1..9]].concat();
                    table.insert(old.as_slice(), value.as_slice()).unwrap();
                }
            }
            // What was an index's own table of entries before version 5.
            write.open_table(table("audit_by_time")).unwrap().insert([0; 16].as_slice(), [].as_slice()).unwrap();
        }
        write.open_table(table("schema")).unwrap().insert([].as_slice(), version(older).as_slice()).unwrap();
        write.commit().unwrap();
        drop(database);

        let world = World::on(disk);
        prop_assert_eq!(check(&world.read()).unwrap().problems, Vec::<String>::new());
        prop_assert_eq!(without_categories(world.full()), without_categories(wanted));
    }
}
