//! How texts are cut, from the wire: shared by every question about texts.

use crate::limits;
use crate::proto as pb;
use crate::query::tokenize::Cutting;
use crate::query::{OovPolicy, WordOptions};
use crate::server::wire::Fields;
use crate::table::meta::TableName;
use crate::text::fit::{Keep, Padding, Truncation};
use crate::text::special::SpecialText;
use crate::text::tokenizer::CutOptions;

impl Fields {
    /// Texts that have room.
    pub(super) fn texts(&mut self, field: &str, texts: &[String]) {
        self.count(field, texts.len(), 1..=limits::TEXTS_MAX);
        for (i, text) in texts.iter().enumerate() {
            self.text(format_args!("{field}[{i}]"), text);
        }
        let all: usize = texts.iter().map(String::len).sum();
        self.bytes(field, all, limits::TEXTS_BYTES_MAX);
    }

    pub(super) fn text(&mut self, field: impl std::fmt::Display, text: &str) {
        if text.len() > limits::TEXT_BYTES_MAX {
            let max = limits::TEXT_BYTES_MAX;
            let problem = format!("{} bytes; at most {max} allowed: send it in parts", text.len());
            self.bad(field, problem);
        }
    }

    /// A table that need not be named.
    pub(super) fn table_if_named(&mut self, name: String) -> Option<TableName> {
        if name.is_empty() { None } else { self.table(name) }
    }

    pub(super) fn cutting(&mut self, cutting: Option<pb::Cutting>) -> Cutting {
        let Some(cutting) = cutting else { return Cutting::default() };
        self.within("cutting", |fields| {
            fields.bytes("tokenizer", cutting.tokenizer.len(), limits::TABLE_NAME_CHARS_MAX);
            let count = cutting.allowed_special.len();
            fields.count("allowed_special", count, 0..=limits::TOKENIZER_WORDS_MAX);
            let special_text = match fields.choice("special_text", cutting.special_text) {
                pb::SpecialText::Unspecified => SpecialText::Own,
                pb::SpecialText::Parse => SpecialText::Parse,
                pb::SpecialText::Plain => SpecialText::Plain,
                pb::SpecialText::Refuse => SpecialText::Refuse,
            };
            let allowed_special = cutting.allowed_special;
            let options = CutOptions { bare: cutting.bare, special_text, allowed_special };
            Cutting { tokenizer: cutting.tokenizer, options }
        })
    }

    /// Where words that are unknown are left out unless something else is said.
    pub(super) fn word_options_of_texts(&mut self, words: Option<pb::WordOptions>) -> WordOptions {
        let is_unsaid =
            words.as_ref().is_none_or(|words| words.oov() == pb::OovPolicy::Unspecified);
        let words = self.words_of_tokens(words);
        if !matches!(words.oov, OovPolicy::Error | OovPolicy::Skip) {
            self.bad(
                "words.oov",
                "unknown tokens of a text are left out or refused: SKIP or ERROR",
            );
        }
        if is_unsaid { WordOptions { oov: OovPolicy::Skip, ..words } } else { words }
    }

    pub(super) fn truncation(&mut self, truncation: Option<pb::Truncation>) -> Option<Truncation> {
        use pb::truncation::Keep as Asked;
        let truncation = truncation?;
        Some(self.within("truncation", |fields| {
            let max = Some(truncation.max_tokens);
            let max = fields.number("max_tokens", max, 1..=limits::TOKENS_MAX, 1);
            let keep = match fields.choice("keep", truncation.keep) {
                Asked::Unspecified | Asked::Head => Keep::Head,
                Asked::Tail => Keep::Tail,
                Asked::Ends => Keep::Ends,
                Asked::Sample => Keep::Sample(truncation.seed),
            };
            Truncation { max, keep }
        }))
    }

    pub(super) fn padding(&mut self, padding: Option<pb::Padding>) -> Option<Padding> {
        let padding = padding?;
        Some(self.within("padding", |fields| {
            let range = 1..=limits::TOKENS_MAX;
            let length = padding
                .length
                .map(|length| fields.number("length", Some(length), range.clone(), 1));
            let multiple_of = fields.number("multiple_of", padding.multiple_of, range, 1);
            Padding { length, multiple_of, left: padding.left, id: padding.id }
        }))
    }
}
