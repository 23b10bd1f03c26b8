//! Long work beside other callers: idle streams, callers that leave, deadlines, detached jobs.

use std::time::Duration;

use tokio::sync::mpsc::{self, Sender};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Code, Request, Status, Streaming};
use wordspace::client::Client;
use wordspace::proto as pb;
use wordspace::proto::import_request::Part;
use wordspace::proto::import_response::Part as Reply;
use wordspace::proto::job_service_client::JobServiceClient;
use wordspace::proto::text_service_client::TextServiceClient;
use wordspace::proto::transfer_service_client::TransferServiceClient;
use wordspace::server::ServerConfig;

use crate::support::{SMALL, Server, header, import, reason};

type Replies = Streaming<pb::ImportResponse>;

/// Begins an import and keeps its stream open; the number of the job comes first.
async fn open(channel: &Channel, parts: Vec<Part>) -> (u64, Sender<pb::ImportRequest>, Replies) {
    let (sender, stream) = mpsc::channel(16);
    for part in parts {
        sender.send(pb::ImportRequest { part: Some(part) }).await.unwrap();
    }
    let mut transfer = TransferServiceClient::new(channel.clone());
    let mut replies = transfer.import(ReceiverStream::new(stream)).await.unwrap().into_inner();
    let Some(Reply::Job(job)) = replies.message().await.unwrap().unwrap().part else {
        panic!("the number of the job is the first reply");
    };
    (job.id, sender, replies)
}

fn row() -> Part {
    let row = pb::ImportRow { word: "a".to_owned(), values: vec![1.0, 2.0] };
    Part::Rows(pb::ImportRows { rows: vec![row] })
}

fn rows(table: &str) -> Part {
    Part::Header(pb::ImportHeader { format: pb::Format::Rows.into(), ..header(table) })
}

async fn job(channel: &Channel, id: u64) -> pb::Job {
    let mut jobs = JobServiceClient::new(channel.clone());
    jobs.get_job(pb::GetJobRequest { id }).await.unwrap().into_inner().job.unwrap()
}

/// Watches a job to its end.
async fn end_of(server: &Server, id: u64) -> pb::Job {
    Client::connect(&server.url).await.unwrap().watch_job(id, |_| {}).await.unwrap()
}

async fn error_of(mut replies: Replies) -> Status {
    loop {
        match replies.message().await {
            Ok(reply) => assert!(reply.is_some(), "it ends with an error"),
            Err(status) => return status,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_streams_hold_neither_slots_nor_threads() {
    let server = Server::start().await;
    let channel = server.channel().await;
    import(&channel, header("en"), SMALL.as_bytes()).await.unwrap();
    let mut quiet = Vec::new();
    for i in 0..40 {
        let channel = server.channel().await;
        quiet.push(open(&channel, vec![rows(&format!("quiet{i}")), row()]).await);
    }
    let mut trainings = Vec::new();
    for i in 0..4 {
        let header = pb::TrainHeader { name: format!("quiet{i}"), ..pb::TrainHeader::default() };
        let first = pb::train_tokenizer_request::Part::Header(header);
        let (sender, stream) = mpsc::channel(4);
        sender.send(pb::TrainTokenizerRequest { part: Some(first) }).await.unwrap();
        let mut text = TextServiceClient::new(channel.clone());
        let replies = text.train_tokenizer(ReceiverStream::new(stream)).await.unwrap();
        trainings.push((sender, replies));
    }
    for (id, ..) in &quiet {
        let job = job(&channel, *id).await;
        assert_eq!((job.state(), job.started_at), (pb::JobState::Waiting, None));
    }
    // Others import, export and take long as if nobody were there.
    import(&channel, header("other"), SMALL.as_bytes()).await.unwrap();
    let client = Client::connect(&server.url).await.unwrap();
    let health = pb::HealthRequest { table: "en".to_owned(), ..pb::HealthRequest::default() };
    client.health(health).await.unwrap();
    let jobs = client.list_jobs(pb::ListJobsRequest {}).await.unwrap().jobs;
    assert_eq!(jobs.len(), 40 + 4 + 2);
    assert!(jobs.iter().all(|job| !job.owner.is_empty()), "the address of the caller");
    drop((quiet, trainings));
    server.stop().await;
}

#[tokio::test]
async fn a_quiet_stream_is_ended_and_told_why() {
    let stream_idle = Duration::from_millis(200);
    let server = Server::start_with(|config| ServerConfig { stream_idle, ..config }).await;
    let channel = server.channel().await;
    let big: String = (0..20_000).map(|i| format!("w{i} 1 2 {i}\n")).collect();
    for parts in [
        vec![rows("a"), row()],
        // This one works already.
        vec![Part::Header(header("b")), Part::Chunk(big.into_bytes())],
    ] {
        let (id, _open, replies) = open(&channel, parts).await;
        let status = error_of(replies).await;
        assert_eq!(reason(&status), (Code::Aborted, "IDLE_STREAM".to_owned()));
        assert!(status.message().contains("waiting for 0.2 s"), "{status:?}");
        let job = job(&channel, id).await;
        assert_eq!(job.state(), pb::JobState::Failed);
        assert_eq!(job.error.unwrap().reason, "IDLE_STREAM");
    }
    // A stream that never begins is told as well.
    let (_open, stream) = mpsc::channel::<pb::ImportRequest>(1);
    let mut transfer = TransferServiceClient::new(channel.clone());
    let status = transfer.import(ReceiverStream::new(stream)).await.unwrap_err();
    assert_eq!(reason(&status), (Code::Aborted, "IDLE_STREAM".to_owned()));
    server.stop().await;
}

#[tokio::test]
async fn an_import_ends_with_its_caller_unless_it_is_detached_and_complete() {
    let server = Server::start().await;
    let channel = server.channel().await;
    let (id, open_stream, replies) = open(&channel, vec![rows("left"), row()]).await;
    drop((open_stream, replies));
    let left = end_of(&server, id).await;
    // The end of the stream may come first: then it was complete.
    assert!(matches!(left.state(), pb::JobState::Cancelled | pb::JobState::Done), "{left:?}");

    let detached = pb::ImportHeader { detach: true, ..header("apart") };
    let parts = vec![Part::Header(detached), Part::Chunk(SMALL.as_bytes().to_vec())];
    let (id, sender, mut replies) = open(&channel, parts).await;
    assert!(job(&channel, id).await.detached);
    drop(sender);
    loop {
        match replies.message().await.unwrap().unwrap().part.unwrap() {
            Reply::Job(job) if job.may_leave => break,
            Reply::Job(_) | Reply::Progress(_) => {}
            Reply::Report(_) => panic!("that it may be left is told before"),
        }
    }
    drop(replies);
    let ended = end_of(&server, id).await;
    assert_eq!(ended.state(), pb::JobState::Done, "{ended:?}");
    let Some(pb::job::Result::Import(report)) = ended.result else { panic!("{ended:?}") };
    assert_eq!((report.table.as_str(), report.rows_kept), ("apart", 8));
    server.stop().await;
}

#[tokio::test]
async fn a_job_is_cancelled_by_its_number() {
    let server = Server::start().await;
    let channel = server.channel().await;
    let client = Client::connect(&server.url).await.unwrap();
    let big: String = (0..20_000).map(|i| format!("w{i} 1 2 {i}\n")).collect();
    let parts = vec![Part::Header(header("en")), Part::Chunk(big.into_bytes())];
    let (id, _open, replies) = open(&channel, parts).await;
    client.cancel_job(pb::CancelJobRequest { id, keep: false }).await.unwrap();
    let status = error_of(replies).await;
    assert_eq!(reason(&status), (Code::Cancelled, "CANCELLED".to_owned()));
    assert_eq!(end_of(&server, id).await.state(), pb::JobState::Cancelled);
    assert!(client.list_tables(pb::ListTablesRequest {}).await.unwrap().tables.is_empty());
    let unknown = JobServiceClient::new(channel).get_job(pb::GetJobRequest { id: 99 }).await;
    assert_eq!(reason(&unknown.unwrap_err()), (Code::NotFound, "JOB_NOT_FOUND".to_owned()));
    server.stop().await;
}

#[tokio::test]
async fn imports_and_exports_obey_their_deadlines() {
    let server = Server::start().await;
    let channel = server.channel().await;
    let big: String = (0..100_000).map(|i| format!("w{i} 0.123456 0.234567 {i}\n")).collect();
    import(&channel, header("big"), big.as_bytes()).await.unwrap();
    let soon = Duration::from_millis(300);
    let mut transfer = TransferServiceClient::new(channel.clone());
    let (open, stream) = mpsc::channel(4);
    let first = pb::ImportRequest { part: Some(rows("en")) };
    open.send(first).await.unwrap();
    let mut request = Request::new(ReceiverStream::new(stream));
    request.set_timeout(soon);
    let replies = transfer.import(request).await.unwrap().into_inner();
    let status = error_of(replies).await;
    assert_eq!(reason(&status), (Code::DeadlineExceeded, "DEADLINE".to_owned()));

    let export = pb::ExportRequest {
        table: "big".to_owned(),
        format: pb::Format::Glove.into(),
        ..pb::ExportRequest::default()
    };
    let mut request = Request::new(export);
    request.set_timeout(soon);
    let mut unread = transfer.export(request).await.unwrap().into_inner();
    let id = unread.message().await.unwrap().unwrap().job.unwrap().id;
    let ended = end_of(&server, id).await;
    assert_eq!(ended.error.unwrap().reason, "DEADLINE");
    server.stop().await;
}

/// Threads of this process that learn.
fn learning_threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let names =
        tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|name| name.trim() == "learning").count()
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn cancelled_trainings_leave_no_more_threads_than_slots() {
    use wordspace::proto::train_tokenizer_request::Part;
    use wordspace::proto::train_tokenizer_response::Part as Reply;

    let server = Server::start().await;
    let channel = server.channel().await;
    let mut seed = 7_u64;
    let mut letter = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'a' + u8::try_from((seed >> 33) % 26).unwrap())
    };
    let mut text = String::new();
    for _ in 0..30_000 {
        text.extend((0..12).map(|_| letter()));
        text.push('\n');
    }
    let mut most = 0;
    let mut ids = Vec::new();
    for i in 0..5 {
        let header = pb::TrainHeader {
            name: format!("t{i}"),
            vocab_size: Some(20_000),
            min_frequency: Some(0),
            ..pb::TrainHeader::default()
        };
        let parts = [Part::Header(header), Part::Text(text.clone().into_bytes())];
        let parts = parts.map(|part| pb::TrainTokenizerRequest { part: Some(part) });
        let mut service = TextServiceClient::new(channel.clone());
        let replies = service.train_tokenizer(tokio_stream::iter(parts)).await.unwrap();
        let mut replies = replies.into_inner();
        let Some(Reply::Job(started)) = replies.message().await.unwrap().unwrap().part else {
            panic!("the number of the job is the first reply");
        };
        // It learns, or waits for those before it that were left.
        let phase = |job: pb::Job| job.progress.unwrap_or_default().phase;
        while phase(job(&channel, started.id).await) != "learning" {
            tokio::task::yield_now().await;
        }
        ids.push(started.id);
        drop(replies);
        most = most.max(learning_threads());
    }
    assert!((1..=2).contains(&most), "{most} threads learn");
    for id in ids {
        assert_eq!(end_of(&server, id).await.state(), pb::JobState::Cancelled);
    }
    assert!(learning_threads() <= 2);
    server.stop().await;
}
