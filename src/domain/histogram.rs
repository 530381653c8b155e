//! A histogram of durations with bounded relative error, small enough to be kept in every rollup.
//!
//! Buckets are log-linear as in HdrHistogram (<http://hdrhistogram.org>): 32 to each power of two, so
//! that a bucket is at most 1/32 of its value wide. Only buckets that hold something are kept.

use bincode::{Decode, Encode};

use crate::store::codec::CodecError;

const SUB_BITS: u32 = 5;
const SUB: u64 = 1 << SUB_BITS;

/// Counts by duration in microseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct Histogram {
    /// `(bucket, count)`, by bucket.
    counts: Vec<(u16, u64)>,
}

impl Histogram {
    /// That of one duration.
    #[must_use]
    pub fn of(micros: u64) -> Self {
        Self { counts: vec![(bucket(micros), 1)] }
    }

    /// Whether they can have been counted here.
    ///
    /// # Errors
    /// When the counts are not in order: what was read is damaged.
    pub fn in_order(&self) -> Result<(), CodecError> {
        in_order(&self.counts)
    }

    /// The counts by bucket, in order.
    pub fn counts(&self) -> impl Iterator<Item = (u16, u64)> {
        self.counts.iter().copied()
    }

    /// Counts a duration.
    pub fn add(&mut self, micros: u64) {
        self.add_to(bucket(micros), 1);
    }

    fn add_to(&mut self, bucket: u16, count: u64) {
        match self.counts.binary_search_by_key(&bucket, |(b, _)| *b) {
            Ok(i) => self.counts[i].1 += count,
            Err(i) => self.counts.insert(i, (bucket, count)),
        }
    }

    /// Adds another histogram.
    pub fn merge(&mut self, other: &Self) {
        // It cannot fail: nothing is read.
        let _ = self.merge_counts(other.counts.iter().map(|count| Ok(*count)));
    }

    /// Adds counts by bucket, which come in order.
    ///
    /// # Errors
    /// When one cannot be read, or comes out of order: some of them are added then.
    pub fn merge_counts(
        &mut self,
        mut others: impl Iterator<Item = Result<(u16, u64), CodecError>>,
    ) -> Result<(), CodecError> {
        let mut at = 0;
        while let Some(other) = others.next() {
            let (bucket, count) = other?;
            at += before(&self.counts[at..], bucket);
            match self.counts.get_mut(at) {
                Some((held, sum)) if *held == bucket => {
                    *sum += count;
                    at += 1;
                }
                _ => {
                    let first = std::iter::once(Ok((bucket, count)));
                    let rest = first.chain(others).collect::<Result<Vec<_>, _>>()?;
                    in_order(&rest)?;
                    if self.counts.is_empty() {
                        self.counts = rest;
                    } else {
                        self.weave(at, &rest);
                    }
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Merges counts that lie at or behind a place: both are in order, so that one walk through both will do.
    fn weave(&mut self, at: usize, others: &[(u16, u64)]) {
        let held = self.counts.split_off(at);
        self.counts.reserve(held.len() + others.len());
        let mut others = others.iter().copied().peekable();
        for (bucket, count) in held {
            while let Some(before) = others.next_if(|(other, _)| *other < bucket) {
                self.counts.push(before);
            }
            let same = others.next_if(|(other, _)| *other == bucket).map_or(0, |(_, more)| more);
            self.counts.push((bucket, count + same));
        }
        self.counts.extend(others);
    }

    /// Whether no bucket holds less than another histogram's.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        other.counts.iter().all(|(bucket, count)| {
            let found = self.counts.binary_search_by_key(bucket, |(b, _)| *b);
            found.is_ok_and(|i| self.counts[i].1 >= *count)
        })
    }

    /// The duration in ms below or at which the given share (0-1) lies, off by 1/64 at most; 0 when empty.
    #[must_use]
    pub fn percentile_ms(&self, share: f64) -> f64 {
        let total: u64 = self.counts.iter().map(|(_, c)| c).sum();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let rank = ((total as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        for &(bucket, count) in &self.counts {
            seen += count;
            if seen >= rank {
                return middle(bucket) / 1000.0;
            }
        }
        0.0
    }
}

/// How many counts lie before a bucket: few as a rule, since others were looked for before, so that it is looked for in
/// twice as many again and again.
fn before(counts: &[(u16, u64)], bucket: u16) -> usize {
    let mut end = 1;
    while counts.get(end - 1).is_some_and(|(held, _)| *held < bucket) {
        end *= 2;
    }
    counts[..end.min(counts.len())].partition_point(|(held, _)| *held < bucket)
}

fn in_order(counts: &[(u16, u64)]) -> Result<(), CodecError> {
    let in_order = counts.is_sorted_by(|(a, _), (b, _)| a < b);
    if in_order { Ok(()) } else { Err(CodecError("a histogram is out of order".into())) }
}

fn bucket(value: u64) -> u16 {
    if value < SUB {
        return u16::try_from(value).unwrap_or(u16::MAX);
    }
    let power = value.ilog2() - SUB_BITS;
    let index = u64::from(power + 1) * SUB + (value >> power) - SUB;
    u16::try_from(index).unwrap_or(u16::MAX)
}

/// The middle of a bucket, in microseconds.
#[expect(clippy::cast_precision_loss)]
fn middle(bucket: u16) -> f64 {
    let bucket = u64::from(bucket);
    if bucket < SUB {
        return bucket as f64;
    }
    let power = bucket / SUB - 1;
    let low = (SUB + bucket % SUB) << power;
    low as f64 + ((1_u64 << power) - 1) as f64 / 2.0
}

#[cfg(test)]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "the values are small"
)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
            #[test]
            fn a_percentile_is_near_the_exact_one(mut values in prop::collection::vec(0_u64..10_000_000_000, 1..200), share in 0.01_f64..1.0) {
                let mut histogram = Histogram::default();
                for v in &values {
     histogram.add(*v);
    }
                values.sort_unstable();
                let rank = ((values.len() as f64 * share).ceil() as usize).max(1);
                let exact = values[rank - 1] as f64 / 1000.0;
                let found = histogram.percentile_ms(share);
                prop_assert!((found - exact).abs() <= exact / 64.0 + 1e-9, "{found} for {exact}");
            }

            #[test]
            fn merging_is_adding_all(a: Vec<u32>, b: Vec<u32>) {
                let fill = |values: &[u32]| {
                    let mut h = Histogram::default();
                    for v in values {
     h.add(u64::from(*v));
    }
                    h
                };
                let mut merged = fill(&a);
                merged.merge(&fill(&b));
                prop_assert_eq!(merged, fill(&[a, b].concat()));
            }
        }

    #[test]
    fn the_largest_value_has_a_bucket() {
        assert!(bucket(u64::MAX) < u16::MAX);
    }
}
