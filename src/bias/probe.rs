//! Probes that give one figure for sets of targets and attributes, and one for each word.

use crate::bias::WordSet;
use crate::bias::bootstrap;
use crate::bias::direction::{check_pairs, of_pairs};
use crate::bias::logistic::Classifier;
use crate::bias::sets::{Member, SetUsed, Sets, Terms, dot, mean, resolve_sets};
use crate::error::{Error, ErrorKind, Result};
use crate::query::GoOn;
use crate::query::WordsUsed;
use crate::table::view::View;
use crate::vector::statistics;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Relative norm distance (Garg, Schiebinger, Jurafsky and Zou 2018): the mean over the attribute
    /// words of the distance to the mean of the first targets less that to the second's. Below 0: the
    /// attributes are nearer to the first.
    Rnd,
    /// Relative negative sentiment bias (Sweeney and Najafian 2019): how uneven the share of negative
    /// sentiment is that a classifier, trained on the two attribute sets (positive, negative), sees in
    /// the targets: Kullback-Leibler divergence from an even one, in nats.
    Rnsb,
    /// Mean average cosine distance (Manzini et al. 2019): of each target and attribute set; 1 is
    /// unbiased.
    Mac,
    /// Embedding coherence test (Dev and Phillips 2019): Spearman's correlation of the attribute words'
    /// cosines to the two target means; 1 is unbiased.
    Ect,
    /// Relational inner product association (Ethayarajh, Duvenaud and Hirst 2019): of the attribute
    /// words along the differences of the target pairs.
    Ripa,
    /// Direct bias (Bolukbasi et al. 2016): mean |cosine|^c of the attribute words with the direction
    /// of the target pairs.
    DirectBias,
    /// Indirect bias (Bolukbasi et al. 2016): how much of the similarity of the pairs of attribute
    /// words is due to the direction of the target pairs.
    IndirectBias,
}

/// A probe of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct ProbeQuery {
    /// What is measured.
    pub metric: Metric,
    /// The targets: two for RND and ECT; two of one size, taken as pairs, for RIPA, direct and
    /// indirect bias; one or more for RNSB and MAC.
    pub targets: Vec<WordSet>,
    /// The attributes: one; two for RNSB, and for indirect bias, taken as pairs; one or more for MAC.
    pub attributes: Vec<WordSet>,
    /// For RND, RNSB, ECT and RIPA: unit vectors in place of those imported.
    pub unit: bool,
    /// For direct bias: the exponent c.
    pub strictness: f64,
    /// How words are looked up, and how many a set may lose.
    pub terms: Terms,
    /// Seed of the samples for the interval.
    pub seed: u64,
}

/// The answer to a [`ProbeQuery`].
#[derive(Clone, Debug, PartialEq)]
pub struct ProbeAnswer {
    /// The figure; none if it is not defined, as the correlation of constants.
    pub value: Option<f64>,
    /// Where the figure lies for 95 % of samples drawn from the words it is made of.
    pub interval: Option<(f64, f64)>,
    /// A figure for each word that has one, in the order of the sets.
    pub words: Vec<(String, f64)>,
    /// More figures, by name.
    pub figures: Vec<(&'static str, f64)>,
    /// Targets, then attributes, as used.
    pub sets: Vec<SetUsed>,
    /// What makes the figure doubtful.
    pub warnings: Vec<String>,
    /// How the words were found.
    pub used: WordsUsed,
}

/// What a metric came to.
#[derive(Default)]
struct Measured {
    value: Option<f64>,
    interval: Option<(f64, f64)>,
    words: Vec<(String, f64)>,
    figures: Vec<(&'static str, f64)>,
    warnings: Vec<String>,
}

/// Measures a table.
///
/// # Errors
///
/// `InvalidArgument` if the metric takes another number of sets, or pairs are not even; as
/// [`weat`](crate::bias::weat::weat) for lost words; `Unsuited` if a direction has no length; whatever
/// `go_on` says.
pub fn probe(table: &View, query: &ProbeQuery, go_on: GoOn<'_>) -> Result<ProbeAnswer> {
    check(query)?;
    let letters: Vec<(String, &WordSet)> = query
        .targets
        .iter()
        .enumerate()
        .map(|(i, set)| (format!("targets[{i}]"), set))
        .chain(
            query.attributes.iter().enumerate().map(|(i, set)| (format!("attributes[{i}]"), set)),
        )
        .collect();
    let given: Vec<(&str, &WordSet)> =
        letters.iter().map(|(letter, set)| (letter.as_str(), *set)).collect();
    let sets = resolve_sets(table, &query.terms, "probe", &given, go_on)?;
    let (dim, targets) = (table.dim(), query.targets.len());
    let work = Work { sets: &sets, query, dim, targets, go_on };
    let measured = match query.metric {
        Metric::Rnd => work.rnd()?,
        Metric::Rnsb => work.rnsb()?,
        Metric::Mac => work.mac()?,
        Metric::Ect => work.ect()?,
        Metric::Ripa => work.ripa()?,
        Metric::DirectBias => work.direct_bias()?,
        Metric::IndirectBias => work.indirect_bias()?,
    };
    let mut warnings = sets.warnings;
    warnings.extend(measured.warnings);
    Ok(ProbeAnswer {
        value: measured.value,
        interval: measured.interval,
        words: measured.words,
        figures: measured.figures,
        sets: sets.used,
        warnings,
        used: sets.words,
    })
}

fn check(query: &ProbeQuery) -> Result<()> {
    let (targets, attributes) = match query.metric {
        Metric::Rnd | Metric::Ect | Metric::Ripa | Metric::DirectBias => (2..=2, 1..=1),
        Metric::IndirectBias => (2..=2, 2..=2),
        Metric::Rnsb => (1..=usize::MAX, 2..=2),
        Metric::Mac => (1..=usize::MAX, 1..=usize::MAX),
    };
    for (field, sets, wanted) in
        [("targets", &query.targets, targets), ("attributes", &query.attributes, attributes)]
    {
        if !wanted.contains(&sets.len()) {
            let problem =
                format!("{} sets given; this metric takes {}", sets.len(), wanted.start());
            return Err(Error::invalid(field, problem));
        }
    }
    let sizes = |sets: &[WordSet]| (sets[0].words.len(), sets[1].words.len());
    match query.metric {
        Metric::Ripa | Metric::DirectBias => {
            let (from, to) = sizes(&query.targets);
            check_pairs(from, to, "targets")
        }
        Metric::IndirectBias => {
            let ((from, to), (first, second)) = (sizes(&query.targets), sizes(&query.attributes));
            check_pairs(from, to, "targets")?;
            check_pairs(first, second, "attributes")
        }
        Metric::Rnd | Metric::Ect | Metric::Rnsb | Metric::Mac => Ok(()),
    }
}

struct Work<'a> {
    sets: &'a Sets<'a>,
    query: &'a ProbeQuery,
    dim: usize,
    /// How many sets are targets.
    targets: usize,
    go_on: GoOn<'a>,
}

impl Work<'_> {
    fn targets(&self) -> &[Vec<Member<'_>>] {
        &self.sets.members[..self.targets]
    }

    fn attributes(&self) -> &[Vec<Member<'_>>] {
        &self.sets.members[self.targets..]
    }

    fn vector(&self, member: &Member<'_>) -> Vec<f64> {
        if self.query.unit {
            member.unit.clone()
        } else {
            member.vector.iter().map(|&value| f64::from(value)).collect()
        }
    }

    /// The mean of figures, one a word, and its interval.
    fn mean_of(&self, words: Vec<(String, f64)>) -> Result<Measured> {
        let values: Vec<f64> = words.iter().map(|(_, value)| *value).collect();
        let interval =
            bootstrap::interval(&[values.len()], self.query.seed, self.go_on, |sample| {
                Some(sample[0].iter().map(|&i| values[i]).sum::<f64>() / values.len() as f64)
            })?;
        let value = Some(statistics::mean(&values));
        Ok(Measured { value, interval, words, ..Measured::default() })
    }

    fn rnd(&self) -> Result<Measured> {
        let means: Vec<Vec<f64>> = self
            .targets()
            .iter()
            .map(|set| {
                let vectors: Vec<_> = set.iter().map(|member| self.vector(member)).collect();
                mean(self.dim, vectors.iter().map(|vector| &vector[..]))
            })
            .collect();
        let distance = |a: &[f64], b: &[f64]| {
            a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum::<f64>().sqrt()
        };
        let words = self.attributes()[0].iter().map(|member| {
            let vector = self.vector(member);
            let relative = distance(&means[0], &vector) - distance(&means[1], &vector);
            (member.word.clone(), relative)
        });
        let words: Vec<_> = words.collect();
        let (first, second): (Vec<f64>, Vec<f64>) =
            words.iter().map(|(_, value)| value).partition(|&&value| value < 0.0);
        let sum: f64 = words.iter().map(|(_, value)| value).sum();
        let absolute: f64 = words.iter().map(|(_, value)| value.abs()).sum();
        let (to_first, to_second) = (first.len(), second.len());
        let mut measured = self.mean_of(words)?;
        if to_first > 0 && to_second > 0 {
            measured.warnings.push(format!(
                "{to_first} attribute words are nearer to the first targets and {to_second} to the \
                 second: the mean hides both"
            ));
        }
        measured.figures = vec![
            ("sum", sum),
            ("mean_absolute", absolute / (to_first + to_second).max(1) as f64),
            ("nearer_to_first", to_first as f64),
            ("nearer_to_second", to_second as f64),
        ];
        Ok(measured)
    }

    fn rnsb(&self) -> Result<Measured> {
        let rows = |set: &[Member<'_>]| -> Vec<Vec<f64>> {
            set.iter().map(|member| self.vector(member)).collect()
        };
        let sides: Vec<Vec<Vec<f64>>> = self.attributes().iter().map(|set| rows(set)).collect();
        let slices: Vec<Vec<&[f64]>> =
            sides.iter().map(|side| side.iter().map(|row| &row[..]).collect()).collect();
        let classifier = Classifier::fit(&slices[0], &slices[1], self.go_on)?;
        let negative = |row: &[f64]| classifier.negative(row);
        let right = slices[0].iter().filter(|row| negative(row) < 0.5).count()
            + slices[1].iter().filter(|row| negative(row) >= 0.5).count();
        let trained = slices[0].len() + slices[1].len();
        let words: Vec<(String, f64)> = self
            .targets()
            .iter()
            .flatten()
            .map(|member| (member.word.clone(), negative(&self.vector(member))))
            .collect();
        let values: Vec<f64> = words.iter().map(|(_, value)| *value).collect();
        let interval =
            bootstrap::interval(&[values.len()], self.query.seed, self.go_on, |sample| {
                Some(divergence(sample[0].iter().map(|&i| values[i])))
            })?;
        let mut warnings = Vec::new();
        if values.len() < 2 {
            warnings.push("one target word cannot be treated unevenly".to_owned());
        }
        Ok(Measured {
            value: Some(divergence(values.iter().copied())),
            interval,
            words,
            figures: vec![("training_accuracy", right as f64 / trained.max(1) as f64)],
            warnings,
        })
    }

    fn mac(&self) -> Result<Measured> {
        let means: Vec<Vec<f64>> = self
            .attributes()
            .iter()
            .map(|set| mean(self.dim, set.iter().map(|member| &member.unit[..])))
            .collect();
        let words = self.targets().iter().flatten().map(|member| {
            let distances: Vec<f64> =
                means.iter().map(|mean| 1.0 - dot(&member.unit, mean)).collect();
            (member.word.clone(), statistics::mean(&distances))
        });
        let mut measured = self.mean_of(words.collect())?;
        measured.figures = vec![("attribute_sets", means.len() as f64)];
        Ok(measured)
    }

    fn ect(&self) -> Result<Measured> {
        let means: Vec<Vec<f64>> = self
            .targets()
            .iter()
            .map(|set| {
                let vectors: Vec<_> = set.iter().map(|member| self.vector(member)).collect();
                let mean = mean(self.dim, vectors.iter().map(|vector| &vector[..]));
                let norm = dot(&mean, &mean).sqrt();
                mean.iter().map(|value| if norm > 0.0 { value / norm } else { 0.0 }).collect()
            })
            .collect();
        let members = &self.attributes()[0];
        let pairs: Vec<(f64, f64)> = members
            .iter()
            .map(|member| (dot(&member.unit, &means[0]), dot(&member.unit, &means[1])))
            .collect();
        let interval =
            bootstrap::interval(&[pairs.len()], self.query.seed, self.go_on, |sample| {
                statistics::spearman(&sample[0].iter().map(|&i| pairs[i]).collect::<Vec<_>>())
            })?;
        let words = members.iter().zip(&pairs).map(|(m, (x, y))| (m.word.clone(), x - y));
        let value = statistics::spearman(&pairs);
        let mut warnings = Vec::new();
        if value.is_none() {
            warnings.push("a correlation needs two attribute words that differ".to_owned());
        }
        let figures = vec![("cosine_of_means", dot(&means[0], &means[1]))];
        Ok(Measured { value, interval, words: words.collect(), figures, warnings })
    }

    fn ripa(&self) -> Result<Measured> {
        let pairs = self.sets.pairs(0, 1);
        let mut directions = Vec::new();
        for (x, y) in &pairs {
            let (x, y) = (self.vector(x), self.vector(y));
            let difference: Vec<f64> = x.iter().zip(&y).map(|(x, y)| x - y).collect();
            let norm = dot(&difference, &difference).sqrt();
            if norm > 0.0 {
                directions.push(difference.iter().map(|value| value / norm).collect::<Vec<f64>>());
            }
        }
        if directions.is_empty() {
            return Err(unsuited(
                "no target pair has both words in the table, or they are the same",
            ));
        }
        let mut deviations = Vec::new();
        let words = self.attributes()[0].iter().map(|member| {
            let vector = self.vector(member);
            let along: Vec<f64> = directions.iter().map(|axis| dot(&vector, axis)).collect();
            deviations.extend(statistics::deviation(&along, 0));
            (member.word.clone(), statistics::mean(&along))
        });
        let mut measured = self.mean_of(words.collect())?;
        measured.figures = vec![
            ("pairs", directions.len() as f64),
            ("mean_deviation", statistics::mean(&deviations)),
        ];
        if directions.len() < pairs.len() {
            measured.warnings.push("pairs of equal vectors were left out".to_owned());
        }
        Ok(measured)
    }

    fn direct_bias(&self) -> Result<Measured> {
        let direction = of_pairs(&self.sets.pairs(0, 1), self.go_on)?;
        let signed: Vec<(String, f64)> = self.attributes()[0]
            .iter()
            .map(|member| (member.word.clone(), dot(&member.unit, &direction.axis)))
            .collect();
        let biases = signed
            .iter()
            .map(|(word, cosine)| (word.clone(), cosine.abs().powf(self.query.strictness)));
        let mut measured = self.mean_of(biases.collect())?;
        // Where each word leans is worth more than how far.
        measured.words = signed;
        measured.figures = vec![("explained_variance", direction.explained)];
        measured.warnings.extend(weak(direction.explained));
        Ok(measured)
    }

    fn indirect_bias(&self) -> Result<Measured> {
        let direction = of_pairs(&self.sets.pairs(0, 1), self.go_on)?;
        let without = |vector: &[f64]| {
            let along = dot(vector, &direction.axis);
            let rest: Vec<f64> =
                vector.iter().zip(&direction.axis).map(|(x, g)| x - along * g).collect();
            rest
        };
        let pairs = self.sets.pairs(2, 3);
        let mut warnings = Vec::new();
        let words = pairs.iter().filter_map(|(w, v)| {
            let similarity = dot(&w.unit, &v.unit);
            let (a, b) = (without(&w.unit), without(&v.unit));
            let rest = dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt();
            let share = (similarity - rest) / similarity;
            if !share.is_finite() || similarity.abs() < 1e-6 {
                warnings.push(format!("{} and {} are not alike: no share", w.word, v.word));
                return None;
            }
            Some((format!("{} {}", w.word, v.word), share))
        });
        let words: Vec<_> = words.collect();
        if words.is_empty() {
            return Err(unsuited("no attribute pair has both words in the table and a similarity"));
        }
        let mut measured = self.mean_of(words)?;
        measured.figures = vec![("explained_variance", direction.explained)];
        measured.warnings.extend(warnings);
        measured.warnings.extend(weak(direction.explained));
        Ok(measured)
    }
}

/// A direction that does not stand for its pairs.
fn weak(explained: f64) -> Option<String> {
    (explained < 0.4).then(|| {
        let share = 100.0 * explained;
        format!("the direction explains {share:.0}% of its pairs' variance: they differ in more")
    })
}

/// Kullback-Leibler divergence of shares from even ones.
fn divergence(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let (sum, count) = values.clone().fold((0.0, 0.0), |(sum, n), value| (sum + value, n + 1.0));
    let term = |value: f64| {
        let share = value / sum;
        if share > 0.0 { share * (share * count).ln() } else { 0.0 }
    };
    values.map(term).sum()
}

fn unsuited(because: &str) -> Error {
    Error::new(ErrorKind::Unsuited { operation: "probe", because: because.to_owned() })
}
