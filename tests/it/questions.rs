//! Every question over the wire: its answer on a small table, and each way it can be refused.

use tonic::Code;
use tonic::transport::Channel;
use tonic_types::StatusExt as _;
use wordspace::proto as pb;
use wordspace::proto::admin_service_client::AdminServiceClient;
use wordspace::proto::bias_service_client::BiasServiceClient;
use wordspace::proto::condition::Condition as Tree;
use wordspace::proto::search_service_client::SearchServiceClient;
use wordspace::proto::table_service_client::TableServiceClient;
use wordspace::proto::text_service_client::TextServiceClient;

use crate::support::{SMALL, Server, header, import, reason, word};

async fn small() -> (Server, Channel) {
    let server = Server::start().await;
    let channel = server.channel().await;
    import(&channel, header("en"), SMALL.as_bytes()).await.unwrap();
    (server, channel)
}

fn nearest(words: &[&str]) -> pb::NearestRequest {
    pb::NearestRequest {
        table: "en".to_owned(),
        positive: words.iter().map(|asked| word(asked)).collect(),
        ..pb::NearestRequest::default()
    }
}

fn words(neighbors: &[pb::Neighbor]) -> Vec<&str> {
    neighbors.iter().map(|neighbor| neighbor.word.as_str()).collect()
}

#[tokio::test]
async fn nearest_words_leave_the_question_out_unless_told_otherwise() {
    let (server, channel) = small().await;
    let mut search = SearchServiceClient::new(channel);

    let answer = search.nearest(nearest(&["king"])).await.unwrap().into_inner();
    assert_eq!(words(&answer.neighbors)[..2], ["prince", "Paris"]);
    assert_eq!(answer.neighbors.len(), 7);
    let info = answer.answer.unwrap();
    assert_eq!((info.table.as_str(), info.answered_by()), ("en", pb::AnsweredBy::Exact));
    assert_eq!(info.words[0].row, 0);

    let with_inputs =
        pb::NearestRequest { k: Some(1), exclude_inputs: Some(false), ..nearest(&["king"]) };
    let answer = search.nearest(with_inputs).await.unwrap().into_inner();
    assert_eq!(words(&answer.neighbors), ["king"]);
    assert!((answer.neighbors[0].similarity - 1.0).abs() < 1e-6);

    let batch = pb::NearestBatchRequest {
        table: "en".to_owned(),
        queries: ["king", "apple"]
            .map(|asked| pb::NearestRequest {
                table: String::new(),
                k: Some(1),
                ..nearest(&[asked])
            })
            .to_vec(),
    };
    let answers = search.nearest_batch(batch).await.unwrap().into_inner().answers;
    let first: Vec<_> = answers.iter().flat_map(|answer| words(&answer.neighbors)).collect();
    assert_eq!(first, ["prince", "pear"]);
    server.stop().await;
}

#[tokio::test]
async fn a_matrix_has_the_vectors_that_come_one_by_one() {
    let (server, channel) = small().await;
    let mut tables = TableServiceClient::new(channel);
    let asked = ["prince", "nonsense", "king", "prince", "mole"];
    let words = |oov: pb::OovPolicy| {
        Some(pb::WordOptions { oov: oov.into(), ..pb::WordOptions::default() })
    };
    for (oov, unit) in
        [(pb::OovPolicy::Skip, false), (pb::OovPolicy::Skip, true), (pb::OovPolicy::Zero, false)]
    {
        let one_by_one = pb::LookupRequest {
            table: "en".to_owned(),
            queries: asked.map(word).to_vec(),
            unit,
            words: words(oov),
            ..pb::LookupRequest::default()
        };
        let together = pb::LookupRequest {
            queries: Vec::new(),
            keys: asked.map(str::to_owned).to_vec(),
            matrix: true,
            ..one_by_one.clone()
        };
        let rows = tables.lookup(one_by_one).await.unwrap().into_inner().vectors;
        let answer = tables.lookup(together).await.unwrap().into_inner();
        assert!(answer.vectors.is_empty());
        assert!(answer.answer.unwrap().words.is_empty());
        let matrix = answer.matrix.unwrap();
        let dim = usize::try_from(matrix.dim).unwrap();
        let of = |row: &pb::WordVector| row.vector.clone().map_or(vec![0.0; dim], |v| v.values);
        let wanted: Vec<u8> = rows.iter().flat_map(of).flat_map(f32::to_le_bytes).collect();
        assert_eq!(matrix.packed, wanted, "{oov:?} {unit}");
        let missing: &[u32] = if oov == pb::OovPolicy::Skip { &[1, 4] } else { &[] };
        assert_eq!(matrix.missing, missing);
    }
    let both = pb::LookupRequest {
        table: "en".to_owned(),
        queries: vec![word("king")],
        keys: vec!["king".to_owned(), String::new()],
        ..pb::LookupRequest::default()
    };
    let refused = tables.lookup(both).await.unwrap_err();
    let told = refused.get_details_bad_request().unwrap().field_violations;
    let fields: Vec<_> = told.iter().map(|one| one.field.as_str()).collect();
    assert_eq!(fields, ["keys", "keys[1]"]);
    server.stop().await;
}

#[tokio::test]
async fn analogies_show_both_lists() {
    let (server, channel) = small().await;
    let mut search = SearchServiceClient::new(channel);
    for method in [pb::AnalogyMethod::CosAdd, pb::AnalogyMethod::CosMul] {
        let ask = pb::AnalogyRequest {
            table: "en".to_owned(),
            a: Some(word("man")),
            b: Some(word("king")),
            c: Some(word("woman")),
            method: method.into(),
            k: Some(3),
            with_inputs: true,
            ..pb::AnalogyRequest::default()
        };
        let answer = search.analogy(ask).await.unwrap().into_inner();
        assert_eq!(answer.neighbors[0].word, "queen");
        assert!(!words(&answer.neighbors).contains(&"king"));
        assert_eq!(answer.neighbors_with_inputs.len(), 3);
    }
    server.stop().await;
}

#[tokio::test]
async fn the_other_questions_answer() {
    let (server, channel) = small().await;
    let mut search = SearchServiceClient::new(channel.clone());
    let pair = |a, b| pb::similarity_request::Pair { a: Some(word(a)), b: Some(word(b)) };
    let ask = pb::SimilarityRequest {
        table: "en".to_owned(),
        pairs: vec![pair("king", "queen"), pair("king", "king")],
        words: None,
    };
    let got = search.similarity(ask).await.unwrap().into_inner().similarities;
    assert!((got[0].similarity.unwrap() - 0.6).abs() < 1e-6);
    assert!((got[1].similarity.unwrap() - 1.0).abs() < 1e-6);

    let ask = pb::OddOneOutRequest {
        table: "en".to_owned(),
        queries: ["king", "prince", "pear", "queen"].map(word).to_vec(),
        words: None,
    };
    let odd = search.odd_one_out(ask).await.unwrap().into_inner();
    assert_eq!((odd.odd_index, odd.ranked[0].word.as_str()), (2, "pear"));

    let ask = pb::TokenizeRequest {
        texts: vec!["The king's pear.".to_owned()],
        tokenizer: pb::Tokenizer::Rules.into(),
        table: "en".to_owned(),
        ..pb::TokenizeRequest::default()
    };
    let mut text = TextServiceClient::new(channel.clone());
    let tokens = text.tokenize(ask).await.unwrap().into_inner().texts.remove(0);
    let pieces: Vec<_> =
        tokens.tokens.iter().map(|token| (token.piece.as_str(), token.known())).collect();
    let want = [("The", false), ("king", true), ("'s", false), ("pear", true), (".", false)];
    assert_eq!((pieces, tokens.unknown_count), (want.to_vec(), 3));

    let set = |words: &[&str]| {
        let words = words.iter().map(|&word| word.to_owned()).collect();
        Some(pb::WordSet { name: String::new(), words })
    };
    let mut bias = BiasServiceClient::new(channel.clone());
    let ask = pb::WeatRequest {
        table: "en".to_owned(),
        x: set(&["king", "prince"]),
        y: set(&["apple", "pear"]),
        a: set(&["man"]),
        b: set(&["woman"]),
        ..pb::WeatRequest::default()
    };
    let weat = bias.weat(ask).await.unwrap().into_inner();
    assert!(weat.effect_size > 1.0 && weat.p_value_exact);
    assert_eq!((weat.partition_count, weat.p_value), (6, 1.0 / 6.0));

    let ask = pb::ProjectRequest {
        table: "en".to_owned(),
        from: set(&["man"]),
        to: set(&["woman"]),
        queries: ["king", "queen"].map(word).to_vec(),
        ..pb::ProjectRequest::default()
    };
    let placed = bias.project(ask).await.unwrap().into_inner().projections;
    assert!(placed[0].similarity < -0.4 && placed[1].similarity > 0.4);

    let mut tables = TableServiceClient::new(channel.clone());
    let ask = pb::LookupRequest {
        table: "en".to_owned(),
        queries: vec![word("PEAR")],
        words: Some(pb::WordOptions {
            oov: 0,
            preprocessors: vec![pb::Preprocessor { lowercase: true, strip_accents: false }],
            ..pb::WordOptions::default()
        }),
        ..pb::LookupRequest::default()
    };
    let found = tables.lookup(ask).await.unwrap().into_inner().vectors.remove(0);
    assert_eq!((found.word.as_str(), found.vector.unwrap().values), ("pear", vec![0.1, 0.0, 2.0]));

    let ask = pb::ListWordsRequest {
        table: "en".to_owned(),
        prefix: "p".to_owned(),
        ..pb::ListWordsRequest::default()
    };
    let listed = tables.list_words(ask).await.unwrap().into_inner().words;
    assert_eq!(listed.iter().map(|word| word.row).collect::<Vec<_>>(), [4, 6]);

    let mut admin = AdminServiceClient::new(channel);
    let status = admin.get_status(pb::GetStatusRequest {}).await.unwrap().into_inner();
    assert_eq!((status.table_count, status.row_count), (1, 8));
    server.stop().await;
}

#[tokio::test]
async fn every_refusal_has_its_code_and_reason() {
    let (server, channel) = small().await;
    let mut search = SearchServiceClient::new(channel.clone());
    let mut refused = async |ask: pb::NearestRequest| search.nearest(ask).await.unwrap_err();

    let all_at_once = pb::NearestRequest {
        table: "no/such name".to_owned(),
        positive: vec![pb::WordOrVector::default()],
        k: Some(0),
        ef_search: Some(1_000_000),
        ..pb::NearestRequest::default()
    };
    let status = refused(all_at_once).await;
    assert_eq!(reason(&status), (Code::InvalidArgument, "INVALID_FIELD".to_owned()));
    let fields = status.get_details_bad_request().unwrap().field_violations;
    let fields: Vec<_> = fields.iter().map(|violation| violation.field.as_str()).collect();
    assert_eq!(fields, ["table", "positive[0]", "k", "ef_search"]);

    let status = refused(nearest(&["king", "kong", "qing"])).await;
    assert_eq!(reason(&status), (Code::NotFound, "UNKNOWN_WORDS".to_owned()));
    let metadata = status.get_details_error_info().unwrap().metadata;
    assert_eq!(metadata["words"], r#"["kong","qing"]"#);

    let status = refused(pb::NearestRequest { table: "fr".to_owned(), ..nearest(&["king"]) }).await;
    assert_eq!(reason(&status), (Code::NotFound, "TABLE_NOT_FOUND".to_owned()));

    let vector = |values: Vec<f32>| {
        let query =
            Some(pb::word_or_vector::Query::Vector(pb::Vector { values, ..Default::default() }));
        let positive = vec![pb::WordOrVector { query, weight: None }];
        pb::NearestRequest { positive, ..nearest(&[]) }
    };
    let status = refused(vector(vec![1.0, 2.0])).await;
    assert_eq!(reason(&status), (Code::InvalidArgument, "DIMENSION_MISMATCH".to_owned()));
    let status = refused(vector(vec![1.0, f32::NAN, 2.0])).await;
    assert_eq!(reason(&status), (Code::InvalidArgument, "INVALID_FIELD".to_owned()));
    let status = refused(vector(vec![0.0, 0.0, 0.0])).await;
    assert_eq!(reason(&status), (Code::FailedPrecondition, "UNSUITED_TABLE".to_owned()));
    let status = refused(pb::NearestRequest { k: Some(1_000_000), ..nearest(&["king"]) }).await;
    assert_eq!(reason(&status), (Code::InvalidArgument, "INVALID_FIELD".to_owned()));

    let mut bias = BiasServiceClient::new(channel);
    let ask = pb::WeatRequest {
        table: "en".to_owned(),
        suite: "no-such-suite".to_owned(),
        ..pb::WeatRequest::default()
    };
    let status = bias.weat(ask.clone()).await.unwrap_err();
    assert!(status.message().contains("career-family"), "{}", status.message());
    let ask = pb::WeatRequest { suite: "career-family".to_owned(), ..ask };
    let status = bias.weat(ask).await.unwrap_err();
    assert_eq!(reason(&status), (Code::FailedPrecondition, "UNSUITED_TABLE".to_owned()));
    server.stop().await;
}

#[tokio::test]
async fn health_and_reflection_answer() {
    use tonic_health::pb::HealthCheckRequest;
    use tonic_health::pb::health_check_response::ServingStatus;
    use tonic_health::pb::health_client::HealthClient;
    use tonic_reflection::pb::v1::ServerReflectionRequest;
    use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
    use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
    use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

    let server = Server::start().await;
    let channel = server.channel().await;
    let mut health = HealthClient::new(channel.clone());
    for service in ["", "wordspace.v1.SearchService", "wordspace.v1.AdminService"] {
        let ask = HealthCheckRequest { service: service.to_owned() };
        let status = health.check(ask).await.unwrap().into_inner().status();
        assert_eq!(status, ServingStatus::Serving, "{service}");
    }

    let message_request = Some(MessageRequest::ListServices(String::new()));
    let ask = ServerReflectionRequest { host: String::new(), message_request };
    let mut reflection = ServerReflectionClient::new(channel);
    let requests = tokio_stream::iter([ask]);
    let mut replies = reflection.server_reflection_info(requests).await.unwrap().into_inner();
    let reply = replies.message().await.unwrap().unwrap().message_response.unwrap();
    let MessageResponse::ListServicesResponse(listed) = reply else { panic!("{reply:?}") };
    let names: Vec<_> = listed.service.iter().map(|service| service.name.as_str()).collect();
    for service in ["Search", "Table", "Transfer", "Text", "Bias", "Evaluation", "Admin"] {
        let name = format!("wordspace.v1.{service}Service");
        assert!(names.contains(&name.as_str()), "{name} is not in {names:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_filter_leaves_k_neighbors_where_k_are_left() {
    let (server, channel) = small().await;
    let mut search = SearchServiceClient::new(channel.clone());
    let all = search.nearest(nearest(&["king"])).await.unwrap().into_inner().neighbors;
    let parts = [
        pb::Filter { top: Some(3), ..pb::Filter::default() },
        pb::Filter { rows: Some(pb::RowRange { start: 2, end: 6 }), ..pb::Filter::default() },
        pb::Filter { prefix: "p".to_owned(), ..pb::Filter::default() },
        pb::Filter { regex: "^.{4,5}$".to_owned(), ..pb::Filter::default() },
        pb::Filter { allow: vec!["pear".to_owned(), "qing".to_owned()], ..pb::Filter::default() },
        pb::Filter { deny: vec!["prince".to_owned()], ..pb::Filter::default() },
        pb::Filter {
            prefix: "p".to_owned(),
            regex: "r".to_owned(),
            deny: vec!["prince".to_owned()],
            ..pb::Filter::default()
        },
    ];
    let passing = [
        vec!["queen", "man"],
        vec!["man", "woman", "prince", "apple"],
        vec!["prince", "pear"],
        vec!["queen", "woman", "apple", "pear", "Paris"],
        vec!["pear"],
        vec!["queen", "man", "woman", "apple", "pear", "Paris"],
        vec!["pear"],
    ];
    for (filter, passing) in parts.into_iter().zip(passing) {
        let want: Vec<_> =
            all.iter().filter(|near| passing.contains(&near.word.as_str())).cloned().collect();
        assert_eq!(want.len(), passing.len());
        for _ in 0..2 {
            let ask = pb::NearestRequest { filter: Some(filter.clone()), ..nearest(&["king"]) };
            let answer = search.nearest(ask).await.unwrap().into_inner();
            assert_eq!(answer.neighbors, want, "{filter:?}");
        }
        let ask = pb::AnalogyRequest {
            table: "en".to_owned(),
            a: Some(word("man")),
            b: Some(word("king")),
            c: Some(word("woman")),
            method: pb::AnalogyMethod::CosMul.into(),
            filter: Some(filter),
            exclude_inputs: Some(false),
            ..pb::AnalogyRequest::default()
        };
        let answer = search.analogy(ask).await.unwrap().into_inner();
        let got = words(&answer.neighbors);
        assert!(passing.iter().all(|passing| got.contains(passing)), "{got:?}");
        assert_eq!(answer.answer.unwrap().allowed_rows, u32::try_from(got.len()).ok());
    }

    let text = |text: &str| pb::AttributeValue {
        value: Some(pb::attribute_value::Value::Text(text.to_owned())),
    };
    let fruit = |asked: &str| pb::set_attributes_request::Change {
        query: Some(word(asked)),
        set: [("kind".to_owned(), text("fruit"))].into(),
        remove: Vec::new(),
    };
    let changes = vec![fruit("apple"), fruit("pear")];
    let ask = pb::SetAttributesRequest { table: "en".to_owned(), changes, oov: 0 };
    TableServiceClient::new(channel.clone()).set_attributes(ask).await.unwrap();
    let condition = |test: pb::AttributeTest, value| pb::AttributeCondition {
        name: "kind".to_owned(),
        test: test.into(),
        value,
        values: Vec::new(),
    };
    for (test, value, passing) in [
        (pb::AttributeTest::Eq, Some(text("fruit")), 2),
        (pb::AttributeTest::Ne, Some(text("fruit")), 5),
        (pb::AttributeTest::Exists, None, 2),
    ] {
        let r#where = vec![condition(test, value)];
        let filter = Some(pb::Filter { r#where, ..pb::Filter::default() });
        let ask = pb::NearestRequest { filter, ..nearest(&["king"]) };
        let answer = search.nearest(ask).await.unwrap().into_inner();
        assert_eq!(answer.neighbors.len(), passing, "{test:?}");
    }

    // The same condition as text, and as a tree with another.
    let is =
        |test, value| pb::Condition { condition: Some(Tree::Attribute(condition(test, value))) };
    let either = vec![
        is(pb::AttributeTest::Contains, Some(text("rui"))),
        is(pb::AttributeTest::Missing, None),
    ];
    let tree = pb::Condition { condition: Some(Tree::Any(pb::Conditions { conditions: either })) };
    let not = pb::Condition { condition: Some(Tree::Not(Box::new(tree.clone()))) };
    for (matching, condition, passing) in [
        ("kind in (fruit, 5) and not kind starts with v", None, 2),
        ("kind is missing or kind = fruit", Some(tree), 7),
        ("kind", Some(not), 0),
    ] {
        let matching = vec![matching.to_owned()];
        let filter = Some(pb::Filter { matching, condition, ..pb::Filter::default() });
        let ask = pb::NearestRequest { filter, ..nearest(&["king"]) };
        let answer = search.nearest(ask).await.unwrap().into_inner();
        assert_eq!(answer.neighbors.len(), passing);
        assert_eq!(
            answer.answer.unwrap().allowed_rows,
            Some(u32::try_from(passing).unwrap() + u32::from(passing == 7))
        );
    }
    let deep = (0..70).fold(is(pb::AttributeTest::Exists, None), |tree, _| pb::Condition {
        condition: Some(Tree::Not(Box::new(tree))),
    });
    let none = pb::Condition { condition: Some(Tree::All(pb::Conditions::default())) };
    for (filter, field) in [
        (pb::Filter { matching: vec!["kind ~ 1".to_owned()], ..Default::default() }, "matching[0]"),
        (
            pb::Filter { matching: vec!["a or ".repeat(9_000) + "a"], ..Default::default() },
            "matching[0]",
        ),
        (pb::Filter { condition: Some(none), ..Default::default() }, "condition.all"),
        (
            pb::Filter { condition: Some(is(pb::AttributeTest::In, None)), ..Default::default() },
            "condition.values",
        ),
        (
            pb::Filter {
                condition: Some(is(pb::AttributeTest::Contains, None)),
                ..Default::default()
            },
            "condition.value",
        ),
        (pb::Filter { matching: vec!["kind".to_owned(); 17], ..Default::default() }, "matching"),
        (
            pb::Filter {
                matching: vec![format!("kind in ({}1)", "1,".repeat(599)); 2],
                ..Default::default()
            },
            "where",
        ),
    ] {
        let ask = pb::NearestRequest { filter: Some(filter), ..nearest(&["king"]) };
        let status = search.nearest(ask).await.unwrap_err();
        let bad = status.get_details_bad_request().unwrap().field_violations;
        assert_eq!(bad[0].field, format!("filter.{field}"), "{status:?}");
    }
    let ask = pb::NearestRequest {
        filter: Some(pb::Filter { condition: Some(deep), ..Default::default() }),
        ..nearest(&["king"])
    };
    assert_eq!(search.nearest(ask).await.unwrap_err().code(), Code::InvalidArgument);

    let wrong = pb::Filter {
        top: Some(0),
        rows: Some(pb::RowRange { start: 2, end: 2 }),
        regex: "x".repeat(2_000),
        r#where: vec![pb::AttributeCondition { test: 99, ..pb::AttributeCondition::default() }],
        ..pb::Filter::default()
    };
    let ask = pb::NearestRequest { filter: Some(wrong), ..nearest(&["king"]) };
    let status = search.nearest(ask).await.unwrap_err();
    let bad = status.get_details_bad_request().unwrap().field_violations;
    let fields: Vec<_> = bad.iter().map(|violation| violation.field.as_str()).collect();
    let rest = ["top", "rows.end", "where[0].test", "where[0].name", "where[0].value"];
    assert_eq!(fields[0], "filter.regex");
    assert_eq!(fields[1..], rest.map(|field| format!("filter.{field}")));
    let wrong = pb::Filter { regex: "(".to_owned(), ..pb::Filter::default() };
    let ask = pb::NearestRequest { filter: Some(wrong), ..nearest(&["king"]) };
    assert_eq!(reason(&search.nearest(ask).await.unwrap_err()).1, "INVALID_FIELD");
    server.stop().await;
}

#[tokio::test]
async fn attributes_are_told_counted_and_listed_by() {
    let server = Server::start().await;
    let channel = server.channel().await;
    import(&channel, header("en"), SMALL.as_bytes()).await.unwrap();
    let mut tables = TableServiceClient::new(channel.clone());
    let mut search = SearchServiceClient::new(channel);
    let number = |number: f64| pb::AttributeValue {
        value: Some(pb::attribute_value::Value::Number(number)),
    };
    // Rows 0 to 6: three have a frequency, one of them packed with its vector.
    let put = |text: &str, freq: f64, vector: pb::Vector| pb::put_vectors_request::WordToPut {
        word: text.to_owned(),
        vector: Some(vector),
        attributes: [("freq".to_owned(), number(freq))].into_iter().collect(),
        ..Default::default()
    };
    let floats = [0.5_f32, -1.0, 0.25];
    let packed: Vec<u8> = floats.iter().flat_map(|value| value.to_le_bytes()).collect();
    let as_bytes = pb::Vector { packed: packed.clone(), ..Default::default() };
    let as_values = pb::Vector { values: floats.to_vec(), ..Default::default() };
    let words = vec![
        put("king", 3.0, as_bytes.clone()),
        put("queen", 9.0, as_values),
        put("pear", 3.0, as_bytes),
    ];
    let ask = pb::PutVectorsRequest { table: "en".to_owned(), words, mode: 0 };
    tables.put_vectors(ask).await.unwrap();
    for wrong in [
        pb::Vector { values: floats.to_vec(), packed: packed.clone() },
        pb::Vector { packed: packed[..11].to_vec(), ..Default::default() },
    ] {
        let words = vec![put("king", 1.0, wrong)];
        let ask = pb::PutVectorsRequest { table: "en".to_owned(), words, mode: 0 };
        let status = tables.put_vectors(ask).await.unwrap_err();
        let bad = status.get_details_bad_request().unwrap().field_violations;
        assert_eq!(bad[0].field, "words[0].vector.packed");
    }

    let all = pb::Include { attributes: true, vectors: true, packed: true, norms: true };
    let ask = pb::NearestRequest { include: Some(all), k: Some(2), ..nearest(&["king"]) };
    let answer = search.nearest(ask).await.unwrap().into_inner();
    let near = &answer.neighbors[0];
    assert_eq!(near.vector.as_ref().unwrap().packed, packed, "{near:?}");
    assert_eq!((near.norm, near.attributes.get("freq")), (Some(1.145_644), Some(&number(9.0))));
    let group_by = "freq".to_owned();
    let ask = pb::NearestRequest { group_by: group_by.clone(), k: Some(5), ..nearest(&["man"]) };
    let grouped = search.nearest(ask.clone()).await.unwrap().into_inner().neighbors;
    let queries = vec![ask, nearest(&["man"])];
    let batch = pb::NearestBatchRequest { table: "en".to_owned(), queries };
    let batch = search.nearest_batch(batch).await.unwrap().into_inner().answers;
    assert_eq!(batch[0].neighbors, grouped);
    let values: Vec<_> = grouped.iter().map(|near| near.word == "queen").collect();
    assert!(values.len() == 2 && values.contains(&true) && values.contains(&false), "{grouped:?}");
    // Each group may be looked for among 10,000 words, of which a batch has a million.
    let many = pb::NearestRequest { group_by: group_by.clone(), k: Some(1), ..nearest(&["man"]) };
    let batch = pb::NearestBatchRequest { table: "en".to_owned(), queries: vec![many; 101] };
    assert_eq!(search.nearest_batch(batch).await.unwrap_err().code(), Code::InvalidArgument);
    let ask = pb::NearestRequest { group_by, diversity: Some(0.5), ..nearest(&["king"]) };
    assert_eq!(search.nearest(ask).await.unwrap_err().code(), Code::InvalidArgument);
    let plain = search.nearest(nearest(&["king"])).await.unwrap().into_inner();
    let near = &plain.neighbors[0];
    assert!(near.vector.is_none() && near.norm.is_none() && near.attributes.is_empty());
    let queries = vec![word("queen")];
    let ask =
        pb::LookupRequest { table: "en".to_owned(), queries, packed: true, ..Default::default() };
    let found = tables.lookup(ask).await.unwrap().into_inner().vectors;
    assert_eq!(found[0].vector.as_ref().unwrap().packed, packed);

    let filter =
        |text: &str| Some(pb::Filter { matching: vec![text.to_owned()], ..pb::Filter::default() });
    let count = async |filter| {
        let ask = pb::CountWordsRequest { table: "en".to_owned(), filter };
        let mut tables = tables.clone();
        tables.count_words(ask).await.map(|answer| answer.into_inner().count)
    };
    assert_eq!(count(None).await.unwrap(), 8);
    assert_eq!(count(filter("freq between 1 and 5")).await.unwrap(), 2);
    assert_eq!(reason(&count(filter("frequency = 1")).await.unwrap_err()).1, "INVALID_FIELD");

    let attribute = "freq".to_owned();
    let ask = pb::FacetsRequest { table: "en".to_owned(), attribute, ..Default::default() };
    let facets = tables.facets(ask).await.unwrap().into_inner();
    let told: Vec<_> =
        facets.facets.iter().map(|facet| (facet.value.clone(), facet.count)).collect();
    assert_eq!(told, [(Some(number(3.0)), 2), (Some(number(9.0)), 1)]);
    assert_eq!((facets.distinct_count, facets.having_count, facets.word_count), (2, 3, 8));

    let attribute = "frequency".to_owned();
    let ask = pb::FacetsRequest { table: "en".to_owned(), attribute, ..Default::default() };
    let refused = tables.facets(ask).await.unwrap_err();
    assert!(refused.message().contains("the attributes are freq"), "{refused:?}");
    let group_by = "frequency".to_owned();
    let refused = search.nearest(pb::NearestRequest { group_by, ..nearest(&["king"]) }).await;
    assert_eq!(reason(&refused.unwrap_err()).1, "INVALID_FIELD");

    let order = pb::WordOrder { attribute: "freq".to_owned(), descending: true };
    let mut ask = pb::ListWordsRequest {
        table: "en".to_owned(),
        page_size: Some(1),
        offset: 1,
        order: Some(order),
        include: Some(pb::Include { attributes: true, ..Default::default() }),
        ..Default::default()
    };
    let mut listed = Vec::new();
    loop {
        let page = tables.list_words(ask.clone()).await.unwrap().into_inner();
        assert!(page.words.iter().all(|word| word.attributes["freq"] == number(3.0)));
        listed.extend(page.words.into_iter().map(|word| word.word));
        ask.page_token = page.next_page_token;
        if ask.page_token.is_empty() {
            break;
        }
    }
    assert_eq!(listed, ["king", "pear"]);
    ask.page_token = "0-0-0".to_owned();
    assert_eq!(tables.list_words(ask).await.unwrap_err().code(), Code::InvalidArgument);
    let sample = pb::SampleWordsRequest {
        table: "en".to_owned(),
        count: Some(4),
        seed: 7,
        filter: filter("not freq = 9"),
        include: None,
    };
    let drawn = tables.sample_words(sample.clone()).await.unwrap().into_inner().words;
    assert!(drawn.len() == 4 && drawn.iter().all(|word| word.word != "queen"));
    assert_eq!(tables.sample_words(sample).await.unwrap().into_inner().words, drawn);
    server.stop().await;
}

fn message(id: u64, table: &str, words: &[&str]) -> pb::NearestStreamRequest {
    let query = |word: &&str| pb::NearestRequest { table: String::new(), ..nearest(&[word]) };
    let queries = words.iter().map(query).collect();
    pb::NearestStreamRequest { id, table: table.to_owned(), queries }
}

#[tokio::test]
async fn a_stream_answers_in_order_and_outlives_questions_that_fail() {
    use pb::nearest_result::Result::{Answer, Error};
    let (server, channel) = small().await;
    let mut search = SearchServiceClient::new(channel.clone());
    let mut slow = message(7, "", &["king"]);
    slow.queries[0].filter = Some(pb::Filter { regex: "e".to_owned(), ..pb::Filter::default() });
    let messages = [
        message(3, "en", &["king", "kong", "pear"]),
        slow,
        message(1, "", &["apple"]),
        message(1, "fr", &["apple"]),
        message(9, "en", &[]),
        message(4, "en", &["king"; 60]),
        message(5, "", &["queen"; 60]),
        message(2, "", &["queen", ""]),
        message(6, "", &["king"; 60]),
    ];
    let stream = search.nearest_stream(tokio_stream::iter(messages)).await.unwrap();
    let mut stream = stream.into_inner();
    let mut got = Vec::new();
    while let Some(response) = stream.message().await.unwrap() {
        let one = |result: pb::NearestResult| match result.result.unwrap() {
            Answer(answer) => answer.neighbors[0].word.clone(),
            Error(error) => error.reason,
        };
        got.push((response.id, response.results.into_iter().map(one).collect::<Vec<_>>()));
    }
    let want: [(u64, &[&str]); 9] = [
        (3, &["prince", "UNKNOWN_WORDS", "apple"]),
        (7, &["prince"]),
        (1, &["pear"]),
        (1, &["TABLE_NOT_FOUND"]),
        (9, &[]),
        (4, &["prince"; 60]),
        (5, &["Paris"; 60]),
        (2, &["Paris", "INVALID_FIELD"]),
        (6, &["prince"; 60]),
    ];
    let got: Vec<(u64, Vec<&str>)> = got
        .iter()
        .map(|(id, results)| (*id, results.iter().map(String::as_str).collect()))
        .collect();
    assert_eq!(got, want.map(|(id, results)| (id, results.to_vec())));

    // An open stream ends when the server closes, and with its deadline.
    let (sender, questions) = tokio::sync::mpsc::channel(4);
    let stream = tokio_stream::wrappers::ReceiverStream::new(questions);
    let mut ask = tonic::Request::new(stream);
    ask.set_timeout(std::time::Duration::from_millis(50));
    let mut answers = search.nearest_stream(ask).await.unwrap().into_inner();
    sender.send(message(0, "en", &["king"])).await.unwrap();
    assert_eq!(answers.message().await.unwrap().unwrap().results.len(), 1);
    assert_eq!(answers.message().await.unwrap_err().code(), Code::DeadlineExceeded);
    let (sender, questions) = tokio::sync::mpsc::channel(4);
    let stream = tokio_stream::wrappers::ReceiverStream::new(questions);
    let mut answers = search.nearest_stream(stream).await.unwrap().into_inner();
    sender.send(message(0, "en", &["king"])).await.unwrap();
    assert_eq!(answers.message().await.unwrap().unwrap().results.len(), 1);
    let stopping = tokio::spawn(server.stop());
    assert_eq!(answers.message().await.unwrap_err().code(), Code::Unavailable);
    stopping.await.unwrap();
}

#[tokio::test]
async fn health_tells_what_is_odd_and_recall_needs_a_graph() {
    let server = Server::start().await;
    let channel = server.channel().await;
    let file = format!("{SMALL}nothing 0 0 0\nKing 2.0 1.0 0.0\n");
    import(&channel, header("en"), file.as_bytes()).await.unwrap();
    let mut tables = TableServiceClient::new(channel.clone());
    let ask = pb::HealthRequest { table: "en".to_owned(), ..pb::HealthRequest::default() };
    let health = tables.health(ask).await.unwrap().into_inner();
    assert_eq!((health.row_count, health.zero_count), (10, 1));
    assert_eq!(health.zero_examples[0].word, "nothing");
    let group = &health.duplicates[0];
    let equal: Vec<_> = group.examples.iter().map(|word| word.word.as_str()).collect();
    assert_eq!((health.duplicate_count, equal), (1, vec!["king", "King"]));
    assert_eq!((health.norms[0].row_count, health.hubs.unwrap().query_count), (10, 9));
    assert_eq!(health.isotropy.unwrap().component_shares.len(), 3);

    let mut search = SearchServiceClient::new(channel);
    let mut ask = pb::RecallRequest { table: "en".to_owned(), ..pb::RecallRequest::default() };
    let status = search.recall(ask.clone()).await.unwrap_err();
    assert_eq!(reason(&status), (Code::FailedPrecondition, "UNSUITED_TABLE".to_owned()));
    ask.ef_search = vec![0];
    assert_eq!(reason(&search.recall(ask).await.unwrap_err()).1, "INVALID_FIELD");
    server.stop().await;
}
