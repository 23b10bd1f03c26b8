//! What a command says of a job that goes on without it.

use crate::cli::failure::{Failure, Result};
use crate::cli::output::Output;
use crate::client::{CallError, JobStarted};

/// What came of a job that was asked to go on alone: its number, and no report.
pub(super) fn unless_detached<T>(answer: Result<T>, output: &mut Output) -> Result<Option<T>> {
    match answer {
        Err(Failure::Call(CallError::Detached(id))) => {
            output.answer(&JobStarted { id, may_leave: true }, |started| {
                let id = started.id;
                format!(
                    "job {id} goes on alone; `wordspace jobs watch {id}` shows what comes of it"
                )
            })?;
            Ok(None)
        }
        answer => answer.map(Some),
    }
}
