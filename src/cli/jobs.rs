//! `wordspace jobs [watch|cancel]`: long work on the server.

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressDrawTarget};

use crate::cli::failure::Result;
use crate::cli::import::{report_of, report_text, style};
use crate::cli::output::{Align, Grid, Output, bytes, count, seconds, shown};
use crate::cli::{backup, debias, import_texts, lm, restore, tokenizer, train, verify};
use crate::client::{
    self, CallError, CancelJobRequest, Client, Code, Job, JobKind, JobState, JobUnit,
    ListJobsRequest, Refusal, Violation, job,
};

/// List the jobs of the server: those that wait, run, or ended within the last hour
#[derive(Debug, Args)]
pub(super) struct Jobs {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    Watch(Watch),
    Cancel(Cancel),
}

/// Watch a job to its end, and show what came of it; the job does not end with the command
#[derive(Debug, Args)]
struct Watch {
    /// Number of the job
    id: u64,
}

/// Stop a job; what it has not finished is as it was before
#[derive(Debug, Args)]
struct Cancel {
    /// Number of the job
    id: u64,
    /// End a training of vectors with what it has learned so far, as a table
    #[arg(long)]
    keep: bool,
}

impl Jobs {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        match &self.action {
            None => {
                let answer = client.list_jobs(ListJobsRequest {}).await?;
                output.answer(&answer, |answer| list(&answer.jobs))
            }
            Some(Action::Watch(watch)) => watch.ask(client, output).await,
            Some(Action::Cancel(cancel)) => {
                let Cancel { id, keep } = *cancel;
                let answer = client.cancel_job(CancelJobRequest { id, keep }).await?;
                output.answer(&answer, |answer| {
                    let job = answer.job.clone().unwrap_or_default();
                    match job.ended_at {
                        Some(_) => format!("job {} had ended: {}", job.id, state(&job)),
                        None if keep => format!("job {} is told to end with what it has", job.id),
                        None => format!("job {} is told to stop", job.id),
                    }
                })
            }
        }
    }
}

impl Watch {
    async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let bar = ProgressBar::no_length().with_style(style("{spinner} {msg}"));
        if output.is_json() {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        let mut printed = Ok(());
        let watched = client.watch_job(self.id, |job| {
            bar.set_message(line(job));
            if output.is_json() && printed.is_ok() {
                printed = output.answer(job, |_| String::new());
            }
        });
        let watched = watched.await;
        bar.finish_and_clear();
        printed?;
        let job = watched?;
        if let Some(error) = &job.error {
            return Err(refusal(error).into());
        }
        if output.is_json() { Ok(()) } else { output.answer(&job, result) }
    }
}

fn refusal(error: &client::QueryError) -> CallError {
    let violations = error.violations.iter();
    CallError::Refused(Box::new(Refusal {
        code: Code::from_i32(error.code),
        reason: error.reason.clone(),
        message: error.message.clone(),
        metadata: error.metadata.clone().into_iter().collect(),
        violations: violations
            .map(|one| Violation { field: one.field.clone(), problem: one.problem.clone() })
            .collect(),
        retry_after: None,
        request_id: String::new(),
    }))
}

fn list(jobs: &[Job]) -> String {
    if jobs.is_empty() {
        return "no job runs, and none has ended within the last hour\n".to_owned();
    }
    let mut grid = Grid::titled(&[
        ("job", Align::Right),
        ("what", Align::Left),
        ("of", Align::Left),
        ("state", Align::Left),
        ("done", Align::Right),
        ("time", Align::Right),
        ("left", Align::Right),
        ("asked by", Align::Left),
    ]);
    for job in jobs {
        let now = job.progress.clone().unwrap_or_default();
        grid.row([
            job.id.to_string(),
            kind(job),
            shown(&job.table),
            state(job),
            done(job),
            seconds(now.seconds),
            now.seconds_left.map(seconds).unwrap_or_default(),
            shown(&job.owner),
        ]);
    }
    grid.to_string()
}

/// A job in a line.
pub(super) fn line(job: &Job) -> String {
    let left = job.progress.as_ref().and_then(|now| now.seconds_left);
    let left = left.map_or_else(String::new, |left| format!(", {} left", seconds(left)));
    let what = kind(job);
    let now = job.progress.as_ref().and_then(|now| now.learning.as_ref());
    if let Some(now) = now.filter(|_| job.state() == JobState::Running) {
        return format!("{what} {} runs: {}", shown(&job.table), train::learned(now));
    }
    format!("{what} {} {}: {}{left}", shown(&job.table), state(job), done(job))
}

fn kind(job: &Job) -> String {
    match job.kind() {
        JobKind::Unspecified => "another kind",
        JobKind::Import => "import",
        JobKind::Export => "export",
        JobKind::ImportTexts => "import-texts",
        JobKind::TrainTokenizer => "tokenizer train",
        JobKind::TrainTable => "train",
        JobKind::Debias => "debias",
        JobKind::SeedTable => "seed-table",
        JobKind::MergeTables => "merge",
        JobKind::ArrangeMap => "map",
        JobKind::TrainModel => "lm train",
        JobKind::ImportModel => "lm import",
        JobKind::CompareSmoothings => "lm compare",
        JobKind::Verify => "verify",
        JobKind::Backup => "backup",
        JobKind::Restore => "restore",
    }
    .to_owned()
}

fn state(job: &Job) -> String {
    let state = match job.state() {
        JobState::Unspecified => "unknown",
        JobState::Waiting => "waits",
        JobState::Running => "runs",
        JobState::Done => "done",
        JobState::Failed => "failed",
        JobState::Cancelled => "cancelled",
    };
    let phase = job.progress.as_ref().map_or("", |now| now.phase.as_str());
    if job.state() == JobState::Running && !phase.is_empty() {
        return format!("{state} ({})", shown(phase));
    }
    state.to_owned()
}

fn done(job: &Job) -> String {
    let Some(now) = &job.progress else { return String::new() };
    let number = |number: u64| match now.unit() {
        JobUnit::Bytes => bytes(number),
        JobUnit::Rows | JobUnit::Unspecified => format!("{} rows", count(number)),
        JobUnit::Tokens => format!("{} tokens", count(number)),
    };
    match now.total {
        Some(total) => format!("{} of {}", number(now.done), number(total)),
        None => number(now.done),
    }
}

/// What came of a job that is done.
fn result(job: &Job) -> String {
    match &job.result {
        Some(job::Result::Import(report)) if job.kind() == JobKind::SeedTable => {
            report_of(report, "tokens, random vectors")
        }
        Some(job::Result::Import(report)) if job.kind() == JobKind::MergeTables => {
            report_of(report, "rows of tables")
        }
        Some(job::Result::Import(report)) => report_text(report),
        Some(job::Result::ImportTexts(report)) => import_texts::text(report),
        Some(job::Result::Train(report)) => tokenizer::trained(report),
        Some(job::Result::TrainTable(report)) => train::text(report),
        Some(job::Result::TrainModel(report)) => lm::trained(report),
        Some(job::Result::ImportModel(report)) => lm::imported(report),
        Some(job::Result::CompareSmoothings(report)) => lm::compared(report),
        Some(job::Result::Debias(report)) => debias::text(report),
        Some(job::Result::ArrangeMap(report)) => format!(
            "arranged {} words of {} by their neighbors in {}\n",
            count(report.placed_count.into()),
            shown(&report.table),
            seconds(report.seconds)
        ),
        Some(job::Result::Verify(report)) => verify::text(report),
        Some(job::Result::Backup(report)) => backup::text(report),
        Some(job::Result::Restore(report)) => restore::text(report),
        Some(job::Result::Export(report)) => format!("{} were sent\n", bytes(report.bytes_sent)),
        None => format!("{}\n", line(job)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::JobProgress;

    #[test]
    fn a_job_is_a_line() {
        let job = Job {
            id: 3,
            kind: JobKind::TrainTokenizer.into(),
            table: "own".to_owned(),
            state: JobState::Running.into(),
            progress: Some(JobProgress {
                unit: JobUnit::Bytes.into(),
                done: 2 << 20,
                total: Some(4 << 20),
                seconds_left: Some(3.0),
                phase: "reading".to_owned(),
                ..JobProgress::default()
            }),
            ..Job::default()
        };
        assert_eq!(
            line(&job),
            "tokenizer train own runs (reading): 2.0 MiB of 4.0 MiB, 3.00 s left"
        );
        let listed = list(&[job]);
        assert!(listed.contains("tokenizer train") && listed.contains("2.0 MiB of"), "{listed}");
        assert!(list(&[]).starts_with("no job runs"));
    }
}
