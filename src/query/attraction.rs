//! Places in two dimensions that keep neighbors together: they attract each other, and all others repel
//! (after UMAP: McInnes, Healy and Melville 2018, with the kernel of t-SNE).

use crate::error::Result;
use crate::query::GoOn;
use crate::steps::watched;
use crate::vector::random::SplitMix64;

/// Neighbors of each that attract it, at most.
pub(super) const NEIGHBORS: usize = 12;
/// Others that repel it, for each neighbor that attracts it.
const OTHERS: usize = 5;
/// Rounds: fewer for many, which have more company in each.
const ROUNDS: std::ops::RangeInclusive<usize> = 80..=240;
const MOVES: usize = 8_000_000;
/// How wide the start is, in the unit in which neighbors come to lie about 1 apart.
const START: f32 = 10.0;
/// How soon attraction fades with distance.
const STEEPNESS: f32 = 1.6;
/// What keeps the repulsion of those that are in one place finite.
const SOFTNESS: f32 = 1e-3;
/// No move is longer in one direction, before it is shortened by the round.
const MOVE_MAX: f32 = 4.0;

/// A neighbor, and how strongly it attracts: from 0 to 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub(super) to: u32,
    pub(super) weight: f32,
}

/// How strongly neighbors at these distances attract, nearest first: 1 for the nearest, and less the faster
/// the more there are close by, so that they weigh the logarithm of their number together.
pub(super) fn weights(distances: &[f32]) -> Vec<f32> {
    let Some(&nearest) = distances.first() else { return Vec::new() };
    let wanted = (distances.len() as f64 + 1.0).log2();
    let weights = |reach: f64| -> Vec<f64> {
        let weight = |&distance: &f32| (-f64::from(distance - nearest).max(0.0) / reach).exp();
        distances.iter().map(weight).collect()
    };
    let (mut low, mut high) = (1e-6, 8.0);
    for _ in 0..32 {
        let reach = f64::midpoint(low, high);
        if weights(reach).iter().sum::<f64>() > wanted {
            high = reach;
        } else {
            low = reach;
        }
    }
    #[expect(clippy::cast_possible_truncation, reason = "at most 1 in size")]
    weights(high).into_iter().map(|weight| weight as f32).collect()
}

/// Moves places from where they are; `links` has those of each, one after the other, `ends` where each one's end.
/// `on_share` is told which share of the rounds is done.
///
/// # Errors
///
/// Whatever `go_on` says.
pub(super) fn arrange(
    places: &mut [[f32; 2]],
    (links, ends): (&[Link], &[usize]),
    seed: u64,
    go_on: GoOn<'_>,
    on_share: &mut dyn FnMut(f64),
) -> Result<()> {
    let farthest = places.iter().flatten().map(|x| x.abs()).fold(0.0, f32::max);
    let mut random = SplitMix64(seed);
    #[expect(clippy::cast_possible_truncation, reason = "a little aside")]
    let mut aside = || (random.below(1 << 20) as f64 / f64::from(1 << 20) - 0.5) as f32 * 1e-3;
    for place in places.iter_mut() {
        // Equal rows could never part.
        *place = place.map(|x| x / farthest.max(f32::MIN_POSITIVE) * START + aside());
    }
    let rounds = (MOVES / places.len().max(1)).clamp(*ROUNDS.start(), *ROUNDS.end());
    for round in 0..rounds {
        on_share(round as f64 / rounds as f64);
        let (done, length) = (round as f32, 1.0 - round as f32 / rounds as f32);
        let mut start = 0;
        for step in watched(ends.iter().enumerate(), go_on) {
            let (own, &end) = step?;
            for link in &links[start..end] {
                // A link of weight w is looked at in w of all rounds.
                if ((done + 1.0) * link.weight).floor() > (done * link.weight).floor() {
                    attract(places, own, link.to as usize, length);
                    for _ in 0..OTHERS {
                        repel(places, own, random.index_below(ends.len()), length);
                    }
                }
            }
            start = end;
        }
    }
    Ok(())
}

fn attract(places: &mut [[f32; 2]], a: usize, b: usize, length: f32) {
    let (gap, square) = between(places, a, b);
    let pull = 2.0 * STEEPNESS / (1.0 + STEEPNESS * square);
    for axis in 0..2 {
        let step = (pull * gap[axis]).clamp(-MOVE_MAX, MOVE_MAX) * length;
        places[a][axis] += step;
        places[b][axis] -= step;
    }
}

fn repel(places: &mut [[f32; 2]], a: usize, b: usize, length: f32) {
    if a == b {
        return;
    }
    let (gap, square) = between(places, a, b);
    let push = 2.0 / ((SOFTNESS + square) * (1.0 + STEEPNESS * square));
    for axis in 0..2 {
        places[a][axis] -= (push * gap[axis]).clamp(-MOVE_MAX, MOVE_MAX) * length;
    }
}

/// From a to b, and the square of its length.
fn between(places: &[[f32; 2]], a: usize, b: usize) -> ([f32; 2], f32) {
    let gap = [places[b][0] - places[a][0], places[b][1] - places[a][1]];
    (gap, gap[0] * gap[0] + gap[1] * gap[1])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::GO;

    #[test]
    fn groups_that_are_linked_come_together_and_part_from_others() {
        // Four groups of twenty, strewn so that a group has no place of its own.
        let (groups, count) = (4, 80);
        let mut places: Vec<[f32; 2]> = (0..count)
            .map(|i| {
                let turn = i as f32 * 2.4;
                [turn.cos(), turn.sin()].map(|x| x * (i as f32 / count as f32).sqrt())
            })
            .collect();
        let link = |own: usize, step: usize| Link {
            to: u32::try_from((own + groups * step) % count).unwrap(),
            weight: 1.0,
        };
        let links: Vec<Link> =
            (0..count).flat_map(|own| (1..=6).map(move |step| link(own, step))).collect();
        let ends: Vec<usize> = (1..=count).map(|own| own * 6).collect();
        arrange(&mut places, (&links, &ends), 1, GO, &mut |_| {}).unwrap();
        let nearest = |own: usize| {
            let mut others: Vec<usize> = (0..count).filter(|&other| other != own).collect();
            others.sort_by(|&a, &b| {
                between(&places, own, a).1.total_cmp(&between(&places, own, b).1)
            });
            others
        };
        let kept: usize = (0..count)
            .map(|own| {
                nearest(own).iter().take(8).filter(|&&one| one % groups == own % groups).count()
            })
            .sum();
        assert!(kept >= count * 8 * 9 / 10, "{kept} of {}", count * 8);
        assert!(places.iter().flatten().all(|x| x.is_finite() && x.abs() < 100.0), "{places:?}");
    }

    #[test]
    fn neighbors_weigh_the_logarithm_of_their_number_and_the_nearest_most() {
        let found = weights(&[0.1, 0.15, 0.2, 0.4, 0.5, 0.5, 0.9]);
        assert!((found[0] - 1.0).abs() < 1e-6 && found.is_sorted_by(|a, b| a >= b), "{found:?}");
        assert!((found.iter().sum::<f32>() - 3.0).abs() < 1e-3, "{found:?}");
        assert_eq!(weights(&[0.5]).len(), 1);
        assert!(weights(&[0.2, 0.2, 0.2]).iter().all(|weight| (weight - 1.0).abs() < 1e-3));
    }
}
