//! `Histogram`: how long answers took, to a thousandth of each, in bounded memory whatever comes.

use std::time::Duration;

/// Parts between two powers of two.
const PARTS: u64 = 1 << BITS;
const BITS: u32 = 10;

/// Times in nanoseconds: those below `PARTS` each for itself, the others in parts that are a thousandth of them wide.
#[derive(Clone, Debug, Default)]
pub(super) struct Histogram {
    counts: Vec<u64>,
    count: u64,
    sum: u128,
    max: u64,
}

/// The part that a time is in.
fn place(nanoseconds: u64) -> usize {
    let shift = (u64::BITS - nanoseconds.leading_zeros()).saturating_sub(BITS + 1);
    let part = u64::from(shift) * PARTS + (nanoseconds >> shift);
    usize::try_from(part).unwrap_or(usize::MAX)
}

/// The longest time of a part.
fn end(place: usize) -> u64 {
    let place = place as u64;
    let shift = (place / PARTS).saturating_sub(1);
    let first = place - shift * PARTS;
    // The last part ends where numbers do.
    let next = u128::from(first + 1) << shift;
    u64::try_from(next - 1).unwrap_or(u64::MAX)
}

/// The next of 1, 2, 5, 10, 20 and so on microseconds.
fn round(nanoseconds: u64) -> u64 {
    let mut decade = 1_000_u64;
    loop {
        for step in [1, 2, 5] {
            match decade.checked_mul(step) {
                Some(end) if end >= nanoseconds => return end,
                Some(_) => {}
                None => return u64::MAX,
            }
        }
        decade = decade.saturating_mul(10);
    }
}

impl Histogram {
    pub(super) fn add(&mut self, took: Duration) {
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let place = place(nanoseconds);
        if self.counts.len() <= place {
            self.counts.resize(place + 1, 0);
        }
        self.counts[place] += 1;
        self.count += 1;
        self.sum += u128::from(nanoseconds);
        self.max = self.max.max(nanoseconds);
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn max(&self) -> Duration {
        Duration::from_nanos(self.max)
    }

    pub(super) fn mean(&self) -> Duration {
        let mean = self.sum.checked_div(u128::from(self.count)).unwrap_or(0);
        Duration::from_nanos(u64::try_from(mean).unwrap_or(u64::MAX))
    }

    /// The time that this share of the answers took at most.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a count is a count"
    )]
    pub(super) fn quantile(&self, share: f64) -> Duration {
        let wanted = (share * self.count as f64).ceil() as u64;
        let mut seen = 0;
        for (place, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted && *count > 0 {
                return Duration::from_nanos(end(place).min(self.max));
            }
        }
        Duration::ZERO
    }

    /// How many took up to 1, 2, 5, 10, 20 and so on microseconds, where any did.
    pub(super) fn parts(&self) -> Vec<(Duration, u64)> {
        let mut parts: Vec<(u64, u64)> = Vec::new();
        for (place, &count) in self.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let end = round(end(place));
            match parts.last_mut() {
                Some((last, sum)) if *last == end => *sum += count,
                _ => parts.push((end, count)),
            }
        }
        parts.into_iter().map(|(end, count)| (Duration::from_nanos(end), count)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_sorted_times_to_a_thousandth() {
        let mut state = 1_u64;
        let mut times: Vec<u64> = (0..20_000)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                // From nanoseconds to minutes.
                (state >> 20) >> (state % 40)
            })
            .collect();
        let mut histogram = Histogram::default();
        for &time in &times {
            histogram.add(Duration::from_nanos(time));
        }
        times.sort_unstable();
        for (share, place) in [(0.5, 9_999), (0.9, 17_999), (0.99, 19_799), (0.999, 19_979)] {
            let told = histogram.quantile(share).as_nanos() as f64;
            let exact = times[place] as f64;
            assert!((exact..=exact * 1.001 + 1.0).contains(&told), "{share}: {told} for {exact}");
        }
        assert_eq!(histogram.quantile(1.0), histogram.max());
        assert_eq!(histogram.max().as_nanos(), u128::from(times[19_999]));
        let sum: u128 = times.iter().map(|&time| u128::from(time)).sum();
        assert_eq!(histogram.mean().as_nanos(), sum / 20_000);
        assert_eq!([999, 1_000, 1_001, 4_999_999].map(round), [1_000, 1_000, 2_000, 5_000_000]);
        assert_eq!(round(u64::MAX), u64::MAX);
        let parts = histogram.parts();
        assert_eq!(parts.iter().map(|(_, count)| count).sum::<u64>(), 20_000);
        assert!(parts.windows(2).all(|pair| pair[0].0 < pair[1].0), "{parts:?}");
    }

    #[test]
    fn every_time_has_its_part() {
        let mut before = None;
        for shift in 0..64 {
            for near in [-1_i64, 0, 1] {
                let time = (1_u64 << shift).wrapping_add_signed(near);
                let place = place(time);
                assert!(end(place) >= time && place < 64 << BITS, "{time}");
                assert!(place == 0 || end(place - 1) < time, "{time}");
                before = before.max(Some(place));
            }
        }
        assert_eq!(end(place(u64::MAX)), u64::MAX);
        assert_eq!(Histogram::default().quantile(0.5), Duration::ZERO);
    }
}
