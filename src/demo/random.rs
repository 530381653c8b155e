//! Chance that can be repeated: the `SplitMix64` generator. The same seed gives the same numbers everywhere.

/// A source of chance.
pub struct Random(u64);

impl Random {
    /// The source of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to 1, without 1.
    #[expect(clippy::cast_precision_loss)]
    pub fn unit(&mut self) -> f64 {
        // The 53 bits that a double holds exactly.
        (self.number() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Whether something of this probability happens.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// From `low` to `high`, without `high`.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// A place in a list of this length; 0 in an empty one.
    pub fn below(&mut self, length: usize) -> usize {
        usize::try_from(self.number() % (length as u64).max(1)).unwrap_or(0)
    }

    /// One of a list that is not empty.
    pub fn pick<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> &'a T {
        items[self.below(items.len())]
    }

    /// A positive amount around `median`, with a long tail: most are within a factor of `e^spread`.
    pub fn around(&mut self, median: f64, spread: f64) -> f64 {
        // Twelve uniform numbers add up to nearly a normal distribution of variance 1 around 6.
        let normal = (0..12).map(|_| self.unit()).sum::<f64>() - 6.0;
        median * (spread * normal).exp()
    }

    /// A whole number with [`around`](Self::around)'s distribution.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn count(&mut self, median: f64, spread: f64) -> u64 {
        self.around(median, spread).round() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_numbers_of_the_published_generator() {
        let mut random = Random::new(1_234_567);
        let numbers: Vec<_> = (0..3).map(|_| random.number()).collect();
        assert_eq!(
            numbers,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn amounts_lie_around_their_median() {
        let mut random = Random::new(7);
        let amounts: Vec<_> = (0..10_000).map(|_| random.around(100.0, 0.5)).collect();
        let below = amounts.iter().filter(|amount| **amount < 100.0).count();
        assert!((4_700..5_300).contains(&below), "{below}");
        assert!(amounts.iter().all(|amount| *amount > 0.0));
        let units: Vec<_> = (0..10_000).map(|_| random.unit()).collect();
        assert!(units.iter().all(|unit| (0.0..1.0).contains(unit)));
    }
}
