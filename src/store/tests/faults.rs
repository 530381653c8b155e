//! Commands that break, and storage that does.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::disk::{Disk, Fate, Fault, How, Kind};
use super::model::{Model, any_op};
use super::*;

/// From now on all operations of a kind fail, but for some at first.
fn failing(kind: &'static [Kind], spared: u64) -> Fault {
    let how = if kind == [Kind::Grow] { How::Full } else { How::Broken };
    Fault { on: kind, spared, lasting: true, how }
}

/// Ops that write, and what they leave.
fn good_ops() -> Vec<Op> {
    vec![
        Op::Put(toy(1, "a", 1, &["x", "y"])),
        Op::Bump("a".into(), 5),
        Op::Log(1, 7),
        Op::Put(toy(2, "b", 2, &["x"])),
    ]
}

fn good_model() -> Model {
    let mut model = Model::default();
    for op in good_ops() {
        model.apply(&op);
    }
    model
}

fn write_all(store: &Toys, ops: Vec<Op>) {
    for answer in batch(store, ops) {
        answer.unwrap();
    }
}

/// Submits until it works, which must be soon.
fn submit_patiently(store: &Toys, op: impl Fn() -> Op) -> Seen {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        match submit(store, op()) {
            Ok(seen) => return seen,
            Err(e) => assert!(Instant::now() < deadline, "it does not recover: {e}"),
        }
        std::thread::yield_now();
    }
}

#[test]
fn a_command_that_breaks_fails_its_batch_alone_and_leaves_nothing() {
    // A panic was treated as failed storage: for the next second every command was refused.
    for (location, breaking) in [
        (on(&Disk::default()), Op::Panic),
        (on(&Disk::default()), Op::Fail),
        (Location::Memory, Op::Panic),
        (Location::Memory, Op::Fail),
    ] {
        let store = open(location).unwrap();
        write_all(&store, good_ops());
        let broken = batch(
            &store,
            vec![Op::Bump("a".into(), 1), Op::Remove(1), breaking, Op::Put(toy(3, "c", 3, &[])), Op::All],
        );
        assert_eq!(broken.len(), 5);
        assert!(broken.iter().all(Result::is_err), "{broken:?}");
        // The next batch is not hurt, and neither it nor a reader sees anything of the broken one.
        assert_eq!(submit(&store, Op::Count("a".into())).unwrap(), Seen::Number(5));
        assert_eq!(submit(&store, Op::Count("spoiled".into())).unwrap(), Seen::Number(0));
        assert_eq!(store.failure(), None);
        good_model().assert_is(&store.begin_read().unwrap());
        assert_eq!(submit(&store, Op::Bump("a".into(), 1)).unwrap(), Seen::Number(6));
    }
}

#[test]
fn a_storage_error_is_told_to_each_of_the_batch_and_the_store_recovers_by_itself() {
    for fault in [failing(&[Kind::Write], 0), failing(&[Kind::Sync], 0)] {
        let disk = Disk::default();
        let store = open(on(&disk)).unwrap();
        write_all(&store, good_ops());
        let (gate, answers) = behind_gate(&store, vec![Op::Bump("a".into(), 1), Op::All, Op::Remove(1)]);
        disk.break_down(fault);
        gate.send(()).unwrap();
        for answer in answers {
            assert!(block_on(answer).is_err(), "{fault:?}");
        }
        assert!(store.failure().is_some(), "{fault:?}");
        // While it fails, commands are refused and nothing hangs.
        assert!(submit(&store, Op::Bump("a".into(), 1)).is_err());
        assert!(disk.heal() > 0);
        assert_eq!(submit_patiently(&store, || Op::Bump("z".into(), 0)), Seen::Number(0));
        assert_eq!(store.failure(), None, "{fault:?}");
        assert_eq!(submit(&store, Op::Bump("a".into(), 0)).unwrap(), Seen::Number(5), "{fault:?}");
        drop(store);
        let reopened = open(on(&disk)).unwrap();
        assert_eq!(submit(&reopened, Op::Get(1)).unwrap(), Seen::Toy(Some(toy(1, "a", 1, &["x", "y"]))));
    }
}

#[test]
fn a_full_disk_fails_what_needs_room_and_the_store_recovers_by_itself() {
    let disk = Disk::default();
    let store = open(on(&disk)).unwrap();
    disk.break_down(failing(&[Kind::Grow], 0));
    let wide = |key| toy(key, &"x".repeat(10_000), 0, &[]);
    let failed = (0..10_000).find(|key| submit(&store, Op::Put(wide(*key))).is_err()).unwrap();
    assert!(disk.heal() > 0);
    submit_patiently(&store, || Op::Put(wide(failed)));
    drop(store);
    let reopened = open(on(&disk)).unwrap();
    let Seen::Toys(all) = submit(&reopened, Op::All).unwrap() else { panic!("no list") };
    assert_eq!(all.len() as u64, failed + 1);
}

#[test]
fn a_store_that_cannot_be_reopened_yet_goes_on_trying() {
    let disk = Disk::default();
    let broken = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let location = {
        let (disk, broken) = (disk.clone(), broken.clone());
        Location::Custom(Box::new(move |builder| {
            if broken.load(std::sync::atomic::Ordering::SeqCst) {
                return Err(std::io::Error::from(std::io::ErrorKind::NotFound).into());
            }
            disk.open(builder)
        }))
    };
    let store = open(location).unwrap();
    write_all(&store, good_ops());
    broken.store(true, std::sync::atomic::Ordering::SeqCst);
    disk.break_down(failing(&[Kind::Sync], 0));
    assert!(submit(&store, Op::Bump("a".into(), 1)).is_err());
    disk.heal();
    let deadline = Instant::now() + Duration::from_secs(20);
    // Once it tried in vain there is nothing to read from either, and this is said.
    while store.begin_read().is_ok() {
        assert!(submit(&store, Op::All).is_err());
        assert!(Instant::now() < deadline, "it does not try to reopen");
        std::thread::yield_now();
    }
    broken.store(false, std::sync::atomic::Ordering::SeqCst);
    submit_patiently(&store, || Op::Bump("z".into(), 0));
    assert!(store.begin_read().is_ok());
    assert_eq!(store.failure(), None);
}

fn any_fault() -> impl Strategy<Value = Fault> {
    let kinds: [&'static [Kind]; 3] = [&[Kind::Write], &[Kind::Grow], &[Kind::Sync]];
    (prop::sample::select(kinds.to_vec()), 0..12_u64).prop_map(|(kind, spared)| failing(kind, spared))
}

fn any_fate() -> impl Strategy<Value = Fate> {
    prop_oneof![Just(Fate::Lost), any::<u8>().prop_map(|to| Fate::Part(0, to)), Just(Fate::Whole)]
}

proptest! {
    #[test]
    fn what_was_answered_is_there_and_nothing_is_half_there(
        batches in prop::collection::vec(
            (prop::collection::vec(any_op(), 1..10), prop::option::weighted(0.4, any_fault())),
            1..8,
        ),
        power_failure in prop::option::of(prop::collection::vec(any_fate(), 1..40)),
    ) {
        let mut disk = Disk::default();
        let mut store = open(on(&disk)).unwrap();
        let mut model = Model::default();
        for (ops, fault) in batches {
            let mut after = model.clone();
            for op in &ops {
                after.apply(op);
            }
            let (gate, answers) = behind_gate(&store, ops);
            if let Some(fault) = fault {
                disk.break_down(fault);
            }
            gate.send(()).unwrap();
            let answered: Vec<_> = answers.into_iter().map(|answer| block_on(answer).is_ok()).collect();
            prop_assert!(answered.iter().all(|ok| *ok == answered[0]), "a part of a batch was answered");
            if fault.is_none() {
                prop_assert!(answered[0]);
            }
            if !answered[0] || fault.is_some() {
                // An end of the process now. What failed may have reached the disk, but then all of it.
                if let Some(fates) = &power_failure {
                    let mut fates = fates.iter().copied().cycle();
                    disk = disk.after_crash(|| fates.next().unwrap_or(Fate::Lost));
                } else {
                    disk.heal();
                }
                drop(store);
                store = open(on(&disk)).unwrap();
            }
            let tx = store.begin_read().unwrap();
            let survived = !answered[0] && Model::read(&tx) == after;
            if answered[0] || survived {
                model = after;
            }
            model.assert_is(&tx);
        }
    }
}
