//! How many choices of some values have a sum as extreme, without a walk through them: exactly, by two
//! halves; or within a bound, by sums that are rounded to steps.

use crate::error::Result;
use crate::query::GoOn;

/// What a sum must be to be as extreme.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extreme {
    /// At least this, if one side counts.
    pub(super) at_least: f64,
    /// At least the second or at most the first, if both do.
    pub(super) outside: (f64, f64),
}

/// A share of the choices, and how far it may be from the true one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Share {
    pub(super) share: f64,
    pub(super) error: f64,
}

/// Values whose halves have no more than a million sums each.
pub(super) const HALVES_MAX: usize = 40;

/// About how long counting takes, in seconds.
pub(super) fn seconds(count: usize) -> f64 {
    if count > HALVES_MAX { 0.1 } else { 3e-8 * f64::powf(2.0, count as f64 / 2.0) }
}

/// Shares of rounded sums that are kept at once: 32 MiB.
const CELLS_MAX: usize = 1 << 23;
/// Steps beyond which nothing is won.
const STEPS_MAX: usize = 1 << 16;
/// Steps with which no bound is close.
const STEPS_MIN: usize = 32;
/// An error that is told is at most this; a drawn share's standard error is no smaller.
const ERROR_MAX: f64 = 2e-3;

/// Of all choices of `k` of at most [`HALVES_MAX`] values, how many are extreme: by one side, by both.
/// Every sum of one half meets those of the other in order (Horowitz and Sahni 1974).
pub(super) fn exactly(
    values: &[f64],
    k: usize,
    extreme: Extreme,
    go_on: GoOn<'_>,
) -> Result<[u64; 2]> {
    debug_assert!(values.len() <= HALVES_MAX, "halves of a million sums");
    let (first, second) = values.split_at(values.len() / 2);
    let (first, second) = (sums_by_size(first), sums_by_size(second));
    let (low, high) = extreme.outside;
    let (mut one_sided, mut two_sided) = (0, 0);
    for (size, mine) in first.iter().enumerate().take(k + 1) {
        go_on()?;
        let Some(others) = second.get(k - size) else { continue };
        one_sided += at_least(mine, others, extreme.at_least);
        two_sided += if high <= low {
            mine.len() as u64 * others.len() as u64
        } else {
            at_least(mine, others, high) + at_most(mine, others, low)
        };
    }
    Ok([one_sided, two_sided])
}

/// The sums of all choices of each size, ascending.
fn sums_by_size(values: &[f64]) -> Vec<Vec<f64>> {
    let mut by_size = vec![vec![0.0]];
    for &value in values {
        by_size.push(Vec::new());
        for size in (1..by_size.len()).rev() {
            by_size[size] = merged(&by_size[size], &by_size[size - 1], value);
        }
    }
    by_size
}

/// Sums without a value, and those that it is added to, ascending.
fn merged(without: &[f64], before: &[f64], value: f64) -> Vec<f64> {
    let mut merged = Vec::with_capacity(without.len() + before.len());
    let mut rest = without.iter().copied().peekable();
    for with in before.iter().map(|before| before + value) {
        merged.extend(std::iter::from_fn(|| rest.next_if(|&sum| sum <= with)));
        merged.push(with);
    }
    merged.extend(rest);
    merged
}

/// Pairs whose sum is at least so much; both ascend.
fn at_least(mine: &[f64], others: &[f64], least: f64) -> u64 {
    let mut from = others.len();
    let pairs = mine.iter().map(|mine| {
        while from > 0 && mine + others[from - 1] >= least {
            from -= 1;
        }
        (others.len() - from) as u64
    });
    pairs.sum()
}

/// Pairs whose sum is at most so much.
fn at_most(mine: &[f64], others: &[f64], most: f64) -> u64 {
    let mut end = others.len();
    let pairs = mine.iter().map(|mine| {
        while end > 0 && mine + others[end - 1] > most {
            end -= 1;
        }
        end as u64
    });
    pairs.sum()
}

/// Of all choices of `k` values, what shares are extreme, by one side and by both: by dynamic programming
/// over values that are rounded to steps. What rounding does to a sum is bounded, and so are the shares.
/// None if the bound would not be close.
pub(super) fn within(
    values: &[f64],
    k: usize,
    extreme: Extreme,
    go_on: GoOn<'_>,
) -> Result<Option<[Share; 2]>> {
    if 2 * k > values.len() {
        // What is not chosen, turned around, has the chosen ones' sum less that of all.
        let total: f64 = values.iter().sum();
        let turned: Vec<f64> = values.iter().map(|value| -value).collect();
        let (low, high) = extreme.outside;
        let outside = (low - total, high - total);
        let extreme = Extreme { at_least: extreme.at_least - total, outside };
        return within(&turned, values.len() - k, extreme, go_on);
    }
    let Some(rounded) = Rounded::new(values, k).filter(|rounded| rounded.is_close(extreme)) else {
        return Ok(None);
    };
    let shares = rounded.shares(k, go_on)?;
    // Each of so many steps rounds two products and their sum, and what is lost below the smallest
    // number is less than the last term.
    let rounding = 4.0 * values.len() as f64 * f64::from(f32::EPSILON) / 2.0;
    let share = |least: f64, most: f64| Share {
        share: f64::midpoint(least * (1.0 - rounding), most * (1.0 + rounding)),
        error: (most * (1.0 + rounding) - least * (1.0 - rounding)) / 2.0 + 1e-30,
    };
    let above = |least: f64| {
        let sum = |from: usize| shares[from..].iter().map(|&share| f64::from(share)).sum::<f64>();
        [rounded.surely(least), rounded.perhaps(least)].map(|from| sum(from.min(shares.len())))
    };
    let below = |most: f64| {
        let sum = |end: usize| shares[..end].iter().map(|&share| f64::from(share)).sum::<f64>();
        // At most so much is not more than it: the complement of what is above.
        [rounded.perhaps(most), rounded.surely(most)].map(|end| sum(end.min(shares.len())))
    };
    let one_sided = above(extreme.at_least);
    let (low, high) = extreme.outside;
    let two_sided = if high <= low {
        [1.0; 2]
    } else {
        let (above, below) = (above(high), below(low));
        [above[0] + below[0], (above[1] + below[1]).min(1.0)]
    };
    let both = [one_sided, two_sided].map(|[least, most]| share(least, most));
    Ok(both.iter().all(|share| share.error <= ERROR_MAX).then_some(both))
}

/// Values as whole numbers of steps above the least of them, ascending.
struct Rounded {
    numbers: Vec<usize>,
    step: f64,
    /// What the least sum stands for.
    start: f64,
    /// What rounding may do to a sum, at least and at most.
    errors: (f64, f64),
    /// Standard deviation of the sums.
    spread: f64,
    /// Mean of the sums.
    center: f64,
}

impl Rounded {
    fn new(values: &[f64], k: usize) -> Option<Self> {
        let steps = (CELLS_MAX / (k * (k + 1)).max(1)).min(STEPS_MAX);
        if steps < STEPS_MIN || k == 0 {
            return None;
        }
        let mut values = values.to_vec();
        values.sort_unstable_by(f64::total_cmp);
        let (least, most) = (*values.first()?, *values.last()?);
        let step = (most - least) / steps as f64;
        if step <= 0.0 || !step.is_finite() {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to steps")]
        let numbers: Vec<usize> =
            values.iter().map(|value| ((value - least) / step).round() as usize).collect();
        let mut errors: Vec<f64> = values
            .iter()
            .zip(&numbers)
            .map(|(value, &number)| value - least - number as f64 * step)
            .collect();
        errors.sort_unstable_by(f64::total_cmp);
        let slack = 1e-12 * (most - least).max(least.abs()) * k as f64;
        let lowest = errors[..k].iter().sum::<f64>() - slack;
        let highest = errors[errors.len() - k..].iter().sum::<f64>() + slack;
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let spread = (variance * k as f64 * (n - k as f64) / n).sqrt();
        let (start, center) = (least * k as f64, mean * k as f64);
        Some(Self { numbers, step, start, errors: (lowest, highest), spread, center })
    }

    /// Whether sums are spread so far that few lie where rounding decides, as a normal distribution
    /// has it; what is told is checked again.
    fn is_close(&self, extreme: Extreme) -> bool {
        let width = self.errors.1 - self.errors.0 + self.step;
        let place = |sum: f64| ((sum - self.center).abs() - width).max(0.0) / self.spread;
        let density = |sum: f64| 0.4 * (-place(sum).powi(2) / 2.0).exp() / self.spread;
        let (low, high) = extreme.outside;
        let shares = density(extreme.at_least).max(density(low) + density(high));
        self.spread > 0.0 && width / 2.0 * shares <= 2.0 * ERROR_MAX
    }

    /// The first rounded sum that is surely at least so much.
    fn surely(&self, least: f64) -> usize {
        self.first(least - self.errors.0)
    }

    /// The first one that may be.
    fn perhaps(&self, least: f64) -> usize {
        self.first(least - self.errors.1)
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not below 0")]
    fn first(&self, sum: f64) -> usize {
        ((sum - self.start) / self.step).ceil().max(0.0) as usize
    }

    /// What share of the choices of `k` has each sum: of those of the first values, a share of (i - j) / i
    /// leaves the last of i out, and j / i takes it.
    fn shares(&self, k: usize, go_on: GoOn<'_>) -> Result<Vec<f32>> {
        let n = self.numbers.len();
        // Numbers ascend: the sums of j of the first i are from those of the first j to the last j.
        let mut before = vec![0; n + 1];
        for (i, number) in self.numbers.iter().enumerate() {
            before[i + 1] = before[i] + number;
        }
        let range = |i: usize, j: usize| before[j]..before[i] - before[i - j] + 1;
        let mut shares: Vec<Vec<f32>> = (0..=k).map(|j| vec![0.0; range(n, j).end]).collect();
        shares[0][0] = 1.0;
        for (i, &number) in (1..).zip(&self.numbers) {
            go_on()?;
            for j in ((k + i).saturating_sub(n).max(1)..=k.min(i)).rev() {
                let (fewer, more) = shares.split_at_mut(j);
                let (fewer, same) = (&fewer[j - 1], &mut more[0]);
                let (left_out, taken) = ((i - j) as f32 / i as f32, j as f32 / i as f32);
                if j < i {
                    same[range(i - 1, j)].iter_mut().for_each(|share| *share *= left_out);
                }
                let from = range(i - 1, j - 1);
                let to = from.start + number..from.end + number;
                for (share, &with) in same[to].iter_mut().zip(&fewer[from]) {
                    *share += with * taken;
                }
            }
        }
        Ok(shares.swap_remove(k))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vector::random::SplitMix64;

    use crate::steps::GO;

    #[test]
    fn halves_and_steps_agree_with_a_walk() {
        let mut random = SplitMix64(3);
        for (n, k) in [(2, 1), (5, 2), (9, 4), (14, 7), (15, 11), (17, 3)] {
            let values: Vec<f64> =
                (0..n).map(|_| random.index_below(1_000) as f64 / 500.0 - 1.0).collect();
            let sums: Vec<f64> = (0_u32..1 << n)
                .filter(|choice| choice.count_ones() as usize == k)
                .map(|choice| (0..n).filter(|i| choice >> i & 1 == 1).map(|i| values[i]).sum())
                .collect();
            let at_least = sums[sums.len() / 3] - 1e-9;
            let extreme = Extreme { at_least, outside: (-0.7, 0.7) };
            let one = sums.iter().filter(|&&sum| sum >= at_least).count();
            let two = sums.iter().filter(|&&sum| sum.abs() >= 0.7).count();
            let counted = exactly(&values, k, extreme, GO).unwrap();
            assert_eq!(counted, [one as u64, two as u64], "{k} of {n}");
            let Some(within) = within(&values, k, extreme, GO).unwrap() else {
                assert!(n < 14, "{k} of {n}");
                continue;
            };
            for (share, count) in within.iter().zip([one, two]) {
                let true_share = count as f64 / sums.len() as f64;
                assert!((share.share - true_share).abs() <= share.error, "{share:?} {true_share}");
            }
        }
    }

    #[test]
    fn many_values_are_counted_within_the_bound() {
        // Of 64 values from 0 to 63, the sums of 32 are symmetric about 1,008.
        let values: Vec<f64> = (0..64).map(f64::from).collect();
        let extreme = Extreme { at_least: 1_007.5, outside: (500.0, 1_516.0) };
        let [one, two] = within(&values, 32, extreme, GO).unwrap().unwrap();
        assert!(one.error <= ERROR_MAX && two.error < 1e-12);
        // The middle sum alone has a share of 0.0054 (half of it is above the middle).
        assert!((one.share - 0.5027).abs() <= one.error + 1e-3, "{one:?}");
        assert!(two.share > 0.0 && two.share < 1e-9, "{two:?}");
        let none = within(&vec![1.0; 2_048], 1_024, extreme, GO).unwrap();
        assert_eq!(none, None);
    }
}
