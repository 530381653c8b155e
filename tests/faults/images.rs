//! What a power failure leaves: of the writes that were not synced, some are lost, some torn, some come in another
//! order. Whatever it is, it opens, and holds all that was answered.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use super::disk::{Change, Disk, Fate};
use super::random::{Random, asked, seed};
use super::workload::{Batches, CACHE, Workload, on, open, submit};

/// How many batches a workload has, and after how many it is closed and opened again.
const BATCHES: usize = 20;
const REOPEN: usize = 12;
/// How many images are made of one workload.
const IMAGES_EACH: usize = 1000;
/// How many batches are carried out after a recovery, to find out whether it left something that breaks later.
const MORE: usize = 2;
/// Of so many images, one is crashed again while it recovers.
const AGAIN: usize = 5;

/// Everything that was done to a disk, and what was answered meanwhile.
struct Course {
    before: Vec<u8>,
    journal: Vec<Change>,
    /// How many batches were there at the beginning.
    first: usize,
    /// How much of the journal was written when each further batch was answered.
    answered: Vec<usize>,
}

/// What a crash left, and how many batches it must hold; there may be one more.
struct Image {
    bytes: Vec<u8>,
    answered: usize,
}

impl Course {
    /// The workload on a new disk.
    fn of(workload: &Workload) -> Self {
        let disk = Disk::default();
        disk.make().unwrap();
        let before = disk.bytes();
        disk.record();
        let mut store = open(on(&disk), CACHE).unwrap();
        let mut answered = Vec::new();
        for n in 0..workload.len() {
            if n == REOPEN {
                drop(store);
                store = open(on(&disk), CACHE).unwrap();
            }
            submit(&store, workload.batch(n)).unwrap();
            answered.push(disk.recorded());
        }
        drop(store);
        Self { before, journal: disk.journal(), first: 0, answered }
    }

    /// The power fails at some moment before `end`.
    fn crash(&self, end: usize, random: &mut Random) -> Image {
        let moment = random.below(end + 1);
        let done = &self.journal[..moment];
        let synced =
            done.iter().rposition(|change| matches!(change, Change::Sync)).map_or(0, |last| last + 1);
        let mut bytes = self.before.clone();
        for change in &done[..synced] {
            change.apply(&mut bytes);
        }
        let mut unsynced: Vec<_> = done[synced..].iter().collect();
        if random.below(4) == 0 {
            for n in (1..unsynced.len()).rev() {
                unsynced.swap(n, random.below(n + 1));
            }
        }
        let mut fate = fates(random, unsynced.len());
        for (n, change) in unsynced.iter().enumerate() {
            change.apply_as(fate(random, n), &mut bytes);
        }
        let answered = self.answered.iter().filter(|at| **at <= moment).count();
        Image { bytes, answered: self.first + answered }
    }
}

/// What becomes of the unsynced changes of one crash: each on its own, or all alike but for one.
fn fates(random: &mut Random, changes: usize) -> impl FnMut(&mut Random, usize) -> Fate + use<> {
    let (style, one) = (random.below(6), random.below(changes.max(1)));
    move |random, n| {
        let torn = if random.below(2) == 0 {
            Fate::Sectors(random.next())
        } else {
            let part = random.next().to_le_bytes();
            Fate::Part(part[0], part[1])
        };
        let any = [Fate::Lost, Fate::Whole, torn][random.below(3)];
        let (usual, of_one) = match style {
            0 => (Fate::Lost, Fate::Lost),
            1 => (Fate::Lost, Fate::Whole),
            2 => (Fate::Whole, Fate::Lost),
            3 => (Fate::Whole, torn),
            4 => (torn, torn),
            _ => (any, any),
        };
        if n == one { of_one } else { usual }
    }
}

/// The image opens, and holds what it must. Returns the store and how many batches it holds.
fn recover(disk: &Disk, answered: usize, workload: &Workload) -> Result<(Batches, usize), String> {
    let store = open(on(disk), CACHE).map_err(|e| format!("it does not open: {e}"))?;
    let survived = workload.survived(&store.begin_read().map_err(|e| e.to_string())?)?;
    if !survived.iter().copied().eq(0..survived.len()) {
        return Err(format!("batches {survived:?} are there, with a hole"));
    }
    if survived.len() < answered || survived.len() > answered + 1 {
        return Err(format!("{answered} batches were answered, and {} are there", survived.len()));
    }
    let count = survived.len();
    Ok((store, count))
}

/// What was recovered goes on as if nothing had been. Records how far the disk was at each answer.
fn go_on(disk: &Disk, store: Batches, first: usize, workload: &Workload) -> Result<Vec<usize>, String> {
    let mut answered = Vec::new();
    for n in first..first + MORE {
        submit(&store, workload.batch(n)).map_err(|e| format!("after recovery: {e}"))?;
        answered.push(disk.recorded());
    }
    let survived = workload.survived(&store.begin_read().map_err(|e| e.to_string())?)?;
    drop(store);
    if survived.len() != first + MORE {
        return Err(format!("after recovery {} batches are there, not {}", survived.len(), first + MORE));
    }
    let mut builder = redb::Database::builder();
    let mut database = disk.open(&mut builder).map_err(|e| format!("after recovery: {e}"))?;
    match database.check_integrity() {
        Ok(true) => Ok(answered),
        other => Err(format!("after recovery redb's own check says {other:?}")),
    }
}

/// Makes an image and opens it; one in five crashes again on the way. Returns how often the power failed.
fn try_one(n: usize, course: &Course, workload: &Workload) -> Result<usize, String> {
    let random = &mut Random::of(seed(), n as u64);
    let image = course.crash(course.journal.len(), random);
    let again = n.is_multiple_of(AGAIN);
    let disk = Disk::of(image.bytes.clone());
    if again {
        disk.record();
    }
    let (store, count) = recover(&disk, image.answered, workload)?;
    let recovery = disk.recorded();
    let answered = go_on(&disk, store, count, workload)?;
    if !again {
        return Ok(1);
    }
    let journal = disk.journal();
    // Mostly in the recovery itself, sometimes in what came after it.
    let end = if random.below(4) > 0 { recovery } else { journal.len() };
    let second = Course { before: image.bytes, journal, first: count, answered }.crash(end, random);
    let disk = Disk::of(second.bytes);
    let (store, count) =
        recover(&disk, second.answered, workload).map_err(|why| format!("crashed again: {why}"))?;
    go_on(&disk, store, count, workload).map_err(|why| format!("crashed again: {why}"))?;
    Ok(2)
}

#[test]
fn whatever_a_power_failure_leaves_holds_all_that_was_answered() {
    let began = Instant::now();
    let count = usize::try_from(asked("AGENTMAP_IMAGES").unwrap_or(200)).unwrap();
    let one = asked("AGENTMAP_IMAGE").map(|one| usize::try_from(one).unwrap());
    let images = one.map_or(0..count, |one| one..one + 1);
    let groups: Vec<_> = (images.start / IMAGES_EACH..images.end.div_ceil(IMAGES_EACH)).collect();
    let (next, crashes) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let wrong = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    for group in groups {
        let workload = Workload::of(seed() + group as u64, BATCHES);
        let course = Course::of(&workload);
        let part = images.start.max(group * IMAGES_EACH)..images.end.min((group + 1) * IMAGES_EACH);
        next.store(part.start, Ordering::Relaxed);
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    loop {
                        let n = next.fetch_add(1, Ordering::Relaxed);
                        if n >= part.end {
                            break;
                        }
                        let tried = std::panic::catch_unwind(|| try_one(n, &course, &workload));
                        match tried.unwrap_or_else(|_| Err("it panicked".into())) {
                            Ok(count) => {
                                crashes.fetch_add(count, Ordering::Relaxed);
                            }
                            Err(why) => {
                                let told = format!("AGENTMAP_SEED={} AGENTMAP_IMAGE={n}: {why}", seed());
                                println!("{told}");
                                wrong.lock().unwrap().push(told);
                            }
                        }
                    }
                });
            }
        });
    }
    println!(
        "seed {}: {} images, {} power failures, in {:?}",
        seed(),
        images.len(),
        crashes.into_inner(),
        began.elapsed()
    );
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of {} went wrong; first: {}", wrong.len(), images.len(), wrong[0]);
}

#[test]
fn a_disk_that_only_pretends_to_sync_is_found_out() {
    // Else the test above could not fail.
    let workload = Workload::of(seed(), BATCHES);
    let mut course = Course::of(&workload);
    for change in &mut course.journal {
        if matches!(change, Change::Sync) {
            *change = Change::Write(0, Vec::new().into());
        }
    }
    assert!((0..200).any(|n| try_one(n, &course, &workload).is_err()));
}
