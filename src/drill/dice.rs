//! Numbers that look random and are the same each time, for any key: splitmix64.
//!
//! Every account and day has a stream of its own, so that a day can be made without the days before it.
//! Logarithms come from `libm`, which is the same on every machine.

/// A stream of numbers.
#[derive(Clone, Debug)]
pub(super) struct Dice(u64);

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// What lies between 1 and the top of the numbers a fraction is made of.
const FRACTION: f64 = 1.0 / 9_007_199_254_740_992.0;

fn scramble(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// One number for a key of several parts.
pub(super) fn hash(key: &[u64]) -> u64 {
    key.iter().fold(STEP, |hash, part| scramble(hash.wrapping_add(STEP) ^ part.wrapping_mul(STEP)))
}

impl Dice {
    /// The stream of a key.
    pub(super) fn of(key: &[u64]) -> Self {
        Self(hash(key))
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        scramble(self.0)
    }

    /// A number under `bound`, and 0 under nothing.
    pub(super) fn under(&mut self, bound: u32) -> u32 {
        (((self.next() >> 32) * u64::from(bound)) >> 32) as u32
    }

    /// A number from 0 to below 1.
    pub(super) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 * FRACTION
    }

    /// Whether something with this probability happens.
    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// A draw of the standard normal distribution.
    pub(super) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * libm::log(1.0 - self.unit())).sqrt();
        radius * libm::cos(std::f64::consts::TAU * self.unit())
    }

    /// A waiting time with this mean.
    pub(super) fn wait(&mut self, mean: f64) -> f64 {
        -mean * libm::log(1.0 - self.unit())
    }

    /// A draw of the Poisson distribution; of a large mean, the nearest normal one.
    pub(super) fn poisson(&mut self, mean: f64) -> u32 {
        if mean > 30.0 {
            return (mean + mean.sqrt() * self.normal() + 0.5).max(0.0) as u32;
        }
        let (floor, mut product, mut count) = (libm::exp(-mean), self.unit(), 0);
        while product > floor {
            product *= self.unit();
            count += 1;
        }
        count
    }

    /// The number of one of some weights, drawn by weight.
    pub(super) fn weighted(&mut self, weights: &[u8]) -> usize {
        let mut left = self.under(weights.iter().map(|weight| u32::from(*weight)).sum());
        for (number, weight) in weights.iter().enumerate() {
            match left.checked_sub(u32::from(*weight)) {
                Some(rest) => left = rest,
                None => return number,
            }
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_the_same_each_time_and_another_for_another_key() {
        let first = |key: &[u64]| Dice::of(key).next();
        assert_eq!(first(&[1, 2, 3]), first(&[1, 2, 3]));
        let keys = [vec![1, 2], vec![2, 1], vec![1, 2, 0], vec![0, 1, 2], vec![1], vec![]];
        let firsts: std::collections::BTreeSet<u64> = keys.iter().map(|key| first(key)).collect();
        assert_eq!(firsts.len(), keys.len());
    }

    #[test]
    fn distributions_have_their_moments() {
        let mut dice = Dice::of(&[7]);
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let normals: Vec<f64> = (0..20_000).map(|_| dice.normal()).collect();
        assert!(mean(&normals).abs() < 0.03);
        assert!((mean(&normals.iter().map(|z| z * z).collect::<Vec<_>>()) - 1.0).abs() < 0.05);
        for wanted in [0.7, 12.0, 90.0] {
            let counts: Vec<f64> = (0..20_000).map(|_| f64::from(dice.poisson(wanted))).collect();
            assert!((mean(&counts) / wanted - 1.0).abs() < 0.03, "{wanted}");
            let waits: Vec<f64> = (0..20_000).map(|_| dice.wait(wanted)).collect();
            assert!((mean(&waits) / wanted - 1.0).abs() < 0.04, "{wanted}");
        }
        let picked: Vec<usize> = (0..8_000).map(|_| dice.weighted(&[1, 0, 3])).collect();
        let ones = picked.iter().filter(|number| **number == 0).count();
        assert!((1_800..2_200).contains(&ones) && !picked.contains(&1));
        assert!((0..1_000).all(|_| dice.under(3) < 3));
    }
}
