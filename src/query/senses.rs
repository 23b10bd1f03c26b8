//! Which senses does a word have, and which one is meant?

use std::collections::HashSet;

use crate::error::{Error, ErrorKind, Result};
use crate::index::{Index, SearchParams};
use crate::query::answer_size::AnswerSize;
use crate::query::frequency;
use crate::query::nearest::{named, rows as rows_of, weighted_mean};
use crate::query::occurrences;
use crate::query::resolve::{Resolved, resolve};
use crate::query::{GoOn, Neighbor, OovPolicy, Strategy, WordOptions, WordOrVector, WordsUsed};
use crate::steps::watched;
use crate::table::view::View;
use crate::vector::cluster::{adjusted_rand, k_means};
use crate::vector::random::SplitMix64;
use crate::vector::{RowId, algebra, scalar};

/// The rows of one surface form, such as `bank|money` and `bank|river`.
#[derive(Clone, Debug, PartialEq)]
pub struct SensesQuery {
    /// The surface form.
    pub word: String,
    /// What stands between the surface form and the name of a sense.
    pub separator: String,
    /// Words near which the word stands: they choose the sense.
    pub context: Vec<String>,
    /// Two senses whose cosine is below this are told as homonyms, others as polysemes.
    pub homonyms_below: f64,
    /// How words are looked up.
    pub words: WordOptions,
}

/// The answer to a [`SensesQuery`].
#[derive(Clone, Debug, PartialEq)]
pub struct SensesAnswer {
    /// In row order; with a context, the one that fits best first.
    pub senses: Vec<Sense>,
    /// Each pair of senses, by their places above.
    pub pairs: Vec<SensePair>,
    /// How the words of the context were found.
    pub words: WordsUsed,
}

/// A sense that has a row.
#[derive(Clone, Debug, PartialEq)]
pub struct Sense {
    /// The row's word.
    pub word: Vec<u8>,
    /// Its row.
    pub row: RowId,
    /// What stands behind the separator; empty for the bare word.
    pub name: Vec<u8>,
    /// Cosine with the mean of the context, if there is one.
    pub context_similarity: Option<f32>,
}

/// How far two senses lie from one another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SensePair {
    /// A place in the list.
    pub first: usize,
    /// Another.
    pub second: usize,
    /// Their cosine.
    pub similarity: f32,
    /// Whether they are so far apart that they are two words rather than two senses of one.
    pub are_homonyms: bool,
}

/// Finds the rows of a surface form.
///
/// # Errors
///
/// `UnknownWords` if it has none; as [`resolve`] for the context; `Unsuited` if no word of the context
/// is known or its vectors cancel out; whatever `go_on` says.
pub fn senses(table: &View, query: &SensesQuery, go_on: GoOn<'_>) -> Result<SensesAnswer> {
    let (goal, words) = context(table, &query.context, &query.words, go_on)?;
    let forms = if query.words.preprocessors.is_empty() {
        vec![query.word.clone()]
    } else {
        let forms = query.words.preprocessors.iter();
        forms.map(|form| form.apply(&query.word).into_owned()).collect()
    };
    let mut found = Vec::new();
    for form in &forms {
        if found.is_empty() || query.words.strategy == Strategy::All {
            found.extend(rows(table, form, &query.separator, go_on)?);
        }
    }
    if found.is_empty() {
        return Err(Error::new(ErrorKind::UnknownWords { words: vec![query.word.clone()] }));
    }
    let mut seen = HashSet::new();
    found.retain(|(row, _)| seen.insert(*row));
    found.truncate(SENSES_MAX);
    #[expect(clippy::cast_possible_truncation, reason = "a cosine is at most 1 in size")]
    let similarity = |row, vector: &[f32]| table.similarity(row, vector) as f32;
    let sense = |(row, name): (RowId, Vec<u8>)| Sense {
        word: table.word(row).to_vec(),
        row,
        name,
        context_similarity: goal.as_ref().map(|goal| similarity(row, goal)),
    };
    let mut senses: Vec<Sense> = found.into_iter().map(sense).collect();
    let fit = |sense: &Sense| sense.context_similarity.unwrap_or(0.0);
    senses.sort_by(|a, b| fit(b).total_cmp(&fit(a)).then(a.row.cmp(&b.row)));
    let mut pairs = Vec::new();
    for first in 0..senses.len() {
        for second in first + 1..senses.len() {
            let vector = table.vector(senses[second].row);
            let similarity = similarity(senses[first].row, &vector);
            let are_homonyms = f64::from(similarity) < query.homonyms_below;
            pairs.push(SensePair { first, second, similarity, are_homonyms });
        }
    }
    Ok(SensesAnswer { senses, pairs, words })
}

fn rows(
    table: &View,
    form: &str,
    separator: &str,
    go_on: GoOn<'_>,
) -> Result<Vec<(RowId, Vec<u8>)>> {
    let start = [form, separator].concat();
    let named = |row: RowId| {
        let word = table.word(row);
        if word == form.as_bytes() {
            return Some((row, Vec::new()));
        }
        word.strip_prefix(start.as_bytes()).map(|name| (row, name.to_vec()))
    };
    let rows = watched(table.rows(), go_on);
    rows.filter_map(|row| row.map(named).transpose()).take(SENSES_MAX).collect()
}

/// Rows of one surface form: pairs of them are told.
const SENSES_MAX: usize = 100;

/// The mean of the words of a context; none without words.
fn context(
    table: &View,
    words: &[String],
    options: &WordOptions,
    go_on: GoOn<'_>,
) -> Result<(Option<Vec<f32>>, WordsUsed)> {
    let asked: Vec<_> = words.iter().cloned().map(WordOrVector::Word).collect();
    let asked: Vec<_> = asked.iter().collect();
    let (resolved, used) = resolve(table, options, &asked, &|i| format!("context[{i}]"), go_on)?;
    if words.is_empty() {
        return Ok((None, used));
    }
    let units = resolved.iter().flatten().filter_map(|word| Some((word.unit()?, 1.0)));
    let Some(mean) = weighted_mean(table.dim(), units) else {
        return Err(unsuited("no word of the context is in the table, or its vectors cancel out"));
    };
    Ok((Some(mean), used))
}

/// Senses of a word that has one row, found among its neighbors.
#[derive(Clone, Debug, PartialEq)]
pub struct InduceQuery {
    /// The word.
    pub word: WordOrVector,
    /// How many senses; 0: as many, from 2 to 6, as are found most alike again and again.
    pub k: usize,
    /// Neighbors that are parted.
    pub neighbors: usize,
    /// Texts in which the word stands, which are parted in place of neighbors; perhaps none.
    pub contexts: Vec<String>,
    /// Two senses whose cosine is below this are told as homonyms, others as polysemes.
    pub homonyms_below: f64,
    /// Words near which the word stands: they choose the sense.
    pub context: Vec<String>,
    /// Seed of the clustering.
    pub seed: u64,
    /// How words are looked up.
    pub words: WordOptions,
}

/// The answer to an [`InduceQuery`].
#[derive(Clone, Debug, PartialEq)]
pub struct InduceAnswer {
    /// The largest first; with a context, the one that fits best first.
    pub senses: Vec<InducedSense>,
    /// For each number of senses that was tried, how alike the partings of samples are to that of
    /// all neighbors: 1 if equal, about 0 if by chance.
    pub stabilities: Vec<(usize, f64)>,
    /// Each pair of senses, by their places above.
    pub pairs: Vec<SensePair>,
    /// Positions of the contexts in which the word does not stand, or beside no word that is known.
    pub left_out: Vec<usize>,
    /// How the words were found.
    pub words: WordsUsed,
}

/// A sense made of neighbors or of contexts.
#[derive(Clone, Debug, PartialEq)]
pub struct InducedSense {
    /// Its members, nearest to the word first; of contexts, the words that stand by it more than by
    /// the other senses.
    pub members: Vec<Neighbor>,
    /// The mean of its members' unit vectors, or of its contexts, of length 1.
    pub vector: Vec<f32>,
    /// Positions of its contexts, the best fitting first.
    pub contexts: Vec<usize>,
    /// Cosine with the word.
    pub similarity: f32,
    /// Cosine with the mean of the context, if there is one.
    pub context_similarity: Option<f32>,
}

const K_MAX: usize = 6;
const RESTARTS: usize = 5;
const SAMPLES: usize = 10;
/// Of each sample, of 10 neighbors.
const SAMPLED: usize = 8;

/// Parts the neighbors of a word by how they differ from it: each neighbor's direction without the
/// word's own is clustered by spherical k-means. How stable that is, is measured by partings of
/// samples of four fifths of the neighbors.
///
/// # Errors
///
/// As [`resolve`], with an unknown word refused; `Unsuited` if the word is all zeros or has too few
/// neighbors; whatever `go_on` says.
pub fn induce(
    table: &View,
    index: &dyn Index,
    query: &InduceQuery,
    go_on: GoOn<'_>,
) -> Result<InduceAnswer> {
    let options = WordOptions { oov: OovPolicy::Error, ..query.words.clone() };
    let field = |_: usize| "word".to_owned();
    let (resolved, mut words) = resolve(table, &options, &[&query.word], &field, go_on)?;
    let (goal, used) = context(table, &query.context, &query.words, go_on)?;
    words.found.extend(used.found);
    words.unknown.extend(used.unknown);
    let word = resolved.into_iter().flatten().next();
    let unit = word.as_ref().and_then(Resolved::unit);
    let (Some(unit), Some(word)) = (unit, word.as_ref()) else {
        return Err(unsuited("the vector of the word is all zeros: nothing is near to it"));
    };
    let (exclude, row) = (rows_of([word].into_iter()), word.row);
    if !query.contexts.is_empty() {
        let (asked, word) = ((table, index), (&unit[..], &exclude[..]));
        let parted = occurrences::induce(asked, query, word, goal.as_deref(), go_on)?;
        let answer = InduceAnswer {
            senses: parted.senses,
            stabilities: parted.stabilities,
            left_out: parted.left_out,
            pairs: Vec::new(),
            words,
        };
        return Ok(answer.ordered(query.homonyms_below, &parted.common));
    }
    let count = query.neighbors;
    let params =
        SearchParams { exclude: &exclude, row, exact: true, ..SearchParams::new(count, count) };
    let nears = index.search(&unit, &params).nears;
    if nears.len() < query.k.max(2) * 2 {
        return Err(unsuited("the word has too few neighbors to be parted"));
    }
    let vectors: Vec<Vec<f64>> =
        nears.iter().map(|near| beside(&table.vector(near.row), &unit)).collect();
    let Parting { labels, stabilities } = part(&vectors, (query.k, query.seed), go_on)?;
    let clusters = labels.iter().max().map_or(0, |most| most + 1);
    let (mut senses, mut size) = (Vec::new(), AnswerSize::default());
    for cluster in 0..clusters {
        let members: Vec<_> = nears
            .iter()
            .zip(&labels)
            .filter(|&(_, &label)| label == cluster)
            .map(|(n, _)| *n)
            .collect();
        let mut sum = vec![0.0; table.dim()];
        for near in &members {
            algebra::add(&mut sum, 1.0, &table.unit(near.row));
        }
        let Some(vector) = algebra::unit_sum(&sum) else { continue };
        #[expect(clippy::cast_possible_truncation, reason = "a cosine is at most 1 in size")]
        let cosine = |other: &[f32]| scalar::cosine(&vector, other) as f32;
        senses.push(InducedSense {
            similarity: cosine(&unit),
            context_similarity: goal.as_deref().map(cosine),
            members: named(table, members, &mut size)?,
            contexts: Vec::new(),
            vector,
        });
    }
    let (pairs, left_out) = (Vec::new(), Vec::new());
    let answer = InduceAnswer { senses, stabilities, pairs, left_out, words };
    Ok(answer.ordered(query.homonyms_below, &[]))
}

impl InduceAnswer {
    /// With the senses in order, and their pairs told: how alike two are without what is `common` to
    /// all texts.
    fn ordered(mut self, homonyms_below: f64, common: &[f64]) -> Self {
        self.senses.sort_by(|a, b| {
            let fit = |sense: &InducedSense| sense.context_similarity.unwrap_or(0.0);
            let size = |sense: &InducedSense| sense.contexts.len().max(sense.members.len());
            fit(b).total_cmp(&fit(a)).then(size(b).cmp(&size(a)))
        });
        let rest = |sense: &InducedSense| -> Vec<f64> {
            let mut rest: Vec<f64> = sense.vector.iter().copied().map(f64::from).collect();
            let part = frequency::dot(&rest, common);
            frequency::add(&mut rest, -part, common);
            frequency::scale_to_one(&mut rest);
            rest
        };
        let rests: Vec<_> = self.senses.iter().map(rest).collect();
        for first in 0..rests.len() {
            for second in first + 1..rests.len() {
                let cosine = frequency::dot(&rests[first], &rests[second]);
                let are_homonyms = cosine < homonyms_below;
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "a cosine is at most 1 in size"
                )]
                let similarity = cosine as f32;
                self.pairs.push(SensePair { first, second, similarity, are_homonyms });
            }
        }
        self
    }
}

/// Vectors in clusters.
#[derive(Debug, Default)]
pub(super) struct Parting {
    /// The cluster of each vector.
    pub(super) labels: Vec<usize>,
    /// For each number of clusters that was tried, how stable it was.
    pub(super) stabilities: Vec<(usize, f64)>,
}

/// Parts vectors of length 1 into `k` clusters; if that is 0, into as many, from 2 to 6, as are found
/// most alike again and again.
pub(super) fn part(
    vectors: &[Vec<f64>],
    (k, seed): (usize, u64),
    go_on: GoOn<'_>,
) -> Result<Parting> {
    let tried = if k == 0 { 2..=K_MAX.min(vectors.len() / 2) } else { k..=k };
    let mut best: Option<(f64, Vec<usize>)> = None;
    let mut stabilities = Vec::new();
    for k in tried {
        let labels = k_means(vectors, k, (RESTARTS, seed), &|| go_on())?.labels;
        let stability = stability(vectors, &labels, (k, seed), go_on)?;
        stabilities.push((k, stability));
        if best.as_ref().is_none_or(|(most, _)| stability > *most) {
            best = Some((stability, labels));
        }
    }
    Ok(Parting { labels: best.map(|(_, labels)| labels).unwrap_or_default(), stabilities })
}

/// The direction of a vector without that of the word.
fn beside(vector: &[f32], word: &[f32]) -> Vec<f64> {
    let norm = scalar::norm(vector);
    let along = if norm > 0.0 { scalar::dot(vector, word) / norm } else { 0.0 };
    let rest: Vec<f64> = vector
        .iter()
        .zip(word)
        .map(|(&x, &w)| if norm > 0.0 { f64::from(x) / norm - along * f64::from(w) } else { 0.0 })
        .collect();
    let length = rest.iter().map(|value| value * value).sum::<f64>().sqrt();
    // A neighbor in the word's very direction tells no senses apart.
    let scale = if length > 1e-6 { 1.0 / length } else { 0.0 };
    rest.iter().map(|value| value * scale).collect()
}

fn stability(
    vectors: &[Vec<f64>],
    labels: &[usize],
    (k, seed): (usize, u64),
    go_on: GoOn<'_>,
) -> Result<f64> {
    let mut random = SplitMix64(seed ^ k as u64);
    let mut total = 0.0;
    for _ in 0..SAMPLES {
        let places = random.sample(vectors.len(), vectors.len() * SAMPLED / 10);
        let sample: Vec<Vec<f64>> = places.iter().map(|&place| vectors[place].clone()).collect();
        let found = k_means(&sample, k, (RESTARTS, random.next()), &|| go_on())?.labels;
        let all: Vec<usize> = places.iter().map(|&place| labels[place]).collect();
        total += adjusted_rand(&found, &all);
    }
    Ok(total / SAMPLES as f64)
}

fn unsuited(because: &str) -> Error {
    Error::new(ErrorKind::Unsuited { operation: "senses", because: because.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::golden::Brute;
    use crate::steps::GO;
    use crate::table::builder::TableBuilder;

    /// A bank by the river and one with money, and a bare word between them.
    fn banks() -> View {
        let mut builder = TableBuilder::new(3).unwrap();
        let mut push = |word: &str, vector: [f32; 3]| {
            builder.push(word.as_bytes(), &vector).unwrap();
        };
        push("bank", [1.0, 1.0, 1.0]);
        push("bank|money", [1.0, 1.0, 0.1]);
        push("bank|river", [1.0, -0.2, 1.0]);
        push("bankrupt", [0.9, 1.0, 0.0]);
        for i in 0..12_u8 {
            let small = f32::from(i) / 40.0;
            push(&format!("money{i}"), [0.7, 1.0, 0.2 + small]);
            push(&format!("river{i}"), [0.7, 0.2 + small, 1.0]);
        }
        builder.build().into()
    }

    fn query(word: &str, context: &[&str]) -> SensesQuery {
        SensesQuery {
            word: word.to_owned(),
            separator: "|".to_owned(),
            context: context.iter().map(|&word| word.to_owned()).collect(),
            homonyms_below: 0.6,
            words: WordOptions { oov: OovPolicy::Skip, ..WordOptions::default() },
        }
    }

    #[test]
    fn the_context_chooses_among_the_rows_of_a_word() {
        let table = banks();
        let names = |context: &[&str]| -> Vec<String> {
            let answer = senses(&table, &query("bank", context), GO).unwrap();
            let name = |sense: &Sense| String::from_utf8(sense.name.clone()).unwrap();
            answer.senses.iter().map(name).collect()
        };
        assert_eq!(names(&[]), ["", "money", "river"]);
        assert_eq!(names(&["money1", "money3", "zzz"])[0], "money");
        assert_eq!(names(&["river2"])[0], "river");
        let answer = senses(&table, &query("bank", &[]), GO).unwrap();
        let apart: Vec<_> = answer.pairs.iter().map(|pair| pair.are_homonyms).collect();
        assert_eq!(apart, [false, false, true], "money and river");
        let error = senses(&table, &query("shore", &[]), GO).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::UnknownWords { .. }));
        let error = senses(&table, &query("bank", &["zzz"]), GO).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Unsuited { .. }));
    }

    #[test]
    fn neighbors_part_into_two_stable_senses() {
        let table = banks();
        let mut query = InduceQuery {
            word: WordOrVector::Word("bank".to_owned()),
            k: 0,
            neighbors: 27,
            context: vec!["river3".to_owned()],
            contexts: Vec::new(),
            homonyms_below: 0.5,
            seed: 4,
            words: WordOptions::default(),
        };
        let ask = |query: &InduceQuery| induce(&table, &Brute(&table), query, &|| Ok(()));
        let answer = ask(&query).unwrap();
        let best = answer.stabilities.iter().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
        assert_eq!((best.0, answer.senses.len()), (2, 2), "{:?}", answer.stabilities);
        assert!(best.1 > 0.9);
        let rivers = &answer.senses[0].members;
        assert!(rivers.iter().filter(|near| near.word.starts_with(b"river")).count() > 10);
        assert_eq!(answer, ask(&query).unwrap());
        query.k = 20;
        assert!(matches!(ask(&query).unwrap_err().kind(), ErrorKind::Unsuited { .. }));

        // The same of sentences, every second of which is about money; one has no bank, one nothing else.
        let sentence = |i: usize| match i {
            24 => "money1 river1".to_owned(),
            25 => "bank bank zzz".to_owned(),
            i if i % 2 == 0 => format!("the bank money{} of money{}", i % 12, (i + 5) % 12),
            i => format!("river{} bank, river{}", i % 12, (i + 7) % 12),
        };
        query.k = 0;
        query.contexts = (0..26).map(sentence).collect();
        let answer = ask(&query).unwrap();
        assert_eq!((answer.senses.len(), answer.left_out.as_slice()), (2, &[24, 25][..]));
        for (sense, odd, kind) in [(&answer.senses[0], 1, "river"), (&answer.senses[1], 0, "money")]
        {
            assert_eq!(sense.contexts.len(), 12);
            assert!(sense.contexts.iter().all(|i| i % 2 == odd), "{:?}", sense.contexts);
            let told = |word: &[u8]| String::from_utf8_lossy(word).contains(kind);
            let count = sense.members.iter().filter(|near| told(&near.word)).count();
            assert!(count > 10, "{kind}: {count} of {}", sense.members.len());
        }
        assert!(answer.pairs[0].similarity < 0.2 && answer.pairs[0].are_homonyms);
        assert_eq!(answer, ask(&query).unwrap());
        query.contexts.truncate(3);
        assert!(matches!(ask(&query).unwrap_err().kind(), ErrorKind::Unsuited { .. }));
    }
}
