//! `OneIn`: one in so many, drawn, where looking at each would cost too much.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::vector::random::SplitMix64;

/// Hits once in so many times, on average and in no pattern that callers could have as well.
#[derive(Debug)]
pub(super) struct OneIn {
    /// A number that is drawn up to this one hits.
    up_to: Option<u64>,
    /// Seeds what is drawn. Only a count: nothing else is read or written by its order.
    drawn: AtomicU64,
}

impl OneIn {
    /// One in so many; 0 never hits.
    pub(super) fn new(one_in: u32) -> Self {
        let up_to = u64::MAX.checked_div(one_in.into());
        Self { up_to, drawn: AtomicU64::new(0) }
    }

    /// Whether it is this one.
    pub(super) fn hits(&self) -> bool {
        let Some(up_to) = self.up_to else { return false };
        SplitMix64(self.drawn.fetch_add(1, Ordering::Relaxed)).next() <= up_to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_hit_as_are_wanted_and_not_at_even_distances() {
        let hits = |one_in: u32| {
            let drawn = OneIn::new(one_in);
            (0..100_000).filter(|_| drawn.hits()).collect::<Vec<u32>>()
        };
        assert_eq!((hits(0).len(), hits(1).len()), (0, 100_000));
        let hundredth = hits(100);
        assert!((900..1_100).contains(&hundredth.len()), "{}", hundredth.len());
        let gaps = hundredth.windows(2).map(|pair| pair[1] - pair[0]);
        let gaps: std::collections::BTreeSet<_> = gaps.collect();
        assert!(gaps.len() > 100, "{gaps:?}");
    }
}
