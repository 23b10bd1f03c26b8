//! How far a search goes for a given `ef_search`, and what it finds: measured on the table itself when
//! the partition is built.
//!
//! Two things make a search miss a row: the row's leaves are not looked through, or its codes make it look
//! too far. Sample questions tell how much each would have had to allow for every row of their answers,
//! and a step of `ef_search` allows as much as most of them need. What the steps then find is measured,
//! for analogies of the table's frequent words and for means of several: the lesser share is told.

use std::collections::HashMap;

use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};
use rayon::slice::ParallelSlice as _;

use crate::error::{Error, ErrorKind, Result};
use crate::index::batch;
use crate::index::calibrate;
use crate::index::partition::Partition;
use crate::index::partition::search::{FLOOR_RANK, FLOOR_SLOPE, SLOPE, Scratch, sloped};
use crate::index::partition::sought::Asked;
use crate::index::partition::steps::{EFS, Level, Steps};
use crate::index::{Index as _, Search, SearchParams, Watch};
use crate::vector::RowId;
use crate::vector::kernel::nibbles::{BLOCK, block_bytes};
use crate::vector::top::Near;

/// Shares of the nearest rows that they should find.
const SHARES: [f32; EFS.len()] = [0.85, 0.9, 0.925, 0.95, 0.965, 0.98, 0.987, 0.992, 0.996, 0.999];
/// Of what may be missed, the part that leaves miss; codes miss the rest.
const LEAVES_PART: f32 = 0.97;
/// Questions that are answered together.
const TOGETHER: usize = 64;
/// A small table is measured by fewer questions: one for so many of its rows, and at least so many.
const QUESTION_ROWS: usize = 256;
const QUESTIONS_MIN: usize = 80;
/// Neighbors that a sample question asks for.
const K: usize = 10;
/// The share of questions whose answers may end farther than the floor tells.
const BELOW_FLOOR: f32 = 0.002;

/// A sample question and its right answer.
struct Question {
    query: Vec<f32>,
    nears: Vec<Near>,
}

/// Measures a partition.
///
/// # Errors
///
/// If `watch` says that the build is cancelled.
pub(super) fn calibrate(partition: &mut Partition, watch: &dyn Watch) -> Result<()> {
    let mut kinds = Vec::new();
    let most = (partition.table.len() / QUESTION_ROWS).max(QUESTIONS_MIN);
    for mut queries in [calibrate::analogies(&partition.table), calibrate::texts(&partition.table)]
    {
        queries.truncate(most);
        if watch.is_cancelled() {
            return Err(Error::new(ErrorKind::Cancelled));
        }
        kinds.push(answered(partition, queries));
    }
    let questions: Vec<&Question> = kinds.iter().flatten().collect();
    if questions.is_empty() {
        return Ok(());
    }
    partition.steps = steps(partition, &questions);
    let mut recalls = [1.0_f32; EFS.len()];
    for (recall, &ef) in recalls.iter_mut().zip(&EFS) {
        if watch.is_cancelled() {
            return Err(Error::new(ErrorKind::Cancelled));
        }
        // A kind of which a table has no questions tells nothing.
        for questions in kinds.iter().filter(|questions| !questions.is_empty()) {
            *recall = recall.min(self::recall(partition, questions, ef.into()));
        }
    }
    partition.steps.recalls = recalls;
    Ok(())
}

fn answered(partition: &Partition, queries: Vec<Vec<f32>>) -> Vec<Question> {
    let params = SearchParams { exact: true, ..SearchParams::new(FLOOR_RANK, 0) };
    let asked = |queries: &[Vec<f32>]| {
        let search = |query| Search { query, params };
        let asked: Vec<batch::Asked<'_>> = queries
            .iter()
            .map(|query| batch::Asked { search: search(query), floor: f32::NEG_INFINITY })
            .collect();
        batch::search(&partition.table, &partition.codes, &asked)
    };
    let nears: Vec<Vec<Vec<Near>>> = queries.par_chunks(TOGETHER).map(asked).collect();
    let answered = queries.into_iter().zip(nears.into_iter().flatten());
    answered.map(|(query, nears)| Question { query, nears }).collect()
}

/// What each of the sample's right rows needs.
fn steps(partition: &Partition, questions: &[&Question]) -> Steps {
    let slots = slots_of(partition, questions);
    let (mut kappas, mut deltas, mut gaps) = (Vec::new(), Vec::new(), Vec::new());
    let mut scratch = Scratch::default();
    for question in questions {
        let search = Search { query: &question.query, params: SearchParams::new(K, 0) };
        let [prepared] = partition.prepare(&[Asked::new(search)], [scratch.parts()]);
        if let Some(last) = question.nears.get(FLOOR_RANK - 1) {
            gaps.push(sloped(FLOOR_SLOPE, prepared.best) - last.similarity);
        }
        let Some(last) = question.nears.get(K - 1) else { continue };
        for near in question.nears.iter().take(K) {
            let known = slots.get(&near.row.0).map_or(&[][..], Vec::as_slice);
            let (mut leaf_score, mut code_score) = (f32::NEG_INFINITY, f32::NEG_INFINITY);
            for &slot in known {
                let leaf = partition.leaves.leaf_of(slot);
                leaf_score = leaf_score.max(scratch.scores[leaf]);
                let similarity = scratch.scores[leaf] - partition.leaves.centers.spreads[leaf];
                let base = prepared.base(similarity);
                let sum = sum_of(partition, &scratch, slot);
                code_score = code_score.max(prepared.similarity(base.saturating_add(sum)));
            }
            if !known.is_empty() {
                kappas.push(sloped(SLOPE, last.similarity) - leaf_score);
                deltas.push(last.similarity - code_score);
            }
        }
    }
    let mut steps = Steps::unmeasured();
    for values in [&mut kappas, &mut deltas, &mut gaps] {
        values.sort_unstable_by(f32::total_cmp);
    }
    for (level, share) in steps.levels.iter_mut().zip(SHARES) {
        let missed = 1.0 - share;
        *level = Level {
            kappa: quantile(&kappas, 1.0 - missed * LEAVES_PART),
            delta: quantile(&deltas, 1.0 - missed * (1.0 - LEAVES_PART)).max(0.0),
        };
    }
    steps.gap = quantile(&gaps, 1.0 - BELOW_FLOOR);
    steps
}

/// The value below which this share of sorted values is; much if there are none.
fn quantile(sorted: &[f32], share: f32) -> f32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of their number"
    )]
    let place = (sorted.len() as f32 * share) as usize;
    sorted.get(place.min(sorted.len().saturating_sub(1))).copied().unwrap_or(4.0)
}

/// Where the rows of all right answers stand.
fn slots_of(partition: &Partition, questions: &[&Question]) -> HashMap<u32, Vec<u32>> {
    let rows = questions.iter().flat_map(|question| &question.nears);
    let mut slots: HashMap<u32, Vec<u32>> = rows.map(|near| (near.row.0, Vec::new())).collect();
    for (slot, row) in (0..).zip(&partition.leaves.slots) {
        if let Some(slots) = slots.get_mut(row) {
            slots.push(slot);
        }
    }
    slots
}

/// What a slot's codes are worth.
fn sum_of(partition: &Partition, scratch: &Scratch, slot: u32) -> i32 {
    let mut codes = vec![0; partition.coder.subspaces()];
    let bytes = block_bytes(codes.len());
    let block = &partition.leaves.nibbles[slot as usize / BLOCK * bytes..][..bytes];
    partition.leaves.form.get(block, slot as usize % BLOCK, &mut codes);
    let entries = scratch.sought.tables.iter().zip(&codes);
    entries.map(|(table, &code)| i32::from(table[usize::from(code & 15)])).sum()
}

/// The share of the nearest rows that is found.
fn recall(partition: &Partition, questions: &[Question], ef: usize) -> f32 {
    let params = SearchParams::new(K, ef);
    let found: usize = questions
        .par_iter()
        .map(|question| {
            let truth: Vec<RowId> = question.nears.iter().take(K).map(|near| near.row).collect();
            let found = partition.search(&question.query, &params).nears;
            found.iter().filter(|near| truth.contains(&near.row)).count()
        })
        .sum();
    let wanted: usize = questions.iter().map(|question| question.nears.len().min(K)).sum();
    found as f32 / wanted.max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_of_nothing_allows_for_everything() {
        assert!(quantile(&[], 0.5) > 1.0);
        assert!((quantile(&[1.0, 2.0, 3.0, 4.0], 0.5) - 3.0).abs() < 1e-6);
        assert!((quantile(&[1.0, 2.0], 1.0) - 2.0).abs() < 1e-6);
    }
}
