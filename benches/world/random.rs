//! Numbers that look random and are the same on every machine: a keyed mixer, a sequence, and
//! weighted choice in constant time. Integers only, because floating point differs between libraries.

/// `SplitMix64`: a bijection that scatters neighbouring numbers. What depends on a name and a day is
/// `mix` of both, so that it needs no table.
pub(crate) fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}

/// `mix` of two numbers.
pub(crate) fn mix2(a: u64, b: u64) -> u64 {
    mix(mix(a) ^ b)
}

/// The number in `0..below` that a random number stands for.
pub(crate) fn scale(random: u64, below: u32) -> u32 {
    (((random >> 32) * u64::from(below)) >> 32) as u32
}

/// The sequence xoshiro256++.
#[derive(Clone, Debug)]
pub(crate) struct Random([u64; 4]);

impl Random {
    /// A sequence that depends on the seed only.
    pub(crate) fn new(seed: u64) -> Self {
        Self([mix(seed), mix(seed ^ 1), mix(seed ^ 2), mix(seed ^ 3)])
    }

    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        let state = &mut self.0;
        let result = state[0].wrapping_add(state[3]).rotate_left(23).wrapping_add(state[0]);
        let shifted = state[1] << 17;
        state[2] ^= state[0];
        state[3] ^= state[1];
        state[1] ^= state[2];
        state[0] ^= state[3];
        state[2] ^= shifted;
        state[3] = state[3].rotate_left(45);
        result
    }
}

/// Weighted choice by Walker's alias method: one random number and one look into a table.
#[derive(Clone, Debug)]
pub(crate) struct Alias(Vec<(u32, u32)>);

impl Alias {
    /// A table over `weights`, whose sum times their number has to fit in 64 bits.
    pub(crate) fn new(weights: &[u64]) -> Self {
        let count = weights.len() as u64;
        let total: u64 = weights.iter().sum();
        let mut left: Vec<u64> = weights.iter().map(|weight| weight * count).collect();
        let (mut small, mut large): (Vec<u32>, Vec<u32>) =
            (0..weights.len() as u32).partition(|index| left[*index as usize] < total);
        let mut table: Vec<(u32, u32)> = (0..weights.len() as u32).map(|index| (u32::MAX, index)).collect();
        while let (Some(less), Some(more)) = (small.pop(), large.last().copied()) {
            let share = (u128::from(left[less as usize]) << 32) / u128::from(total);
            table[less as usize] = (share as u32, more);
            left[more as usize] -= total - left[less as usize];
            if left[more as usize] < total {
                large.pop();
                small.push(more);
            }
        }
        Self(table)
    }

    /// The index that a random number stands for.
    pub(crate) fn pick(&self, random: u64) -> usize {
        let index = scale(random, self.0.len() as u32) as usize;
        let (threshold, other) = self.0[index];
        if (random as u32) <= threshold { index } else { other as usize }
    }
}
