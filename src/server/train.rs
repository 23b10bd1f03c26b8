//! `TrainTokenizer`: text in as a stream, progress and at last a tokenizer out.

use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use crate::engine::Stop;
use crate::engine::train::{TrainJob, TrainProgress, TrainReport};
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::proto as pb;
use crate::proto::train_tokenizer_request::Part;
use crate::proto::train_tokenizer_response::Part as Reply;
use crate::server::Desk;
use crate::server::status::status;
use crate::server::text::Replies;
use crate::server::wire::Fields;
use crate::text::train::{Learned, TrainOptions};

/// Messages that wait between the stream and the thread that counts words.
const PARTS_WAITING: usize = 4;
/// Time between two progress replies.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);
const VOCAB_SIZE: usize = 30_000;
const MIN_FREQUENCY: u64 = 2;

pub(super) async fn train(
    desk: &Desk,
    request: Request<Streaming<pb::TrainTokenizerRequest>>,
) -> Result<Response<Replies<pb::TrainTokenizerResponse>>, Status> {
    let permit = desk.guard.long().map_err(|error| status(&error))?;
    let mut messages = request.into_inner();
    let Some(Part::Header(header)) = messages.message().await?.and_then(|message| message.part)
    else {
        let problem = "the first message is the header";
        return Err(status(&Error::invalid("part", problem)));
    };
    let job = TrainJob::try_from(header).map_err(|error| status(&error))?;
    let (replies, answers) = mpsc::channel(PARTS_WAITING);
    let (parts, mut texts) = mpsc::channel(PARTS_WAITING);
    let stop = Stop::new(None);
    let engine = desk.engine.until(stop.clone());
    let (working, is_done) = oneshot::channel();
    let watching = Watching { is_closing: desk.is_closing.clone(), stop, is_done };
    tokio::spawn(forward(messages, text_of, parts, replies.clone(), watching));
    tokio::task::spawn_blocking(move || {
        let _permit = permit;
        // Dropped at the end, or by a panic.
        let _working: oneshot::Sender<()> = working;
        let mut last: Option<Instant> = None;
        let mut on_progress = |now: TrainProgress| {
            if !now.is_learning && last.is_some_and(|last| last.elapsed() < PROGRESS_EVERY) {
                return;
            }
            last = Some(Instant::now());
            // A full channel loses a progress reply and nothing else.
            drop(replies.try_send(Ok(pb::TrainTokenizerResponse {
                part: Some(Reply::Progress(pb::TrainProgress {
                    bytes_read: now.bytes_read,
                    word_count: now.word_count as u64,
                    learning: now.is_learning,
                })),
            })));
        };
        let mut next = || texts.blocking_recv().transpose();
        let trained =
            crate::server::caught(|| engine.train_tokenizer(&job, &mut next, &mut on_progress));
        let trained = trained.map(pb::TrainTokenizerResponse::from);
        // Nobody is left to hear it if this fails.
        let _ = replies.blocking_send(trained.map_err(|error| status(&error)));
    });
    Ok(Response::new(ReceiverStream::new(answers)))
}

fn text_of(message: pb::TrainTokenizerRequest) -> Option<Vec<u8>> {
    match message.part? {
        Part::Text(text) => Some(text),
        Part::Header(_) => None,
    }
}

/// Hands the text of messages over until the stream ends or breaks; raises `stop` when the caller leaves
/// or the server closes.
pub(super) async fn forward<M, R>(
    mut messages: Streaming<M>,
    text_of: fn(M) -> Option<Vec<u8>>,
    parts: mpsc::Sender<Result<Vec<u8>>>,
    replies: mpsc::Sender<Result<R, Status>>,
    watching: Watching,
) {
    let Watching { mut is_closing, stop, is_done } = watching;
    let all = async {
        loop {
            let part = match messages.message().await {
                Ok(Some(message)) => text_of(message)
                    .ok_or_else(|| Error::invalid("part", "after the header comes only text")),
                Ok(None) => return,
                Err(broken) => Err(Error::caused(ErrorKind::Cancelled, broken)
                    .context("the stream broke off before its end")),
            };
            let was_last = part.is_err();
            if parts.send(part).await.is_err() || was_last {
                return;
            }
        }
    };
    {
        let abandoned = async {
            tokio::select! {
                () = replies.closed() => ErrorKind::Cancelled,
                // An error means that the server is gone, which is as good; likewise below.
                _ = is_closing.wait_for(|&closing| closing) => ErrorKind::Closing,
            }
        };
        tokio::pin!(abandoned);
        tokio::select! {
            () = all => {}
            kind = &mut abandoned => {
                stop.raise();
                // Nobody is left to hear it if this fails.
                let _ = parts.send(Err(Error::new(kind))).await;
                return;
            }
        }
        drop(parts);
        // While it works on, which may take long.
        tokio::select! {
            _ = &mut abandoned => stop.raise(),
            _ = is_done => {}
        }
    }
    drop(replies);
    // What is left of a text that was refused early is read and dropped until the caller has its answer:
    // a stream that is reset while its caller sends may lose it.
    let rest = async { while let Ok(Some(_)) = messages.message().await {} };
    tokio::select! {
        () = rest => {}
        _ = is_closing.wait_for(|&closing| closing) => {}
    }
}

/// What ends work on a stream of text early, and when it has ended.
pub(super) struct Watching {
    pub(super) is_closing: watch::Receiver<bool>,
    pub(super) stop: Stop,
    pub(super) is_done: oneshot::Receiver<()>,
}

impl TryFrom<pb::TrainHeader> for TrainJob {
    type Error = Error;

    fn try_from(header: pb::TrainHeader) -> Result<Self> {
        let mut fields = Fields::default();
        let name = fields.tokenizer_name("name", header.name);
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

impl From<TrainReport> for pb::TrainTokenizerResponse {
    fn from(report: TrainReport) -> Self {
        Self {
            part: Some(Reply::Report(pb::TrainReport {
                tokenizer: Some(report.tokenizer.into()),
                bytes_read: report.bytes_read,
                word_count: report.word_count as u64,
                read_seconds: report.read_seconds,
                learn_seconds: report.learn_seconds,
            })),
        }
    }
}
