//! Why a command failed: its one line, its hints, its exit code.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::client::{CallError, Code};
use crate::error::Error;

/// The result of a command.
pub(super) type Result<T, E = Failure> = std::result::Result<T, E>;

/// Why a command failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The arguments cannot be right together.
    Usage(String),
    /// The server said no, or nobody answered.
    Call(CallError),
    /// The arguments of a line of the shell, as their parser tells it.
    Parse(Box<clap::Error>),
    /// Something on this machine, such as a file or a port.
    Local(String),
    /// The engine in this process.
    Engine(Error),
    /// Whoever read our stdout has seen enough.
    StdoutClosed,
    /// Ctrl-C.
    Interrupted,
    /// The server took longer than `--timeout` allows.
    Expired(Duration),
    /// A failure with hints that the server was asked for.
    Suggested(Box<Failure>, Vec<String>),
}

impl Failure {
    /// A write to stdout that failed.
    pub(super) fn stdout(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::StdoutClosed
        } else {
            Self::Local(format!("stdout cannot be written: {error}"))
        }
    }

    /// 0 if the reader of stdout has enough, 1 if the question failed, 2 for wrong arguments, 3 if
    /// no server answers, 130 for Ctrl-C.
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::StdoutClosed => 0,
            Self::Usage(_)
            | Self::Parse(_)
            | Self::Call(
                CallError::Address { .. } | CallError::Key | CallError::Certificate { .. },
            ) => 2,
            Self::Call(CallError::Unreachable { .. } | CallError::Lost { .. })
            | Self::Expired(_) => 3,
            Self::Call(CallError::Refused(refusal)) if refusal.code == Code::Unavailable => 3,
            Self::Call(CallError::Refused(_) | CallError::Source(_) | CallError::Detached(_))
            | Self::Local(_)
            | Self::Engine(_) => 1,
            Self::Interrupted => 130,
            Self::Suggested(failure, _) => failure.exit_code(),
        }
    }

    /// Whether there is anything to tell.
    pub(super) fn is_silent(&self) -> bool {
        matches!(self, Self::StdoutClosed | Self::Interrupted)
    }

    /// What to try next, a line each.
    pub(super) fn hints(&self) -> Vec<String> {
        match self {
            Self::Usage(_) => vec!["`--help` shows what the command takes".to_owned()],
            Self::Call(CallError::Refused(refusal)) => {
                let hints = hints(&refusal.reason, &refusal.message);
                let mut hints: Vec<_> = hints.iter().map(|&hint| hint.to_owned()).collect();
                if matches!(refusal.reason.as_str(), "STORAGE" | "INTERNAL" | "CORRUPT") {
                    // What a job met has no call of its own.
                    let at = match refusal.request_id.as_str() {
                        "" => String::new(),
                        id => format!(", at request={id}"),
                    };
                    hints.push(format!("the log of the server has the cause{at}"));
                }
                hints
            }
            Self::Engine(error) => std::error::Error::source(error)
                .map(|cause| format!("the cause: {cause}"))
                .into_iter()
                .collect(),
            Self::Suggested(failure, hints) => {
                hints.iter().cloned().chain(failure.hints()).collect()
            }
            // It closes the connection instead of saying so.
            Self::Call(CallError::Lost { url, .. }) if url.starts_with("https://") => {
                vec!["a server that asks who calls needs --cert and --key".to_owned()]
            }
            Self::Call(_)
            | Self::Local(_)
            | Self::Parse(_)
            | Self::StdoutClosed
            | Self::Interrupted
            | Self::Expired(_) => Vec::new(),
        }
    }
}

fn hints(reason: &str, message: &str) -> &'static [&'static str] {
    match reason {
        "UNKNOWN_WORDS" => &[
            "--lowercase also looks for a word in lower case",
            "--oov skip answers without the unknown words",
        ],
        "TABLE_NOT_FOUND" => &["`wordspace tables` lists the tables"],
        "ALIAS_NOT_FOUND" => &["`wordspace alias list` lists the aliases"],
        "TOKENIZER_NOT_FOUND" => &["`wordspace tokenizer list` lists the stored tokenizers"],
        "TEST_SET_NOT_FOUND" => {
            &["no file has this name either; `wordspace evaluate sets list` lists the stored ones"]
        }
        "TABLE_EXISTS" => &["--replace replaces it once the new one is complete"],
        // Only rows can be left out, and the message says so.
        "MALFORMED_FILE" if message.contains("on_invalid") => {
            &["--on-invalid skip leaves out rows that cannot be read, and counts them"]
        }
        "UNAUTHENTICATED" => {
            &["set WORDSPACE_KEY, or say --api-key KEY; `wordspace key` makes keys"]
        }
        "FORBIDDEN" => &["`wordspace key list` on the server shows what each key may do"],
        _ => &[],
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(problem) | Self::Local(problem) => f.write_str(problem),
            Self::Call(error) => error.fmt(f),
            Self::Engine(error) => error.fmt(f),
            Self::StdoutClosed => f.write_str("stdout was closed"),
            Self::Parse(error) => error.fmt(f),
            Self::Interrupted => f.write_str("interrupted"),
            Self::Expired(after) => {
                write!(f, "no answer within {} s; --timeout allows more", after.as_secs_f64())
            }
            Self::Suggested(failure, _) => failure.fmt(f),
        }
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Engine(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Refusal;

    fn refused(code: Code, reason: &str) -> Failure {
        Failure::Call(CallError::Refused(Box::new(Refusal {
            code,
            reason: reason.to_owned(),
            message: "no".to_owned(),
            ..Refusal::default()
        })))
    }

    #[test]
    fn exit_codes_tell_whose_fault_it_is() {
        let (url, problem) = ("http://x".to_owned(), "refused".to_owned());
        let unreachable = CallError::Unreachable { url: url.clone(), problem: problem.clone() };
        let cases = [
            (refused(Code::NotFound, "UNKNOWN_WORDS"), 1),
            (refused(Code::Unavailable, "SHUTTING_DOWN"), 3),
            (Failure::Call(unreachable), 3),
            (Failure::Call(CallError::Lost { url: url.clone(), problem: problem.clone() }), 3),
            (Failure::Call(CallError::Address { url, problem }), 2),
            (Failure::Call(CallError::Source(io::Error::other("gone"))), 1),
            (Failure::Usage("odd".to_owned()), 2),
            (Failure::Local("port".to_owned()), 1),
            (Failure::stdout(&io::ErrorKind::BrokenPipe.into()), 0),
            (Failure::stdout(&io::ErrorKind::StorageFull.into()), 1),
            (Failure::Interrupted, 130),
        ];
        for (failure, code) in cases {
            assert_eq!(failure.exit_code(), code, "{failure:?}");
        }
    }

    #[test]
    fn an_unknown_word_comes_with_the_options_that_help() {
        let hints = refused(Code::NotFound, "UNKNOWN_WORDS").hints().join("\n");
        assert!(hints.contains("--lowercase") && hints.contains("--oov skip"), "{hints}");
    }
}
