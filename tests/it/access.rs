//! Keys: every method by role, every field that names a table by scope, and what an operator does with them.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Arc;

use prost::Message as _;
use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor,
    Value,
};
use tempfile::TempDir;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use wordspace::client::{CallError, Client};
use wordspace::proto as pb;
use wordspace::server::access::{KeyFile, NewKey, Role};

use crate::support::{Process, SMALL, Server, header, import, reason, within_seconds, word};

/// Methods that change something, by their names.
const WRITES: [&str; 30] = [
    "ArrangeMap",
    "BuildIndex",
    "CancelBuild",
    "CancelJob",
    "CopyTable",
    "CreateTable",
    "Debias",
    "DeleteModel",
    "DeleteTable",
    "DeleteTables",
    "DeleteTestSet",
    "DeleteTokenizer",
    "DeleteUpload",
    "DeleteWords",
    "GetUpload",
    "Import",
    "ImportModel",
    "ImportTexts",
    "ListUploads",
    "MergeTables",
    "PutTestSet",
    "PutTokenizer",
    "PutVectors",
    "PutVectorsStream",
    "RemoveAlias",
    "RenameTable",
    "SeedTable",
    "SetAlias",
    "SetAttributes",
    "SetDefaultTokenizer",
];
/// Those of them that make something by learning.
const TRAININGS: [&str; 3] = ["TrainModel", "TrainTable", "TrainTokenizer"];
/// Methods about the whole server.
const ADMINISTERS: [&str; 4] = ["Backup", "ListBackups", "Restore", "Verify"];

fn new(name: &str, role: Role, tables: &[&str]) -> NewKey {
    NewKey {
        name: name.to_owned(),
        role,
        tables: tables.iter().map(|&table| table.to_owned()).collect(),
        lifetime: None,
        calls_per_second: None,
        jobs: None,
        certificate: None,
    }
}

fn make(data: &TempDir, new: NewKey) -> String {
    KeyFile::of_folder(data.path()).make(new).unwrap().0.unwrap()
}

/// Messages as they are on the wire.
#[derive(Clone, Copy, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = ();
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        bytes::BufMut::put_slice(to, &item);
        Ok(())
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::default()
    }
}

impl Decoder for Raw {
    type Item = ();
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<()>, Status> {
        let length = bytes::Buf::remaining(from);
        bytes::Buf::advance(from, length);
        Ok(Some(()))
    }
}

/// Sends one message to a method, whatever it is, and takes what comes first: a message or an error.
pub(crate) async fn call(
    channel: &Channel,
    path: &str,
    key: &str,
    message: Vec<u8>,
) -> Result<(), Status> {
    let mut grpc = tonic::client::Grpc::new(channel.clone());
    grpc.ready().await.unwrap();
    let mut request = Request::new(tokio_stream::iter([message]));
    if !key.is_empty() {
        request.metadata_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
    }
    let path: PathAndQuery = path.parse().unwrap();
    let mut replies = grpc.streaming(request, path, Raw).await?.into_inner();
    replies.message().await.map(drop)
}

const BATCH: &str = "/wordspace.v1.BatchService/Batch";

/// The same; of a batch, what comes of its first question.
async fn asked(channel: &Channel, path: &str, key: &str, message: Vec<u8>) -> Result<(), Status> {
    if path != BATCH {
        return call(channel, path, key, message).await;
    }
    let mut request = Request::new(pb::BatchRequest::decode(&message[..]).unwrap());
    request.metadata_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
    let mut batches = pb::batch_service_client::BatchServiceClient::new(channel.clone());
    let answer = batches.batch(request).await?.into_inner().answers.remove(0).answer;
    if let Some(pb::batch_answer::Answer::Error(error)) = answer {
        return Err(Status::new(Code::from(error.code), error.message));
    }
    Ok(())
}

fn pool() -> DescriptorPool {
    let mut pool = DescriptorPool::decode(pb::DESCRIPTORS).unwrap();
    for set in [
        tonic_health::pb::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
    ] {
        pool.decode_file_descriptor_set(set).unwrap();
    }
    pool
}

fn methods(pool: &DescriptorPool) -> Vec<(String, MethodDescriptor)> {
    let services = pool.services().flat_map(|service| {
        let name = service.full_name().to_owned();
        let methods: Vec<_> = service.methods().collect();
        methods.into_iter().map(move |method| (format!("/{name}/{}", method.name()), method))
    });
    services.collect()
}

fn role(method: &str) -> Role {
    if ADMINISTERS.contains(&method) {
        Role::Admin
    } else if WRITES.contains(&method) || TRAININGS.contains(&method) {
        Role::Write
    } else {
        Role::Read
    }
}

#[tokio::test]
async fn every_method_answers_as_the_role_of_the_key_says() {
    let data = Arc::new(tempfile::tempdir().unwrap());
    let roles = [Role::Read, Role::Write, Role::Admin];
    let keys = roles.map(|role| (role, make(&data, new(role.name(), role, &[]))));
    let server = Server::start_on(data).await;
    let channel = server.channel().await;
    let (good, last) = keys[2].1.split_at(keys[2].1.len() - 1);
    let bad = format!("{good}{}", if last == "a" { "b" } else { "a" });
    let all = methods(&pool());
    assert!(all.len() > 90);
    println!(
        "{:75} no key  bad key {}",
        "",
        roles.map(|role| format!("{:8}", role.name())).concat()
    );
    for (path, method) in all {
        let is_open = path.starts_with("/grpc.health.");
        let mut line = format!("{path:75}");
        for key in ["", &bad, "nonsense"] {
            let told = call(&channel, &path, key, Vec::new()).await;
            let is_refused =
                told.as_ref().is_err_and(|status| status.code() == Code::Unauthenticated);
            assert_eq!(is_refused, !is_open, "{path} with {key:?}: {told:?}");
            if is_refused {
                assert_eq!(reason(&told.unwrap_err()).1, "UNAUTHENTICATED");
            }
            if key != "nonsense" {
                line += if is_refused { " refused" } else { " allowed" };
            }
        }
        for (has, key) in &keys {
            let told = call(&channel, &path, key, Vec::new()).await;
            let code = told.as_ref().map_or_else(Status::code, |()| Code::Ok);
            let is_allowed = *has >= role(method.name());
            assert_ne!(code, Code::Unauthenticated, "{path} as {has:?}");
            assert_eq!(code == Code::PermissionDenied, !is_allowed, "{path} as {has:?}: {told:?}");
            line += if is_allowed { " allowed" } else { " refused" };
        }
        println!("{line}");
    }
    let status =
        call(&channel, "/wordspace.v1.SearchService/No", "", Vec::new()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated, "an unknown method tells nothing either");
    let known = call(&channel, "/wordspace.v1.SearchService/No", &keys[0].1, Vec::new()).await;
    assert_eq!(known.unwrap_err().code(), Code::Unimplemented);
    server.stop().await;
}

/// Text fields of requests that name no table. A new field is to be put here, or among those of
/// `src/server/shapes.rs`.
const NO_TABLES: &str = "\
a allow allowed_special attribute b contains date context contexts counts decimal delimiter deny \
containing_type delete_words keys extension file_by_filename file_containing_symbol \
all_extension_numbers_of_type list_services host service language license matching model models name \
page_token parts pattern prefix probes regex second_texts sentences separator source \
special_tokens strip_prefix add_prefix suite tensor test_set test_sets text texts tokenizer tokenizers \
tokens vocabulary weights word words group_by rename remove set attributes key value file_name symbol";

/// The ways to the text fields of a message, through messages within messages.
fn text_fields(message: &MessageDescriptor, seen: &[String]) -> Vec<Vec<FieldDescriptor>> {
    let mut ways = Vec::new();
    if seen.iter().any(|name| name == message.full_name()) || seen.len() > 6 {
        return ways;
    }
    let seen = [seen, &[message.full_name().to_owned()]].concat();
    for field in message.fields() {
        let kind = field.kind();
        if kind == Kind::String {
            ways.push(vec![field.clone()]);
        } else if let Some(nested) = kind.as_message().filter(|_| !field.is_map()) {
            for way in text_fields(nested, &seen) {
                ways.push([vec![field.clone()], way].concat());
            }
        }
    }
    ways
}

/// A message with a text in one field.
fn with(message: MessageDescriptor, way: &[FieldDescriptor], text: &str) -> DynamicMessage {
    let mut made = DynamicMessage::new(message);
    let (field, rest) = way.split_first().unwrap();
    let value = match field.kind().as_message() {
        Some(nested) => Value::Message(with(nested.clone(), rest, text)),
        None => Value::String(text.to_owned()),
    };
    let value = if field.is_list() { Value::List(vec![value]) } else { value };
    made.set_field(field, value);
    made
}

#[tokio::test]
async fn every_field_that_names_a_table_is_looked_at() {
    let data = Arc::new(tempfile::tempdir().unwrap());
    let key = make(&data, new("some", Role::Admin, &["mine-*"]));
    let all = make(&data, new("all", Role::Admin, &[]));
    let server = Server::start_on(data).await;
    let channel = server.channel().await;
    let others: BTreeSet<&str> = NO_TABLES.split(' ').collect();
    let (mut looked_at, mut unknown) = (0, BTreeSet::new());
    for (path, method) in methods(&pool()) {
        if !path.starts_with("/wordspace.") {
            continue;
        }
        for way in text_fields(&method.input(), &[]) {
            let name = way.last().unwrap().name();
            let message = |text| with(method.input(), &way, text).encode_to_vec();
            let secret = asked(&channel, &path, &key, message("secret")).await;
            let told = secret.as_ref().map_or_else(Status::message, |()| "");
            if others.contains(name) {
                assert!(!told.contains("for the table"), "{path} {name}: {told}");
                continue;
            }
            let is_shared = told.contains("for keys of all tables");
            if !is_shared && !told.contains("not for the table \"secret\"") {
                unknown.insert(format!("{path}: {name}"));
            }
            looked_at += 1;
            if !is_shared {
                let mine = asked(&channel, &path, &key, message("mine-1")).await;
                let code = mine.as_ref().map_or_else(Status::code, |()| Code::Ok);
                assert_ne!(code, Code::PermissionDenied, "{path} {name}: {mine:?}");
            }
        }
    }
    assert!(looked_at > 60, "{looked_at}");
    assert_eq!(unknown, BTreeSet::new(), "may these name tables?");

    // However the message is written.
    let nearest = "/wordspace.v1.SearchService/Nearest";
    let request =
        |table: &str| pb::NearestRequest { table: table.to_owned(), ..Default::default() };
    let (mine, secret) = (request("mine-1").encode_to_vec(), request("secret").encode_to_vec());
    let group = [0x0b, 0x0c];
    let long = request(&"mine-".repeat(40)).encode_to_vec();
    let not_utf8 = [&[0x0a, 3][..], &[0xff, 0xfe, 0xfd]].concat();
    for hidden in [
        [&mine[..], &secret].concat(),
        [&secret[..], &mine].concat(),
        [&group[..], &secret].concat(),
        [&group[..], &mine].concat(),
        long,
        not_utf8,
    ] {
        let told = call(&channel, nearest, &key, hidden.clone()).await.unwrap_err();
        assert_eq!(told.code(), Code::PermissionDenied, "{hidden:?}: {told}");
        let told = call(&channel, nearest, &all, hidden).await.unwrap_err();
        assert_ne!(told.code(), Code::PermissionDenied);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_key_of_some_tables_sees_only_these() {
    let data = Arc::new(tempfile::tempdir().unwrap());
    let all = make(&data, new("all", Role::Write, &[]));
    let some = make(&data, new("some", Role::Write, &["en*", "live"]));
    let server = Server::start_on(data).await;
    let client = |key: String| {
        let url = server.url.clone();
        async move { Client::builder(&url).api_key(&key).connect().await.unwrap() }
    };
    let (all, some) = (client(all).await, client(some).await);
    let file = || wordspace::client::chunks(SMALL.as_bytes());
    for table in ["en", "de", "fr"] {
        all.import(header(table), file(), |_| {}).await.unwrap();
    }
    let alias = |alias: &str, table: &str| pb::SetAliasRequest {
        alias: alias.to_owned(),
        table: table.to_owned(),
    };
    all.set_alias(alias("live", "de")).await.unwrap();
    all.set_alias(alias("other", "en")).await.unwrap();

    let tables = some.list_tables(pb::ListTablesRequest {}).await.unwrap().tables;
    let seen: Vec<_> =
        tables.iter().map(|table| (table.name.as_str(), table.aliases.join(" "))).collect();
    assert_eq!(seen, [("de", "live".to_owned()), ("en", String::new())]);
    let aliases = some.list_aliases(pb::ListAliasesRequest {}).await.unwrap().aliases;
    assert_eq!(aliases.iter().map(|alias| alias.name.as_str()).collect::<Vec<_>>(), ["live"]);
    assert_eq!(all.list_tables(pb::ListTablesRequest {}).await.unwrap().tables.len(), 3);

    let nearest = |table: &str| pb::NearestRequest {
        table: table.to_owned(),
        positive: vec![word("king")],
        ..Default::default()
    };
    for table in ["en", "live"] {
        some.nearest(nearest(table)).await.unwrap();
    }
    let refused = |error: CallError| {
        let CallError::Refused(refusal) = error else { panic!("{error}") };
        refusal.reason
    };
    for table in ["de", "fr", "other", "nothing"] {
        assert_eq!(refused(some.nearest(nearest(table)).await.unwrap_err()), "FORBIDDEN");
    }
    assert_eq!(refused(some.set_alias(alias("live", "fr")).await.unwrap_err()), "FORBIDDEN");
    assert_eq!(refused(some.set_alias(alias("mine", "en")).await.unwrap_err()), "FORBIDDEN");
    let import = some.import(header("fr"), file(), |_| {}).await.unwrap_err();
    assert_eq!(refused(import), "FORBIDDEN");
    some.import(header("en-2"), file(), |_| {}).await.unwrap();

    // Each message of a stream is looked at.
    let message = |table: &str| pb::NearestStreamRequest {
        id: 1,
        table: table.to_owned(),
        queries: vec![nearest("")],
    };
    let messages = tokio_stream::iter([message("en"), message(""), message("fr"), message("en")]);
    let mut answers = some.nearest_stream(messages).await.unwrap();
    let mut told = Vec::new();
    let end = loop {
        match answers.next_answer().await {
            Ok(Some(answer)) => told.push(answer.id),
            Ok(None) => panic!("the stream ends with an error"),
            Err(error) => break error,
        }
    };
    assert_eq!(refused(end), "FORBIDDEN");
    assert!(told.len() <= 2);

    let jobs = some.list_jobs(pb::ListJobsRequest {}).await.unwrap().jobs;
    assert!(!jobs.is_empty());
    for job in &all.list_jobs(pb::ListJobsRequest {}).await.unwrap().jobs {
        let is_mine = job.table.starts_with("en");
        assert_eq!(jobs.iter().any(|seen| seen.id == job.id), is_mine, "{job:?}");
        let told = some.get_job(pb::GetJobRequest { id: job.id }).await;
        let cancelled =
            some.cancel_job(pb::CancelJobRequest { id: job.id, ..Default::default() }).await;
        if is_mine {
            assert!(["all", "some"].contains(&told.unwrap().job.unwrap().owner.as_str()));
        } else {
            assert_eq!(refused(told.unwrap_err()), "JOB_NOT_FOUND");
            assert_eq!(refused(cancelled.unwrap_err()), "JOB_NOT_FOUND");
        }
    }
    server.stop().await;
}

/// The command line on a file of keys, and on a server that has it.
fn wordspace(arguments: &[&str], key: &str) -> (bool, String, String) {
    let told = Command::new(env!("CARGO_BIN_EXE_wordspace"))
        .args(arguments)
        .env("WORDSPACE_KEY", key)
        .env_remove("WORDSPACE_TABLE")
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (told.status.success(), text(told.stdout), text(told.stderr))
}

#[tokio::test]
async fn an_operator_makes_and_revokes_keys_while_the_server_runs() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().to_str().unwrap();
    let audit = data.path().join("audit.log");
    let options = ["--audit-log", audit.to_str().unwrap()];
    let server = Process::start_with(data.path(), &options).await;
    import(&server.channel, header("en"), SMALL.as_bytes()).await.unwrap();
    let ask = |key: &str| wordspace(&["nearest", "en", "king", "--server", &server.url], key);
    assert!(ask("").0, "nobody needs a key yet");
    let make = ["key", "make", "app", "--data", folder, "--tables", "en*", "--expires", "1d"];
    let (made, key, talk) = wordspace(&make, "");
    assert!(made && talk.contains("from now on every call"), "{talk}");
    let key = key.trim();
    let refused_without = async || !ask("").0;
    assert!(within_seconds(refused_without).await, "the server saw the file");
    let (_, _, told) = ask("");
    assert!(told.contains("a key is needed") && told.contains("WORDSPACE_KEY"), "{told}");
    assert!(ask(key).0 && ask(&format!(" {key}")).0);
    let put = ["put", "en", "duke", "1", "2", "3", "--server", &server.url];
    let (put_it, _, told) = wordspace(&put, key);
    assert!(!put_it && told.contains("needs the role write"), "{told}");
    let (_, list, _) = wordspace(&["key", "list", "--data", folder], "");
    assert!(list.contains("app") && list.contains("en*") && !list.contains(key), "{list}");
    let (_, json, _) = wordspace(&["key", "list", "--data", folder, "--json"], "");
    assert!(json.contains("\"role\":\"read\"") && !json.contains("sha256"), "{json}");
    let writer = ["key", "make", "writer", "--data", folder, "--role", "write"];
    let writer = wordspace(&writer, "").1;
    assert!(within_seconds(async || wordspace(&put, writer.trim()).0).await);
    let revoke = ["key", "revoke", "app", "--data", folder];
    assert!(wordspace(&revoke, "").0 && !wordspace(&revoke, "").0);
    assert!(within_seconds(async || !ask(key).0).await);
    assert!(ask(key).2.contains("revoked"));
    server.terminate();

    let audit = std::fs::read_to_string(&audit).unwrap();
    let entries: Vec<serde_json::Value> =
        audit.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let has = |what: &str, key: Option<&str>, method: &str, code: &str| {
        entries.iter().any(|entry| {
            entry["what"] == what
                && entry["key"].as_str() == key
                && entry["method"].as_str().is_some_and(|path| path.ends_with(method))
                && entry["code"] == code
        })
    };
    assert!(has("write", None, "/Import", "OK"), "{audit}");
    assert!(has("refusal", Some("app"), "/PutVectors", "PERMISSION_DENIED"), "{audit}");
    assert!(has("write", Some("writer"), "/PutVectors", "OK"), "{audit}");
    assert!(has("refusal", None, "/ListTables", "UNAUTHENTICATED"), "{audit}");
    for secret in [key, writer.trim()] {
        assert!(!audit.contains(&secret[12..]), "no key is in the account");
        for entry in std::fs::read_dir(data.path()).unwrap() {
            let text = std::fs::read(entry.unwrap().path()).unwrap_or_default();
            assert!(!String::from_utf8_lossy(&text).contains(&secret[12..]));
        }
    }

    // Other machines are not served without keys.
    let open = tempfile::tempdir().unwrap();
    let open = ["serve", "--data", open.path().to_str().unwrap(), "--listen", "0.0.0.0:0"];
    let (_, _, told) = wordspace(&open, "");
    assert!(told.contains("--insecure-listen") && told.contains("key make"), "{told}");
}
