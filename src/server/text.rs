//! TextService: text to tokens, and text to vectors.

use std::future::Future;

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming, async_trait};

use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::proto as pb;
use crate::proto::text_service_server::TextService;
use crate::server::embed::{NearText, TextSimilarity, Texts, near_text};
use crate::server::status::status;
use crate::server::tokenizers::{Default as DefaultTokenizer, Get, List, Put, listed};
use crate::server::tokens::{Chunks, Compare, Count, Detokenize, Listed, Tokenize};
use crate::server::{Desk, texts, train};

/// Answers that wait to be sent.
const ANSWERS_WAITING: usize = 4;

/// Answers as they come.
pub(super) type Replies<T> = ReceiverStream<Result<T, Status>>;

#[async_trait]
impl TextService for Desk {
    type TokenizeStreamStream = Replies<pb::TokenizeResponse>;
    type DetokenizeStreamStream = Replies<pb::DetokenizeStreamResponse>;
    type EmbedStreamStream = Replies<pb::EmbedResponse>;
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
        self.each(request, |desk, message| async move {
            desk.answer(Request::new(message), Tokenize::answer).await
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
        self.joined(request.into_inner()).await
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
        self.answer(request, Get::answer).await
    }

    async fn list_tokenizers(
        &self,
        request: Request<pb::ListTokenizersRequest>,
    ) -> Result<Response<pb::ListTokenizersResponse>, Status> {
        self.answer(request, |engine: &Engine, _: &List| Ok(listed(engine.tokenizers()))).await
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
        self.each(request, |desk, message| async move { desk.embed(Request::new(message)).await })
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
        self.answer_long(request, texts::Seed::answer).await
    }
}

impl Desk {
    /// Answers messages in order, each as a call of its own. Messages are not read faster than answers
    /// are taken.
    fn each<P, M, F>(
        &self,
        request: Request<Streaming<P>>,
        answer: impl Fn(Self, P) -> F + Send + Sync + 'static,
    ) -> Result<Response<Replies<M>>, Status>
    where
        P: Send + 'static,
        M: Send + 'static,
        F: Future<Output = Result<Response<M>, Status>> + Send + 'static,
    {
        let permit = self.guard.stream().map_err(|error| status(&error))?;
        let timeout = crate::server::guard::timeout(request.metadata());
        let mut messages = request.into_inner();
        let (replies, answers) = mpsc::channel(ANSWERS_WAITING);
        let desk = self.clone();
        tokio::spawn(async move {
            let _permit = permit;
            let mut is_closing = desk.is_closing.clone();
            let all = async {
                loop {
                    let answered = match messages.message().await {
                        Ok(Some(message)) => answer(desk.clone(), message).await,
                        Ok(None) => return,
                        Err(broken) => Err(broken),
                    };
                    let was_last = answered.is_err();
                    let reply = answered.map(Response::into_inner);
                    if replies.send(reply).await.is_err() || was_last {
                        return;
                    }
                }
            };
            let deadline = async {
                match timeout {
                    Some(timeout) => tokio::time::sleep(timeout).await,
                    None => std::future::pending().await,
                }
            };
            let kind = tokio::select! {
                () = all => return,
                () = replies.closed() => return,
                () = deadline => ErrorKind::Deadline,
                // An error means that the server is gone, which is as good.
                _ = is_closing.wait_for(|&closing| closing) => ErrorKind::Closing,
            };
            // Nobody is left to hear it if this fails.
            let _ = replies.send(Err(status(&Error::new(kind)))).await;
        });
        Ok(Response::new(ReceiverStream::new(answers)))
    }

    /// Joins the tokens of one text. The first message says by which tokenizer.
    async fn joined(
        &self,
        mut messages: Streaming<pb::DetokenizeStreamRequest>,
    ) -> Result<Response<Replies<pb::DetokenizeStreamResponse>>, Status> {
        let permit = self.guard.stream().map_err(|error| status(&error))?;
        let first = messages.message().await?.unwrap_or_default();
        let engine = self.engine.clone();
        let (name, skip_special) = (first.tokenizer.clone(), first.skip_special);
        let joiner = crate::server::blocking(move || engine.joiner(&name, skip_special)).await;
        let mut joiner = joiner.map_err(|error| status(&error))?;
        let (replies, answers) = mpsc::channel(ANSWERS_WAITING);
        let mut is_closing = self.is_closing.clone();
        tokio::spawn(async move {
            let _permit = permit;
            let sent = replies.clone();
            let all = async move {
                let mut next = Some(first);
                while let Some(message) = next {
                    let reply = joiner.push(&message.ids).map_err(|error| status(&error));
                    let was_last = reply.is_err();
                    let reply = reply.map(|text| pb::DetokenizeStreamResponse { text });
                    if sent.send(reply).await.is_err() || was_last {
                        return;
                    }
                    next = match messages.message().await {
                        Ok(next) => next,
                        Err(broken) => {
                            // Nobody is left to hear it if this fails; likewise below.
                            let _ = sent.send(Err(broken)).await;
                            return;
                        }
                    };
                }
                let last = joiner.finish().map_err(|error| status(&error));
                let last = last.map(|text| pb::DetokenizeStreamResponse { text });
                let _ = sent.send(last).await;
            };
            let kind = tokio::select! {
                () = all => return,
                () = replies.closed() => return,
                // An error means that the server is gone, which is as good.
                _ = is_closing.wait_for(|&closing| closing) => ErrorKind::Closing,
            };
            let _ = replies.send(Err(status(&Error::new(kind)))).await;
        });
        Ok(Response::new(ReceiverStream::new(answers)))
    }
}
