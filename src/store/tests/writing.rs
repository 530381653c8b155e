//! The writer thread: what is accepted is written, in order, and told in order.

use std::sync::{Arc, Mutex};

use super::disk::Disk;
use super::*;

#[test]
fn dropping_the_future_does_not_take_the_command_back() {
    let store = open(Location::Memory).unwrap();
    let (gate, answers) = behind_gate(&store, vec![Op::Bump("a".into(), 1), Op::Bump("a".into(), 2)]);
    drop(answers);
    gate.send(()).unwrap();
    assert_eq!(submit(&store, Op::Count("a".into())).unwrap(), Seen::Number(3));
}

#[test]
fn shutting_down_writes_what_was_accepted_and_refuses_the_rest() {
    let disk = Disk::default();
    let store = open(on(&disk)).unwrap();
    let (gate, answers) = behind_gate(&store, (0..3000).map(|_| Op::Bump("a".into(), 1)).collect());
    std::thread::scope(|scope| {
        let ending = scope.spawn(|| store.shut_down());
        gate.send(()).unwrap();
        ending.join().unwrap();
    });
    for (n, answer) in answers.into_iter().enumerate() {
        assert_eq!(block_on(answer).unwrap(), Seen::Number(n as u64 + 1));
    }
    assert!(matches!(submit(&store, Op::All), Err(StoreError::Unavailable(_))));
    // Reading still works.
    assert_eq!(store.begin_read().unwrap().get::<Count>(&"a".into()).unwrap().unwrap().0, 3000);
    drop(store);
    assert_eq!(submit(&open(on(&disk)).unwrap(), Op::Count("a".into())).unwrap(), Seen::Number(3000));
}

#[test]
fn more_commands_than_wait_at_once_are_all_answered_in_order() {
    let store = open(Location::Memory).unwrap();
    let many = writer::QUEUE + 2000;
    let (gate, answers) = behind_gate(&store, (0..many).map(|_| Op::Bump("a".into(), 1)).collect());
    gate.send(()).unwrap();
    for (n, answer) in answers.into_iter().enumerate() {
        assert_eq!(block_on(answer).unwrap(), Seen::Number(n as u64 + 1));
    }
}

#[test]
fn outcomes_are_told_after_the_commit_in_order_and_those_of_failed_batches_never() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = Arc::clone(&told);
    let listener: Listener<Seen> = Box::new(move |news| {
        let News::Committed(batch) = news else { return Ok(()) };
        let numbers =
            batch.iter().filter_map(|seen| if let Seen::Number(n) = seen { Some(*n) } else { None });
        let numbers: Vec<_> = numbers.collect();
        tell.lock().unwrap().push(numbers);
        Ok(())
    });
    let store = Store::open(Location::Memory, CACHE, &PLAIN, apply, listener).unwrap();
    let bumps = |count: usize| (0..count).map(|_| Op::Bump("a".into(), 1)).collect::<Vec<_>>();
    batch(&store, bumps(3));
    // What is told is told before it is answered.
    assert_eq!(*told.lock().unwrap(), [vec![], vec![1, 2, 3]]);
    let mut broken = bumps(2);
    broken.push(Op::Fail);
    batch(&store, broken);
    batch(&store, bumps(2));
    assert_eq!(*told.lock().unwrap(), [vec![], vec![1, 2, 3], vec![], vec![], vec![4, 5]]);
}

#[test]
fn a_snapshot_does_not_move() {
    let store = open(Location::Memory).unwrap();
    submit(&store, Op::Put(toy(1, "a", 1, &["x"]))).unwrap();
    let before = store.begin_read().unwrap();
    submit(&store, Op::Put(toy(1, "b", 2, &["y"]))).unwrap();
    submit(&store, Op::Put(toy(2, "a", 1, &["x"]))).unwrap();
    assert_eq!(before.get::<Toy>(&1).unwrap(), Some(toy(1, "a", 1, &["x"])));
    assert_eq!(before.find(&BY_NAME, &"a").unwrap().map(Result::unwrap).collect::<Vec<_>>(), [1]);
    assert_eq!(before.get::<Toy>(&2).unwrap(), None);
}
