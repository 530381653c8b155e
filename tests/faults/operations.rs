//! Every operation that the workload asks of its storage fails in turn: once, or from then on.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use agentmap::domain::command::Applied;
use agentmap::store::StoreError;

use super::disk::{Disk, Fate, Fault, How, Kind};
use super::random::{Random, asked, seed};
use super::workload::{Batches, CACHE, Tables, Workload, on, open, submit, tables};

/// How many batches the workload has, and after how many it is closed and opened again.
const BATCHES: usize = 16;
const REOPEN: usize = 9;
/// After every so many, everything is read.
const READ: usize = 4;
/// How many batches must work once storage does.
const MORE: usize = 3;
/// A cache that holds next to nothing, so that most of what is read comes from the disk.
const SMALL: usize = 1 << 16;
/// A store waits a second before it tries anew.
const REOPEN_PAUSE: Duration = Duration::from_millis(1050);
/// How many are tried at the same time: most of it they wait.
const AT_ONCE: usize = 64;
const PATIENCE: Duration = Duration::from_mins(1);

const WRITING: &[Kind] = &[Kind::Grow, Kind::Write, Kind::Sync];

/// One failure of the campaign.
#[derive(Debug, Clone, Copy)]
struct Case {
    cache: usize,
    fault: Fault,
}

/// All ways in which an operation may fail, with what fails after it.
fn ways(kind: Kind) -> Vec<(How, Option<&'static [Kind]>)> {
    let mut ways = vec![(How::Broken, None), (How::Broken, Some(Kind::ALL))];
    if WRITING.contains(&kind) {
        ways.extend([(How::Full, None), (How::Full, Some(WRITING))]);
    }
    match kind {
        // A length changes as a whole.
        Kind::Length | Kind::Grow | Kind::Shrink => {}
        Kind::Read | Kind::Write => ways.push((How::Halfway, None)),
        Kind::Sync => {
            ways.extend([How::Halfway, How::Forgotten, How::Pretended].map(|how| (how, None)));
            ways.push((How::Pretended, Some(&[Kind::Sync])));
        }
    }
    ways
}

/// What was answered and read on the way.
#[derive(Default)]
struct Story {
    answers: BTreeMap<usize, Result<Vec<Applied>, StoreError>>,
    readings: Vec<(usize, Result<Tables, StoreError>)>,
    openings: Vec<StoreError>,
    /// How many operations failed.
    failed: u64,
}

impl Story {
    /// Opens the data, if need be once storage works again.
    fn open(&mut self, disk: &Disk, cache: usize) -> Result<Batches, String> {
        open(on(disk), cache).or_else(|e| {
            self.openings.push(e);
            self.failed += disk.heal();
            open(on(disk), cache).map_err(|e| format!("it cannot be opened again: {e}"))
        })
    }

    fn submit(&mut self, store: &Batches, workload: &Workload, n: usize) {
        self.answers.insert(n, submit(store, workload.batch(n)));
    }

    fn read(&mut self, store: &Batches, n: usize) {
        self.readings.push((n, store.begin_read().and_then(|tx| tables(&tx))));
    }

    /// Runs the workload on a new disk, on which something fails, and gives both.
    fn run(
        &mut self,
        fault: Option<Fault>,
        cache: usize,
        workload: &Workload,
    ) -> Result<(Disk, Batches), String> {
        let mut disk = Disk::default();
        disk.break_down(fault);
        // A file that does not come to be whole gets no name.
        if let Err(e) = disk.make() {
            self.openings.push(StoreError::from(e));
            self.failed += disk.heal();
            disk = Disk::default();
            disk.make().map_err(|e| e.to_string())?;
        }
        let mut store = self.open(&disk, cache)?;
        for n in 0..BATCHES {
            if n == REOPEN {
                drop(store);
                store = self.open(&disk, cache)?;
            }
            self.submit(&store, workload, n);
            if n % READ == 1 {
                self.read(&store, n);
            }
        }
        Ok((disk, store))
    }

    /// Stays until the store has tried to open a disk anew that still fails.
    fn persist(&mut self, store: &Batches, workload: &Workload) {
        std::thread::sleep(REOPEN_PAUSE);
        self.submit(store, workload, BATCHES);
        self.read(store, BATCHES);
    }

    /// Submits until some batches in a row were carried out.
    fn resume(&mut self, store: &Batches, workload: &Workload) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        let (mut n, mut done) = (BATCHES + 1, 0);
        while done < MORE {
            self.submit(store, workload, n);
            done = if self.answers[&n].is_ok() { done + 1 } else { 0 };
            if Instant::now() > deadline {
                return Err(format!("it does not resume: {:?}", self.answers[&n]));
            }
            if done == 0 {
                std::thread::sleep(Duration::from_millis(50));
            }
            n += 1;
        }
        self.read(store, n);
        self.readings.last().map_or(Ok(()), |(_, read)| match read {
            Ok(_) => Ok(()),
            Err(e) => Err(format!("it writes again, but cannot be read: {e}")),
        })
    }

    /// Everything that was answered is true of what is left, and every error says what kind it is.
    fn judge(&self, workload: &Workload, survived: &[usize]) -> Result<(), String> {
        let expected = workload.expected(survived);
        for (n, answer) in &self.answers {
            let place = survived.binary_search(n);
            match (answer, place) {
                (Ok(_), Err(_)) => return Err(format!("batch {n} was answered and is lost")),
                (Ok(answer), Ok(place)) if *answer != expected.answers[place] => {
                    return Err(format!("batch {n} was answered with what is not so"));
                }
                _ => {}
            }
        }
        for (n, read) in &self.readings {
            if let Ok(read) = read {
                self.judge_reading(workload, survived, *n, read)?;
            }
        }
        let errors = self.answers.values().filter_map(|answer| answer.as_ref().err());
        let read = self.readings.iter().filter_map(|(_, read)| read.as_ref().err());
        let strange = |e: &&StoreError| match e {
            StoreError::Io(_) | StoreError::Full(_) | StoreError::Denied(_) => false,
            StoreError::Unavailable(why) => why.contains("shut down"),
            _ => true,
        };
        match errors.chain(read).chain(&self.openings).find(strange) {
            Some(e) => Err(format!("storage failed, and what was told is {e:?}")),
            None => Ok(()),
        }
    }

    /// What was read after batch `n` is all that was answered until then. What failed may have been there or not.
    fn judge_reading(
        &self,
        workload: &Workload,
        survived: &[usize],
        n: usize,
        read: &Tables,
    ) -> Result<(), String> {
        let until: Vec<_> = survived.iter().copied().filter(|batch| *batch <= n).collect();
        let failed: Vec<_> = until.iter().filter(|batch| self.answers[*batch].is_err()).collect();
        for without in 0..1_usize << failed.len().min(4) {
            let gone = |batch: &usize| {
                failed.iter().position(|f| *f == batch).is_some_and(|i| without >> i & 1 == 1)
            };
            let there: Vec<_> = until.iter().copied().filter(|batch| !gone(batch)).collect();
            if workload.expected(&there).tables == *read {
                return Ok(());
            }
        }
        Err(format!("what was read after batch {n} is not what was answered until then"))
    }
}

/// Runs the workload with one failure, and judges what is left. Returns how many operations failed.
fn try_one(case: &Case, workload: &Workload) -> Result<u64, String> {
    let mut story = Story::default();
    let (disk, store) = story.run(Some(case.fault), case.cache, workload)?;
    if case.fault.lasting {
        story.persist(&store, workload);
    }
    story.failed += disk.heal();
    story.resume(&store, workload)?;
    let survived = workload.survived(&store.begin_read().map_err(|e| e.to_string())?)?;
    drop(store);
    story.judge(workload, &survived)?;
    // The power fails, and with it goes what was never synced.
    let left = open(on(&disk.after_crash(|| Fate::Lost)), CACHE).map_err(|e| format!("what is left: {e}"))?;
    let found = workload.survived(&left.begin_read().map_err(|e| e.to_string())?)?;
    if found == survived {
        Ok(story.failed)
    } else {
        Err(format!("{survived:?} became {found:?} on opening"))
    }
}

/// Every operation in every way, for a large and a small cache.
fn all_cases(workload: &Workload) -> Vec<Case> {
    let mut cases = Vec::new();
    for cache in [CACHE, SMALL] {
        let (disk, store) = Story::default().run(None, cache, workload).unwrap();
        let operations = disk.asked();
        drop(store);
        let mut counts = BTreeMap::new();
        for kind in operations {
            *counts.entry(kind).or_insert(0) += 1;
            for (how, after) in ways(kind) {
                let on = after.unwrap_or(Kind::ALL);
                let fault = Fault { on, spared: before(&counts, on), lasting: after.is_some(), how };
                cases.push(Case { cache, fault });
            }
        }
        println!("cache of {cache} bytes: operations {counts:?}");
    }
    cases
}

/// How many operations of these kinds come before the last that was counted.
fn before(counts: &BTreeMap<Kind, u64>, on: &[Kind]) -> u64 {
    counts.iter().filter(|(kind, _)| on.contains(kind)).map(|(_, count)| count).sum::<u64>() - 1
}

/// How many failures are tried: `AGENTMAP_FAULTS`, and all of them when it is 0.
fn chosen(cases: usize) -> Vec<usize> {
    if let Some(one) = asked("AGENTMAP_FAULT") {
        return vec![usize::try_from(one).unwrap()];
    }
    match usize::try_from(asked("AGENTMAP_FAULTS").unwrap_or(100)).unwrap() {
        0 => (0..cases).collect(),
        count => {
            let mut random = Random::of(seed(), 0);
            (0..count).map(|_| random.below(cases)).collect()
        }
    }
}

#[test]
fn whatever_operation_fails_nothing_lies_and_nothing_is_lost() {
    let began = Instant::now();
    let workload = Workload::of(seed(), BATCHES);
    let cases = all_cases(&workload);
    let chosen = chosen(cases.len());
    let (next, reached, failed) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(chosen.len()) {
            scope.spawn(|| {
                while let Some(&n) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let tried = std::panic::catch_unwind(|| try_one(&cases[n], &workload));
                    match tried.unwrap_or_else(|_| Err("it panicked".into())) {
                        Ok(0) => {}
                        Ok(operations) => {
                            reached.fetch_add(1, Ordering::Relaxed);
                            failed.fetch_add(usize::try_from(operations).unwrap(), Ordering::Relaxed);
                        }
                        Err(why) => {
                            let case = &cases[n];
                            let told =
                                format!("AGENTMAP_SEED={} AGENTMAP_FAULT={n}: {why} ({case:?})", seed());
                            println!("{told}");
                            wrong.lock().unwrap().push(told);
                        }
                    }
                }
            });
        }
    });
    println!(
        "seed {}: {} of {} failures tried, {} of them met ({} operations failed), in {:?}",
        seed(),
        chosen.len(),
        cases.len(),
        reached.into_inner(),
        failed.into_inner(),
        began.elapsed()
    );
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of {} went wrong; first: {}", wrong.len(), chosen.len(), wrong[0]);
}
