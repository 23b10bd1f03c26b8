//! `Tokenizer`: any kind, with one way to cut texts, to join tokens, and to look into its vocabulary.

use std::borrow::Cow;
use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::text::chance::Chance;
use crate::text::model::{self, Encode, Model, files};
use crate::text::ranks::{Ranks, is_tekken};
use crate::text::sentencepiece::SentencePiece;
use crate::text::spec::{File, Kind, Spec};
use crate::text::special::{Special, SpecialText, Specials};
use crate::text::words::Words;
use crate::text::words::jieba::Chinese;
use crate::text::{CharCount, InputToken, Token};

/// A tokenizer at work. Cheap to clone: every clone is the same.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    inner: Arc<Inner>,
    kind: &'static str,
}

#[derive(Debug)]
enum Inner {
    Words(Words),
    Hybrid { words: Words, parts: Tokenizer },
    Model(Box<Model>),
    Ranks(Box<Ranks>),
    SentencePiece(Box<SentencePiece>),
}

/// How a text is cut, beside the tokenizer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CutOptions {
    /// Whether the tokens are left out that the tokenizer puts around a text, such as `[CLS]`.
    pub bare: bool,
    /// What becomes of texts that are written like special tokens.
    pub special_text: SpecialText,
    /// Special tokens that are parsed whatever `special_text` says of the others.
    pub allowed_special: Vec<String>,
    /// How chance cuts, if it does.
    pub chance: Option<Chance>,
}

impl CutOptions {
    /// For the text at a place among others: chance cuts each by a seed of its own, the first by the
    /// one that was given.
    pub fn of_text(&self, at: u64) -> Cow<'_, Self> {
        match self.chance {
            None => Cow::Borrowed(self),
            Some(chance) => Cow::Owned(Self { chance: Some(chance.moved(at)), ..self.clone() }),
        }
    }
}

/// Whether a table has a word.
pub type Knows<'a> = &'a dyn Fn(&str) -> bool;

impl Tokenizer {
    /// A tokenizer from what it is made of; `stored` gives others by name.
    ///
    /// # Errors
    ///
    /// If a file cannot be read as what it should be, or if another tokenizer that it needs is not
    /// there.
    pub fn open(spec: &Spec, stored: &dyn Fn(&str) -> Result<Self>) -> Result<Self> {
        for file in &spec.files {
            file.check()?;
        }
        let file = |at: usize| spec.files.get(at).map_or(&[][..], File::text);
        let inner = match &spec.kind {
            Kind::Hybrid { words, parts } => {
                let words = Kind::of_name(words).and_then(|kind| Words::of(&kind));
                let words = words.ok_or_else(|| {
                    let names = Kind::NAMES.join(", ");
                    Error::invalid("hybrid.words", format!("one of {names} is needed"))
                })?;
                let parts = stored(parts)?;
                if parts.ids_end().is_none() || matches!(*parts.inner, Inner::Hybrid { .. }) {
                    let problem = "a tokenizer that has a vocabulary of its own is needed";
                    return Err(Error::invalid("hybrid.parts", problem));
                }
                Inner::Hybrid { words, parts }
            }
            Kind::Json if is_tekken(file(0)) => {
                Inner::Ranks(Box::new(Ranks::open_tekken(file(0))?))
            }
            Kind::Json => Inner::Model(Box::new(Model::open(file(0))?)),
            Kind::WordPiece { cased } => {
                Inner::Model(Box::new(Model::open(&files::word_pieces(file(0), *cased)?)?))
            }
            Kind::BytePairs => {
                // The vocabulary is JSON; the merges begin with anything else.
                let is_json = file(0).trim_ascii_start().starts_with(b"{");
                let (vocab, merges) = if is_json { (0, 1) } else { (1, 0) };
                let json = files::byte_pairs(file(vocab), file(merges))?;
                Inner::Model(Box::new(Model::open(&json)?))
            }
            Kind::Tiktoken { pattern, specials } => {
                Inner::Ranks(Box::new(Ranks::open(file(0), *pattern, specials)?))
            }
            Kind::SentencePiece => Inner::SentencePiece(Box::new(SentencePiece::open(file(0))?)),
            kind @ (Kind::Whitespace
            | Kind::Rules(_)
            | Kind::UnicodeWords
            | Kind::Characters
            | Kind::Bytes
            | Kind::Jieba(_)) => Inner::Words(Words::of(kind).unwrap_or(Words::UnicodeWords)),
        };
        let tokenizer = Self { inner: Arc::new(inner), kind: spec.kind.name() };
        // Whoever goes through a vocabulary goes through its numbers.
        let (max, got) =
            (limits::TOKEN_NUMBERS_MAX as u64, tokenizer.ids_end().unwrap_or(0).into());
        if got > max {
            let kind = ErrorKind::TooLarge { limit: "TOKEN_NUMBERS_MAX", max, got };
            return Err(Error::new(kind).context("a token's number"));
        }
        Ok(tokenizer)
    }

    /// One that needs nothing but its name; none if there is none.
    pub fn named(name: &str) -> Option<Self> {
        let kind = Kind::of_name(name)?;
        let inner = Arc::new(Inner::Words(Words::of(&kind)?));
        Some(Self { inner, kind: kind.name() })
    }

    /// The name of its kind.
    pub fn kind_name(&self) -> &'static str {
        self.kind
    }

    /// The name of the model inside of it; empty if there is none.
    pub fn model_name(&self) -> &'static str {
        match &*self.inner {
            Inner::Words(_) => "",
            Inner::Hybrid { parts, .. } => parts.model_name(),
            Inner::Model(model) => model.kind_name(),
            Inner::Ranks(_) => "bpe",
            Inner::SentencePiece(model) => model.kind_name(),
        }
    }

    /// Limits that stand in its file and are off.
    pub fn hidden_limits(&self) -> &[String] {
        match &*self.inner {
            Inner::Model(model) => &model.hidden,
            Inner::Words(_) | Inner::Hybrid { .. } | Inner::Ranks(_) | Inner::SentencePiece(_) => {
                &[]
            }
        }
    }

    /// Whether it only says where a text is cut, and knows no vocabulary.
    pub fn is_of_words(&self) -> bool {
        matches!(*self.inner, Inner::Words(_))
    }

    /// Whether what it cuts depends on a table.
    pub fn needs_table(&self) -> bool {
        matches!(*self.inner, Inner::Hybrid { .. })
    }

    /// The tokens of a text, in order.
    ///
    /// # Errors
    ///
    /// If the text has special tokens that are refused; if the tokenizer needs a table and there is
    /// none; if its model can do nothing with the text.
    pub fn cut(
        &self,
        text: &str,
        options: &CutOptions,
        knows: Option<Knows<'_>>,
    ) -> Result<Vec<Token>> {
        let mut tokens = Vec::new();
        let mut chars = CharCount::new(text);
        self.each(text, options, knows, &mut |id, bytes, is_special| {
            let chars = chars.range(&bytes);
            tokens.push(Token { id, bytes, chars, is_special });
        })?;
        Ok(tokens)
    }

    /// How many tokens a text has.
    ///
    /// # Errors
    ///
    /// As [`Tokenizer::cut`].
    pub fn count(
        &self,
        text: &str,
        options: &CutOptions,
        knows: Option<Knows<'_>>,
    ) -> Result<usize> {
        let mut count = 0;
        self.numbers(text, options, knows, &mut |_, _| count += 1)?;
        Ok(count)
    }

    /// Hands out each token's number, and whether it is special: what [`Tokenizer::each`] does without
    /// their places, and faster where the model can do without.
    ///
    /// # Errors
    ///
    /// As [`Tokenizer::cut`].
    pub fn numbers(
        &self,
        text: &str,
        options: &CutOptions,
        knows: Option<Knows<'_>>,
        take: &mut dyn FnMut(Option<u32>, bool),
    ) -> Result<()> {
        if let Inner::Model(model) = &*self.inner
            && matches!(options.special_text, SpecialText::Own | SpecialText::Parse)
            && options.chance.is_none()
        {
            let take = &mut |id, is_special| take(Some(id), is_special);
            return model.numbers(text, !options.bare, take);
        }
        self.each(text, options, knows, &mut |id, _, is_special| take(id, is_special))
    }

    /// Hands out each token: its number, its bytes, and whether it is special.
    ///
    /// # Errors
    ///
    /// As [`Tokenizer::cut`].
    pub fn each(
        &self,
        text: &str,
        options: &CutOptions,
        knows: Option<Knows<'_>>,
        take: &mut dyn FnMut(Option<u32>, Range<usize>, bool),
    ) -> Result<()> {
        match &*self.inner {
            Inner::Words(words) => {
                if let Some(chance) = options.chance {
                    return Err(chance.refused(self.kind));
                }
                words.cut(text, &mut |bytes| {
                    let id = words.id(&text.as_bytes()[bytes.clone()]);
                    take(id, bytes, false);
                });
                Ok(())
            }
            Inner::Hybrid { words, parts } => hybrid((words, parts), text, options, knows, take),
            Inner::Model(model) => {
                let (wanted, found) = special_counts(model, text, options)?;
                let how =
                    Encode { adds_special: !options.bare, wanted, found, chance: options.chance };
                model.encode(text, how, &mut |id, bytes, special| take(Some(id), bytes, special))
            }
            Inner::Ranks(ranks) => {
                let policy = own(options.special_text, ranks.own_policy);
                let wanted = ranks.specials.wanted(text, policy, &options.allowed_special)?;
                let numbers = options.chance.map(|chance| (chance, RefCell::new(chance.numbers())));
                between(text, &wanted, take, &|part, start, take| match &numbers {
                    None => {
                        ranks.encode(part, start, take);
                        Ok(())
                    }
                    Some((chance, numbers)) => {
                        ranks.draw(part, start, (*chance, &mut numbers.borrow_mut()), take)
                    }
                })
            }
            Inner::SentencePiece(model) => {
                let policy = own(options.special_text, SpecialText::Plain);
                let wanted = model.specials.wanted(text, policy, &options.allowed_special)?;
                let unknown = model.specials.of_role(crate::text::special::Role::Unknown);
                let unknown = unknown.map(|special| special.id);
                let numbers = options.chance.map(|chance| (chance, RefCell::new(chance.numbers())));
                let mut take = |id, bytes, special| take(id, bytes, special || id == unknown);
                between(text, &wanted, &mut take, &|part, start, take| match &numbers {
                    None => {
                        model.encode(part, start, take);
                        Ok(())
                    }
                    Some((chance, numbers)) => {
                        model.draw(part, start, (*chance, &mut numbers.borrow_mut()), take)
                    }
                })
            }
        }
    }

    /// A text, or two, as a transformer takes it in, with the special tokens around and between.
    ///
    /// # Errors
    ///
    /// As [`Tokenizer::cut`]; if there are two and the tokenizer does not say how they stand together.
    pub fn input(
        &self,
        text: &str,
        second: Option<&str>,
        options: &CutOptions,
        knows: Option<Knows<'_>>,
    ) -> Result<Vec<InputToken>> {
        let mut tokens = Vec::new();
        if let Inner::Model(model) = &*self.inner {
            let (mut wanted, mut found) = special_counts(model, text, options)?;
            if let Some(second) = second {
                let more = special_counts(model, second, options)?;
                (wanted, found) = (wanted + more.0, found + more.1);
            }
            let how = Encode { adds_special: !options.bare, wanted, found, chance: options.chance };
            model.encode_input((text, second), how, &mut |token| {
                let model::InputToken { id, bytes, is_special, segment, in_second } = token;
                tokens.push(InputToken { id: Some(id), bytes, is_special, segment, in_second });
            })?;
            return Ok(tokens);
        }
        if second.is_some() {
            let problem = format!("{} does not say how two texts stand together", self.kind);
            return Err(Error::invalid("second_texts", problem));
        }
        self.each(text, options, knows, &mut |id, bytes, is_special| {
            tokens.push(InputToken { id, bytes, is_special, segment: 0, in_second: false });
        })?;
        Ok(tokens)
    }

    /// Tokens as text.
    ///
    /// # Errors
    ///
    /// If tokens have no numbers here, or if the vocabulary lacks one: every such number is named.
    pub fn join(&self, ids: &[u32], skip_special: bool) -> Result<String> {
        self.check_ids(ids)?;
        if let Inner::Model(model) = &*self.inner {
            return model.decode(ids, skip_special);
        }
        let mut bytes = Vec::new();
        let mut begun = false;
        for &id in ids {
            self.join_bytes(id, skip_special, &mut begun, &mut bytes);
        }
        Ok(lossy(bytes))
    }

    /// Adds the bytes of a token; not for models, whose tokens have no bytes of their own. `begun` is
    /// false for the first token of a text.
    pub(super) fn join_bytes(
        &self,
        id: u32,
        skip_special: bool,
        begun: &mut bool,
        out: &mut Vec<u8>,
    ) {
        match &*self.inner {
            Inner::SentencePiece(model) => model.decode(id, skip_special, begun, out),
            Inner::Words(_) | Inner::Ranks(_) | Inner::Hybrid { .. } | Inner::Model(_) => {
                let is_special = self.specials().of_id(id).is_some();
                if !(skip_special && is_special)
                    && let Some(token) = self.token(id)
                {
                    out.extend_from_slice(&token);
                }
            }
        }
    }

    /// Whether tokens are joined by a model that sees them together.
    pub(super) fn joins_by_model(&self) -> bool {
        matches!(*self.inner, Inner::Model(_))
    }

    /// # Errors
    ///
    /// As [`Tokenizer::join`].
    pub(super) fn check_ids(&self, ids: &[u32]) -> Result<()> {
        if self.ids_end().is_none() || self.needs_table() {
            let problem = format!("the tokens of {} have no numbers", self.kind);
            return Err(Error::invalid("tokenizer", problem));
        }
        let bad = ids.iter().enumerate().filter(|(_, id)| !self.has(**id)).take(BAD_IDS_TOLD);
        let violations: Vec<_> = bad
            .map(|(at, id)| crate::error::Violation {
                field: format!("ids[{at}]"),
                problem: format!("the vocabulary has no token {id}"),
            })
            .collect();
        if violations.is_empty() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::InvalidArgument { violations }))
    }

    fn has(&self, id: u32) -> bool {
        match &*self.inner {
            Inner::Ranks(ranks) => ranks.token(id).is_some() || ranks.specials.of_id(id).is_some(),
            Inner::SentencePiece(model) => model.token(id).is_some(),
            Inner::Words(_) | Inner::Model(_) | Inner::Hybrid { .. } => self.token(id).is_some(),
        }
    }

    /// How a token is written in the vocabulary: its bytes.
    pub fn token(&self, id: u32) -> Option<Vec<u8>> {
        match &*self.inner {
            Inner::Words(words) => words.token(id),
            Inner::Hybrid { parts, .. } => parts.token(id),
            Inner::Model(model) => model.token(id).map(String::into_bytes),
            Inner::Ranks(ranks) => {
                let special = || ranks.specials.of_id(id).map(|special| special.token.as_bytes());
                ranks.token(id).or_else(special).map(<[u8]>::to_vec)
            }
            Inner::SentencePiece(model) => model.token(id).map(|token| token.as_bytes().to_vec()),
        }
    }

    /// The number of a token that is written so.
    pub fn id(&self, token: &[u8]) -> Option<u32> {
        let text = || str::from_utf8(token).ok();
        match &*self.inner {
            Inner::Words(words) => words.id(token),
            Inner::Hybrid { parts, .. } => parts.id(token),
            Inner::Model(model) => model.id(text()?),
            Inner::Ranks(ranks) => {
                ranks.id(token).or_else(|| Some(ranks.specials.of_token(text()?)?.id))
            }
            Inner::SentencePiece(model) => model.id(text()?),
        }
    }

    /// How many tokens the vocabulary has; none if there is none.
    pub fn vocab_len(&self) -> Option<usize> {
        match &*self.inner {
            Inner::Words(words) => words.ids_end().map(|end| end as usize),
            Inner::Hybrid { parts, .. } => parts.vocab_len(),
            Inner::Model(model) => Some(model.len()),
            Inner::Ranks(ranks) => Some(ranks.len()),
            Inner::SentencePiece(model) => Some(model.len()),
        }
    }

    /// One past the largest number of a token; none if tokens have no numbers.
    pub fn ids_end(&self) -> Option<u32> {
        match &*self.inner {
            Inner::Words(words) => words.ids_end(),
            Inner::Hybrid { parts, .. } => parts.ids_end(),
            Inner::Model(model) => Some(model.ids_end()),
            Inner::Ranks(ranks) => Some(ranks.ids_end()),
            Inner::SentencePiece(model) => u32::try_from(model.len()).ok(),
        }
    }

    /// Its special tokens.
    pub fn specials(&self) -> &Specials {
        const NONE: &Specials = &Specials::NONE;
        match &*self.inner {
            Inner::Words(_) => NONE,
            Inner::Hybrid { parts, .. } => parts.specials(),
            Inner::Model(model) => &model.specials,
            Inner::Ranks(ranks) => &ranks.specials,
            Inner::SentencePiece(model) => &model.specials,
        }
    }

    /// How a token of a text is looked up in a table, and shown: as the vocabulary writes it, else as
    /// it stands in the text (in lower case, if a rule says so).
    pub fn spelling<'t>(&self, token: &Token, text: &'t str) -> Cow<'t, str> {
        self.spelling_of(token.id, &token.bytes, text)
    }

    /// The same of a token's number and place.
    pub fn spelling_of<'t>(
        &self,
        id: Option<u32>,
        bytes: &Range<usize>,
        text: &'t str,
    ) -> Cow<'t, str> {
        let own = id.filter(|_| !self.is_of_words()).and_then(|id| self.token(id));
        if let Some(own) = own {
            return Cow::Owned(lossy(own));
        }
        let piece = String::from_utf8_lossy(&text.as_bytes()[bytes.clone()]);
        match &*self.inner {
            Inner::Words(words) | Inner::Hybrid { words, .. } if words.folds_case() => {
                Cow::Owned(piece.to_lowercase())
            }
            Inner::Words(_)
            | Inner::Hybrid { .. }
            | Inner::Model(_)
            | Inner::Ranks(_)
            | Inner::SentencePiece(_) => piece,
        }
    }
}

/// Bad numbers that an error names.
const BAD_IDS_TOLD: usize = 10;

impl Words {
    /// The cutter of a kind; none for kinds that have a vocabulary.
    fn of(kind: &Kind) -> Option<Self> {
        Some(match kind {
            Kind::Whitespace => Self::Whitespace,
            Kind::Rules(rules) => Self::Rules(*rules),
            Kind::UnicodeWords => Self::UnicodeWords,
            Kind::Characters => Self::Characters,
            Kind::Bytes => Self::Bytes,
            Kind::Jieba(options) => Self::Jieba(Chinese::new(options.clone())),
            Kind::Hybrid { .. }
            | Kind::Json
            | Kind::WordPiece { .. }
            | Kind::BytePairs
            | Kind::Tiktoken { .. }
            | Kind::SentencePiece => return None,
        })
    }
}

/// How many special tokens in a text are wanted as such, of how many.
fn special_counts(model: &Model, text: &str, options: &CutOptions) -> Result<(usize, usize)> {
    let policy = own(options.special_text, Model::own_policy());
    let wanted = model.specials.wanted(text, policy, &options.allowed_special)?.len();
    // Whether there are others matters only where not all are wanted.
    let found = match policy {
        SpecialText::Parse => wanted,
        SpecialText::Own | SpecialText::Plain | SpecialText::Refuse => model.specials.count(text),
    };
    Ok((wanted, found))
}

/// The policy of the tokenizer's own library, where nothing else is said.
fn own(asked: SpecialText, own: SpecialText) -> SpecialText {
    if asked == SpecialText::Own { own } else { asked }
}

/// Takes each token: its number, its bytes, and whether it is special.
type Take<'a> = &'a mut dyn FnMut(Option<u32>, Range<usize>, bool);
type TakePart<'a> = &'a mut dyn FnMut(u32, Range<usize>);

/// Whole words that a table knows, and the parts of the others.
fn hybrid(
    (words, parts): (&Words, &Tokenizer),
    text: &str,
    options: &CutOptions,
    knows: Option<Knows<'_>>,
    take: Take<'_>,
) -> Result<()> {
    let knows = knows.ok_or_else(|| {
        let problem = "a hybrid tokenizer keeps the words that a table knows: name one";
        Error::invalid("table", problem)
    })?;
    let bare = CutOptions { bare: true, ..options.clone() };
    let mut result = Ok(());
    words.cut(text, &mut |bytes| {
        let word = &text[bytes.clone()];
        if knows(word) {
            take(None, bytes, false);
        } else if result.is_ok() {
            let options = bare.of_text(bytes.start as u64);
            result = parts.each(word, &options, None, &mut |id, part, is_special| {
                let (start, end) = (bytes.start + part.start, bytes.start + part.end);
                take(id, start..end, is_special);
            });
        }
    });
    result
}

/// Special tokens, and between them the tokens of the texts, each cut for itself.
fn between(
    text: &str,
    specials: &[(Range<usize>, &Special)],
    take: Take<'_>,
    cut: &dyn Fn(&str, usize, TakePart<'_>) -> Result<()>,
) -> Result<()> {
    let mut at = 0;
    for (range, special) in specials {
        if at < range.start {
            cut(&text[at..range.start], at, &mut |id, bytes| take(Some(id), bytes, false))?;
        }
        take(Some(special.id), range.clone(), true);
        at = range.end;
    }
    if at < text.len() {
        cut(&text[at..], at, &mut |id, bytes| take(Some(id), bytes, false))?;
    }
    Ok(())
}

/// Bytes as text, U+FFFD for what is not UTF-8.
fn lossy(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
