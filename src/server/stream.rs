//! `NearestStream`: questions answered in the order they come, one message at a time.
//!
//! A message is not read before the one before it is answered and the caller has room for the
//! answer: a slow reader slows only itself.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use prost::Message as _;
use tokio_stream::Stream;
use tonic::{Status, Streaming};

use crate::engine::{Answer, Engine, Pace, Stop};
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::proto as pb;
use crate::query::nearest::NearestQuery;
use crate::server::desk::{Desk, Raised};
use crate::server::pool::Lane;
use crate::server::search::nearest_query;
use crate::server::status::{status, told};
use crate::server::transport::{Call, Reservation};
use crate::server::wire::Fields;
use crate::server::{caught, guard, plan};
use crate::table::meta::TableName;

/// How long quick answers go on before other calls have their turn.
const TURN: Duration = Duration::from_millis(1);

/// The answers to a stream of questions.
pub(super) struct Answers {
    desk: Desk,
    call: Arc<Call>,
    questions: Streaming<pb::NearestStreamRequest>,
    /// Of the message before.
    table: String,
    state: State,
    /// Ends the stream whatever comes: a deadline, or the closing of the server.
    end: Pin<Box<dyn Future<Output = ErrorKind> + Send>>,
    /// When this turn began.
    turn: Option<Instant>,
    stop: Raised,
    /// Of the answer before, which is sent when the next is asked for.
    reservation: Option<Reservation>,
}

enum State {
    Reading,
    Working(Working),
    Ended,
}

type Working = Pin<Box<dyn Future<Output = Response> + Send>>;

impl Answers {
    pub(super) fn new(
        desk: Desk,
        call: Arc<Call>,
        questions: Streaming<pb::NearestStreamRequest>,
        timeout: Option<Duration>,
    ) -> Self {
        let end = Box::pin(guard::end(timeout, desk.is_closing.clone()));
        let stop = Raised(Stop::new(timeout.map(|timeout| Instant::now() + timeout)));
        let (table, state, turn) = (String::new(), State::Reading, None);
        Self { desk, call, questions, table, state, end, turn, stop, reservation: None }
    }

    /// The answer, or the work that leads to it.
    fn answer(&mut self, mut message: pb::NearestStreamRequest) -> Result<Response, Working> {
        if message.table.is_empty() {
            message.table.clone_from(&self.table);
        } else {
            self.table.clone_from(&message.table);
        }
        let (id, count) = (message.id, message.queries.len());
        let least = match self.call.least() {
            Ok(least) => least,
            Err(error) => return Ok(refused(id, count, &error)),
        };
        let engine = self.desk.engine.until(self.stop.0.clone()).at_least(least);
        let (pool, caller) = (Arc::clone(&self.desk.pool), self.call.peer().id());
        let asked = Asked { call: Arc::clone(&self.call), at: Instant::now() };
        let run = move |lane, work: Box<dyn FnOnce() -> Response + Send>| -> Working {
            Box::pin(async move {
                let done = pool.run(lane, caller, move || Ok(work())).await;
                done.unwrap_or_else(|error| refused(id, count, &error))
            })
        };
        if message.encoded_len() > limits::READ_AT_ONCE_BYTES {
            let work = move || Message::from(message).answered(&engine, &asked);
            return Err(run(Lane::Heavy, Box::new(work)));
        }
        let message = Message::from(message);
        if let Ok(table) = &message.table
            && engine.is_on_its_way(table)
        {
            let (desk, table) = (self.desk.clone(), table.clone());
            let answered = run(Lane::Disk, Box::new(move || message.answered(&engine, &asked)));
            return Err(Box::pin(async move {
                let _entered = desk.comes(&table).await;
                answered.await
            }));
        }
        let lane = match message.pace(&engine) {
            Pace::Quick => return Ok(self.desk.pool.quick(|| message.answered(&engine, &asked))),
            Pace::Short => Lane::Short,
            Pace::Slow => Lane::Heavy,
            Pace::Unread => Lane::Disk,
        };
        Err(run(lane, Box::new(move || message.answered(&engine, &asked))))
    }

    /// The answer, if its bytes can be reserved until it is sent.
    fn reserved(&mut self, response: Response) -> Response {
        match self.call.reserve(&response) {
            Ok(reservation) => {
                self.reservation = Some(reservation);
                response
            }
            Err(error) => refused(response.id, response.results.len(), &error),
        }
    }

    fn ended(&mut self, error: Status) -> Poll<Option<Result<Response, Status>>> {
        self.state = State::Ended;
        Poll::Ready(Some(Err(error)))
    }

    /// Whether other calls should have their turn.
    fn is_over(&mut self) -> bool {
        let now = Instant::now();
        if now.duration_since(*self.turn.get_or_insert(now)) < TURN {
            return false;
        }
        self.turn = None;
        true
    }
}

type Response = pb::NearestStreamResponse;

impl Stream for Answers {
    type Item = Result<Response, Status>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if matches!(this.state, State::Ended) {
            return Poll::Ready(None);
        }
        if let Poll::Ready(kind) = this.end.as_mut().poll(context) {
            return this.ended(status(&Error::new(kind)));
        }
        if this.is_over() {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if matches!(this.state, State::Reading) {
            this.reservation = None;
            match Pin::new(&mut this.questions).poll_next(context) {
                Poll::Pending => {
                    this.turn = None;
                    return Poll::Pending;
                }
                Poll::Ready(None) => {
                    this.state = State::Ended;
                    return Poll::Ready(None);
                }
                Poll::Ready(Some(Err(broken))) => return this.ended(broken),
                Poll::Ready(Some(Ok(message))) => match this.answer(message) {
                    Ok(response) => return Poll::Ready(Some(Ok(this.reserved(response)))),
                    Err(working) => this.state = State::Working(working),
                },
            }
        }
        let State::Working(work) = &mut this.state else { return Poll::Ready(None) };
        let response = ready!(work.as_mut().poll(context));
        this.state = State::Reading;
        Poll::Ready(Some(Ok(this.reserved(response))))
    }
}

/// The call that a message came on, and when it came.
struct Asked {
    call: Arc<Call>,
    at: Instant,
}

/// A message, read.
struct Message {
    id: u64,
    table: Result<TableName>,
    queries: Vec<Result<NearestQuery>>,
    /// Of questions in the message.
    count: usize,
}

impl From<pb::NearestStreamRequest> for Message {
    fn from(message: pb::NearestStreamRequest) -> Self {
        let pb::NearestStreamRequest { id, table, queries } = message;
        let mut fields = Fields::default();
        fields.count("queries", queries.len(), 0..=limits::STREAM_BATCH_MAX);
        let looked_at = |query: &pb::NearestRequest| {
            if query.group_by.is_empty() {
                query.k.unwrap_or(0) as usize
            } else {
                limits::NEIGHBORS_MAX
            }
        };
        let neighbors: usize = queries.iter().map(looked_at).sum();
        if neighbors > limits::BATCH_NEIGHBORS_MAX {
            let max = limits::BATCH_NEIGHBORS_MAX;
            fields.bad("queries", format!("{neighbors} neighbors in all; at most {max} allowed"));
        }
        let read = fields.table(table.clone());
        let table_read = fields.finish(|| read);
        let query = |mut query: pb::NearestRequest| {
            let mut fields = Fields::default();
            let of = std::mem::take(&mut query.table);
            if !of.is_empty() && of != table {
                fields.bad("table", "a message asks one table; leave it empty here");
            }
            let query = nearest_query(&mut fields, query);
            fields.finish(|| Some(query))
        };
        let count = queries.len();
        // All are refused if the table, or their number, is wrong.
        let queries = if table_read.is_ok() { queries } else { Vec::new() };
        let queries = queries.into_iter().map(query).collect();
        Self { id, table: table_read, queries, count }
    }
}

impl Message {
    fn pace(&self, engine: &Engine) -> Pace {
        match &self.table {
            Ok(table) => engine.pace(table, self.queries.iter().flatten()),
            Err(_) => Pace::Quick,
        }
    }

    /// The answers, which are counted.
    fn answered(self, engine: &Engine, asked: &Asked) -> Response {
        let (response, noted) = plan::noted(|| self.answers(engine, asked));
        asked.call.answered(&noted, asked.at.elapsed());
        response
    }

    fn answers(self, engine: &Engine, asked: &Asked) -> Response {
        let table = match &self.table {
            Ok(table) => table,
            Err(error) => return refused(self.id, self.count, error),
        };
        let answered = caught(|| engine.nearest_each(table, self.queries.iter().flatten()));
        let Answer { of, answer } = match answered {
            Ok(answer) => answer,
            Err(error) => return refused(self.id, self.count, &error),
        };
        let mut answers = answer.into_iter();
        let results = self.queries.into_iter().filter_map(|query| {
            let answer = match query {
                Ok(query) => {
                    let answer = answers.next()?;
                    if let Ok(answer) = &answer {
                        asked.call.metrics().sample(engine, &query, &of, answer);
                    }
                    answer
                }
                Err(error) => Err(error),
            };
            Some(match answer {
                Ok(answer) => {
                    let answer = Answer { of: of.clone(), answer };
                    pb::nearest_result::Result::Answer(answer.into())
                }
                Err(error) => pb::nearest_result::Result::Error(told(&error)),
            })
        });
        let results = results.map(|result| pb::NearestResult { result: Some(result) }).collect();
        Response { id: self.id, results }
    }
}

/// The same error for every question.
fn refused(id: u64, count: usize, error: &Error) -> Response {
    let error = pb::nearest_result::Result::Error(told(error));
    let result = pb::NearestResult { result: Some(error) };
    Response { id, results: vec![result; count] }
}
