//! One port: JSON and gRPC-Web beside gRPC, over HTTP/1.1 and HTTP/2, with the same answers and the same errors.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use prost::Message as _;
use prost_reflect::DescriptorPool;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::Code;
use tonic::codegen::http;
use tonic::transport::Channel;
use wordspace::proto as pb;
use wordspace::proto::search_service_client::SearchServiceClient;
use wordspace::server::access::{KeyFile, NewKey, Role};
use wordspace::server::{ConnectionLimits, ServerConfig};

use crate::access::call;
use crate::support::{SMALL, Server, header, import, reason, word};

/// An answer over HTTP.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        let shown = String::from_utf8_lossy(&self.body);
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {shown}"))
    }

    fn lines(&self) -> Vec<Value> {
        let text = std::str::from_utf8(&self.body).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The reason of an error.
    pub(crate) fn reason(&self) -> String {
        assert_eq!(self.headers["content-type"], "application/problem+json", "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status);
        problem["reason"].as_str().unwrap().to_owned()
    }
}

pub(crate) fn address(server: &Server) -> String {
    server.url.split("://").nth(1).unwrap().to_owned()
}

/// Reads one answer of HTTP/1.1, as its head says how long it is.
async fn read_answer(stream: &mut TcpStream) -> Option<Answer> {
    let mut all = Vec::new();
    let head_end = loop {
        if let Some(end) = all.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        let mut piece = [0; 1];
        if stream.read(&mut piece).await.ok()? == 0 {
            return None;
        }
        all.extend_from_slice(&piece);
    };
    let head = String::from_utf8(all[..head_end].to_vec()).unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let pairs = lines.filter_map(|line| line.split_once(": "));
    let headers: HashMap<String, String> =
        pairs.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
    let mut body = Vec::new();
    if let Some(length) = headers.get("content-length") {
        body.resize(length.parse().unwrap(), 0);
        stream.read_exact(&mut body).await.ok()?;
    } else if headers.get("transfer-encoding").is_some_and(|coding| coding == "chunked") {
        loop {
            let mut length = String::new();
            while !length.ends_with("\r\n") {
                length.push(char::from(stream.read_u8().await.ok()?));
            }
            let mut chunk = vec![0; usize::from_str_radix(length.trim(), 16).unwrap() + 2];
            stream.read_exact(&mut chunk).await.ok()?;
            chunk.truncate(chunk.len() - 2);
            if chunk.is_empty() {
                break;
            }
            body.extend_from_slice(&chunk);
        }
    }
    Some(Answer { status, headers, body })
}

/// Asks over HTTP/1.1, on a connection of its own.
pub(crate) async fn ask(server: &Server, head: &str, headers: &[&str], body: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address(server)).await.unwrap();
    let lines: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
    let request =
        format!("{head} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n{lines}\r\n", body.len());
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    read_answer(&mut stream).await.expect("an answer")
}

const JSON: &str = "content-type: application/json";

pub(crate) async fn get(server: &Server, path: &str) -> Answer {
    ask(server, &format!("GET {path}"), &[], b"").await
}

async fn post(server: &Server, path: &str, body: &Value) -> Answer {
    ask(server, &format!("POST {path}"), &[JSON], body.to_string().as_bytes()).await
}

/// Asks over HTTP/2 in the clear, as `curl --http2-prior-knowledge` does.
pub(crate) async fn ask_http2(
    server: &Server,
    request: http::Request<()>,
    body: Vec<u8>,
) -> (http::Response<()>, Vec<u8>) {
    let stream = TcpStream::connect(address(server)).await.unwrap();
    let (mut requests, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let (answer, mut send) = requests.send_request(request, false).unwrap();
    send.send_data(Bytes::from(body), true).unwrap();
    let (head, mut stream) = answer.await.unwrap().into_parts();
    let mut all = Vec::new();
    while let Some(data) = stream.data().await {
        let data = data.unwrap();
        stream.flow_control().release_capacity(data.len()).unwrap();
        all.extend_from_slice(&data);
    }
    (http::Response::from_parts(head, ()), all)
}

pub(crate) async fn start() -> (Server, Channel) {
    start_with(|config| config).await
}

async fn start_with(change: impl FnOnce(ServerConfig) -> ServerConfig) -> (Server, Channel) {
    let server = Server::start_with(change).await;
    let channel = server.channel().await;
    import(&channel, header("en"), SMALL.as_bytes()).await.unwrap();
    (server, channel)
}

fn nearest() -> pb::NearestRequest {
    let positive = vec![word("king")];
    pb::NearestRequest { table: "en".to_owned(), positive, k: Some(3), ..Default::default() }
}

fn words(answer: &Value) -> Vec<&str> {
    let neighbors = answer["neighbors"].as_array().unwrap();
    neighbors.iter().map(|neighbor| neighbor["word"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn every_way_to_ask_has_one_answer() {
    let (server, channel) = start().await;
    let known = SearchServiceClient::new(channel).nearest(nearest()).await.unwrap().into_inner();
    let known: Vec<_> = known.neighbors.iter().map(|one| one.word.as_str()).collect();
    let question = json!({ "positive": [{ "word": "king" }], "k": 3 });
    let mut full = question.clone();
    full["table"] = "en".into();
    for answer in [
        post(&server, "/v1/SearchService/Nearest", &full).await,
        post(&server, "/wordspace.v1.SearchService/Nearest", &full).await,
        post(&server, "/v1/tables/en/nearest", &question).await,
        get(&server, "/v1/tables/en/nearest?word=king&k=3").await,
        get(&server, "/v1/tables/e%6E/nearest?positive=king&k=3&words.oov=OOV_POLICY_SKIP").await,
    ] {
        assert_eq!((answer.status, words(&answer.json())), (200, known.clone()), "{answer:?}");
        assert_eq!(answer.headers["content-type"], "application/json");
        assert!(!answer.headers.contains_key("access-control-allow-origin"));
    }
    let request = http::Request::post("http://x/v1/tables/en/nearest")
        .header("content-type", "application/json; charset=utf-8")
        .body(())
        .unwrap();
    let (head, body) = ask_http2(&server, request, question.to_string().into()).await;
    assert_eq!(
        (head.status(), words(&serde_json::from_slice(&body).unwrap())),
        (http::StatusCode::OK, known)
    );

    let tables = get(&server, "/v1/tables").await.json();
    let table = &tables["tables"][0];
    assert_eq!((&table["name"], &table["row_count"]), (&"en".into(), &"8".into()));
    assert_eq!(get(&server, "/v1/tables/en").await.json()["table"]["name"], "en");
    let listed = get(&server, "/v1/tables/en/list-words?prefix=qu&page_size=2").await.json();
    assert_eq!(listed["words"][0]["word"], "queen");

    // Several calls on one connection, the second sent before the first is answered.
    let mut stream = TcpStream::connect(address(&server)).await.unwrap();
    let request = "GET /v1/tables/en/nearest?word=king&k=1 HTTP/1.1\r\nhost: x\r\n\r\n";
    stream.write_all(request.repeat(2).as_bytes()).await.unwrap();
    for _ in 0..2 {
        let answer = read_answer(&mut stream).await.unwrap();
        assert_eq!(words(&answer.json()).len(), 1);
    }
    stream.write_all(request.as_bytes()).await.unwrap();
    assert_eq!(read_answer(&mut stream).await.unwrap().status, 200);

    // A request that is read by another thread, and an answer of many pieces.
    let row = |i: u32| json!({ "word": format!("w{i}"), "vector": { "values": vec![f64::from(i) + 0.5; 3] } });
    let rows: Vec<_> = (0..4_000).map(row).collect();
    let put = post(&server, "/v1/tables/en/put-vectors", &json!({ "words": rows })).await;
    assert_eq!(put.status, 200, "{}", String::from_utf8_lossy(&put.body));
    let all = get(&server, "/v1/tables/en/list-words?page_size=10000").await;
    assert!(all.body.len() > 100_000, "{}", all.body.len());
    assert_eq!(all.json()["words"].as_array().unwrap().len(), 4_008);
    server.stop().await;
}

#[tokio::test]
async fn errors_have_the_reasons_of_grpc() {
    let (server, _) = start().await;
    let unknown = get(&server, "/v1/tables/en/nearest?word=kingg").await;
    assert_eq!((unknown.status, unknown.reason().as_str()), (404, "UNKNOWN_WORDS"));
    assert_eq!(unknown.json()["metadata"]["words"], "[\"kingg\"]");
    let wrong = post(&server, "/v1/tables/en/nearest", &json!({ "k": 0 })).await;
    assert_eq!((wrong.status, wrong.reason().as_str()), (400, "INVALID_FIELD"));
    assert!(wrong.json()["violations"].as_array().unwrap().len() >= 2, "{wrong:?}");
    let missing = get(&server, "/v1/tables/de/nearest?word=a").await;
    assert_eq!((missing.status, missing.reason().as_str()), (404, "TABLE_NOT_FOUND"));
    let timeout = ["grpc-timeout: 0n", JSON];
    let late = ask(
        &server,
        "POST /v1/tables/en/nearest",
        &timeout,
        b"{\"positive\":[{\"word\":\"king\"}]}",
    )
    .await;
    assert_eq!((late.status, late.reason().as_str()), (504, "DEADLINE"));
    let behind = ["wordspace-min-generation: 999", JSON];
    let behind = ask(
        &server,
        "POST /v1/tables/en/nearest",
        &behind,
        b"{\"positive\":[{\"word\":\"king\"}]}",
    )
    .await;
    assert_eq!((behind.status, behind.reason().as_str()), (409, "TABLE_BEHIND"));
    assert_eq!(behind.headers["retry-after"], "1");

    for (head, headers, status, told) in [
        ("GET /other", &[][..], 404, "openapi.json"),
        ("GET /v1/nothing", &[], 404, "openapi.json"),
        ("POST /v1/SearchService/Nothing", &[JSON], 404, "openapi.json"),
        ("POST /v1/tables/en/nothing", &[JSON], 404, "openapi.json"),
        ("POST /v1/tables/en/nearest/more", &[JSON], 404, "openapi.json"),
        ("GET /v1/SearchService/Nearest", &[], 405, "POST"),
        ("DELETE /v1/tables/en", &[], 405, "GET"),
        ("GET /v1/tables/en/delete-table", &[], 405, "POST"),
        ("POST /v1/openapi.json", &[JSON], 405, "GET"),
        ("POST /v1/tables/en/nearest", &[], 415, "application/json"),
        ("POST /v1/tables/en/nearest", &["content-type: text/plain"], 415, "application/json"),
        (
            "POST /wordspace.v1.SearchService/Nearest",
            &["content-type: application/grpc"],
            415,
            "HTTP/2",
        ),
        ("POST /v1/tables/en/nearest?k=1", &[JSON], 400, "body"),
        ("GET /v1/tables/en/nearest?tabel=1", &[], 400, "there are table, positive"),
        ("GET /v1/tables/en/nearest?k=1&k=2", &[], 400, "twice"),
        ("GET /v1/tables/en/nearest?exact=maybe", &[], 400, "true or false"),
        ("GET /v1/tables/en/nearest?filter=x", &[], 400, "has fields"),
        ("GET /v1/tables/en/nearest?word=%ff", &[], 400, "UTF-8"),
        ("GET /v1/tables/en/nearest?word=%4", &[], 400, "UTF-8"),
        ("GET /v1/tables/en/nearest?k=many", &[], 400, "`k` is"),
        ("POST /v1/TransferService/Import", &[JSON], 501, "gRPC"),
    ] {
        let answer = ask(&server, head, headers, b"").await;
        assert_eq!(answer.status, status, "{head} {headers:?}: {answer:?}");
        answer.reason();
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(told), "{head}: {detail}");
    }
    let allowed = ask(&server, "PUT /v1/tables/en/nearest", &[], b"").await;
    assert_eq!((allowed.status, allowed.headers["allow"].as_str()), (405, "POST"));
    server.stop().await;
}

/// The code of gRPC, as its documents name it.
fn name(code: Code) -> String {
    let name = format!("{code:?}");
    let mut told = String::new();
    for (place, c) in name.char_indices() {
        if c.is_ascii_uppercase() && place > 0 {
            told.push('_');
        }
        told.push(c.to_ascii_uppercase());
    }
    told
}

#[tokio::test]
async fn every_method_answers_json_as_it_answers_grpc() {
    let server = Server::start().await;
    let channel = server.channel().await;
    let pool = DescriptorPool::decode(pb::DESCRIPTORS).unwrap();
    let (mut asked, mut streams) = (0, 0);
    for method in pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
        let service = method.parent_service();
        let path = format!("/v1/{}/{}", service.name(), method.name());
        if method.is_client_streaming() {
            assert_eq!(post(&server, &path, &json!({})).await.status, 501, "{path}");
            continue;
        }
        let grpc = format!("/{}/{}", service.full_name(), method.name());
        let known = call(&channel, &grpc, "", Vec::new()).await;
        let answer = post(&server, &path, &json!({})).await;
        match &known {
            Ok(()) => assert_eq!(answer.status, 200, "{path}: {answer:?}"),
            Err(status) => {
                assert_eq!(answer.json()["code"], name(status.code()), "{path}: {answer:?}");
                assert_eq!(answer.reason(), reason(status).1, "{path}");
            }
        }
        // What comes first is as good over HTTP/2.
        let nonsense = ["[", "[]", "7", "{\"no such field\":1}", "{\"table\":[]} {}", "\u{fffd}"];
        for body in nonsense {
            let answer = ask(&server, &format!("POST {path}"), &[JSON], body.as_bytes()).await;
            assert_eq!(
                (answer.status, answer.reason().as_str()),
                (400, "MALFORMED_MESSAGE"),
                "{path} {body}"
            );
        }
        let mut stream = TcpStream::connect(address(&server)).await.unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\n{JSON}\r\ncontent-length: 99999999999\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let large = read_answer(&mut stream).await.unwrap();
        assert_eq!((large.status, large.reason().as_str()), (413, "LIMIT_EXCEEDED"), "{path}");
        asked += 1;
        streams += usize::from(method.is_server_streaming());
    }
    assert!(asked > 80 && streams > 4, "{asked} {streams}");

    // One that does not say how long it is, and is longer than a question may be.
    let mut stream = TcpStream::connect(address(&server)).await.unwrap();
    let head = format!(
        "POST /v1/SearchService/Nearest HTTP/1.1\r\nhost: x\r\n{JSON}\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut reads, mut writes) = stream.into_split();
    let sent = tokio::spawn(async move {
        let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x1_0000));
        while writes.write_all(chunk.as_bytes()).await.is_ok() {}
    });
    let mut answer = vec![0; 4_096];
    let read = reads.read(&mut answer).await.unwrap();
    let told = String::from_utf8_lossy(&answer[..read]).into_owned();
    assert!(told.starts_with("HTTP/1.1 413") && told.contains("LIMIT_EXCEEDED"), "{told}");
    drop(reads);
    sent.await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn a_stream_is_answered_line_by_line() {
    let (server, _) = start().await;
    let export = json!({ "table": "en", "format": "FORMAT_GLOVE" });
    let answer = post(&server, "/v1/TransferService/Export", &export).await;
    assert_eq!(
        (answer.status, answer.headers["content-type"].as_str()),
        (200, "application/x-ndjson")
    );
    let chunks = answer.lines();
    let file: Vec<u8> = chunks
        .iter()
        .filter_map(|line| line["chunk"].as_str())
        .flat_map(|chunk| STANDARD.decode(chunk).unwrap())
        .collect();
    let file = String::from_utf8(file).unwrap();
    assert!(file.starts_with("king ") && file.lines().count() == 8, "{file} {chunks:?}");
    // One that fails when it has begun, and one that does not begin.
    let unknown = json!({ "table": "de", "format": "FORMAT_GLOVE" });
    let failed = post(&server, "/v1/TransferService/Export", &unknown).await.lines();
    assert_eq!(failed.last().unwrap()["problem"]["reason"], "TABLE_NOT_FOUND", "{failed:?}");
    let missing = post(&server, "/v1/JobService/WatchJob", &json!({ "id": "999" })).await;
    assert_eq!((missing.status, missing.reason().as_str()), (404, "JOB_NOT_FOUND"));
    server.stop().await;
}

/// The messages of an answer of gRPC-Web, and its trailers.
fn taken_apart(mut body: &[u8]) -> (Vec<Vec<u8>>, HashMap<String, String>) {
    let mut messages = Vec::new();
    while let Some((prefix, rest)) = body.split_first_chunk::<5>() {
        let length = u32::from_be_bytes(prefix[1..].try_into().unwrap()) as usize;
        let (message, rest) = rest.split_at(length);
        if prefix[0] == 0x80 {
            assert!(rest.is_empty());
            let text = std::str::from_utf8(message).unwrap();
            let pairs = text.lines().map(|line| line.split_once(": ").unwrap());
            let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
            return (messages, pairs.collect());
        }
        messages.push(message.to_vec());
        body = rest;
    }
    panic!("no trailers");
}

fn framed(message: &impl prost::Message) -> Vec<u8> {
    let message = message.encode_to_vec();
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], &length[..], &message].concat()
}

#[tokio::test]
async fn browsers_ask_by_grpc_web() {
    let (server, channel) = start().await;
    let known = SearchServiceClient::new(channel).nearest(nearest()).await.unwrap().into_inner();
    let path = "/wordspace.v1.SearchService/Nearest";
    let decoded = |text: &[u8]| -> Vec<u8> {
        // Each piece may have its padding.
        let groups = text.chunks(4).flat_map(|group| STANDARD.decode(group).unwrap());
        groups.collect()
    };
    for kind in ["application/grpc-web", "application/grpc-web+proto", "application/grpc-web-text"]
    {
        let is_text = kind.ends_with("text");
        let sent =
            |message: Vec<u8>| if is_text { STANDARD.encode(message).into() } else { message };
        let header = format!("content-type: {kind}");
        let answer =
            ask(&server, &format!("POST {path}"), &[&header], &sent(framed(&nearest()))).await;
        assert_eq!(answer.status, 200);
        assert!(
            answer.headers["content-type"]
                .starts_with(&kind[..kind.find('+').unwrap_or(kind.len())])
        );
        // A whole answer is told by its length; what is encoded a piece at a time is not.
        assert_eq!(answer.headers.contains_key("content-length"), !is_text);
        let body = if is_text { decoded(&answer.body) } else { answer.body };
        let (messages, trailers) = taken_apart(&body);
        let told = pb::NearestResponse::decode(messages[0].as_slice()).unwrap();
        assert_eq!(
            (told.neighbors, trailers["grpc-status"].as_str()),
            (known.neighbors.clone(), "0")
        );

        let wrong = pb::NearestRequest { table: "de".to_owned(), ..nearest() };
        let request = http::Request::post(format!("http://x{path}"))
            .header("content-type", kind)
            .body(())
            .unwrap();
        let (head, body) = ask_http2(&server, request, sent(framed(&wrong))).await;
        assert!(head.headers().get("grpc-status").is_none());
        let body = if is_text { decoded(&body) } else { body };
        let (messages, trailers) = taken_apart(&body);
        assert_eq!((messages.len(), trailers["grpc-status"].as_str()), (0, "5"));
        assert!(trailers.contains_key("grpc-status-details-bin"));

        let export = pb::ExportRequest {
            table: "en".to_owned(),
            format: pb::Format::Glove.into(),
            ..Default::default()
        };
        let answer = ask(
            &server,
            "POST /wordspace.v1.TransferService/Export",
            &[&header],
            &sent(framed(&export)),
        )
        .await;
        let body = if is_text { decoded(&answer.body) } else { answer.body };
        let (messages, trailers) = taken_apart(&body);
        assert!(!messages.is_empty() && trailers["grpc-status"] == "0");
    }
    let broken = ask(
        &server,
        &format!("POST {path}"),
        &["content-type: application/grpc-web-text"],
        b"a*b=",
    )
    .await;
    let (_, trailers) = taken_apart(&decoded(&broken.body));
    assert_ne!(trailers["grpc-status"], "0");
    server.stop().await;
}

#[tokio::test]
async fn keys_hold_over_http() {
    let data = Arc::new(tempfile::tempdir().unwrap());
    let new = NewKey {
        name: "app".to_owned(),
        role: Role::Read,
        tables: vec!["en*".to_owned()],
        lifetime: None,
        calls_per_second: None,
        jobs: None,
        certificate: None,
    };
    let server = Server::start_on(Arc::clone(&data)).await;
    import(&server.channel().await, header("en"), SMALL.as_bytes()).await.unwrap();
    server.stop().await;
    let key = KeyFile::of_folder(data.path()).make(new).unwrap().0.unwrap();
    let server = Server::start_on(data).await;
    let path = "/v1/tables/en/nearest?word=king";
    for path in [path, "/v1/tables", "/v1/openapi.json", "/v1/nothing", "/explore"] {
        let answer = get(&server, path).await;
        assert_eq!((answer.status, answer.reason().as_str()), (401, "UNAUTHENTICATED"), "{path}");
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
    }
    // Whoever is refused hears so, though it sends its request in pieces, and its connection goes on.
    let mut stream = TcpStream::connect(address(&server)).await.unwrap();
    for path in ["/v1/SearchService/Nearest", "/v1/nothing"] {
        let head =
            format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n{JSON}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        // The head is read meanwhile.
        assert_eq!(get(&server, "/v1/tables").await.status, 401);
        stream.write_all(b"{}").await.unwrap();
        let answer = read_answer(&mut stream).await.expect(path);
        assert_eq!((answer.status, answer.reason().as_str()), (401, "UNAUTHENTICATED"), "{path}");
    }
    let bearer = format!("authorization: Bearer {key}");
    let with = async |head: &str, body: &[u8]| ask(&server, head, &[&bearer, JSON], body).await;
    assert_eq!(with(&format!("GET {path}"), b"").await.status, 200);
    assert_eq!(with("GET /v1/openapi.json", b"").await.status, 200);
    for (head, body) in [
        ("GET /v1/tables/de/nearest?word=king", "{}"),
        ("POST /v1/SearchService/Nearest", "{\"table\":\"de\"}"),
        ("POST /v1/tables/en/compare", "{\"other\":\"de\",\"words\":[\"king\"]}"),
        ("POST /v1/tables/en/delete-table", "{}"),
        ("POST /v1/AdminService/ListBackups", "{}"),
    ] {
        let answer = with(head, body.as_bytes()).await;
        let told = (answer.status, answer.reason());
        assert_eq!(told, (403, "FORBIDDEN".to_owned()), "{head} {answer:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn pages_ask_only_where_the_operator_says_so() {
    let (server, _) = start().await;
    let path = "/v1/tables/en/nearest?word=king";
    let mine = "origin: https://mine.example";
    for headers in
        [mine, "origin: null", "sec-fetch-site: cross-site", "sec-fetch-site: same-origin"]
    {
        for head in [&format!("GET {path}"), "POST /wordspace.v1.SearchService/Nearest"] {
            let answer = ask(&server, head, &[headers, JSON], b"{}").await;
            assert_eq!((answer.status, answer.reason().as_str()), (403, "FORBIDDEN"), "{headers}");
        }
    }
    let preflight = ask(&server, &format!("OPTIONS {path}"), &[mine], b"").await;
    assert_eq!(preflight.status, 403);
    assert!(!preflight.headers.keys().any(|name| name.starts_with("access-control")));
    assert_eq!(
        ask(&server, &format!("GET {path}"), &["sec-fetch-site: none"], b"").await.status,
        200
    );
    server.stop().await;

    let origins = vec!["https://mine.example".to_owned()];
    let (server, _) = start_with(|config| ServerConfig { cors_origins: origins, ..config }).await;
    let preflight = ask(
        &server,
        &format!("OPTIONS {path}"),
        &[mine, "access-control-request-method: POST"],
        b"",
    )
    .await;
    assert_eq!(
        (preflight.status, preflight.headers["access-control-allow-origin"].as_str()),
        (204, "https://mine.example")
    );
    assert!(preflight.headers["access-control-allow-headers"].contains("x-grpc-web"));
    let answer =
        ask(&server, &format!("GET {path}"), &[mine, "sec-fetch-site: cross-site"], b"").await;
    assert_eq!(
        (answer.status, answer.headers["access-control-allow-origin"].as_str()),
        (200, "https://mine.example")
    );
    let web = ask(
        &server,
        "POST /wordspace.v1.SearchService/Nearest",
        &[mine, "content-type: application/grpc-web"],
        &framed(&nearest()),
    )
    .await;
    assert_eq!(
        (web.status, web.headers["access-control-allow-origin"].as_str()),
        (200, "https://mine.example")
    );
    let other =
        ask(&server, &format!("GET {path}"), &["origin: https://mine.example.evil"], b"").await;
    assert_eq!(other.status, 403);
    server.stop().await;
}

#[tokio::test]
async fn the_document_describes_every_method() {
    let server = Server::start().await;
    let answer = get(&server, "/v1/openapi.json").await;
    let document = answer.json();
    let paths = document["paths"].as_object().unwrap();
    let pool = DescriptorPool::decode(pb::DESCRIPTORS).unwrap();
    for method in pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
        let path = format!("/v1/{}/{}", method.parent_service().name(), method.name());
        assert_eq!(paths.contains_key(&path), !method.is_client_streaming(), "{path}");
    }
    assert!(paths["/v1/tables/{table}/nearest"]["get"]["parameters"].as_array().unwrap().len() > 3);
    let about =
        &document["components"]["schemas"]["NearestRequest"]["properties"]["k"]["description"];
    assert!(about.as_str().unwrap().contains("from 1 to 10,000"), "{about}");
    let text = String::from_utf8(answer.body).unwrap();
    for reference in text.split("\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(document["components"]["schemas"].get(name).is_some(), "{name}");
    }
    server.stop().await;
}

#[tokio::test]
async fn whoever_lets_http_wait_is_sent_away() {
    let short = Duration::from_millis(300);
    let (server, _) = start_with(|config| {
        let connections = ConnectionLimits {
            handshake: short,
            first_call: short,
            stall: short,
            ..config.connections
        };
        ServerConfig { connections, ..config }
    })
    .await;
    let body = format!(
        "POST /v1/tables/en/nearest HTTP/1.1\r\nhost: x\r\n{JSON}\r\ncontent-length: 100\r\n\r\n{{"
    );
    let mut silent = Vec::new();
    for bytes in ["GET /v1/tables HT", "GET /v1/tables HTTP/1.1\r\nhost: x\r\n", &body, "\r\n"] {
        for _ in 0..5 {
            let mut stream = TcpStream::connect(address(&server)).await.unwrap();
            stream.write_all(bytes.as_bytes()).await.unwrap();
            silent.push(tokio::spawn(async move {
                let mut rest = Vec::new();
                // A reset is as good as an end.
                let _ = stream.read_to_end(&mut rest).await;
                String::from_utf8_lossy(&rest).into_owned()
            }));
        }
    }
    // One that asks much and reads nothing.
    let mut greedy = TcpStream::connect(address(&server)).await.unwrap();
    let request = "GET /v1/openapi.json HTTP/1.1\r\nhost: x\r\n\r\n";
    let asked =
        tokio::spawn(async move { while greedy.write_all(request.as_bytes()).await.is_ok() {} });
    assert_eq!(get(&server, "/v1/tables/en/nearest?word=king").await.status, 200);
    for ended in silent {
        let told =
            tokio::time::timeout(Duration::from_secs(20), ended).await.expect("it is closed");
        let told = told.unwrap();
        assert!(told.is_empty() || told.contains("IDLE_STREAM") || told.contains("400"), "{told}");
    }
    tokio::time::timeout(Duration::from_secs(20), asked).await.expect("it is closed").unwrap();
    server.stop().await;
}
