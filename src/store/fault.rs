//! Sled's errors and panics in this crate's words.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::{Error, ErrorKind, Result};

/// What to do about a damaged folder.
pub(super) const RECOVER: &str =
    "`wordspace check` lists all that is damaged, `wordspace recover` keeps what is whole";
/// What to do about a damaged table.
pub(super) const IMPORT_AGAIN: &str =
    "restore the table from a backup, or delete it and import it again";
/// What to do about what was published and is damaged.
pub(super) const PUBLISH_AGAIN: &str =
    "what was brought before still answers; publish to an empty place, or bring the file back";

/// Calls sled. `what` is read or written, for the error.
///
/// Sled panics on some damaged files, so a panic is taken for damage.
pub(super) fn guarded<T>(
    what: impl FnOnce() -> String,
    call: impl FnOnce() -> sled::Result<T>,
) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(translated(error, what)),
        Err(payload) => Err(Error::caused(damage(what(), RECOVER), text(&*payload))),
    }
}

/// The kind of an error that says: this is damaged.
pub(super) fn damage(what: String, advice: &'static str) -> ErrorKind {
    ErrorKind::Corrupt { what, advice }
}

fn translated(error: sled::Error, what: impl FnOnce() -> String) -> Error {
    use io::ErrorKind::{InvalidData, NotFound, UnexpectedEof};
    match error {
        // A short or missing file of sled's own.
        sled::Error::Io(error)
            if matches!(error.kind(), InvalidData | NotFound | UnexpectedEof) =>
        {
            Error::caused(damage(what(), RECOVER), error)
        }
        sled::Error::Io(error) => Error::disk(error).context(what()),
        sled::Error::Corruption { .. } => Error::caused(damage(what(), RECOVER), error),
        sled::Error::CollectionNotFound(_)
        | sled::Error::Unsupported(_)
        | sled::Error::ReportableBug(_) => Error::caused(ErrorKind::Storage, error).context(what()),
    }
}

fn text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
    format!("panic in sled: {}", text.unwrap_or("without a message"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind_of(error: sled::Error) -> ErrorKind {
        let result = guarded(|| "block 7".to_owned(), || Err::<(), _>(error));
        result.unwrap_err().kind().clone()
    }

    #[test]
    fn sleds_errors_become_the_kinds_that_a_user_can_act_on() {
        let io = |kind: io::ErrorKind| sled::Error::Io(io::Error::from(kind));
        assert_eq!(kind_of(io(io::ErrorKind::StorageFull)), ErrorKind::DiskFull);
        assert_eq!(kind_of(io(io::ErrorKind::PermissionDenied)), ErrorKind::Storage);
        let damaged = damage("block 7".to_owned(), RECOVER);
        assert_eq!(kind_of(io(io::ErrorKind::UnexpectedEof)), damaged);
        assert_eq!(kind_of(sled::Error::Corruption { at: None, bt: () }), damaged);
        assert_eq!(kind_of(sled::Error::ReportableBug(String::new())), ErrorKind::Storage);
        let panicked = guarded(|| "block 7".to_owned(), || -> sled::Result<()> { panic!("no") });
        assert_eq!(*panicked.unwrap_err().kind(), damaged);
    }
}
