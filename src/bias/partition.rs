//! The p-value of an association test: how many partitions of the targets are as extreme as the one
//! observed, each counted, or some drawn.

use crate::vector::random::SplitMix64;
use hashbrown::HashSet;

/// What share of the partitions is as extreme as the one observed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct PValues {
    /// Their statistic is at least the observed one.
    pub(super) one_sided: f64,
    /// Their statistic is at least as far from 0.
    pub(super) two_sided: f64,
    /// Every partition was counted.
    pub(super) exact: bool,
    /// Partitions counted or drawn, the observed one among them.
    pub(super) count: u64,
}

/// Compares the difference of the mean associations of `x` and `y` with that of every other way to
/// part all of them into as many and as many. For sets of one size that is the paper's test, whose
/// sums are the means times that size; for others it is the difference that chance puts at 0.
///
/// If there are more than `partitions_max` ways, so many are drawn without replacement, and the
/// observed one is the first: a p-value is never 0. The draw depends on `seed` alone.
pub(super) fn p_values(x: &[f64], y: &[f64], partitions_max: u32, seed: u64) -> PValues {
    let associations: Vec<f64> = x.iter().chain(y).copied().collect();
    let (n, chosen) = (associations.len(), x.len());
    let max = u64::from(partitions_max.max(1));
    let ways = binomial(n, chosen);
    let mut tally = Tally::new(&associations, chosen);
    let mut random = SplitMix64(seed);
    if ways <= max {
        each_combination(&associations, chosen, |sum| tally.count(sum));
    } else if ways / WAYS_PER_DRAW <= max {
        // Too few ways to draw blindly: walk them all and choose (Knuth's algorithm S).
        let (mut ways, mut wanted) = (ways, max);
        each_combination(&associations, chosen, |sum| {
            if tally.counted == 0 || random.below(ways) < wanted {
                wanted -= 1;
                tally.count(sum);
            }
            ways -= 1;
        });
    } else {
        draw(&associations, chosen, max, &mut random, &mut tally);
    }
    tally.shares(ways <= max)
}

/// Up to so many ways for each one wanted, they are walked; beyond, a blind draw seldom repeats.
const WAYS_PER_DRAW: u64 = 16;

/// Counts partitions, each by the sum over its first part.
struct Tally {
    total: f64,
    /// The shares of the two parts.
    sizes: (f64, f64),
    observed: f64,
    /// Rounding: the observed partition always counts, and so does one that is equal to it.
    tolerance: f64,
    at_least: u64,
    as_far: u64,
    counted: u64,
}

impl Tally {
    fn new(associations: &[f64], chosen: usize) -> Self {
        let sizes = (chosen as f64, (associations.len() - chosen) as f64);
        let total = associations.iter().sum();
        let scale: f64 = associations.iter().map(|association| association.abs()).sum();
        let observed = associations[..chosen].iter().sum();
        let tolerance = 1e-12 * scale * (1.0 / sizes.0 + 1.0 / sizes.1);
        let mut tally =
            Self { total, sizes, observed: 0.0, tolerance, at_least: 0, as_far: 0, counted: 0 };
        tally.observed = tally.difference(observed);
        tally
    }

    fn difference(&self, sum: f64) -> f64 {
        sum / self.sizes.0 - (self.total - sum) / self.sizes.1
    }

    fn count(&mut self, sum: f64) {
        let difference = self.difference(sum);
        self.at_least += u64::from(difference >= self.observed - self.tolerance);
        self.as_far += u64::from(difference.abs() >= self.observed.abs() - self.tolerance);
        self.counted += 1;
    }

    fn shares(&self, exact: bool) -> PValues {
        let count = self.counted;
        let share = |hits: u64| hits as f64 / count as f64;
        PValues { one_sided: share(self.at_least), two_sided: share(self.as_far), exact, count }
    }
}

/// Ways to choose `k` of `n`; `u64::MAX` if there are more than that.
fn binomial(n: usize, k: usize) -> u64 {
    let mut ways: u128 = 1;
    for i in 0..k.min(n - k) {
        ways = ways * (n - i) as u128 / (i + 1) as u128;
        if ways > u128::from(u64::MAX) {
            return u64::MAX;
        }
    }
    u64::try_from(ways).unwrap_or(u64::MAX)
}

/// The sum of every choice of `k` values, in lexicographic order of their positions, the first `k`
/// first. Sums are kept for each prefix, so that a step adds few numbers and no rounding builds up.
fn each_combination(values: &[f64], k: usize, mut visit: impl FnMut(f64)) {
    let n = values.len();
    let mut positions: Vec<usize> = (0..k).collect();
    let mut sums = vec![0.0; k + 1];
    let mut from = 0;
    loop {
        for i in from..k {
            sums[i + 1] = sums[i] + values[positions[i]];
        }
        visit(sums[k]);
        let Some(last) = (0..k).rfind(|&i| positions[i] < n - k + i) else { return };
        positions[last] += 1;
        for i in last + 1..k {
            positions[i] = positions[i - 1] + 1;
        }
        from = last;
    }
}

/// Draws distinct partitions, the first `k` values first.
fn draw(values: &[f64], k: usize, wanted: u64, random: &mut SplitMix64, tally: &mut Tally) {
    let n = values.len();
    // A partition's key: a bit for each value, or beyond 64 values an XOR of random words, where a
    // chance collision only draws another partition instead.
    let keys: Vec<u64> = (0..n).map(|i| if n <= 64 { 1 << i } else { random.next() }).collect();
    let mut positions: Vec<usize> = (0..n).collect();
    let mut seen = HashSet::new();
    loop {
        let key = positions[..k].iter().fold(0, |key, &i| key ^ keys[i]);
        if seen.insert(key) {
            tally.count(positions[..k].iter().map(|&i| values[i]).sum());
        }
        if tally.counted == wanted {
            return;
        }
        for i in 0..k {
            positions.swap(i, i + random.index_below(n - i));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_extreme_partition_has_the_smallest_p() {
        let (x, y) = ([4.0, 5.0, 6.0, 7.0], [0.0, 1.0, 2.0, 3.0]);
        let p = p_values(&x, &y, 70, 0);
        let expected =
            PValues { one_sided: 1.0 / 70.0, two_sided: 2.0 / 70.0, exact: true, count: 70 };
        assert_eq!(p, expected);
        let turned = p_values(&y, &x, 70, 0);
        assert!((turned.one_sided - 1.0).abs() < 1e-15);
        assert!((turned.two_sided - 2.0 / 70.0).abs() < 1e-15);
    }

    #[test]
    fn ties_count_though_they_are_summed_in_another_order() {
        let p = p_values(&[0.1, 0.2, 0.3], &[0.3, 0.2, 0.1], 1_000, 0);
        // Of 20 ways to choose 3, the sum of 0.6 comes 8 times, and 6 are above it.
        assert!((p.one_sided - 14.0 / 20.0).abs() < 1e-15, "{p:?}");
        assert!((p.two_sided - 1.0).abs() < 1e-15);
    }

    #[test]
    fn sets_of_unequal_sizes_are_compared_by_their_means() {
        let p = p_values(&[9.0], &[1.0, 2.0, 3.0], 10, 0);
        assert_eq!((p.one_sided, p.two_sided, p.count), (0.25, 0.25, 4));
    }

    #[test]
    fn draws_come_near_the_exact_share_and_are_the_same_each_time() {
        let x: Vec<f64> = (0..9).map(|i| f64::from(i * i % 17) + 1.0).collect();
        let y: Vec<f64> = (0..9).map(|i| f64::from(i * 7 % 13)).collect();
        let exact = p_values(&x, &y, 48_620, 0);
        assert!(exact.exact && exact.count == 48_620);
        // Walked and chosen; drawn blindly.
        for max in [20_000, 3_000] {
            let drawn = p_values(&x, &y, max, 7);
            assert_eq!((drawn.exact, drawn.count), (false, u64::from(max)));
            let error = (exact.one_sided * (1.0 - exact.one_sided) / f64::from(max)).sqrt();
            assert!((drawn.one_sided - exact.one_sided).abs() < 4.0 * error, "{drawn:?} {exact:?}");
            assert_eq!(drawn, p_values(&x, &y, max, 7));
        }
        // All but one of the ways: so nothing can have come twice.
        let all_but_one = p_values(&x, &y, 48_619, 1);
        assert!((all_but_one.one_sided - exact.one_sided).abs() < 1e-4);
    }

    #[test]
    fn a_great_number_of_ways_is_no_trouble() {
        let x = vec![1.0; 1_024];
        let y = vec![0.0; 1_024];
        let p = p_values(&x, &y, 100, 3);
        assert_eq!((p.one_sided, p.two_sided, p.count), (0.01, 0.01, 100));
        assert_eq!(binomial(16, 8), 12_870);
        assert_eq!(binomial(2_048, 1_024), u64::MAX);
    }
}
