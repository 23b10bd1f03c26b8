//! The questions people ask of word vectors, as pure functions of a table and an index.
//!
//! | file | question |
//! | --- | --- |
//! | `resolve.rs` | which rows and vectors do the words of a question stand for? |
//! | `pieces.rs` | which rows do the pieces of a text or an unknown word have? |
//! | `filter.rs` | which rows may answer? |
//! | `nearest.rs` | which words are nearest to these? |
//! | `analogy.rs` | a is to b as c is to what? |
//! | `lookup.rs` | which vectors do words have? |
//! | `words.rs` | which words does the table have? |
//! | `similarity.rs` | how alike are two words? |
//! | `similarity_matrix.rs` | how alike are all words of a list? |
//! | `set_similarity.rs` | how alike are two sets of words? |
//! | `word_movers.rs` | how far are two texts apart? |
//! | `rank.rs` | where does a word stand among another's neighbors? |
//! | `given.rs` | which of these words is nearest, or most central? |
//! | `senses.rs` | which senses does a word have, and which one is meant? |
//! | `occurrences.rs` | which senses do the places have where a word stands? |
//! | `compare.rs` | how differently do two tables see a word? |
//! | `odd_one_out.rs` | which word does not belong? |
//! | `recall.rs` | how much does the graph find? |
//! | `health.rs` | what is odd about a table? |
//! | `map.rs` | where do words stand in two dimensions? |
//! | `components.rs` | where by principal components, and in which clusters? |
//! | `arrange.rs` | where, if neighbors are to stay together? |
//! | `attraction.rs` | where do places come to rest that attract and repel each other? |
//! | `places.rs` | where were they arranged before? |
//! | `huffman.rs` | where does a word stand in the Huffman tree over a table's words? |
//! | `tokenize.rs` | how is a text cut, and which of its tokens does the table know? |
//! | `embed.rs` | which vector has a text? |
//! | `sparse.rs` | which components of a text's vector are not 0? |
//! | `transformer.rs` | which vector has a text as a transformer takes it in? |
//! | `alike.rs` | how alike are two texts? |
//! | `facets.rs` | how are words spread over the values of an attribute? |
//! | `condition/` | are a word's attributes so? |
//! | `frequency.rs` | how frequent is a word, and which direction do all texts share? |
//! | `answer_size.rs` | has the answer room in a message? |

pub mod alike;
pub mod analogy;
pub mod answer_size;
pub mod arrange;
mod attraction;
pub mod compare;
mod components;
pub mod condition;
pub mod embed;
pub mod facets;
pub mod filter;
pub mod frequency;
pub mod given;
#[cfg(test)]
pub(crate) mod golden;
pub mod health;
pub mod huffman;
pub mod lookup;
pub mod map;
pub mod nearest;
mod occurrences;
pub mod odd_one_out;
mod pieces;
pub mod places;
pub mod rank;
pub mod recall;
pub mod resolve;
pub mod senses;
pub mod set_similarity;
pub mod similarity;
pub mod similarity_matrix;
pub mod sparse;
pub mod tokenize;
mod transformer;
pub mod word_movers;
pub mod words;

use crate::error::Result;
use crate::index::IndexKind;
use crate::query::answer_size::{AnswerSize, attribute_bytes, word_bytes};
use crate::table::attributes::Attributes;
use crate::table::columns::RowAttributes;
use crate::table::view::View;
use crate::vector::RowId;

pub use crate::steps::GoOn;

/// A word of the table, a row of it, a vector of one's own, or a text.
#[derive(Clone, Debug, PartialEq)]
pub enum WordOrVector {
    /// A word.
    Word(String),
    /// A row.
    Row(RowId),
    /// A vector of the table's dimension.
    Vector(Vec<f32>),
    /// A text: the mean of its words' unit vectors.
    Text(String),
}

/// A [`WordOrVector`] that counts so much in a weighted mean.
#[derive(Clone, Debug, PartialEq)]
pub struct Weighted {
    /// The word, vector or text.
    pub query: WordOrVector,
    /// How much: finite and not 0; 1 if nothing else is wanted.
    pub weight: f32,
}

/// What to do with a word that the table does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OovPolicy {
    /// Refuse the question, naming all unknown words.
    #[default]
    Error,
    /// Leave the word out and name it in the answer.
    Skip,
    /// Take a vector of zeros.
    Zero,
    /// Take the row that the table has for unknown words.
    Unk,
    /// Make a vector of the word's n-grams, where the table has them.
    Subword,
    /// Take random numbers that depend on the word alone.
    Random,
    /// Take the mean of the pieces that a tokenizer cuts it into.
    Tokenize,
}

impl OovPolicy {
    /// Every policy.
    pub const ALL: [Self; 7] = [
        Self::Error,
        Self::Skip,
        Self::Zero,
        Self::Unk,
        Self::Subword,
        Self::Random,
        Self::Tokenize,
    ];
}

/// A word that the table does not have, whose vector was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadeWord {
    /// As asked.
    pub asked: String,
    /// How: [`OovPolicy::Zero`] and those that follow it.
    pub made_by: OovPolicy,
    /// The row taken for it ([`OovPolicy::Unk`]).
    pub row: Option<RowId>,
    /// The pieces it was made of, in order ([`OovPolicy::Tokenize`]).
    pub pieces: Vec<ResolvedWord>,
    /// Its pieces that have no row.
    pub unknown_pieces: Vec<String>,
}

/// One way of writing a word before it is looked up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Preprocessor {
    /// Unicode lower case.
    pub lowercase: bool,
    /// Remove combining marks after canonical decomposition.
    pub strip_accents: bool,
}

/// Which of the forms of a word that the table has are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// The first one.
    #[default]
    First,
    /// All of them: a set grows by them, and for a single word stands the mean of their unit vectors.
    All,
}

/// How the words of a question are looked up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WordOptions {
    /// What to do with unknown words.
    pub oov: OovPolicy,
    /// Tried in order; the first form that the table has is used. Empty: the word as it is.
    pub preprocessors: Vec<Preprocessor>,
    /// Which of those forms are used.
    pub strategy: Strategy,
    /// What cuts texts, and unknown words under [`OovPolicy::Tokenize`]; empty: what the table has.
    pub tokenizer: String,
    /// Whether the answer does not say which words were found: of thousands that takes longer than all else.
    pub found_untold: bool,
}

/// How near to search: what every question that uses an index says.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Effort {
    /// Compare every row, even if the graph is ready.
    pub exact: bool,
    /// Width of the graph's beam; none: the table's own.
    pub ef_search: Option<usize>,
    /// Without a width: the share of the 10 nearest rows that searches should find, as measured when
    /// the graph was built.
    pub min_recall: Option<f32>,
}

/// A row of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Neighbor {
    /// The word's bytes, which should be UTF-8.
    pub word: Vec<u8>,
    /// Its row.
    pub row: RowId,
    /// Cosine similarity (for 3CosMul: its product).
    pub similarity: f32,
    /// What was asked of the row beside its word.
    pub included: Included,
}

/// What is asked of each row of an answer beside its word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is asked by itself")]
pub struct Include {
    /// Its attributes.
    pub attributes: bool,
    /// Its vector, as stored.
    pub vectors: bool,
    /// The Euclidean length of that.
    pub norms: bool,
    /// Whether vectors go over the wire as bytes.
    pub packed: bool,
}

/// What an answer tells of a row beside its word: nothing that was not asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Included {
    /// Its attributes.
    pub attributes: Attributes,
    /// Its vector, as stored.
    pub vector: Option<Vec<f32>>,
    /// The Euclidean length of that.
    pub norm: Option<f32>,
    /// Whether the vector goes over the wire as bytes.
    pub packed: bool,
}

impl Included {
    /// What is asked of a row, counted with its word as part of an answer.
    fn of(table: &View, row: RowId, include: Include, size: &mut AnswerSize) -> Result<Self> {
        let attributes =
            if include.attributes { table.attributes(row) } else { RowAttributes::None };
        let vector = if include.vectors { table.dim() * size_of::<f32>() } else { 0 };
        size.add(word_bytes(table.word(row)) + attribute_bytes(attributes) + vector)?;
        Ok(Self {
            attributes: attributes.to_attributes(),
            vector: include.vectors.then(|| table.vector(row).to_vec()),
            norm: include.norms.then(|| table.norm(row)),
            packed: include.packed,
        })
    }
}

/// How a word of the question was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedWord {
    /// As asked.
    pub asked: String,
    /// The form that the table has.
    pub found: String,
    /// Its row.
    pub row: RowId,
}

/// What a text of a question was made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsedText {
    /// The field of the question.
    pub field: String,
    /// What cut it.
    pub tokenizer: String,
    /// Words that the table has, each once, in the order of the text.
    pub words: Vec<ResolvedWord>,
    /// Words that were left out, each once.
    pub unknown: Vec<String>,
    /// Tokens of the text.
    pub token_count: usize,
    /// Those that have a vector.
    pub used_count: usize,
}

/// Which words of a question were found, and which were skipped; each once, though asked twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WordsUsed {
    /// Found, in the order first asked.
    pub found: Vec<ResolvedWord>,
    /// Skipped, in the order first asked.
    pub unknown: Vec<String>,
    /// Those that the table does not have and that stand in the answer all the same, in the order
    /// first asked.
    pub made: Vec<MadeWord>,
    /// The texts, in the order asked.
    pub texts: Vec<UsedText>,
}

/// What answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnsweredBy {
    /// The kind of index.
    pub kind: IndexKind,
    /// How far it was to look; none if exact.
    pub ef_search: Option<usize>,
}

impl AnsweredBy {
    /// Every row compared.
    pub const EXACT: Self = Self { kind: IndexKind::Exact, ef_search: None };

    /// What an index said, which was asked for a beam of this width.
    fn of(kind: IndexKind, ef_search: usize) -> Self {
        let ef_search = (!kind.is_exact()).then_some(ef_search);
        Self { kind, ef_search }
    }
}

#[cfg(test)]
mod relation_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod text_tests;
