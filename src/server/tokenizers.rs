//! TextService's tokenizers: stored, listed, deleted.

use crate::engine::{Engine, TokenizerStatus};
use crate::error::{Error, Result};
use crate::limits;
use crate::proto as pb;
use crate::server::tokens::vocab_token;
use crate::server::wire::{self, Fields};
use crate::table::meta::TableName;
use crate::text::spec::{File, Kind, Pattern, Spec};
use crate::text::words::jieba::ChineseOptions;
use crate::text::words::rules::RuleSet;

/// Special tokens that an answer names.
const SPECIALS_TOLD: usize = 1_000;

/// A tokenizer to be stored.
pub(super) struct Put {
    name: TableName,
    spec: Spec,
    replace: bool,
}

impl Put {
    pub(super) fn answer(engine: &Engine, asked: &Self) -> Result<TokenizerStatus> {
        engine.put_tokenizer(&asked.name, &asked.spec, asked.replace)
    }
}

impl TryFrom<pb::PutTokenizerRequest> for Put {
    type Error = Error;

    fn try_from(request: pb::PutTokenizerRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let name = fields.name_of("tokenizer", "name", request.name);
        let spec = fields.within("spec", |fields| fields.spec(&request.spec.unwrap_or_default()));
        fields.finish(|| Some(Self { name: name?, spec: spec?, replace: request.replace }))
    }
}

impl Fields {
    fn spec(&mut self, spec: &pb::TokenizerSpec) -> Option<Spec> {
        let bytes = spec.files.iter().map(|file| file.content.len()).sum();
        self.bytes("files", bytes, limits::TOKENIZER_BYTES_MAX);
        for (i, file) in spec.files.iter().enumerate() {
            self.bytes(&format!("files[{i}].name"), file.name.len(), limits::SOURCE_BYTES_MAX);
        }
        let file = |file: &pb::TokenizerFile| File {
            name: file.name.clone(),
            bytes: file.content.clone(),
        };
        let files: Vec<File> = spec.files.iter().map(file).collect();
        let asked = self.choice("kind", spec.kind);
        let kind = if asked == pb::TokenizerKind::Unspecified {
            let Ok(kind) = Kind::detect(&files) else {
                self.bad(
                    "kind",
                    "the files look like no tokenizer; name the kind: tokenizer.json, vocab.txt (a \
                     line is [UNK]), vocab.json with merges.txt, a SentencePiece model, or tiktoken's \
                     ranks",
                );
                return None;
            };
            self.with_options(kind, spec)
        } else {
            self.kind(asked, spec, &files)?
        };
        let count = kind.file_count();
        // Whether the server has the ranks shows when they are looked for.
        let is_shipped =
            files.is_empty() && matches!(kind, Kind::Tiktoken { pattern: Some(_), .. });
        if files.len() != count && !is_shipped {
            let problem = format!("{} is made of {count}, {} given", kind.name(), files.len());
            self.bad("files", problem);
        }
        Some(Spec { kind, files })
    }

    /// Options of the kinds that files tell.
    fn with_options(&mut self, kind: Kind, spec: &pb::TokenizerSpec) -> Kind {
        match kind {
            Kind::WordPiece { cased } => Kind::WordPiece { cased: spec.cased.unwrap_or(cased) },
            Kind::Tiktoken { .. } => self.tiktoken(spec),
            other @ (Kind::Whitespace
            | Kind::Rules(_)
            | Kind::UnicodeWords
            | Kind::Characters
            | Kind::Bytes
            | Kind::Jieba(_)
            | Kind::Hybrid { .. }
            | Kind::Json
            | Kind::BytePairs
            | Kind::SentencePiece) => other,
        }
    }

    fn kind(
        &mut self,
        kind: pb::TokenizerKind,
        spec: &pb::TokenizerSpec,
        files: &[File],
    ) -> Option<Kind> {
        use pb::TokenizerKind as Asked;
        Some(match kind {
            Asked::Unspecified => return None,
            Asked::Whitespace => Kind::Whitespace,
            Asked::Rules => {
                let rules = spec.rules.unwrap_or_default();
                let usual = RuleSet::default();
                Kind::Rules(RuleSet {
                    case: rules.case.unwrap_or(usual.case),
                    punctuation: rules.punctuation.unwrap_or(usual.punctuation),
                    numbers: rules.numbers.unwrap_or(usual.numbers),
                    contractions: rules.contractions.unwrap_or(usual.contractions),
                })
            }
            Asked::UnicodeWords => Kind::UnicodeWords,
            Asked::Characters => Kind::Characters,
            Asked::Bytes => Kind::Bytes,
            Asked::Jieba => {
                let jieba = spec.jieba.clone().unwrap_or_default();
                self.count("jieba.words", jieba.words.len(), 0..=limits::TOKENIZER_WORDS_MAX);
                let is_bad = |word: &String| word.trim().is_empty() || word.len() > 1_024;
                if let Some(bad) = jieba.words.iter().position(is_bad) {
                    let problem = "a word has 1 to 1,024 bytes and is not white space";
                    self.bad(format_args!("jieba.words[{bad}]"), problem);
                }
                let pb::tokenizer_spec::Jieba { words, search, dictionary_only } = jieba;
                Kind::Jieba(ChineseOptions { words, search, dictionary_only })
            }
            Asked::Hybrid => {
                let hybrid = spec.hybrid.clone().unwrap_or_default();
                let words = if hybrid.words.is_empty() { "unicode-words" } else { &hybrid.words };
                Kind::Hybrid { words: words.to_owned(), parts: hybrid.parts }
            }
            Asked::Json => Kind::Json,
            Asked::Wordpiece => {
                let detected = Kind::detect(files).ok();
                let cased = matches!(detected, Some(Kind::WordPiece { cased: true }));
                Kind::WordPiece { cased: spec.cased.unwrap_or(cased) }
            }
            Asked::Bpe => Kind::BytePairs,
            Asked::Tiktoken => self.tiktoken(spec),
            Asked::Sentencepiece => Kind::SentencePiece,
        })
    }

    fn tiktoken(&mut self, spec: &pb::TokenizerSpec) -> Kind {
        let tiktoken = spec.tiktoken.clone().unwrap_or_default();
        let name = tiktoken.pattern;
        let pattern = Pattern::ALL.into_iter().find(|pattern| pattern.name() == name);
        if pattern.is_none() && !name.is_empty() {
            let names = Pattern::ALL.map(Pattern::name).join(", ");
            self.bad("tiktoken.pattern", format!("one of {names}"));
        }
        let count = tiktoken.special_tokens.len();
        self.count("tiktoken.special_tokens", count, 0..=limits::TOKENIZER_WORDS_MAX);
        let mut specials: Vec<_> = tiktoken.special_tokens.into_iter().collect();
        specials.sort_by_key(|(_, id)| *id);
        Kind::Tiktoken { pattern, specials }
    }
}

impl From<TokenizerStatus> for pb::PutTokenizerResponse {
    fn from(status: TokenizerStatus) -> Self {
        Self { tokenizer: Some(status.into()) }
    }
}

impl From<TokenizerStatus> for pb::TokenizerInfo {
    fn from(status: TokenizerStatus) -> Self {
        let mut info = Self {
            name: status.name,
            stored: status.stored_bytes.is_some(),
            stored_bytes: status.stored_bytes.unwrap_or(0),
            tables: status.tables,
            ..Self::default()
        };
        let tokenizer = match status.tokenizer {
            Ok(tokenizer) => tokenizer,
            Err(problem) => {
                info.problem = problem.to_string();
                return info;
            }
        };
        let kinds = [
            pb::TokenizerKind::Whitespace,
            pb::TokenizerKind::Rules,
            pb::TokenizerKind::UnicodeWords,
            pb::TokenizerKind::Characters,
            pb::TokenizerKind::Bytes,
            pb::TokenizerKind::Jieba,
            pb::TokenizerKind::Hybrid,
            pb::TokenizerKind::Json,
            pb::TokenizerKind::Wordpiece,
            pb::TokenizerKind::Bpe,
            pb::TokenizerKind::Tiktoken,
            pb::TokenizerKind::Sentencepiece,
        ];
        let kind = kinds.into_iter().find(|kind| kind_name(*kind) == tokenizer.kind_name());
        info.kind = kind.unwrap_or_default().into();
        tokenizer.model_name().clone_into(&mut info.model);
        info.vocab_size = tokenizer.vocab_len().map(wire::count);
        let specials = tokenizer.specials().list().iter().take(SPECIALS_TOLD);
        info.special_tokens = specials.map(|special| vocab_token(&tokenizer, special.id)).collect();
        info.hidden_limits = tokenizer.hidden_limits().to_vec();
        info
    }
}

/// As [`Kind::name`].
fn kind_name(kind: pb::TokenizerKind) -> &'static str {
    match kind {
        pb::TokenizerKind::Unspecified => "",
        pb::TokenizerKind::Whitespace => "whitespace",
        pb::TokenizerKind::Rules => "rules",
        pb::TokenizerKind::UnicodeWords => "unicode-words",
        pb::TokenizerKind::Characters => "characters",
        pb::TokenizerKind::Bytes => "bytes",
        pb::TokenizerKind::Jieba => "jieba",
        pb::TokenizerKind::Hybrid => "hybrid",
        pb::TokenizerKind::Json => "tokenizer.json",
        pb::TokenizerKind::Wordpiece => "wordpiece",
        pb::TokenizerKind::Bpe => "bpe",
        pb::TokenizerKind::Tiktoken => "tiktoken",
        pb::TokenizerKind::Sentencepiece => "sentencepiece",
    }
}

/// What is asked of one.
pub(super) struct Get {
    name: String,
    with_spec: bool,
}

impl Get {
    pub(super) fn answer(&self, engine: &Engine) -> Result<pb::GetTokenizerResponse> {
        let status = engine.tokenizer_status(&self.name)?;
        let spec = match status.stored_bytes {
            Some(_) if self.with_spec => Some(engine.tokenizer_spec(&self.name)?.into()),
            Some(_) | None => None,
        };
        Ok(pb::GetTokenizerResponse { tokenizer: Some(status.into()), spec })
    }
}

impl TryFrom<pb::GetTokenizerRequest> for Get {
    type Error = Error;

    fn try_from(request: pb::GetTokenizerRequest) -> Result<Self> {
        let pb::GetTokenizerRequest { name, with_spec } = request;
        Ok(Self { name, with_spec })
    }
}

impl From<Spec> for pb::TokenizerSpec {
    fn from(spec: Spec) -> Self {
        use pb::TokenizerKind as Told;
        let file = |file: File| pb::TokenizerFile { name: file.name, content: file.bytes };
        let mut told =
            Self { files: spec.files.into_iter().map(file).collect(), ..Self::default() };
        let kind = match spec.kind {
            Kind::Whitespace => Told::Whitespace,
            Kind::Rules(RuleSet { case, punctuation, numbers, contractions }) => {
                told.rules = Some(pb::tokenizer_spec::Rules {
                    case: Some(case),
                    punctuation: Some(punctuation),
                    numbers: Some(numbers),
                    contractions: Some(contractions),
                });
                Told::Rules
            }
            Kind::UnicodeWords => Told::UnicodeWords,
            Kind::Characters => Told::Characters,
            Kind::Bytes => Told::Bytes,
            Kind::Jieba(ChineseOptions { words, search, dictionary_only }) => {
                told.jieba = Some(pb::tokenizer_spec::Jieba { words, search, dictionary_only });
                Told::Jieba
            }
            Kind::Hybrid { words, parts } => {
                told.hybrid = Some(pb::tokenizer_spec::Hybrid { words, parts });
                Told::Hybrid
            }
            Kind::Json => Told::Json,
            Kind::WordPiece { cased } => {
                told.cased = Some(cased);
                Told::Wordpiece
            }
            Kind::BytePairs => Told::Bpe,
            Kind::Tiktoken { pattern, specials } => {
                told.tiktoken = Some(pb::tokenizer_spec::Tiktoken {
                    pattern: pattern.map_or_else(String::new, |pattern| pattern.name().to_owned()),
                    special_tokens: specials.into_iter().collect(),
                });
                Told::Tiktoken
            }
            Kind::SentencePiece => Told::Sentencepiece,
        };
        told.kind = kind.into();
        told
    }
}

/// All.
pub(super) struct List;

impl TryFrom<pb::ListTokenizersRequest> for List {
    type Error = Error;

    fn try_from(_: pb::ListTokenizersRequest) -> Result<Self> {
        Ok(Self)
    }
}

pub(super) fn listed(all: Vec<TokenizerStatus>) -> pb::ListTokenizersResponse {
    pb::ListTokenizersResponse {
        tokenizers: all.into_iter().map(pb::TokenizerInfo::from).collect(),
    }
}

/// One to be deleted.
pub(super) struct Delete(pub(super) String);

impl TryFrom<pb::DeleteTokenizerRequest> for Delete {
    type Error = Error;

    fn try_from(request: pb::DeleteTokenizerRequest) -> Result<Self> {
        Ok(Self(request.name))
    }
}

/// What a table is to use where none is named.
pub(super) struct Default {
    table: TableName,
    tokenizer: String,
}

impl Default {
    pub(super) fn answer(engine: &Engine, asked: &Self) -> Result<pb::SetDefaultTokenizerResponse> {
        let name = (!asked.tokenizer.is_empty()).then_some(asked.tokenizer.as_str());
        engine.set_default_tokenizer(&asked.table, name)?;
        Ok(pb::SetDefaultTokenizerResponse {})
    }
}

impl TryFrom<pb::SetDefaultTokenizerRequest> for Default {
    type Error = Error;

    fn try_from(request: pb::SetDefaultTokenizerRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let table = fields.table(request.table);
        fields.finish(|| Some(Self { table: table?, tokenizer: request.tokenizer }))
    }
}
