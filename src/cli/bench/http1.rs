//! Questions over HTTP/1.1, as scripts ask them in JSON and browsers in gRPC-Web: one at a time on each connection.

use std::io::{Error, ErrorKind};

use parking_lot::Mutex;
use prost::Message as _;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::cli::bench::Over;
use crate::cli::bench::questions::Question;
use crate::cli::failure::{Failure, Result};
use crate::cli::output::json_sent;
use crate::client::{AnalogyRequest, Client, NearestRequest};

/// Bytes of an answer, at most: as of one over gRPC, written as JSON.
const ANSWER_BYTES_MAX: usize = 256 << 20;
/// The last chunk of an answer whose length was not told.
const LAST_CHUNK: &[u8] = b"\r\n0\r\n\r\n";
const ANSWERED: &str = "HTTP/1.1 200";

/// Questions as they are sent, and connections that wait for the next.
#[derive(Debug)]
pub(super) struct Http1 {
    address: String,
    over: Over,
    sent: Vec<Vec<u8>>,
    idle: Mutex<Vec<TcpStream>>,
}

/// Why a question was not answered.
#[derive(Debug)]
pub(super) struct Failed {
    /// What it is counted as.
    pub(super) reason: String,
    /// Whether nobody answered at all.
    pub(super) is_lost: bool,
}

impl Http1 {
    /// Questions for the server that the client calls, with its key.
    pub(super) fn new(client: &Client, questions: &[Question], over: Over) -> Result<Self> {
        let address = client.url().strip_prefix("http://").map(|rest| rest.trim_end_matches('/'));
        let Some(address) = address else {
            let problem =
                format!("{} is asked by gRPC alone: HTTP/1.1 needs http://", client.url());
            return Err(Failure::Local(problem));
        };
        let key = client.authorization();
        let sent = questions.iter().map(|question| over.sent(question, address, key.as_deref()));
        let sent = sent.collect::<Result<_>>()?;
        Ok(Self { address: address.to_owned(), over, sent, idle: Mutex::default() })
    }

    /// Asks one of them.
    pub(super) async fn ask(&self, turn: usize) -> std::result::Result<(), Failed> {
        let lost = |error: Error| Failed {
            reason: if error.kind() == ErrorKind::ConnectionRefused {
                "not reached".to_owned()
            } else {
                "connection lost".to_owned()
            },
            is_lost: true,
        };
        let idle = self.idle.lock().pop();
        let mut stream = if let Some(stream) = idle {
            stream
        } else {
            let stream = TcpStream::connect(&self.address).await.map_err(lost)?;
            stream.set_nodelay(true).map_err(lost)?;
            stream
        };
        let sent = &self.sent[turn % self.sent.len()];
        let answer = exchange(&mut stream, sent).await.map_err(lost)?;
        self.idle.lock().push(stream);
        match self.over.problem(&answer) {
            None => Ok(()),
            Some(reason) => Err(Failed { reason, is_lost: false }),
        }
    }
}

/// Sends a request, and reads all of its answer.
async fn exchange(stream: &mut TcpStream, sent: &[u8]) -> std::io::Result<Vec<u8>> {
    stream.write_all(sent).await?;
    let mut answer = Vec::with_capacity(4 << 10);
    while !is_whole(&answer)? {
        if stream.read_buf(&mut answer).await? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(answer)
}

/// The head of an answer, and what came of the rest.
fn split(answer: &[u8]) -> Option<(&str, &[u8])> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    Some((std::str::from_utf8(&answer[..end]).ok()?, &answer[end..]))
}

/// Whether an answer is there to its end.
fn is_whole(answer: &[u8]) -> std::io::Result<bool> {
    if answer.len() > ANSWER_BYTES_MAX {
        return Err(ErrorKind::InvalidData.into());
    }
    let Some((head, body)) = split(answer) else { return Ok(false) };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    match length {
        Some(length) => {
            let length: usize = length.trim().parse().map_err(|_| ErrorKind::InvalidData)?;
            Ok(body.len() >= length)
        }
        None => Ok(body.ends_with(LAST_CHUNK)),
    }
}

impl Over {
    /// A question as it is sent.
    fn sent(self, question: &Question, address: &str, key: Option<&str>) -> Result<Vec<u8>> {
        let method = question.method();
        let (path, kind, body) = match self {
            Self::Json => {
                (format!("/v1/{method}"), "application/json", question.json()?.into_bytes())
            }
            Self::Grpc | Self::GrpcWeb => {
                let message = question.message();
                let length = u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes();
                let body = [&[0], &length[..], &message].concat();
                (format!("/wordspace.v1.{method}"), "application/grpc-web+proto", body)
            }
        };
        let key = key.map_or_else(String::new, |key| format!("authorization: {key}\r\n"));
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\n{key}content-type: {kind}\r\n\
             content-length: {length}\r\n\r\n"
        );
        Ok([head.as_bytes(), &body].concat())
    }

    /// What an answer is counted as, if it is an error.
    fn problem(self, answer: &[u8]) -> Option<String> {
        let (head, body) = split(answer)?;
        if self == Self::Json {
            if head.starts_with(ANSWERED) {
                return None;
            }
            let told: Option<Value> = serde_json::from_slice(body).ok();
            let reason = told.as_ref().and_then(|told| told["reason"].as_str());
            return Some(reason.unwrap_or("no answer that is understood").to_owned());
        }
        let is_answered = body.windows(14).any(|window| window == b"grpc-status: 0");
        if head.starts_with(ANSWERED) && is_answered {
            return None;
        }
        let text = String::from_utf8_lossy(body);
        let code = text.split("grpc-status: ").nth(1).and_then(|rest| rest.split("\r\n").next());
        Some(format!("grpc-status {}", code.unwrap_or("that is none")))
    }
}

impl Question {
    /// The method that it is for, behind its service.
    fn method(&self) -> &'static str {
        match self {
            Self::Lookup(_) => "TableService/Lookup",
            Self::Nearest(_) => "SearchService/Nearest",
            Self::Analogy(_) => "SearchService/Analogy",
        }
    }

    fn message(&self) -> Vec<u8> {
        match self {
            Self::Lookup(request) => request.encode_to_vec(),
            Self::Nearest(request) => request.encode_to_vec(),
            Self::Analogy(request) => request.encode_to_vec(),
        }
    }

    fn json(&self) -> Result<String> {
        match self {
            Self::Lookup(request) => json_sent(request),
            Self::Nearest(request) => json_sent::<NearestRequest>(request),
            Self::Analogy(request) => json_sent::<AnalogyRequest>(request),
        }
    }
}
