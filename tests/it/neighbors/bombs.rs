//! Callers who say, or send, more than anybody needs: each hears so, or is sent away, before it took much.

use std::io::Write as _;
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tonic::codegen::http;
use tonic::{Code, Status};
use wordspace::proto as pb;
use wordspace::server::ServerConfig;

use crate::neighbors::connections::impatient;
use crate::support::{SMALL, Server, header, import, word};
use crate::tls::{self, Stream};

const LONG: Duration = Duration::from_secs(20);
const GIB: u32 = 1 << 30;
/// What a caller can have sent at most when it is sent away: windows and buffers of both sides, and no more.
const SENT_MAX: u64 = 24 << 20;

/// What a call of gRPC is answered that says one thing in its first bytes, and sends nothing else.
async fn told(server: &Server, path: &str, bytes: Vec<u8>) -> Status {
    let stream = tls::connect(server).await.unwrap();
    let (mut requests, connection) = h2::client::handshake(stream).await.unwrap();
    let driven = tokio::spawn(connection);
    let request = http::Request::post(format!("http://server/wordspace.v1.{path}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(())
        .unwrap();
    let (answer, mut sent) = requests.send_request(request, false).unwrap();
    sent.send_data(Bytes::from(bytes), false).unwrap();
    let answer = tokio::time::timeout(LONG, answer).await.expect("it is answered").unwrap();
    let mut body = answer.into_parts();
    let status = Status::from_header_map(&body.0.headers);
    let status = if let Some(status) = status {
        status
    } else {
        let trailers = tokio::time::timeout(LONG, body.1.trailers()).await.unwrap().unwrap();
        Status::from_header_map(&trailers.unwrap()).unwrap()
    };
    driven.abort();
    status
}

/// Sends the same again and again until the server has enough; how much that was, and what it answered.
async fn flood(mut stream: Box<dyn Stream>, first: &[u8], again: &[u8]) -> (u64, Vec<u8>) {
    stream.write_all(first).await.unwrap();
    let mut sent = 0;
    while sent < u64::from(GIB) && stream.write_all(again).await.is_ok() {
        sent += again.len() as u64;
    }
    let mut answer = Vec::new();
    let _ =
        tokio::time::timeout(LONG, stream.read_to_end(&mut answer)).await.expect("it is closed");
    (sent, answer)
}

/// The head of a frame of HTTP/2.
fn frame(length: u32, kind: u8, flags: u8, stream: u32) -> Vec<u8> {
    [&length.to_be_bytes()[1..], &[kind, flags], &stream.to_be_bytes()].concat()
}

async fn bombs(change: impl FnOnce(ServerConfig) -> ServerConfig) {
    let server = Server::start_with(change).await;
    let channel = server.channel().await;
    import(&channel, header("en"), SMALL.as_bytes()).await.unwrap();
    let claim = |packed: u8| [&[packed], &GIB.to_be_bytes()[..], b"x"].concat();
    for path in ["SearchService/Nearest", "TableService/PutVectors", "TransferService/Import"] {
        let refused = told(&server, path, claim(0)).await;
        assert_eq!(refused.code(), Code::InvalidArgument, "{path}: {refused}");
        assert!(refused.message().contains("BYTES_MAX"), "{path}: {refused}");
    }
    // Messages may not be packed, so none unpacks to more than it is.
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    packer.write_all(&vec![0; 1 << 20]).unwrap();
    let packed = packer.finish().unwrap();
    let length = u32::try_from(packed.len()).unwrap().to_be_bytes();
    let bomb = [&[1], &length[..], &packed].concat();
    let refused = told(&server, "SearchService/Nearest", bomb).await;
    assert!(matches!(refused.code(), Code::Unimplemented | Code::InvalidArgument), "{refused}");

    // Headers without an end, in both versions of HTTP.
    let settings = frame(0, 4, 0, 0);
    let preface = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &settings].concat();
    let headers = [preface.clone(), frame(1, 1, 0, 1), vec![0x83]].concat();
    // A literal header without a place in the table: each is as long as its frame.
    let one = [&[0x00, 0x04][..], b"name", &[0x7f, 0x81, 0x7e], &[b'v'; 16_256]].concat();
    let one = [frame(u32::try_from(one.len()).unwrap(), 9, 0, 1), one].concat();
    let (sent, _) = flood(tls::connect(&server).await.unwrap(), &headers, &one).await;
    assert!(sent < SENT_MAX, "{sent} bytes of headers");
    let head = b"GET /v1/tables HTTP/1.1\r\nhost: x\r\n";
    let line = format!("name: {}\r\n", "v".repeat(1_000));
    let stream = tls::connect(&server).await.unwrap();
    let (sent, answer) = flood(stream, head, line.as_bytes()).await;
    assert!(sent < SENT_MAX, "{sent} bytes of headers");
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    // A body that says how long it is, and one that does not.
    let post =
        "POST /v1/tables/en/nearest HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    let mut stream = tls::connect(&server).await.unwrap();
    let told = format!("{post}content-length: {GIB}\r\n\r\n{{");
    stream.write_all(told.as_bytes()).await.unwrap();
    let mut answer = vec![0; 12];
    tokio::time::timeout(LONG, stream.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(answer, b"HTTP/1.1 413");
    let chunk = [b"10000\r\n".to_vec(), vec![b' '; 1 << 16], b"\r\n".to_vec()].concat();
    let stream = tls::connect(&server).await.unwrap();
    let endless = format!("{post}transfer-encoding: chunked\r\n\r\n");
    let (sent, _) = flood(stream, endless.as_bytes(), &chunk).await;
    assert!(sent < SENT_MAX, "{sent} bytes of a body");

    // Nobody else noticed, and nothing of it is kept.
    let mut search = pb::search_service_client::SearchServiceClient::new(channel.clone());
    let king = vec![word("king")];
    let nearest =
        pb::NearestRequest { table: "en".to_owned(), positive: king, ..Default::default() };
    search.nearest(nearest).await.unwrap();
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_sends_too_much_is_sent_away() {
    bombs(impatient).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn so_is_whoever_does_it_over_tls() {
    bombs(|config| tls::secure(impatient(config))).await;
}
