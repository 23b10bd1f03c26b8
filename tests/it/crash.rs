//! The real program, killed in the middle of an import, and of writes.

use wordspace::proto as pb;
use wordspace::proto::import_request::Part;
use wordspace::proto::search_service_client::SearchServiceClient;
use wordspace::proto::table_service_client::TableServiceClient;
use wordspace::proto::transfer_service_client::TransferServiceClient;

use crate::support::{Process, SMALL, header, import, until_progress, word};

impl Process {
    async fn nearest(&self, table: &str, asked: &str) -> pb::NearestResponse {
        let ask = pb::NearestRequest {
            table: table.to_owned(),
            positive: vec![word(asked)],
            ..pb::NearestRequest::default()
        };
        SearchServiceClient::new(self.channel.clone()).nearest(ask).await.unwrap().into_inner()
    }

    async fn tables(&self) -> Vec<pb::Table> {
        let mut tables = TableServiceClient::new(self.channel.clone());
        tables.list_tables(pb::ListTablesRequest {}).await.unwrap().into_inner().tables
    }
}

#[tokio::test]
async fn a_kill_in_mid_import_loses_nothing_and_shows_nothing_half() {
    let data = tempfile::tempdir().unwrap();
    let process = Process::start(data.path()).await;
    import(&process.channel, header("en"), SMALL.as_bytes()).await.unwrap();
    let before = process.nearest("en", "king").await;

    // Half of a replacement and half of a new table are on their way, when it is killed.
    let mut streams = Vec::new();
    for table in ["en", "new"] {
        let (parts, stream) = tokio::sync::mpsc::channel(4);
        let stream = tokio_stream::wrappers::ReceiverStream::new(stream);
        let part = |part| pb::ImportRequest { part: Some(part) };
        parts.send(part(Part::Header(header(table)))).await.unwrap();
        let mut replies = TransferServiceClient::new(process.channel.clone())
            .import(stream)
            .await
            .unwrap()
            .into_inner();
        let rows: String = (0..40_000).map(|i| format!("w{i} 1 2 {i}\n")).collect();
        for chunk in rows.as_bytes().chunks(50_000) {
            parts.send(part(Part::Chunk(chunk.to_vec()))).await.unwrap();
        }
        until_progress(&mut replies).await;
        streams.push((parts, replies));
    }
    process.kill();

    let process = Process::start(data.path()).await;
    let tables = process.tables().await;
    let names: Vec<_> = tables.iter().map(|table| (table.name.as_str(), table.row_count)).collect();
    assert_eq!(names, [("en", 8)]);
    assert_eq!(process.nearest("en", "king").await, before);
    import(&process.channel, header("new"), SMALL.as_bytes()).await.unwrap();
    process.kill();

    let process = Process::start(data.path()).await;
    assert_eq!(process.tables().await.len(), 2, "what was acknowledged is there");
    process.kill();
}

/// What a step writes: every fourth deletes the word of an earlier one, the others put a word.
fn step(number: u32) -> Result<pb::PutVectorsRequest, Box<pb::DeleteWordsRequest>> {
    let table = "en".to_owned();
    if number % 4 == 3 {
        let queries = vec![word(&format!("w{}", number - 2))];
        return Err(Box::new(pb::DeleteWordsRequest { table, queries, ..Default::default() }));
    }
    let put = pb::put_vectors_request::WordToPut {
        word: format!("w{number}"),
        vector: Some(pb::Vector { values: vec![1.0, 2.0, number as f32], ..Default::default() }),
        ..Default::default()
    };
    Ok(pb::PutVectorsRequest { table, words: vec![put], mode: pb::PutMode::InsertOnly.into() })
}

/// The words after so many steps.
fn after(steps: u32) -> Vec<String> {
    let is_there = |&number: &u32| number % 4 != 3 && (number % 4 != 1 || number + 2 >= steps);
    (0..steps).filter(is_there).map(|number| format!("w{number}")).collect()
}

/// Writes words one after another and rebuilds now and then until it is killed: every acknowledged
/// write is there, and of the others at most the one that was on its way.
///
/// `WORDSPACE_KILLS=1000 cargo test --test it kill` is the long form; 3 kills is the short.
#[tokio::test]
async fn a_kill_in_mid_write_loses_no_acknowledged_write() {
    let kills = std::env::var("WORDSPACE_KILLS").map_or(3, |kills| kills.parse().unwrap());
    let data = tempfile::tempdir().unwrap();
    let process = Process::start(data.path()).await;
    import(&process.channel, header("en"), SMALL.as_bytes()).await.unwrap();
    process.kill();
    let mut next = 0;
    for kill in 0..kills {
        let process = Process::start(data.path()).await;
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        let mut tables = TableServiceClient::new(process.channel.clone());
        let first = next;
        let writer = tokio::spawn(async move {
            for number in first.. {
                let written = match step(number) {
                    Ok(put) => tables.put_vectors(put).await.is_ok(),
                    Err(delete) => tables.delete_words(*delete).await.is_ok(),
                };
                if !written {
                    return;
                }
                tell.send(number).unwrap();
                if number % 10 == 5 {
                    let build = pb::BuildIndexRequest { table: "en".to_owned(), index: None };
                    let _ = tables.build_index(build).await;
                }
            }
        });
        while next < first + 10 + kill * 7 % 23 {
            next = told.recv().await.unwrap() + 1;
        }
        process.kill();
        writer.await.unwrap();
        while let Ok(number) = told.try_recv() {
            next = number + 1;
        }

        let process = Process::start(data.path()).await;
        let mut tables = TableServiceClient::new(process.channel.clone());
        let list = pb::ListWordsRequest {
            table: "en".to_owned(),
            page_size: Some(10_000),
            ..pb::ListWordsRequest::default()
        };
        let words = tables.list_words(list).await.unwrap().into_inner().words;
        let found: Vec<_> = words.into_iter().skip(8).map(|word| word.word).collect();
        if found != after(next) {
            next += 1;
            assert_eq!(found, after(next), "kill {kill}");
        }
        process.kill();
    }
}
