//! How sums are stored: which of their members are not zero, these, and the histogram behind them.
//!
//! Most sums are those of a few records in one minute, and there are many of them: where one record tells, its amount
//! is the least, the greatest and the histogram too, and is written once. Numbers are LEB128, seven bits a byte with the
//! lowest first (<https://en.wikipedia.org/wiki/LEB128>).

use super::MetricSums;
use crate::domain::histogram::Histogram;
use crate::store::codec::CodecError;

/// The bit of a single duration.
const ONE_TIME: u128 = 1 << 0;
/// The bit of a single score.
const ONE_SCORE: u128 = 1 << 1;
/// How many bits come before those of the members.
const FLAGS: u32 = 2;
const MEMBERS: usize = 17;

impl MetricSums {
    /// Those that often tell something come first, so that few bytes say which do.
    fn members(&self) -> [u128; MEMBERS] {
        let wide = u128::from;
        [
            wide(self.count),
            wide(self.timed),
            self.time_us,
            wide(self.judged),
            wide(self.successes),
            self.tokens,
            self.cost_nanos,
            wide(self.scored),
            self.score_nanos,
            self.api_calls,
            self.tasks_completed,
            self.tasks_failed,
            self.violations,
            wide(self.time_min),
            wide(self.time_max),
            wide(self.score_min),
            wide(self.score_max),
        ]
    }

    fn of_members(m: &[u128; MEMBERS]) -> Result<Self, CodecError> {
        let narrow = |value: u128| u64::try_from(value).map_err(|_| error("a member is too large"));
        Ok(Self {
            count: narrow(m[0])?,
            timed: narrow(m[1])?,
            time_us: m[2],
            judged: narrow(m[3])?,
            successes: narrow(m[4])?,
            tokens: m[5],
            cost_nanos: m[6],
            scored: narrow(m[7])?,
            score_nanos: m[8],
            api_calls: m[9],
            tasks_completed: m[10],
            tasks_failed: m[11],
            violations: m[12],
            time_min: narrow(m[13])?,
            time_max: narrow(m[14])?,
            score_min: narrow(m[15])?,
            score_max: narrow(m[16])?,
            times: Histogram::default(),
        })
    }

    /// Whether a single duration tells all that there is of durations.
    fn is_one_time(&self) -> bool {
        self.timed == 1
            && self.time_min == self.time_max
            && self.time_us == u128::from(self.time_min)
            && self.times == Histogram::of(self.time_min)
    }

    fn is_one_score(&self) -> bool {
        self.scored == 1 && self.score_min == self.score_max && self.score_nanos == u128::from(self.score_min)
    }

    /// Writes them.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let mut members = self.members();
        let mut told = 0;
        if self.is_one_time() {
            told |= ONE_TIME;
            (members[13], members[14]) = (0, 0);
        }
        if self.is_one_score() {
            told |= ONE_SCORE;
            (members[15], members[16]) = (0, 0);
        }
        for (n, _) in members.iter().enumerate().filter(|(_, member)| **member != 0) {
            told |= 1 << (FLAGS as usize + n);
        }
        write_number(out, told);
        for member in members.into_iter().filter(|member| *member != 0) {
            write_number(out, member);
        }
        if told & ONE_TIME == 0 {
            let mut last = 0;
            for (bucket, count) in self.times.counts() {
                write_number(out, u128::from(bucket - last));
                write_number(out, u128::from(count));
                last = bucket;
            }
        }
    }

    /// Reads what [`write`](Self::write) wrote, but for the durations' histogram, which is given apart.
    pub(super) fn read_members(mut bytes: &[u8]) -> Result<(Self, Times<'_>), CodecError> {
        let told = read_number(&mut bytes)?;
        let mut members = [0; MEMBERS];
        for (n, member) in members.iter_mut().enumerate() {
            if told & (1 << (FLAGS as usize + n)) != 0 {
                *member = read_number(&mut bytes)?;
            }
        }
        if told >> (FLAGS as usize + MEMBERS) != 0 {
            return Err(error("a member is not known"));
        }
        if told & ONE_SCORE != 0 {
            (members[15], members[16]) = (members[8], members[8]);
        }
        let mut one = None;
        if told & ONE_TIME != 0 {
            (members[13], members[14]) = (members[2], members[2]);
            one = Some(u64::try_from(members[2]).map_err(|_| error("a duration is too large"))?);
            if !bytes.is_empty() {
                return Err(error("bytes are left over"));
            }
        }
        Ok((Self::of_members(&members)?, Times { one, bytes, last: 0 }))
    }
}

/// A stored histogram, while it is read: counts by bucket.
pub(super) struct Times<'a> {
    /// The only duration, where there is but one.
    one: Option<u64>,
    bytes: &'a [u8],
    /// The bucket before.
    last: u16,
}

impl Times<'_> {
    fn bucket_and_count(&mut self) -> Result<(u16, u64), CodecError> {
        let gap = read_number(&mut self.bytes)?;
        let bucket = u16::try_from(gap).ok().and_then(|gap| self.last.checked_add(gap));
        self.last = bucket.ok_or_else(|| error("a bucket is too large"))?;
        let count =
            u64::try_from(read_number(&mut self.bytes)?).map_err(|_| error("a count is too large"))?;
        Ok((self.last, count))
    }
}

impl Iterator for Times<'_> {
    type Item = Result<(u16, u64), CodecError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(micros) = self.one.take() {
            return Histogram::of(micros).counts().next().map(Ok);
        }
        (!self.bytes.is_empty()).then(|| self.bucket_and_count())
    }
}

fn error(what: &str) -> CodecError {
    CodecError(what.into())
}

fn write_number(out: &mut Vec<u8>, mut number: u128) {
    #[expect(clippy::cast_possible_truncation, reason = "seven bits at a time")]
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    #[expect(clippy::cast_possible_truncation, reason = "less than a byte is left")]
    out.push(number as u8);
}

fn read_number(bytes: &mut &[u8]) -> Result<u128, CodecError> {
    // Most are small: a histogram has hundreds.
    match *bytes {
        [low @ 0..0x80, rest @ ..] => {
            *bytes = rest;
            return Ok(u128::from(*low));
        }
        [low, high @ 0..0x80, rest @ ..] => {
            *bytes = rest;
            return Ok(u128::from(low & 0x7F) | u128::from(*high) << 7);
        }
        _ => {}
    }
    let mut number = 0_u128;
    for shift in (0..u128::BITS).step_by(7) {
        let (&byte, rest) = bytes.split_first().ok_or_else(|| error("it ends early"))?;
        *bytes = rest;
        let bits = u128::from(byte & 0x7F);
        if (bits << shift) >> shift != bits {
            break;
        }
        number |= bits << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(error("a number is too large"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::rollup::Rollup;
    use crate::store::{Value, codec};
    use proptest::prelude::*;

    fn any_number() -> impl Strategy<Value = u128> {
        prop_oneof![3 => Just(0), 3 => 0..300_u128, 1 => 0..=u128::from(u64::MAX)]
    }

    prop_compose! {
        fn any_sums()(
            members in prop::array::uniform17(any_number()),
            times in prop::collection::vec(prop_oneof![0..100_u64, any::<u64>()], 0..20),
            one in any::<bool>(),
        ) -> MetricSums {
            let mut sums = MetricSums::of_members(&members).unwrap();
            for time in &times {
                sums.times.add(*time);
            }
            if let (Some(&time), true) = (times.first(), one) {
                (sums.timed, sums.time_us, sums.times) = (1, time.into(), Histogram::of(time));
                (sums.time_min, sums.time_max) = (time, time);
                (sums.scored, sums.score_nanos) = (1, time.into());
                (sums.score_min, sums.score_max) = (time, time);
            }
            sums
        }
    }

    proptest! {
        #[test]
        fn sums_say_the_same_when_they_are_read(sums in any_sums()) {
            let stored = sums.to_stored().unwrap();
            prop_assert_eq!(&MetricSums::from_stored(&stored).unwrap(), &sums);
            let mut merged = MetricSums::default();
            merged.merge(&sums);
            let mut merged_as_stored = MetricSums::default();
            merged_as_stored.merge_stored(&stored).unwrap();
            prop_assert_eq!(merged_as_stored, merged);
            for end in 1..stored.len() {
                // What is cut off is missed, or told apart at least.
                if let Ok(shorter) = MetricSums::from_stored(&stored[..end]) {
                    prop_assert_ne!(shorter.to_stored().unwrap(), stored.clone());
                }
            }
        }

        #[test]
        fn whatever_is_read_is_no_panic(bytes: Vec<u8>) {
            let _ = MetricSums::from_stored(&[&[MetricSums::VERSION], bytes.as_slice()].concat());
        }
    }

    #[test]
    fn the_sums_of_one_record_are_small() {
        let mut sums = MetricSums::default();
        sums.add(&crate::domain::metrics::Measures {
            execution_time_ms: Some(1234.0),
            success: Some(true),
            tokens_used: Some(900),
            cost_usd: Some(0.0125),
            ..Default::default()
        });
        // Version 1 told all members, and the duration four times.
        let older = codec::encode_value(1, &sums).unwrap();
        assert_eq!((sums.to_stored().unwrap().len(), older.len()), (16, 41));
        assert_eq!(MetricSums::from_stored(&older).unwrap(), sums);
    }

    proptest! {
        #[test]
        fn what_version_1_wrote_is_read(sums in any_sums()) {
            let older = codec::encode_value(1, &sums).unwrap();
            prop_assert_eq!(MetricSums::from_stored(&older).unwrap(), sums);
        }
    }
}
