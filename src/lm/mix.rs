//! Several models together: by how much each is believed (linear interpolation).

use crate::error::Result;
use crate::lm::perplexity::Perplexity;
use crate::steps::{GoOn, watched};

/// Rounds at most; each makes the text likelier.
const ROUNDS_MAX: usize = 200;
/// When no weight changes by more, they are found.
const STILL: f64 = 1e-6;

/// The weights by which a mixture makes a text likeliest, found by expectation and maximization (Jelinek and
/// Mercer 1980), from equal ones on; they add up to 1. `log10` has for each model how likely each word is. Words
/// that no model thinks possible say nothing.
///
/// # Errors
///
/// If `go_on` says so.
pub fn weights(log10: &[Vec<f32>], go_on: GoOn<'_>) -> Result<Vec<f64>> {
    let models = log10.len();
    let mut weights = vec![1.0 / models.max(1) as f64; models];
    let words = log10.iter().map(Vec::len).min().unwrap_or(0);
    let mut parts = vec![0.0; models];
    for _ in 0..ROUNDS_MAX {
        go_on()?;
        let mut shares = vec![0.0; models];
        for word in watched(0..words, go_on) {
            let word = word?;
            for (part, (log10, weight)) in parts.iter_mut().zip(log10.iter().zip(&weights)) {
                *part = weight * 10_f64.powf(f64::from(log10[word]));
            }
            let sum: f64 = parts.iter().sum();
            if sum > 0.0 {
                for (share, part) in shares.iter_mut().zip(&parts) {
                    *share += part / sum;
                }
            }
        }
        let total: f64 = shares.iter().sum();
        if total <= 0.0 {
            break;
        }
        let mut most = 0.0_f64;
        for (weight, share) in weights.iter_mut().zip(&shares) {
            most = most.max((*weight - share / total).abs());
            *weight = share / total;
        }
        if most < STILL {
            break;
        }
    }
    Ok(weights)
}

/// How likely each word is by a mixture.
///
/// # Errors
///
/// If `go_on` says so.
pub fn mixed(log10: &[Vec<f32>], weights: &[f64], go_on: GoOn<'_>) -> Result<Vec<f64>> {
    let words = log10.iter().map(Vec::len).min().unwrap_or(0);
    let one = |word: usize| -> f64 {
        let parts = log10.iter().zip(weights);
        parts.map(|(log10, weight)| weight * 10_f64.powf(f64::from(log10[word]))).sum()
    };
    watched(0..words, go_on).map(|word| Ok(one(word?).log10())).collect()
}

/// The perplexity of a text by a mixture. A word is unknown if no model knows it.
///
/// # Errors
///
/// If `go_on` says so.
pub fn perplexity(
    log10: &[f64],
    unknown: &[bool],
    sentences: u64,
    go_on: GoOn<'_>,
) -> Result<Perplexity> {
    let mut perplexity = Perplexity { sentences, ..Perplexity::default() };
    for word in watched(log10.iter().zip(unknown), go_on) {
        let (&log10, &is_unknown) = word?;
        perplexity.log10 += log10;
        perplexity.tokens += 1;
        perplexity.impossible += u64::from(!log10.is_finite());
        if is_unknown {
            perplexity.unknown += 1;
        } else {
            perplexity.log10_known += log10;
        }
    }
    Ok(perplexity)
}
