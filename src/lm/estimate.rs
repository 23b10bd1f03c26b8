//! Probabilities of n-grams, made of their counts by any of the smoothings.

use crate::error::{Error, Result};
use crate::lm::count::{Counts, Level};
use crate::lm::grams::{Gram, Grams};
use crate::lm::last_words::LastWords;
use crate::lm::numbers::{Numbers, single};
use crate::lm::smoothing::{
    CountsOfCounts, Discounts, GOOD_TURING_MAX, Smoothing, discounts, factors,
};
use crate::lm::words::BEGIN;
use crate::steps::{GoOn, watched};

/// The least that is left for words that were not seen where a smoothing leaves nothing.
const LEAST: f64 = 1e-7;
/// Stands for the probability of an n-gram that is left out: not a number.
const GONE: u32 = u32::MAX;
/// Counts up to it have their numerators ready.
const READY: usize = 16;

/// What a model is made by.
#[derive(Clone, Debug)]
pub struct Estimation {
    /// The smoothing.
    pub smoothing: Smoothing,
    /// The order: at most that of the counts.
    pub order: usize,
    /// For each order from 2 on, n-grams that come so often or less are left out. The last one holds for all
    /// orders above; none falls.
    pub prune: Vec<u64>,
    /// Of Jelinek-Mercer: the weight of each order's own share, from order 1 on.
    pub weights: Vec<f64>,
}

/// What was found on the way.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OrderReport {
    /// N-grams that are kept.
    pub ngrams: u64,
    /// N-grams that were left out as too rare.
    pub pruned: u64,
    /// How many came once, twice, and so on up to 6 times, as the smoothing counts.
    pub counts_of_counts: Vec<u64>,
    /// What is taken off.
    pub discounts: Discounts,
    /// Of Jelinek-Mercer: the weight of the order's own share.
    pub weight: Option<f64>,
}

impl Estimation {
    /// Refuses what no counts are good for.
    ///
    /// # Errors
    ///
    /// If a number is out of its range.
    pub fn check(&self) -> Result<()> {
        self.smoothing.check()?;
        if !self.prune.is_sorted() {
            let problem = "thresholds must not fall from one order to the next: an n-gram that is \
                           kept needs the shorter ones in it";
            return Err(Error::invalid("prune", problem));
        }
        let has_no_shorter =
            self.smoothing.is_direct() || self.smoothing == Smoothing::MaximumLikelihood;
        if has_no_shorter && self.prune.iter().any(|&threshold| threshold > 0) {
            let problem = format!(
                "{} gives no probability to shorter contexts, so nothing can be left out",
                self.smoothing.name()
            );
            return Err(Error::invalid("prune", problem));
        }
        Ok(())
    }

    fn threshold(&self, at: usize) -> u32 {
        let threshold = match at {
            0 => 0,
            at => self.prune.get(at - 1).or(self.prune.last()).copied().unwrap_or(0),
        };
        u32::try_from(threshold).unwrap_or(u32::MAX)
    }
}

/// What is known of the words behind a context.
#[derive(Clone, Copy)]
struct Behind {
    /// The sum of their counts.
    sum: u32,
    /// How many come once, twice, more often.
    once: u32,
    twice: u32,
    often: u32,
}

/// The same as numbers of a list; later a [`Share`].
type Listed = [u32; 4];

/// Counts a word behind a context.
fn add(behind: &mut Listed, count: u32) {
    behind[0] += count;
    if count > 0 {
        behind[count.min(3) as usize] += 1;
    }
}

impl From<Listed> for Behind {
    fn from([sum, once, twice, often]: Listed) -> Self {
        Self { sum, once, twice, often }
    }
}

impl Behind {
    fn types(self) -> u32 {
        self.once + self.twice + self.often
    }
}

/// Makes a model of counts.
///
/// With `keeps` the counts stay as they are; else their memory becomes the model's.
///
/// # Errors
///
/// As [`Estimation::check`]; if the counts are of a lower order, if there is no room, or if `go_on` says so.
pub fn estimate(
    counts: &mut Counts,
    estimation: &Estimation,
    keeps: bool,
    go_on: GoOn<'_>,
) -> Result<(Grams, Vec<OrderReport>)> {
    estimation.check()?;
    let order = estimation.order;
    if !(1..=counts.order()).contains(&order) {
        let problem = format!("from 1 to {}; {order} is not", counts.order());
        return Err(Error::invalid("order", problem));
    }
    let (mut grams, mut reports) = (Vec::<Gram>::new(), Vec::new());
    for at in 0..order {
        let work = Work::new(counts, estimation, at);
        let p = if keeps {
            work.source().count.copied(&work.counts.room)?
        } else {
            std::mem::replace(
                &mut work.counts.levels[at].count,
                Numbers::new(&work.counts.room, 0)?,
            )
        };
        let (gram, report) = work.level(p, grams.last_mut(), keeps, go_on)?;
        grams.push(gram);
        reports.push(report);
        if !keeps && at > 0 {
            let room = &counts.room;
            counts.levels[at - 1].child = Numbers::new(room, 0)?;
        }
    }
    for gram in &mut grams {
        gram.take_log10(go_on)?;
    }
    let words = if keeps { counts.words.clone() } else { std::mem::take(&mut counts.words) };
    let mut grams = Grams::new(words, grams, estimation.smoothing.is_direct());
    if estimation.prune.iter().any(|&threshold| threshold > 0) {
        grams.remove(GONE, &counts.room, go_on)?;
    }
    for (report, gram) in reports.iter_mut().zip(&grams.levels) {
        report.pruned = report.ngrams - gram.len() as u64;
        report.ngrams = gram.len() as u64;
    }
    Ok((grams, reports))
}

/// The work on one order.
struct Work<'c> {
    counts: &'c mut Counts,
    estimation: &'c Estimation,
    at: usize,
    /// Words that can come: all but `<s>`.
    vocabulary: f64,
}

impl<'c> Work<'c> {
    fn new(counts: &'c mut Counts, estimation: &'c Estimation, at: usize) -> Self {
        let vocabulary = (counts.words.len() - 1) as f64;
        Self { counts, estimation, at, vocabulary }
    }

    fn source(&self) -> &Level {
        &self.counts.levels[self.at]
    }

    /// How often an n-gram comes, as the smoothing counts: Kneser-Ney counts different words before, unless
    /// there is none before, at the begin of a sentence.
    #[inline]
    fn adjusted(&self, number: usize, count: u32, is_top: bool) -> u32 {
        let source = self.source();
        let is_begin = self.at > 0 && source.words.begins(number);
        if is_top || is_begin || !self.estimation.smoothing.is_kneser_ney() {
            return count;
        }
        source.child[number + 1] - source.child[number]
    }

    /// `p` has the counts, and gets the probabilities.
    fn level(
        self,
        mut p: Numbers,
        below: Option<&mut Gram>,
        keeps: bool,
        go_on: GoOn<'_>,
    ) -> Result<(Gram, OrderReport)> {
        let (smoothing, at) = (self.estimation.smoothing, self.at);
        let is_top = at + 1 == self.estimation.order;
        let threshold = self.estimation.threshold(at);
        let contexts = below.as_ref().map_or(1, |below| below.len());
        let room = self.counts.room.clone();
        let mut shares = Numbers::zeros(&room, contexts * 4)?;
        let (behind, _) = shares.as_chunks_mut::<4>();
        // What the counts of n-grams that are left out add up to, for each context.
        let mut lost = Numbers::zeros(&room, if threshold > 0 { contexts } else { 0 })?;
        let mut n = CountsOfCounts::default();
        for number in watched(0..p.len(), go_on) {
            let number = number?;
            let raw = p[number];
            let count = self.adjusted(number, raw, is_top);
            if let Some(n) = n.get_mut(count as usize) {
                *n += 1;
            }
            let context = if at == 0 { 0 } else { self.source().context[number] as usize };
            if at > 0 && raw <= threshold {
                behind[context][0] += count;
                // Where nothing is pruned this counts what does not come: none.
                if let Some(lost) = lost.get_mut(context) {
                    *lost += count;
                }
            } else {
                add(&mut behind[context], count);
            }
        }
        // All that come, those that come too often to be counted above too.
        n[0] = (p.len() as u64).saturating_sub(n[0]);
        let discounts = discounts_of(smoothing, &n);
        let weight = self.estimation.weights.get(at).copied().unwrap_or(0.5);
        let formula = Formula::new(smoothing, &discounts.values, weight, self.vocabulary);
        for context in watched(0..contexts, go_on) {
            let context = context?;
            let lost = lost.get(context).copied().unwrap_or(0);
            let counted = behind[context].into();
            behind[context] = formula.share(counted, lost).into();
        }
        drop(lost);
        match below {
            None => self.unigrams(&mut p, &formula, behind[0], is_top, go_on)?,
            Some(below) => {
                self.higher(&mut p, below, &formula, (behind, is_top, threshold), go_on)?;
                below.back_off = if formula.is_spread() {
                    self.left(&p, below, (&formula, behind), go_on)?
                } else {
                    // Where the shares were: none is written before it was read.
                    for context in watched(0..contexts, go_on) {
                        let context = context?;
                        shares[context] = shares[context * 4 + 1];
                    }
                    shares.truncate(contexts);
                    shares
                };
            }
        }
        let report = OrderReport {
            ngrams: p.len() as u64,
            pruned: 0,
            counts_of_counts: n[1..].to_vec(),
            discounts,
            weight: matches!(smoothing, Smoothing::JelinekMercer).then_some(weight),
        };
        let gram = self.gram(p, keeps)?;
        Ok((gram, report))
    }

    fn gram(self, p: Numbers, keeps: bool) -> Result<Gram> {
        let room = self.counts.room.clone();
        let level = &mut self.counts.levels[self.at];
        let (words, context) = if keeps {
            (level.words.copied(&room)?, level.context.copied(&room)?)
        } else {
            let none = LastWords::new(&room, 0, 0)?;
            let words = std::mem::replace(&mut level.words, none);
            (words, std::mem::replace(&mut level.context, Numbers::new(&room, 0)?))
        };
        let back_off = Numbers::new(&room, 0)?;
        Ok(Gram { words, context, p, back_off, is_context: Vec::new() })
    }

    fn unigrams(
        &self,
        p: &mut Numbers,
        formula: &Formula<'_>,
        shares: Listed,
        is_top: bool,
        go_on: GoOn<'_>,
    ) -> Result<()> {
        let share = Share::from(shares);
        let absent = self.vocabulary - f64::from(share.types);
        let (unseen, scale) = formula.uniform(share, absent, self.seen(p, formula, is_top));
        for number in watched(0..p.len(), go_on) {
            let number = number?;
            let count = self.adjusted(number, p[number], is_top);
            let seen = formula.numerator(count) * f64::from(share.factor) * scale;
            let seen = if count == 0 { 0.0 } else { seen };
            let value = if formula.adds_uniform() || count == 0 { seen + unseen } else { seen };
            // `<s>` is never predicted; its probability is 1 by convention.
            let value = if number == BEGIN as usize { 1.0 } else { value };
            p[number] = single(value).to_bits();
        }
        Ok(())
    }

    /// The sum of all unigrams' numerators.
    fn seen(&self, p: &Numbers, formula: &Formula<'_>, is_top: bool) -> f64 {
        let numerator = |number: usize| match self.adjusted(number, p[number], is_top) {
            0 => 0.0,
            count => formula.numerator(count),
        };
        (0..p.len()).map(numerator).sum()
    }

    fn higher(
        &self,
        p: &mut Numbers,
        below: &Gram,
        formula: &Formula<'_>,
        (shares, is_top, threshold): (&[Listed], bool, u32),
        go_on: GoOn<'_>,
    ) -> Result<()> {
        let (source, lower) = (self.source(), &self.counts.levels[self.at - 1]);
        let is_interpolated = formula.is_interpolated();
        let ready: Vec<f32> = (0..READY)
            .map(|count| single(formula.numerator(u32::try_from(count).unwrap_or(0))))
            .collect();
        for parent in watched(0..lower.child.len() - 1, go_on) {
            let parent = parent?;
            let shorter = f32::from_bits(below.p[parent]);
            for number in lower.children(parent) {
                let raw = p[number];
                if raw <= threshold {
                    p[number] = GONE;
                    continue;
                }
                let count = self.adjusted(number, raw, is_top);
                let share = Share::from(shares[source.context[number] as usize]);
                let numerator = ready
                    .get(count as usize)
                    .copied()
                    .unwrap_or_else(|| single(formula.numerator(count)));
                let mut value = numerator * share.factor;
                if is_interpolated {
                    value += share.rest * shorter;
                }
                p[number] = value.to_bits();
            }
        }
        Ok(())
    }

    /// What is left in each context for words that were not seen behind it: of Katz as a factor of the shorter
    /// context's probabilities, of Good-Turing for each word alike.
    fn left(
        &self,
        p: &Numbers,
        below: &Gram,
        (formula, shares): (&Formula<'_>, &[Listed]),
        go_on: GoOn<'_>,
    ) -> Result<Numbers> {
        let (source, lower) = (self.source(), &self.counts.levels[self.at - 1]);
        // Two sums in double precision, each in two numbers.
        let mut sums = Numbers::zeros(&self.counts.room, below.len() * 4)?;
        let (sums, _) = sums.as_chunks_mut::<4>();
        for parent in watched(0..lower.child.len() - 1, go_on) {
            let parent = parent?;
            let shorter = f64::from(f32::from_bits(below.p[parent]));
            for number in lower.children(parent) {
                if p[number] != GONE {
                    let sum = &mut sums[source.context[number] as usize];
                    let [seen, lower] = doubles(*sum);
                    let own = f64::from(f32::from_bits(p[number]));
                    *sum = numbers([seen + own, lower + shorter]);
                }
            }
        }
        let mut left = Numbers::zeros(&self.counts.room, below.len())?;
        for (context, &sum) in sums.iter().enumerate() {
            let [seen, shorter] = doubles(sum);
            let share = Share::from(shares[context]);
            let rest = (1.0 - seen).max(LEAST);
            let value = if share.sum == 0 {
                if formula.is_direct() { 1.0 / self.vocabulary } else { 1.0 }
            } else if formula.is_direct() {
                rest / (self.vocabulary - f64::from(share.types)).max(1.0)
            } else {
                rest / (1.0 - shorter).max(LEAST)
            };
            left[context] = single(value).to_bits();
        }
        Ok(left)
    }
}

/// What a smoothing takes off counts.
fn discounts_of(smoothing: Smoothing, n: &CountsOfCounts) -> Discounts {
    match smoothing {
        Smoothing::Katz => factors(n, true),
        Smoothing::GoodTuring => factors(n, false),
        Smoothing::ModifiedKneserNey => discounts(n, true),
        Smoothing::KneserNey | Smoothing::AbsoluteDiscounting => discounts(n, false),
        Smoothing::MaximumLikelihood
        | Smoothing::Laplace
        | Smoothing::AddK(_)
        | Smoothing::WittenBell
        | Smoothing::JelinekMercer => Discounts::default(),
    }
}

/// Two numbers in double precision, out of a list.
fn doubles([a, b, c, d]: Listed) -> [f64; 2] {
    [[a, b], [c, d]].map(|[low, high]| f64::from_bits(u64::from(low) | u64::from(high) << 32))
}

/// The same for a list.
fn numbers(doubles: [f64; 2]) -> Listed {
    let [a, b] = doubles.map(|double| {
        #[expect(clippy::cast_possible_truncation, reason = "the halves of it")]
        let halves = [double.to_bits() as u32, (double.to_bits() >> 32) as u32];
        halves
    });
    [a[0], a[1], b[0], b[1]]
}

/// What a context does to the words behind it.
#[derive(Clone, Copy)]
struct Share {
    /// A word's numerator is multiplied by it.
    factor: f32,
    /// The share of the shorter context; of direct smoothings the probability of a word that was not seen.
    rest: f32,
    /// The sum of their counts, and how many they are.
    sum: u32,
    types: u32,
}

impl From<Listed> for Share {
    fn from([factor, rest, sum, types]: Listed) -> Self {
        let [factor, rest] = [factor, rest].map(f32::from_bits);
        Self { factor, rest, sum, types }
    }
}

impl From<Share> for Listed {
    fn from(share: Share) -> Self {
        [share.factor.to_bits(), share.rest.to_bits(), share.sum, share.types]
    }
}

/// A smoothing with its numbers.
struct Formula<'d> {
    smoothing: Smoothing,
    discounts: &'d [f64],
    weight: f64,
    vocabulary: f64,
}

impl<'d> Formula<'d> {
    fn new(smoothing: Smoothing, discounts: &'d [f64], weight: f64, vocabulary: f64) -> Self {
        Self { smoothing, discounts, weight, vocabulary }
    }

    fn is_direct(&self) -> bool {
        self.smoothing.is_direct()
    }

    /// Whether shorter contexts add to what was seen.
    fn is_interpolated(&self) -> bool {
        matches!(
            self.smoothing,
            Smoothing::WittenBell
                | Smoothing::JelinekMercer
                | Smoothing::AbsoluteDiscounting
                | Smoothing::KneserNey
                | Smoothing::ModifiedKneserNey
        )
    }

    /// Whether what is left is known only when everything seen has its probability.
    fn is_spread(&self) -> bool {
        matches!(self.smoothing, Smoothing::Katz | Smoothing::GoodTuring)
    }

    /// Whether a word's unigram has a part that all words have.
    fn adds_uniform(&self) -> bool {
        self.is_interpolated()
    }

    /// The discount of a count.
    fn discount(&self, count: u32) -> f64 {
        let at = (count as usize).clamp(1, 3) - 1;
        self.discounts.get(at).copied().unwrap_or(0.0)
    }

    /// What a count above 0 is worth.
    fn numerator(&self, count: u32) -> f64 {
        let value = f64::from(count);
        match self.smoothing {
            Smoothing::MaximumLikelihood | Smoothing::WittenBell | Smoothing::JelinekMercer => {
                value
            }
            Smoothing::Laplace => value + 1.0,
            Smoothing::AddK(k) => value + k,
            Smoothing::GoodTuring | Smoothing::Katz => {
                let factor = if count as usize <= GOOD_TURING_MAX {
                    self.discounts.get((count as usize).saturating_sub(1)).copied()
                } else {
                    None
                };
                value * factor.unwrap_or(1.0)
            }
            Smoothing::AbsoluteDiscounting
            | Smoothing::KneserNey
            | Smoothing::ModifiedKneserNey => (value - self.discount(count)).max(0.0),
        }
    }

    fn share(&self, behind: Behind, lost: u32) -> Share {
        let (sum, lost) = (f64::from(behind.sum), f64::from(lost));
        let types = f64::from(behind.types());
        let (factor, rest) = match self.smoothing {
            Smoothing::Laplace | Smoothing::AddK(_) => {
                let k = if let Smoothing::AddK(k) = self.smoothing { k } else { 1.0 };
                let all = sum + k * self.vocabulary;
                (1.0 / all, k / all)
            }
            _ if behind.sum == 0 => (0.0, 1.0),
            Smoothing::MaximumLikelihood => (1.0 / sum, lost / sum),
            Smoothing::GoodTuring | Smoothing::Katz => (1.0 / sum, 0.0),
            Smoothing::WittenBell => {
                let all = sum + types;
                (1.0 / all, (types + lost) / all)
            }
            Smoothing::JelinekMercer => {
                (self.weight / sum, 1.0 - self.weight + self.weight * lost / sum)
            }
            Smoothing::AbsoluteDiscounting
            | Smoothing::KneserNey
            | Smoothing::ModifiedKneserNey => {
                let off = self.discount(1) * f64::from(behind.once)
                    + self.discount(2) * f64::from(behind.twice)
                    + self.discount(3) * f64::from(behind.often);
                (1.0 / sum, (off + lost) / sum)
            }
        };
        let (factor, rest) = (single(factor), single(rest));
        Share { factor, rest, sum: behind.sum, types: behind.types() }
    }

    /// The probability of a word that was not seen, or of every word's common part; and by what the others
    /// are multiplied.
    fn uniform(&self, share: Share, absent: f64, seen: f64) -> (f64, f64) {
        let rest = f64::from(share.rest);
        match self.smoothing {
            Smoothing::MaximumLikelihood => (0.0, 1.0),
            Smoothing::Laplace | Smoothing::AddK(_) => (rest, 1.0),
            Smoothing::GoodTuring | Smoothing::Katz => {
                let sum = f64::from(share.sum);
                let left = (1.0 - seen / sum).max(LEAST);
                if absent < 1.0 {
                    return (0.0, sum / seen);
                }
                (left / absent, (1.0 - left) * sum / seen)
            }
            Smoothing::WittenBell
            | Smoothing::JelinekMercer
            | Smoothing::AbsoluteDiscounting
            | Smoothing::KneserNey
            | Smoothing::ModifiedKneserNey => (rest / self.vocabulary, 1.0),
        }
    }
}
