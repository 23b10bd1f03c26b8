//! What can go wrong: one `Error`, one word wide, whose kind carries data and whose text is derived.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error: what happened ([`ErrorKind`]), what was being done, and the cause for the log.
///
/// The text of an error is for the person who asked. The cause ([`StdError::source`]) is for the
/// log of the process where it happened: it never crosses the wire.
pub struct Error(Box<Inner>);

const _: () = assert!(size_of::<Error>() == size_of::<usize>());

struct Inner {
    kind: ErrorKind,
    /// Outermost last.
    contexts: Vec<Cow<'static, str>>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// A place in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum At {
    /// A line, counted from 1.
    Line(u64),
    /// A byte, counted from 0, after decompression.
    Byte(u64),
    /// A row of a table, counted from 0.
    Row(u64),
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Byte(byte) => write!(f, "byte {byte}"),
            Self::Row(row) => write!(f, "row {row}"),
        }
    }
}

/// One field of a question that cannot be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The field's path in the request, such as `positive[2].weight`.
    pub field: String,
    /// What is wrong with it, and what would be right.
    pub problem: String,
}

/// The kinds of errors, with their data.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The question is wrong whatever the state: every bad field at once.
    InvalidArgument {
        /// Never empty.
        violations: Vec<Violation>,
    },
    /// A vector has another number of components than the table.
    DimensionMismatch {
        /// Components of the table's vectors.
        expected: usize,
        /// Components of the vector given.
        got: usize,
    },
    /// A vector holds NaN or infinity.
    NotFinite {
        /// Where: a field, a row or a line.
        at: String,
    },
    /// An embedding file cannot be read.
    Malformed {
        /// The format it was read as, in the words of the command line.
        format: &'static str,
        /// Where reading stopped.
        at: At,
        /// What is wrong there.
        problem: String,
    },
    /// More than a limit of `limits.rs`.
    TooLarge {
        /// The limit's name.
        limit: &'static str,
        /// The most that is allowed.
        max: u64,
        /// What was given.
        got: u64,
    },
    /// Words that the table does not have.
    UnknownWords {
        /// All of them, in the order asked.
        words: Vec<String>,
    },
    /// Words that the table has already.
    WordsExist {
        /// All of them, in the order given.
        words: Vec<String>,
    },
    /// No table of that name.
    TableNotFound {
        /// The name asked for.
        name: String,
    },
    /// A table of that name is there already.
    TableExists {
        /// The name.
        name: String,
    },
    /// No alias of that name.
    AliasNotFound {
        /// The name asked for.
        name: String,
    },
    /// An alias has that name already.
    AliasExists {
        /// The name.
        name: String,
        /// The table that it stands for.
        table: String,
    },
    /// No tokenizer of that name.
    TokenizerNotFound {
        /// The name asked for.
        name: String,
    },
    /// A tokenizer of that name is there already.
    TokenizerExists {
        /// The name.
        name: String,
    },
    /// No test set of that name.
    TestSetNotFound {
        /// The name asked for.
        name: String,
    },
    /// A test set of that name is there already.
    TestSetExists {
        /// The name.
        name: String,
    },
    /// No language model of that name.
    ModelNotFound {
        /// The name asked for.
        name: String,
    },
    /// A language model of that name is there already.
    ModelExists {
        /// The name.
        name: String,
    },
    /// The call is right, but not for this table.
    Unsuited {
        /// What was asked.
        operation: &'static str,
        /// Why it cannot be done here.
        because: String,
    },
    /// Another write to the same table is running.
    Conflict {
        /// The table.
        table: String,
    },
    /// Another process publishes where this one did, and nothing that is written here reaches readers.
    Superseded {
        /// The epoch of the other one.
        epoch: u64,
    },
    /// A table has not reached the state that the caller wants to see.
    Behind {
        /// The table.
        table: String,
        /// Its generation.
        generation: u64,
        /// The last write that it shows.
        sequence: u64,
    },
    /// A table is not here at this moment, and is on its way since it was asked.
    Absent {
        /// The table.
        table: String,
    },
    /// The call brings no key, or one that is not in force.
    Unauthenticated {
        /// What is wrong with it.
        because: &'static str,
    },
    /// The key of the call does not allow it.
    Forbidden {
        /// What it lacks.
        because: String,
    },
    /// The key of the call allows no more for now.
    RateLimited {
        /// Of what.
        limit: &'static str,
        /// How long until it allows more.
        wait: Duration,
    },
    /// Too many calls at once.
    Overloaded,
    /// The data folder's disk is full.
    DiskFull,
    /// The process is closing.
    Closing,
    /// The call's deadline passed.
    Deadline,
    /// The caller stopped the call.
    Cancelled,
    /// The caller of a stream sent, or took, nothing or too little for too long.
    Idle {
        /// The most that a stream may wait, in seconds.
        seconds: f64,
    },
    /// No job of that number.
    JobNotFound {
        /// The number asked for.
        id: u64,
    },
    /// This build cannot do it.
    Unsupported {
        /// What was asked.
        what: String,
    },
    /// Stored bytes are damaged.
    Corrupt {
        /// Which file or record.
        what: String,
        /// What to do next.
        advice: &'static str,
    },
    /// Stored bytes were written by another version.
    ForeignVersion {
        /// Which file or record.
        what: String,
        /// The version this build reads.
        expected: u32,
        /// The version found.
        got: u32,
    },
    /// The disk or the key-value store failed.
    Storage,
    /// A fault of this program.
    Internal,
}

impl Error {
    /// An error of this kind, with no cause.
    pub fn new(kind: ErrorKind) -> Self {
        Self(Box::new(Inner { kind, contexts: Vec::new(), source: None }))
    }

    /// An error of this kind, with the cause for the log.
    pub fn caused(kind: ErrorKind, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(Box::new(Inner { kind, contexts: Vec::new(), source: Some(source.into()) }))
    }

    /// One bad field.
    pub fn invalid(field: impl Into<String>, problem: impl Into<String>) -> Self {
        let violation = Violation { field: field.into(), problem: problem.into() };
        Self::new(ErrorKind::InvalidArgument { violations: vec![violation] })
    }

    /// An input or output error of the disk; a full disk has its own kind.
    pub fn disk(source: std::io::Error) -> Self {
        let kind = if source.kind() == std::io::ErrorKind::StorageFull {
            ErrorKind::DiskFull
        } else {
            ErrorKind::Storage
        };
        Self::caused(kind, source)
    }

    /// Says what was being done, such as "importing glove.txt".
    #[must_use]
    pub fn context(mut self, doing: impl Into<Cow<'static, str>>) -> Self {
        self.0.contexts.push(doing.into());
        self
    }

    /// What happened.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }
}

/// Adds [`Error::context`] to a result.
pub trait Context {
    /// Says what was being done, if it failed.
    #[must_use]
    fn context<C: Into<Cow<'static, str>>>(self, doing: impl FnOnce() -> C) -> Self;
}

impl<T> Context for Result<T> {
    fn context<C: Into<Cow<'static, str>>>(self, doing: impl FnOnce() -> C) -> Self {
        self.map_err(|error| error.context(doing()))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for context in self.0.contexts.iter().rev() {
            write!(f, "{context}: ")?;
        }
        self.0.kind.fmt(f)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        match &self.0.source {
            Some(source) => write!(f, " ({source})"),
            None => Ok(()),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

impl fmt::Display for ErrorKind {
    #[expect(clippy::too_many_lines, reason = "one arm a kind")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidArgument { violations } => write_violations(f, violations),
            Self::DimensionMismatch { expected, got } => {
                write!(f, "the vector has {got} components, the table has {expected}")
            }
            Self::NotFinite { at } => write!(f, "{at}: not a finite number (NaN or infinity)"),
            // The beginning is not where the fault is, but where reading ended.
            Self::Malformed { format, at: At::Byte(0), problem } => {
                write!(f, "not a readable {format} file: {problem}")
            }
            Self::Malformed { format, at, problem } => {
                write!(f, "not a readable {format} file: {at}: {problem}")
            }
            Self::TooLarge { limit, max, got } => {
                write!(f, "{got} is over the limit {limit} of {max}")
            }
            Self::UnknownWords { words } => {
                let (noun, verb) = if words.len() == 1 { ("word", "is") } else { ("words", "are") };
                write!(f, "the {noun} {} {verb} not in the table", quoted(words))
            }
            Self::WordsExist { words } => {
                let (noun, verb) = if words.len() == 1 { ("word", "is") } else { ("words", "are") };
                write!(f, "the {noun} {} {verb} in the table already", quoted(words))
            }
            Self::TableNotFound { name } => write!(f, "no table is named \"{name}\""),
            Self::TableExists { name } => {
                write!(f, "a table \"{name}\" is there already; replace it, or take another name")
            }
            Self::AliasNotFound { name } => write!(f, "no alias is named \"{name}\""),
            Self::AliasExists { name, table } => write!(
                f,
                "\"{name}\" is an alias of the table \"{table}\"; take another name, or name the \
                 table itself"
            ),
            Self::TokenizerNotFound { name } => write!(f, "no tokenizer is named \"{name}\""),
            Self::TokenizerExists { name } => write_exists(f, "tokenizer", name),
            Self::TestSetNotFound { name } => write!(f, "no test set is named \"{name}\""),
            Self::TestSetExists { name } => write_exists(f, "test set", name),
            Self::ModelNotFound { name } => write!(f, "no language model is named \"{name}\""),
            Self::ModelExists { name } => write_exists(f, "language model", name),
            Self::Unsuited { operation, because } => write!(f, "{operation}: {because}"),
            Self::Conflict { table } => {
                write!(f, "another job makes the table \"{table}\"; try again when it has ended")
            }
            Self::Superseded { epoch } => write!(
                f,
                "another server publishes in place of this one, in epoch {epoch}; write to that one"
            ),
            Self::Behind { table, generation, sequence } => write!(
                f,
                "the table \"{table}\" is at generation {generation}, write {sequence}, and has not \
                 reached what was asked for; try again in a moment"
            ),
            Self::Absent { table } => write!(
                f,
                "the table \"{table}\" is not here at this moment, and is on its way; try again in a moment"
            ),
            Self::Unauthenticated { because } => write!(f, "a key is needed: {because}"),
            Self::Forbidden { because } => write!(f, "not allowed: {because}"),
            Self::RateLimited { limit, wait } => write!(
                f,
                "the key allows no more {limit}; try again in {:.1} s",
                wait.as_secs_f64().max(0.1)
            ),
            Self::Overloaded => write!(f, "too many calls at once; try again in a moment"),
            Self::DiskFull => write!(f, "the disk of the data folder is full"),
            Self::Closing => write!(f, "the server is closing"),
            Self::Deadline => write!(f, "the deadline passed before the answer was ready"),
            Self::Cancelled => write!(f, "cancelled"),
            Self::Idle { seconds } => write!(
                f,
                "the caller kept its stream waiting for {seconds} s, the most that is allowed"
            ),
            Self::JobNotFound { id } => {
                write!(f, "there is no job {id}, or it ended too long ago")
            }
            Self::Unsupported { what } => write!(f, "{what} is not supported"),
            Self::Corrupt { what, advice } => write!(f, "{what} is damaged; {advice}"),
            Self::ForeignVersion { what, expected, got } => write!(
                f,
                "{what} has format version {got}, this build reads version {expected}; use the \
                 wordspace that wrote it, or export there and import here"
            ),
            Self::Storage => write!(f, "the data folder cannot be read or written"),
            Self::Internal => write!(f, "an internal fault; the log of the process has the cause"),
        }
    }
}

fn write_exists(f: &mut fmt::Formatter<'_>, what: &str, name: &str) -> fmt::Result {
    write!(f, "a {what} \"{name}\" is there already; replace it, or take another name")
}

fn write_violations(f: &mut fmt::Formatter<'_>, violations: &[Violation]) -> fmt::Result {
    for (i, violation) in violations.iter().enumerate() {
        let separator = if i == 0 { "" } else { "; " };
        write!(f, "{separator}{}: {}", violation.field, violation.problem)?;
    }
    Ok(())
}

fn quoted(words: &[String]) -> String {
    words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ")
}
