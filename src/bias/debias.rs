//! Vectors with less of a bias: what each row of a table becomes.
//!
//! Every method brings vectors to length 1 first and gives back such vectors; a vector of zeros stays.

use std::collections::{HashMap, HashSet};

use crate::bias::WordSet;
use crate::bias::clusters::{ClustersQuery, clusters};
use crate::bias::direction::{check_pairs, of_pairs};
use crate::bias::logistic::Classifier;
use crate::bias::sets::{Member, SetUsed, Sets, Terms, dot, mean, resolve_sets, unit};
use crate::error::{Error, ErrorKind, Result};
use crate::query::GoOn;
use crate::steps::watched;
use crate::table::view::View;
use crate::vector::{RowId, algebra};

/// How a bias is taken out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DebiasMethod {
    /// Neutralize and equalize (Bolukbasi et al. 2016): the direction of the pairs is taken out of all
    /// words but the specific ones, and the pairs are put at one distance from all those.
    #[default]
    Hard,
    /// The same with a subspace of several sets in place of pairs (Manzini et al. 2019).
    Multiclass,
    /// Hard, after the component that frequency has most to do with is taken out of all words (Wang et
    /// al. 2020): that of the first 20 after which the most biased words cluster least.
    DoubleHard,
    /// Iterated nullspace projection (Ravfogel et al. 2020): again and again, what a classifier tells
    /// the most biased words of the two sides apart by.
    LinearProjection,
    /// Half-sibling regression (Yang and Feng 2020): what the specific words predict of a word is
    /// taken out of it.
    HalfSibling,
}

/// What is taken out, and of what.
#[derive(Clone, Debug, PartialEq)]
pub struct DebiasQuery {
    /// The method, which also says which of the sets below are needed.
    pub method: DebiasMethod,
    /// Words of one side; for all but [`DebiasMethod::Multiclass`].
    pub from: WordSet,
    /// Those of the other, word by word.
    pub to: WordSet,
    /// For [`DebiasMethod::Multiclass`]: sets of words that differ in the class, such as church,
    /// mosque, synagogue.
    pub sets: Vec<WordSet>,
    /// Words that stay as they are, for they should differ; for [`DebiasMethod::HalfSibling`] those that
    /// predict.
    pub specific: WordSet,
    /// For [`DebiasMethod::Multiclass`]: components of the subspace; for
    /// [`DebiasMethod::LinearProjection`]: how often.
    pub components: usize,
    /// How words are looked up, and how many a set may lose.
    pub terms: Terms,
    /// Seed of the clustering in [`DebiasMethod::DoubleHard`].
    pub seed: u64,
}

/// What each row becomes.
#[derive(Debug)]
pub struct Debiaser {
    /// Taken off every row first.
    center: Vec<f64>,
    /// Taken out of every row.
    common: Vec<Vec<f64>>,
    /// Taken out of every row but the specific.
    basis: Vec<Vec<f64>>,
    sibling: Option<Sibling>,
    specific: HashSet<RowId>,
    equalized: HashMap<RowId, Vec<f64>>,
    /// The sets as used.
    pub used: Vec<SetUsed>,
    /// What makes the outcome doubtful.
    pub warnings: Vec<String>,
}

/// A ridge regression on the specific words.
#[derive(Debug)]
struct Sibling {
    words: Vec<Vec<f64>>,
    /// The inverse of their Gram matrix with the penalty.
    inverse: Vec<f64>,
}

/// The penalty of the paper.
const RIDGE: f64 = 60.0;
/// Rows that the most biased are taken of, and how many of each side.
const TOP: usize = 50_000;
const BIASED: usize = 500;
/// Components that frequency may stand behind.
const CANDIDATES: usize = 20;
/// The widest vectors whose components are found.
const DIM_MAX: usize = 1_024;
/// Specific words that can predict: their matrix is inverted.
const SIBLINGS_MAX: usize = 1_024;

impl Debiaser {
    /// Finds what is to be taken out.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the method's words are missing or uneven; as
    /// [`weat`](crate::bias::weat::weat) for lost words; `Unsuited` if they have no direction, or the
    /// table is too wide for the method; whatever `go_on` says.
    pub fn new(table: &View, query: &DebiasQuery, go_on: GoOn<'_>) -> Result<Self> {
        check(query)?;
        let mut given: Vec<(&str, &WordSet)> = Vec::new();
        if query.method == DebiasMethod::Multiclass {
            given.extend(query.sets.iter().map(|set| ("sets", set)));
        } else {
            given.extend([("from", &query.from), ("to", &query.to)]);
        }
        let definitional = given.len();
        if !query.specific.words.is_empty() {
            given.push(("specific", &query.specific));
        }
        let mut sets = resolve_sets(table, &query.terms, "debias", &given, go_on)?;
        // Small sets are as they should be here.
        sets.warnings.retain(|warning| !warning.contains("chance") && !warning.contains("share"));
        let specific = sets.members.get(definitional).map_or(&[][..], |members| members);
        let mut work = Self {
            center: vec![0.0; table.dim()],
            common: Vec::new(),
            basis: Vec::new(),
            sibling: None,
            specific: specific.iter().map(|member| member.row).collect(),
            equalized: HashMap::new(),
            used: sets.used.clone(),
            warnings: sets.warnings.clone(),
        };
        match query.method {
            DebiasMethod::Hard | DebiasMethod::Multiclass => {}
            DebiasMethod::DoubleHard => work.take_out_frequency(table, query, &sets, go_on)?,
            DebiasMethod::LinearProjection => {
                work.basis = nullspaces(table, query, &sets, go_on)?;
                return Ok(work);
            }
            DebiasMethod::HalfSibling => {
                work.sibling = Some(Sibling::new(specific)?);
                work.basis = vec![of_pairs(&sets.pairs(0, 1), go_on)?.axis];
                return Ok(work);
            }
        }
        let groups = work.groups(&sets, query.method == DebiasMethod::Multiclass);
        let count = if query.method == DebiasMethod::Multiclass { query.components } else { 1 };
        work.basis = subspace(&groups, count, go_on)?;
        work.equalize(&groups);
        Ok(work)
    }

    /// A row's vector without the bias, of length 1 or 0.
    pub fn row(&self, row: RowId, vector: &[f32]) -> Vec<f32> {
        let done = match self.equalized.get(&row) {
            Some(equalized) => equalized.clone(),
            None => self.neutral(row, unit(vector)),
        };
        let norm = dot(&done, &done).sqrt();
        // What is left of a vector along the bias alone is rounding.
        let scale = if norm > 1e-9 { 1.0 / norm } else { 0.0 };
        #[expect(clippy::cast_possible_truncation, reason = "at most 1 in size")]
        done.iter().map(|value| (value * scale) as f32).collect()
    }

    /// How much of a vector lies along the bias, from 0 to 1.
    pub fn bias_of(&self, vector: &[f32]) -> f64 {
        let unit = unit(vector);
        self.basis.iter().map(|axis| dot(&unit, axis).powi(2)).sum::<f64>().sqrt()
    }

    fn neutral(&self, row: RowId, vector: Vec<f64>) -> Vec<f64> {
        let vector = self.prepared(vector);
        if self.specific.contains(&row) {
            return vector;
        }
        match &self.sibling {
            Some(sibling) => sibling.residual(vector),
            None => without(vector, &self.basis),
        }
    }

    fn prepared(&self, mut vector: Vec<f64>) -> Vec<f64> {
        if dot(&vector, &vector) > 0.0 && !self.common.is_empty() {
            for (value, center) in vector.iter_mut().zip(&self.center) {
                *value -= center;
            }
        }
        without(vector, &self.common)
    }

    /// The sets whose words differ in the bias alone, prepared, of length 1.
    fn groups(&self, sets: &Sets<'_>, is_multiclass: bool) -> Vec<Vec<(RowId, Vec<f64>)>> {
        let prepared = |member: &Member<'_>| {
            let vector = self.prepared(member.unit.clone());
            let norm = dot(&vector, &vector).sqrt().max(f64::MIN_POSITIVE);
            (member.row, vector.iter().map(|value| value / norm).collect::<Vec<f64>>())
        };
        if is_multiclass {
            let definitional = sets
                .members
                .iter()
                .take(sets.members.len() - usize::from(!self.specific.is_empty()));
            return definitional.map(|set| set.iter().map(prepared).collect()).collect();
        }
        let pairs = sets.pairs(0, 1);
        pairs.iter().map(|(from, to)| vec![prepared(from), prepared(to)]).collect()
    }

    /// Puts the words of each group at one distance from whatever has no bias (Bolukbasi et al. 2016).
    fn equalize(&mut self, groups: &[Vec<(RowId, Vec<f64>)>]) {
        for group in groups.iter().filter(|group| group.len() > 1) {
            let center = mean(self.center.len(), group.iter().map(|(_, vector)| &vector[..]));
            let neutral = without(center.clone(), &self.basis);
            let height = (1.0 - dot(&neutral, &neutral)).max(0.0).sqrt();
            for (row, vector) in group {
                let biased: Vec<f64> = (vector.iter().zip(&without(vector.clone(), &self.basis)))
                    .zip(center.iter().zip(&neutral))
                    .map(|((x, rest), (mean, neutral))| (x - rest) - (mean - neutral))
                    .collect();
                let length = dot(&biased, &biased).sqrt();
                if length > 1e-12 {
                    let equal = neutral.iter().zip(&biased);
                    let equal = equal.map(|(rest, part)| rest + height * part / length);
                    self.equalized.insert(*row, equal.collect());
                }
            }
        }
    }

    /// Finds the component after which, and after hard debiasing, the biased words cluster least.
    fn take_out_frequency(
        &mut self,
        table: &View,
        query: &DebiasQuery,
        sets: &Sets<'_>,
        go_on: GoOn<'_>,
    ) -> Result<()> {
        let (center, components) = components(table, go_on)?;
        self.center = center;
        let leaning = leaning(table, sets, go_on)?;
        let count = leaning.len() / 2;
        let mut best: Option<(f64, Vec<f64>)> = None;
        for component in components {
            self.common = vec![component.clone()];
            self.basis = subspace(&self.groups(sets, false), 1, go_on)?;
            let vectors: Vec<Vec<f64>> = leaning
                .iter()
                .map(|&row| self.row(row, &table.vector(row)))
                .map(|vector| vector.into_iter().map(f64::from).collect())
                .collect();
            let found = crate::vector::cluster::k_means(&vectors, 2, (1, query.seed), &|| go_on())?;
            let right =
                found.labels.iter().enumerate().filter(|&(i, &label)| (i < count) == (label == 0));
            let share = right.count() as f64 / vectors.len().max(1) as f64;
            let share = share.max(1.0 - share);
            if best.as_ref().is_none_or(|(least, _)| share < *least) {
                best = Some((share, component));
            }
        }
        self.common = best.map(|(_, component)| component).into_iter().collect();
        Ok(())
    }
}

fn check(query: &DebiasQuery) -> Result<()> {
    if query.method == DebiasMethod::Multiclass {
        if query.sets.is_empty() || query.sets.iter().any(|set| set.words.len() < 2) {
            let problem = "MULTICLASS takes sets of at least two words that differ in the class";
            return Err(Error::invalid("sets", problem));
        }
        return Ok(());
    }
    if query.method == DebiasMethod::HalfSibling && query.specific.words.is_empty() {
        let problem = "HALF_SIBLING takes the words that are specific to the bias";
        return Err(Error::invalid("specific", problem));
    }
    check_pairs(query.from.words.len(), query.to.words.len(), "to.words")
}

fn without(mut vector: Vec<f64>, basis: &[Vec<f64>]) -> Vec<f64> {
    for axis in basis {
        let along = dot(&vector, axis);
        for (value, component) in vector.iter_mut().zip(axis) {
            *value -= along * component;
        }
    }
    vector
}

/// The first principal components of the groups, each centered at its mean.
fn subspace(
    groups: &[Vec<(RowId, Vec<f64>)>],
    count: usize,
    go_on: GoOn<'_>,
) -> Result<Vec<Vec<f64>>> {
    let mut rows: Vec<Vec<f64>> = Vec::new();
    for group in groups {
        let dim = group.first().map_or(0, |(_, vector)| vector.len());
        let center = mean(dim, group.iter().map(|(_, vector)| &vector[..]));
        rows.extend(group.iter().map(|(_, vector)| -> Vec<f64> {
            vector.iter().zip(&center).map(|(x, mean)| x - mean).collect()
        }));
    }
    let mut basis: Vec<Vec<f64>> = Vec::new();
    for _ in 0..count.max(1) {
        let left: f64 = rows.iter().map(|row| dot(row, row)).sum();
        let Some((axis, _)) =
            algebra::principal_component(&rows, &|| go_on())?.filter(|_| left > 1e-12)
        else {
            break;
        };
        rows = rows.into_iter().map(|row| without(row, std::slice::from_ref(&axis))).collect();
        basis.push(axis);
    }
    if basis.is_empty() {
        return Err(unsuited("the words given do not differ: there is no direction to take out"));
    }
    Ok(basis)
}

/// The rows that lean most to each side, as many of the second behind as many of the first.
fn leaning(table: &View, sets: &Sets<'_>, go_on: GoOn<'_>) -> Result<Vec<RowId>> {
    let axis = of_pairs(&sets.pairs(0, 1), go_on)?.axis;
    let given: HashSet<RowId> = sets.members.iter().flatten().map(|member| member.row).collect();
    let mut rows: Vec<(f64, RowId)> = Vec::new();
    for row in watched(table.rows().take(TOP), go_on) {
        let row = row?;
        if !given.contains(&row) && table.norm(row) > 0.0 {
            rows.push((dot(&unit(&table.vector(row)), &axis), row));
        }
    }
    rows.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let count = BIASED.min(rows.len() / 2);
    if count == 0 {
        return Err(unsuited("the table has no words besides those given"));
    }
    let (first, second) = (&rows[..count], &rows[rows.len() - count..]);
    Ok(first.iter().chain(second).map(|&(_, row)| row).collect())
}

/// The mean of the first rows, and their first principal components.
fn components(table: &View, go_on: GoOn<'_>) -> Result<(Vec<f64>, Vec<Vec<f64>>)> {
    let dim = table.dim();
    if dim > DIM_MAX {
        return Err(unsuited("components are found of vectors of at most 1,024 components"));
    }
    let rows: Vec<RowId> = watched(table.rows().take(TOP), go_on).collect::<Result<_>>()?;
    let mut center = vec![0.0; dim];
    for row in watched(&rows, go_on) {
        for (sum, value) in center.iter_mut().zip(unit(&table.vector(*row?))) {
            *sum += value / rows.len() as f64;
        }
    }
    let mut moments = vec![0.0; dim * dim];
    for row in watched(&rows, go_on) {
        let vector: Vec<f64> =
            unit(&table.vector(*row?)).iter().zip(&center).map(|(x, mean)| x - mean).collect();
        for (line, x) in moments.chunks_exact_mut(dim).zip(&vector) {
            for (sum, y) in line.iter_mut().zip(&vector) {
                *sum += x * y;
            }
        }
    }
    go_on()?;
    let (_, vectors) = algebra::eigen(&moments, dim);
    Ok((center, vectors.chunks_exact(dim).take(CANDIDATES).map(<[f64]>::to_vec).collect()))
}

/// The directions by which classifiers tell the biased words of both sides apart, one after another.
fn nullspaces(
    table: &View,
    query: &DebiasQuery,
    sets: &Sets<'_>,
    go_on: GoOn<'_>,
) -> Result<Vec<Vec<f64>>> {
    let leaning = leaning(table, sets, go_on)?;
    let mut vectors: Vec<Vec<f64>> = leaning.iter().map(|&row| unit(&table.vector(row))).collect();
    let mut basis: Vec<Vec<f64>> = Vec::new();
    for _ in 0..query.components.max(1).min(table.dim() - 1) {
        go_on()?;
        let (first, second) = vectors.split_at(vectors.len() / 2);
        let slices = [first, second].map(|side| side.iter().map(|v| &v[..]).collect::<Vec<_>>());
        let classifier = Classifier::fit(&slices[0], &slices[1], go_on)?;
        let axis = without(classifier.weights, &basis);
        let norm = dot(&axis, &axis).sqrt();
        if norm < 1e-6 {
            break;
        }
        let axis: Vec<f64> = axis.iter().map(|value| value / norm).collect();
        vectors = vectors.into_iter().map(|v| without(v, std::slice::from_ref(&axis))).collect();
        basis.push(axis);
    }
    if basis.is_empty() {
        return Err(unsuited(
            "no classifier can tell the two sides apart: there is no bias to take out",
        ));
    }
    Ok(basis)
}

impl Sibling {
    fn new(members: &[Member<'_>]) -> Result<Self> {
        if members.len() > SIBLINGS_MAX {
            return Err(unsuited("at most 1,024 specific words predict"));
        }
        let words: Vec<Vec<f64>> = members.iter().map(|member| member.unit.clone()).collect();
        let n = words.len();
        let mut gram = vec![0.0; n * n];
        for (i, a) in words.iter().enumerate() {
            for (j, b) in words.iter().enumerate() {
                // The paper's penalty is for vectors as they are trained, about this long.
                gram[i * n + j] = dot(a, b) + if i == j { RIDGE / LENGTH_SQUARED } else { 0.0 };
            }
        }
        let inverse = crate::vector::procrustes::inverse(&gram, n);
        let inverse = inverse.ok_or_else(|| unsuited("the specific words are all alike"))?;
        Ok(Self { words, inverse })
    }

    /// What the specific words do not predict.
    fn residual(&self, mut vector: Vec<f64>) -> Vec<f64> {
        let n = self.words.len();
        let along: Vec<f64> = self.words.iter().map(|word| dot(word, &vector)).collect();
        for (word, weights) in self.words.iter().zip(self.inverse.chunks_exact(n)) {
            let weight = dot(weights, &along);
            for (value, component) in vector.iter_mut().zip(word) {
                *value -= weight * component;
            }
        }
        vector
    }
}

/// The square of the usual length of trained vectors, such as `GloVe`'s.
const LENGTH_SQUARED: f64 = 36.0;

/// How well clusters tell the biased words apart, before and after.
pub(crate) fn told_apart(
    original: &View,
    debiased: &View,
    query: &DebiasQuery,
    go_on: GoOn<'_>,
) -> Result<(f64, f64)> {
    let clustered = ClustersQuery {
        from: query.from.clone(),
        to: query.to.clone(),
        top: TOP,
        count: BIASED,
        seed: query.seed,
        terms: query.terms.clone(),
    };
    let answer = clusters(debiased, original, &clustered, go_on)?;
    Ok((answer.original_accuracy, answer.accuracy))
}

fn unsuited(because: &str) -> Error {
    Error::new(ErrorKind::Unsuited { operation: "debias", because: because.to_owned() })
}
