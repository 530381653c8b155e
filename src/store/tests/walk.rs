//! Walks: every value once, whatever is written on the way, and never much in memory.

use std::cell::RefCell;

use super::*;

fn counts(scratch: &Scratch) -> Vec<u64> {
    scratch.begin_read().unwrap().all::<Count>().unwrap().map(|entry| entry.unwrap().1.0).collect()
}

#[test]
fn a_walk_of_many_parts_visits_each_value_once_and_writes_after_each_part() {
    // All that a walk changed was held in memory up to its end: a large data file took more than there was.
    let scratch = Scratch::filled(|tx| {
        for n in 0..3500 {
            tx.set(&n, &Line(n))?;
        }
        let visited = RefCell::new(Vec::new());
        tx.walk(|tx, line: &Line| {
            // The table alone is looked at, not what waits to be written to it.
            visited.borrow_mut().push((line.0, tx.first_key::<Count>()?.is_some()));
            tx.put(&toy(line.0, "made on the way", 0, &[]))?;
            tx.update(&(line.0 % 7).to_string(), |count: &mut Count| count.0 += 1)
        })?;
        assert_eq!(visited.into_inner(), (0..3500).map(|n| (n, n >= 1000)).collect::<Vec<_>>());
        Ok(())
    })
    .unwrap();
    assert_eq!(counts(&scratch), [500; 7]);
}

#[test]
fn large_values_end_a_part() {
    let large = "x".repeat(3 << 20);
    let scratch = Scratch::filled(|tx| {
        for n in 0..5 {
            tx.put(&toy(n, &large, 0, &[]))?;
        }
        let visited = RefCell::new(Vec::new());
        tx.walk(|tx, toy: &Toy| {
            visited.borrow_mut().push((toy.key, tx.first_key::<Count>()?.is_some()));
            tx.update(&String::new(), |count: &mut Count| count.0 += 1)
        })?;
        let told = visited.into_inner();
        assert_eq!(told, [(0, false), (1, false), (2, true), (3, true), (4, true)]);
        Ok(())
    })
    .unwrap();
    assert_eq!(counts(&scratch), [5]);
}
