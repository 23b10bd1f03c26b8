//! What is asked: words that are drawn from the table, and what can be asked of them.

use clap::ValueEnum;

use crate::cli::failure::{Failure, Result};
use crate::client::{
    self, AnalogyRequest, AnswerInfo, Client, LookupRequest, NearestRequest, SampleWordsRequest,
    Vector, WordOrVector, word_or_vector::Query,
};

/// A kind of question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
    /// The vector of a word
    Lookup,
    /// The nearest words of a word
    Nearest,
    /// The nearest words of a vector that is no row's
    Vector,
    /// a is to b as c is to what?
    Analogy,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Lookup => "lookup",
            Self::Nearest => "nearest",
            Self::Vector => "vector",
            Self::Analogy => "analogy",
        }
    }
}

/// Words of a table, and what is needed to ask for them.
#[derive(Debug)]
pub(super) struct Questions {
    table: String,
    words: Vec<String>,
    vectors: Vec<Vec<f32>>,
}

/// One question.
#[derive(Clone, Debug)]
pub(super) enum Question {
    Lookup(LookupRequest),
    Nearest(Box<NearestRequest>),
    Analogy(Box<AnalogyRequest>),
}

impl Questions {
    /// Draws so many words with this seed.
    pub(super) async fn draw(
        client: &Client,
        table: &str,
        (count, seed): (u32, u64),
    ) -> Result<Self> {
        let table = table.to_owned();
        let request = SampleWordsRequest {
            table: table.clone(),
            count: Some(count),
            seed,
            ..SampleWordsRequest::default()
        };
        let mut drawn = client.sample_words(request).await?.words;
        if drawn.is_empty() {
            return Err(Failure::Local(format!("{table} has no words that could be asked")));
        }
        // They come in the order of rows, in which frequent words stand first.
        shuffle(&mut drawn, seed);
        let words: Vec<String> = drawn.into_iter().map(|word| word.word).collect();
        let request = LookupRequest {
            table: table.clone(),
            queries: words.iter().map(|word| word.as_str().into()).collect(),
            unit: true,
            ..LookupRequest::default()
        };
        let found = client.lookup(request).await?.vectors;
        let vectors = found.into_iter().filter_map(|found| found.vector);
        Ok(Self { table, words, vectors: vectors.map(|vector| vector.values).collect() })
    }

    /// How many words there are.
    pub(super) fn words(&self) -> usize {
        self.words.len()
    }

    /// A question of each kind for each word.
    pub(super) fn questions(&self, kinds: &[Kind], k: u32) -> Vec<Question> {
        let each = |place| kinds.iter().map(move |&kind| self.question(kind, place, k));
        (0..self.words.len()).flat_map(each).collect()
    }

    fn question(&self, kind: Kind, place: usize, k: u32) -> Question {
        let word = |ahead: usize| -> WordOrVector {
            self.words[(place + ahead) % self.words.len()].as_str().into()
        };
        let table = self.table.clone();
        match kind {
            Kind::Lookup => Question::Lookup(LookupRequest {
                table,
                queries: vec![word(0)],
                ..LookupRequest::default()
            }),
            Kind::Nearest => Question::Nearest(Box::new(NearestRequest {
                table,
                positive: vec![word(0)],
                k: Some(k),
                ..NearestRequest::default()
            })),
            Kind::Vector => Question::Nearest(Box::new(NearestRequest {
                table,
                positive: vec![self.between(place)],
                k: Some(k),
                ..NearestRequest::default()
            })),
            Kind::Analogy => Question::Analogy(Box::new(AnalogyRequest {
                table,
                a: Some(word(0)),
                b: Some(word(1)),
                c: Some(word(2)),
                k: Some(k),
                ..AnalogyRequest::default()
            })),
        }
    }

    /// A vector between those of two words.
    fn between(&self, place: usize) -> WordOrVector {
        let vector = |ahead: usize| &self.vectors[(place + ahead) % self.vectors.len()];
        let values = vector(0).iter().zip(vector(1)).map(|(a, b)| 0.6 * a + 0.4 * b).collect();
        let query = Some(Query::Vector(Vector { values, ..Vector::default() }));
        WordOrVector { query, weight: None }
    }
}

impl Question {
    /// Asks, and tells how it was answered.
    pub(super) async fn ask(self, client: &Client) -> client::Result<Option<AnswerInfo>> {
        Ok(match self {
            Self::Lookup(request) => client.lookup(request).await?.answer,
            Self::Nearest(request) => client.nearest(*request).await?.answer,
            Self::Analogy(request) => client.analogy(*request).await?.answer,
        })
    }
}

/// Fisher and Yates' shuffle, the same one for the same seed.
fn shuffle<T>(items: &mut [T], seed: u64) {
    let mut state = seed ^ 0x9e37_79b9_7f4a_7c15;
    for place in (1..items.len()).rev() {
        // Knuth's MMIX generator.
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let other = (state >> 33) % (place as u64 + 1);
        items.swap(place, usize::try_from(other).unwrap_or(0));
    }
}
