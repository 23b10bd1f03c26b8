//! Which call an HTTP request means, and in which form it is asked.
//!
//! | request | call |
//! | --- | --- |
//! | `POST /v1/SearchService/Nearest` | the method of that service, its message in the body |
//! | `GET /v1/tables` | `TableService/ListTables` |
//! | `GET /v1/tables/en` | `TableService/GetTable` |
//! | `POST /v1/tables/en/nearest` | the method whose request names a table, without the table in the body |
//! | `GET /v1/tables/en/nearest?word=king&k=5` | the same, if it only reads, with fields of its message as parameters |
//! | `GET /v1/tables/en/map.bin` | `TableService/Map`, of which the places are answered, as bytes alone |
//! | `GET /v1/openapi.json` | the contract |
//! | `GET /` | the page for browsers |

use serde_json::{Map, Value};
use tonic::codegen::http::request::Parts;
use tonic::codegen::http::{HeaderMap, Method as Verb, StatusCode, Version, header};

use crate::limits;
use crate::server::access::is_read;
use crate::server::explorer::{Asset, asset, is_page};
use crate::server::json::contract::{CONTRACT, Field, Kind, Message, Method};

/// What a request asks.
#[derive(Debug)]
pub(in crate::server) struct Asked {
    /// The path of gRPC whose rule holds for it.
    pub(in crate::server) path: String,
    pub(in crate::server) form: Form,
}

/// The form of a request, and of its answer.
#[derive(Debug)]
pub(in crate::server) enum Form {
    /// gRPC itself.
    Grpc,
    /// gRPC as browsers can send it, in base64 or not.
    Web {
        is_text: bool,
    },
    Json(Bound),
    /// The `OpenAPI` document.
    Contract,
    /// The page for browsers, or a file of it.
    Page(&'static Asset),
    /// A browser asks what a page may send.
    Preflight,
    Wrong(Wrong),
}

/// How a JSON request becomes a message, and what the answer is.
#[derive(Clone, Debug)]
pub(in crate::server) struct Bound {
    /// The places of the messages in the contract.
    pub(in crate::server) input: usize,
    pub(in crate::server) output: usize,
    pub(in crate::server) answers_stream: bool,
    /// Texts of fields that the path gives.
    pub(in crate::server) given: Vec<(usize, String)>,
    /// The message, if the body does not hold it.
    pub(in crate::server) query: Option<String>,
    /// Whether the answer is the places of a map, as bytes alone.
    pub(in crate::server) is_places: bool,
}

/// A request that means no call.
#[derive(Debug)]
pub(in crate::server) struct Wrong {
    pub(in crate::server) status: StatusCode,
    pub(in crate::server) problem: String,
    /// The verbs that would be right.
    pub(in crate::server) allowed: Option<&'static str>,
}

impl Wrong {
    fn form(status: StatusCode, problem: impl Into<String>) -> Form {
        Form::Wrong(Self { status, problem: problem.into(), allowed: None })
    }

    fn verb(allowed: &'static str) -> Form {
        let problem = format!("this is asked by {allowed}");
        let status = StatusCode::METHOD_NOT_ALLOWED;
        Form::Wrong(Self { status, problem, allowed: Some(allowed) })
    }
}

/// Whose rule holds for the document: the contract is public, but who asks for it should be known.
const REFLECTION: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";

/// What a request asks, by its head.
pub(in crate::server) fn route(parts: &Parts) -> Asked {
    let path = parts.uri.path();
    let as_it_is = |form| Asked { path: path.to_owned(), form };
    if parts.method == Verb::OPTIONS && parts.headers.contains_key(header::ORIGIN) {
        return as_it_is(Form::Preflight);
    }
    if is_page(path) {
        return as_it_is(match asset(path) {
            Some(asset) if parts.method == Verb::GET => Form::Page(asset),
            Some(_) => Wrong::verb("GET"),
            None => Wrong::form(StatusCode::NOT_FOUND, NOTHING),
        });
    }
    let kind = content_type(&parts.headers);
    if let Some(web) = kind.strip_prefix("application/grpc-web") {
        let is_text = web.starts_with("-text");
        return as_it_is(if parts.method == Verb::POST {
            Form::Web { is_text }
        } else {
            Wrong::verb("POST")
        });
    }
    let is_http2 = parts.version == Version::HTTP_2;
    if kind.starts_with("application/grpc") {
        return as_it_is(if is_http2 {
            Form::Grpc
        } else {
            let problem = "gRPC needs HTTP/2; over HTTP/1.1 there are application/grpc-web and \
                           application/json";
            Wrong::form(StatusCode::UNSUPPORTED_MEDIA_TYPE, problem)
        });
    }
    let Some(rest) = path.strip_prefix("/v1/") else {
        let method = CONTRACT.method(path).filter(|_| kind == JSON);
        return match method {
            Some(method) => called(parts, method, Vec::new()),
            // tonic refuses what is no gRPC.
            None if is_http2 && !kind.is_empty() => as_it_is(Form::Grpc),
            None => as_it_is(Wrong::form(StatusCode::NOT_FOUND, NOTHING)),
        };
    };
    if rest == "openapi.json" {
        let is_get = parts.method == Verb::GET;
        let form = if is_get { Form::Contract } else { Wrong::verb("GET") };
        return Asked { path: REFLECTION.to_owned(), form };
    }
    match of_path(parts, rest) {
        Ok(asked) => asked,
        Err(form) => as_it_is(form),
    }
}

/// Messages within messages that a parameter names: no more than a body may have.
const DEPTH_MAX: usize = 90;
const JSON: &str = "application/json";
const NOTHING: &str = "nothing is here; /v1/openapi.json tells what is";

/// Without parameters, in lower case.
fn content_type(headers: &HeaderMap) -> String {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default();
    kind.trim().to_ascii_lowercase()
}

/// What stands behind `/v1/`.
fn of_path(parts: &Parts, rest: &str) -> Result<Asked, Form> {
    let service = |method: &str| CONTRACT.method(&format!("/wordspace.v1.{method}"));
    let nothing = || Wrong::form(StatusCode::NOT_FOUND, NOTHING);
    let is_get = parts.method == Verb::GET;
    let mut steps = rest.split('/');
    let (first, second, third) = (steps.next(), steps.next(), steps.next());
    if steps.next().is_some() {
        return Err(nothing());
    }
    match (first, second, third) {
        (Some("tables"), None, None) if is_get => {
            let method = service("TableService/ListTables").ok_or_else(nothing)?;
            asked_by_query(parts, method, Vec::new())
        }
        (Some("tables"), Some(table), None) if is_get => {
            let method = service("TableService/GetTable").ok_or_else(nothing)?;
            asked_by_query(parts, method, vec![table_of(method, table)?])
        }
        (Some("tables"), Some(table), Some("map.bin")) if is_get => {
            let method = service("TableService/Map").ok_or_else(nothing)?;
            let mut asked = asked_by_query(parts, method, vec![table_of(method, table)?])?;
            if let Form::Json(bound) = &mut asked.form {
                bound.is_places = true;
            }
            Ok(asked)
        }
        (Some("tables"), Some(table), Some(name)) => {
            let method = CONTRACT.of_table(name).ok_or_else(nothing)?;
            let given = vec![table_of(method, table)?];
            if is_get && is_read(&method.path) && !method.answers_stream {
                asked_by_query(parts, method, given)
            } else {
                Ok(called(parts, method, given))
            }
        }
        (Some("tables"), _, None) => Err(Wrong::verb("GET")),
        (Some(of), Some(name), None) => {
            let method = service(&format!("{of}/{name}")).ok_or_else(nothing)?;
            Ok(called(parts, method, Vec::new()))
        }
        _ => Err(nothing()),
    }
}

/// The table that a path names.
fn table_of(method: &Method, name: &str) -> Result<(usize, String), Form> {
    let field = CONTRACT.message(method.input).field_named("table");
    // A plus is a space only behind a question mark.
    let name = decoded(&name.replace('+', "%2B")).filter(|name| !name.is_empty());
    field.zip(name).ok_or_else(|| Wrong::form(StatusCode::NOT_FOUND, NOTHING))
}

/// A method with its message in the body.
fn called(parts: &Parts, method: &Method, given: Vec<(usize, String)>) -> Asked {
    let form = if parts.method != Verb::POST {
        Wrong::verb("POST")
    } else if content_type(&parts.headers) != JSON {
        // Pages of browsers can send anything else without being asked whether they may.
        let problem = "the body is JSON: say `content-type: application/json`";
        Wrong::form(StatusCode::UNSUPPORTED_MEDIA_TYPE, problem)
    } else if parts.uri.query().is_some_and(|query| !query.is_empty()) {
        Wrong::form(StatusCode::BAD_REQUEST, "fields stand in the body, not behind a question mark")
    } else if method.takes_stream {
        let problem = "this takes a stream of messages: ask it by gRPC";
        Wrong::form(StatusCode::NOT_IMPLEMENTED, problem)
    } else {
        Form::Json(bound(method, given, None))
    };
    Asked { path: method.path.clone(), form }
}

fn bound(method: &Method, given: Vec<(usize, String)>, query: Option<String>) -> Bound {
    let (input, output, answers_stream) = (method.input, method.output, method.answers_stream);
    Bound { input, output, answers_stream, given, query, is_places: false }
}

/// A method with the fields of its message as parameters.
fn asked_by_query(
    parts: &Parts,
    method: &Method,
    given: Vec<(usize, String)>,
) -> Result<Asked, Form> {
    let query = parts.uri.query().unwrap_or_default();
    let message = CONTRACT.message(method.input);
    let mut fields = Map::new();
    for (count, pair) in query.split('&').filter(|pair| !pair.is_empty()).enumerate() {
        let wrong = |problem: String| Wrong::form(StatusCode::BAD_REQUEST, problem);
        if count >= limits::QUERY_WORDS_MAX {
            return Err(wrong(format!("more than {} parameters", limits::QUERY_WORDS_MAX)));
        }
        let (name, value) = pair.split_once('=').unwrap_or((pair, "true"));
        let (Some(name), Some(value)) = (decoded(name), decoded(value)) else {
            return Err(wrong(format!("{pair} is no UTF-8 behind its percent signs")));
        };
        // Each step is a message within, which a condition has without an end: some thousand find no room on a stack.
        if name.bytes().filter(|&byte| byte == b'.').count() > DEPTH_MAX {
            return Err(wrong(format!("a parameter is nested more than {DEPTH_MAX} deep")));
        }
        set(message, &name, value, &mut fields).map_err(wrong)?;
    }
    let query = Some(Value::Object(fields).to_string());
    Ok(Asked { path: method.path.clone(), form: Form::Json(bound(method, given, query)) })
}

/// Sets a parameter: a field, one of a message within (`words.oov`), or `word`, which is what is asked.
fn set(
    message: &Message,
    name: &str,
    value: String,
    fields: &mut Map<String, Value>,
) -> Result<(), String> {
    let (first, rest) = match name.split_once('.') {
        Some((first, rest)) => (first, Some(rest)),
        None => (name, None),
    };
    let field = message.field_named(first).map(|place| &message.fields[place]);
    let field = field.or_else(|| asked_word(message).filter(|_| name == "word"));
    let Some(field) = field else {
        let names = message.fields.iter().map(|field| field.name.as_str());
        let names = names.collect::<Vec<_>>().join(", ");
        return Err(format!("there is no parameter `{name}`; there are {names}"));
    };
    if let Some(rest) = rest {
        let Kind::Message(place) = field.kind else {
            return Err(format!("`{first}` has no fields"));
        };
        if field.is_list || field.is_map {
            return Err(format!("`{first}` is a list: ask by POST"));
        }
        let within = fields.entry(field.name.clone()).or_insert_with(|| Map::new().into());
        let Some(within) = within.as_object_mut() else {
            return Err(format!("`{first}` is given twice"));
        };
        return set(CONTRACT.message(place), rest, value, within);
    }
    let value = one(field, value)?;
    if field.is_list {
        let list = fields.entry(field.name.clone()).or_insert_with(|| Value::Array(Vec::new()));
        list.as_array_mut().ok_or_else(|| format!("`{first}` is given twice"))?.push(value);
    } else if fields.insert(field.name.clone(), value).is_some() {
        return Err(format!("`{first}` is given twice"));
    }
    Ok(())
}

fn is_word(field: &Field) -> bool {
    matches!(field.kind, Kind::Message(place) if CONTRACT.message(place).name == "WordOrVector")
}

/// The first field that takes words.
fn asked_word(message: &Message) -> Option<&Field> {
    message.fields.iter().find(|field| is_word(field))
}

/// One value as JSON; whole numbers may be texts there.
fn one(field: &Field, value: String) -> Result<Value, String> {
    match field.kind {
        Kind::Bool => match value.as_str() {
            "true" | "1" => Ok(true.into()),
            "false" | "0" => Ok(false.into()),
            _ => Err(format!("`{}` is true or false", field.name)),
        },
        Kind::Message(_) if is_word(field) => {
            Ok(Map::from_iter([("word".to_owned(), Value::from(value))]).into())
        }
        Kind::Message(_) => Err(format!("`{}` has fields: name one, or ask by POST", field.name)),
        Kind::Int32
        | Kind::Uint32
        | Kind::Int64
        | Kind::Uint64
        | Kind::Fixed32
        | Kind::Float
        | Kind::Double
        | Kind::Text
        | Kind::Bytes
        | Kind::Enum(_) => Ok(value.into()),
    }
}

/// A step of a path, or a part of a query, without percent signs; none if that is no UTF-8.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let (digits, after) = rest.split_at_checked(2)?;
                rest = after;
                let digits = std::str::from_utf8(digits).ok()?;
                digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then_some(())?;
                u8::from_str_radix(digits, 16).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}
