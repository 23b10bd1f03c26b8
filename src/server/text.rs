//! TextService: text to tokens, and text to vectors.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_stream::Stream;
use tonic::{Request, Response, Status, Streaming, async_trait};

use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::proto as pb;
use crate::proto::text_service_server::TextService;
use crate::server::desk::{Desk, grant_of, opened};
use crate::server::embed::{NearText, TextSimilarity, Texts, near_text};
use crate::server::job::Replies;
use crate::server::pool::Lane;
use crate::server::request_id::{carried, current};
use crate::server::status::status;
use crate::server::tokenizers::{Default as DefaultTokenizer, Get, List, Put, listed};
use crate::server::tokens::{Chunks, Compare, Count, Detokenize, Listed, Tokenize};
use crate::server::transport::{Call, Reservation};
use crate::server::{guard, texts, train};

/// Answers that wait to be sent.
const ANSWERS_WAITING: usize = 1;
/// Tokens that are joined in a moment.
const SHORT_TOKENS: usize = 1_024;

#[async_trait]
impl TextService for Desk {
    type TokenizeStreamStream = Answered<pb::TokenizeResponse>;
    type DetokenizeStreamStream = Answered<pb::DetokenizeStreamResponse>;
    type EmbedStreamStream = Answered<pb::EmbedResponse>;
    type TrainTokenizerStream = Replies<pb::TrainTokenizerResponse>;
    type ImportTextsStream = Replies<pb::ImportTextsResponse>;

    async fn tokenize(
        &self,
        request: Request<pb::TokenizeRequest>,
    ) -> Result<Response<pb::TokenizeResponse>, Status> {
        self.answer(request, Tokenize::answer).await
    }

    async fn tokenize_stream(
        &self,
        request: Request<Streaming<pb::TokenizeRequest>>,
    ) -> Result<Response<Self::TokenizeStreamStream>, Status> {
        self.each(request, |desk, call, message| async move {
            desk.answer_in_stream(&call, message, Tokenize::answer).await
        })
    }

    async fn detokenize(
        &self,
        request: Request<pb::DetokenizeRequest>,
    ) -> Result<Response<pb::DetokenizeResponse>, Status> {
        self.answer(request, Detokenize::answer).await
    }

    async fn detokenize_stream(
        &self,
        request: Request<Streaming<pb::DetokenizeStreamRequest>>,
    ) -> Result<Response<Self::DetokenizeStreamStream>, Status> {
        self.joined(request)
    }

    async fn count_tokens(
        &self,
        request: Request<pb::CountTokensRequest>,
    ) -> Result<Response<pb::CountTokensResponse>, Status> {
        self.answer(request, Count::answer).await
    }

    async fn compare_tokenizers(
        &self,
        request: Request<pb::CompareTokenizersRequest>,
    ) -> Result<Response<pb::CompareTokenizersResponse>, Status> {
        self.answer(request, Compare::answer).await
    }

    async fn chunk(
        &self,
        request: Request<pb::ChunkRequest>,
    ) -> Result<Response<pb::ChunkResponse>, Status> {
        self.answer(request, Chunks::answer).await
    }

    async fn list_tokens(
        &self,
        request: Request<pb::ListTokensRequest>,
    ) -> Result<Response<pb::ListTokensResponse>, Status> {
        self.answer(request, Listed::answer).await
    }

    async fn put_tokenizer(
        &self,
        request: Request<pb::PutTokenizerRequest>,
    ) -> Result<Response<pb::PutTokenizerResponse>, Status> {
        self.answer(request, Put::answer).await
    }

    async fn get_tokenizer(
        &self,
        request: Request<pb::GetTokenizerRequest>,
    ) -> Result<Response<pb::GetTokenizerResponse>, Status> {
        let grant = grant_of(&request)?;
        self.answer(request, move |engine: &Engine, asked: &Get| {
            let mut answer = asked.answer(engine)?;
            answer.tokenizer.iter_mut().for_each(|told| told.tables.retain(|t| grant.sees(t)));
            Ok(answer)
        })
        .await
    }

    async fn list_tokenizers(
        &self,
        request: Request<pb::ListTokenizersRequest>,
    ) -> Result<Response<pb::ListTokenizersResponse>, Status> {
        let grant = grant_of(&request)?;
        self.answer(request, move |engine: &Engine, _: &List| {
            let mut answer = listed(engine.tokenizers());
            answer.tokenizers.iter_mut().for_each(|told| told.tables.retain(|t| grant.sees(t)));
            Ok(answer)
        })
        .await
    }

    async fn delete_tokenizer(
        &self,
        request: Request<pb::DeleteTokenizerRequest>,
    ) -> Result<Response<pb::DeleteTokenizerResponse>, Status> {
        self.answer(request, |engine: &Engine, name: &crate::server::tokenizers::Delete| {
            engine.delete_tokenizer(&name.0).map(|()| pb::DeleteTokenizerResponse {})
        })
        .await
    }

    async fn set_default_tokenizer(
        &self,
        request: Request<pb::SetDefaultTokenizerRequest>,
    ) -> Result<Response<pb::SetDefaultTokenizerResponse>, Status> {
        self.answer(request, DefaultTokenizer::answer).await
    }

    async fn train_tokenizer(
        &self,
        request: Request<Streaming<pb::TrainTokenizerRequest>>,
    ) -> Result<Response<Self::TrainTokenizerStream>, Status> {
        train::train(self, request).await
    }

    async fn embed(
        &self,
        request: Request<pb::EmbedRequest>,
    ) -> Result<Response<pb::EmbedResponse>, Status> {
        self.answer(request, |engine: &Engine, texts: &Texts| engine.embed(&texts.0)).await
    }

    async fn embed_stream(
        &self,
        request: Request<Streaming<pb::EmbedRequest>>,
    ) -> Result<Response<Self::EmbedStreamStream>, Status> {
        self.each(request, |desk, call, message| async move {
            desk.answer_in_stream(&call, message, |engine: &Engine, texts: &Texts| {
                engine.embed(&texts.0)
            })
            .await
        })
    }

    async fn nearest_to_text(
        &self,
        request: Request<pb::NearestToTextRequest>,
    ) -> Result<Response<pb::NearestToTextResponse>, Status> {
        self.answer(request, |engine: &Engine, near: &NearText| {
            engine.nearest_to_text(&near.text, &near.nearest).map(near_text)
        })
        .await
    }

    async fn text_similarity(
        &self,
        request: Request<pb::TextSimilarityRequest>,
    ) -> Result<Response<pb::TextSimilarityResponse>, Status> {
        self.answer(request, |engine: &Engine, texts: &TextSimilarity| {
            engine.text_similarity(&texts.0)
        })
        .await
    }

    async fn import_texts(
        &self,
        request: Request<Streaming<pb::ImportTextsRequest>>,
    ) -> Result<Response<Self::ImportTextsStream>, Status> {
        texts::import(self, request).await
    }

    async fn seed_table(
        &self,
        request: Request<pb::SeedTableRequest>,
    ) -> Result<Response<pb::SeedTableResponse>, Status> {
        texts::seed(self, request).await
    }
}

/// Answers as they are asked for; each has its bytes reserved until the next is.
#[derive(Debug)]
pub(super) struct Answered<T> {
    answers: mpsc::Receiver<Result<(T, Reservation), Status>>,
    reservation: Option<Reservation>,
}

impl<T> Stream for Answered<T> {
    type Item = Result<T, Status>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<T, Status>>> {
        self.reservation = None;
        let answer = ready!(self.answers.poll_recv(context));
        Poll::Ready(answer.map(|answer| {
            let (message, reservation) = answer?;
            self.reservation = Some(reservation);
            Ok(message)
        }))
    }
}

impl Desk {
    /// Answers messages in order, each as a call of its own. Messages are not read faster than answers
    /// are taken.
    pub(super) fn each<P, M, F>(
        &self,
        request: Request<Streaming<P>>,
        answer: impl Fn(Self, Arc<Call>, P) -> F + Send + Sync + 'static,
    ) -> Result<Response<Answered<M>>, Status>
    where
        P: Send + 'static,
        M: Send + 'static,
        F: Future<Output = Result<(M, Reservation)>> + Send + 'static,
    {
        let (call, timeout, mut messages) = opened(request)?;
        let desk = self.clone();
        let (replies, answers) = mpsc::channel(ANSWERS_WAITING);
        let sender = replies.clone();
        self.spawn_until_its_end(timeout, replies, async move {
            loop {
                let Some(message) = messages.message().await? else { return Ok(()) };
                let answered = answer(desk.clone(), Arc::clone(&call), message).await;
                let reply = answered.map_err(|error| status(&error))?;
                if sender.send(Ok(reply)).await.is_err() {
                    return Ok(());
                }
            }
        });
        Ok(Response::new(Answered { answers, reservation: None }))
    }

    /// Joins the tokens of one text. The first message says by which tokenizer.
    fn joined(
        &self,
        request: Request<Streaming<pb::DetokenizeStreamRequest>>,
    ) -> Result<Response<Answered<pb::DetokenizeStreamResponse>>, Status> {
        let (call, timeout, mut messages) = opened(request)?;
        let desk = self.clone();
        let (replies, answers) = mpsc::channel(ANSWERS_WAITING);
        let sender = replies.clone();
        self.spawn_until_its_end(timeout, replies, async move {
            let first = messages.message().await?.unwrap_or_default();
            let (name, skip_special) = (first.tokenizer.clone(), first.skip_special);
            let reply = |text: String| {
                let reply = pb::DetokenizeStreamResponse { text };
                let reservation = call.reserve(&reply).map_err(|error| status(&error))?;
                Ok((reply, reservation))
            };
            let engine = desk.engine.clone();
            let caller = call.peer().id();
            let opened = move || engine.joiner(&name, skip_special);
            let opened = desk.pool.run(Lane::Heavy, caller, opened).await;
            let mut joiner = opened.map_err(|error| status(&error))?;
            let mut next = Some(first);
            while let Some(pb::DetokenizeStreamRequest { ids, .. }) = next {
                if ids.len() > limits::TOKENS_MAX {
                    let (max, got) = (limits::TOKENS_MAX as u64, ids.len() as u64);
                    let kind = ErrorKind::TooLarge { limit: "TOKENS_MAX", max, got };
                    return Err(status(&Error::new(kind)));
                }
                let lane = if ids.len() > SHORT_TOKENS { Lane::Heavy } else { Lane::Short };
                let join = move || {
                    let text = joiner.push(&ids)?;
                    Ok((joiner, text))
                };
                let joined = desk.pool.run(lane, caller, join).await;
                let (rest, text) = joined.map_err(|error| status(&error))?;
                joiner = rest;
                if sender.send(reply(text)).await.is_err() {
                    return Ok(());
                }
                next = messages.message().await?;
            }
            let last = desk.pool.run(Lane::Heavy, caller, move || joiner.finish()).await;
            // Ignore: the receiver is gone.
            let _ = sender.send(reply(last.map_err(|error| status(&error))?)).await;
            Ok(())
        });
        Ok(Response::new(Answered { answers, reservation: None }))
    }

    /// Runs what answers the messages of a stream, until the caller leaves, its deadline passes, or the
    /// server closes.
    fn spawn_until_its_end<M: Send + 'static>(
        &self,
        timeout: Option<Duration>,
        replies: mpsc::Sender<Result<M, Status>>,
        all: impl Future<Output = Result<(), Status>> + Send + 'static,
    ) {
        let end = guard::end(timeout, self.is_closing.clone());
        tokio::spawn(carried(current(), async move {
            let ended = tokio::select! {
                ended = all => ended,
                () = replies.closed() => return,
                why = end => Err(status(&Error::new(why))),
            };
            if let Err(error) = ended {
                // Ignore: the receiver is gone.
                let _ = replies.send(Err(error)).await;
            }
        }));
    }
}
