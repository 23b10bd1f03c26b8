//! Which senses do the places have where a word stands?

use std::collections::HashSet;

use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::index::{Index, SearchParams};
use crate::query::answer_size::AnswerSize;
use crate::query::frequency::{self, Counts, Frequencies};
use crate::query::nearest::named;
use crate::query::pieces;
use crate::query::senses::{InduceQuery, InducedSense, Parting, part};
use crate::query::{GoOn, WordOptions};
use crate::table::view::View;
use crate::vector::{RowId, algebra, scalar};

/// A word of frequency p weighs a / (a + p) in its context (Arora, Liang and Ma 2017).
const SIF_A: f64 = 1e-3;
/// Words that a sense is told by.
const MEMBERS: usize = 20;
/// Contexts of which there are fewer are not parted.
const CONTEXTS_MIN: usize = 4;

/// Senses, and how each number of them was judged.
#[derive(Debug)]
pub(super) struct Parted {
    pub(super) senses: Vec<InducedSense>,
    pub(super) stabilities: Vec<(usize, f64)>,
    /// Contexts in which the word does not stand, or beside no word that is known.
    pub(super) left_out: Vec<usize>,
    /// The direction that all texts of the table share; perhaps none.
    pub(super) common: Vec<f64>,
}

/// The contexts of a word as vectors.
struct Contexts {
    /// Positions in the question.
    places: Vec<usize>,
    /// Of length 1.
    vectors: Vec<Vec<f64>>,
    left_out: Vec<usize>,
}

/// Parts the contexts of a word (context-group discrimination, Schuetze 1998): each is the mean of its
/// other words, weighted by how rare they are. What all contexts share is taken away before they are
/// clustered. `word` is the word's unit vector, `rows` its rows, `goal` the mean of the words that
/// choose a sense.
///
/// # Errors
///
/// If there is no such tokenizer or it refuses a context; `Unsuited` if the word stands in too few of
/// them; whatever `go_on` says.
pub(super) fn induce(
    (table, index): (&View, &dyn Index),
    query: &InduceQuery,
    (word, rows): (&[f32], &[RowId]),
    goal: Option<&[f32]>,
    go_on: GoOn<'_>,
) -> Result<Parted> {
    let frequencies = Frequencies::new(table, &Counts::default());
    let Contexts { places, vectors, left_out } =
        contexts(table, query, (rows, &frequencies), go_on)?;
    if places.len() < CONTEXTS_MIN.max(query.k * 2) {
        let count = places.len();
        let because = format!("the word stands in {count} of the contexts: too few to be parted");
        return Err(Error::new(ErrorKind::Unsuited { operation: "senses", because }));
    }
    let mut shared = vec![0.0; table.dim()];
    for vector in &vectors {
        frequency::add(&mut shared, 1.0 / vectors.len() as f64, vector);
    }
    let centered: Vec<Vec<f64>> = vectors.iter().map(|vector| less(vector, &shared)).collect();
    let Parting { labels, stabilities } = part(&centered, (query.k, query.seed), go_on)?;
    let clusters = labels.iter().max().map_or(0, |most| most + 1);
    let (mut senses, mut size) = (Vec::new(), AnswerSize::default());
    for cluster in 0..clusters {
        go_on()?;
        let of_it: Vec<usize> = (0..labels.len()).filter(|&i| labels[i] == cluster).collect();
        let (mut mean, mut direction) = (vec![0.0; table.dim()], vec![0.0; table.dim()]);
        for &i in &of_it {
            frequency::add(&mut mean, 1.0, &vectors[i]);
            frequency::add(&mut direction, 1.0, &centered[i]);
        }
        let units = (algebra::unit_sum(&mean), algebra::unit_sum(&direction));
        let (Some(vector), Some(direction)) = units else { continue };
        // Words that stand by this sense more than by the others.
        let params = SearchParams { exclude: rows, ..SearchParams::new(MEMBERS, MEMBERS) };
        let members = index.search(&direction, &SearchParams { exact: true, ..params }).nears;
        let mut fits: Vec<(f64, usize)> = of_it
            .iter()
            .map(|&i| (centered[i].iter().zip(&direction).map(|(x, &y)| x * f64::from(y)).sum(), i))
            .collect();
        fits.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        #[expect(clippy::cast_possible_truncation, reason = "a cosine is at most 1 in size")]
        let cosine = |a: &[f32], b: &[f32]| scalar::cosine(a, b) as f32;
        senses.push(InducedSense {
            members: named(table, members, &mut size)?,
            similarity: cosine(&vector, word),
            context_similarity: goal.map(|goal| cosine(&direction, goal)),
            contexts: fits.into_iter().map(|(_, i)| places[i]).collect(),
            vector,
        });
    }
    let weight = |p: f64| SIF_A / (SIF_A + p);
    let common = frequency::common_direction(table, &frequencies, &weight, true);
    Ok(Parted { senses, stabilities, left_out, common })
}

fn contexts(
    table: &View,
    query: &InduceQuery,
    (rows, frequencies): (&[RowId], &Frequencies),
    go_on: GoOn<'_>,
) -> Result<Contexts> {
    let own: HashSet<RowId> = rows.iter().copied().collect();
    let (_, tokenizer) = pieces::tokenizer_of_texts(table, &query.words)?;
    let mut contexts = Contexts { places: vec![], vectors: vec![], left_out: vec![] };
    for (place, context) in query.contexts.iter().enumerate() {
        go_on()?;
        let options: &WordOptions = &query.words;
        let cut = pieces::cut(table, options, &tokenizer, context);
        let cut = cut.context(|| format!("contexts[{place}]"))?;
        let (mut stands_there, mut sum) = (false, vec![0.0; table.dim()]);
        for (_, row) in cut.into_iter().filter_map(|piece| piece.found) {
            if own.contains(&row) {
                stands_there = true;
            } else {
                let weight = SIF_A / (SIF_A + frequencies.of(row));
                algebra::add(&mut sum, weight, &table.unit(row));
            }
        }
        if stands_there && frequency::scale_to_one(&mut sum) {
            contexts.places.push(place);
            contexts.vectors.push(sum);
        } else {
            contexts.left_out.push(place);
        }
    }
    Ok(contexts)
}

/// A vector without what all share, at length 1; all zeros if nothing else is left.
fn less(vector: &[f64], shared: &[f64]) -> Vec<f64> {
    let mut rest: Vec<f64> = vector.iter().zip(shared).map(|(x, s)| x - s).collect();
    if !frequency::scale_to_one(&mut rest) {
        rest.fill(0.0);
    }
    rest
}
