//! A tokenizer's tokens as the words of a new table, with random vectors: where training begins.

use std::f64::consts::TAU;

use crate::engine::Engine;
use crate::engine::import::{
    IfExists, ImportOptions, ImportProgress, ImportReport, Rows, Source, TokenizerPolicy,
};
use crate::error::{Error, ErrorKind, Result};
use crate::format::intake::{OnInvalid, Policies};
use crate::limits;
use crate::table::attributes::Attributes;
use crate::table::meta::{IndexChoice, Residence, TableName};
use crate::vector::random::SplitMix64;

/// A table to be made.
#[derive(Clone, Debug)]
pub struct SeedJob {
    /// Whose tokens are the words.
    pub tokenizer: String,
    /// The new table.
    pub table: TableName,
    /// For a table that is there already.
    pub if_exists: IfExists,
    /// Components of each vector.
    pub dim: usize,
    /// What is drawn.
    pub distribution: Distribution,
    /// From which numbers.
    pub seed: u64,
    /// Seconds since 1970-01-01 UTC, kept as provenance.
    pub imported_at: u64,
    /// Whether the table's texts are cut by the tokenizer where none is named.
    pub is_default: bool,
}

/// Which numbers vectors are made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Distribution {
    /// From minus this to this, all as likely.
    Uniform(f64),
    /// Around 0, with this standard deviation.
    Normal(f64),
}

impl Engine {
    /// Makes a table of a tokenizer's tokens, in the order of their numbers. If anything fails, nothing
    /// changes.
    ///
    /// # Errors
    ///
    /// As [`Engine::import`]; if there is no such tokenizer, if its tokens have no numbers or are too
    /// few for their numbers, or if the table would be too large.
    pub fn seed_table(
        &self,
        job: &SeedJob,
        on_progress: &mut dyn FnMut(ImportProgress),
    ) -> Result<ImportReport> {
        let (_, tokenizer) = self.tokenizer(&job.tokenizer, None)?;
        let (Some(end), Some(count), false) =
            (tokenizer.ids_end(), tokenizer.vocab_len(), tokenizer.needs_table())
        else {
            let problem = format!("the tokens of {} have no numbers", tokenizer.kind_name());
            return Err(Error::invalid("tokenizer", problem));
        };
        if end as usize > HOLES_MAX.saturating_add(2 * count) {
            let problem = format!("its {count} tokens have numbers up to {}", end - 1);
            return Err(Error::invalid("tokenizer", problem));
        }
        let (max, got) = (limits::SEED_COMPONENTS_MAX, (end as usize).saturating_mul(job.dim));
        if got > max {
            let limit = "SEED_COMPONENTS_MAX";
            return Err(Error::new(ErrorKind::TooLarge {
                limit,
                max: max as u64,
                got: got as u64,
            }));
        }
        let options = ImportOptions {
            table: job.table.clone(),
            source_name: format!("tokenizer {}", job.tokenizer),
            // A number without a token is left out and counted.
            policies: Policies { on_invalid: OnInvalid::Skip, ..Policies::default() },
            if_exists: job.if_exists,
            limit: None,
            total_bytes: None,
            imported_at: job.imported_at,
            counts: None,
            license: String::new(),
            told: told(job),
            dry_run: false,
            index: IndexChoice::Auto,
            dtype: None,
            residence: Residence::Memory,
            tokenizer: if job.is_default {
                TokenizerPolicy::Use(job.tokenizer.clone())
            } else {
                TokenizerPolicy::Leave
            },
        };
        let (dim, distribution, seed) = (job.dim, job.distribution, job.seed);
        let stop = self.stop.clone();
        let rows: Rows = Box::new((0..end).map(move |id| {
            if id.is_multiple_of(ROWS_PER_LOOK) {
                stop.check()?;
            }
            let word = tokenizer.token(id).unwrap_or_default();
            Ok((word, vector(dim, distribution, (seed, id)), Attributes::default()))
        }));
        self.import(&options, Source::Rows(rows), on_progress)
    }
}

/// Rows between two looks at whether to go on.
const ROWS_PER_LOOK: u32 = 1_024;
/// Numbers without a token, beside as many as there are tokens.
const HOLES_MAX: usize = 10_000;

/// Kept as provenance.
fn told(job: &SeedJob) -> String {
    let (name, scale) = match job.distribution {
        Distribution::Uniform(scale) => ("uniform", scale),
        Distribution::Normal(scale) => ("normal", scale),
    };
    format!("random vectors: distribution={name} scale={scale} seed={}", job.seed)
}

/// The vector of a token: it depends on the seed and the token's number alone.
#[expect(clippy::cast_possible_truncation, reason = "vectors are in single precision")]
fn vector(dim: usize, distribution: Distribution, (seed, id): (u64, u32)) -> Vec<f32> {
    let mut random = SplitMix64(seed ^ SplitMix64(id.into()).next());
    // 53 bits, from 0 to below 1.
    let mut share = || (random.next() >> 11) as f64 / (1_u64 << 53) as f64;
    let mut number = || match distribution {
        Distribution::Uniform(scale) => (2.0 * share() - 1.0) * scale,
        // Box and Muller (1958).
        Distribution::Normal(scale) => {
            let length = (-2.0 * (1.0 - share()).ln()).sqrt();
            length * (TAU * share()).cos() * scale
        }
    };
    (0..dim).map(|_| number() as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_the_distribution_says_and_the_same_for_a_seed() {
        let vector = |distribution, seed, id| vector(20_000, distribution, (seed, id));
        let moments = |vector: &[f32]| {
            let count = vector.len() as f64;
            let mean = vector.iter().map(|&x| f64::from(x)).sum::<f64>() / count;
            let square = vector.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / count;
            (mean, square.sqrt())
        };
        let uniform = vector(Distribution::Uniform(0.5), 7, 3);
        let (mean, deviation) = moments(&uniform);
        assert!(mean.abs() < 0.01 && (deviation - 0.5 / 3.0_f64.sqrt()).abs() < 0.01);
        assert!(uniform.iter().all(|x| x.abs() <= 0.5));
        let (mean, deviation) = moments(&vector(Distribution::Normal(0.02), 7, 3));
        assert!(mean.abs() < 0.001 && (deviation - 0.02).abs() < 0.001);
        assert_eq!(uniform, vector(Distribution::Uniform(0.5), 7, 3));
        assert_ne!(uniform, vector(Distribution::Uniform(0.5), 8, 3));
        assert_ne!(uniform, vector(Distribution::Uniform(0.5), 7, 4));
    }
}
