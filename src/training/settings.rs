//! What word2vec's models are told, and what of it cannot be.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::kernel::Kind;
use crate::error::{Error, ErrorKind, Result, Violation};
use crate::limits;

/// What predicts what (Mikolov et al. 2013).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Model {
    /// Each word of a window predicts the word in its middle. With sub-words the middle predicts the
    /// window, as in fastText: its n-grams are then the input.
    SkipGram,
    /// The mean of a window's words predicts the word in its middle.
    Cbow,
}

/// What is made smaller.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Loss {
    /// Negative sampling: the word against some that are drawn.
    Negative {
        /// How many are drawn, 1 to `TRAIN_NEGATIVE_MAX`; the inputs of a window share them.
        count: usize,
        /// The power of their counts by which words are drawn: .75 as in word2vec, .5 as in fastText,
        /// 0 for all alike; -10 to 10 (Caselles-Dupre et al. 2018).
        #[serde(with = "Bits")]
        exponent: f64,
    },
    /// Hierarchical softmax over a Huffman tree (Morin and Bengio 2005).
    Hierarchical,
    /// Softmax over all words with cross-entropy, for at most `TRAIN_SOFTMAX_WORDS_MAX` words.
    Softmax,
}

/// Writes numbers as their bits: decimal digits, read again, may be another number.
struct Bits;

impl Bits {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(value.to_bits())
    }

    fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        u64::deserialize(deserializer).map(f64::from_bits)
    }
}

/// How far a window reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reach {
    /// Anew for each word, from 1 to the window: near words count more.
    Drawn,
    /// The whole window.
    Whole,
}

/// Character n-grams as parts of words (Bojanowski et al. 2017).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ngrams {
    /// Characters of the shortest, with the brackets around a word; at least 1.
    pub min_n: usize,
    /// Characters of the longest, at most `N_GRAM_CHARS_MAX`.
    pub max_n: usize,
    /// Rows that n-grams share by their hash, at most `TRAIN_BUCKETS_MAX`.
    pub buckets: u32,
}

/// The settings of word2vec's models.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// What predicts what.
    pub model: Model,
    /// What is made smaller.
    pub loss: Loss,
    /// Components of a vector, 1 to `DIM_MAX`.
    pub dim: usize,
    /// Words to either side, 1 to `TRAIN_WINDOW_MAX`.
    pub window: usize,
    /// How far windows reach.
    pub reach: Reach,
    /// The share of the tokens above which words are left out at random, the more the more frequent they
    /// are; 0 keeps all.
    #[serde(with = "Bits")]
    pub sample: f64,
    /// Times that the corpus is read, 1 to `TRAIN_EPOCHS_MAX`.
    pub epochs: usize,
    /// The learning rate at first; it falls in a line to a ten-thousandth.
    pub lr: f32,
    /// Where random numbers begin. The same seed, threads and kernel make the same bytes.
    pub seed: u64,
    /// 1, or 2 with a replica each, whose changes are summed now and then: other bytes than one makes, but
    /// the same in every run, at a fifth more work.
    pub threads: usize,
    /// N-grams as parts of words, or none.
    pub ngrams: Option<Ngrams>,
    /// Of CBOW: whether every place of a window has a vector of weights, learned too, by which the words that
    /// stand there are multiplied (Mikolov et al. 2018).
    #[serde(default)]
    pub position_weights: bool,
    /// The kernel; none for the best one of the machine.
    pub kernel: Option<Kind>,
}

impl Settings {
    /// word2vec's defaults for a model, with five negative examples.
    pub fn new(model: Model) -> Self {
        let lr = match model {
            Model::SkipGram => 0.025,
            Model::Cbow => 0.05,
        };
        Self {
            model,
            loss: Loss::Negative { count: 5, exponent: 0.75 },
            dim: 100,
            window: 5,
            reach: Reach::Drawn,
            sample: 1e-3,
            epochs: 5,
            lr,
            seed: 1,
            threads: 1,
            ngrams: None,
            position_weights: false,
            kernel: None,
        }
    }

    /// Whether words that are so many can be trained so.
    ///
    /// # Errors
    ///
    /// With every setting that is wrong.
    pub fn check(&self, words: usize) -> Result<()> {
        let mut violations = Vec::new();
        let mut deny = |is_wrong: bool, field: &str, problem: String| {
            if is_wrong {
                violations.push(Violation { field: field.to_owned(), problem });
            }
        };
        let range = |max: usize, got: usize| format!("from 1 to {max}; {got} is not");
        let mut within = |field: &str, max: usize, got: usize| {
            deny(!(1..=max).contains(&got), field, range(max, got));
        };
        within("dim", limits::DIM_MAX, self.dim);
        within("window", limits::TRAIN_WINDOW_MAX, self.window);
        within("epochs", limits::TRAIN_EPOCHS_MAX, self.epochs);
        within("threads", limits::TRAIN_THREADS_MAX, self.threads);
        let is_rate = self.lr.is_finite() && self.lr > 0.0;
        deny(!is_rate, "lr", format!("a learning rate is above 0; {} is not", self.lr));
        let is_share = (0.0..=1.0).contains(&self.sample);
        deny(!is_share, "sample", format!("a share from 0 to 1; {} is not", self.sample));
        deny(words < 2, "corpus", format!("training takes two words at least; it has {words}"));
        let is_alone = self.position_weights && self.model != Model::Cbow;
        let problem = "only CBOW multiplies the words of a window by weights of their places";
        deny(is_alone, "position_weights", problem.to_owned());
        match self.loss {
            Loss::Negative { count, exponent } => {
                let max = limits::TRAIN_NEGATIVE_MAX;
                deny(!(1..=max).contains(&count), "negative", range(max, count));
                let is_power = (-10.0..=10.0).contains(&exponent);
                deny(!is_power, "ns_exponent", format!("from -10 to 10; {exponent} is not"));
            }
            Loss::Softmax => {
                let max = limits::TRAIN_SOFTMAX_WORDS_MAX;
                let problem = format!(
                    "full softmax takes {max} words at most, and these are {words}: raise \
                     min_count, or take negative sampling"
                );
                deny(words > max, "loss", problem);
            }
            Loss::Hierarchical => {}
        }
        if let Some(Ngrams { min_n, max_n, buckets }) = self.ngrams {
            let max = limits::N_GRAM_CHARS_MAX;
            let is_range = (1..=max_n).contains(&min_n) && max_n <= max;
            let problem = format!("1 <= minn <= maxn <= {max}; {min_n} and {max_n} are not so");
            deny(!is_range, "subwords", problem);
            let max = limits::TRAIN_BUCKETS_MAX;
            let problem = format!("from 1 to {max}; {buckets} is not");
            deny(!(1..=max).contains(&buckets), "buckets", problem);
            let is_over = self.input_rows(words) > limits::ROWS_MAX;
            let problem = format!("{words} words and {buckets} buckets are more rows than a table");
            deny(is_over, "buckets", problem);
            let problem = "sub-words are trained by one thread".to_owned();
            deny(self.threads > 1, "threads", problem);
        }
        if violations.is_empty() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::InvalidArgument { violations }))
    }

    /// Rows that are inputs, where there are so many words.
    pub fn input_rows(&self, words: usize) -> usize {
        words + self.ngrams.map_or(0, |ngrams| ngrams.buckets as usize)
    }

    /// Places of a window that have weights.
    pub(super) fn weighted_places(&self) -> usize {
        if self.position_weights { 2 * self.window } else { 0 }
    }

    /// Bytes of memory that training so many words takes beside the corpus, but for what each word's
    /// n-grams or path take.
    pub fn memory_bytes(&self, words: usize) -> u64 {
        let row = self.dim.next_multiple_of(16) as u64 * 4;
        let replicas = if self.threads > 1 { self.threads as u64 + 1 } else { 1 };
        let rows = (self.input_rows(words) + words + self.weighted_places()) as u64;
        rows * row * replicas + words as u64 * 32 + (1 << 20)
    }
}
