//! The rows of what was learned: each word with its vector and how often it occurs, and behind or between
//! them the words of the table that training began with. And the rows of the output matrix.

use std::cmp::Reverse;
use std::sync::Arc;

use crate::engine::{Current, Stop};
use crate::error::{At, Result};
use crate::format::{Row, RowReader, Step};
use crate::query::frequency::COUNT;
use crate::table::attributes::{AttributeValue, Attributes};
use crate::table::columns::RowAttributes;
use crate::text::subword::{Added, Buckets, Combine, Hashing, Subwords};
use crate::training::corpus::Corpus;
use crate::training::glove::Glove;
use crate::training::settings::Ngrams;
use crate::training::train::Trained;
use crate::vector::RowId;

/// Rows between two looks at whether to go on.
const ROWS_PER_LOOK: usize = 1_024;

/// What training made.
pub(super) enum Vectors {
    Words(Arc<Trained>),
    Glove(Box<Glove>),
}

impl Vectors {
    fn of(&self, word: RowId) -> Vec<f32> {
        match self {
            Self::Words(trained) => trained.vector(word),
            Self::Glove(glove) => glove.vector(word),
        }
    }

    /// What predicts a word: its row of the output matrix, which has one a word; of GloVe its context
    /// vector.
    fn output(&self, word: RowId) -> &[f32] {
        match self {
            Self::Words(trained) => trained.outputs().row(word.index()),
            Self::Glove(glove) => glove.context(word),
        }
    }

    /// The mean loss of each epoch.
    pub(super) fn losses(&self) -> Vec<f64> {
        match self {
            Self::Words(trained) => trained.losses.clone(),
            Self::Glove(glove) => glove.losses.clone(),
        }
    }
}

/// The table that training began with.
pub(super) struct Before {
    pub(super) current: Arc<Current>,
    /// Whether its words keep their vectors.
    pub(super) is_frozen: bool,
    /// The sub-words that were learned: words that the text lacks moved with them.
    pub(super) moved: Option<Arc<Subwords>>,
}

impl Before {
    /// The vector of one of its words that the text lacks.
    fn carried(&self, row: RowId) -> Result<Vec<f32>> {
        let view = self.current.view();
        let (word, mut vector) = (view.word(row), view.vector(row).to_vec());
        let both = self.moved.as_ref().zip(view.subwords());
        let Some((after, before)) = both.filter(|_| !self.is_frozen && word != END_OF_LINE) else {
            return Ok(vector);
        };
        // A mean with nothing is the part of it that n-grams make.
        let part = |subwords: &Subwords| {
            let mut part = vec![0.0; vector.len()];
            subwords.mean_with(word, &mut part).map(|()| part)
        };
        let (after, before) = (part(after)?, part(before)?);
        for ((value, after), before) in vector.iter_mut().zip(after).zip(before) {
            *value += after - before;
        }
        Ok(vector)
    }
}

/// fastText's end of a line, which has no n-grams there.
const END_OF_LINE: &[u8] = b"</s>";

/// Where a row comes from.
#[derive(Clone, Copy)]
enum Origin {
    Learned(RowId),
    Carried(RowId),
}

/// Reads them, the most frequent first.
pub(super) struct LearnedRows {
    corpus: Arc<Corpus>,
    vectors: Arc<Vectors>,
    before: Option<Before>,
    /// How often each occurs, and where it is.
    order: Vec<(u64, Origin)>,
    dim: usize,
    at: usize,
    stop: Stop,
}

impl LearnedRows {
    /// The words of a corpus and those of the table that training began with, whose counts are added.
    pub(super) fn new(
        (corpus, vectors): (Arc<Corpus>, Arc<Vectors>),
        before: Option<Before>,
        dim: usize,
        stop: Stop,
    ) -> Self {
        let mut order = Vec::with_capacity(corpus.words().len());
        for (row, &count) in (0..).map(RowId).zip(corpus.counts()) {
            let known = before.as_ref().and_then(|before| {
                let before = before.current.view();
                before.row(corpus.words().word(row)).map(|row| count_of(before.attributes(row)))
            });
            let count = count.saturating_add(known.unwrap_or(0));
            order.push((count, Origin::Learned(row)));
        }
        if let Some(before) = &before {
            let before = before.current.view();
            let is_carried = |row: &RowId| corpus.words().row(before.word(*row)).is_none();
            let carried = before.rows().filter(is_carried);
            order.extend(
                carried.map(|row| (count_of(before.attributes(row)), Origin::Carried(row))),
            );
        }
        // Stable: without a table before, rows are in the corpus's order.
        order.sort_by_key(|&(count, _)| Reverse(count));
        Self { corpus, vectors, before, order, dim, at: 0, stop }
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    fn row(&self, count: u64, origin: Origin) -> Result<Row> {
        let mut attributes = Attributes::new();
        let frozen = self.before.as_ref().filter(|before| before.is_frozen);
        let (word, vector) = match (origin, &self.before) {
            (Origin::Carried(row), Some(before)) => {
                let view = before.current.view();
                attributes = view.attributes(row).to_attributes();
                (view.word(row).to_vec(), before.carried(row)?)
            }
            (Origin::Learned(row) | Origin::Carried(row), _) => {
                let word = self.corpus.words().word(row);
                // To the last bit, which a mean with n-grams would not be.
                let kept = frozen.and_then(|before| {
                    let view = before.current.view();
                    view.row(word).map(|row| view.vector(row).to_vec())
                });
                (word.to_vec(), kept.unwrap_or_else(|| self.vectors.of(row)))
            }
        };
        if count > 0 {
            attributes.set(COUNT.to_owned(), AttributeValue::from(count));
        }
        Ok(Row { word, vector, at: At::Row(self.at as u64), attributes })
    }
}

impl RowReader for LearnedRows {
    fn dim(&self) -> usize {
        self.dim
    }

    fn claimed_rows(&self) -> Option<u64> {
        None
    }

    fn counted_rows(&self) -> Option<usize> {
        Some(self.order.len())
    }

    fn read(&mut self, row: &mut Row) -> Result<Step> {
        if self.at.is_multiple_of(ROWS_PER_LOOK) {
            self.stop.check()?;
        }
        let Some(&(count, origin)) = self.order.get(self.at) else { return Ok(Step::End) };
        *row = self.row(count, origin)?;
        self.at += 1;
        Ok(Step::Row)
    }
}

/// Reads the rows of the output matrix, in the order of the corpus.
pub(super) struct OutputRows {
    pub(super) corpus: Arc<Corpus>,
    pub(super) vectors: Arc<Vectors>,
    pub(super) dim: usize,
    /// The next one.
    pub(super) at: usize,
    pub(super) stop: Stop,
}

impl RowReader for OutputRows {
    fn dim(&self) -> usize {
        self.dim
    }

    fn claimed_rows(&self) -> Option<u64> {
        None
    }

    fn counted_rows(&self) -> Option<usize> {
        Some(self.corpus.words().len())
    }

    fn read(&mut self, row: &mut Row) -> Result<Step> {
        if self.at.is_multiple_of(ROWS_PER_LOOK) {
            self.stop.check()?;
        }
        let Some(&count) = self.corpus.counts().get(self.at) else { return Ok(Step::End) };
        let Ok(word) = RowId::try_from(self.at) else { return Ok(Step::End) };
        let mut attributes = Attributes::new();
        attributes.set(COUNT.to_owned(), AttributeValue::from(count));
        let (bytes, vector) = (self.corpus.words().word(word), self.vectors.output(word));
        let at = At::Row(self.at as u64);
        *row = Row { word: bytes.to_vec(), vector: vector.to_vec(), at, attributes };
        self.at += 1;
        Ok(Step::Row)
    }
}

/// How often a word occurs, by its attribute; 0 if that is not told.
fn count_of(attributes: RowAttributes<'_>) -> u64 {
    attributes.get(COUNT).and_then(AttributeValue::count).unwrap_or(0)
}

/// The n-grams that were learned, as a table's sub-words.
pub(super) fn subwords(trained: &Arc<Trained>, ngrams: Ngrams, dim: usize) -> Result<Subwords> {
    let Ngrams { min_n, max_n, buckets } = ngrams;
    let rows = LearnedBuckets { trained: Arc::clone(trained), count: buckets, dim };
    let brackets = ("<".to_owned(), ">".to_owned());
    let (hashing, combine) = (Hashing::Fasttext { buckets }, Combine::Mean);
    Subwords { hashing, combine, min_n, max_n, brackets, buckets: Arc::new(rows) }.check()
}

struct LearnedBuckets {
    trained: Arc<Trained>,
    count: u32,
    dim: usize,
}

impl Buckets for LearnedBuckets {
    fn dim(&self) -> usize {
        self.dim
    }

    fn add(&self, bucket: u64, sum: &mut [f32]) -> Result<Added> {
        let row = u32::try_from(bucket).ok().and_then(|bucket| self.trained.bucket(bucket));
        let Some(row) = row else { return Ok(Added::No) };
        for (sum, value) in sum.iter_mut().zip(row) {
            *sum += value;
        }
        Ok(Added::Yes)
    }

    fn numbers(&self) -> Box<dyn Iterator<Item = u64> + '_> {
        Box::new((0..self.count).map(u64::from))
    }

    fn bytes(&self) -> usize {
        self.count as usize * self.dim * size_of::<f32>()
    }
}
