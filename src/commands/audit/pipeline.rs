//! Work on a long sequence of pieces in a few threads, taken up in order, with few pieces in memory.

use std::sync::mpsc::sync_channel;
use std::thread;

/// How many pieces wait before a worker, and behind it.
const WAITING: usize = 2;
/// How many workers there are at most: more would wait for whoever reads.
const WORKERS: usize = 4;

/// Has `work` done on each of the pieces, and `take` take what comes of each, in order, until it fails.
///
/// # Errors
/// What `take` fails with.
pub fn run<P: Send, D: Send, E>(
    pieces: impl Iterator<Item = P> + Send,
    work: impl Fn(P) -> D + Sync,
    mut take: impl FnMut(D) -> Result<(), E>,
) -> Result<(), E> {
    let count = thread::available_parallelism().map_or(1, usize::from).min(WORKERS);
    thread::scope(|scope| {
        let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let (input, pieces) = sync_channel(WAITING);
            let (done, output) = sync_channel(WAITING);
            let work = &work;
            // A worker ends when nobody feeds it, or nobody takes what it does.
            scope.spawn(move || pieces.into_iter().try_for_each(|piece| done.send(work(piece))));
            inputs.push(input);
            outputs.push(output);
        }
        // Each worker gets every so manieth piece, so that order needs no sorting.
        scope.spawn(move || {
            for (piece, input) in pieces.zip(inputs.iter().cycle()) {
                if input.send(piece).is_err() {
                    break;
                }
            }
        });
        for output in outputs.iter().cycle() {
            match output.recv() {
                Ok(done) => take(done)?,
                // The one whose turn it is has nothing more: nor has any other.
                Err(_) => break,
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_of_each_piece_is_taken_in_order() {
        for count in [0, 1, 2, 3, 1000] {
            let mut taken = Vec::new();
            let ran = run(
                0..count,
                |n| n * 2,
                |n| -> Result<(), ()> {
                    taken.push(n);
                    Ok(())
                },
            );
            assert_eq!(ran, Ok(()));
            assert_eq!(taken, (0..count).map(|n| n * 2).collect::<Vec<_>>());
        }
    }

    #[test]
    fn nothing_more_is_read_once_taking_fails() {
        let mut taken = 0;
        let ran = run(
            0..,
            |n: u64| n,
            |n| {
                taken += 1;
                if n == 100 { Err(n) } else { Ok(()) }
            },
        );
        assert_eq!((ran, taken), (Err(100), 101));
    }
}
