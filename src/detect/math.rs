//! Tail probabilities as natural logarithms, so that 10^-80 is a number like any other.
//!
//! The regularised incomplete gamma function gives both tails that the families need: Poisson and
//! chi-square. Series and continued fraction follow Numerical Recipes, section 6.2, carried out on
//! logarithms. `libm` is plain Rust, so the figures are the same on every machine.

use libm::{exp, lgamma, log, log1p};

/// Where a series stops: a term this small against the sum changes no digit.
const ENOUGH: f64 = 1e-17;

/// Terms after which a series stops in any case; it needs some multiple of the root of its argument.
const TERMS_MAX: u32 = 100_000;

/// ln of a probability from ln of its complement.
fn complement(ln: f64) -> f64 {
    // Where the complement is all, what is left is below every digit that was kept.
    if ln >= 0.0 { f64::NEG_INFINITY } else { log1p(-exp(ln)) }
}

/// ln P(a, z), the lower regularised incomplete gamma function, for a > 0.
fn lower_gamma(a: f64, z: f64) -> f64 {
    if z <= 0.0 {
        return f64::NEG_INFINITY;
    }
    if z >= a + 1.0 {
        return complement(upper_fraction(a, z));
    }
    let (mut sum, mut term, mut n) = (1.0, 1.0, a);
    for _ in 0..TERMS_MAX {
        n += 1.0;
        term *= z / n;
        sum += term;
        if term < sum * ENOUGH {
            break;
        }
    }
    (a * log(z) - z - lgamma(a + 1.0) + log(sum)).min(0.0)
}

/// ln Q(a, z), the upper regularised incomplete gamma function, for a > 0.
fn upper_gamma(a: f64, z: f64) -> f64 {
    if z <= 0.0 {
        return 0.0;
    }
    if z < a + 1.0 { complement(lower_gamma(a, z)) } else { upper_fraction(a, z) }
}

/// ln Q(a, z) by the continued fraction of Lentz, which converges for z >= a + 1.
#[expect(clippy::many_single_char_names, reason = "the names of the formula")]
fn upper_fraction(a: f64, z: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let mut b = z + 1.0 - a;
    let mut c = 1.0 / TINY;
    let mut d = 1.0 / b;
    let mut h = d;
    for n in 1..TERMS_MAX {
        let n = f64::from(n);
        let an = -n * (n - a);
        b += 2.0;
        d = an * d + b;
        c = b + an / c;
        d = 1.0 / if d.abs() < TINY { TINY } else { d };
        if c.abs() < TINY {
            c = TINY;
        }
        h *= d * c;
        if (d * c - 1.0).abs() < 1e-16 {
            break;
        }
    }
    (a * log(z) - z - lgamma(a) + log(h)).min(0.0)
}

/// ln P(X >= k) for X Poisson with mean `mean`.
#[must_use]
pub(super) fn poisson_at_least(k: u64, mean: f64) -> f64 {
    if k == 0 { 0.0 } else { lower_gamma(k as f64, mean) }
}

/// ln P(X <= x) for X chi-square with `degrees` degrees of freedom.
#[must_use]
pub(super) fn chi_square_at_most(x: f64, degrees: f64) -> f64 {
    lower_gamma(degrees / 2.0, x / 2.0)
}

/// ln P(X >= x) for X chi-square with `degrees` degrees of freedom.
#[must_use]
pub(super) fn chi_square_at_least(x: f64, degrees: f64) -> f64 {
    upper_gamma(degrees / 2.0, x / 2.0)
}

/// ln P(X >= k) for X negative binomial: a Poisson count of one day whose rate has the gamma distribution with a
/// shape, and a rate in days. Summed from k up, each term from the one before.
#[must_use]
pub(super) fn negative_binomial_at_least(k: u64, shape: f64, days: f64) -> f64 {
    let k = k as f64;
    let first = lgamma(k + shape) - lgamma(shape) - lgamma(k + 1.0) + shape * log(days / (days + 1.0))
        - k * log(days + 1.0);
    let (mut sum, mut term, mut n) = (1.0, 1.0, k);
    for _ in 0..TERMS_MAX {
        term *= (n + shape) / ((n + 1.0) * (days + 1.0));
        n += 1.0;
        sum += term;
        if term < sum * ENOUGH {
            break;
        }
    }
    (first + log(sum)).min(0.0)
}

/// Strength of a finding, -log10 p, from ln p. Never negative, never beyond 300.
#[must_use]
pub(super) fn strength(ln_p: f64) -> f64 {
    (-ln_p / std::f64::consts::LN_10).clamp(0.0, 300.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{ProptestConfig, prop_assert, proptest};

    /// The tail term by term, the slow way.
    fn poisson_by_sum(k: u64, mean: f64) -> f64 {
        let below: f64 = (0..k).map(|j| exp(j as f64 * log(mean) - mean - lgamma(j as f64 + 1.0))).sum();
        log(1.0 - below)
    }

    #[test]
    fn known_values_of_tables() {
        // Poisson(2): P(X >= 5) = 0.052653; chi-square with 10 degrees: P(X <= 3.940) = 0.05, P(X >= 18.307) = 0.05.
        assert!((exp(poisson_at_least(5, 2.0)) - 0.052_653).abs() < 1e-6);
        assert!((exp(chi_square_at_most(3.940, 10.0)) - 0.05).abs() < 1e-4);
        assert!((exp(chi_square_at_least(18.307, 10.0)) - 0.05).abs() < 1e-4);
    }

    #[test]
    fn far_tails_stay_finite() {
        // Leading term of Poisson(0.001), k = 60: 60 ln 0.001 - ln 60! = -603.094.
        assert!((poisson_at_least(60, 0.001) + 603.094).abs() < 0.01);
        assert!(poisson_at_least(3, 0.0).is_infinite());
        assert!((strength(poisson_at_least(3, 0.0)) - 300.0).abs() < f64::EPSILON);
        assert!(poisson_at_least(25_000, 100.0).is_finite());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn tails_agree_with_their_sums_and_add_up(k in 1_u64..60, mean in 0.01_f64..60.0) {
            let sum = poisson_by_sum(k, mean);
            if sum > -12.0 {
                prop_assert!((poisson_at_least(k, mean) - sum).abs() < 1e-6, "{} {sum}", poisson_at_least(k, mean));
            }
            let (a, z) = (k as f64 / 2.0, mean);
            prop_assert!((exp(lower_gamma(a, z)) + exp(upper_gamma(a, z)) - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn counts_beyond_a_rate_that_is_itself_uncertain() {
        // With many days the rate is certain, and the tail is Poisson's.
        let certain = negative_binomial_at_least(9, 3.0e7, 1.0e7);
        assert!((certain - poisson_at_least(9, 3.0)).abs() < 1e-5);
        // Against a sum from below.
        let (shape, days): (f64, f64) = (6.5, 13.0);
        let pmf = |k: f64| {
            exp(lgamma(k + shape) - lgamma(shape) - lgamma(k + 1.0) + shape * log(days / (days + 1.0))
                - k * log(days + 1.0))
        };
        let below: f64 = (0..4).map(|k| pmf(f64::from(k))).sum();
        assert!((exp(negative_binomial_at_least(4, shape, days)) - (1.0 - below)).abs() < 1e-12);
        assert!(negative_binomial_at_least(0, shape, days).abs() < 1e-12);
    }
}
