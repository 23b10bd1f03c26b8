//! The conversions of TableService's arranging of words by their neighbors, which is a job with progress.

use tonic::{Request, Response, Status};

use crate::engine::Ask;
use crate::engine::arrange::{ArrangeQuery, ArrangeReport};
use crate::engine::job::{JobKind, JobReport, Progress, Unit};
use crate::error::{Error, Result};
use crate::proto as pb;
use crate::proto::arrange_map_response::Part;
use crate::server::desk::Desk;
use crate::server::job::{Call, Replies, Run, Told, Work, progress};
use crate::server::status::status;
use crate::server::wire::{self, Fields};

pub(super) fn arrange(
    desk: &Desk,
    request: Request<pb::ArrangeMapRequest>,
) -> Result<Response<Replies<pb::ArrangeMapResponse>>, Status> {
    let call = Call::of(&request);
    let request = request.into_inner();
    let is_detached = request.detach;
    let ask = Ask::<ArrangeQuery>::try_from(request).map_err(|error| status(&error))?;
    desk.start_alone(Arranging { ask, is_detached }, call)
}

struct Arranging {
    ask: Ask<ArrangeQuery>,
    is_detached: bool,
}

impl Work for Arranging {
    const KIND: JobKind = JobKind::ArrangeMap;
    type Part = ();
    type Reply = pb::ArrangeMapResponse;

    fn table(&self) -> String {
        self.ask.table.to_string()
    }

    fn is_detached(&self) -> bool {
        self.is_detached
    }

    fn run(self, run: Run<()>) -> Result<JobReport> {
        let Run { engine, job, .. } = run;
        let mut on_rows = |done, total| {
            let (unit, total) = (Unit::Rows, Some(total));
            job.progress(Progress { unit, done, total, phase: "arranging", ..Progress::default() });
        };
        engine.arrange(&self.ask, &mut on_rows).map(JobReport::ArrangeMap)
    }

    fn reply(told: Told<'_>) -> Option<pb::ArrangeMapResponse> {
        let part = match told {
            Told::Started(job) => Part::Job(job),
            Told::Progress(status) => Part::Progress(progress(status)),
            Told::Report(JobReport::ArrangeMap(report)) => Part::Report(report.clone().into()),
            Told::Report(_) => return None,
        };
        Some(pb::ArrangeMapResponse { part: Some(part) })
    }
}

impl TryFrom<pb::ArrangeMapRequest> for Ask<ArrangeQuery> {
    type Error = Error;

    fn try_from(request: pb::ArrangeMapRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let table = fields.table(request.table);
        let query = ArrangeQuery { seed: request.seed, again: request.again };
        fields.finish(|| Some(Self { table: table?, query }))
    }
}

impl From<ArrangeReport> for pb::ArrangeMapReport {
    fn from(report: ArrangeReport) -> Self {
        Self {
            table: report.table.to_string(),
            generation: report.generation,
            sequence: report.sequence,
            placed_count: wire::count(report.placed_count),
            seed: report.seed,
            was_there: report.was_there,
            seconds: report.seconds,
        }
    }
}
