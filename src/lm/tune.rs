//! The weights of Jelinek-Mercer smoothing, tuned on text that was not counted.

use crate::container::Writer;
use crate::error::{Error, ErrorKind, Result};
use crate::lm::corpus::held_out_words;
use crate::lm::count::{Counts, ORDER_MAX};
use crate::lm::estimate::{Estimation, estimate};
use crate::lm::grams::Grams;
use crate::lm::layout::KIND;
use crate::lm::model::Model;
use crate::lm::numbers::Room;
use crate::lm::smoothing::Smoothing;
use crate::lm::words::END;
use crate::steps::{GoOn, watched};

/// Rounds of expectation and maximization, at most.
const ROUNDS_MAX: usize = 200;
/// When no weight changes by more, they are found.
const STILL: f64 = 1e-5;
/// Words of the held-out text that are looked at: more do not move the weights.
const WORDS_MAX: usize = 200_000;

/// A model in a temporary file.
///
/// # Errors
///
/// If the disk fails, if there is no room, or if `go_on` says so.
pub fn temporary(grams: Grams, room: &Room, go_on: GoOn<'_>) -> Result<Model> {
    let out = std::io::BufWriter::with_capacity(1 << 20, room.file()?);
    let mut out = Writer::new(out, KIND, 0)?;
    grams.write(&mut out, room, go_on)?;
    let (out, _) = out.finish()?;
    let written = out.into_inner().map_err(std::io::IntoInnerError::into_error);
    let written = written.map_err(|error| error.downcast().unwrap_or_else(Error::disk))?;
    let (file, share) = written.into_parts();
    Ok(Model::open(&file, "a temporary model".to_owned())?.holding(share))
}

/// For each order up to `order`, the share that it has of what it and the orders below say, by which the
/// held-out sentences become likeliest.
///
/// # Errors
///
/// If there is no held-out text; else as [`estimate`].
pub fn jelinek_mercer(
    counts: &mut Counts,
    order: usize,
    held_out: &[Vec<u8>],
    go_on: GoOn<'_>,
) -> Result<Vec<f64>> {
    if held_out.is_empty() {
        let problem = "jelinek-mercer needs held-out sentences to tune its weights, and the text has too \
                       few lines for the share that is held out; send more text, or a larger share";
        return Err(Error::invalid("held_out", problem));
    }
    let shares = Estimation {
        smoothing: Smoothing::MaximumLikelihood,
        order,
        prune: Vec::new(),
        weights: Vec::new(),
    };
    let (grams, _) = estimate(counts, &shares, true, go_on)?;
    let room = counts.room.clone();
    let vocabulary = (counts.words().len() - 1) as f64;
    let file = temporary(grams, &room, go_on)?;
    // It is one of n-grams.
    let Some(model) = file.ngrams() else { return Err(Error::new(ErrorKind::Internal)) };
    let mut places: Vec<([f64; ORDER_MAX], usize)> = Vec::new();
    for sentence in watched(held_out, go_on) {
        if places.len() > WORDS_MAX {
            break;
        }
        let mut state = model.begin_state();
        let ids = held_out_words(sentence?).map(|word| model.number(word)).chain([END]);
        for id in ids {
            places.push(model.by_order(&state, id)?);
            state = model.next(&state, id)?.1;
        }
    }
    let mut weights = vec![0.5; order];
    for _ in 0..ROUNDS_MAX {
        let (mut own, mut reached) = (vec![0.0; order], vec![0.0; order]);
        for place in watched(&places, go_on) {
            let (values, known) = place?;
            let known = (*known).min(order);
            // From the longest context down: what comes by its own share, and what is left for the others.
            let (mut left, mut parts) = (1.0, [0.0; ORDER_MAX]);
            for at in (0..known).rev() {
                parts[at] = left * weights[at] * values[at];
                left *= 1.0 - weights[at];
            }
            let sum = parts.iter().sum::<f64>() + left / vocabulary;
            let mut below = 1.0;
            for at in (0..known).rev() {
                own[at] += parts[at] / sum;
                reached[at] += below;
                below -= parts[at] / sum;
            }
        }
        let mut most = 0.0_f64;
        for at in 0..order {
            if reached[at] > 0.0 {
                // Neither end: a share of 0 or 1 would make words impossible.
                let weight = (own[at] / reached[at]).clamp(1e-4, 1.0 - 1e-4);
                most = most.max((weight - weights[at]).abs());
                weights[at] = weight;
            }
        }
        if most < STILL {
            break;
        }
    }
    Ok(weights)
}
