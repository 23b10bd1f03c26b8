//! `TrainTokenizer`: text in as a stream, progress and at last a tokenizer out.

use tonic::{Request, Response, Status, Streaming};

use crate::engine::job::{JobKind, JobReport, Progress, Unit};
use crate::engine::slots::Slot;
use crate::engine::train::{TrainJob, TrainProgress, TrainReport};
use crate::error::{Error, Result};
use crate::limits;
use crate::proto as pb;
use crate::proto::train_tokenizer_request::Part;
use crate::proto::train_tokenizer_response::Part as Reply;
use crate::server::desk::Desk;
use crate::server::job::{Call, Messages, Replies, Run, Told, Work};
use crate::server::status::status;
use crate::server::wire::Fields;
use crate::text::train::{Learned, TrainOptions};

const VOCAB_SIZE: usize = 30_000;
const MIN_FREQUENCY: u64 = 2;

/// What a job does when all text was read.
const LEARNING: &str = "learning";

pub(super) async fn train(
    desk: &Desk,
    request: Request<Streaming<pb::TrainTokenizerRequest>>,
) -> Result<Response<Replies<pb::TrainTokenizerResponse>>, Status> {
    let call = Call::of(&request);
    let mut stream = request.into_inner();
    let first = desk.first(&mut stream, &call).await?.and_then(|message| message.part);
    let Some(Part::Header(header)) = first else {
        let problem = "the first message is the header";
        return Err(status(&Error::invalid("part", problem)));
    };
    let is_detached = header.detach;
    let job = TrainJob::try_from(header).map_err(|error| status(&error))?;
    let taken = desk.engine.check_new_tokenizer(&job.name, job.replace);
    taken.map_err(|error| status(&error))?;
    let messages = Messages { stream, part: text_of };
    let started = desk.start_with(Training { job, is_detached }, call, messages);
    Ok(started.map_err(|error| status(&error))?.replies())
}

fn text_of(message: pb::TrainTokenizerRequest) -> Result<Vec<u8>> {
    match message.part {
        Some(Part::Text(text)) => Ok(text),
        Some(Part::Header(_)) | None => {
            Err(Error::invalid("part", "after the header comes only text"))
        }
    }
}

struct Training {
    job: TrainJob,
    is_detached: bool,
}

impl Work for Training {
    const KIND: JobKind = JobKind::TrainTokenizer;
    type Part = Vec<u8>;
    type Reply = pb::TrainTokenizerResponse;

    fn table(&self) -> String {
        self.job.name.to_string()
    }

    fn is_detached(&self) -> bool {
        self.is_detached
    }

    fn run(self, run: Run<Vec<u8>>) -> Result<JobReport> {
        let mut slot = run.other_slot(Slot::Long);
        let Run { engine, job, mut input, .. } = run;
        let mut on_progress = |now: TrainProgress| {
            job.progress(Progress {
                unit: Unit::Bytes,
                done: now.bytes_read,
                total: None,
                made: now.word_count as u64,
                phase: if now.is_learning { LEARNING } else { "reading" },
                learning: None,
            });
        };
        let mut next = || input.next().transpose();
        let report = engine.train_tokenizer(&self.job, &mut next, &mut on_progress, &mut slot)?;
        Ok(JobReport::TrainTokenizer(report))
    }

    fn reply(told: Told<'_>) -> Option<pb::TrainTokenizerResponse> {
        let part = match told {
            Told::Started(job) => Reply::Job(job),
            Told::Progress(status) => Reply::Progress(pb::TrainProgress {
                bytes_read: status.progress.done,
                word_count: status.progress.made,
                learning: status.progress.phase == LEARNING,
            }),
            Told::Report(JobReport::TrainTokenizer(report)) => Reply::Report(report.clone().into()),
            Told::Report(_) => return None,
        };
        Some(pb::TrainTokenizerResponse { part: Some(part) })
    }
}

impl TryFrom<pb::TrainHeader> for TrainJob {
    type Error = Error;

    fn try_from(header: pb::TrainHeader) -> Result<Self> {
        let mut fields = Fields::default();
        let name = fields.name_of("tokenizer", "name", header.name);
        let kind = match fields.choice("kind", header.kind) {
            pb::TrainKind::Unspecified | pb::TrainKind::BpeByteLevel => Learned::ByteLevelBytePairs,
            pb::TrainKind::Bpe => Learned::BytePairs,
            pb::TrainKind::Wordpiece => Learned::WordPiece,
            pb::TrainKind::Unigram => Learned::Unigram,
            pb::TrainKind::WordLevel => Learned::WordLevel,
        };
        let range = 1..=limits::TRAIN_VOCAB_MAX;
        let vocab_size = fields.number("vocab_size", header.vocab_size, range, VOCAB_SIZE);
        let specials = header.special_tokens;
        fields.count("special_tokens", specials.len(), 0..=limits::TOKENIZER_WORDS_MAX);
        let mut seen = std::collections::HashSet::new();
        for (i, special) in specials.iter().enumerate() {
            if special.is_empty() || special.len() > 1_024 || !seen.insert(special) {
                let problem = "a special token has 1 to 1,024 bytes and comes once";
                fields.bad(format_args!("special_tokens[{i}]"), problem);
            }
        }
        let options = TrainOptions {
            kind,
            vocab_size,
            min_frequency: header.min_frequency.unwrap_or(MIN_FREQUENCY),
            specials,
            lowercase: header.lowercase,
        };
        fields.finish(|| Some(Self { name: name?, replace: header.replace, options }))
    }
}

impl From<TrainReport> for pb::TrainReport {
    fn from(report: TrainReport) -> Self {
        Self {
            tokenizer: Some(report.tokenizer.into()),
            bytes_read: report.bytes_read,
            word_count: report.word_count as u64,
            read_seconds: report.read_seconds,
            learn_seconds: report.learn_seconds,
        }
    }
}
