//! The smoothings: what each does with counts, and the numbers it takes from them.

use crate::error::{Error, Result};

/// How probabilities are made of counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Smoothing {
    /// Shares of the counts; what was not seen has none. A context that was not seen is shortened.
    MaximumLikelihood,
    /// One more for every word (Laplace).
    Laplace,
    /// So much more for every word (Lidstone).
    AddK(f64),
    /// Counts of counts say what is left for words that were not seen (Good 1953), of each context alike.
    GoodTuring,
    /// Good-Turing for counts up to 5, and what is left goes by the shorter context (Katz 1987).
    Katz,
    /// As much for the shorter context as a context has different words (Witten and Bell 1991).
    WittenBell,
    /// A share for each order, tuned on held-out text (Jelinek and Mercer 1980).
    JelinekMercer,
    /// The same taken off every count (Ney, Essen, Kneser 1994).
    AbsoluteDiscounting,
    /// The same, with the number of different words before in place of shorter counts (Kneser and Ney 1995).
    KneserNey,
    /// The same with three discounts (Chen and Goodman 1998), as `KenLM`.
    ModifiedKneserNey,
}

/// What is taken for `k` if nothing is said.
pub const ADD_K: f64 = 0.1;
/// Up to this count Good-Turing discounts.
pub(super) const GOOD_TURING_MAX: usize = 5;

impl Smoothing {
    /// All of them, in the order of their quality on English text, the weakest first.
    pub const ALL: [Self; 10] = [
        Self::MaximumLikelihood,
        Self::Laplace,
        Self::AddK(ADD_K),
        Self::GoodTuring,
        Self::JelinekMercer,
        Self::WittenBell,
        Self::AbsoluteDiscounting,
        Self::Katz,
        Self::KneserNey,
        Self::ModifiedKneserNey,
    ];

    /// Its name, in lower case with hyphens.
    pub fn name(self) -> &'static str {
        match self {
            Self::MaximumLikelihood => "maximum-likelihood",
            Self::Laplace => "laplace",
            Self::AddK(_) => "add-k",
            Self::GoodTuring => "good-turing",
            Self::Katz => "katz",
            Self::WittenBell => "witten-bell",
            Self::JelinekMercer => "jelinek-mercer",
            Self::AbsoluteDiscounting => "absolute-discounting",
            Self::KneserNey => "kneser-ney",
            Self::ModifiedKneserNey => "modified-kneser-ney",
        }
    }

    /// The smoothing of a name, with [`ADD_K`] for add-k.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|smoothing| smoothing.name() == name)
    }

    /// Refuses numbers that make no sense.
    ///
    /// # Errors
    ///
    /// If k is not above 0 and finite.
    pub fn check(self) -> Result<()> {
        if let Self::AddK(k) = self
            && !(k.is_finite() && k > 0.0)
        {
            return Err(Error::invalid("k", format!("a number above 0; {k} is not")));
        }
        Ok(())
    }

    /// Whether what was not seen has a probability of its own in each context, and not by the shorter one. ARPA
    /// files have no place for that.
    pub fn is_direct(self) -> bool {
        matches!(self, Self::Laplace | Self::AddK(_) | Self::GoodTuring)
    }

    /// Whether shorter n-grams count by the different words before them.
    pub(super) fn is_kneser_ney(self) -> bool {
        matches!(self, Self::KneserNey | Self::ModifiedKneserNey)
    }
}

/// How many n-grams of an order there are, and how many of them come once, twice and so on, up to
/// [`GOOD_TURING_MAX`] + 1 times.
pub(super) type CountsOfCounts = [u64; GOOD_TURING_MAX + 2];

/// What is taken off the counts of an order, and what was done where counts of counts do not allow the right
/// value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Discounts {
    /// Off counts of 1, 2, and 3 or more; of Katz and Good-Turing the factors of 1 to 5.
    pub values: Vec<f64>,
    /// Why these are not the smoothing's own; empty if they are.
    pub fallback: String,
}

/// The discount that one formula gives for all counts; none if there are no n-grams that come once or twice.
fn single(n: &CountsOfCounts) -> Option<f64> {
    (n[1] > 0 && n[2] > 0).then(|| n[1] as f64 / (n[1] as f64 + 2.0 * n[2] as f64))
}

/// Those of absolute discounting and Kneser-Ney, of which the modified one has three.
pub(super) fn discounts(n: &CountsOfCounts, is_modified: bool) -> Discounts {
    if n[0] == 0 {
        return Discounts { values: vec![0.5; 3], fallback: String::new() };
    }
    let one = single(n);
    if is_modified {
        let by_formula = one.map(|y| {
            let discount = |j: usize| {
                let share = if n[j] == 0 { f64::NAN } else { n[j + 1] as f64 / n[j] as f64 };
                j as f64 - (j + 1) as f64 * y * share
            };
            [discount(1), discount(2), discount(3)]
        });
        if let Some(values) = by_formula
            && (1..).zip(values).all(|(j, value)| value >= 0.0 && value <= f64::from(j))
        {
            return Discounts { values: values.to_vec(), fallback: String::new() };
        }
        let told = "the counts of counts allow no three discounts";
        return match one {
            Some(y) => Discounts { values: vec![y; 3], fallback: format!("{told}: one is taken") },
            None => Discounts {
                values: vec![0.5, 1.0, 1.5],
                fallback: format!("{told}: 0.5, 1 and 1.5 are taken"),
            },
        };
    }
    match one {
        Some(y) => Discounts { values: vec![y; 3], fallback: String::new() },
        None => Discounts {
            values: vec![0.5; 3],
            fallback: "no n-grams come once, or none twice: 0.5 is taken".to_owned(),
        },
    }
}

/// By what counts from 1 to 5 are multiplied: r* / r, and of Katz less, so that all that is taken off is what
/// Good-Turing leaves for words that were not seen.
pub(super) fn factors(n: &CountsOfCounts, is_katz: bool) -> Discounts {
    let ratio = |r: usize| (r + 1) as f64 * n[r + 1] as f64 / (r as f64 * n[r] as f64);
    let most = (GOOD_TURING_MAX + 1) as f64 * n[GOOD_TURING_MAX + 1] as f64 / n[1] as f64;
    let mut values = Vec::new();
    let mut bad = Vec::new();
    for (r, &count) in n.iter().enumerate().take(GOOD_TURING_MAX + 1).skip(1) {
        let value = if is_katz { (ratio(r) - most) / (1.0 - most) } else { ratio(r) };
        if value > 0.0 && value <= 1.0 {
            values.push(value);
        } else {
            values.push(1.0);
            if count > 0 {
                bad.push(r.to_string());
            }
        }
    }
    let fallback = if n[0] > 0 && n[1..].iter().all(|&count| count == 0) {
        "nothing is discounted: all n-grams come often".to_owned()
    } else if bad.is_empty() {
        String::new()
    } else {
        format!(
            "counts of {} are not discounted: the counts of counts do not allow it",
            bad.join(", ")
        )
    };
    Discounts { values, fallback }
}
