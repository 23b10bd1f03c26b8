//! The best answers to many analogies at once.
//!
//! A question's judgment of a row is made of that row's cosines to three words, and a test set of
//! thousands of questions has some hundred words: each row is compared with each word once, a block
//! of rows at a time, and questions only add what stands in the cache.

use crate::error::Result;
use crate::query::GoOn;
use crate::query::analogy::AnalogyMethod;
use crate::table::view::View;
use crate::vector::top::{Near, TopK};
use crate::vector::{RowId, kernel};

/// A question by the places of its words in the list of words.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question {
    pub(super) a: usize,
    pub(super) b: usize,
    pub(super) c: usize,
}

/// Rows that are compared with all words before the questions look at them: with the words of a usual
/// test set, about what a second-level cache holds.
const BLOCK: usize = 256;
/// More threads than this would wait for memory.
const THREADS_MAX: usize = 16;

/// The `keep` rows below `end` that each question judges best, in single precision, best first.
pub(super) fn best(
    table: &View,
    end: usize,
    (words, questions): (&[RowId], &[Question]),
    (method, keep): (AnalogyMethod, usize),
    go_on: GoOn<'_>,
) -> Result<Vec<Vec<Near>>> {
    let rows: Vec<RowId> = table.rows().take_while(|row| row.index() < end).collect();
    let units: Vec<Vec<f32>> = words.iter().map(|&row| table.unit(row)).collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX);
    let work = |first: usize| -> Result<Vec<TopK>> {
        let mut tops: Vec<TopK> = questions.iter().map(|_| TopK::new(keep)).collect();
        let mut cosines = vec![0.0_f32; units.len() * BLOCK];
        let mut scores = vec![0.0_f32; BLOCK];
        for block in rows.chunks(BLOCK).skip(first).step_by(threads) {
            go_on()?;
            compare(table, block, &units, &mut cosines);
            for (question, top) in questions.iter().zip(&mut tops) {
                let of = |word: usize| &cosines[word * BLOCK..][..block.len()];
                let terms = [of(question.a), of(question.b), of(question.c)];
                judge(method, terms, &mut scores[..block.len()]);
                keep_best(&scores[..block.len()], block, top);
            }
        }
        Ok(tops)
    };
    let parts: Vec<Result<Vec<TopK>>> = std::thread::scope(|scope| {
        let work = &work;
        let others: Vec<_> = (1..threads).map(|i| scope.spawn(move || work(i))).collect();
        let mine = work(0);
        let joined = others.into_iter().filter_map(|other| other.join().ok());
        std::iter::once(mine).chain(joined).collect()
    });
    assert_eq!(parts.len(), threads, "no thread panicked");
    let mut merged: Vec<Vec<Near>> = questions.iter().map(|_| Vec::new()).collect();
    for part in parts {
        for (all, top) in merged.iter_mut().zip(part?) {
            all.extend(top.into_sorted());
        }
    }
    for all in &mut merged {
        all.sort_unstable();
        all.truncate(keep);
    }
    Ok(merged)
}

/// The cosine of each row with each word.
fn compare(table: &View, rows: &[RowId], units: &[Vec<f32>], cosines: &mut [f32]) {
    // A few rows stay in the cache while the words go by, and the other way around.
    const AT_ONCE: usize = 16;
    for (chunk, some) in rows.chunks(AT_ONCE).enumerate() {
        for (word, unit) in units.iter().enumerate() {
            let start = word * BLOCK + chunk * AT_ONCE;
            for (cosine, &row) in cosines[start..].iter_mut().zip(some) {
                let norm = table.norm(row);
                let dot = kernel::dot(table.vector(row), unit);
                *cosine = if norm > 0.0 { dot / norm } else { 0.0 };
            }
        }
    }
}

fn judge(method: AnalogyMethod, [a, b, c]: [&[f32]; 3], scores: &mut [f32]) {
    let terms = scores.iter_mut().zip(a.iter().zip(b).zip(c));
    match method {
        AnalogyMethod::CosMul => {
            for (score, ((a, b), c)) in terms {
                *score = (1.0 + b) * (1.0 + c) / (1.0 + a + 2e-6);
            }
        }
        AnalogyMethod::CosAdd | AnalogyMethod::CosAvg | AnalogyMethod::PairDirection => {
            for (score, ((a, b), c)) in terms {
                *score = b - a + c;
            }
        }
    }
}

fn keep_best(scores: &[f32], rows: &[RowId], top: &mut TopK) {
    const LANES: usize = 64;
    for (scores, rows) in scores.chunks(LANES).zip(rows.chunks(LANES)) {
        let threshold = top.threshold();
        // Without a branch inside, this is a few instructions for all of them.
        let any = scores.iter().fold(0_u32, |any, &score| any | u32::from(score >= threshold));
        if any != 0 {
            for (&similarity, &row) in scores.iter().zip(rows) {
                top.push(Near { row, similarity });
            }
        }
    }
}
