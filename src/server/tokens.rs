//! TextService's questions about tokens: conversions in and out.

use crate::engine::{CompareQuery, Compared, CutBy, Engine};
use crate::error::{Error, Result};
use crate::limits;
use crate::proto as pb;
use crate::query::tokenize::{Cutting, KnownToken, TokenizeQuery, TokenizedText};
use crate::query::{AnsweredBy, WordsUsed};
use crate::server::wire::{self, Fields};
use crate::table::meta::TableName;
use crate::text::spec::Kind;
use crate::text::special::Role;
use crate::text::tokenizer::Tokenizer;
use crate::text::window::{Window, Windows};

/// How an answer about texts was made; none without a table.
pub(super) fn info<A>(cut: &CutBy<A>) -> Option<pb::AnswerInfo> {
    let answer = crate::engine::Answer { of: cut.of.clone()?, answer: () };
    Some(wire::info(&answer, AnsweredBy::EXACT, WordsUsed::default()))
}

/// Texts to be cut.
pub(super) struct Tokenize {
    table: Option<TableName>,
    query: TokenizeQuery,
}

impl Tokenize {
    pub(super) fn answer(engine: &Engine, asked: &Self) -> Result<CutBy<Vec<TokenizedText>>> {
        engine.tokenize(asked.table.as_ref(), &asked.query)
    }
}

impl TryFrom<pb::TokenizeRequest> for Tokenize {
    type Error = Error;

    fn try_from(request: pb::TokenizeRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let table = fields.table_if_named(request.table);
        fields.texts("texts", &request.texts);
        let mut cutting = fields.cutting(request.cutting);
        let kind = match fields.choice("tokenizer", request.tokenizer) {
            pb::Tokenizer::Unspecified => None,
            pb::Tokenizer::Whitespace => Some(Kind::Whitespace),
            pb::Tokenizer::Rules => Kind::of_name("rules"),
            pb::Tokenizer::UnicodeWords => Some(Kind::UnicodeWords),
        };
        if let Some(kind) = kind {
            if !cutting.tokenizer.is_empty() {
                fields.bad("cutting.tokenizer", "name the tokenizer here or in `tokenizer`");
            }
            kind.name().clone_into(&mut cutting.tokenizer);
        }
        let words = fields.words_of_tokens(request.words);
        let truncation = fields.truncation(request.truncation);
        let padding = fields.padding(request.padding);
        let (texts, ids_only) = (request.texts, request.ids_only);
        let query = TokenizeQuery { texts, cutting, words, truncation, padding, ids_only };
        fields.finish(|| Some(Self { table, query }))
    }
}

impl From<CutBy<Vec<TokenizedText>>> for pb::TokenizeResponse {
    fn from(cut: CutBy<Vec<TokenizedText>>) -> Self {
        let answer = info(&cut);
        let texts = cut.answer.into_iter().map(pb::TokenizedText::from).collect();
        Self { texts, answer, tokenizer: cut.tokenizer }
    }
}

impl From<TokenizedText> for pb::TokenizedText {
    fn from(text: TokenizedText) -> Self {
        Self {
            tokens: text.tokens.into_iter().map(pb::Token::from).collect(),
            unknown_count: wire::count(text.unknown_count),
            ids: text.ids,
            token_count: wire::count(text.token_count),
            dropped_count: wire::count(text.dropped_count),
            padding_count: wire::count(text.padding_count),
            unknown_rate: text.unknown_rate,
        }
    }
}

impl From<KnownToken> for pb::Token {
    fn from(token: KnownToken) -> Self {
        Self {
            piece: token.piece,
            byte_start: wire::count(token.bytes.start),
            byte_end: wire::count(token.bytes.end),
            char_start: wire::count(token.chars.start),
            char_end: wire::count(token.chars.end),
            known: token.known,
            row: token.row.map(|row| row.0),
            found: token.found.unwrap_or_default(),
            id: token.id,
            token: token.spelling.unwrap_or_default(),
            special: token.is_special,
        }
    }
}

/// Tokens to be joined.
pub(super) struct Detokenize {
    tokenizer: String,
    texts: Vec<Vec<u32>>,
    skip_special: bool,
}

impl Detokenize {
    pub(super) fn answer(engine: &Engine, asked: &Self) -> Result<pb::DetokenizeResponse> {
        let texts = engine.detokenize(&asked.tokenizer, &asked.texts, asked.skip_special)?;
        Ok(pb::DetokenizeResponse { texts })
    }
}

impl TryFrom<pb::DetokenizeRequest> for Detokenize {
    type Error = Error;

    fn try_from(request: pb::DetokenizeRequest) -> Result<Self> {
        let mut fields = Fields::default();
        fields.count("texts", request.texts.len(), 1..=limits::TEXTS_MAX);
        let ids = request.texts.iter().map(|text| text.ids.len()).sum();
        fields.count("texts", ids, 0..=limits::TOKENS_MAX);
        let texts = request.texts.into_iter().map(|text| text.ids).collect();
        let (tokenizer, skip_special) = (request.tokenizer, request.skip_special);
        fields.finish(|| Some(Self { tokenizer, texts, skip_special }))
    }
}

/// Tokens to be counted.
pub(super) struct Count {
    table: Option<TableName>,
    cutting: Cutting,
    texts: Vec<String>,
}

impl Count {
    pub(super) fn answer(engine: &Engine, asked: &Self) -> Result<CutBy<Vec<usize>>> {
        engine.count_tokens(asked.table.as_ref(), &asked.cutting, &asked.texts)
    }
}

impl TryFrom<pb::CountTokensRequest> for Count {
    type Error = Error;

    fn try_from(request: pb::CountTokensRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let table = fields.table_if_named(request.table);
        fields.texts("texts", &request.texts);
        let cutting = fields.cutting(request.cutting);
        fields.finish(|| Some(Self { table, cutting, texts: request.texts }))
    }
}

impl From<CutBy<Vec<usize>>> for pb::CountTokensResponse {
    fn from(cut: CutBy<Vec<usize>>) -> Self {
        Self {
            total: cut.answer.iter().map(|&count| count as u64).sum(),
            counts: cut.answer.into_iter().map(wire::count).collect(),
            tokenizer: cut.tokenizer,
        }
    }
}

/// Texts to be cut by several tokenizers.
pub(super) struct Compare {
    table: Option<TableName>,
    query: CompareQuery,
}

/// What they made of it, with the code points of each text.
pub(super) struct Cuts(CutBy<Vec<Compared>>, Vec<usize>);

impl Compare {
    pub(super) fn answer(engine: &Engine, asked: &Self) -> Result<Cuts> {
        let chars = asked.query.texts.iter().map(|text| text.chars().count()).collect();
        Ok(Cuts(engine.compare_tokenizers(asked.table.as_ref(), &asked.query)?, chars))
    }
}

impl TryFrom<pb::CompareTokenizersRequest> for Compare {
    type Error = Error;

    fn try_from(request: pb::CompareTokenizersRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let table = fields.table_if_named(request.table);
        fields.texts("texts", &request.texts);
        fields.count("tokenizers", request.tokenizers.len(), 1..=limits::COMPARED_MAX);
        let cutting = fields.cutting(request.cutting);
        let words = fields.words_of_tokens(request.words);
        let (texts, tokenizers) = (request.texts, request.tokenizers);
        let query = CompareQuery { texts, tokenizers, cutting, words };
        fields.finish(|| Some(Self { table, query }))
    }
}

impl From<Cuts> for pb::CompareTokenizersResponse {
    fn from(Cuts(cut, chars): Cuts) -> Self {
        let cuts = cut.answer.into_iter().map(|compared| {
            let (text, problem) = match compared.cut {
                Ok(text) => (text, String::new()),
                Err(problem) => (TokenizedText::default(), problem),
            };
            let chars = chars.get(compared.text).copied().unwrap_or(0);
            let per_token =
                if text.token_count == 0 { 0.0 } else { chars as f64 / text.token_count as f64 };
            pb::compare_tokenizers_response::Cut {
                text_index: wire::count(compared.text),
                tokenizer: compared.tokenizer,
                text: Some(text.into()),
                chars_per_token: per_token,
                problem,
            }
        });
        Self { cuts: cuts.collect() }
    }
}

/// Texts to be cut into windows.
pub(super) struct Chunks {
    table: Option<TableName>,
    cutting: Cutting,
    windows: Windows,
    texts: Vec<String>,
}

/// The windows, with the texts that they are of.
pub(super) struct Chunked(CutBy<Vec<Vec<Window>>>, Vec<String>);

impl Chunks {
    pub(super) fn answer(engine: &Engine, asked: &Self) -> Result<Chunked> {
        let table = asked.table.as_ref();
        let cut = engine.chunk(table, &asked.cutting, asked.windows, &asked.texts)?;
        Ok(Chunked(cut, asked.texts.clone()))
    }
}

impl TryFrom<pb::ChunkRequest> for Chunks {
    type Error = Error;

    fn try_from(request: pb::ChunkRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let table = fields.table_if_named(request.table);
        fields.texts("texts", &request.texts);
        let cutting = fields.certain_cutting(request.cutting);
        let max = Some(request.max_tokens);
        let max_tokens = fields.number("max_tokens", max, 1..=limits::TOKENS_MAX, 1);
        let overlap = request.overlap as usize;
        if overlap >= max_tokens && overlap > 0 {
            fields.bad("overlap", "less than max_tokens");
        } else if overlap * 2 > max_tokens {
            fields.bad("overlap", "at most half of max_tokens, or texts would come many times");
        }
        let windows = Windows { max_tokens, overlap, at_sentences: request.at_sentences };
        fields.finish(|| Some(Self { table, cutting, windows, texts: request.texts }))
    }
}

impl From<Chunked> for pb::ChunkResponse {
    fn from(Chunked(cut, texts): Chunked) -> Self {
        let of_text = |(i, (windows, text)): (usize, (Vec<Window>, &String))| {
            let chunks = windows.into_iter().map(|window| pb::TextChunk {
                text_index: wire::count(i),
                text: text[window.bytes.clone()].to_owned(),
                byte_start: wire::count(window.bytes.start),
                byte_end: wire::count(window.bytes.end),
                char_start: wire::count(window.chars.start),
                char_end: wire::count(window.chars.end),
                overlap_bytes: wire::count(window.overlap_bytes),
                token_count: wire::count(window.token_count),
            });
            chunks.collect::<Vec<_>>()
        };
        let chunks = cut.answer.into_iter().zip(&texts).enumerate().flat_map(of_text).collect();
        Self { chunks, tokenizer: cut.tokenizer }
    }
}

/// What of a vocabulary is wanted.
pub(super) struct Listed {
    tokenizer: String,
    tokens: Vec<String>,
    ids: Vec<u32>,
    start: Option<u32>,
    limit: usize,
    contains: String,
    prefix: String,
}

impl Listed {
    pub(super) fn answer(engine: &Engine, asked: &Self) -> Result<pb::ListTokensResponse> {
        let (_, tokenizer) = engine.tokenizer(&asked.tokenizer, None)?;
        let Some(end) = tokenizer.ids_end() else {
            let problem = format!("{} has no vocabulary", tokenizer.kind_name());
            return Err(Error::invalid("tokenizer", problem));
        };
        let by_token = asked.tokens.iter().map(|token| match tokenizer.id(token.as_bytes()) {
            Some(id) => vocab_token(&tokenizer, id),
            None => pb::VocabToken { token: token.clone(), ..pb::VocabToken::default() },
        });
        let by_id = asked.ids.iter().map(|&id| vocab_token(&tokenizer, id));
        let mut tokens: Vec<_> = by_token.chain(by_id).collect();
        let mut next_start = None;
        if let Some(start) = asked.start {
            let asked_end = tokens.len() + asked.limit;
            for id in start..end {
                if tokens.len() == asked_end {
                    next_start = Some(id);
                    break;
                }
                if id % 4096 == 0 {
                    engine.check_stop()?;
                }
                let is_wanted = tokenizer.token(id).is_some_and(|token| {
                    let token = String::from_utf8_lossy(&token);
                    token.starts_with(&asked.prefix) && token.contains(&asked.contains)
                });
                if is_wanted {
                    tokens.push(vocab_token(&tokenizer, id));
                }
            }
        }
        Ok(pb::ListTokensResponse { tokens, next_start })
    }
}

impl TryFrom<pb::ListTokensRequest> for Listed {
    type Error = Error;

    fn try_from(request: pb::ListTokensRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let count = request.tokens.len() + request.ids.len();
        fields.count("tokens", count, 0..=limits::PAGE_MAX);
        let limit = fields.number("limit", request.limit, 1..=limits::PAGE_MAX, 100);
        fields.bytes("contains", request.contains.len(), limits::WORD_BYTES_MAX);
        fields.bytes("prefix", request.prefix.len(), limits::WORD_BYTES_MAX);
        let is_page = count == 0
            || request.limit.is_some()
            || !request.contains.is_empty()
            || !request.prefix.is_empty();
        let start = request.start.or(is_page.then_some(0));
        let pb::ListTokensRequest { tokenizer, tokens, ids, contains, prefix, .. } = request;
        fields.finish(|| Some(Self { tokenizer, tokens, ids, start, limit, contains, prefix }))
    }
}

/// A token of a vocabulary.
pub(super) fn vocab_token(tokenizer: &Tokenizer, id: u32) -> pb::VocabToken {
    let found = tokenizer.token(id);
    let special = tokenizer.specials().of_id(id);
    let role = match special.map(|special| special.role) {
        Some(Role::Unknown) => pb::TokenRole::Unknown,
        Some(Role::Begin) => pb::TokenRole::Begin,
        Some(Role::End) => pb::TokenRole::End,
        Some(Role::Pad) => pb::TokenRole::Pad,
        Some(Role::Mask) => pb::TokenRole::Mask,
        Some(Role::Class) => pb::TokenRole::Class,
        Some(Role::Separator) => pb::TokenRole::Separator,
        Some(Role::Other) | None => pb::TokenRole::Unspecified,
    };
    let is_found = found.is_some();
    let (token, token_bytes) = wire::shown(found.unwrap_or_default());
    pb::VocabToken {
        token,
        id: Some(id),
        special: special.is_some(),
        role: role.into(),
        token_bytes,
        found: is_found,
    }
}
