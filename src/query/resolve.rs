//! Looks up all words of a question at once: what each stands for, and which ones the table lacks.

use std::borrow::Cow;
use std::collections::HashSet;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use crate::error::{Context as _, Error, ErrorKind, Result, Violation};
use crate::query::answer_size::AnswerSize;
use crate::query::pieces::{self, Made};
use crate::query::{
    GoOn, OovPolicy, Preprocessor, ResolvedWord, Strategy, WordOptions, WordOrVector, WordsUsed,
};
use crate::steps::watched;
use crate::table::view::View;
use crate::text::subword::Subwords;
use crate::vector::RowId;
use crate::vector::algebra;

/// What a word, row, vector or text of a question stands for.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved<'a> {
    /// The vector, as imported, as given, or as made.
    pub vector: Cow<'a, [f32]>,
    /// The table's row; none for a vector of one's own, or one that was made.
    pub row: Option<RowId>,
    /// The word as asked, or that of the row, or the text; empty for a vector.
    pub word: Cow<'a, str>,
    /// The policy that made it, if the table does not have the word.
    pub made_by: Option<OovPolicy>,
    /// The rows that it was made of, if that is not one of its own.
    pub parts: Parts,
}

/// Rows of which a vector is the mean.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Parts {
    /// None: it is a row's, or somebody's own.
    #[default]
    None,
    /// The forms of a word ([`Strategy::All`]).
    Forms(Vec<RowId>),
    /// The words of a text, or the pieces of an unknown word.
    Pieces(Vec<RowId>),
}

impl<'a> Resolved<'a> {
    /// Its vector at length 1; none if that is all zeros.
    pub fn unit(&self) -> Option<Vec<f32>> {
        algebra::unit(&self.vector)
    }

    /// Its rows: its own one, or those of its forms.
    pub fn rows(&self) -> Vec<RowId> {
        match &self.parts {
            Parts::Forms(rows) => rows.clone(),
            Parts::None | Parts::Pieces(_) => self.row.into_iter().collect(),
        }
    }

    /// Every row that it was made of.
    pub fn inputs(&self) -> impl Iterator<Item = RowId> {
        let parts = match &self.parts {
            Parts::None => &[][..],
            Parts::Forms(rows) | Parts::Pieces(rows) => rows,
        };
        self.row.into_iter().chain(parts.iter().copied())
    }

    /// Each of its forms, as members of a set; itself if it has but one.
    pub fn members(self, table: &'a View) -> Vec<Self> {
        match &self.parts {
            Parts::Forms(rows) => {
                rows.iter().map(|&row| of_row(table, row, self.word.clone())).collect()
            }
            Parts::None | Parts::Pieces(_) => vec![self],
        }
    }
}

/// What is told of a question's words while they are looked up, each once.
#[derive(Debug, Default)]
pub(super) struct Telling {
    words: WordsUsed,
    missed: HashSet<String>,
    made: HashSet<String>,
}

impl Telling {
    fn miss(&mut self, word: &str) {
        if !self.missed.contains(word) {
            self.missed.insert(word.to_owned());
            self.words.unknown.push(word.to_owned());
        }
    }

    /// That a vector was made for a word.
    pub(super) fn make(&mut self, made: &Made<'_>, word: &str, by: OovPolicy) {
        if !self.made.contains(word) {
            self.made.insert(word.to_owned());
            self.words.made.push(made.told(word.to_owned(), by));
        }
    }
}

/// Words up to which looking through those before is faster than a set of them.
const FEW: usize = 16;

/// What the words, rows, vectors and texts of a question stand for, one each, in the order asked;
/// none for what is unknown under [`OovPolicy::Skip`].
///
/// The answer tells each word once, in the order first asked, unless `options` leave those out that were found.
/// `field` names the field at a position of `asked`, such as `positive[2]`, for errors.
///
/// # Errors
///
/// In this order: `DimensionMismatch` and `NotFinite` for the first such vector; if there is no such
/// tokenizer or it refuses a text; `Unsuited` if the table has nothing that the policy makes vectors
/// of; `InvalidArgument` naming every row that the table does not have and every text without a word;
/// `UnknownWords` naming every unknown word, unless [`OovPolicy::Skip`] leaves them out: under
/// [`OovPolicy::Subword`] and [`OovPolicy::Tokenize`], every word of which no part is known; and those
/// of texts in which no word is. `TooLarge` if the words of rows, or vectors that are made, have
/// no room in a message. Whatever `go_on` says.
pub fn resolve<'a>(
    table: &'a View,
    options: &WordOptions,
    asked: &[&'a WordOrVector],
    field: &dyn Fn(usize) -> String,
    go_on: GoOn<'_>,
) -> Result<(Vec<Option<Resolved<'a>>>, WordsUsed)> {
    let mut telling = Telling::default();
    let mut before = (asked.len() > FEW).then(HashSet::new);
    let mut violations = Vec::new();
    let (mut resolved, mut size) = (Vec::with_capacity(asked.len()), AnswerSize::default());
    for one in watched(asked.iter().enumerate(), go_on) {
        let (i, &one) = one?;
        let found: Option<Resolved<'_>> = match one {
            WordOrVector::Word(word) => {
                let is_first = !options.found_untold
                    && match &mut before {
                        Some(before) => before.insert(word.as_str()),
                        None => !asked[..i].contains(&one),
                    };
                let found = is_first.then_some(&mut telling.words.found);
                let found = if options.strategy == Strategy::All {
                    forms(table, options, word, found)
                } else {
                    look_up(table, options, word, found)
                };
                match found {
                    Some(found) => Some(found),
                    None => made(table, options, word, &mut telling)?,
                }
            }
            WordOrVector::Row(row) if table.has(*row) => {
                Some(of_row(table, *row, table.shown(*row)))
            }
            WordOrVector::Row(row) => {
                let problem = no_row(table, *row);
                violations.push(Violation { field: format!("{}.row", field(i)), problem });
                None
            }
            WordOrVector::Vector(vector) => {
                check(table, vector, || format!("{}.vector", field(i)))?;
                Some(Resolved::of(Cow::Borrowed(vector.as_slice()), ""))
            }
            WordOrVector::Text(text) => {
                let found = of_text(table, options, (text, field(i)), &mut telling, go_on)?;
                let texts = &telling.words.texts;
                if texts.last().is_some_and(|text| text.token_count == 0) {
                    let problem = "the tokenizer finds no word in it".to_owned();
                    violations.push(Violation { field: format!("{}.text", field(i)), problem });
                }
                found
            }
        };
        // The question has room for what it names; what rows and made vectors bring may be more.
        match &found {
            Some(Resolved { vector: Cow::Owned(vector), .. }) => {
                size.add(size_of_val(&vector[..]))?;
            }
            Some(Resolved { row: Some(row), .. }) => size.add_word(table.word(*row))?,
            Some(_) | None => {}
        }
        resolved.push(found);
    }
    if !violations.is_empty() {
        return Err(Error::new(ErrorKind::InvalidArgument { violations }));
    }
    let words = telling.words;
    if options.oov == OovPolicy::Skip || words.unknown.is_empty() {
        Ok((resolved, words))
    } else {
        Err(Error::new(ErrorKind::UnknownWords { words: words.unknown }))
    }
}

impl<'a> Resolved<'a> {
    /// A vector that is no row's.
    fn of(vector: Cow<'a, [f32]>, word: &'a str) -> Self {
        let word = Cow::Borrowed(word);
        Self { vector, row: None, word, made_by: None, parts: Parts::None }
    }
}

fn no_row(table: &View, row: RowId) -> String {
    if row.index() < table.rows_end() {
        return format!("row {row} is not in the table: its word was deleted");
    }
    format!("row {row} is not in the table: its last row is {}", table.rows_end() - 1)
}

/// A text; none if no word of it is known.
fn of_text<'a>(
    table: &View,
    options: &WordOptions,
    (text, field): (&'a str, String),
    telling: &mut Telling,
    go_on: GoOn<'_>,
) -> Result<Option<Resolved<'a>>> {
    let mean = pieces::of_text(table, options, text, telling, go_on);
    let mut mean = mean.context(|| field.clone())?;
    mean.used.field = field;
    if mean.vector.is_none() && options.oov != OovPolicy::Skip {
        mean.used.unknown.iter().for_each(|word| telling.miss(word));
    }
    telling.words.texts.push(mean.used);
    let parts = Parts::Pieces(mean.rows);
    Ok(mean.vector.map(|vector| Resolved { parts, ..Resolved::of(Cow::Owned(vector), text) }))
}

/// What stands for a word that the table does not have, by the policy; none if it is unknown still.
fn made<'a>(
    table: &'a View,
    options: &WordOptions,
    asked: &'a str,
    telling: &mut Telling,
) -> Result<Option<Resolved<'a>>> {
    let Some(made) = make(table, options, asked)? else {
        telling.miss(asked);
        return Ok(None);
    };
    telling.make(&made, asked, options.oov);
    let parts = match made.pieces.iter().map(|piece| piece.row).collect::<Vec<_>>() {
        rows if rows.is_empty() => Parts::None,
        rows => Parts::Pieces(rows),
    };
    let made_by = Some(options.oov);
    Ok(Some(Resolved { row: made.row, made_by, parts, ..Resolved::of(made.vector, asked) }))
}

/// A vector for a word that the table does not have, by the policy; none if there is none.
pub(super) fn make<'a>(
    table: &'a View,
    options: &WordOptions,
    asked: &str,
) -> Result<Option<Made<'a>>> {
    let form = options.preprocessors.first().map_or(asked.into(), |first| first.apply(asked));
    let of = |vector| Made { vector, row: None, pieces: Vec::new(), unknown_pieces: Vec::new() };
    Ok(match options.oov {
        OovPolicy::Error | OovPolicy::Skip => None,
        OovPolicy::Zero => Some(of(Cow::Owned(vec![0.0; table.dim()]))),
        OovPolicy::Random => Some(of(Cow::Owned(random(form.as_bytes(), table.dim())))),
        OovPolicy::Unk => {
            let row = unk(table)?;
            Some(Made { row: Some(row), ..of(table.vector(row)) })
        }
        OovPolicy::Subword => {
            subwords(table)?.vector(form.as_bytes())?.map(|vector| of(Cow::Owned(vector)))
        }
        OovPolicy::Tokenize => {
            let (pieces, unknown_pieces) = pieces::known(pieces::of_word(table, options, &form)?);
            let vectors = pieces.iter().map(|piece| table.vector(piece.row));
            let vector = Cow::Owned(pieces::mean(table.dim(), vectors));
            (!pieces.is_empty()).then(|| Made { pieces, unknown_pieces, ..of(vector) })
        }
    })
}

/// Every form of a word that the table has, told if it is wanted; none if there is none.
fn forms<'a>(
    table: &'a View,
    options: &WordOptions,
    asked: &'a str,
    mut told: Option<&mut Vec<ResolvedWord>>,
) -> Option<Resolved<'a>> {
    let as_it_is = [Preprocessor::default()];
    let ways =
        if options.preprocessors.is_empty() { &as_it_is } else { &options.preprocessors[..] };
    let mut rows = Vec::new();
    for way in ways {
        let form = way.apply(asked);
        let Some(row) = table.row(form.as_bytes()).filter(|row| !rows.contains(row)) else {
            continue;
        };
        rows.push(row);
        if let Some(told) = &mut told {
            let (asked, found) = (asked.to_owned(), form.into_owned());
            told.push(ResolvedWord { asked, found, row });
        }
    }
    match rows[..] {
        [] => None,
        [row] => Some(of_row(table, row, Cow::Borrowed(asked))),
        [_, _, ..] => {
            let units: Vec<_> = rows.iter().map(|&row| table.unit(row)).collect();
            let mean = pieces::mean(table.dim(), units.iter().map(Vec::as_slice));
            let parts = Parts::Forms(rows);
            Some(Resolved { parts, ..Resolved::of(Cow::Owned(mean), asked) })
        }
    }
}

/// What tables call the row for unknown words.
const UNK: [&str; 4] = ["<unk>", "[UNK]", "<UNK>", "unk"];

fn unk(table: &View) -> Result<RowId> {
    UNK.iter().find_map(|word| table.row(word.as_bytes())).ok_or_else(|| {
        let because = format!("it has no row for unknown words: none of {}", UNK.join(", "));
        Error::new(ErrorKind::Unsuited { operation: "taking a row for unknown words", because })
    })
}

fn subwords(table: &View) -> Result<&Subwords> {
    table.subwords().map(AsRef::as_ref).ok_or_else(|| {
        let operation = "making vectors of sub-words";
        let because = "it has none: import a model that does, such as fastText's .bin".to_owned();
        Error::new(ErrorKind::Unsuited { operation, because })
    })
}

/// Numbers from -0.25 to 0.25, as Kim (2014, "Convolutional Neural Networks for Sentence
/// Classification") takes for unknown words: `SplitMix64`, begun with the word's FNV-1a in 64 bits,
/// the highest 24 bits of each output.
fn random(word: &[u8], dim: usize) -> Vec<f32> {
    let mut state = word.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    };
    #[expect(clippy::cast_precision_loss, reason = "24 bits fit")]
    let number = |bits: u64| (bits >> 40) as f32 / (1_u32 << 25) as f32 - 0.25;
    (0..dim).map(|_| number(next())).collect()
}

/// The first way of writing a word that the table has, and its row.
pub fn find<'w>(
    table: &View,
    preprocessors: &[Preprocessor],
    word: &'w str,
) -> Option<(Cow<'w, str>, RowId)> {
    if preprocessors.is_empty() {
        return Some((Cow::Borrowed(word), table.row(word.as_bytes())?));
    }
    preprocessors.iter().find_map(|preprocessor| {
        let form = preprocessor.apply(word);
        let row = table.row(form.as_bytes())?;
        Some((form, row))
    })
}

impl Preprocessor {
    /// The word written this way: lower case first, then without marks. What is left is composed
    /// again (NFC), as in gensim's `deaccent`, or every Korean syllable would fall apart.
    pub fn apply(self, word: &str) -> Cow<'_, str> {
        let word = if self.lowercase { Cow::Owned(word.to_lowercase()) } else { word.into() };
        if !self.strip_accents || word.is_ascii() {
            return word;
        }
        word.nfd().filter(|&c| !is_combining_mark(c)).nfc().collect::<String>().into()
    }
}

/// A word in the first form that the table has, told if that is wanted; none if there is none.
fn look_up<'a>(
    table: &'a View,
    options: &WordOptions,
    asked: &'a str,
    told: Option<&mut Vec<ResolvedWord>>,
) -> Option<Resolved<'a>> {
    let (found, row) = find(table, &options.preprocessors, asked)?;
    if let Some(told) = told {
        let (asked, found) = (asked.to_owned(), found.into_owned());
        told.push(ResolvedWord { asked, found, row });
    }
    Some(of_row(table, row, Cow::Borrowed(asked)))
}

fn of_row<'a>(table: &'a View, row: RowId, word: Cow<'a, str>) -> Resolved<'a> {
    let vector = table.vector(row);
    Resolved { vector, row: Some(row), word, made_by: None, parts: Parts::None }
}

fn check(table: &View, vector: &[f32], field: impl Fn() -> String) -> Result<()> {
    let (expected, got) = (table.dim(), vector.len());
    if expected != got {
        return Err(Error::new(ErrorKind::DimensionMismatch { expected, got })).context(field);
    }
    match vector.iter().position(|value| !value.is_finite()) {
        Some(i) => Err(Error::new(ErrorKind::NotFinite { at: format!("{}.values[{i}]", field()) })),
        None => Ok(()),
    }
}
