//! Chance that can be repeated, and the law of Zipf: a few are busy, most are not.

/// The `SplitMix64` generator: the same seed gives the same numbers everywhere.
pub struct Random(u64);

impl Random {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to 1, without 1.
    pub fn unit(&mut self) -> f64 {
        (self.number() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Times between things that happen at random, of this mean.
    pub fn wait(&mut self, mean: f64) -> f64 {
        -(1.0 - self.unit()).ln() * mean
    }

    /// A number around a median, seldom far above it.
    pub fn around(&mut self, median: f64, spread: f64) -> f64 {
        // The sum of twelve is close enough to the normal distribution.
        let normal = (0..12).map(|_| self.unit()).sum::<f64>() - 6.0;
        median * (normal * spread).exp()
    }
}

/// Places in a list, the first the likeliest: the n-th is drawn 1/n as often.
pub struct Zipf(Vec<f64>);

impl Zipf {
    pub fn new(length: usize) -> Self {
        let mut sum = 0.0;
        let mut sums: Vec<f64> = (1..=length)
            .map(|n| {
                sum += 1.0 / n as f64;
                sum
            })
            .collect();
        for entry in &mut sums {
            *entry /= sum;
        }
        Self(sums)
    }

    pub fn draw(&self, random: &mut Random) -> usize {
        let at = random.unit();
        self.0.partition_point(|sum| *sum <= at).min(self.0.len() - 1)
    }
}
