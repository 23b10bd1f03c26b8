//! The conversions of BiasService's debiasing, which is a job with progress.

use std::time::{Duration, Instant, SystemTime};

use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use crate::bias::debias::{DebiasMethod, DebiasQuery};
use crate::engine::debias::{DebiasJob, DebiasReport, ReportTestSet};
use crate::engine::{Ask, Stop};
use crate::error::{Error, Result};
use crate::limits;
use crate::proto as pb;
use crate::proto::debias_response::Part;
use crate::server::bias::{sets, terms, word_set, word_sets};
use crate::server::status::status;
use crate::server::test_sets::kind;
use crate::server::wire::Fields;
use crate::server::{Desk, caught, guard};
use crate::table::meta::TableName;

/// The messages of a job.
pub(super) type Replies = ReceiverStream<Result<pb::DebiasResponse, Status>>;

const SETS_MAX: usize = 64;
const COMPONENTS_MAX: usize = 100;
/// Time between two progress messages.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);
/// Messages that wait for the caller.
const WAITING: usize = 4;

impl Desk {
    /// Begins a job on a thread that may block; it stops when the caller leaves, when its deadline
    /// passes, or when the server closes.
    pub(super) fn start_debias(
        &self,
        request: Request<pb::DebiasRequest>,
    ) -> Result<Response<Replies>, Status> {
        let permits = (self.guard.permit(), self.guard.long());
        let permits = (permits.0.map_err(|e| status(&e))?, permits.1.map_err(|e| status(&e))?);
        let timeout = guard::timeout(request.metadata());
        let ask = Ask::<DebiasJob>::try_from(request.into_inner()).map_err(|e| status(&e))?;
        let stop = Stop::new(timeout.map(|timeout| Instant::now() + timeout));
        let engine = self.engine.until(stop.clone());
        let (replies, answer) = mpsc::channel(WAITING);
        let watched = replies.clone();
        let (working, done) = oneshot::channel::<()>();
        tokio::spawn(async move {
            // Watching ends with the work: the stream ends when nobody can send into it.
            tokio::select! {
                () = watched.closed() => stop.raise(),
                _ = done => {}
            }
        });
        tokio::task::spawn_blocking(move || {
            let _held_while_working = (permits, working);
            let mut last = Instant::now();
            let mut progress = |rows_done, row_count| {
                if last.elapsed() >= PROGRESS_EVERY {
                    last = Instant::now();
                    let part = Part::Progress(pb::DebiasProgress { rows_done, row_count });
                    // A full channel loses a progress message and nothing else.
                    let _ = replies.try_send(Ok(pb::DebiasResponse { part: Some(part) }));
                }
            };
            let done = caught(|| engine.debias(&ask, &mut progress));
            let last = done.map(pb::DebiasResponse::from).map_err(|error| status(&error));
            // Nobody is left to hear it if this fails.
            let _ = replies.blocking_send(last);
        });
        Ok(Response::new(ReceiverStream::new(answer)))
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
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let imported_at = now.map_or(0, |since| since.as_secs());
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

impl From<DebiasReport> for pb::DebiasResponse {
    fn from(report: DebiasReport) -> Self {
        let probe = |(name, before, after)| pb::debias_report::BeforeAfter { name, before, after };
        let report = pb::DebiasReport {
            table: report.table.to_string(),
            generation: report.generation,
            lineage: report.lineage,
            row_count: report.row_count,
            attributed_row_count: report.attributed_rows,
            probes: report.probes.into_iter().map(probe).collect(),
            sets: sets(report.sets),
            warnings: report.warnings,
            seconds: report.seconds,
        };
        Self { part: Some(Part::Report(report)) }
    }
}
