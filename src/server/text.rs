//! TextService: text to tokens.

use tonic::{Request, Response, Status, async_trait};

use crate::engine::{Answer, Ask, Engine};
use crate::error::{Error, Result};
use crate::limits;
use crate::proto as pb;
use crate::proto::text_service_server::TextService;
use crate::query::tokenize::{self, KnownToken, TokenizeQuery, TokenizedText};
use crate::query::{AnsweredBy, WordsUsed};
use crate::server::Desk;
use crate::server::wire::{self, Fields};
use crate::text::TokenizerKind;

#[async_trait]
impl TextService for Desk {
    async fn tokenize(
        &self,
        request: Request<pb::TokenizeRequest>,
    ) -> Result<Response<pb::TokenizeResponse>, Status> {
        self.answer(request, tokenized).await
    }
}

/// A table is optional here, and only here.
enum Wanted {
    Plain(TokenizeQuery),
    WithTable(Ask<TokenizeQuery>),
}

enum Tokenized {
    Plain(Vec<TokenizedText>),
    WithTable(Answer<Vec<TokenizedText>>),
}

fn tokenized(engine: &Engine, wanted: &Wanted) -> Result<Tokenized> {
    match wanted {
        Wanted::Plain(query) => Ok(Tokenized::Plain(tokenize::tokenize(None, query))),
        Wanted::WithTable(ask) => engine.tokenize(ask).map(Tokenized::WithTable),
    }
}

impl TryFrom<pb::TokenizeRequest> for Wanted {
    type Error = Error;

    fn try_from(request: pb::TokenizeRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let is_plain = request.table.is_empty();
        let table = if is_plain { None } else { fields.table(request.table) };
        fields.count("texts", request.texts.len(), 1..=limits::TEXTS_MAX);
        for (i, text) in request.texts.iter().enumerate() {
            if text.len() > limits::TEXT_BYTES_MAX {
                let max = limits::TEXT_BYTES_MAX;
                let problem = format!("{} bytes; at most {max} allowed", text.len());
                fields.bad(format_args!("texts[{i}]"), problem);
            }
        }
        let tokenizer = match fields.choice("tokenizer", request.tokenizer) {
            pb::Tokenizer::Unspecified | pb::Tokenizer::UnicodeWords => TokenizerKind::UnicodeWords,
            pb::Tokenizer::Whitespace => TokenizerKind::Whitespace,
            pb::Tokenizer::Rules => TokenizerKind::Rules,
        };
        let words = fields.word_options(request.words);
        let query = TokenizeQuery { texts: request.texts, tokenizer, words };
        fields.finish(|| {
            if is_plain {
                Some(Self::Plain(query))
            } else {
                Some(Self::WithTable(Ask { table: table?, query }))
            }
        })
    }
}

impl From<Tokenized> for pb::TokenizeResponse {
    fn from(tokenized: Tokenized) -> Self {
        let (texts, answer) = match tokenized {
            Tokenized::Plain(texts) => (texts, None),
            Tokenized::WithTable(answer) => {
                let info = wire::info(&answer, AnsweredBy::EXACT, WordsUsed::default());
                (answer.answer, Some(info))
            }
        };
        Self { texts: texts.into_iter().map(pb::TokenizedText::from).collect(), answer }
    }
}

impl From<TokenizedText> for pb::TokenizedText {
    fn from(text: TokenizedText) -> Self {
        Self {
            tokens: text.tokens.into_iter().map(pb::Token::from).collect(),
            unknown_count: wire::count(text.unknown_count),
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
        }
    }
}
