//! Callers that let the server wait: they are sent away, and nobody else notices.

use std::time::{Duration, Instant};
use tonic_health::pb::health_check_response::ServingStatus;

use bytes::Bytes;
use h2::client::SendRequest;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;
use tonic::Code;
use tonic::codegen::http;
use tonic::transport::Channel;
use wordspace::proto as pb;
use wordspace::proto::search_service_client::SearchServiceClient;
use wordspace::server::{ConnectionLimits, ServerConfig};

use crate::support::{Server, header, import, reason, word};
use crate::tls::{self, Stream};

/// Far more than any wait of these stories, for a machine with much else to do.
const LONG: Duration = Duration::from_secs(20);

/// Waits that are short.
pub(super) fn impatient(config: ServerConfig) -> ServerConfig {
    let short = Duration::from_millis(300);
    let connections = ConnectionLimits {
        handshake: short,
        first_call: short,
        stall: short,
        ..config.connections
    };
    ServerConfig { grace: Duration::from_millis(700), connections, ..config }
}

/// With a table of half a megabyte.
async fn start(change: impl Fn(ServerConfig) -> ServerConfig) -> (Server, Channel) {
    let server = Server::start_with(|config| change(impatient(config))).await;
    let channel = server.channel().await;
    let row = |i: u32| format!("word{i}{}\n", format!(" 0.{i}").repeat(40));
    let file: String = (0..2_000).map(row).collect();
    import(&channel, header("t"), file.as_bytes()).await.unwrap();
    (server, channel)
}

async fn say(server: &Server, bytes: &[u8]) -> Box<dyn Stream> {
    let mut stream = tls::connect(server).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream.flush().await.unwrap();
    stream
}

/// Completes when the server has closed it.
async fn closed(mut stream: Box<dyn Stream>) {
    let mut rest = Vec::new();
    // A reset is as good as an end.
    let _ = stream.read_to_end(&mut rest).await;
}

/// A connection that answers pings and reads nothing, and its end.
async fn connect(
    server: &Server,
    window: u32,
) -> (SendRequest<Bytes>, tokio::task::JoinHandle<()>) {
    let stream = tls::connect(server).await.unwrap();
    let mut builder = h2::client::Builder::new();
    builder.initial_window_size(window);
    let (requests, connection) = builder.handshake(stream).await.unwrap();
    let ended = tokio::spawn(async move {
        let _ = connection.await;
    });
    (requests.ready().await.unwrap(), ended)
}

fn request(path: &str) -> http::Request<()> {
    http::Request::post(format!("http://server/{path}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(())
        .unwrap()
}

fn framed(message: &impl prost::Message) -> Bytes {
    let message = message.encode_to_vec();
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], &length[..], &message].concat().into()
}

fn export() -> pb::ExportRequest {
    let format = pb::Format::Glove.into();
    pb::ExportRequest { table: "t".to_owned(), format, ..pb::ExportRequest::default() }
}

fn nearest(asked: &str) -> pb::NearestRequest {
    let positive = vec![word(asked)];
    pb::NearestRequest { table: "t".to_owned(), positive, ..pb::NearestRequest::default() }
}

#[tokio::test]
async fn whoever_lets_the_server_wait_is_sent_away() {
    wait(|config| config).await;
}

#[tokio::test]
async fn so_is_whoever_does_it_over_tls() {
    wait(tls::secure).await;
}

/// The six stalled clients of the trials, and some more.
async fn wait(change: impl Fn(ServerConfig) -> ServerConfig) {
    let (server, channel) = start(change).await;
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let begun = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &settings].concat();
    let half_headers = [&begun[..], &[0, 0, 1, 1, 0, 0, 0, 0, 1, 0x83]].concat();
    let mut silent = Vec::new();
    let beginnings: [&[u8]; 5] =
        [b"", b"PRI * HTTP/2.0\r\n\r", b"GET / HTTP/1.1\r\n", &begun, &half_headers];
    for bytes in beginnings {
        for _ in 0..5 {
            silent.push(tokio::spawn(closed(say(&server, bytes).await)));
        }
    }
    let (mut kept, mut open) = (Vec::new(), Vec::new());
    let question = framed(&nearest("word1"));
    let lookup = "wordspace.v1.TableService/Lookup";
    let nearest_path = "wordspace.v1.SearchService/Nearest";
    let half = question.slice(..question.len() - 1);
    for (path, window, data, is_whole) in [
        ("", 65_535, Bytes::new(), false),
        (nearest_path, 65_535, Bytes::new(), false),
        (lookup, 65_535, half, false),
        (nearest_path, 65_535, question.clone(), false),
        (nearest_path, 0, question, true),
        ("wordspace.v1.TransferService/Import", 65_535, Bytes::new(), false),
        ("wordspace.v1.TransferService/Export", 65_535, framed(&export()), true),
        ("wordspace.v1.TransferService/Export", 0, framed(&export()), true),
        ("wordspace.v1.TransferService/Export", 1, framed(&export()), true),
    ] {
        let (mut requests, ended) = connect(&server, window).await;
        if !path.is_empty() {
            let (answer, mut stream) = requests.send_request(request(path), false).unwrap();
            if !data.is_empty() {
                stream.send_data(data, is_whole).unwrap();
            }
            kept.push((answer, stream));
        }
        silent.push(ended);
        // It may ask more.
        open.push(requests);
    }
    // One that asks much over HTTP/1.1 and reads nothing.
    let mut greedy = tls::connect(&server).await.unwrap();
    let request = "GET /v1/openapi.json HTTP/1.1\r\nhost: x\r\n\r\n";
    silent.push(tokio::spawn(async move {
        while greedy.write_all(request.as_bytes()).await.is_ok() {}
    }));
    let all = async {
        for ended in silent {
            ended.await.unwrap();
        }
    };
    let mut client = SearchServiceClient::new(channel);
    let good = async {
        loop {
            client.nearest(nearest("word2")).await.unwrap();
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        done = timeout(LONG, all) => done.expect("all are closed"),
        () = good => {}
    }
    server.stop().await;
}

#[tokio::test]
async fn the_server_ends_whatever_its_callers_do() {
    let (server, channel) = start(|mut config| {
        config.connections.stall = LONG;
        config.connections.first_call = LONG;
        config
    })
    .await;
    let silent = say(&server, &[]).await;
    let (mut requests, ended) = connect(&server, 0).await;
    let mut kept = Vec::new();
    for (path, data, is_whole) in [
        ("wordspace.v1.TransferService/Export", framed(&export()), true),
        ("wordspace.v1.TransferService/Import", Bytes::new(), false),
        ("wordspace.v1.SearchService/Nearest", Bytes::new(), false),
        ("grpc.reflection.v1.ServerReflection/ServerReflectionInfo", Bytes::new(), false),
    ] {
        let (answer, mut stream) = requests.send_request(request(path), false).unwrap();
        if !data.is_empty() {
            stream.send_data(data, is_whole).unwrap();
        }
        kept.push((answer, stream));
        requests = requests.ready().await.unwrap();
    }
    let mut health = tonic_health::pb::health_client::HealthClient::new(channel.clone());
    let watched = tonic_health::pb::HealthCheckRequest::default();
    let mut watching = health.watch(watched.clone()).await.unwrap().into_inner();
    let mut told = async || watching.message().await.unwrap().unwrap().status();
    assert_eq!(told().await, ServingStatus::Serving);
    // The streams above have been seen once a later call on their connection is answered.
    let mut client = SearchServiceClient::new(channel);
    client.nearest(nearest("word2")).await.unwrap();

    let began = Instant::now();
    let stopped = tokio::spawn(server.stop());
    assert_eq!(told().await, ServingStatus::NotServing);
    let refused = client.nearest(nearest("word2")).await.unwrap_err();
    assert_eq!(reason(&refused), (Code::Unavailable, "SHUTTING_DOWN".to_owned()));
    timeout(LONG, stopped).await.expect("it ends").unwrap();
    let took = began.elapsed();
    assert!(took > Duration::from_millis(600), "calls have their grace: {took:?}");
    assert!(took < Duration::from_secs(5), "and no more: {took:?}");
    timeout(LONG, ended).await.expect("connections are dropped").unwrap();
    timeout(LONG, closed(silent)).await.expect("silent ones, too");
}

#[tokio::test]
async fn a_server_without_calls_ends_at_once() {
    let (server, _channel) = start(|config| ServerConfig { grace: LONG * 3, ..config }).await;
    let _silent = say(&server, b"PRI").await;
    timeout(LONG, server.stop()).await.expect("nothing is waited for");
}

#[tokio::test]
async fn a_crowd_of_silent_callers_makes_room_for_who_asks() {
    let (server, channel) = start(|mut config| {
        config.connections.connections = 8;
        config.connections.per_address = 6;
        config.connections.handshake = LONG;
        config.connections.first_call = LONG;
        config
    })
    .await;
    let mut client = SearchServiceClient::new(channel);
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(say(&server, &[]).await);
    }
    // One who asks has a place, and the places of the others are given away.
    let mut others = Vec::new();
    for _ in 0..5 {
        let mut other = SearchServiceClient::new(server.channel().await);
        other.nearest(nearest("word3")).await.unwrap();
        others.push(other);
    }
    client.nearest(nearest("word2")).await.unwrap();
    for stream in silent {
        timeout(LONG, closed(stream)).await.expect("it had to make room");
    }
    // All six are taken by callers who ask.
    let seventh = say(&server, &[]).await;
    timeout(LONG, closed(seventh)).await.expect("there is no room");
    for other in &mut others {
        other.nearest(nearest("word4")).await.unwrap();
    }
    server.stop().await;
}

#[tokio::test]
async fn streams_that_are_reset_in_a_hurry_end_the_connection() {
    let (server, channel) = start(|config| config).await;
    let (mut requests, ended) = connect(&server, 65_535).await;
    for _ in 0..10_000 {
        let Ok((_, mut stream)) =
            requests.send_request(request("wordspace.v1.SearchService/Nearest"), false)
        else {
            break;
        };
        stream.send_reset(h2::Reason::CANCEL);
        match requests.ready().await {
            Ok(ready) => requests = ready,
            Err(_) => break,
        }
    }
    let mut client = SearchServiceClient::new(channel);
    client.nearest(nearest("word2")).await.unwrap();
    timeout(LONG, ended).await.expect("it is closed: too many, or nothing asked").unwrap();
    server.stop().await;
}
