//! `wordspace tokenizer add|list|show|remove|default|train`: tokenizers beside the tables.

use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::cli::detach::unless_detached;
use crate::cli::failure::{Failure, Result};
use crate::cli::output::{Align, Grid, Output, bytes, count, seconds, shown};
use crate::cli::texts::readers;
use crate::client::{
    self, Client, DeleteTokenizerRequest, GetTokenizerRequest, ListTokenizersRequest,
    ListTokensRequest, PutTokenizerRequest, SetDefaultTokenizerRequest, TokenizerFile,
    TokenizerInfo, TokenizerKind, TokenizerSpec, TrainHeader, TrainProgress, VocabToken,
    tokenizer_spec,
};

/// Keep tokenizers beside tables: add, list, show, remove, train
#[derive(Debug, Args)]
pub(super) struct Tokenizer {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Add(Add),
    List(List),
    Show(Show),
    Remove(Remove),
    Default(SetDefault),
    Train(Train),
}

impl Tokenizer {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        match &self.action {
            Action::Add(add) => add.ask(client, output).await,
            Action::List(list) => list.ask(client, output).await,
            Action::Show(show) => show.ask(client, output).await,
            Action::Remove(remove) => remove.ask(client, output).await,
            Action::Default(default) => default.ask(client, output).await,
            Action::Train(train) => train.ask(client, output).await,
        }
    }
}

/// Store a tokenizer: its kind is told by the files, or named
#[derive(Debug, Args)]
struct Add {
    /// Its name
    name: String,
    /// tokenizer.json, vocab.txt, vocab.json and merges.txt, a model of sentencepiece, or tiktoken's
    /// ranks; with --pattern none, if the server was built with the feature tiktoken-ranks
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// What it is [default: told by the files]
    #[arg(long, value_enum)]
    kind: Option<Kind>,
    /// Put it in place of one of that name
    #[arg(long)]
    replace: bool,
    /// Case matters (wordpiece) [default: if the vocabulary has capitals]
    #[arg(long)]
    cased: Option<bool>,
    /// How texts are split before ranks are looked up [default: told by the number of ranks]
    #[arg(long, value_name = "NAME", value_parser = PATTERNS)]
    pattern: Option<String>,
    /// A special token of ranks, as TOKEN=NUMBER [default: those known by the pattern's name]
    #[arg(long, value_name = "TOKEN=NUMBER", value_parser = special)]
    special: Vec<(String, u32)>,
    /// A Chinese word beside those of the dictionary
    #[arg(long, value_name = "WORD")]
    word: Vec<String>,
    /// Follow long Chinese words by the shorter ones in them
    #[arg(long)]
    search: bool,
    /// What cuts sub-words of words that the table lacks (hybrid): a stored tokenizer
    #[arg(long, value_name = "NAME")]
    parts: Option<String>,
    /// What cuts words (hybrid): whitespace, rules, unicode-words, jieba
    #[arg(long, value_name = "NAME")]
    words: Option<String>,
    /// Rules to switch off or on
    #[arg(long, value_name = "RULE", value_enum)]
    rule: Vec<Rule>,
}

const PATTERNS: [&str; 4] = ["r50k_base", "p50k_base", "cl100k_base", "o200k_base"];

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// At white space
    Whitespace,
    /// English rules
    Rules,
    /// Unicode's word boundaries
    UnicodeWords,
    /// Code points
    Characters,
    /// Bytes
    Bytes,
    /// Chinese words
    Jieba,
    /// Words that the table has, and parts of others
    Hybrid,
    /// tokenizer.json
    Json,
    /// vocab.txt of BERT
    Wordpiece,
    /// vocab.json and merges.txt
    Bpe,
    /// tiktoken's ranks
    Tiktoken,
    /// A model of sentencepiece
    Sentencepiece,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Rule {
    /// Look tokens up in lower case
    Case,
    /// Leave marks at their words
    NoPunctuation,
    /// Cut numbers at their points
    NoNumbers,
    /// Leave contractions whole
    NoContractions,
}

fn special(argument: &str) -> Result<(String, u32), String> {
    let (token, number) = argument.rsplit_once('=').ok_or("write TOKEN=NUMBER")?;
    Ok((token.to_owned(), number.parse().map_err(|_| "a number is needed behind =")?))
}

impl Add {
    async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let files = self.files.iter().map(read).collect::<Result<_>>()?;
        let request = PutTokenizerRequest {
            name: self.name.clone(),
            spec: Some(self.spec(files)),
            replace: self.replace,
        };
        let answer = client.put_tokenizer(request).await?;
        output.answer(&answer, |answer| told(answer.tokenizer.as_ref()))
    }

    fn spec(&self, files: Vec<TokenizerFile>) -> TokenizerSpec {
        let kind = match self.kind {
            None if self.parts.is_some() => TokenizerKind::Hybrid,
            None if !self.rule.is_empty() => TokenizerKind::Rules,
            None if self.search || !self.word.is_empty() => TokenizerKind::Jieba,
            None if self.pattern.is_some() && files.is_empty() => TokenizerKind::Tiktoken,
            None => TokenizerKind::Unspecified,
            Some(Kind::Whitespace) => TokenizerKind::Whitespace,
            Some(Kind::Rules) => TokenizerKind::Rules,
            Some(Kind::UnicodeWords) => TokenizerKind::UnicodeWords,
            Some(Kind::Characters) => TokenizerKind::Characters,
            Some(Kind::Bytes) => TokenizerKind::Bytes,
            Some(Kind::Jieba) => TokenizerKind::Jieba,
            Some(Kind::Hybrid) => TokenizerKind::Hybrid,
            Some(Kind::Json) => TokenizerKind::Json,
            Some(Kind::Wordpiece) => TokenizerKind::Wordpiece,
            Some(Kind::Bpe) => TokenizerKind::Bpe,
            Some(Kind::Tiktoken) => TokenizerKind::Tiktoken,
            Some(Kind::Sentencepiece) => TokenizerKind::Sentencepiece,
        };
        let has = |rule: Rule| self.rule.contains(&rule);
        TokenizerSpec {
            kind: kind.into(),
            files,
            rules: Some(tokenizer_spec::Rules {
                case: Some(has(Rule::Case)),
                punctuation: Some(!has(Rule::NoPunctuation)),
                numbers: Some(!has(Rule::NoNumbers)),
                contractions: Some(!has(Rule::NoContractions)),
            }),
            jieba: Some(tokenizer_spec::Jieba {
                words: self.word.clone(),
                search: self.search,
                dictionary_only: false,
            }),
            hybrid: Some(tokenizer_spec::Hybrid {
                words: self.words.clone().unwrap_or_default(),
                parts: self.parts.clone().unwrap_or_default(),
            }),
            tiktoken: Some(tokenizer_spec::Tiktoken {
                pattern: self.pattern.clone().unwrap_or_default(),
                special_tokens: self.special.iter().cloned().collect(),
            }),
            cased: self.cased,
        }
    }
}

fn read(path: &PathBuf) -> Result<TokenizerFile> {
    let failed = |error| Failure::Local(format!("{} cannot be read: {error}", path.display()));
    let mut content = Vec::new();
    let limit = crate::limits::TOKENIZER_BYTES_MAX as u64 + 1;
    let file = File::open(path).map_err(failed)?;
    file.take(limit).read_to_end(&mut content).map_err(failed)?;
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    Ok(TokenizerFile { name, content })
}

/// All tokenizers
#[derive(Debug, Args)]
struct List {}

impl List {
    async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let answer = client.list_tokenizers(ListTokenizersRequest {}).await?;
        output.answer(&answer, |answer| {
            let mut grid = Grid::titled(&[
                ("name", Align::Left),
                ("kind", Align::Left),
                ("model", Align::Left),
                ("tokens", Align::Right),
                ("stored", Align::Right),
                ("tables", Align::Left),
            ]);
            for info in &answer.tokenizers {
                let kind = if info.problem.is_empty() { kind(info) } else { info.problem.clone() };
                let size = info.vocab_size.map(|size| count(size.into()));
                let stored = info.stored.then(|| bytes(info.stored_bytes));
                grid.row([
                    info.name.clone(),
                    kind,
                    info.model.clone(),
                    size.unwrap_or_default(),
                    stored.unwrap_or_else(|| "built in".to_owned()),
                    info.tables.join(" "),
                ]);
            }
            grid.to_string()
        })
    }
}

/// What is known of a tokenizer, and what its vocabulary has
#[derive(Debug, Args)]
struct Show {
    /// Its name
    name: String,
    /// Show these tokens of its vocabulary
    #[arg(long, value_name = "TOKEN", num_args = 1..)]
    token: Vec<String>,
    /// Show the tokens with these numbers
    #[arg(long, value_name = "ID", num_args = 1..)]
    id: Vec<u32>,
    /// Show tokens from this number on
    #[arg(long, value_name = "ID")]
    start: Option<u32>,
    /// Show tokens that hold this
    #[arg(long, value_name = "TEXT")]
    contains: Option<String>,
    /// Show tokens that start with this
    #[arg(long, value_name = "TEXT")]
    prefix: Option<String>,
    /// Show so many tokens, at most
    #[arg(long, value_name = "COUNT")]
    limit: Option<u32>,
}

impl Show {
    async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let is_page = self.start.is_some()
            || self.contains.is_some()
            || self.prefix.is_some()
            || self.limit.is_some();
        if self.token.is_empty() && self.id.is_empty() && !is_page {
            let request = GetTokenizerRequest { name: self.name.clone(), with_spec: false };
            let answer = client.get_tokenizer(request).await?;
            return output.answer(&answer, |answer| told(answer.tokenizer.as_ref()));
        }
        let request = ListTokensRequest {
            tokenizer: self.name.clone(),
            tokens: self.token.clone(),
            ids: self.id.clone(),
            start: self.start,
            limit: self.limit,
            contains: self.contains.clone().unwrap_or_default(),
            prefix: self.prefix.clone().unwrap_or_default(),
        };
        let answer = client.list_tokens(request).await?;
        output.answer(&answer, |answer| tokens(&answer.tokens))?;
        if let Some(next) = answer.next_start {
            output.footer(&format!("  (more: --start {next})"));
        }
        Ok(())
    }
}

fn tokens(tokens: &[VocabToken]) -> String {
    let mut grid = Grid::titled(&[("id", Align::Right), ("token", Align::Left), ("", Align::Left)]);
    for token in tokens {
        let note = match (token.found, token.special) {
            (false, _) => "not in the vocabulary",
            (true, true) => role(token),
            (true, false) => "",
        };
        grid.row([
            token.id.map_or_else(String::new, |id| id.to_string()),
            token.token.clone(),
            note.to_owned(),
        ]);
    }
    grid.to_string()
}

fn role(token: &VocabToken) -> &'static str {
    match token.role() {
        client::TokenRole::Unspecified => "special",
        client::TokenRole::Unknown => "special: unknown",
        client::TokenRole::Begin => "special: begin",
        client::TokenRole::End => "special: end",
        client::TokenRole::Pad => "special: padding",
        client::TokenRole::Mask => "special: mask",
        client::TokenRole::Class => "special: class",
        client::TokenRole::Separator => "special: separator",
    }
}

/// Delete a stored tokenizer
#[derive(Debug, Args)]
struct Remove {
    /// Its name
    name: String,
}

impl Remove {
    async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let request = DeleteTokenizerRequest { name: self.name.clone() };
        let answer = client.delete_tokenizer(request).await?;
        output.answer(&answer, |_| format!("  deleted {}\n", shown(&self.name)))
    }
}

/// Say which tokenizer a table's texts are cut by where none is named
#[derive(Debug, Args)]
struct SetDefault {
    /// The table
    #[arg(long, value_name = "NAME")]
    table: String,
    /// The tokenizer; none takes it away
    name: Option<String>,
}

impl SetDefault {
    async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let tokenizer = self.name.clone().unwrap_or_default();
        let request = SetDefaultTokenizerRequest { table: self.table.clone(), tokenizer };
        let answer = client.set_default_tokenizer(request).await?;
        let name = self.name.as_deref().unwrap_or("unicode-words");
        output.answer(&answer, |_| format!("  {} uses {}\n", shown(&self.table), shown(name)))
    }
}

/// Learn a tokenizer from text and store it
#[derive(Debug, Args)]
struct Train {
    /// Its name
    name: String,
    /// Files of text; none or "-" reads stdin. A line is a text of its own
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// What kind of model
    #[arg(long, value_enum, default_value_t = Learned::BpeByteLevel)]
    kind: Learned,
    /// Tokens of the vocabulary, at most, special ones among them
    #[arg(long, value_name = "COUNT", default_value_t = 30_000)]
    vocab_size: u32,
    /// Leave out pairs (or words) that are rarer
    #[arg(long, value_name = "COUNT", default_value_t = 2)]
    min_frequency: u64,
    /// A special token; they are numbered from 0
    #[arg(long, value_name = "TOKEN")]
    special: Vec<String>,
    /// Bring texts to lower case first
    #[arg(long)]
    lowercase: bool,
    /// Put it in place of one of that name
    #[arg(long)]
    replace: bool,
    /// Return when all text has arrived; learning goes on as a job
    #[arg(long)]
    detach: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Learned {
    /// Byte pairs of characters
    Bpe,
    /// Byte pairs of bytes, as GPT-2
    BpeByteLevel,
    /// Pieces, as BERT
    Wordpiece,
    /// The most likely parts of each word
    Unigram,
    /// Whole words
    WordLevel,
}

impl Train {
    async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let kind = match self.kind {
            Learned::Bpe => client::TrainKind::Bpe,
            Learned::BpeByteLevel => client::TrainKind::BpeByteLevel,
            Learned::Wordpiece => client::TrainKind::Wordpiece,
            Learned::Unigram => client::TrainKind::Unigram,
            Learned::WordLevel => client::TrainKind::WordLevel,
        };
        let header = TrainHeader {
            name: self.name.clone(),
            kind: kind.into(),
            vocab_size: Some(self.vocab_size),
            min_frequency: Some(self.min_frequency),
            special_tokens: self.special.clone(),
            lowercase: self.lowercase,
            replace: self.replace,
            detach: self.detach,
        };
        let readers = readers(&self.files);
        let mut learning = false;
        let on_progress = |progress: &TrainProgress| {
            if progress.learning && !learning {
                learning = true;
                output.say(&format!(
                    "  learning from {}, {} different words",
                    bytes(progress.bytes_read),
                    count(progress.word_count)
                ));
            }
        };
        let report = client.train_tokenizer(header, readers, on_progress).await;
        match unless_detached(report.map_err(Failure::from), output)? {
            Some(report) => output.answer(&report, trained),
            None => Ok(()),
        }
    }
}

/// A tokenizer that was learned.
pub(super) fn trained(report: &client::TrainReport) -> String {
    format!(
        "{}  {} read in {}, learned in {}\n",
        told(report.tokenizer.as_ref()),
        bytes(report.bytes_read),
        seconds(report.read_seconds),
        seconds(report.learn_seconds)
    )
}

fn told(info: Option<&TokenizerInfo>) -> String {
    let Some(info) = info else { return String::new() };
    let mut grid = Grid::plain(&[Align::Left, Align::Left]);
    let mut add = |name: &str, value: String| {
        if !value.is_empty() {
            grid.row([name.to_owned(), value]);
        }
    };
    add("name", info.name.clone());
    add("kind", kind(info));
    add("model", info.model.clone());
    add("tokens", info.vocab_size.map_or_else(String::new, |size| count(size.into())));
    for token in &info.special_tokens {
        let id = token.id.unwrap_or_default();
        add("special", format!("{} {id} ({})", token.token, role(token)));
    }
    for hidden in &info.hidden_limits {
        add("off", hidden.clone());
    }
    add("tables", info.tables.join(" "));
    add("problem", info.problem.clone());
    grid.to_string()
}

/// Its kind in a word.
pub(super) fn kind(info: &TokenizerInfo) -> String {
    let name = info.kind().as_str_name().trim_start_matches("TOKENIZER_KIND_");
    name.to_lowercase().replace('_', "-")
}
