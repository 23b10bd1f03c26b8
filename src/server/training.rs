//! TrainingService: text in as a stream, progress and at last a table out; and the tree of its words.

use tonic::{Request, Response, Status, Streaming, async_trait};

use crate::engine::job::{JobKind, JobReport, Progress, Unit};
use crate::engine::slots::Slot;
use crate::engine::train_table::{
    Along, CheckpointTold, Continue, Evaluation, Learning, Method, PhrasePasses, Probe,
    TrainTableJob, TrainTableProgress, TrainTableReport,
};
use crate::engine::{Answer, Ask, Engine};
use crate::error::{Error, Result};
use crate::limits;
use crate::proto as pb;
use crate::proto::train_table_request::Part;
use crate::proto::train_table_response::Part as Reply;
use crate::proto::training_service_server::TrainingService;
use crate::query::huffman::{HuffmanPath, HuffmanQuery};
use crate::query::{AnsweredBy, WordsUsed};
use crate::server::desk::Desk;
use crate::server::job::{Call, Messages, Replies, Run, Told, Work};
use crate::server::status::status;
use crate::server::transfer::{if_exists, told_report};
use crate::server::wire::{self, Fields};
use crate::table::meta::TableName;
use crate::training::corpus::Keep;
use crate::training::glove::GloveSettings;
use crate::training::phrases::{PhraseScore, Phrases};
use crate::training::settings::{Loss, Model, Ngrams, Settings};

/// fastText's defaults.
const NGRAMS: Ngrams = Ngrams { min_n: 3, max_n: 6, buckets: 2_000_000 };
/// What the normalized information of a phrase is above.
const NPMI_THRESHOLD: f64 = 0.5;

#[async_trait]
impl TrainingService for Desk {
    type TrainTableStream = Replies<pb::TrainTableResponse>;

    async fn train_table(
        &self,
        request: Request<Streaming<pb::TrainTableRequest>>,
    ) -> Result<Response<Self::TrainTableStream>, Status> {
        let call = Call::of(&request);
        let mut stream = request.into_inner();
        let first = self.first(&mut stream, &call).await?.and_then(|message| message.part);
        let Some(Part::Header(header)) = first else {
            let problem = "the first message is the header";
            return Err(status(&Error::invalid("part", problem)));
        };
        let (is_detached, total) = (header.detach, header.total_bytes);
        let engine = self.engine.clone();
        // A table to begin with may have to be read first.
        let asked = tokio::task::spawn_blocking(move || {
            if header.resume {
                let table = resumed(&header)?;
                return engine.check_resuming(&table).map(|()| Asked::Resume(table));
            }
            let job = job_of(header, &engine)?;
            engine.check_training(&job).map(|()| Asked::New(Box::new(job)))
        });
        let broken = |cause| Error::caused(crate::error::ErrorKind::Internal, cause);
        let asked = asked.await.map_err(broken).and_then(|asked| asked);
        let asked = asked.map_err(|error| status(&error))?;
        let messages = Messages { stream, part: text_of };
        let started = self.start_with(Training { asked, total, is_detached }, call, messages);
        Ok(started.map_err(|error| status(&error))?.replies())
    }

    async fn get_huffman_path(
        &self,
        request: Request<pb::GetHuffmanPathRequest>,
    ) -> Result<Response<pb::GetHuffmanPathResponse>, Status> {
        self.answer(request, Engine::huffman_path).await
    }
}

fn text_of(message: pb::TrainTableRequest) -> Result<Vec<u8>> {
    match message.part {
        Some(Part::Text(text)) => Ok(text),
        Some(Part::Header(_)) | None => {
            Err(Error::invalid("part", "after the header comes only text"))
        }
    }
}

enum Asked {
    New(Box<TrainTableJob>),
    /// That of this table goes on.
    Resume(TableName),
}

struct Training {
    asked: Asked,
    total: Option<u64>,
    is_detached: bool,
}

impl Work for Training {
    const KIND: JobKind = JobKind::TrainTable;
    type Part = Vec<u8>;
    type Reply = pb::TrainTableResponse;

    fn table(&self) -> String {
        match &self.asked {
            Asked::New(job) => job.table.to_string(),
            Asked::Resume(table) => table.to_string(),
        }
    }

    fn is_detached(&self) -> bool {
        self.is_detached
    }

    fn is_kept(&self) -> bool {
        matches!(&self.asked, Asked::New(job) if job.resume_offset.is_some())
    }

    fn run(self, run: Run<Vec<u8>>) -> Result<JobReport> {
        let mut slot = run.other_slot(Slot::Long);
        let Run { engine, job, mut input, .. } = run;
        let mut on_progress = |now: TrainTableProgress| job.progress(progress(now, self.total));
        let mut next = || input.next().transpose();
        let (table, report) = match self.asked {
            Asked::New(job) => {
                let report = engine.train_table(&job, &mut next, &mut on_progress, &mut slot)?;
                (job.table, report)
            }
            Asked::Resume(table) => {
                if next()?.is_some() {
                    return Err(Error::invalid("part", "a training that goes on has its text"));
                }
                let report = engine.resume_training(&table, &mut on_progress, &mut slot)?;
                (table, report)
            }
        };
        Ok(JobReport::TrainTable(table, Box::new(report)))
    }

    fn reply(told: Told<'_>) -> Option<pb::TrainTableResponse> {
        let part = match told {
            Told::Started(job) => Reply::Job(job),
            Told::Progress(status) => {
                let now = &status.progress;
                let is_text = now.unit == Unit::Bytes;
                Reply::Progress(pb::TrainTableProgress {
                    bytes_read: if is_text { now.done } else { 0 },
                    phase: now.phase.to_owned(),
                    word_count: now.made,
                    learning: now.learning.as_deref().map(pb::LearningProgress::from),
                })
            }
            Told::Report(JobReport::TrainTable(table, report)) => {
                Reply::Report(self::told(table, report))
            }
            Told::Report(_) => return None,
        };
        Some(pb::TrainTableResponse { part: Some(part) })
    }
}

fn progress(now: TrainTableProgress, total_bytes: Option<u64>) -> Progress {
    let TrainTableProgress { bytes_read, phase, word_count, learning } = now;
    let (unit, done, total) = match &learning {
        Some(learning) => (Unit::Tokens, learning.tokens, Some(learning.tokens_total)),
        None => (Unit::Bytes, bytes_read, total_bytes),
    };
    Progress { unit, done, total, made: word_count as u64, phase, learning }
}

impl From<&Learning> for pb::LearningProgress {
    fn from(now: &Learning) -> Self {
        Self {
            epoch: wire::count(now.epoch),
            epochs: wire::count(now.epochs),
            tokens: now.tokens,
            tokens_total: now.tokens_total,
            tokens_per_second: now.tokens_per_second,
            loss: now.loss,
            lr: now.lr.into(),
            seconds_left: now.seconds_left(),
            checkpoint: now.checkpoint.as_ref().map(pb::TrainCheckpoint::from),
            probes: now.probes.iter().map(pb::TrainProbe::from).collect(),
            evaluations: now.evaluations.iter().map(pb::TrainEvaluation::from).collect(),
        }
    }
}

impl From<&CheckpointTold> for pb::TrainCheckpoint {
    fn from(told: &CheckpointTold) -> Self {
        let CheckpointTold { count, bytes, tokens, seconds, problem } = told;
        let problem = problem.clone().unwrap_or_default();
        Self { count: *count, bytes: *bytes, tokens: *tokens, seconds: *seconds, problem }
    }
}

impl From<&Probe> for pb::TrainProbe {
    fn from(probe: &Probe) -> Self {
        let neighbor = |(word, similarity): &(String, f32)| pb::TrainNeighbor {
            word: word.clone(),
            similarity: *similarity,
        };
        Self {
            word: probe.word.clone(),
            known: probe.is_known,
            tokens: probe.tokens,
            neighbors: probe.neighbors.iter().map(neighbor).collect(),
        }
    }
}

impl From<&Evaluation> for pb::TrainEvaluation {
    fn from(evaluation: &Evaluation) -> Self {
        let figure = |(name, value): &(String, Option<f64>)| pb::TrainFigure {
            name: name.clone(),
            value: *value,
        };
        Self {
            test_set: evaluation.test_set.clone(),
            tokens: evaluation.tokens,
            figures: evaluation.figures.iter().map(figure).collect(),
            problem: evaluation.problem.clone(),
        }
    }
}

pub(super) fn told(table: &TableName, report: &TrainTableReport) -> pb::TrainTableReport {
    let totals = &report.totals;
    pb::TrainTableReport {
        import: Some(told_report(table, &report.import)),
        outputs: report.outputs.as_ref().map(|(table, outputs)| told_report(table, outputs)),
        tokenizer: report.tokenizer.clone(),
        token_count: totals.tokens,
        kept_token_count: report.kept_tokens,
        sentence_count: totals.sentences,
        rare_word_count: totals.rare_words,
        too_long_count: totals.too_long,
        repaired_count: report.repaired_count,
        phrase_counts: report.phrase_counts.iter().map(|&count| count as u64).collect(),
        carried_word_count: report.carried_count as u64,
        losses: report.losses.clone(),
        memory_bytes: report.memory_bytes,
        read_seconds: report.read_seconds,
        learn_seconds: report.learn_seconds,
        tokens_per_second: report.tokens_per_second,
        ended_in_epoch: report.ended_in_epoch.map(wire::count),
        resumed: report.is_resumed,
        evaluations: report.evaluations.iter().map(pb::TrainEvaluation::from).collect(),
    }
}

/// The table whose training goes on. Whatever else is asked is refused.
fn resumed(header: &pb::TrainTableHeader) -> Result<TableName> {
    let mut fields = Fields::default();
    let table = fields.table(header.table.clone());
    let alone = pb::TrainTableHeader {
        table: header.table.clone(),
        detach: header.detach,
        resume: true,
        ..pb::TrainTableHeader::default()
    };
    if *header != alone {
        fields.bad("resume", "only table and detach go with it: the rest is as it was asked");
    }
    fields.finish(|| table)
}

/// What is done while it learns; the engine checks it.
fn along(fields: &mut Fields, header: &pb::TrainTableHeader) -> Along {
    let default = Along::default();
    let mut test_sets = Vec::new();
    for name in &header.test_sets {
        let name = fields.within("test_sets", |fields| fields.table(name.clone()));
        test_sets.extend(name);
    }
    Along {
        checkpoint_seconds: header.checkpoint_seconds.unwrap_or(default.checkpoint_seconds),
        probes: header.probes.clone(),
        test_sets,
        evaluate_seconds: header.evaluate_seconds.unwrap_or(default.evaluate_seconds),
    }
}

fn job_of(header: pb::TrainTableHeader, engine: &Engine) -> Result<TrainTableJob> {
    let mut fields = Fields::default();
    let table = fields.table(header.table.clone());
    let if_exists = if_exists(fields.choice("if_exists", header.if_exists));
    fields.bytes("source", header.source.len(), limits::SOURCE_BYTES_MAX);
    let from = if header.from_table.is_empty() {
        if header.freeze {
            fields.bad("freeze", "only the words of a from_table can be frozen");
        }
        None
    } else {
        let table = fields.within("from_table", |fields| fields.table(header.from_table.clone()));
        table.map(|table| Continue { table, is_frozen: header.freeze })
    };
    let dim = match &from {
        Some(from) if header.dim.is_none() => Some(engine.dim_of(&from.table)?),
        Some(_) | None => header.dim.map(size),
    };
    let ngrams = match (&from, &header.subwords) {
        (Some(from), Some(_)) => engine.ngrams_of(&from.table)?,
        (None, _) | (_, None) => NGRAMS,
    };
    let method = method(&mut fields, &header, (dim, ngrams));
    let along = along(&mut fields, &header);
    let outputs = match header.outputs_table.clone() {
        name if name.is_empty() => None,
        name => fields.within("outputs_table", |fields| fields.table(name)),
    };
    let vocab_max = header.vocab_max.unwrap_or(limits::ROWS_MAX as u64);
    if vocab_max == 0 {
        fields.bad("vocab_max", "at least 1");
    }
    let min_count = header.min_count.unwrap_or(5);
    let words_max = usize::try_from(vocab_max).unwrap_or(usize::MAX).min(limits::ROWS_MAX);
    let phrases = header.phrases.map(|phrases| phrase_passes(phrases, min_count));
    let cutting = header.cutting.filter(|cutting| {
        let is_plain = cutting.tokenizer.is_empty();
        if is_plain && *cutting != pb::Cutting::default() {
            fields.bad("cutting.tokenizer", "one is needed for what is said of it");
        }
        !is_plain
    });
    let cutting =
        cutting.map(|cutting| fields.cutting(Some(pb::Cutting { bare: true, ..cutting })));
    let source_name = match header.source {
        source if source.is_empty() => "a stream of text".to_owned(),
        source => source,
    };
    fields.finish(|| {
        Some(TrainTableJob {
            table: table?,
            if_exists,
            source_name,
            trained_at: wire::seconds_since_1970(),
            method,
            keep: Keep { min_count, words_max },
            phrases,
            cutting,
            from,
            outputs,
            along,
            resume_offset: header.resume_offset,
        })
    })
}

fn phrase_passes(phrases: pb::TrainPhrases, min_count: u64) -> PhrasePasses {
    let (score, threshold) = if phrases.npmi {
        (PhraseScore::Npmi, NPMI_THRESHOLD)
    } else {
        (PhraseScore::Default, Phrases::default().threshold)
    };
    let threshold = phrases.threshold.unwrap_or(threshold);
    let phrases_of = Phrases { score, threshold, min_count, ..Phrases::default() };
    PhrasePasses { passes: phrases.passes.map_or(1, size), phrases: phrases_of }
}

/// A number of the wire; what does not fit is over every limit.
fn size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// The settings of the model, whose ranges the engine checks. What the model has no use for is refused.
fn method(
    fields: &mut Fields,
    header: &pb::TrainTableHeader,
    (dim, known): (Option<usize>, Ngrams),
) -> Method {
    let model = match fields.choice("model", header.model) {
        pb::TrainModel::Unspecified | pb::TrainModel::SkipGram => Model::SkipGram,
        pb::TrainModel::Cbow => Model::Cbow,
        pb::TrainModel::Glove => return Method::Glove(glove(fields, header, dim)),
    };
    for (field, is_given) in [("x_max", header.x_max.is_some()), ("power", header.power.is_some())]
    {
        if is_given {
            fields.bad(field, "only GloVe has a use for it");
        }
    }
    let default = Settings::new(model);
    let ngrams = header.subwords.map(|subwords| Ngrams {
        min_n: subwords.min_n.map_or(known.min_n, size),
        max_n: subwords.max_n.map_or(known.max_n, size),
        buckets: subwords.buckets.unwrap_or(known.buckets),
    });
    Method::Words(Settings {
        loss: loss(fields, header),
        dim: dim.unwrap_or(default.dim),
        window: header.window.map_or(default.window, size),
        sample: header.sample.unwrap_or(default.sample),
        epochs: header.epochs.map_or(default.epochs, size),
        lr: rate(header, default.lr),
        seed: header.seed.unwrap_or(default.seed),
        threads: header.threads.map_or(default.threads, size),
        ngrams,
        position_weights: header.position_weights,
        ..default
    })
}

fn glove(fields: &mut Fields, header: &pb::TrainTableHeader, dim: Option<usize>) -> GloveSettings {
    let given = [
        ("loss", header.loss != 0),
        ("negative", header.negative.is_some()),
        ("ns_exponent", header.ns_exponent.is_some()),
        ("sample", header.sample.is_some()),
        ("threads", header.threads.is_some()),
        ("subwords", header.subwords.is_some()),
        ("from_table", !header.from_table.is_empty()),
        ("position_weights", header.position_weights),
    ];
    for (field, _) in given.iter().filter(|(_, is_given)| *is_given) {
        fields.bad(field, "GloVe has no use for it");
    }
    let default = GloveSettings::default();
    GloveSettings {
        dim: dim.unwrap_or(default.dim),
        window: header.window.map_or(default.window, size),
        epochs: header.epochs.map_or(default.epochs, size),
        lr: rate(header, default.lr),
        seed: header.seed.unwrap_or(default.seed),
        x_max: header.x_max.map_or(default.x_max, single),
        power: header.power.map_or(default.power, single),
        ..default
    }
}

fn loss(fields: &mut Fields, header: &pb::TrainTableHeader) -> Loss {
    let loss = match fields.choice("loss", header.loss) {
        pb::TrainLoss::Unspecified | pb::TrainLoss::Negative => {
            let count = header.negative.map_or(5, size);
            return Loss::Negative { count, exponent: header.ns_exponent.unwrap_or(0.75) };
        }
        pb::TrainLoss::Hierarchical => Loss::Hierarchical,
        pb::TrainLoss::Softmax => Loss::Softmax,
    };
    let given =
        [("negative", header.negative.is_some()), ("ns_exponent", header.ns_exponent.is_some())];
    for (field, _) in given.iter().filter(|(_, is_given)| *is_given) {
        fields.bad(field, "only negative sampling has a use for it");
    }
    loss
}

fn rate(header: &pb::TrainTableHeader, default: f32) -> f32 {
    header.lr.map_or(default, single)
}

/// What is too large for single precision is infinite, and refused as that.
#[expect(clippy::cast_possible_truncation, reason = "settings are in single precision")]
fn single(value: f64) -> f32 {
    value as f32
}

impl TryFrom<pb::GetHuffmanPathRequest> for Ask<HuffmanQuery> {
    type Error = Error;

    fn try_from(request: pb::GetHuffmanPathRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let table = fields.table(request.table);
        if request.word.is_empty() {
            fields.bad("word", "a word is needed");
        }
        fields.bytes("word", request.word.len(), limits::WORD_BYTES_MAX);
        fields.finish(|| Some(Self { table: table?, query: HuffmanQuery { word: request.word } }))
    }
}

impl From<Answer<HuffmanPath>> for pb::GetHuffmanPathResponse {
    fn from(answer: Answer<HuffmanPath>) -> Self {
        let info = wire::info(&answer, AnsweredBy::EXACT, WordsUsed::default());
        let HuffmanPath { word, count, code, nodes, word_count } = answer.answer;
        let word_count = word_count as u64;
        Self { answer: Some(info), word, count, code, nodes, word_count }
    }
}
