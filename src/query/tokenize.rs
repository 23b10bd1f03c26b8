//! Which words of a text does a table know?

use std::borrow::Cow;
use std::ops::Range;

use crate::query::WordOptions;
use crate::query::resolve::find;
use crate::table::view::View;
use crate::text::{self, TokenizerKind};
use crate::vector::RowId;

/// Texts are to be cut into tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenizeQuery {
    /// The texts.
    pub texts: Vec<String>,
    /// How they are cut.
    pub tokenizer: TokenizerKind,
    /// How tokens are looked up. Its `oov` has no part in it: every token is told known or not.
    pub words: WordOptions,
}

/// A text cut into tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenizedText {
    /// In the order of the text.
    pub tokens: Vec<KnownToken>,
    /// Tokens that the table does not have; 0 without a table.
    pub unknown_count: usize,
}

/// A token, and whether a table has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownToken {
    /// The piece of text, as it stands there.
    pub piece: String,
    /// Where it stands, in UTF-8 bytes.
    pub bytes: Range<usize>,
    /// The same in Unicode code points.
    pub chars: Range<usize>,
    /// Whether the table has it; none without a table.
    pub known: Option<bool>,
    /// The table's row, if it has it.
    pub row: Option<RowId>,
    /// The form that the table has, if preprocessing changed the piece.
    pub found: Option<String>,
}

/// Cuts texts and looks each token up, if there is a table.
pub fn tokenize(table: Option<&View>, query: &TokenizeQuery) -> Vec<TokenizedText> {
    query.texts.iter().map(|text| tokenize_one(table, query, text)).collect()
}

fn tokenize_one(table: Option<&View>, query: &TokenizeQuery, text: &str) -> TokenizedText {
    let mut unknown_count = 0;
    let tokens = text::tokenizer(query.tokenizer).tokenize(text).into_iter().map(|token| {
        let found = table.and_then(|table| find(table, &query.words.preprocessors, token.piece));
        let known = table.map(|_| found.is_some());
        unknown_count += usize::from(known == Some(false));
        let (form, row) = found.unzip();
        KnownToken {
            piece: token.piece.to_owned(),
            bytes: token.bytes,
            chars: token.chars,
            known,
            row,
            found: form.filter(|form| form != token.piece).map(Cow::into_owned),
        }
    });
    let tokens = tokens.collect();
    TokenizedText { tokens, unknown_count }
}
