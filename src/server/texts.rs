//! `ImportTexts`: texts in as a stream, progress and at last a table out; and `SeedTable`.

use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use crate::engine::import::ImportProgress;
use crate::engine::seed::{Distribution, SeedJob};
use crate::engine::texts::{Layout, TextsJob, TextsReport};
use crate::engine::{Ask, Engine, Stop};
use crate::error::{Error, Result};
use crate::format::intake::Policies;
use crate::limits;
use crate::proto as pb;
use crate::proto::import_texts_request::Part;
use crate::proto::import_texts_response::Part as Reply;
use crate::query::embed::{EmbedQuery, Pooling};
use crate::server::status::status;
use crate::server::text::Replies;
use crate::server::train::{Watching, forward};
use crate::server::transfer::{
    if_exists, on_duplicate, on_invalid, seconds_since_1970, told_report,
};
use crate::server::wire::Fields;
use crate::server::{Desk, caught, guard};
use crate::table::meta::TableName;

/// Messages that wait between the stream and the thread that makes vectors.
const PARTS_WAITING: usize = 4;
/// Time between two progress replies.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);

pub(super) async fn import(
    desk: &Desk,
    request: Request<Streaming<pb::ImportTextsRequest>>,
) -> Result<Response<Replies<pb::ImportTextsResponse>>, Status> {
    let permit = desk.guard.permit().map_err(|error| status(&error))?;
    let timeout = guard::timeout(request.metadata());
    let mut messages = request.into_inner();
    let Some(Part::Header(header)) = messages.message().await?.and_then(|message| message.part)
    else {
        let problem = "the first message is the header";
        return Err(status(&Error::invalid("part", problem)));
    };
    let total_bytes = header.total_bytes;
    let ask = Ask::<TextsJob>::try_from(header).map_err(|error| status(&error))?;
    let (replies, answers) = mpsc::channel(PARTS_WAITING);
    let (parts, mut texts) = mpsc::channel(PARTS_WAITING);
    let stop = Stop::new(timeout.map(|timeout| Instant::now() + timeout));
    let engine = desk.engine.until(stop.clone());
    let (working, is_done) = oneshot::channel();
    let watching = Watching { is_closing: desk.is_closing.clone(), stop, is_done };
    tokio::spawn(forward(messages, text_of, parts, replies.clone(), watching));
    tokio::task::spawn_blocking(move || {
        let _permit = permit;
        // Dropped at the end, or by a panic.
        let _working: oneshot::Sender<()> = working;
        let mut last: Option<Instant> = None;
        let mut on_progress =
            |now: ImportProgress| {
                if last.is_some_and(|last| last.elapsed() < PROGRESS_EVERY) {
                    return;
                }
                last = Some(Instant::now());
                let ImportProgress { bytes_read, rows_read } = now;
                let progress = pb::ImportProgress { bytes_read, rows_read, total_bytes };
                // A full channel loses a progress reply and nothing else.
                drop(replies.try_send(Ok(pb::ImportTextsResponse {
                    part: Some(Reply::Progress(progress)),
                })));
            };
        let next = Box::new(move || texts.blocking_recv().transpose());
        let imported = caught(|| engine.import_texts(&ask, next, &mut on_progress));
        let last = imported.map(|report| pb::ImportTextsResponse {
            part: Some(Reply::Report(told(&ask.query.target, report))),
        });
        // Nobody is left to hear it if this fails.
        let _ = replies.blocking_send(last.map_err(|error| status(&error)));
    });
    Ok(Response::new(ReceiverStream::new(answers)))
}

fn text_of(message: pb::ImportTextsRequest) -> Option<Vec<u8>> {
    match message.part? {
        Part::Chunk(chunk) => Some(chunk),
        Part::Header(_) => None,
    }
}

fn told(target: &TableName, report: TextsReport) -> pb::ImportTextsReport {
    pb::ImportTextsReport {
        import: Some(told_report(target, report.import)),
        tokenizer: report.tokenizer,
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

/// A table to be made of tokens.
pub(super) struct Seed(SeedJob);

impl Seed {
    pub(super) fn answer(engine: &Engine, asked: &Self) -> Result<pb::SeedTableResponse> {
        let report = engine.seed_table(&asked.0)?;
        Ok(pb::SeedTableResponse { report: Some(told_report(&asked.0.table, report)) })
    }
}

/// As BERT and GPT-2 begin.
const DEVIATION: f64 = 0.02;

impl TryFrom<pb::SeedTableRequest> for Seed {
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
            Some(Self(SeedJob {
                tokenizer: request.tokenizer,
                table: table?,
                if_exists,
                dim,
                distribution,
                seed: request.seed,
                imported_at: seconds_since_1970(),
                is_default: request.set_default,
            }))
        })
    }
}
