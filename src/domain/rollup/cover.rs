//! What a window of time is covered by: the longest times inside, then shorter ones towards its edges.

use super::GRAINS;
use crate::domain::time::{DAY, Timestamp};

/// A window of time: from a first microsecond up to, not including, an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The first moment inside.
    pub from: Timestamp,
    /// The first moment after; `None` where the window is open.
    pub to: Option<Timestamp>,
}

/// A part of a window: buckets of a grain, or what is left inside a minute.
#[derive(Debug, PartialEq)]
pub(super) enum Piece {
    Buckets { grain: (u8, i64), from: i64, to: i64 },
    Raw { from: i64, to: i64 },
}

/// The pieces that make up a window, in order.
pub(super) fn cover(window: Window) -> Vec<Piece> {
    fn go(from: i64, to: i64, grains: &[(u8, i64)], pieces: &mut Vec<Piece>) {
        if from >= to {
            return;
        }
        let Some((&(grain, size), finer)) = grains.split_first() else {
            pieces.push(Piece::Raw { from, to });
            return;
        };
        let (first, end) = (-(-from).div_euclid(size), to.div_euclid(size));
        if first < end {
            go(from, first * size, finer, pieces);
            pieces.push(Piece::Buckets { grain: (grain, size), from: first, to: end });
            go(end * size, to, finer, pieces);
        } else {
            go(from, to, finer, pieces);
        }
    }
    let mut pieces = Vec::new();
    // The end of an open window lies on a day's border, so that no raw record is folded there.
    let open = (Timestamp::MAX.day() + 1) * DAY;
    go(window.from.0, window.to.map_or(open, |t| t.0), &GRAINS, &mut pieces);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::MINUTE;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_cover_is_the_window_without_gap_or_overlap(from in -10 * DAY..10 * DAY, length in 0..20 * DAY) {
            let mut at = from;
            for piece in cover(Window { from: Timestamp(from), to: Some(Timestamp(from + length)) }) {
                let (start, end) = match piece {
                    Piece::Raw { from, to } => {
                        prop_assert!(to - from < 2 * MINUTE);
                        (from, to)
                    }
                    Piece::Buckets { grain: (_, size), from, to } => (from * size, to * size),
                };
                prop_assert_eq!(start, at);
                at = end;
            }
            prop_assert_eq!(at, from + length);
        }
    }
}
