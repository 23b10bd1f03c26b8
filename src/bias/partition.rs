//! The p-value of an association test: how many partitions of the targets are as extreme as the one
//! observed, counted, or some drawn.

use crate::bias::count::{self, Extreme, HALVES_MAX, Share};
use crate::error::Result;
use crate::query::GoOn;
use crate::vector::random::SplitMix64;
use hashbrown::HashSet;

/// How partitions are gone through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partitions {
    /// Where they cannot be counted, or shall not be, so many are drawn. At least 1.
    pub drawn: u32,
    /// Draw some even where all can be counted, unless there are no more.
    pub draw: bool,
    /// Seed of the drawing.
    pub seed: u64,
}

/// What a p-value is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Every partition was counted.
    Exact,
    /// Every partition was counted, by sums that are rounded to steps: the error is bounded.
    Bounded,
    /// Some were drawn: there is a standard error.
    Drawn,
}

/// What share of the partitions is as extreme as the one observed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct PValues {
    /// Their statistic is at least the observed one.
    pub(super) one_sided: f64,
    /// Their statistic is at least as far from 0.
    pub(super) two_sided: f64,
    pub(super) method: Method,
    /// Partitions counted or drawn, the observed one among them; `u64::MAX` if there are more.
    pub(super) count: u64,
    /// No true p-value is farther than this from the one told, if it is bounded; else 0.
    pub(super) error: f64,
}

/// Compares the difference of the mean associations of `x` and `y` with that of every other way to
/// part all of them into as many and as many. For sets of one size that is the paper's test, whose
/// sums are the means times that size; for others it is the difference that chance puts at 0.
///
/// What cannot be counted is drawn without replacement, and the observed partition is the first: a
/// p-value is never 0. The draw depends on the seed alone.
///
/// # Errors
///
/// Whatever `go_on` says.
pub(super) fn p_values(x: &[f64], y: &[f64], how: Partitions, go_on: GoOn<'_>) -> Result<PValues> {
    let associations: Vec<f64> = x.iter().chain(y).copied().collect();
    let (n, chosen) = (associations.len(), x.len());
    let max = u64::from(how.drawn.max(1));
    let ways = binomial(n, chosen);
    let mut tally = Tally::new(&associations, chosen);
    if !how.draw || ways <= max {
        if n <= HALVES_MAX {
            let counts = count::exactly(&associations, chosen, tally.extreme(), go_on)?;
            [tally.at_least, tally.as_far] = counts;
            tally.counted = ways;
            return Ok(tally.shares(Method::Exact));
        }
        if ways > max
            && let Some(shares) = count::within(&associations, chosen, tally.extreme(), go_on)?
        {
            return Ok(bounded(shares, ways));
        }
    }
    let mut random = SplitMix64(how.seed);
    let (mut left, mut wanted) = (ways, max);
    if ways <= max {
        each_combination(&associations, chosen, go_on, |sum| tally.count(sum))?;
    } else if ways / WAYS_PER_DRAW <= max {
        // Too few ways to draw blindly: walk them all and choose (Knuth's algorithm S).
        each_combination(&associations, chosen, go_on, |sum| {
            if tally.counted == 0 || random.below(left) < wanted {
                wanted -= 1;
                tally.count(sum);
            }
            left -= 1;
        })?;
    } else {
        draw(&associations, (chosen, max), &mut random, &mut tally, go_on)?;
    }
    Ok(tally.shares(if ways <= max { Method::Exact } else { Method::Drawn }))
}

fn bounded([one_sided, two_sided]: [Share; 2], ways: u64) -> PValues {
    PValues {
        one_sided: one_sided.share.min(1.0),
        two_sided: two_sided.share.min(1.0),
        method: Method::Bounded,
        count: ways,
        error: one_sided.error.max(two_sided.error),
    }
}

/// Up to so many ways for each one wanted, they are walked; beyond, a blind draw seldom repeats.
const WAYS_PER_DRAW: u64 = 16;
/// Partitions between two looks at whether to go on.
const STEPS_PER_LOOK: u64 = 4_096;

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

    /// What the sum of a partition's first part must be to be as extreme.
    fn extreme(&self) -> Extreme {
        let (first, second) = self.sizes;
        let sum =
            |difference: f64| (difference + self.total / second) / (1.0 / first + 1.0 / second);
        let far = self.observed.abs() - self.tolerance;
        Extreme { at_least: sum(self.observed - self.tolerance), outside: (sum(-far), sum(far)) }
    }

    fn count(&mut self, sum: f64) {
        let difference = self.difference(sum);
        self.at_least += u64::from(difference >= self.observed - self.tolerance);
        self.as_far += u64::from(difference.abs() >= self.observed.abs() - self.tolerance);
        self.counted += 1;
    }

    fn shares(&self, method: Method) -> PValues {
        let count = self.counted;
        let share = |hits: u64| hits as f64 / count as f64;
        let (one_sided, two_sided) = (share(self.at_least), share(self.as_far));
        PValues { one_sided, two_sided, method, count, error: 0.0 }
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
fn each_combination(
    values: &[f64],
    k: usize,
    go_on: GoOn<'_>,
    mut visit: impl FnMut(f64),
) -> Result<()> {
    let n = values.len();
    let mut positions: Vec<usize> = (0..k).collect();
    let mut sums = vec![0.0; k + 1];
    let mut from = 0;
    for step in 0_u64.. {
        if step.is_multiple_of(STEPS_PER_LOOK) {
            go_on()?;
        }
        for i in from..k {
            sums[i + 1] = sums[i] + values[positions[i]];
        }
        visit(sums[k]);
        let Some(last) = (0..k).rfind(|&i| positions[i] < n - k + i) else { break };
        positions[last] += 1;
        for i in last + 1..k {
            positions[i] = positions[i - 1] + 1;
        }
        from = last;
    }
    Ok(())
}

/// Draws so many distinct partitions, the first `k` values first.
fn draw(
    values: &[f64],
    (k, wanted): (usize, u64),
    random: &mut SplitMix64,
    tally: &mut Tally,
    go_on: GoOn<'_>,
) -> Result<()> {
    let n = values.len();
    // A partition's key: a bit for each value, or beyond 64 values an XOR of random words, where a
    // chance collision only draws another partition instead.
    let keys: Vec<u64> = (0..n).map(|i| if n <= 64 { 1 << i } else { random.next() }).collect();
    let mut positions: Vec<usize> = (0..n).collect();
    let mut seen = HashSet::new();
    for step in 0_u64.. {
        if step.is_multiple_of(STEPS_PER_LOOK) {
            go_on()?;
        }
        let key = positions[..k].iter().fold(0, |key, &i| key ^ keys[i]);
        if seen.insert(key) {
            tally.count(positions[..k].iter().map(|&i| values[i]).sum());
        }
        if tally.counted == wanted {
            break;
        }
        for i in 0..k {
            positions.swap(i, i + random.index_below(n - i));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn p_values(x: &[f64], y: &[f64], drawn: u32, seed: u64) -> PValues {
        let how = Partitions { drawn, draw: true, seed };
        super::p_values(x, y, how, &|| Ok(())).unwrap()
    }

    #[test]
    fn the_most_extreme_partition_has_the_smallest_p() {
        let (x, y) = ([4.0, 5.0, 6.0, 7.0], [0.0, 1.0, 2.0, 3.0]);
        let p = p_values(&x, &y, 70, 0);
        assert_eq!((p.one_sided, p.two_sided), (1.0 / 70.0, 2.0 / 70.0));
        assert_eq!((p.method, p.count, p.error), (Method::Exact, 70, 0.0));
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
        assert_eq!((exact.method, exact.count), (Method::Exact, 48_620));
        // Walked and chosen; drawn blindly.
        for max in [20_000, 3_000] {
            let drawn = p_values(&x, &y, max, 7);
            assert_eq!((drawn.method, drawn.count), (Method::Drawn, u64::from(max)));
            let error = (exact.one_sided * (1.0 - exact.one_sided) / f64::from(max)).sqrt();
            assert!((drawn.one_sided - exact.one_sided).abs() < 4.0 * error, "{drawn:?} {exact:?}");
            assert_eq!(drawn, p_values(&x, &y, max, 7));
        }
        // All but one of the ways: so nothing can have come twice.
        let all_but_one = p_values(&x, &y, 48_619, 1);
        assert!((all_but_one.one_sided - exact.one_sided).abs() < 1e-4);
    }

    #[test]
    fn more_ways_than_can_be_walked_are_counted() {
        let x: Vec<f64> = (0..25).map(|i| f64::from(i * i % 17) / 10.0 + 0.2).collect();
        let y: Vec<f64> = (0..25).map(|i| f64::from(i * 7 % 13) / 10.0).collect();
        let how = Partitions { drawn: 200_000, draw: false, seed: 1 };
        for count in [16, 25] {
            let p = super::p_values(&x[..count], &y[..count], how, &|| Ok(())).unwrap();
            let drawn = p_values(&x[..count], &y[..count], 200_000, 1);
            let method = if count == 16 { Method::Exact } else { Method::Bounded };
            assert_eq!((p.method, drawn.method), (method, Method::Drawn));
            assert!(p.error < 2e-3 && p.count > 600_000_000, "{p:?}");
            for (p, drawn) in [(p.one_sided, drawn.one_sided), (p.two_sided, drawn.two_sided)] {
                let error = (drawn * (1.0 - drawn) / 2e5).sqrt();
                assert!((p - drawn).abs() < 4.0 * error + 2e-3, "{p} {drawn}");
            }
        }
        let stop = || Err(crate::error::Error::new(crate::error::ErrorKind::Cancelled));
        super::p_values(&x, &y, how, &stop).unwrap_err();
        super::p_values(&x, &y, Partitions { draw: true, ..how }, &stop).unwrap_err();
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
