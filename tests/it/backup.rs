//! Backups through the server: made while it answers, taken back under another name, into a new folder,
//! and refused where they are damaged.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;
use tonic::transport::Channel;
use tonic::{Code, Status};
use wordspace::client::Client;
use wordspace::engine::Engine;
use wordspace::engine::backup::RestoreOptions;
use wordspace::engine::config::EngineConfig;
use wordspace::engine::import::{ImportOptions, Source};
use wordspace::error::ErrorKind;
use wordspace::proto as pb;
use wordspace::proto::admin_service_client::AdminServiceClient;
use wordspace::proto::job_service_client::JobServiceClient;
use wordspace::proto::put_vectors_request::WordToPut;
use wordspace::proto::table_service_client::TableServiceClient;
use wordspace::proto::{backup_response, restore_response};
use wordspace::server::ServerConfig;
use wordspace::table::attributes::Attributes;
use wordspace::table::meta::TableName;

use crate::support::{SMALL, Server, header, import, part_files, reason, word};

async fn back_up(channel: &Channel, keep: u32) -> pb::BackupReport {
    let request = pb::BackupRequest { keep, detach: false };
    let mut replies =
        AdminServiceClient::new(channel.clone()).backup(request).await.unwrap().into_inner();
    while let Some(reply) = replies.message().await.unwrap() {
        if let Some(backup_response::Part::Report(report)) = reply.part {
            return report;
        }
    }
    unreachable!("a backup ends with a report")
}

async fn restore(
    channel: &Channel,
    request: pb::RestoreRequest,
) -> Result<pb::RestoreReport, Status> {
    let mut replies = AdminServiceClient::new(channel.clone()).restore(request).await?.into_inner();
    while let Some(reply) = replies.message().await? {
        if let Some(restore_response::Part::Report(report)) = reply.part {
            return Ok(report);
        }
    }
    unreachable!("it ends with a report")
}

fn named(tables: &[&str], new_name: &str) -> pb::RestoreRequest {
    pb::RestoreRequest {
        tables: tables.iter().map(ToString::to_string).collect(),
        new_name: new_name.to_owned(),
        ..pb::RestoreRequest::default()
    }
}

async fn put(channel: &Channel, table: &str, words: &[(&str, f32)]) {
    let words = words.iter().map(|(word, value)| WordToPut {
        word: (*word).to_owned(),
        vector: Some(pb::Vector { values: vec![*value, 1.0, 2.0], ..Default::default() }),
        ..WordToPut::default()
    });
    let request = pb::PutVectorsRequest {
        table: table.to_owned(),
        words: words.collect(),
        ..pb::PutVectorsRequest::default()
    };
    TableServiceClient::new(channel.clone()).put_vectors(request).await.unwrap();
}

async fn vectors(channel: &Channel, table: &str) -> Vec<Vec<f32>> {
    let request = pb::LookupRequest {
        table: table.to_owned(),
        queries: ["new", "king"].map(word).into(),
        ..pb::LookupRequest::default()
    };
    let answer = TableServiceClient::new(channel.clone()).lookup(request).await;
    let vectors = answer.unwrap().into_inner().vectors;
    vectors.into_iter().map(|vector| vector.vector.unwrap_or_default().values).collect()
}

async fn delete(channel: &Channel, table: &str) {
    let request = pb::DeleteTableRequest { table: table.to_owned() };
    TableServiceClient::new(channel.clone()).delete_table(request).await.unwrap();
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

async fn start(data: &Arc<TempDir>, place: &TempDir) -> Server {
    let backups = Some(place.path().to_str().unwrap().to_owned());
    let config = ServerConfig { index_threads: 1, backups, ..ServerConfig::new(data.path()) };
    Server::start_as(Arc::clone(data), config).await
}

#[tokio::test]
async fn tables_come_back_with_their_writes_and_what_is_there_is_not_sent_again() {
    let (data, place) = (Arc::new(tempfile::tempdir().unwrap()), tempfile::tempdir().unwrap());
    let server = start(&data, &place).await;
    let channel = server.channel().await;
    import(&channel, header("en"), SMALL.as_bytes()).await.unwrap();
    import(&channel, header("other"), SMALL.as_bytes()).await.unwrap();
    put(&channel, "en", &[("new", 0.5), ("king", 7.0)]).await;
    let first = back_up(&channel, 0).await;
    assert_eq!((first.backup, first.table_count, first.problems.len()), (1, 2, 0));
    assert!(first.new_bytes > 0 && first.new_bytes <= first.bytes, "{first:?}");
    let second = back_up(&channel, 0).await;
    assert_eq!((second.backup, second.bytes, second.new_bytes), (2, first.bytes, 0));
    let as_kept = vectors(&channel, "en").await;
    put(&channel, "en", &[("new", 9.0)]).await;

    restore(&channel, named(&["en"], "copy")).await.unwrap();
    assert_eq!(vectors(&channel, "copy").await, as_kept);
    assert_ne!(vectors(&channel, "en").await, as_kept, "the table itself stays");
    put(&channel, "copy", &[("new", 3.0)]).await;
    let status = restore(&channel, named(&["en"], "")).await.unwrap_err();
    assert_eq!(reason(&status), (Code::AlreadyExists, "TABLE_EXISTS".to_owned()));
    let request = pb::RestoreRequest { replace: true, backup: 1, ..named(&["en"], "") };
    restore(&channel, request).await.unwrap();
    assert_eq!(vectors(&channel, "en").await, as_kept);
    let changed = vectors(&channel, "copy").await;
    let request = pb::RestoreRequest { backup: 9, ..named(&[], "") };
    let status = restore(&channel, request).await.unwrap_err();
    assert_eq!(reason(&status), (Code::InvalidArgument, "INVALID_FIELD".to_owned()));
    server.stop().await;

    // All of it is there after a restart, and what was replaced is gone.
    let server = start(&data, &place).await;
    let channel = server.channel().await;
    assert_eq!(vectors(&channel, "en").await, as_kept);
    assert_eq!(vectors(&channel, "copy").await, changed);
    assert_eq!(part_files(data.path(), "words").len(), 3);

    // Of the last backup everything is needed, and of the others nothing else.
    delete(&channel, "copy").await;
    delete(&channel, "other").await;
    let last = back_up(&channel, 1).await;
    assert_eq!((last.backup, last.table_count, last.removed_count), (3, 1, 2));
    let listed = Client::connect(&server.url).await.unwrap();
    let listed = listed.list_backups(pb::ListBackupsRequest {}).await.unwrap().backups;
    assert_eq!(listed.len(), 1);
    let parts = files(&place.path().join("parts"));
    let bytes: u64 = parts.iter().map(|path| path.metadata().unwrap().len()).sum();
    assert_eq!(bytes, last.bytes);
    server.stop().await;

    let folder = tempfile::tempdir().unwrap();
    let backups = Some(place.path().to_str().unwrap().to_owned());
    let config = EngineConfig { backups, ..EngineConfig::new(folder.path()) };
    let engine = Engine::open(&config).unwrap();
    let report = engine.restore(&RestoreOptions::default(), &mut |_, _| {}).unwrap();
    assert_eq!((report.backup, report.tables.len()), (3, 1));
    engine.close();
    let server = Server::start_on(Arc::new(folder)).await;
    let channel = server.channel().await;
    assert_eq!(vectors(&channel, "en").await, as_kept);
    let request = pb::BackupRequest::default();
    let mut replies =
        AdminServiceClient::new(channel.clone()).backup(request).await.unwrap().into_inner();
    let status = loop {
        match replies.message().await {
            Ok(reply) => assert!(reply.is_some(), "it is refused"),
            Err(status) => break status,
        }
    };
    assert_eq!(status.code(), Code::FailedPrecondition, "{status:?}");
    server.stop().await;
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "files that are meant to be damaged")]
async fn a_damaged_backup_replaces_nothing_and_a_damaged_table_is_told() {
    let (data, place) = (Arc::new(tempfile::tempdir().unwrap()), tempfile::tempdir().unwrap());
    let server = start(&data, &place).await;
    let channel = server.channel().await;
    for table in ["en", "de"] {
        import(&channel, header(table), SMALL.as_bytes()).await.unwrap();
    }
    put(&channel, "en", &[("new", 0.5)]).await;
    back_up(&channel, 0).await;
    let before = vectors(&channel, "en").await;
    let flip = |path: &Path| {
        let mut bytes = fs::read(path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 4;
        fs::write(path, bytes).unwrap();
    };
    for path in files(place.path()) {
        flip(&path);
        // A part that only the other table has may be damaged.
        let mut failed = 0;
        for table in ["en", "de"] {
            let request = pb::RestoreRequest { replace: true, ..named(&[table], "") };
            if let Err(status) = restore(&channel, request).await {
                assert_eq!(reason(&status), (Code::DataLoss, "CORRUPT".to_owned()), "{path:?}");
                failed += 1;
            }
        }
        assert!(failed > 0, "{path:?}");
        flip(&path);
        let cut = fs::read(&path).unwrap();
        fs::write(&path, &cut[..cut.len() / 3]).unwrap();
        let status = restore(&channel, named(&[], "")).await.unwrap_err();
        let is_told = [Code::DataLoss, Code::AlreadyExists].contains(&status.code());
        assert!(is_told, "{path:?}: {status:?}");
        fs::write(&path, cut).unwrap();
    }
    assert_eq!(vectors(&channel, "en").await, before);
    let client = Client::connect(&server.url).await.unwrap();
    let whole = client.verify(pb::VerifyRequest::default(), |_| {}).await.unwrap();
    assert_eq!((whole.whole_tables.len(), whole.damages.len()), (2, 0));

    let damaged = part_files(data.path(), "vectors").remove(0);
    flip(&damaged);
    let found = client.verify(pb::VerifyRequest::default(), |_| {}).await.unwrap();
    let [damage] = &found.damages[..] else { unreachable!("{found:?}") };
    assert_eq!(damage.part, "vectors");
    // The parts of the first backup are there already; those that are damaged here are not read.
    let again = back_up(&channel, 1).await;
    assert_eq!((again.problems.len(), again.removed_count, again.new_bytes), (0, 1, 0));
    fs::remove_dir_all(place.path().join("parts")).unwrap();
    let lacking = back_up(&channel, 1).await;
    assert_eq!((lacking.problems.len(), lacking.removed_count, lacking.table_count), (1, 0, 1));
    // A backup is made though an earlier one that is to be kept is damaged.
    flip(&damaged);
    flip(&place.path().join("backups/00000003"));
    let made = back_up(&channel, 2).await;
    assert_eq!((made.backup, made.problems.len(), made.removed_count), (4, 1, 0), "{made:?}");
    server.stop().await;
}

#[test]
fn a_restore_replaces_no_table_that_came_meanwhile() {
    let [data, place, new] = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let open = |folder: &TempDir| {
        let backups = Some(place.path().to_str().unwrap().to_owned());
        Engine::open(&EngineConfig { backups, ..EngineConfig::new(folder.path()) }).unwrap()
    };
    let name = |table: &str| TableName::try_from(table.to_owned()).unwrap();
    let import = |engine: &Engine, table: &str, value: f32| {
        let rows = [Ok((b"word".to_vec(), vec![value, 1.0], Attributes::new()))];
        let source = Source::Rows(Box::new(rows.into_iter()));
        engine.import(&ImportOptions::new(name(table)), source, &mut |_| {}).unwrap().generation
    };
    let engine = open(&data);
    for table in ["a", "b"] {
        import(&engine, table, 1.0);
    }
    engine.back_up(None, &mut |_, _| {}).unwrap();
    engine.close();
    let engine = open(&new);
    let mut made = None;
    // The table b comes while a is read.
    let restored = engine.restore(&RestoreOptions::default(), &mut |_, _| {
        made.get_or_insert_with(|| import(&engine, "b", 2.0));
    });
    let kind = ErrorKind::TableExists { name: "b".to_owned() };
    assert_eq!(*restored.unwrap_err().kind(), kind);
    assert_eq!(engine.table(&name("b")).unwrap().meta.generation, made.unwrap());
    assert_eq!(engine.tables().len(), 2, "those before it stay");
    engine.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn passes_over_all_tables_wait_for_each_other_and_hold_nobody_up() {
    let (data, place) = (Arc::new(tempfile::tempdir().unwrap()), tempfile::tempdir().unwrap());
    let server = start(&data, &place).await;
    let channel = server.channel().await;
    import(&channel, header("en"), SMALL.as_bytes()).await.unwrap();
    put(&channel, "en", &[("new", 0.5)]).await;

    // One works and 64 wait; whoever comes then is told at once.
    let began: Vec<_> = (0..100)
        .map(|i| {
            let mut admin = AdminServiceClient::new(channel.clone());
            tokio::spawn(async move {
                if i % 2 == 0 {
                    let request = pb::BackupRequest { keep: 2, detach: true };
                    let mut replies = admin.backup(request).await?.into_inner();
                    while replies.message().await?.is_some() {}
                } else {
                    let request = pb::VerifyRequest { detach: true };
                    let mut replies = admin.verify(request).await?.into_inner();
                    while replies.message().await?.is_some() {}
                }
                Ok::<_, Status>(())
            })
        })
        .collect();
    let mut jobs = JobServiceClient::new(channel.clone());
    let mut looks = 0;
    while looks < 20 || began.iter().any(|call| !call.is_finished()) {
        assert!(!vectors(&channel, "en").await.is_empty());
        let listed = jobs.list_jobs(pb::ListJobsRequest::default()).await.unwrap().into_inner();
        let running = listed.jobs.iter().filter(|job| job.state() == pb::JobState::Running);
        let kinds = [pb::JobKind::Backup, pb::JobKind::Verify];
        // One that ends gives its turn away before it is listed as done.
        assert!(running.filter(|job| kinds.contains(&job.kind())).count() <= 3);
        looks += 1;
    }
    for call in began {
        if let Err(status) = call.await.unwrap() {
            assert_eq!(reason(&status), (Code::ResourceExhausted, "OVERLOADED".to_owned()));
        }
    }
    let client = Client::connect(&server.url).await.unwrap();
    let kept = client.list_backups(pb::ListBackupsRequest {}).await.unwrap().backups;
    assert_eq!(kept.len(), 2);
    restore(&channel, named(&["en"], "copy")).await.unwrap();
    assert_eq!(vectors(&channel, "copy").await, vectors(&channel, "en").await);
    server.stop().await;
}
