//! `Desk`: where calls come in, and the way of a call from its message to its answer.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, watch};
use tonic::{Request, Response, Status};

use crate::engine::slots::Slot;
use crate::engine::{Acknowledged, Ask, Engine, Pace, Stop, Written};
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::proto as pb;
use crate::query::filter::Filter;
use crate::server::access::Grant;
use crate::server::guard::{self, Guard};
use crate::server::metrics::Metrics;
use crate::server::pool::{Lane, Pool};
use crate::server::status::status;
use crate::server::transport::{Call, Encoded, Registry, Reservation};
use crate::server::{caught, plan};
use crate::table::meta::TableName;

/// Where calls come in: every service is implemented on it, one file a service.
#[derive(Clone, Debug)]
pub(super) struct Desk {
    pub(super) engine: Engine,
    pub(super) guard: Guard,
    pub(super) pool: Arc<Pool>,
    pub(super) registry: Arc<Registry>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) is_closing: watch::Receiver<bool>,
    /// Tells that a job changed its state, or that a slot is free.
    pub(super) news: watch::Receiver<()>,
    /// Tells that what is followed was looked at; none if nothing is.
    pub(super) followed: Option<watch::Receiver<()>>,
    /// Permits of those who waited for it, and come in.
    pub(super) entering: Arc<Semaphore>,
    /// How long a stream may keep the server waiting.
    pub(super) idle: Duration,
    pub(super) began: Instant,
}

impl Desk {
    pub(super) fn routes(self) -> Result<tonic::service::Routes> {
        let reflection_error = |error| Error::caused(ErrorKind::Internal, error);
        let described = || {
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(pb::DESCRIPTORS)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        let mut routes = tonic::service::Routes::builder();
        macro_rules! add {
            ($($service:ident::$server:ident),*) => {$(
                routes.add_service(
                    pb::$service::$server::new(self.clone())
                        .max_decoding_message_size(limits::MESSAGE_BYTES_MAX)
                        .max_encoding_message_size(limits::MESSAGE_BYTES_MAX),
                );
            )*};
        }
        add!(
            search_service_server::SearchServiceServer,
            table_service_server::TableServiceServer,
            transfer_service_server::TransferServiceServer,
            text_service_server::TextServiceServer,
            training_service_server::TrainingServiceServer,
            bias_service_server::BiasServiceServer,
            evaluation_service_server::EvaluationServiceServer,
            language_model_service_server::LanguageModelServiceServer,
            admin_service_server::AdminServiceServer,
            job_service_server::JobServiceServer,
            batch_service_server::BatchServiceServer
        );
        routes
            .add_service(described().build_v1().map_err(reflection_error)?)
            .add_service(described().build_v1alpha().map_err(reflection_error)?);
        Ok(routes.routes())
    }

    /// Every unary call: the question from its message (all bad fields at once), the answer and its
    /// message on a thread of the pool, and errors as statuses; within the caller's deadline.
    pub(super) async fn answer<P, Q, A, M>(
        &self,
        request: Request<P>,
        ask: impl FnOnce(&Engine, &Q) -> Result<A> + Send + 'static,
    ) -> Result<Response<M>, Status>
    where
        P: Send + 'static,
        Q: TryFrom<P, Error = Error> + Send + 'static,
        A: Send + 'static,
        M: From<A> + prost::Message + Default + 'static,
    {
        self.answer_at_pace(request, |_, _| Pace::Slow, ask).await
    }

    /// As `answer`, for questions that are short unless their table has to be read first.
    pub(super) async fn answer_short<P, Q, A, M>(
        &self,
        request: Request<P>,
        ask: impl FnOnce(&Engine, &Ask<Q>) -> Result<A> + Send + 'static,
    ) -> Result<Response<M>, Status>
    where
        P: Send + 'static,
        Ask<Q>: TryFrom<P, Error = Error> + Send + 'static,
        A: Send + 'static,
        M: From<A> + prost::Message + Default + 'static,
    {
        let pace = |engine: &Engine, ask: &Ask<Q>| engine.pace_of_short(&ask.table);
        self.answer_at_pace(request, pace, ask).await
    }

    /// As `answer`, for questions that take a core for seconds: few at once, and none is waited for
    /// when the server closes.
    pub(super) async fn answer_long<P, Q, A, M>(
        &self,
        request: Request<P>,
        ask: impl FnOnce(&Engine, &Q) -> Result<A> + Send + 'static,
    ) -> Result<Response<M>, Status>
    where
        P: Send + 'static,
        Q: TryFrom<P, Error = Error> + Send + 'static,
        A: Send + 'static,
        M: From<A> + prost::Message + Default + 'static,
    {
        let permit = self.engine.jobs().slots().take(Slot::Long).map_err(|error| status(&error))?;
        let mut is_closing = self.is_closing.clone();
        let ask = move |engine: &Engine, query: &Q| {
            let _permit = permit;
            ask(engine, query)
        };
        let (call, timeout, message) = opened(request)?;
        let made = encoded::<A, M>(&call);
        let answer = self.work(&call, Lane::Long, timeout, message, |_, _| Pace::Slow, ask, made);
        tokio::select! {
            answer = answer => response(answer),
            // An error means that the server is gone, which is as good.
            _ = is_closing.wait_for(|&closing| closing) => {
                Err(status(&Error::new(ErrorKind::Closing)))
            }
        }
    }

    /// As `answer`, for questions that may be quick: those are answered where they are read, which
    /// saves waking another thread, and that takes longer than the answer.
    pub(super) async fn answer_at_pace<P, Q, A, M>(
        &self,
        request: Request<P>,
        pace: impl FnOnce(&Engine, &Q) -> Pace,
        ask: impl FnOnce(&Engine, &Q) -> Result<A> + Send + 'static,
    ) -> Result<Response<M>, Status>
    where
        P: Send + 'static,
        Q: TryFrom<P, Error = Error> + Send + 'static,
        A: Send + 'static,
        M: From<A> + prost::Message + Default + 'static,
    {
        let (call, timeout, message) = opened(request)?;
        let made = encoded::<A, M>(&call);
        let lane = call.method().lane;
        response(self.work(&call, lane, timeout, message, pace, ask, made).await)
    }

    /// The answer to one message of a stream, with its bytes reserved.
    pub(super) async fn answer_in_stream<P, Q, A, M>(
        &self,
        call: &Arc<Call>,
        message: P,
        ask: impl FnOnce(&Engine, &Q) -> Result<A> + Send + 'static,
    ) -> Result<(M, Reservation)>
    where
        P: Send + 'static,
        Q: TryFrom<P, Error = Error> + Send + 'static,
        A: Send + 'static,
        M: From<A> + prost::Message + 'static,
    {
        self.answer_in_stream_at_pace(call, message, |_, _| Pace::Slow, ask).await
    }

    /// The same, for questions that may have to wait for the disk first.
    pub(super) async fn answer_in_stream_at_pace<P, Q, A, M>(
        &self,
        call: &Arc<Call>,
        message: P,
        pace: impl FnOnce(&Engine, &Q) -> Pace,
        ask: impl FnOnce(&Engine, &Q) -> Result<A> + Send + 'static,
    ) -> Result<(M, Reservation)>
    where
        P: Send + 'static,
        Q: TryFrom<P, Error = Error> + Send + 'static,
        A: Send + 'static,
        M: From<A> + prost::Message + 'static,
    {
        let (reserving, began) = (Arc::clone(call), Instant::now());
        let made = move |answer: A| {
            let (message, noted) = plan::noted(|| M::from(answer));
            reserving.answered(&noted, began.elapsed());
            let reservation = reserving.reserve(&message)?;
            Ok((message, reservation))
        };
        let lane = call.method().lane;
        self.work(call, lane, None, message, pace, ask, made).await
    }

    #[expect(clippy::too_many_arguments, reason = "each is one step of the way")]
    async fn work<P, Q, A, T>(
        &self,
        call: &Call,
        lane: Lane,
        timeout: Option<Duration>,
        message: P,
        pace: impl FnOnce(&Engine, &Q) -> Pace,
        ask: impl FnOnce(&Engine, &Q) -> Result<A> + Send + 'static,
        made: impl FnOnce(A) -> Result<T> + Send + 'static,
    ) -> Result<T>
    where
        P: Send + 'static,
        Q: TryFrom<P, Error = Error> + Send + 'static,
        T: Send + 'static,
    {
        let answered = async {
            let stop = Stop::new(timeout.map(|timeout| Instant::now() + timeout));
            let least = call.least()?;
            let _entered = self.reached(call, least, timeout).await;
            let engine = self.engine.until(stop.clone()).at_least(least);
            let _raised_when_the_caller_leaves = Raised(stop);
            let caller = call.peer().id();
            if call.received_bytes() > limits::READ_AT_ONCE_BYTES {
                let lane = if lane == Lane::Short { Lane::Heavy } else { lane };
                let work = move || ask(&engine, &Q::try_from(message)?).and_then(made);
                return self.pool.run(lane, caller, work).await;
            }
            let query = Q::try_from(message)?;
            let lane = match pace(&self.engine, &query) {
                Pace::Quick => {
                    let work = || caught(|| ask(&engine, &query).and_then(made));
                    return self.pool.quick(work);
                }
                Pace::Short => Lane::Short,
                Pace::Slow => lane,
                Pace::Unread => Lane::Disk,
            };
            self.pool.run(lane, caller, move || ask(&engine, &query).and_then(made)).await
        };
        within(timeout, answered).await
    }

    /// Answers a write to the table that `table` finds in the request.
    pub(super) async fn answer_write<P, Q, A, M>(
        &self,
        request: Request<P>,
        table: fn(&P) -> &String,
        begin: impl FnOnce(&Engine, &Q) -> Result<Written<A>> + Send + 'static,
    ) -> Result<Response<M>, Status>
    where
        P: Send + 'static,
        Q: TryFrom<P, Error = Error>,
        A: Send + 'static,
        M: From<Acknowledged<A>> + prost::Message + Default + 'static,
    {
        let (call, timeout, message) = opened(request)?;
        let made = encoded::<Acknowledged<A>, M>(&call);
        let answered = async {
            let table = TableName::try_from(table(&message).clone())?;
            self.read_for(&call, table).await?;
            self.write(&call, timeout, message, begin, made).await
        };
        response(within(timeout, answered).await)
    }

    /// Reads a table that was not read yet.
    pub(super) async fn read_for(&self, call: &Call, table: TableName) -> Result<()> {
        if self.engine.pace_of_short(&table) != Pace::Unread {
            return Ok(());
        }
        let engine = self.engine.clone();
        self.pool.run(Lane::Disk, call.peer().id(), move || engine.table(&table).map(drop)).await
    }

    /// Finds words as a question does, and deletes them by a write.
    pub(super) async fn delete_by_filter(
        &self,
        request: Request<pb::DeleteWordsRequest>,
    ) -> Result<Response<pb::DeleteWordsResponse>, Status> {
        let (call, timeout, message) = opened(request)?;
        let made = encoded::<_, pb::DeleteWordsResponse>(&call);
        let answered = async {
            let stop = Stop::new(timeout.map(|timeout| Instant::now() + timeout));
            let engine = self.engine.until(stop.clone()).at_least(call.least()?);
            let _raised_when_the_caller_leaves = Raised(stop);
            let caller = call.peer().id();
            let ask = Ask::<Filter>::try_from(message)?;
            let searching = engine.clone();
            let selected =
                self.pool.run(Lane::Heavy, caller, move || searching.select(&ask)).await?;
            let begin = move || {
                let written = engine.begin_delete_selected(&selected)?;
                Ok(move || written.wait().and_then(made))
            };
            self.pool.write(caller, begin).await
        };
        response(within(timeout, answered).await)
    }

    /// Makes a write to a table that was read.
    pub(super) async fn write<P, Q, A, T>(
        &self,
        call: &Call,
        timeout: Option<Duration>,
        message: P,
        begin: impl FnOnce(&Engine, &Q) -> Result<Written<A>> + Send + 'static,
        made: impl FnOnce(Acknowledged<A>) -> Result<T> + Send + 'static,
    ) -> Result<T>
    where
        P: Send + 'static,
        Q: TryFrom<P, Error = Error>,
        A: Send + 'static,
        T: Send + 'static,
    {
        let stop = Stop::new(timeout.map(|timeout| Instant::now() + timeout));
        let engine = self.engine.until(stop.clone());
        let _raised_when_the_caller_leaves = Raised(stop);
        let begin = move || {
            let written = begin(&engine, &Q::try_from(message)?)?;
            Ok(move || written.wait().and_then(made))
        };
        self.pool.write(call.peer().id(), begin).await
    }
}

/// Waits for an answer as long as its caller does.
pub(super) async fn within<T>(
    timeout: Option<Duration>,
    answered: impl Future<Output = Result<T>>,
) -> Result<T> {
    match timeout {
        Some(timeout) => tokio::time::timeout(timeout, answered)
            .await
            .unwrap_or_else(|_| Err(Error::new(ErrorKind::Deadline))),
        None => answered.await,
    }
}

/// A request's call, its deadline, and its message.
pub(super) fn opened<P>(request: Request<P>) -> Result<(Arc<Call>, Option<Duration>, P), Status> {
    let timeout = guard::timeout(request.metadata());
    let call = call_of(&request)?;
    Ok((call, timeout, request.into_inner()))
}

/// What the caller of a request may do.
pub(super) fn grant_of<P>(request: &Request<P>) -> Result<Grant, Status> {
    Ok(call_of(request)?.grant().clone())
}

/// The call that a request came on.
pub(super) fn call_of<P>(request: &Request<P>) -> Result<Arc<Call>, Status> {
    let call = request.extensions().get::<Arc<Call>>();
    call.cloned().ok_or_else(|| status(&Error::new(ErrorKind::Internal)))
}

/// Makes of an answer what is sent.
fn encoded<A, M>(call: &Arc<Call>) -> impl FnOnce(A) -> Result<Encoded> + Send + use<A, M>
where
    M: From<A> + prost::Message,
{
    let call = Arc::clone(call);
    move |answer| {
        let (message, noted) = plan::noted(|| M::from(answer));
        call.note(noted);
        call.encoded(&message)
    }
}

/// The transport sends what is encoded, and never looks at the message.
pub(super) fn response<M: Default>(answer: Result<Encoded>) -> Result<Response<M>, Status> {
    let encoded = answer.map_err(|error| status(&error))?;
    let mut response = Response::new(M::default());
    response.extensions_mut().insert(encoded);
    Ok(response)
}

/// Raises a stop when nobody waits any more.
pub(super) struct Raised(pub(super) Stop);

impl Drop for Raised {
    fn drop(&mut self) {
        self.0.raise();
    }
}
