//! Bytes that change by themselves: whatever they were, the damage is told as an error or harms nothing. Nothing
//! panics that would end a thread, and nothing hangs.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use agentmap::domain::check::check;
use agentmap::store::StoreError;

use super::disk::Disk;
use super::disk::change::SECTOR;
use super::random::{Random, asked, seed};
use super::workload::{CACHE, Workload, on, open, submit, tables};

const BATCHES: usize = 12;
/// How many batches are tried on damaged data.
const MORE: usize = 3;

/// Changes some bytes, a sector or the length.
fn damage(bytes: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(bytes.len());
    match random.below(8) {
        0 => bytes.truncate(at),
        1 => bytes[at..].fill(0),
        2 => {
            let sector = at / SECTOR * SECTOR;
            bytes[sector..sector + SECTOR].fill_with(|| random.next().to_le_bytes()[0]);
        }
        // The header, and pages that are in use: most of the rest is empty.
        3 => bytes[random.below(SECTOR)] ^= 1 << random.below(8),
        _ => {
            let used: Vec<_> =
                (0..bytes.len()).step_by(SECTOR).filter(|at| bytes[*at..][..8] != [0; 8]).collect();
            for _ in 0..=random.below(4) {
                let at = used[random.below(used.len())] + random.below(SECTOR);
                bytes[at] = random.next().to_le_bytes()[0];
            }
        }
    }
}

/// What came of a damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    /// It did not matter.
    Harmless,
    RefusedOnOpening,
    ToldOnReading,
    /// redb panicked in the reader: that ends a request, which says so.
    BrokeARead,
    FoundByCheck,
    /// Text that nothing else depends on was changed.
    Unnoticed,
}

/// Opens damaged data, reads it and writes to it.
fn meet(bytes: Vec<u8>, workload: &Workload) -> End {
    let store = match open(on(&Disk::of(bytes)), CACHE) {
        Ok(store) => store,
        Err(StoreError::Corrupt(_) | StoreError::Io(_) | StoreError::TooNew { .. }) => {
            return End::RefusedOnOpening;
        }
        Err(e) => panic!("opening says {e:?}"),
    };
    let read = || {
        let tx = store.begin_read()?;
        Ok::<_, StoreError>((tables(&tx)?, check(&tx)?.problems.is_empty()))
    };
    let whole = workload.expected(&(0..BATCHES).collect::<Vec<_>>());
    let end = match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok((found, _))) if found == whole.tables => End::Harmless,
        Ok(Ok((_, sound))) => {
            if sound {
                End::Unnoticed
            } else {
                End::FoundByCheck
            }
        }
        Ok(Err(_)) => End::ToldOnReading,
        Err(_) => End::BrokeARead,
    };
    for more in BATCHES..BATCHES + MORE {
        if let Err(StoreError::Unavailable(why)) = submit(&store, workload.batch(more)) {
            assert!(!why.contains("shut down"), "the writer is gone");
        }
    }
    end
}

#[test]
fn damaged_bytes_are_an_error_and_never_an_end() {
    let began = Instant::now();
    let count = asked("AGENTMAP_DAMAGES").unwrap_or(60);
    let one = asked("AGENTMAP_DAMAGE");
    let workload = Workload::of(seed(), BATCHES);
    let disk = Disk::default();
    disk.make().unwrap();
    let store = open(on(&disk), CACHE).unwrap();
    for n in 0..BATCHES {
        submit(&store, workload.batch(n)).unwrap();
    }
    drop(store);
    let whole = disk.bytes();
    let mut ends = BTreeMap::new();
    for n in one.map_or(0..count, |one| one..one + 1) {
        let mut bytes = whole.clone();
        damage(&mut bytes, &mut Random::of(seed(), n));
        let end = catch_unwind(|| meet(bytes, &workload));
        let end = end.unwrap_or_else(|_| panic!("AGENTMAP_SEED={} AGENTMAP_DAMAGE={n}", seed()));
        *ends.entry(end).or_insert(0) += 1;
    }
    println!("seed {}: {count} damages: {ends:?}, in {:?}", seed(), began.elapsed());
}
