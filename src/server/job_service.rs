//! `JobService`: what long work there is, how far it is, what came of it, and its end.

use std::time::SystemTime;

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, async_trait};

use crate::engine::Engine;
use crate::engine::job::{Job, JobKind, JobReport, JobState, JobStatus};
use crate::error::{Error, ErrorKind, Result};
use crate::proto as pb;
use crate::proto::job::Result as Outcome;
use crate::proto::job_service_server::JobService;
use crate::server::access::Grant;
use crate::server::desk::{Desk, grant_of};
use crate::server::job::{Replies, progress};
use crate::server::status::{message, status};
use crate::server::transfer::told_report;
use crate::server::{backup, models, training};

#[async_trait]
impl JobService for Desk {
    type WatchJobStream = Replies<pb::WatchJobResponse>;

    async fn list_jobs(
        &self,
        request: Request<pb::ListJobsRequest>,
    ) -> Result<Response<pb::ListJobsResponse>, Status> {
        let grant = grant_of(&request)?;
        self.answer(request, move |engine, All| {
            let mut jobs = engine.jobs().list();
            jobs.retain(|job| is_seen(job, &grant));
            Ok(AllJobs(jobs))
        })
        .await
    }

    async fn get_job(
        &self,
        request: Request<pb::GetJobRequest>,
    ) -> Result<Response<pb::GetJobResponse>, Status> {
        let grant = grant_of(&request)?;
        self.answer(request, move |engine, &JobId(id)| seen(engine, id, &grant)).await
    }

    async fn watch_job(
        &self,
        request: Request<pb::WatchJobRequest>,
    ) -> Result<Response<Self::WatchJobStream>, Status> {
        let permit = self.guard.stream().map_err(|error| status(&error))?;
        let grant = grant_of(&request)?;
        let job = seen(&self.engine, request.into_inner().id, &grant).map_err(|e| status(&e))?;
        let (replies, answer) = mpsc::channel(1);
        let desk = self.clone();
        tokio::spawn(async move {
            let _permit = permit;
            tokio::select! {
                () = desk.watch(&job, &replies) => {}
                () = replies.closed() => {}
            }
        });
        Ok(Response::new(ReceiverStream::new(answer)))
    }

    async fn cancel_job(
        &self,
        request: Request<pb::CancelJobRequest>,
    ) -> Result<Response<pb::CancelJobResponse>, Status> {
        let grant = grant_of(&request)?;
        let pb::CancelJobRequest { id, keep } = request.into_inner();
        let job = seen(&self.engine, id, &grant).map_err(|e| status(&e))?;
        let told = job.status();
        if keep {
            job.suffices().map_err(|error| status(&error))?;
        } else {
            job.discard();
        }
        Ok(Response::new(pb::CancelJobResponse { job: Some(told.into()) }))
    }
}

/// A job, if its caller may know of it.
fn seen(engine: &Engine, id: u64, grant: &Grant) -> Result<Job> {
    let job = engine.jobs().get(id)?;
    if is_seen(&job, grant) { Ok(job) } else { Err(Error::new(ErrorKind::JobNotFound { id })) }
}

/// Whether a job is about a table that its caller may name.
fn is_seen(job: &Job, grant: &Grant) -> bool {
    if !grant.is_limited() {
        return true;
    }
    let asked = job.status().asked;
    match asked.kind {
        JobKind::Import
        | JobKind::Export
        | JobKind::ImportTexts
        | JobKind::TrainTable
        | JobKind::Debias
        | JobKind::SeedTable
        | JobKind::Merge
        | JobKind::ArrangeMap => grant.sees(&asked.table),
        JobKind::TrainTokenizer
        | JobKind::Verify
        | JobKind::Backup
        | JobKind::Restore
        | JobKind::TrainModel
        | JobKind::ImportModel
        | JobKind::CompareSmoothings => false,
    }
}

/// A question for every job.
struct All;

impl TryFrom<pb::ListJobsRequest> for All {
    type Error = Error;

    fn try_from(_: pb::ListJobsRequest) -> Result<Self> {
        Ok(Self)
    }
}

/// A question for one job.
struct JobId(u64);

impl TryFrom<pb::GetJobRequest> for JobId {
    type Error = Error;

    fn try_from(request: pb::GetJobRequest) -> Result<Self> {
        Ok(Self(request.id))
    }
}

struct AllJobs(Vec<Job>);

impl From<AllJobs> for pb::ListJobsResponse {
    fn from(AllJobs(jobs): AllJobs) -> Self {
        // Reports may be large: they are for those who ask for one job.
        let without = |job: Job| pb::Job::from(job.status().without_report());
        Self { jobs: jobs.into_iter().map(without).collect() }
    }
}

impl From<Job> for pb::GetJobResponse {
    fn from(job: Job) -> Self {
        Self { job: Some(job.status().into()) }
    }
}

impl From<JobStatus> for pb::Job {
    fn from(status: JobStatus) -> Self {
        let seconds = |at: SystemTime| {
            at.duration_since(SystemTime::UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
        };
        let progress = progress(&status);
        let (mut result, mut error) = (None, None);
        match status.outcome.as_deref() {
            Some(Ok(report)) => result = Some(report.into()),
            Some(Err(cause)) => error = Some(message(cause)),
            None => {}
        }
        Self {
            id: status.id,
            kind: pb::JobKind::from(status.asked.kind).into(),
            table: status.asked.table,
            owner: status.asked.owner,
            state: pb::JobState::from(status.state).into(),
            detached: status.asked.is_detached,
            progress: Some(progress),
            created_at: seconds(status.created_at),
            started_at: status.started_at.map(seconds),
            ended_at: status.ended_at.map(seconds),
            result,
            error,
        }
    }
}

impl From<JobKind> for pb::JobKind {
    fn from(kind: JobKind) -> Self {
        match kind {
            JobKind::Import => Self::Import,
            JobKind::Export => Self::Export,
            JobKind::ImportTexts => Self::ImportTexts,
            JobKind::TrainTokenizer => Self::TrainTokenizer,
            JobKind::TrainTable => Self::TrainTable,
            JobKind::Debias => Self::Debias,
            JobKind::SeedTable => Self::SeedTable,
            JobKind::Merge => Self::MergeTables,
            JobKind::Verify => Self::Verify,
            JobKind::Backup => Self::Backup,
            JobKind::Restore => Self::Restore,
            JobKind::TrainModel => Self::TrainModel,
            JobKind::ImportModel => Self::ImportModel,
            JobKind::CompareSmoothings => Self::CompareSmoothings,
            JobKind::ArrangeMap => Self::ArrangeMap,
        }
    }
}

impl From<JobState> for pb::JobState {
    fn from(state: JobState) -> Self {
        match state {
            JobState::Waiting => Self::Waiting,
            JobState::Running => Self::Running,
            JobState::Done => Self::Done,
            JobState::Failed => Self::Failed,
            JobState::Cancelled => Self::Cancelled,
        }
    }
}

impl From<&JobReport> for Outcome {
    fn from(report: &JobReport) -> Self {
        match report {
            JobReport::Import(table, report) => Self::Import(told_report(table, report)),
            JobReport::Export(bytes_sent) => {
                Self::Export(pb::ExportReport { bytes_sent: *bytes_sent })
            }
            JobReport::ImportTexts(table, report) => {
                Self::ImportTexts(crate::server::texts::told(table, report))
            }
            JobReport::TrainTokenizer(report) => Self::Train(report.clone().into()),
            JobReport::TrainTable(table, report) => Self::TrainTable(training::told(table, report)),
            JobReport::Debias(report) => Self::Debias(report.clone().into()),
            JobReport::Verify(checked) => Self::Verify(checked.into()),
            JobReport::Backup(report, time) => {
                Self::Backup(backup::backed_up(report, time.as_secs_f64()))
            }
            JobReport::Restore(report, time) => {
                Self::Restore(backup::restored(report, time.as_secs_f64()))
            }
            JobReport::TrainModel(report) => Self::TrainModel(models::trained(report)),
            JobReport::ImportModel(made, time) => Self::ImportModel(models::imported(made, *time)),
            JobReport::ArrangeMap(report) => Self::ArrangeMap(report.clone().into()),
            JobReport::CompareSmoothings(totals, compared) => {
                Self::CompareSmoothings(models::compared(totals, compared))
            }
        }
    }
}
