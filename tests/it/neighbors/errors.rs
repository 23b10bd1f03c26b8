//! Errors arrive: small enough for every client, with their reasons, whoever finds the fault.

use bytes::Bytes;
use h2::client::SendRequest;
use prost::Message as _;
use tokio::net::TcpStream;
use tonic::codegen::http;
use tonic::{Code, Status};
use wordspace::limits;
use wordspace::proto as pb;
use wordspace::proto::search_service_client::SearchServiceClient;

use crate::support::{SMALL, Server, header, import, reason, word};

async fn connect(server: &Server) -> SendRequest<Bytes> {
    let address = server.url.strip_prefix("http://").unwrap();
    let stream = TcpStream::connect(address).await.unwrap();
    let (requests, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    requests
}

fn framed(message: &[u8]) -> Bytes {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], &length[..], message].concat().into()
}

/// What ends a call with this body: the status, and the bytes that tell it.
async fn ended(
    requests: &SendRequest<Bytes>,
    path: &str,
    timeout: &str,
    body: Bytes,
) -> (Status, usize) {
    let request = http::Request::post(format!("http://server/{path}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("grpc-timeout", timeout)
        .body(())
        .unwrap();
    let mut requests = requests.clone().ready().await.unwrap();
    let (answer, mut stream) = requests.send_request(request, false).unwrap();
    // The server may have answered and closed the stream before all of it is sent.
    let _ = stream.send_data(body, true);
    let (head, mut body) = answer.await.unwrap().into_parts();
    while let Some(data) = body.data().await {
        body.flow_control().release_capacity(data.unwrap().len()).unwrap();
    }
    let trailers = body.trailers().await.unwrap().unwrap_or(head.headers);
    let bytes = trailers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    (Status::from_header_map(&trailers).expect("it tells how it ended"), bytes)
}

const NEAREST: &str = "wordspace.v1.SearchService/Nearest";

#[tokio::test]
async fn every_error_has_its_reason_whoever_finds_it() {
    let server = Server::start().await;
    let channel = server.channel().await;
    import(&channel, header("t"), SMALL.as_bytes()).await.unwrap();
    let requests = connect(&server).await;
    let batch = "wordspace.v1.SearchService/NearestBatch";
    let put = "wordspace.v1.TableService/PutVectors";
    let many = vec![pb::NearestRequest::default(); limits::MESSAGE_ENTRIES_MAX + 1];
    let many = pb::NearestBatchRequest { table: "t".to_owned(), queries: many }.encode_to_vec();
    let too_long = |max: usize| {
        let length = u32::try_from(max + 1).unwrap().to_be_bytes();
        Bytes::from([&[0], &length[..]].concat())
    };
    let unfinished = Bytes::from_static(&[0, 0, 0, 0, 9, 1]);
    for (path, body, code, told) in [
        (NEAREST, framed(&[0xff; 9]), Code::InvalidArgument, "MALFORMED_MESSAGE"),
        (NEAREST, unfinished, Code::InvalidArgument, "MALFORMED_MESSAGE"),
        (NEAREST, Bytes::new(), Code::InvalidArgument, "MALFORMED_MESSAGE"),
        (NEAREST, Bytes::from_static(&[1, 0, 0, 0, 0]), Code::InvalidArgument, "MALFORMED_MESSAGE"),
        (NEAREST, framed(&[]), Code::InvalidArgument, "INVALID_FIELD"),
        (NEAREST, too_long(limits::QUESTION_BYTES_MAX), Code::InvalidArgument, "LIMIT_EXCEEDED"),
        (put, too_long(limits::BATCH_BYTES_MAX), Code::InvalidArgument, "LIMIT_EXCEEDED"),
        (batch, framed(&many), Code::InvalidArgument, "LIMIT_EXCEEDED"),
        ("wordspace.v1.SearchService/Farthest", framed(&[]), Code::Unimplemented, "UNSUPPORTED"),
        ("no.such.Service/Nearest", framed(&[]), Code::Unimplemented, "UNSUPPORTED"),
    ] {
        let (status, _) = ended(&requests, path, "9S", body).await;
        assert_eq!(reason(&status), (code, told.to_owned()), "{path}: {status:?}");
    }
    // A deadline of any length is read, or left aside.
    let question = pb::NearestRequest {
        table: "t".to_owned(),
        positive: vec![word("king")],
        ..pb::NearestRequest::default()
    };
    let question = framed(&question.encode_to_vec());
    for timeout in ["9999999999999999999S", "99999999H", "1x", "", "100000000n"] {
        let (status, _) = ended(&requests, NEAREST, timeout, question.clone()).await;
        assert_eq!(status.code(), Code::Ok, "{timeout}: {status:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn long_errors_are_short_when_sent() {
    let server = Server::start().await;
    let channel = server.channel().await;
    import(&channel, header("t"), SMALL.as_bytes()).await.unwrap();
    let requests = connect(&server).await;
    let odd = "wordspace.v1.SearchService/OddOneOut";
    for text in ["unknown-word-number-", "\u{738b}\u{540e}\u{738b}\u{540e}", "? ? ? "] {
        for count in [3, 150, 1_000] {
            let queries = (0..count).map(|i| word(&format!("{text}{i}"))).collect();
            let asked = pb::OddOneOutRequest { table: "t".to_owned(), queries, words: None };
            let body = framed(&asked.encode_to_vec());
            let (status, bytes) = ended(&requests, odd, "9S", body).await;
            assert_eq!(reason(&status), (Code::NotFound, "UNKNOWN_WORDS".to_owned()));
            assert!(bytes <= limits::ERROR_BYTES_MAX, "{count} times {text}: {bytes} bytes");
        }
    }
    // A list of bad questions is told up to its end, and what is too long is not read at all.
    let bad = |count: usize| {
        let queries = vec![pb::NearestRequest::default(); count];
        pb::NearestBatchRequest { table: "t".to_owned(), queries }
    };
    let mut client = SearchServiceClient::new(channel);
    let status = client.nearest_batch(bad(1_000)).await.unwrap_err();
    assert_eq!(reason(&status), (Code::InvalidArgument, "INVALID_FIELD".to_owned()));
    let status = client.nearest_batch(bad(limits::BATCH_MAX + 1)).await.unwrap_err();
    assert_eq!(status.message().matches("positive").count(), 0, "{}", status.message());
    server.stop().await;
}
