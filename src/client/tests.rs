//! Tests of the client against a server that only records.

use std::io::{self, Read};
use std::sync::Mutex;
use std::time::Duration;

use super::*;
use crate::client::upload::CHUNK_BYTES;
use crate::proto::transfer_service_server::{TransferService, TransferServiceServer};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::{Request, Streaming};
use tonic_types::{ErrorDetails, StatusExt as _};

#[test]
fn a_refusal_keeps_reason_metadata_and_every_bad_field() {
    let metadata = [("words".to_owned(), "[\"qeen\"]".to_owned())];
    let mut details = ErrorDetails::with_error_info("UNKNOWN_WORDS", "wordspace", metadata);
    details.add_bad_request_violation("k", "from 1 to 10,000");
    details.add_bad_request_violation("table", "is empty");
    let status = Status::with_error_details(Code::NotFound, "the word is unknown", details);

    let refusal = Refusal::from(&status);
    assert_eq!((refusal.code, refusal.reason.as_str()), (Code::NotFound, "UNKNOWN_WORDS"));
    assert_eq!(refusal.metadata["words"], "[\"qeen\"]");
    let fields: Vec<_> = refusal.violations.iter().map(|v| v.field.as_str()).collect();
    assert_eq!(fields, ["k", "table"]);
    assert_eq!(refusal.to_string(), "the word is unknown");
    assert!(Refusal::from(&Status::new(Code::Unimplemented, "")).to_string().contains("is it a"));
}

struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("the disk is gone"))
    }
}

#[test]
fn chunks_are_the_file_and_an_error_ends_in_one() {
    let full = CHUNK_BYTES;
    let file = vec![7_u8; full + 3];
    let sizes: Vec<usize> = chunks(file.as_slice())
        .map(|part| {
            let Ok(import_request::Part::Chunk(chunk)) = part else { panic!("{part:?}") };
            chunk.len()
        })
        .collect();
    assert_eq!(sizes, [full, 3]);
    assert!(chunks(Broken).next().unwrap().is_err());
}

#[tokio::test]
async fn an_address_where_nobody_listens_says_how_to_start_a_server() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = listener.local_addr().unwrap().to_string();
    drop(listener);
    let error = Client::connect(&url).await.unwrap_err();
    assert!(matches!(&error, CallError::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains("wordspace serve --data DIR"), "{error}");
    assert!(matches!(Client::connect("ftp://localhost").await, Err(CallError::Address { .. })));
}

/// Tells of each part that arrives, then whether the stream came to its proper end. Of uploads it knows
/// nothing, and says so once it has no more reasons to refuse a call, of which the last come first.
struct Recorder {
    heard: UnboundedSender<&'static str>,
    refusals: Arc<Mutex<Vec<&'static str>>>,
}

impl Recorder {
    fn answer<T: Default>(&self) -> Result<Response<T>, Status> {
        self.heard.send("call").unwrap();
        match self.refusals.lock().unwrap().pop() {
            None => Ok(Response::new(T::default())),
            Some("") => Err(Status::unavailable("a proxy has lost it")),
            Some(reason) => {
                let metadata: [(String, String); 0] = [];
                let mut details = ErrorDetails::with_error_info(reason, "wordspace", metadata);
                details.set_retry_info(Some(Duration::from_millis(1)));
                Err(Status::with_error_details(Code::ResourceExhausted, "not now", details))
            }
        }
    }
}

#[tonic::async_trait]
impl TransferService for Recorder {
    type ImportStream = ReceiverStream<Result<ImportResponse, Status>>;
    type ExportStream = ReceiverStream<Result<ExportResponse, Status>>;
    type MergeTablesStream = ReceiverStream<Result<MergeTablesResponse, Status>>;

    async fn merge_tables(
        &self,
        _: Request<MergeTablesRequest>,
    ) -> Result<Response<Self::MergeTablesStream>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn import(
        &self,
        request: Request<Streaming<ImportRequest>>,
    ) -> Result<Response<Self::ImportStream>, Status> {
        let heard = self.heard.clone();
        let mut parts = request.into_inner();
        let (replies, answer) = mpsc::channel(1);
        tokio::spawn(async move {
            let last = loop {
                match parts.message().await {
                    Ok(Some(ImportRequest { part: Some(_) })) => heard.send("part").unwrap(),
                    Ok(Some(ImportRequest { part: None })) | Err(_) => break "broken",
                    Ok(None) => break "complete",
                }
            };
            heard.send(last).unwrap();
            let part = Some(import_response::Part::Report(ImportReport::default()));
            let _ = replies.send(Ok(ImportResponse { part })).await;
        });
        Ok(Response::new(ReceiverStream::new(answer)))
    }

    async fn get_upload(
        &self,
        request: Request<GetUploadRequest>,
    ) -> Result<Response<GetUploadResponse>, Status> {
        if request.get_ref().table == "never" {
            std::future::pending::<()>().await;
        }
        self.answer()
    }

    async fn list_uploads(
        &self,
        _: Request<ListUploadsRequest>,
    ) -> Result<Response<ListUploadsResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn delete_upload(
        &self,
        _: Request<DeleteUploadRequest>,
    ) -> Result<Response<DeleteUploadResponse>, Status> {
        self.answer()
    }

    async fn export(
        &self,
        _: Request<ExportRequest>,
    ) -> Result<Response<Self::ExportStream>, Status> {
        Err(Status::unimplemented("not here"))
    }
}

async fn recorder() -> (Client, UnboundedReceiver<&'static str>) {
    let (url, hears) = recording(Arc::default()).await;
    (Client::connect(&url).await.unwrap(), hears)
}

async fn recording(
    refusals: Arc<Mutex<Vec<&'static str>>>,
) -> (String, UnboundedReceiver<&'static str>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = listener.local_addr().unwrap().to_string();
    let (heard, hears) = unbounded_channel();
    let service = TransferServiceServer::new(Recorder { heard, refusals });
    let connections = TcpListenerStream::new(listener);
    tokio::spawn(
        tonic::transport::Server::builder().add_service(service).serve_with_incoming(connections),
    );
    (url, hears)
}

#[tokio::test]
async fn calls_are_made_again_where_nothing_was_done_and_questions_where_the_connection_broke() {
    let refusals = Arc::new(Mutex::new(Vec::new()));
    let (url, mut hears) = recording(Arc::clone(&refusals)).await;
    let patient = Client::builder(&url).retries(3).connect().await.unwrap();
    let once = Client::connect(&url).await.unwrap();
    let mut calls = || std::iter::from_fn(|| hears.try_recv().ok()).count();

    // Reasons, whether it is a question, and after how many calls it is answered.
    let cases: [(&[&str], bool, Option<usize>); 6] = [
        (&["OVERLOADED", "SHUTTING_DOWN"], true, Some(3)),
        (&["CONCURRENT_WRITE"], false, Some(2)),
        (&["OVERLOADED"; 5], true, None),
        (&["RATE_LIMITED"], true, None),
        (&["", ""], true, Some(3)),
        (&[""], false, None),
    ];
    for (reasons, is_question, answered) in cases {
        refusals.lock().unwrap().extend(reasons.iter().rev());
        let answer = if is_question {
            patient.get_upload(GetUploadRequest::default()).await.map(|_| ())
        } else {
            patient.delete_upload(DeleteUploadRequest::default()).await.map(|_| ())
        };
        assert_eq!(answer.is_ok(), answered.is_some(), "{reasons:?}: {answer:?}");
        let most = if reasons.len() > 3 { 4 } else { 1 };
        assert_eq!(calls(), answered.unwrap_or(most), "{reasons:?}");
        refusals.lock().unwrap().clear();
    }

    refusals.lock().unwrap().push("OVERLOADED");
    let refused = once.get_upload(GetUploadRequest::default()).await.unwrap_err();
    let CallError::Refused(refusal) = refused else { panic!("{refused}") };
    assert_eq!(refusal.retry_after, Some(Duration::from_millis(1)));
    assert_eq!(calls(), 1);
}

#[tokio::test]
async fn a_call_ends_at_its_deadline() {
    let (url, _hears) = recording(Arc::default()).await;
    let timeout = Duration::from_millis(50);
    let client = Client::builder(&url).timeout(timeout).retries(3).connect().await.unwrap();
    let request = GetUploadRequest { table: "never".to_owned() };
    let late = client.get_upload(request).await.unwrap_err();
    let CallError::Refused(refusal) = &late else { panic!("{late}") };
    assert_eq!((refusal.code, refusal.reason.as_str()), (Code::DeadlineExceeded, "DEADLINE"));
}

#[tokio::test]
async fn a_file_that_cannot_be_read_to_its_end_is_no_complete_import() {
    let (client, mut hears) = recorder().await;
    let header = ImportHeader::default;
    client.import(header(), chunks(&b"a 1 2"[..]), |_| {}).await.unwrap();
    assert_eq!([hears.recv().await, hears.recv().await], [Some("part"); 2]);
    assert_eq!(hears.recv().await, Some("complete"));

    let error = client.import(header(), chunks(Broken), |_| {}).await.unwrap_err();
    assert!(matches!(&error, CallError::Source(_)), "{error}");
    assert_eq!([hears.recv().await, hears.recv().await], [Some("part"), Some("broken")]);
}
