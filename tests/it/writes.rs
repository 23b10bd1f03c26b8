//! Writes over gRPC: what is acknowledged is seen by every question.

use tonic::Code;
use tonic::transport::Channel;
use tonic_types::StatusExt as _;
use wordspace::proto as pb;
use wordspace::proto::attribute_value::Value;
use wordspace::proto::search_service_client::SearchServiceClient;
use wordspace::proto::table_service_client::TableServiceClient;

use crate::import::export_files;
use crate::support::{SMALL, Server, header, import, reason, word};

fn to_put(word: &str, values: &[f32]) -> pb::put_vectors_request::WordToPut {
    pb::put_vectors_request::WordToPut {
        word: word.to_owned(),
        vector: Some(pb::Vector { values: values.to_vec(), ..Default::default() }),
        ..Default::default()
    }
}

fn put(words: Vec<pb::put_vectors_request::WordToPut>, mode: pb::PutMode) -> pb::PutVectorsRequest {
    pb::PutVectorsRequest { table: "en".to_owned(), words, mode: mode.into() }
}

async fn nearest(channel: &Channel, asked: &str) -> (Vec<String>, u64) {
    let ask = pb::NearestRequest {
        table: "en".to_owned(),
        positive: vec![word(asked)],
        k: Some(2),
        ..pb::NearestRequest::default()
    };
    let answer = SearchServiceClient::new(channel.clone()).nearest(ask).await.unwrap().into_inner();
    let words = answer.neighbors.into_iter().map(|neighbor| neighbor.word).collect();
    (words, answer.answer.unwrap().generation)
}

async fn lookup(channel: &Channel, asked: &str) -> pb::WordVector {
    let ask = pb::LookupRequest {
        table: "en".to_owned(),
        queries: vec![word(asked)],
        ..pb::LookupRequest::default()
    };
    let mut tables = TableServiceClient::new(channel.clone());
    tables.lookup(ask).await.unwrap().into_inner().vectors.remove(0)
}

#[tokio::test]
async fn words_are_put_found_deleted_and_rebuilt() {
    let server = Server::start().await;
    let channel = server.channel().await;
    import(&channel, header("en"), SMALL.as_bytes()).await.unwrap();
    let mut tables = TableServiceClient::new(channel.clone());
    let (before, generation) = nearest(&channel, "king").await;
    assert_eq!(before, ["prince", "Paris"]);

    let words = vec![to_put("monarch", &[2.0, 0.9, 0.0]), to_put("prince", &[0.0, 0.0, 1.0])];
    let answer = tables.put_vectors(put(words, pb::PutMode::Upsert)).await.unwrap().into_inner();
    assert_eq!((answer.rows, answer.added_count, answer.overwritten_count), (vec![8, 4], 1, 1));
    let after = nearest(&channel, "king").await;
    assert_eq!(after, (vec!["monarch".to_owned(), "Paris".to_owned()], generation));

    let pos = pb::AttributeValue { value: Some(Value::Text("noun".to_owned())) };
    let change = pb::set_attributes_request::Change {
        query: Some(word("monarch")),
        set: [("pos".to_owned(), pos.clone())].into(),
        remove: Vec::new(),
    };
    let set = pb::SetAttributesRequest {
        table: "en".to_owned(),
        changes: vec![change],
        ..pb::SetAttributesRequest::default()
    };
    assert_eq!(tables.set_attributes(set).await.unwrap().into_inner().changed_count, 1);
    let delete = |word_to_delete: &str| pb::DeleteWordsRequest {
        table: "en".to_owned(),
        queries: vec![word(word_to_delete)],
        oov: pb::OovPolicy::Error.into(),
        ..Default::default()
    };
    tables.delete_words(delete("Paris")).await.unwrap();
    let error = tables.delete_words(delete("Paris")).await.unwrap_err();
    assert_eq!(reason(&error), (Code::NotFound, "UNKNOWN_WORDS".to_owned()));
    let after = nearest(&channel, "king").await;
    assert_eq!(after, (vec!["monarch".to_owned(), "man".to_owned()], generation));

    let build = pb::BuildIndexRequest { table: "en".to_owned(), index: None };
    let index = tables.build_index(build).await.unwrap().into_inner().index.unwrap();
    assert!(index.rebuild.is_some());
    let status = loop {
        let get = pb::GetIndexRequest { table: "en".to_owned() };
        let status = tables.get_index(get).await.unwrap().into_inner();
        let index = status.index.clone().unwrap();
        if index.rebuild.unwrap().phase() == pb::RebuildPhase::Idle {
            break status;
        }
        tokio::task::yield_now().await;
    };
    let index = status.index.unwrap();
    assert_eq!((index.written_row_count, index.deleted_row_count), (0, 0));
    assert!(status.generation > generation);
    assert_eq!(nearest(&channel, "king").await, (after.0, status.generation));
    let monarch = lookup(&channel, "monarch").await;
    assert_eq!((monarch.row, monarch.attributes), (7, [("pos".to_owned(), pos)].into()));

    drop((channel, tables));
    let server = Server::start_on(server.stop().await).await;
    let channel = server.channel().await;
    assert_eq!(lookup(&channel, "monarch").await.vector.unwrap().values, [2.0, 0.9, 0.0]);
    assert_eq!(nearest(&channel, "king").await.0, ["monarch", "man"]);
    drop(channel);
    server.stop().await;
}

#[tokio::test]
async fn a_write_that_cannot_be_whole_is_refused_whole_with_every_reason() {
    let server = Server::start().await;
    let channel = server.channel().await;
    import(&channel, header("en"), SMALL.as_bytes()).await.unwrap();
    let mut tables = TableServiceClient::new(channel.clone());

    let words = vec![
        to_put("fine", &[1.0, 0.0, 0.0]),
        to_put("", &[1.0, f32::NAN, 0.0]),
        to_put("fine", &[]),
    ];
    let error = tables.put_vectors(put(words, pb::PutMode::Upsert)).await.unwrap_err();
    let bad = error.get_details_bad_request().unwrap().field_violations;
    let bad: Vec<_> = bad.iter().map(|violation| violation.field.as_str()).collect();
    let expected =
        ["words[1].word", "words[1].vector.values[1]", "words[2].vector", "words[2].word"];
    assert_eq!(bad, expected);
    let words = (0..1_000).map(|i| to_put(&format!("w{i}"), &[1.0])).collect();
    let error = tables.put_vectors(put(words, pb::PutMode::Upsert)).await.unwrap_err();
    let bad = error.get_details_bad_request().unwrap().field_violations;
    assert!(bad.len() > 10 && bad.last().unwrap().description.ends_with(" more fields"));
    let queries = (0..10_000).map(|i| word(&format!("unknown{i}"))).collect();
    let delete = pb::DeleteWordsRequest { table: "en".to_owned(), queries, ..Default::default() };
    let error = tables.delete_words(delete).await.unwrap_err();
    assert_eq!(reason(&error), (Code::NotFound, "UNKNOWN_WORDS".to_owned()));

    let words = || vec![to_put("fine", &[1.0, 0.0, 0.0]), to_put("king", &[1.0, 0.0, 0.0])];
    for (mode, code, name) in [
        (pb::PutMode::InsertOnly, Code::AlreadyExists, "WORDS_EXIST"),
        (pb::PutMode::UpdateOnly, Code::NotFound, "UNKNOWN_WORDS"),
    ] {
        let error = tables.put_vectors(put(words(), mode)).await.unwrap_err();
        assert_eq!(reason(&error), (code, name.to_owned()));
    }
    let list = pb::ListWordsRequest { table: "en".to_owned(), ..Default::default() };
    assert_eq!(tables.list_words(list).await.unwrap().into_inner().words.len(), 8);
    assert_eq!(lookup(&channel, "king").await.vector.unwrap().values, [2.0, 1.0, 0.0]);
}

#[tokio::test]
async fn a_stream_of_writes_is_answered_in_order_and_ends_with_the_first_that_is_refused() {
    let server = Server::start().await;
    let channel = server.channel().await;
    import(&channel, header("en"), SMALL.as_bytes()).await.unwrap();
    let mut tables = TableServiceClient::new(channel.clone());
    let write = |word: &str, mode| put(vec![to_put(word, &[1.0, 0.5, 0.25])], mode);
    let parts = vec![
        write("one", pb::PutMode::InsertOnly),
        write("two", pb::PutMode::InsertOnly),
        write("one", pb::PutMode::InsertOnly),
        write("three", pb::PutMode::InsertOnly),
    ];
    let stream = tables.put_vectors_stream(tokio_stream::iter(parts)).await.unwrap();
    let mut answers = stream.into_inner();
    for sequence in [1, 2] {
        let answer = answers.message().await.unwrap().unwrap();
        assert_eq!((answer.sequence, answer.added_count), (sequence, 1));
    }
    let error = answers.message().await.unwrap_err();
    assert_eq!(reason(&error), (Code::AlreadyExists, "WORDS_EXIST".to_owned()));
    let asked = ["one", "two", "three"].map(word);
    let oov = pb::OovPolicy::Skip.into();
    let options = pb::WordOptions { oov, ..pb::WordOptions::default() };
    let ask = pb::LookupRequest {
        table: "en".to_owned(),
        queries: asked.into(),
        words: Some(options),
        ..pb::LookupRequest::default()
    };
    let found = tables.lookup(ask).await.unwrap().into_inner().vectors;
    assert_eq!(found.iter().map(|word| word.found).collect::<Vec<_>>(), [true, true, false]);
    let no_table = pb::PutVectorsRequest::default();
    let stream = tables.put_vectors_stream(tokio_stream::iter([no_table])).await.unwrap();
    let error = stream.into_inner().message().await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument, "{error}");
}

#[tokio::test]
async fn words_are_deleted_by_a_filter_and_a_filter_for_all_is_refused() {
    let server = Server::start().await;
    let channel = server.channel().await;
    import(&channel, header("en"), SMALL.as_bytes()).await.unwrap();
    let mut tables = TableServiceClient::new(channel.clone());
    let word_of = |i: u32| {
        let age = pb::AttributeValue { value: Some(Value::Number(i.into())) };
        let attributes = [("age".to_owned(), age)].into();
        let put = to_put(&format!("new{i}"), &[1.0, i as f32, 2.0]);
        pb::put_vectors_request::WordToPut { attributes, ..put }
    };
    let words = (0..9).map(word_of).collect();
    tables.put_vectors(put(words, pb::PutMode::InsertOnly)).await.unwrap();
    let delete = |matching: &str, queries| pb::DeleteWordsRequest {
        table: "en".to_owned(),
        filter: Some(pb::Filter { matching: vec![matching.to_owned()], ..Default::default() }),
        queries,
        ..Default::default()
    };
    let done = tables.delete_words(delete("age >= 3", Vec::new())).await.unwrap().into_inner();
    assert_eq!((done.deleted_count, done.left_count, done.sequence), (6, 0, 2));
    let none = tables.delete_words(delete("age >= 3", Vec::new())).await.unwrap().into_inner();
    assert_eq!((none.deleted_count, none.sequence), (0, 2), "nothing is written");
    let count = |matching: &str| pb::CountWordsRequest {
        table: "en".to_owned(),
        filter: Some(pb::Filter { matching: vec![matching.to_owned()], ..Default::default() }),
    };
    assert_eq!(tables.count_words(count("age exists")).await.unwrap().into_inner().count, 3);

    let all = pb::DeleteWordsRequest {
        table: "en".to_owned(),
        filter: Some(pb::Filter::default()),
        ..Default::default()
    };
    let refused = [
        (all, "filter"),
        (delete("age >= 0", vec![word("king")]), "filter"),
        (delete("agee >= 0", Vec::new()), "filter.where"),
    ];
    for (request, field) in refused {
        let error = tables.delete_words(request).await.unwrap_err();
        let details = error.get_details_bad_request().unwrap();
        assert_eq!(details.field_violations[0].field, field, "{error}");
    }
}

fn value(value: Value) -> pb::AttributeValue {
    pb::AttributeValue { value: Some(value) }
}

fn list(values: Vec<Value>) -> Value {
    Value::List(pb::AttributeList { values: values.into_iter().map(value).collect() })
}

/// The line of a word in a table that is exported as JSON Lines.
async fn exported(channel: &Channel, table: &str, asked: &str) -> String {
    let ask = pb::ExportRequest {
        table: table.to_owned(),
        format: pb::Format::JsonLines.into(),
        ..pb::ExportRequest::default()
    };
    let files = export_files(channel, ask).await.unwrap();
    let text = String::from_utf8(files[0].1.clone()).unwrap();
    let line = text.lines().find(|line| line.contains(&format!("\"{asked}\"")));
    line.unwrap().to_owned()
}

#[tokio::test]
async fn every_kind_of_attribute_is_kept_exactly_over_a_restart_and_an_export() {
    let server = Server::start().await;
    let channel = server.channel().await;
    import(&channel, header("en"), SMALL.as_bytes()).await.unwrap();
    let mut tables = TableServiceClient::new(channel.clone());
    let text = |text: &str| Value::Text(text.to_owned());
    let date = |text: &str| Value::Date(text.to_owned());
    let big = (1 << 53) + 1;
    let set = [
        ("id", Value::Integer(big)),
        ("least", Value::Integer(i64::MIN)),
        ("share", Value::Number(3.0)),
        ("seen", date("2024-01-31T11:30:00.25+01:00")),
        ("day", date("2024-01-31T00:00:00Z")),
        ("tags", list(vec![text("noun"), text("animal")])),
        ("years", list(vec![Value::Integer(big), Value::Number(0.5)])),
        ("days", list(vec![date("2024-01-31"), date("1969-12-31T23:59:59Z")])),
        ("none", list(vec![])),
    ];
    let attributes = set.map(|(name, one)| (name.to_owned(), value(one)));
    let cat = to_put("cat", &[1.0, 0.5, 0.25]);
    let cat = pb::put_vectors_request::WordToPut { attributes: attributes.into(), ..cat };
    let near = |id: i64| {
        let attributes = [("id".to_owned(), value(Value::Integer(id)))].into();
        let put = to_put(&format!("id{id}"), &[1.0, 0.5, 0.5]);
        pb::put_vectors_request::WordToPut { attributes, ..put }
    };
    let words = vec![cat, near(big - 1), near(big + 1)];
    tables.put_vectors(put(words, pb::PutMode::InsertOnly)).await.unwrap();

    let kept = lookup(&channel, "cat").await.attributes;
    let told = |name: &str| kept[name].value.clone().unwrap();
    assert_eq!((told("id"), told("share")), (Value::Integer(big), Value::Number(3.0)));
    assert_eq!((told("seen"), told("day")), (date("2024-01-31T10:30:00.25Z"), date("2024-01-31")));
    assert_eq!(told("none"), list(vec![]));
    let line = exported(&channel, "en", "cat").await;
    for part in [
        "\"id\":9007199254740993",
        "\"least\":-9223372036854775808",
        "\"share\":3.0",
        "\"seen\":{\"$date\":\"2024-01-31T10:30:00.25Z\"}",
        "\"tags\":[\"noun\",\"animal\"]",
        "\"years\":[9007199254740993,0.5]",
    ] {
        assert!(line.contains(part), "{line}");
    }

    // What was exported comes back as it was, and so does what is read again after a restart.
    let again = pb::ImportHeader { format: pb::Format::JsonLines.into(), ..header("again") };
    import(&channel, again, format!("{line}\n").as_bytes()).await.unwrap();
    drop((channel, tables));
    let server = Server::start_on(server.stop().await).await;
    let channel = server.channel().await;
    assert_eq!(lookup(&channel, "cat").await.attributes, kept);
    assert_eq!(exported(&channel, "again", "cat").await, line);

    let mut tables = TableServiceClient::new(channel.clone());
    for (matching, count) in [
        ("id = 9007199254740993", 1),
        ("id >= 9007199254740993 and id < 9007199254740995", 2),
        ("id = 9007199254740992.0", 1),
        ("seen > 2024-01-31 and seen < 2024-02-01 and day = 2024-01-31", 1),
        ("tags = noun and tags contains anim and not tags = verb", 1),
        ("tags in (verb, noun) and years < 1 and years > 9007199254740992", 1),
        ("days < 1970-01-01 and none exists and not none = 1", 1),
        ("tags = nou or day = '2024-01-31' or day = 1706659200", 0),
    ] {
        let filter = pb::Filter { matching: vec![matching.to_owned()], ..Default::default() };
        let ask = pb::CountWordsRequest { table: "en".to_owned(), filter: Some(filter) };
        assert_eq!(tables.count_words(ask).await.unwrap().into_inner().count, count, "{matching}");
    }
    let order = Some(pb::WordOrder { attribute: "id".to_owned(), descending: true });
    let ask = pb::ListWordsRequest { table: "en".to_owned(), order, ..Default::default() };
    let listed = tables.list_words(ask).await.unwrap().into_inner().words;
    let listed: Vec<_> = listed.iter().map(|one| one.word.as_str()).collect();
    assert_eq!(listed, ["id9007199254740994", "cat", "id9007199254740992"]);
    drop((channel, tables));
    server.stop().await;
}

#[tokio::test]
async fn values_that_cannot_be_kept_are_refused_with_their_field() {
    let server = Server::start().await;
    let channel = server.channel().await;
    import(&channel, header("en"), SMALL.as_bytes()).await.unwrap();
    let mut tables = TableServiceClient::new(channel.clone());
    let date = |text: &str| Value::Date(text.to_owned());
    for (wrong, field, problem) in [
        (date("2024-02-30"), "", "a date of the years 1 to 9999"),
        (date("yesterday"), "", "a date of the years 1 to 9999"),
        (list(vec![list(vec![])]), ".list.values[0]", "no lists"),
        (list(vec![Value::Integer(1); 257]), "", "at most 256 values"),
        (list(vec![Value::Integer(1), Value::Flag(true)]), "", "one kind"),
        (list(vec![date("2024-01-31"), date("?")]), ".list.values[1]", "a date of"),
        (list(vec![Value::Text("x".repeat(3_000)); 2]), "", "together"),
        (Value::Number(f64::NAN), "", "finite"),
    ] {
        let change = pb::set_attributes_request::Change {
            query: Some(word("king")),
            set: [("a".to_owned(), value(wrong.clone()))].into(),
            remove: Vec::new(),
        };
        let (table, changes) = ("en".to_owned(), vec![change]);
        let ask = pb::SetAttributesRequest { table, changes, ..Default::default() };
        let error = tables.set_attributes(ask).await.unwrap_err();
        let bad = &error.get_details_bad_request().unwrap().field_violations[0];
        assert_eq!(bad.field, format!("changes[0].set[\"a\"]{field}"), "{error}");
        assert!(bad.description.contains(problem), "{error}");
        // Nor is a comparison with such a value made, nor one with a list.
        let condition = pb::AttributeCondition {
            name: "a".to_owned(),
            value: Some(value(wrong)),
            ..Default::default()
        };
        let filter = Some(pb::Filter { r#where: vec![condition], ..Default::default() });
        let ask = pb::CountWordsRequest { table: "en".to_owned(), filter };
        let error = tables.count_words(ask).await.unwrap_err();
        let bad = &error.get_details_bad_request().unwrap().field_violations[0];
        assert_eq!(bad.field, "filter.where[0].value", "{error}");
    }
    drop((channel, tables));
    server.stop().await;
}
