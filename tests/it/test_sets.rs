//! Stored test sets, and nonsense put to every call of the probes and the test sets.

use tonic::Code;
use wordspace::client::{CallError, Client, ImportHeader, chunks};
use wordspace::proto as pb;
use wordspace::proto::{ProbeMetric, TestSetKind, WordSet};

use crate::support::{Server, header, root, word};

const FAMILY: &[u8] = b": family\nking queen man woman\nboy girl prince princess\n";
const PAIRS: &[u8] = b"king queen 8\ncat dog 7\ncat king 1\n";
const CATEGORIES: &[u8] = b": royal\nking queen prince\n: place\nparis london rome\n";
const OUTLIERS: &[u8] = b": food\nbreakfast\nlunch\ndinner\n\nking\n";

async fn import(client: &Client, table: &str, file: impl Into<Vec<u8>>) {
    let header = ImportHeader { source: table.to_owned(), ..header(table) };
    client.import(header, chunks(std::io::Cursor::new(file.into())), |_| {}).await.unwrap();
}

async fn server() -> (Server, Client) {
    let server = Server::start().await;
    let client = Client::connect(&server.url).await.unwrap();
    let glove = root().join("tests/data/golden/glove.50d.txt");
    import(&client, "glove", std::fs::read(glove).unwrap()).await;
    (server, client)
}

fn put(name: &str, kind: TestSetKind, file: &[u8]) -> pb::PutTestSetRequest {
    let (name, file, source) = (name.to_owned(), file.to_vec(), "made up".to_owned());
    pb::PutTestSetRequest { name, kind: kind.into(), file, source, replace: false }
}

fn code<T>(answer: &Result<T, CallError>) -> Code {
    match answer {
        Ok(_) => Code::Ok,
        Err(CallError::Refused(refusal)) => refusal.code,
        Err(error) => panic!("{error}"),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "as the fields of requests are")]
fn set(words: &[&str]) -> Option<WordSet> {
    let words = words.iter().map(|&word| word.to_owned()).collect();
    Some(WordSet { name: String::new(), words })
}

fn glove() -> Vec<String> {
    vec!["glove".to_owned()]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_test_set_answers_as_its_file_does_and_survives() {
    let (server, client) = server().await;
    for (name, kind, file) in [
        ("family", TestSetKind::Analogies, FAMILY),
        ("pairs", TestSetKind::WordPairs, PAIRS),
        ("sorts", TestSetKind::Categories, CATEGORIES),
        ("odd", TestSetKind::Outliers, OUTLIERS),
    ] {
        let stored = client.put_test_set(put(name, kind, file)).await.unwrap().test_set.unwrap();
        assert_eq!((stored.kind(), stored.file_bytes), (kind, file.len() as u64));
    }
    let again = client.put_test_set(put("family", TestSetKind::Analogies, PAIRS)).await;
    assert_eq!(code(&again), Code::InvalidArgument, "none of its kind");
    let again = client.put_test_set(put("family", TestSetKind::Analogies, FAMILY)).await;
    assert_eq!(code(&again), Code::AlreadyExists);
    let again = pb::PutTestSetRequest {
        replace: true,
        ..put("family", TestSetKind::Analogies, b": f\nking queen man woman\n")
    };
    client.put_test_set(again).await.unwrap();

    let server = Server::start_on(server.stop().await).await;
    let client = Client::connect(&server.url).await.unwrap();
    let listed = client.list_test_sets(pb::ListTestSetsRequest {}).await.unwrap().test_sets;
    let listed: Vec<_> = listed.iter().map(|set| (set.name.as_str(), set.entry_count)).collect();
    assert_eq!(listed, [("family", 1), ("odd", 1), ("pairs", 3), ("sorts", 6)]);
    let ask = |file: &[u8], test_set: &str| pb::WordPairsRequest {
        tables: glove(),
        file: file.to_vec(),
        test_set: test_set.to_owned(),
        ..Default::default()
    };
    let by_name = client.word_pairs(ask(b"", "pairs")).await.unwrap();
    assert_eq!(by_name, client.word_pairs(ask(PAIRS, "")).await.unwrap());
    assert_eq!(code(&client.word_pairs(ask(PAIRS, "pairs")).await), Code::InvalidArgument);
    assert_eq!(code(&client.word_pairs(ask(b"", "family")).await), Code::InvalidArgument);
    assert_eq!(code(&client.word_pairs(ask(b"", "none")).await), Code::NotFound);
    assert_eq!(code(&client.word_pairs(ask(b"", "../pairs")).await), Code::InvalidArgument);
    let get = pb::GetTestSetRequest { name: "pairs".to_owned(), with_file: true };
    assert_eq!(client.get_test_set(get.clone()).await.unwrap().file, PAIRS);

    let file = server.data.path().join("shelf/test-sets/pairs");
    let mut bytes = std::fs::read(&file).unwrap();
    let last = bytes.len() - 8;
    bytes[last] ^= 1;
    let mut damaged = std::fs::File::create(&file).unwrap();
    std::io::Write::write_all(&mut damaged, &bytes).unwrap();
    assert_eq!(code(&client.word_pairs(ask(b"", "pairs")).await), Code::DataLoss);
    let delete = pb::DeleteTestSetRequest { name: "pairs".to_owned() };
    client.delete_test_set(delete.clone()).await.unwrap();
    assert_eq!(code(&client.delete_test_set(delete).await), Code::NotFound);
    assert_eq!(code(&client.get_test_set(get).await), Code::NotFound);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_debiased_table_keeps_attributes_and_is_compared_by_test_sets() {
    let (server, client) = server().await;
    client.put_test_set(put("pairs", TestSetKind::WordPairs, PAIRS)).await.unwrap();
    let value = pb::AttributeValue { value: Some(pb::attribute_value::Value::Text("NN".into())) };
    let attributes = [("pos".to_owned(), value)].into_iter().collect();
    let (query, remove) = (Some(word("nurse")), Vec::new());
    let changes = vec![pb::set_attributes_request::Change { query, set: attributes, remove }];
    let table = "glove".to_owned();
    let request = pb::SetAttributesRequest { table, changes, ..Default::default() };
    client.set_attributes(request).await.unwrap();
    let own = |kind: TestSetKind, file: &[u8]| pb::DebiasTestSet {
        name: "mine".to_owned(),
        kind: kind.into(),
        file: file.to_vec(),
    };
    let request = pb::DebiasRequest {
        table: "glove".to_owned(),
        target: "fair".to_owned(),
        from: set(&["he", "man", "father"]),
        to: set(&["she", "woman", "mother"]),
        test_sets: vec![
            pb::DebiasTestSet { name: "pairs".to_owned(), ..Default::default() },
            own(TestSetKind::Analogies, FAMILY),
            own(TestSetKind::Categories, CATEGORIES),
            own(TestSetKind::Outliers, OUTLIERS),
        ],
        ..Default::default()
    };
    let report = client.debias(request.clone(), |_| {}).await.unwrap();
    assert_eq!(report.attributed_row_count, 1);
    for name in ["pairs: Spearman", "mine: right answers", "mine: purity", "mine: accuracy"] {
        let probe = report.probes.iter().find(|probe| probe.name == name).expect(name);
        assert!(probe.before.is_some() && probe.after.is_some(), "{probe:?}");
    }
    let lookup = pb::LookupRequest {
        table: "fair".to_owned(),
        queries: vec![word("nurse")],
        ..Default::default()
    };
    let found = client.lookup(lookup).await.unwrap();
    assert!(format!("{found:?}").contains("NN"), "{found:?}");
    for (sets, wanted) in [
        (vec![pb::DebiasTestSet { name: "none".to_owned(), ..Default::default() }], Code::NotFound),
        (vec![own(TestSetKind::Unspecified, FAMILY)], Code::InvalidArgument),
        (vec![own(TestSetKind::Analogies, b"x")], Code::InvalidArgument),
        (vec![own(TestSetKind::Analogies, FAMILY); 17], Code::InvalidArgument),
    ] {
        let target = "other".to_owned();
        let request = pb::DebiasRequest { target, test_sets: sets, ..request.clone() };
        assert_eq!(code(&client.debias(request, |_| {}).await), wanted);
    }
    let tables = client.list_tables(pb::ListTablesRequest::default()).await.unwrap().tables;
    assert_eq!(tables.len(), 2, "nothing was made of what was refused");
    server.stop().await;
}

/// Tables in which little can be measured.
async fn odd_tables(client: &Client) {
    import(client, "two", "a 1 0\nb 0 1\n").await;
    import(client, "alike", "a 1 1\nb 1 1\nc 1 1\nd 1 1\n").await;
    import(client, "zeros", "a 0 0\nb 0 0\nc 0 0\nd 1 0\n").await;
}

fn weat(table: &str, sets: [&[&str]; 4]) -> pb::WeatRequest {
    let [x, y, a, b] = sets.map(set);
    pb::WeatRequest { table: table.to_owned(), x, y, a, b, ..Default::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_put_to_association_tests_is_answered_or_refused() {
    let (server, client) = server().await;
    odd_tables(&client).await;
    let plain: [&[&str]; 4] = [&["king"], &["queen"], &["man"], &["woman"]];
    let many = vec!["king"; 1_024];
    let too_many = vec!["king"; 1_025];
    let threshold =
        |share: f64| pb::WeatRequest { lost_threshold: Some(share), ..weat("glove", plain) };
    let suite =
        |suite: &str, x| pb::WeatRequest { suite: suite.to_owned(), x, ..weat("glove", [&[]; 4]) };
    for (what, request, wanted) in [
        ("one word each", weat("glove", plain), Code::Ok),
        ("two rows", weat("two", [&["a"], &["b"], &["a"], &["b"]]), Code::Ok),
        ("an empty set", weat("glove", [&[], &["a"], &["b"], &["c"]]), Code::InvalidArgument),
        (
            "nobody knows",
            weat("glove", [&["zz"], plain[1], plain[2], plain[3]]),
            Code::FailedPrecondition,
        ),
        (
            "overlapping",
            weat("glove", [&["king", "cat"], &["king", "dog"], plain[2], plain[3]]),
            Code::Ok,
        ),
        (
            "the same",
            weat("glove", [plain[0], plain[0], plain[2], plain[2]]),
            Code::FailedPrecondition,
        ),
        ("constants", weat("alike", [&["a"], &["b"], &["c"], &["d"]]), Code::FailedPrecondition),
        ("zeros", weat("zeros", [&["a"], &["b"], &["c"], &["d"]]), Code::FailedPrecondition),
        ("a thousand", weat("glove", [&many, plain[1], plain[2], plain[3]]), Code::Ok),
        (
            "too many",
            weat("glove", [&too_many, plain[1], plain[2], plain[3]]),
            Code::InvalidArgument,
        ),
        ("no number", threshold(f64::NAN), Code::InvalidArgument),
        ("below 0", threshold(-0.5), Code::InvalidArgument),
        ("no suite", suite("career", None), Code::InvalidArgument),
        ("suite and sets", suite("career-family", set(&["a"])), Code::InvalidArgument),
        ("no table", weat("nope", plain), Code::NotFound),
    ] {
        let answer = client.weat(request).await;
        assert_eq!(code(&answer), wanted, "{what}: {answer:?}");
        let Ok(answer) = answer else { continue };
        let figures = [answer.effect_size, answer.p_value, answer.p_value_two_sided];
        assert!(figures.iter().all(|figure| figure.is_finite()), "{what}: {answer:?}");
    }
    for (table, words, a, wanted) in [
        ("two", &["a"][..], &["a"][..], Code::Ok),
        ("zeros", &["a"], &["d"], Code::Ok),
        ("glove", &[], &["a"], Code::InvalidArgument),
        ("glove", &["zz"], &["king"], Code::FailedPrecondition),
        ("glove", &many, &["king"], Code::Ok),
    ] {
        let b = if table == "glove" { set(&["queen"]) } else { set(&["b"]) };
        let (table, words, a) = (table.to_owned(), set(words), set(a));
        let request = pb::SingleWeatRequest { table, words, a, b, ..Default::default() };
        assert_eq!(code(&client.single_weat(request).await), wanted);
    }
    let suite = |table: &str, language: &str| pb::WeatSuiteRequest {
        table: table.to_owned(),
        language: language.to_owned(),
        ..Default::default()
    };
    let none = client.weat_suite(suite("two", "zh")).await.unwrap();
    assert!(none.tests.len() == 6 && none.tests.iter().all(|test| !test.problem.is_empty()));
    assert_eq!(code(&client.weat_suite(suite("two", "xx")).await), Code::InvalidArgument);
    server.stop().await;
}

fn probe(
    metric: ProbeMetric,
    table: &str,
    targets: [&[&str]; 2],
    words: &[&str],
) -> pb::ProbeRequest {
    let sets = |sets: &[&[&str]]| sets.iter().filter_map(|&words| set(words)).collect();
    let two = matches!(metric, ProbeMetric::Rnsb | ProbeMetric::IndirectBias);
    let attributes = if two { sets(&[words, words]) } else { sets(&[words]) };
    pb::ProbeRequest {
        table: table.to_owned(),
        metric: metric.into(),
        targets: sets(&targets),
        attributes,
        ..Default::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_put_to_probes_is_answered_or_refused() {
    let (server, client) = server().await;
    odd_tables(&client).await;
    let many: Vec<&str> = ["doctor", "nurse", "king"].into_iter().cycle().take(1_000).collect();
    for metric in [
        ProbeMetric::Rnd,
        ProbeMetric::Rnsb,
        ProbeMetric::Mac,
        ProbeMetric::Ect,
        ProbeMetric::Ripa,
        ProbeMetric::DirectBias,
        ProbeMetric::IndirectBias,
    ] {
        let he: [&[&str]; 2] = [&["he"], &["she"]];
        for (what, request) in [
            ("two rows", probe(metric, "two", [&["a"], &["b"]], &["a", "b"])),
            ("constants", probe(metric, "alike", [&["a"], &["b"]], &["c", "d"])),
            ("zeros", probe(metric, "zeros", [&["a"], &["b"]], &["c", "d"])),
            ("doubled", probe(metric, "glove", [&["he", "he"], &["she", "she"]], &["nurse"; 3])),
            ("shared", probe(metric, "glove", [&["he", "she"], &["he", "she"]], &["he"])),
            ("a thousand", probe(metric, "glove", he, &many)),
            ("a thousand targets", probe(metric, "glove", [&many, &many], &["nurse"])),
        ] {
            let answer = client.probe(request).await;
            let told = code(&answer);
            let fine = matches!(told, Code::Ok | Code::FailedPrecondition | Code::InvalidArgument);
            assert!(fine, "{metric:?}, {what}: {answer:?}");
            let value = answer.ok().and_then(|answer| answer.value);
            assert!(value.is_none_or(f64::is_finite), "{metric:?}, {what}: {value:?}");
        }
        for (what, request) in [
            (
                "nothing",
                pb::ProbeRequest {
                    table: "glove".to_owned(),
                    metric: metric.into(),
                    ..Default::default()
                },
            ),
            ("no words", probe(metric, "glove", [&[], &[]], &[])),
            (
                "no number",
                pb::ProbeRequest {
                    strictness: Some(f64::NAN),
                    ..probe(metric, "glove", he, &["nurse"])
                },
            ),
        ] {
            let answer = client.probe(request).await;
            assert_eq!(code(&answer), Code::InvalidArgument, "{metric:?}, {what}: {answer:?}");
        }
    }
    let (from, to) = (set(&["a"]), set(&["b"]));
    for (table, wanted) in [("two", Code::Ok), ("alike", Code::FailedPrecondition)] {
        let (table, from, to) = (table.to_owned(), from.clone(), to.clone());
        let request = pb::GenerateAnalogiesRequest {
            table: table.clone(),
            from: from.clone(),
            to: to.clone(),
            ..Default::default()
        };
        assert_eq!(code(&client.generate_analogies(request.clone()).await), wanted, "{table}");
        let request = pb::GenerateAnalogiesRequest { delta: Some(f64::NAN), ..request };
        assert_eq!(code(&client.generate_analogies(request).await), Code::InvalidArgument);
        let request = pb::BiasedClustersRequest {
            table: table.clone(),
            from: from.clone(),
            to: to.clone(),
            ..Default::default()
        };
        // Two words beside those given are needed.
        let answer = client.biased_clusters(request).await;
        assert_eq!(code(&answer), Code::FailedPrecondition, "{table}: {answer:?}");
        let target = format!("{table}-fair");
        let request =
            pb::DebiasRequest { table: table.clone(), target, from, to, ..Default::default() };
        let answer = client.debias(request, |_| {}).await;
        assert_eq!(code(&answer), wanted, "{table}: {answer:?}");
    }
    let request = pb::ProjectRequest {
        table: "alike".to_owned(),
        from,
        to,
        queries: vec![word("a")],
        ..Default::default()
    };
    assert_eq!(code(&client.project(request).await), Code::FailedPrecondition);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_put_to_test_sets_is_refused() {
    let (server, client) = server().await;
    let (long, binary) = (vec![b'x'; 1 << 20], [0_u8, 159, 146, 150, 255]);
    let files: [(&str, &[u8]); 6] = [
        ("empty", b""),
        ("blank", b"\n\n \n"),
        ("comments", b"# a\n# b\n"),
        ("binary", &binary),
        ("a huge line", &long),
        ("a name alone", b": section\n"),
    ];
    for (what, file) in files {
        let (tables, file) = (glove(), file.to_vec());
        let request = pb::AnalogiesRequest {
            tables: tables.clone(),
            file: file.clone(),
            ..Default::default()
        };
        assert_eq!(code(&client.analogies(request).await), Code::InvalidArgument, "{what}");
        let request = pb::WordPairsRequest {
            tables: tables.clone(),
            file: file.clone(),
            ..Default::default()
        };
        assert_eq!(code(&client.word_pairs(request).await), Code::InvalidArgument, "{what}");
        let request = pb::CategoriesRequest {
            tables: tables.clone(),
            file: file.clone(),
            ..Default::default()
        };
        assert_eq!(code(&client.categories(request).await), Code::InvalidArgument, "{what}");
        let request = pb::OutliersRequest { tables, file: file.clone(), ..Default::default() };
        assert_eq!(code(&client.outliers(request).await), Code::InvalidArgument, "{what}");
        let request = put("odd", TestSetKind::Analogies, &file);
        assert_eq!(code(&client.put_test_set(request).await), Code::InvalidArgument, "{what}");
    }
    let request = put("odd", TestSetKind::Unspecified, FAMILY);
    assert_eq!(code(&client.put_test_set(request).await), Code::InvalidArgument);
    let request = put("a/b", TestSetKind::Analogies, FAMILY);
    assert_eq!(code(&client.put_test_set(request).await), Code::InvalidArgument);
    for (tables, wanted) in [
        (vec![], Code::InvalidArgument),
        (vec!["glove".to_owned(); 17], Code::InvalidArgument),
        (vec!["..".to_owned()], Code::InvalidArgument),
        (vec!["nope".to_owned()], Code::NotFound),
    ] {
        let request = pb::AnalogiesRequest { tables, file: FAMILY.to_vec(), ..Default::default() };
        assert_eq!(code(&client.analogies(request).await), wanted);
    }
    // Nothing of the file is known.
    let file = b": x\nzza zzb zzc zzd\n".to_vec();
    let request = pb::AnalogiesRequest { tables: glove(), file, ..Default::default() };
    let total = client.analogies(request).await.unwrap().tables[0].total.clone().unwrap();
    assert_eq!((total.question_count, total.asked_count), (1, 0));
    let file = b": x\nzza zzb\n: y\nzzc\n".to_vec();
    let request = pb::CategoriesRequest { tables: glove(), file, ..Default::default() };
    assert_eq!(code(&client.categories(request).await), Code::FailedPrecondition);
    let file = b"zza\nzzb\n\nzzc\n".to_vec();
    let request = pb::OutliersRequest { tables: glove(), file, ..Default::default() };
    let total = client.outliers(request).await.unwrap().tables[0].total.clone().unwrap();
    assert!(total.asked_count == 0 && total.accuracy.is_finite());
    server.stop().await;
}
