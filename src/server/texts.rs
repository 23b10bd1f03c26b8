//! `ImportTexts`: texts in as a stream, progress and at last a table out; and `SeedTable`.

use tonic::{Request, Response, Status, Streaming};

use crate::engine::Ask;
use crate::engine::import::ImportProgress;
use crate::engine::job::{JobKind, JobReport, Unit};
use crate::engine::seed::{Distribution, SeedJob};
use crate::engine::texts::{Layout, TextsJob, TextsReport};
use crate::error::{Error, Result};
use crate::format::intake::Policies;
use crate::limits;
use crate::proto as pb;
use crate::proto::import_texts_request::Part;
use crate::proto::import_texts_response::Part as Reply;
use crate::query::embed::{EmbedQuery, Pooling};
use crate::server::desk::Desk;
use crate::server::job::{Call, Messages, Replies, Run, Told, Work};
use crate::server::status::status;
use crate::server::transfer::{
    if_exists, import_progress, on_duplicate, on_invalid, progress, told_report,
};
use crate::server::wire::{Fields, seconds_since_1970};
use crate::table::meta::TableName;

pub(super) async fn import(
    desk: &Desk,
    request: Request<Streaming<pb::ImportTextsRequest>>,
) -> Result<Response<Replies<pb::ImportTextsResponse>>, Status> {
    let call = Call::of(&request);
    let mut stream = request.into_inner();
    let first = desk.first(&mut stream, &call).await?.and_then(|message| message.part);
    let Some(Part::Header(header)) = first else {
        let problem = "the first message is the header";
        return Err(status(&Error::invalid("part", problem)));
    };
    let (total, is_detached) = (header.total_bytes, header.detach);
    let ask = Ask::<TextsJob>::try_from(header).map_err(|error| status(&error))?;
    let messages = Messages { stream, part: text_of };
    let started = desk.start_with(TextsImport { ask, total, is_detached }, call, messages);
    Ok(started.map_err(|error| status(&error))?.replies())
}

fn text_of(message: pb::ImportTextsRequest) -> Result<Vec<u8>> {
    match message.part {
        Some(Part::Chunk(chunk)) => Ok(chunk),
        Some(Part::Header(_)) | None => {
            Err(Error::invalid("part", "after the header comes only text"))
        }
    }
}

struct TextsImport {
    ask: Ask<TextsJob>,
    total: Option<u64>,
    is_detached: bool,
}

impl Work for TextsImport {
    const KIND: JobKind = JobKind::ImportTexts;
    type Part = Vec<u8>;
    type Reply = pb::ImportTextsResponse;

    fn table(&self) -> String {
        self.ask.query.target.to_string()
    }

    fn is_detached(&self) -> bool {
        self.is_detached
    }

    fn run(self, run: Run<Vec<u8>>) -> Result<JobReport> {
        let Run { engine, job, mut input, .. } = run;
        let mut on_progress =
            |now: ImportProgress| job.progress(progress(now, Unit::Bytes, self.total));
        let next = Box::new(move || input.next().transpose());
        let report = engine.import_texts(&self.ask, next, &mut on_progress)?;
        Ok(JobReport::ImportTexts(self.ask.query.target, report))
    }

    fn reply(told: Told<'_>) -> Option<pb::ImportTextsResponse> {
        let part = match told {
            Told::Started(job) => Reply::Job(job),
            Told::Progress(status) => Reply::Progress(import_progress(status)),
            Told::Report(JobReport::ImportTexts(target, report)) => {
                Reply::Report(self::told(target, report))
            }
            Told::Report(_) => return None,
        };
        Some(pb::ImportTextsResponse { part: Some(part) })
    }
}

pub(super) fn told(target: &TableName, report: &TextsReport) -> pb::ImportTextsReport {
    pb::ImportTextsReport {
        import: Some(told_report(target, &report.import)),
        tokenizer: report.tokenizer.clone(),
        generation: report.generation,
        frequencies: report.frequencies.map(pb::FrequenciesUsed::from),
    }
}

impl TryFrom<pb::ImportTextsHeader> for Ask<TextsJob> {
    type Error = Error;

    fn try_from(header: pb::ImportTextsHeader) -> Result<Self> {
        let mut fields = Fields::default();
        if header.target == header.table {
            fields.bad("target", "a new table: the old one stays as it is");
        }
        let table = fields.table(header.table);
        let target = fields.within("target", |fields| fields.table(header.target));
        let layout = match fields.choice("layout", header.layout) {
            pb::TextLayout::Unspecified | pb::TextLayout::Lines => Layout::Lines,
            pb::TextLayout::Ids => Layout::Ids,
            pb::TextLayout::JsonLines => Layout::JsonLines,
        };
        fields.bytes("source", header.source.len(), limits::SOURCE_BYTES_MAX);
        if header.limit == Some(0) {
            fields.bad("limit", "at least 1");
        }
        let words = fields.word_options_of_texts(header.words);
        let (cutting, options) = fields.embedding(header.cutting, header.options);
        if options.pooling == Pooling::Tokens {
            fields.bad("options.pooling", "one vector is needed");
        }
        fields.dense(&options);
        let policies = Policies {
            on_duplicate: on_duplicate(fields.choice("on_duplicate", header.on_duplicate)),
            on_invalid: on_invalid(fields.choice("on_invalid", header.on_invalid)),
            ..Policies::default()
        };
        let if_exists = if_exists(fields.choice("if_exists", header.if_exists));
        let is_named = !header.source.is_empty();
        let source_name = if is_named { header.source } else { "a stream of texts".to_owned() };
        let query = EmbedQuery { texts: Vec::new(), second: Vec::new(), cutting, words, options };
        fields.finish(|| {
            let query = TextsJob {
                target: target?,
                if_exists,
                source_name,
                imported_at: seconds_since_1970(),
                policies,
                limit: header.limit,
                layout,
                query,
            };
            Some(Self { table: table?, query })
        })
    }
}

/// Makes a table of tokens, and waits for it.
pub(super) async fn seed(
    desk: &Desk,
    request: Request<pb::SeedTableRequest>,
) -> Result<Response<pb::SeedTableResponse>, Status> {
    let call = Call::of(&request);
    let seeded = async {
        let seed = Seed(SeedJob::try_from(request.into_inner())?);
        desk.start(seed, call)?.outcome().await
    };
    let outcome = seeded.await.map_err(|error| status(&error))?;
    match &*outcome {
        Ok(report) => Ok(Response::new(Seed::reply(Told::Report(report)).unwrap_or_default())),
        Err(error) => Err(status(error)),
    }
}

struct Seed(SeedJob);

impl Work for Seed {
    const KIND: JobKind = JobKind::SeedTable;
    type Part = ();
    type Reply = pb::SeedTableResponse;

    fn table(&self) -> String {
        self.0.table.to_string()
    }

    fn run(self, run: Run<()>) -> Result<JobReport> {
        let Run { engine, job, .. } = run;
        let mut on_progress = |now| job.progress(progress(now, Unit::Rows, None));
        let report = engine.seed_table(&self.0, &mut on_progress)?;
        Ok(JobReport::Import(self.0.table, report))
    }

    fn reply(told: Told<'_>) -> Option<pb::SeedTableResponse> {
        match told {
            Told::Report(JobReport::Import(table, report)) => {
                Some(pb::SeedTableResponse { report: Some(told_report(table, report)) })
            }
            Told::Started(_) | Told::Progress(_) | Told::Report(_) => None,
        }
    }
}

/// As BERT and GPT-2 begin.
const DEVIATION: f64 = 0.02;

impl TryFrom<pb::SeedTableRequest> for SeedJob {
    type Error = Error;

    fn try_from(request: pb::SeedTableRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let table = fields.table(request.table);
        if request.tokenizer.is_empty() {
            fields.bad("tokenizer", "the name of a tokenizer is needed");
        }
        let dim = fields.number("dim", Some(request.dim), 1..=limits::DIM_MAX, 1);
        if request.scale.is_some_and(|scale| !(scale.is_finite() && scale > 0.0)) {
            fields.bad("scale", "a finite number above 0");
        }
        let scale = |default: f64| request.scale.unwrap_or(default);
        let distribution = match fields.choice("distribution", request.distribution) {
            pb::Distribution::Unspecified | pb::Distribution::Uniform => {
                Distribution::Uniform(scale(0.5 / dim as f64))
            }
            pb::Distribution::Normal => Distribution::Normal(scale(DEVIATION)),
        };
        let if_exists = if_exists(fields.choice("if_exists", request.if_exists));
        fields.finish(|| {
            Some(Self {
                tokenizer: request.tokenizer,
                table: table?,
                if_exists,
                dim,
                distribution,
                seed: request.seed,
                imported_at: seconds_since_1970(),
                is_default: request.set_default,
            })
        })
    }
}
