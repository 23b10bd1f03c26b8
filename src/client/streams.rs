//! Messages that go as they come, and their answers.

use tokio_stream::Stream;

use crate::client::Client;
use crate::client::answers::{Answers, NearestAnswers};
use crate::client::error::Result;
use crate::proto::{
    DetokenizeStreamRequest, DetokenizeStreamResponse, EmbedRequest, EmbedResponse,
    NearestStreamRequest, PutVectorsRequest, PutVectorsResponse, ScoreRequest, ScoreResponse,
    TokenizeRequest, TokenizeResponse,
};

impl Client {
    /// Sends questions as they come, and gives back their answers in the same order. Questions are
    /// taken from the stream no faster than answers are read.
    ///
    /// # Errors
    ///
    /// As every call. An error of one question is in its answer.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn ask(client: wordspace::client::Client) -> wordspace::client::Result<()> {
    /// use wordspace::client::{NearestRequest, NearestStreamRequest};
    ///
    /// let questions = tokio_stream::iter([(1, "king"), (2, "cat")].map(|(id, word)| {
    ///     let query = NearestRequest { positive: vec![word.into()], ..NearestRequest::default() };
    ///     NearestStreamRequest { id, table: "en".to_owned(), queries: vec![query] }
    /// }));
    /// let mut answers = client.nearest_stream(questions).await?;
    /// while let Some(answer) = answers.next_answer().await? {
    ///     println!("{answer:?}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn nearest_stream(
        &self,
        questions: impl Stream<Item = NearestStreamRequest> + Send + 'static,
    ) -> Result<NearestAnswers> {
        let stream = self.answer(self.search.clone().nearest_stream(questions).await)?;
        Ok(Answers { client: self.clone(), stream })
    }

    /// Puts words with their vectors as they come: each message is a write of its own, durable once its
    /// answer is here. Waits where [`Client::put_vectors`] is refused because writes come too fast.
    ///
    /// # Errors
    ///
    /// As every call. Messages that were answered are written, and none behind them.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn ask(client: wordspace::client::Client) -> wordspace::client::Result<()> {
    /// use wordspace::client::PutVectorsRequest;
    ///
    /// let writes = tokio_stream::iter([PutVectorsRequest {
    ///     table: "notes".to_owned(),
    ///     ..PutVectorsRequest::default()
    /// }]);
    /// let mut answers = client.put_vectors_stream(writes).await?;
    /// while let Some(written) = answers.next_answer().await? {
    ///     println!("{} words are new", written.added_count);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn put_vectors_stream(
        &self,
        messages: impl Stream<Item = PutVectorsRequest> + Send + 'static,
    ) -> Result<Answers<PutVectorsResponse>> {
        let stream = self.answer(self.tables.clone().put_vectors_stream(messages).await)?;
        Ok(Answers { client: self.clone(), stream })
    }

    /// Cuts the texts of messages as they come, and gives back their answers in the same order.
    ///
    /// # Errors
    ///
    /// As every call.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn ask(client: wordspace::client::Client) -> wordspace::client::Result<()> {
    /// use wordspace::client::TokenizeRequest;
    ///
    /// let messages = tokio_stream::iter(["The bank", "cut rates"].map(|text| TokenizeRequest {
    ///     texts: vec![text.to_owned()],
    ///     ..TokenizeRequest::default()
    /// }));
    /// let mut answers = client.tokenize_stream(messages).await?;
    /// while let Some(answer) = answers.next_answer().await? {
    ///     println!("{} tokens", answer.texts[0].tokens.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn tokenize_stream(
        &self,
        messages: impl Stream<Item = TokenizeRequest> + Send + 'static,
    ) -> Result<Answers<TokenizeResponse>> {
        let stream = self.answer(self.text.clone().tokenize_stream(messages).await)?;
        Ok(Answers { client: self.clone(), stream })
    }

    /// Joins the tokens of one text as they come.
    ///
    /// # Errors
    ///
    /// As every call.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn ask(client: wordspace::client::Client) -> wordspace::client::Result<()> {
    /// use wordspace::client::DetokenizeStreamRequest;
    ///
    /// let messages = tokio_stream::iter([DetokenizeStreamRequest {
    ///     tokenizer: "bert".to_owned(),
    ///     ids: vec![101, 2023],
    ///     ..DetokenizeStreamRequest::default()
    /// }]);
    /// let mut answers = client.detokenize_stream(messages).await?;
    /// while let Some(answer) = answers.next_answer().await? {
    ///     print!("{}", answer.text);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn detokenize_stream(
        &self,
        messages: impl Stream<Item = DetokenizeStreamRequest> + Send + 'static,
    ) -> Result<Answers<DetokenizeStreamResponse>> {
        let stream = self.answer(self.text.clone().detokenize_stream(messages).await)?;
        Ok(Answers { client: self.clone(), stream })
    }

    /// Turns the texts of messages into vectors as they come; answers are in the same order.
    ///
    /// # Errors
    ///
    /// As every call.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn ask(client: wordspace::client::Client) -> wordspace::client::Result<()> {
    /// use wordspace::client::EmbedRequest;
    ///
    /// let messages = tokio_stream::iter([EmbedRequest {
    ///     table: "en".to_owned(),
    ///     texts: vec!["The bank cut rates.".to_owned()],
    ///     ..EmbedRequest::default()
    /// }]);
    /// let mut answers = client.embed_stream(messages).await?;
    /// while let Some(answer) = answers.next_answer().await? {
    ///     println!("{} vectors", answer.vectors.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn embed_stream(
        &self,
        messages: impl Stream<Item = EmbedRequest> + Send + 'static,
    ) -> Result<Answers<EmbedResponse>> {
        let stream = self.answer(self.text.clone().embed_stream(messages).await)?;
        Ok(Answers { client: self.clone(), stream })
    }

    /// Scores the sentences of messages as they come; answers are in the same order.
    ///
    /// # Errors
    ///
    /// As every call.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn ask(client: wordspace::client::Client) -> wordspace::client::Result<()> {
    /// use wordspace::client::ScoreRequest;
    ///
    /// let messages = tokio_stream::iter([ScoreRequest {
    ///     model: "news".to_owned(),
    ///     sentences: vec!["the cat sat".to_owned()],
    ///     ..ScoreRequest::default()
    /// }]);
    /// let mut answers = client.score_stream(messages).await?;
    /// while let Some(answer) = answers.next_answer().await? {
    ///     println!("{answer:?}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn score_stream(
        &self,
        messages: impl Stream<Item = ScoreRequest> + Send + 'static,
    ) -> Result<Answers<ScoreResponse>> {
        let stream = self.answer(self.models.clone().score_stream(messages).await)?;
        Ok(Answers { client: self.clone(), stream })
    }
}
