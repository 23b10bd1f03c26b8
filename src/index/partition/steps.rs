//! `Steps`: what each `ef_search` means for a table.

/// Values of `ef_search` that are measured.
pub(super) const EFS: [u16; 10] = [16, 24, 32, 48, 64, 96, 128, 192, 256, 512];
/// How much a search allows for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Level {
    /// How much worse a leaf may be than it should.
    pub(super) kappa: f32,
    /// How much less similar a row may look than the last one of the answer.
    pub(super) delta: f32,
}

/// What each of [`EFS`] means for a table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Steps {
    pub(super) levels: [Level; EFS.len()],
    /// The share of the 10 nearest rows that is found.
    pub(super) recalls: [f32; EFS.len()],
    /// How far answers end below the best leaf's score.
    pub(super) gap: f32,
}

impl Steps {
    /// Nothing was measured: everything is allowed for.
    pub(super) fn unmeasured() -> Self {
        let level = Level { kappa: 4.0, delta: 4.0 };
        Self { levels: [level; EFS.len()], recalls: [0.0; EFS.len()], gap: 4.0 }
    }

    /// What an `ef_search` between or beyond those measured allows for: it grows with the logarithm.
    pub(super) fn at(&self, ef: f32) -> Level {
        let place = ef.max(1.0).log2();
        let mut pairs =
            EFS.iter().zip(self.levels).map(|(&ef, level)| (f32::from(ef).log2(), level));
        let known: [(f32, Level); EFS.len()] =
            std::array::from_fn(|_| pairs.next().unwrap_or((0.0, self.levels[0])));
        let pairs = known.windows(2);
        let mut chosen = [known[0], known[1]];
        for pair in pairs {
            if place >= pair[0].0 {
                chosen = [pair[0], pair[1]];
            }
        }
        let [(x, a), (y, b)] = chosen;
        let share = (place - x) / (y - x);
        let between = |a: f32, b: f32| a + (b - a) * share;
        Level { kappa: between(a.kappa, b.kappa), delta: between(a.delta, b.delta).max(0.0) }
    }

    /// The least of [`EFS`] that found this share of the sample's answers; none if even the largest did
    /// not.
    pub(super) fn ef_for(&self, recall: f32) -> Option<usize> {
        let measured = EFS.iter().zip(self.recalls);
        measured.into_iter().find(|&(_, found)| found >= recall).map(|(&ef, _)| ef.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_is_allowed_for_the_larger_ef_search_is() {
        let mut steps = Steps::unmeasured();
        for (i, level) in steps.levels.iter_mut().enumerate() {
            *level = Level { kappa: i as f32 / 50.0 - 0.1, delta: 0.05 + i as f32 / 200.0 };
        }
        steps.recalls = [0.5, 0.6, 0.7, 0.8, 0.9, 0.91, 0.92, 0.93, 0.94, 0.95];
        let levels: Vec<Level> = (1..2_000_u16).map(|ef| steps.at(ef.into())).collect();
        assert!(levels.is_sorted_by(|a, b| a.kappa <= b.kappa && a.delta <= b.delta));
        assert!((steps.at(64.0).kappa - steps.levels[4].kappa).abs() < 1e-6);
        assert!(steps.at(2_000.0).kappa > steps.levels[9].kappa && steps.at(1.0).delta >= 0.0);
        assert_eq!(steps.ef_for(0.6), Some(24));
        assert_eq!(steps.ef_for(0.96), None);
    }
}
