//! The conversions of BiasService's debiasing, which is a job with progress.

use tonic::{Request, Response, Status};

use crate::bias::debias::{DebiasMethod, DebiasQuery};
use crate::engine::Ask;
use crate::engine::debias::{DebiasJob, DebiasReport, ReportTestSet};
use crate::engine::job::{JobKind, JobReport, Progress, Unit};
use crate::error::{Error, Result};
use crate::limits;
use crate::proto as pb;
use crate::proto::debias_response::Part;
use crate::server::bias::{sets, terms, word_set, word_sets};
use crate::server::desk::Desk;
use crate::server::job::{Call, Replies, Run, Told, Work};
use crate::server::status::status;
use crate::server::test_sets::kind;
use crate::server::wire::{Fields, seconds_since_1970};
use crate::table::meta::TableName;

const SETS_MAX: usize = 64;
const COMPONENTS_MAX: usize = 100;

pub(super) fn debias(
    desk: &Desk,
    request: Request<pb::DebiasRequest>,
) -> Result<Response<Replies<pb::DebiasResponse>>, Status> {
    let call = Call::of(&request);
    let request = request.into_inner();
    let is_detached = request.detach;
    let ask = Ask::<DebiasJob>::try_from(request).map_err(|error| status(&error))?;
    let started = desk.start(Debiasing { ask, is_detached }, call);
    Ok(started.map_err(|error| status(&error))?.replies())
}

struct Debiasing {
    ask: Ask<DebiasJob>,
    is_detached: bool,
}

impl Work for Debiasing {
    const KIND: JobKind = JobKind::Debias;
    type Part = ();
    type Reply = pb::DebiasResponse;

    fn table(&self) -> String {
        self.ask.query.target.to_string()
    }

    fn is_detached(&self) -> bool {
        self.is_detached
    }

    fn run(self, run: Run<()>) -> Result<JobReport> {
        let Run { engine, job, .. } = run;
        let mut on_progress = |done, total| {
            let (unit, total) = (Unit::Rows, Some(total));
            job.progress(Progress { unit, done, total, ..Progress::default() });
        };
        engine.debias(&self.ask, &mut on_progress).map(JobReport::Debias)
    }

    fn reply(told: Told<'_>) -> Option<pb::DebiasResponse> {
        let part = match told {
            Told::Started(job) => Part::Job(job),
            Told::Progress(status) => Part::Progress(pb::DebiasProgress {
                rows_done: status.progress.done,
                row_count: status.progress.total.unwrap_or(0),
            }),
            Told::Report(JobReport::Debias(report)) => Part::Report(report.clone().into()),
            Told::Report(_) => return None,
        };
        Some(pb::DebiasResponse { part: Some(part) })
    }
}

impl TryFrom<pb::DebiasRequest> for Ask<DebiasJob> {
    type Error = Error;

    fn try_from(request: pb::DebiasRequest) -> Result<Self> {
        let mut fields = Fields::default();
        if request.target == request.table {
            fields.bad("target", "a new table: the old one stays as it is");
        }
        let table = fields.table(request.table);
        let target = TableName::try_from(request.target).ok();
        if target.is_none() {
            fields.bad("target", "a name for the new table");
        }
        let method = match fields.choice("method", request.method) {
            pb::DebiasMethod::Unspecified | pb::DebiasMethod::Hard => DebiasMethod::Hard,
            pb::DebiasMethod::Multiclass => DebiasMethod::Multiclass,
            pb::DebiasMethod::DoubleHard => DebiasMethod::DoubleHard,
            pb::DebiasMethod::LinearProjection => DebiasMethod::LinearProjection,
            pb::DebiasMethod::HalfSibling => DebiasMethod::HalfSibling,
        };
        let is_multiclass = method == DebiasMethod::Multiclass;
        let pole = |fields: &mut Fields, field: &str, set: Option<pb::WordSet>| {
            if is_multiclass && set.is_none() {
                return crate::bias::WordSet::default();
            }
            word_set(fields, field, set)
        };
        let specific = request.specific.filter(|set| !set.words.is_empty());
        let query = DebiasQuery {
            method,
            from: pole(&mut fields, "from", request.from),
            to: pole(&mut fields, "to", request.to),
            sets: word_sets(&mut fields, "sets", request.sets, SETS_MAX),
            specific: match specific {
                Some(set) => word_set(&mut fields, "specific", Some(set)),
                None => crate::bias::WordSet::default(),
            },
            components: fields.number(
                "components",
                request.components,
                1..=COMPONENTS_MAX,
                if is_multiclass { 2 } else { 10 },
            ),
            terms: terms(&mut fields, request.words, request.lost_threshold),
            seed: request.seed,
        };
        let test_sets = test_sets(&mut fields, request.test_sets);
        let imported_at = seconds_since_1970();
        let replace = request.replace;
        fields.finish(|| {
            let query = DebiasJob { target: target?, replace, imported_at, query, test_sets };
            Some(Self { table: table?, query })
        })
    }
}

fn test_sets(fields: &mut Fields, asked: Vec<pb::DebiasTestSet>) -> Vec<ReportTestSet> {
    fields.count("test_sets", asked.len(), 0..=limits::REPORT_TEST_SETS_MAX);
    let each = asked.into_iter().enumerate().map(|(i, set)| {
        let at = |field: &str| format!("test_sets[{i}].{field}");
        fields.bytes(&at("name"), set.name.len(), limits::SOURCE_BYTES_MAX);
        if set.name.is_empty() {
            fields.bad(at("name"), "the name of a stored test set, or one for the report");
        }
        let asked = fields.choice(&at("kind"), set.kind);
        if set.file.is_empty() {
            return ReportTestSet { name: set.name, file: None };
        }
        let kind = kind(asked);
        if kind.is_none() {
            fields.bad(at("kind"), "what is in the file");
        }
        ReportTestSet { name: set.name, file: kind.map(|kind| (kind, set.file)) }
    });
    each.collect()
}

impl From<DebiasReport> for pb::DebiasReport {
    fn from(report: DebiasReport) -> Self {
        let probe = |(name, before, after)| pb::debias_report::BeforeAfter { name, before, after };
        Self {
            table: report.table.to_string(),
            generation: report.generation,
            lineage: report.lineage,
            row_count: report.row_count,
            attributed_row_count: report.attributed_rows,
            probes: report.probes.into_iter().map(probe).collect(),
            sets: sets(report.sets),
            warnings: report.warnings,
            seconds: report.seconds,
        }
    }
}
