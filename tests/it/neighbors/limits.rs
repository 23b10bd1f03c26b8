//! What takes too much is refused or ended by name, and nobody else feels it.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use tonic::{Code, Request};
use wordspace::proto as pb;
use wordspace::proto::admin_service_client::AdminServiceClient;
use wordspace::proto::evaluation_service_client::EvaluationServiceClient;
use wordspace::proto::search_service_client::SearchServiceClient;
use wordspace::proto::text_service_client::TextServiceClient;
use wordspace::server::ServerConfig;

use crate::support::{SMALL, Server, header, import, reason};
use crate::tls;

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn small_files_that_unpack_to_much_end_at_their_budget() {
    unpack(|config| config).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn so_do_those_that_come_over_tls() {
    unpack(tls::secure).await;
}

async fn unpack(change: impl FnOnce(ServerConfig) -> ServerConfig) {
    let data = Arc::new(tempfile::tempdir().unwrap());
    let config = ServerConfig {
        index_threads: 1,
        job_memory: Some(16 << 20),
        spool_max: Some(1 << 20),
        ..ServerConfig::new(data.path())
    };
    let server = Server::start_as(data, change(config)).await;
    let channel = server.channel().await;
    import(&channel, header("en"), SMALL.as_bytes()).await.unwrap();

    // 100 rows of zeros, 25 MiB of memory, in some 30 KiB.
    let row = " 0".repeat(65_536);
    let rows: String = (0..100).map(|word| format!("w{word}{row}\n")).collect();
    let bomb = packed(rows.as_bytes());
    assert!(bomb.len() < 64 << 10);
    let refused = import(&channel, header("bomb"), &bomb).await.unwrap_err();
    assert_eq!(reason(&refused), (Code::InvalidArgument, "LIMIT_EXCEEDED".to_owned()));
    assert!(refused.message().contains("job-memory"), "{refused}");

    // A GiB in one line, whose end nobody waits for, in a MiB.
    let zeros = packed(" 0".repeat(1 << 19).as_bytes());
    let bomb = [packed(b"word"), zeros.repeat(1 << 10)].concat();
    assert!(bomb.len() < 2 << 20);
    let refused = import(&channel, header("bomb"), &bomb).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");

    // An array that has to be kept as a whole before it is read.
    let mut array = b"\x93NUMPY\x01\x00".to_vec();
    let head = "{'descr': '<f4', 'fortran_order': False, 'shape': (50000, 10), }";
    array.extend(118_u16.to_le_bytes());
    array.extend(format!("{head:<117}\n").as_bytes());
    array.resize(array.len() + 50_000 * 40, 0);
    let refused = import(&channel, header("bomb"), &packed(&array)).await.unwrap_err();
    assert_eq!(reason(&refused).1, "LIMIT_EXCEEDED");
    assert!(refused.message().contains("spool-max"), "{refused}");

    let mut admin = AdminServiceClient::new(channel.clone());
    let status = admin.get_status(pb::GetStatusRequest {}).await.unwrap().into_inner();
    assert_eq!((status.job_memory_bytes, status.spool_bytes), (0, 0));
    assert_eq!((status.job_memory_bytes_max, status.spool_bytes_max), (16 << 20, 1 << 20));
    assert_eq!(status.table_count, 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_that_were_quadratic_end_in_time() {
    let server = Server::start().await;
    let channel = server.channel().await;
    import(&channel, header("en"), SMALL.as_bytes()).await.unwrap();
    let mut texts = TextServiceClient::new(channel.clone());
    let mut search = SearchServiceClient::new(channel.clone());
    let mut evaluation = EvaluationServiceClient::new(channel.clone());
    // Each took minutes; the deadline is that of a slow machine.
    let patience = Duration::from_mins(1);

    let mut long_run = Request::new(pb::ChunkRequest {
        texts: vec![format!("a.{}b", " ".repeat(1_000_000))],
        cutting: Some(pb::Cutting { tokenizer: "bytes".to_owned(), ..Default::default() }),
        max_tokens: 100_000,
        at_sentences: true,
        ..Default::default()
    });
    long_run.set_timeout(patience);
    assert_eq!(texts.chunk(long_run).await.unwrap().into_inner().chunks.len(), 11);

    let text = |from: u32| {
        let words: Vec<String> = (from..from + 20_000).map(|word| format!("x{word}")).collect();
        let text = Some(pb::word_or_vector::Query::Text(words.join(" ")));
        pb::WordOrVector { query: text, weight: None }
    };
    let mut unknown = Request::new(pb::NearestRequest {
        table: "en".to_owned(),
        positive: (0..4).map(|i| text(i * 20_000)).collect(),
        k: Some(1),
        ..Default::default()
    });
    unknown.set_timeout(patience);
    assert_eq!(reason(&search.nearest(unknown).await.unwrap_err()).1, "UNKNOWN_WORDS");

    let members = "king\n".repeat(10_000);
    let mut outliers = Request::new(pb::OutliersRequest {
        tables: vec!["en".to_owned()],
        file: format!("{members}\npear\n").into_bytes(),
        ..Default::default()
    });
    outliers.set_timeout(patience);
    let answer = evaluation.outliers(outliers).await.unwrap().into_inner();
    assert_eq!(answer.tables[0].total.as_ref().unwrap().asked_count, 1);

    // Twice as many tokens as an answer may have, by tokenizers that each stay below.
    let refused = texts
        .compare_tokenizers(pb::CompareTokenizersRequest {
            texts: vec!["a".repeat(600_000)],
            tokenizers: vec!["bytes".to_owned(), "characters".to_owned()],
            ..Default::default()
        })
        .await
        .unwrap_err();
    assert_eq!(reason(&refused).1, "LIMIT_EXCEEDED");
    assert!(refused.message().contains("TOKENS_MAX"), "{refused}");
    server.stop().await;
}
