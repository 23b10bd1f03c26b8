//! `JobService`: what long work there is, how far it is, what came of it, and its end.

use std::time::SystemTime;

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, async_trait};

use crate::engine::job::{JobKind, JobReport, JobState, JobStatus, Unit};
use crate::proto as pb;
use crate::proto::job::Result as Outcome;
use crate::proto::job_service_server::JobService;
use crate::server::Desk;
use crate::server::job::Replies;
use crate::server::status::{message, status};
use crate::server::transfer::told_report;

#[async_trait]
impl JobService for Desk {
    type WatchJobStream = Replies<pb::WatchJobResponse>;

    async fn list_jobs(
        &self,
        _: Request<pb::ListJobsRequest>,
    ) -> Result<Response<pb::ListJobsResponse>, Status> {
        let jobs = self.engine.jobs().list();
        // Results may be large: they are for those who ask for one job.
        let jobs = jobs.iter().map(|job| pb::Job { result: None, ..job.status().into() }).collect();
        Ok(Response::new(pb::ListJobsResponse { jobs }))
    }

    async fn get_job(
        &self,
        request: Request<pb::GetJobRequest>,
    ) -> Result<Response<pb::GetJobResponse>, Status> {
        let job = self.engine.jobs().get(request.into_inner().id).map_err(|e| status(&e))?;
        Ok(Response::new(pb::GetJobResponse { job: Some(job.status().into()) }))
    }

    async fn watch_job(
        &self,
        request: Request<pb::WatchJobRequest>,
    ) -> Result<Response<Self::WatchJobStream>, Status> {
        let permit = self.guard.stream().map_err(|error| status(&error))?;
        let job = self.engine.jobs().get(request.into_inner().id).map_err(|e| status(&e))?;
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
        let job = self.engine.jobs().get(request.into_inner().id).map_err(|e| status(&e))?;
        let told = job.status();
        job.cancel();
        Ok(Response::new(pb::CancelJobResponse { job: Some(told.into()) }))
    }
}

impl From<JobStatus> for pb::Job {
    fn from(status: JobStatus) -> Self {
        let (rate, seconds_left) = (status.rate(), status.seconds_left());
        let seconds = |at: SystemTime| {
            at.duration_since(SystemTime::UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
        };
        let progress = pb::JobProgress {
            unit: match status.progress.unit {
                Unit::Bytes => pb::JobUnit::Bytes,
                Unit::Rows => pb::JobUnit::Rows,
            }
            .into(),
            done: status.progress.done,
            total: status.progress.total,
            rate,
            seconds_left,
            seconds: status.run_time.as_secs_f64(),
            phase: status.progress.phase.to_owned(),
        };
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
            JobKind::Debias => Self::Debias,
            JobKind::SeedTable => Self::SeedTable,
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
            JobReport::Debias(report) => Self::Debias(report.clone().into()),
        }
    }
}
