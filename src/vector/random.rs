//! `SplitMix64` (Steele, Lea, Flood 2014): small, seeded, the same on every machine.

/// Numbers that depend on the seed alone.
#[derive(Clone, Debug)]
pub struct SplitMix64(pub u64);

impl SplitMix64 {
    /// The next number.
    #[expect(clippy::should_implement_trait, reason = "it has no end")]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, by multiplication; its bias is below `end` / 2^64.
    pub fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(end)) >> 64) as u64
    }

    /// An index below `end`.
    #[expect(clippy::cast_possible_truncation, reason = "below a usize")]
    pub fn index_below(&mut self, end: usize) -> usize {
        self.below(end as u64) as usize
    }

    /// `count` of the numbers below `end`, all different, ascending; all of them if there are no more
    /// (Floyd's algorithm: Bentley and Floyd 1987).
    pub fn sample(&mut self, end: usize, count: usize) -> Vec<usize> {
        if count >= end {
            return (0..end).collect();
        }
        let mut chosen = std::collections::BTreeSet::new();
        for last in end - count..end {
            let drawn = self.index_below(last + 1);
            if !chosen.insert(drawn) {
                chosen.insert(last);
            }
        }
        chosen.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_has_no_number_twice_and_every_number_has_its_chance() {
        let mut random = SplitMix64(3);
        let mut seen = [0_u32; 20];
        for _ in 0..2_000 {
            let sample = random.sample(20, 5);
            assert!(sample.is_sorted_by(|a, b| a < b) && sample.len() == 5);
            for i in sample {
                seen[i] += 1;
            }
        }
        assert!(seen.iter().all(|&count| (400..600).contains(&count)), "{seen:?}");
        assert_eq!(random.sample(3, 9), [0, 1, 2]);
    }
}
