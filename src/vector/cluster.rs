//! Clusters of directions: spherical k-means, and how alike two clusterings are.

use crate::error::Result;
use crate::vector::random::SplitMix64;

/// Which cluster each vector is in, and how well that fits.
#[derive(Clone, Debug, PartialEq)]
pub struct Clusters {
    /// Numbers from 0.
    pub labels: Vec<usize>,
    /// Mean cosine of the vectors to the centers of their clusters.
    pub fit: f64,
}

const STEPS_MAX: usize = 100;

/// The best by fit of `restarts` runs of spherical k-means (Dhillon and Modha 2001), each begun with
/// centers drawn far from one another (k-means++, Arthur and Vassilvitskii 2007). `vectors` have
/// length 1, or 0. The outcome depends on the seed alone.
///
/// # Errors
///
/// Whatever `go_on` says; it is asked for every vector and every center.
pub fn k_means(
    vectors: &[Vec<f64>],
    k: usize,
    (restarts, seed): (usize, u64),
    go_on: &dyn Fn() -> Result<()>,
) -> Result<Clusters> {
    let mut random = SplitMix64(seed);
    let mut best = Clusters { labels: vec![0; vectors.len()], fit: f64::NEG_INFINITY };
    for _ in 0..restarts.max(1) {
        let run = run(vectors, k.clamp(1, vectors.len().max(1)), &mut random, go_on)?;
        if run.fit > best.fit {
            best = run;
        }
    }
    Ok(best)
}

fn run(
    vectors: &[Vec<f64>],
    k: usize,
    random: &mut SplitMix64,
    go_on: &dyn Fn() -> Result<()>,
) -> Result<Clusters> {
    let mut centers = first_centers(vectors, k, random, go_on)?;
    let mut clusters = Clusters { labels: vec![0; vectors.len()], fit: 0.0 };
    for _ in 0..STEPS_MAX {
        let mut changed = false;
        let mut fit = 0.0;
        for (vector, label) in vectors.iter().zip(&mut clusters.labels) {
            go_on()?;
            let (nearest, cosine) = nearest(&centers, vector);
            changed |= *label != nearest;
            *label = nearest;
            fit += cosine;
        }
        clusters.fit = fit / vectors.len().max(1) as f64;
        if !changed {
            break;
        }
        for center in &mut centers {
            center.fill(0.0);
        }
        for (vector, &label) in vectors.iter().zip(&clusters.labels) {
            centers[label].iter_mut().zip(vector).for_each(|(sum, value)| *sum += value);
        }
        for center in &mut centers {
            let norm = dot(center, center).sqrt();
            if norm > 0.0 {
                for value in center {
                    *value /= norm;
                }
            }
        }
    }
    Ok(clusters)
}

fn first_centers(
    vectors: &[Vec<f64>],
    k: usize,
    random: &mut SplitMix64,
    go_on: &dyn Fn() -> Result<()>,
) -> Result<Vec<Vec<f64>>> {
    let Some(first) = vectors.get(random.index_below(vectors.len().max(1))) else {
        return Ok(Vec::new());
    };
    let mut centers = vec![first.clone()];
    let mut gaps: Vec<f64> = vectors.iter().map(|vector| 1.0 - dot(vector, first)).collect();
    while centers.len() < k {
        go_on()?;
        let total: f64 = gaps.iter().map(|gap| gap.max(0.0)).sum();
        let mut drawn = random.below(1 << 53) as f64 / (1_u64 << 53) as f64 * total;
        let place = gaps.iter().position(|gap| {
            drawn -= gap.max(0.0);
            drawn < 0.0
        });
        let center = vectors[place.unwrap_or(centers.len() % vectors.len())].clone();
        for (gap, vector) in gaps.iter_mut().zip(vectors) {
            *gap = gap.min(1.0 - dot(vector, &center));
        }
        centers.push(center);
    }
    Ok(centers)
}

fn nearest(centers: &[Vec<f64>], vector: &[f64]) -> (usize, f64) {
    let cosines = centers.iter().map(|center| dot(center, vector)).enumerate();
    let mut best = (0, f64::NEG_INFINITY);
    for (i, cosine) in cosines {
        if cosine > best.1 {
            best = (i, cosine);
        }
    }
    best
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// How alike two clusterings are, corrected for chance: 1 if equal, about 0 if independent (adjusted
/// Rand index, Hubert and Arabie 1985).
pub fn adjusted_rand(a: &[usize], b: &[usize]) -> f64 {
    let pairs = |n: f64| n * (n - 1.0) / 2.0;
    let size = |labels: &[usize]| labels.iter().max().map_or(0, |most| most + 1);
    let (rows, columns) = (size(a), size(b));
    let mut counts = vec![0.0; rows * columns];
    for (&x, &y) in a.iter().zip(b) {
        counts[x * columns + y] += 1.0;
    }
    let together: f64 = counts.iter().map(|&n| pairs(n)).sum();
    let of_rows: f64 =
        counts.chunks(columns.max(1)).map(|row| pairs(row.iter().sum::<f64>())).sum();
    let of_columns: f64 = (0..columns)
        .map(|column| pairs(counts.iter().skip(column).step_by(columns).sum::<f64>()))
        .sum();
    let all = pairs(a.len() as f64);
    let expected = if all > 0.0 { of_rows * of_columns / all } else { 0.0 };
    let most = f64::midpoint(of_rows, of_columns);
    if (most - expected).abs() < 1e-12 { 1.0 } else { (together - expected) / (most - expected) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bundles_of_directions_are_found_and_named_the_same_each_time() {
        let mut random = SplitMix64(9);
        let mut vectors = Vec::new();
        for i in 0..60 {
            let mut vector = vec![0.0; 3];
            vector[i % 3] = 1.0;
            for value in &mut vector {
                *value += random.below(100) as f64 / 500.0;
            }
            let norm = dot(&vector, &vector).sqrt();
            vectors.push(vector.iter().map(|value| value / norm).collect());
        }
        let found = k_means(&vectors, 3, (5, 1), &|| Ok(())).unwrap();
        let truth: Vec<usize> = (0..60).map(|i| i % 3).collect();
        assert!((adjusted_rand(&found.labels, &truth) - 1.0).abs() < 1e-12);
        assert_eq!(found, k_means(&vectors, 3, (5, 1), &|| Ok(())).unwrap());
        let halves: Vec<usize> = (0..60).map(|i| i / 30).collect();
        assert!(adjusted_rand(&halves, &truth).abs() < 0.05);
        assert_eq!(k_means(&vectors[..1], 5, (1, 0), &|| Ok(())).unwrap().labels, [0]);
        assert!(k_means(&[], 2, (1, 0), &|| Ok(())).unwrap().labels.is_empty());
    }
}
